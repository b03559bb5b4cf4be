//! How far a file is, on standard error: a bar on a terminal; elsewhere lines, and only where they were asked for.

use std::path::Path;
use std::time::Duration;

use indicatif::ProgressBar;
use inventory::report::{Flow, Progress};
use tokio::time::Instant;

use super::watched::progress_bar;

/// A line at most so often.
const TELL: Duration = Duration::from_millis(500);

/// One file that is being written.
pub struct Writing {
    name: String,
    bar: ProgressBar,
    /// Lines were asked for, and there is no bar.
    lines: bool,
    told: Option<Instant>,
}

impl Writing {
    /// Begins to tell of a file.
    pub fn new(path: &Path, asked: bool) -> Self {
        let bar = progress_bar();
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        bar.set_message(name.clone());
        let lines = asked && bar.is_hidden();
        Writing { name, bar, lines, told: None }
    }

    /// So many groups of so many are in it.
    pub fn see(&mut self, Progress { done, total }: Progress) -> Flow {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        let due = self.told.is_none_or(|told| told.elapsed() >= TELL);
        if self.lines && (due || done == total) {
            self.told = Some(Instant::now());
            eprintln!("inv-daemon: {}: {done} of {total} groups", self.name);
        }
        Flow::On
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
