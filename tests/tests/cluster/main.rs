//! The whole path of a bill on real servers (and standalone beside them), in one program: one module for each kind of
//! fault or promise. `cargo xtask test` builds the daemon, starts the servers and runs each test in a process of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::float_arithmetic)]

mod audit_faults;
mod audit_log_files;
mod audit_planted;
mod audit_traffic;
mod catalog;
mod check;
mod crash_points;
mod day_faults;
mod disk_faults;
mod group_faults;
mod kill;
mod ledger_faults;
mod log_faults;
mod many_tables;
mod oracle;
mod path;
mod poison;
mod queue_faults;
mod replay;
mod replay_crash;
mod replay_faults;
mod report;
mod report_ends;
mod restore;
mod spec_scripts;
mod stock_faults;
