//! The engine's tests against real servers, in one program: `cargo xtask test` starts the servers and names them in the
//! environment. Without them these tests fail; they are never left out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod kafka_bench;
#[path = "../ledger/mod.rs"]
mod ledger;
mod ledger_mysql;
mod queue_kafka;
mod status_kafka;
mod stock_cases;
mod stock_redis;
mod stock_redis_cluster;
mod stock_redis_faults;
#[path = "../whole/mod.rs"]
mod whole;
mod whole_path_kafka;
