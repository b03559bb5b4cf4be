//! The same stories in a cluster: a real Kafka (two partitions), MariaDB and Redis, named by TWINSTOCK_TEST_KAFKA,
//! TWINSTOCK_TEST_MYSQL_URL and TWINSTOCK_TEST_REDIS_URL (its database 9 is emptied). Fails without them.

use crate::whole::cluster::ClusterSite;
use crate::whole::story::{Shape, stories};

#[test]
fn accepted_is_counted_once_whatever_happens_in_a_cluster() {
    stories(&Shape { days: 6, most_steps: 8 }, 5, 80, ClusterSite::open);
}
