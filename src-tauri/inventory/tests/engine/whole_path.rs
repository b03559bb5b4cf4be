//! The engine from queue to both stores over the embedded stores, against a replay of a few lines: random bills,
//! duplicates, poison, regrouping, crashes, losses of either store, compaction. Shrinks to the shortest story that
//! fails. TWINSTOCK_TEST_SEED replays a seed; TWINSTOCK_TEST_LONG=1 tells more stories.

use crate::whole::local::LocalSite;
use crate::whole::story::{Shape, stories};

#[test]
fn accepted_is_counted_once_whatever_happens() {
    stories(&Shape { days: 12, most_steps: 14 }, 60, 1_000, LocalSite::open);
}
