//! The shell's status bar and the sample data: what runs, what waits, what is known to be wrong.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::audit::AuditOutcome;
use super::{Failure, Words};

/// Where the three stores live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Mode {
    /// Embedded stores, no server.
    Standalone,
    /// Kafka, MySQL/MariaDB, Redis.
    Cluster,
}

/// One of the three stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Part {
    /// Kafka, or the local outbox read by offset.
    Queue,
    /// The relational ledger.
    Ledger,
    /// The stock store.
    Stock,
}

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Health {
    /// Being opened.
    Starting,
    /// Answers.
    Up,
    /// Does not answer, or stopped; `detail` says why.
    Down,
}

/// One part of the status bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PartStatus {
    /// Which.
    pub part: Part,
    /// How it is.
    pub state: Health,
    /// What is wrong, nothing when all is well.
    pub detail: Words,
}

/// What a partition's writer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SourceState {
    /// Entries are being counted.
    Running,
    /// Waits (another process has it, or a store is away); goes on by itself.
    Paused,
    /// Stopped loudly; `reason` says what a person must do.
    Stopped,
}

/// One partition, as `inv-daemon status` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SourceStatus {
    /// Name that stands in `at`, such as `8f3a01c2.3`.
    pub source: String,
    /// Topic.
    pub topic: String,
    /// Partition number.
    pub partition: i32,
    /// Everything below it is in the ledger.
    #[ts(type = "number")]
    pub next_offset: i64,
    /// End of the log.
    #[ts(type = "number")]
    pub end_offset: i64,
    /// Entries between the two.
    #[ts(type = "number")]
    pub lag: i64,
    /// What its writer does.
    pub state: SourceState,
    /// Why it does not run; nothing when it does.
    pub reason: Words,
}

/// The last audit's summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LastAudit {
    /// Its number.
    #[ts(type = "number")]
    pub id: i64,
    /// When it began.
    pub at: String,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// Lines in its log: what deviates or was corrected.
    #[ts(type = "number")]
    pub lines: i64,
}

/// Everything the status bar shows. Sent by `status_watch` once a second when it changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Status {
    /// Version of the program.
    pub version: String,
    /// Mode.
    pub mode: Mode,
    /// Why the engine is not open, if it is not: the UI shows it in place of every screen but Settings.
    pub trouble: Option<Failure>,
    /// queue, ledger, stock, always all three, in this order.
    pub parts: Vec<PartStatus>,
    /// Entries saved here and not yet in the queue.
    #[ts(type = "number")]
    pub waiting: i64,
    /// Entries in the queue and not yet in the ledger (sum over the sources).
    #[ts(type = "number")]
    pub lag: i64,
    /// Rejected entries that were not resubmitted.
    #[ts(type = "number")]
    pub rejected: i64,
    /// Every partition known here.
    pub sources: Vec<SourceStatus>,
    /// Last audit, if there was one.
    pub last_audit: Option<LastAudit>,
    /// No entry was ever counted: the empty screens offer sample data.
    pub empty: bool,
    /// Another process is filling or this one is: sample data in progress.
    pub demo_running: bool,
}

/// Progress of `demo_fill`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DemoProgress {
    /// Entries in the outbox so far.
    #[ts(type = "number")]
    pub saved: i64,
    /// Entries counted in the ledger so far.
    #[ts(type = "number")]
    pub counted: i64,
    /// All entries.
    #[ts(type = "number")]
    pub total: i64,
    /// The last message.
    pub done: bool,
}
