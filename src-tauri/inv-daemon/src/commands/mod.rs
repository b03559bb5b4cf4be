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
mod stop;
mod watched;
mod writing;

use std::path::Path;
use std::sync::Arc;

use inventory::config::Config;
use inventory::domain::error::{Code, Error, Result};
use inventory::domain::words::Words;
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

/// A moment as this machine's wall clock shows it, `YYYY-MM-DD HH:MM:SS`.
fn wall_of(epoch_ms: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(epoch_ms).unwrap_or_default();
    at.with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A day's first moment on this machine, milliseconds since the epoch. Where its clock skips midnight, the first hour
/// that there is.
fn midnight_ms(day: chrono::NaiveDate) -> i64 {
    let hours = (0..24).filter_map(|hour| day.and_hms_opt(hour, 0, 0));
    let found = hours.filter_map(|time| time.and_local_timezone(chrono::Local).earliest()).next();
    let unzoned = || day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
    found.map_or_else(unzoned, |at| at.timestamp_millis())
}

/// The clock that is handed to the engine.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(MachineClock)
}

/// A file named on the command line that cannot be read or written.
fn file_error(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Code::Config, Words::plain(format!("{}: {error}", path.display())))
}

/// Opens the engine with the stores that a command needs.
pub async fn open(config: Config, parts: Parts) -> Result<Engine> {
    Engine::open(config, parts, PROGRAM, clock()).await
}

/// The name under which this program holds the data directory.
pub const PROGRAM: &str = "inv-daemon";
