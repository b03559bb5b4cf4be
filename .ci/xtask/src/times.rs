//! How long each test took the last time, remembered in the target folder: the longest begin first, so that none of them
//! is left alone at the end. A guess where nothing is remembered; nothing but the order depends on it.
use crate::place::Place;
use crate::pool::Done;
use crate::steps::Step;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Seconds of tests that take long, by a part of their name, for a machine that has never run them.
const LONG: [(&str, u64); 12] = [
    ("row_34_no_false_alarm", 200),
    ("row_36_every_corruption", 150),
    ("desktop::kill", 120),
    ("every_screen_fits", 120),
    ("every_figure_is_the_sum", 90),
    ("row_40_thousands", 90),
    ("log_faults::", 80),
    ("row_36_whatever_is_planted", 80),
    ("crash_points::", 60),
    ("killed_at_every_step", 60),
    ("group_faults::", 50),
    ("tests/desktop", 40),
];
/// Of a test that nothing is known about.
const UNKNOWN: u64 = 10;

/// What is remembered.
pub struct Times {
    file: PathBuf,
    /// Milliseconds by step and name.
    known: BTreeMap<String, u64>,
}

fn key(step: Step, name: &str) -> String {
    format!("{} {name}", step.name())
}

impl Times {
    /// Reads them; a file that is missing or damaged is no file.
    pub fn read(place: &Place) -> Times {
        let file = place.target.join("test-times.json");
        let known = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Times { file, known: known.unwrap_or_default() }
    }

    /// How long it took the last time, or a guess.
    pub fn of(&self, step: Step, name: &str) -> Duration {
        match self.known.get(&key(step, name)) {
            Some(known) => Duration::from_millis(*known),
            None => {
                let long = LONG.iter().find(|(part, _)| name.contains(part));
                Duration::from_secs(long.map_or(UNKNOWN, |(_, seconds)| *seconds))
            }
        }
    }

    /// Remembers what was just measured.
    pub fn remember(&mut self, done: &[Done]) -> Result<()> {
        for one in done {
            let took = u64::try_from(one.took.as_millis()).unwrap_or(u64::MAX);
            self.known.insert(key(one.step, &one.name), took);
        }
        fs::write(&self.file, serde_json::to_vec_pretty(&self.known)?)
            .with_context(|| format!("cannot write {}", self.file.display()))
    }
}
