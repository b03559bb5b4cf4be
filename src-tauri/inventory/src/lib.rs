//! Twinstock's engine: opens the stores that the configuration names and hands out the running parts.

pub mod bill;
pub mod catalog;
pub mod config;
pub mod entry;
pub mod error;
pub mod ledger;
pub mod outbox;
pub mod queue;
pub mod stock;
pub mod wire;
