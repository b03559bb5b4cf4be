//! The one place of the desktop that reads the clock; everything else is told the time.

use chrono::{NaiveDateTime, Timelike};

/// The machine's clock, handed to the engine.
#[derive(Debug, Clone, Copy)]
pub struct MachineClock;

#[allow(clippy::disallowed_methods)] // shells read the clock and pass it in
impl inventory::Clock for MachineClock {
    fn wall(&self) -> NaiveDateTime {
        wall()
    }

    fn epoch_ms(&self) -> i64 {
        epoch_ms()
    }
}

/// The warehouse's wall clock, whole seconds.
#[allow(clippy::disallowed_methods)] // shells read the clock and pass it in
pub fn wall() -> NaiveDateTime {
    let now = chrono::Local::now().naive_local();
    now.with_nanosecond(0).unwrap_or(now)
}

/// Milliseconds since the epoch, UTC.
#[allow(clippy::disallowed_methods)] // shells read the clock and pass it in
pub fn epoch_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// A moment as the warehouse's wall clock shows it, `YYYY-MM-DD HH:MM:SS`.
pub fn wall_of(epoch_ms: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(epoch_ms).unwrap_or_default();
    at.with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A day's first moment on this machine, milliseconds since the epoch. Where its clock skips midnight, the first hour
/// that there is.
pub fn midnight_ms(day: chrono::NaiveDate) -> i64 {
    let hours = (0..24).filter_map(|hour| day.and_hms_opt(hour, 0, 0));
    let found = hours.filter_map(|time| time.and_local_timezone(chrono::Local).earliest()).next();
    found.map_or_else(
        || day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis(),
        |at| at.timestamp_millis(),
    )
}
