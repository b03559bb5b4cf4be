//! The engine's tests that need no server, in one program. A directory of modules has its `mod.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_arithmetic)]

mod chart;
mod chart_png;
mod fuzz;
#[path = "../ledger/mod.rs"]
mod ledger;
mod ledger_sqlite;
mod model;
mod print;
mod unusual;
#[path = "../whole/mod.rs"]
mod whole;
mod whole_path;
mod writer;
