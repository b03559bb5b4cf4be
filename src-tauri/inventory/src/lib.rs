//! Twinstock's engine: opens the stores that the configuration names and hands out the running parts.
//! Knows nothing of screens; the shells (`twinstock`, `inv-daemon`) read the clock and show what happens.

pub mod audit;
pub mod bill;
pub mod catalog;
pub mod chart;
pub mod compact;
pub mod config;
pub mod crash;
pub mod demo;
mod engine;
pub mod entry;
pub mod error;
pub mod fonts;
pub mod ledger;
pub mod live;
pub mod outbox;
pub mod part_file;
mod pdf;
pub mod print;
pub mod probe;
pub mod queue;
pub mod replay;
pub mod report;
pub mod setup;
pub mod source;
mod space;
pub mod stock;
pub mod wire;
pub mod words;
pub mod writer;

pub use audit::Request as AuditRequest;
pub use engine::running::{Progress, Running};
pub use engine::status::{SourceStatus, Status};
pub use engine::{Clock, Engine, Parts};
