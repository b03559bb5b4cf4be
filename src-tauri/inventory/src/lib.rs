//! Twinstock's engine as one piece: opens the stores that the configuration names and hands out the running parts.
//! Knows nothing of screens; the shells (`twinstock`, `inv-daemon`) read the clock and show what happens.

pub mod audit_print;
pub mod compact;
pub mod config;
pub mod demo;
mod disk_space;
mod engine;
pub mod live;
pub mod setup;

pub use audit::Request as AuditRequest;
pub use engine::running::{Progress, Running};
pub use engine::status::{SourceStatus, Status};
pub use engine::{Clock, Engine, Parts};

/// The packages that it is made of.
pub use {audit, crash_points, domain, ledger, probe, queue, report, stock, writer};
