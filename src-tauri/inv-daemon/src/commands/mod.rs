//! One file per command; each opens what it needs, asks the engine and prints.

pub mod audit;
pub mod catalog;
mod chart;
pub mod compact;
pub mod init;
pub mod replay;
pub mod report;
pub mod run;
pub mod send;
pub mod status;
pub mod stock;
mod watched;

use std::sync::Arc;

use inventory::config::Config;
use inventory::error::Result;
use inventory::{Clock, Engine, Parts};

/// The machine's clock: the one place of this program that reads it.
struct MachineClock;

#[allow(clippy::disallowed_methods)]
impl Clock for MachineClock {
    fn wall(&self) -> chrono::NaiveDateTime {
        chrono::Local::now().naive_local()
    }

    fn epoch_ms(&self) -> i64 {
        chrono::Utc::now().timestamp_millis()
    }
}

/// The clock that is handed to the engine.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(MachineClock)
}

/// Opens the engine with the stores that a command needs.
pub async fn open(config: Config, parts: Parts) -> Result<Engine> {
    Engine::open(config, parts, PROGRAM, clock()).await
}

/// The name under which this program holds the data directory.
pub const PROGRAM: &str = "inv-daemon";
