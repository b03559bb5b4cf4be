//! What a caller sees of a run while it goes on, and how it asks for its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::findings::{Phase, Progress};

/// A run's progress and its cancel button; clones share both.
#[derive(Debug, Clone)]
pub struct Watch {
    progress: Arc<watch::Sender<Progress>>,
    cancelled: Arc<AtomicBool>,
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

impl Watch {
    /// For one run.
    pub fn new() -> Self {
        Watch {
            progress: Arc::new(watch::Sender::new(Progress::default())),
            cancelled: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Follows the progress.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Asks for the end; the run ends at its next step, with what it has found so far.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the end was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Begins a phase.
    pub fn begin(&self, phase: Phase, total: u64) {
        self.progress.send_modify(|progress| *progress = Progress { phase, done: 0, total, ..*progress });
    }

    /// Tells a change.
    pub fn tell(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(change);
    }
}
