//! The Audit screen: runs, their deviations, progress, schedule, and the replay of the queue bill by bill. The
//! choices are the engine's own, by the names that scripts know.

use chrono::NaiveDate;
use inventory::audit::{findings, words};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::stock::KeyOf;
use crate::clock;

/// One of the engine's lists of choices, for the screen: same variants, same names.
macro_rules! choices {
    ($(#[$doc:meta])* $name:ident of $engine:ty: $($variant:ident),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
        #[serde(rename_all = "snake_case")]
        #[ts(export)]
        pub enum $name {
            $(
                #[doc = stringify!($variant)]
                $variant,
            )+
        }

        impl From<$engine> for $name {
            fn from(one: $engine) -> Self {
                match one { $(<$engine>::$variant => $name::$variant),+ }
            }
        }
    };
}

choices!(
    /// How much is looked at.
    AuditKind of findings::Kind: Quick, Full, Replay
);
choices!(
    /// Who wanted it.
    AuditTrigger of findings::Trigger: Click, Command, Time
);
choices!(
    /// How a run ended.
    AuditOutcome of findings::Outcome: Clean, Corrected, Deviations, Storm, Cancelled
);
choices!(
    /// Which store is wrong.
    AuditStore of findings::Store: Stock, Ledger
);
choices!(
    /// What was done about it.
    AuditAction of findings::Action: Corrected, Proposed, None
);
choices!(
    /// What is being done.
    AuditPhase of findings::Phase: Waiting, Keys, Tables, Confirming, Correcting, Queue
);
choices!(
    /// The proven cause of a deviation.
    AuditCause of findings::Cause: StockLost, StockDoubled, StockEdited, StockDamaged, StockUnknownKey, RowMissing,
        RowDoubled, RowChanged, RowForeign, TotalsWrong, BalancesWrong, SourceWrong, TableMissing, VerdictChanged,
        EntryIdReused
);
choices!(
    /// The specification's STATE.
    AuditState of words::State: Normal, NrsMissing, Doubled
);

impl AuditCause {
    /// The engine's own.
    pub fn engine(self) -> Option<findings::Cause> {
        findings::CAUSES.into_iter().find(|cause| AuditCause::from(*cause) == self)
    }
}

/// Where one source was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditCut {
    /// Its name, as in `at`.
    pub source: String,
    /// Everything below was in the ledger.
    #[ts(type = "number")]
    pub offset: i64,
}

/// One run, without its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditRun {
    /// Its number in `audits`; 0 when it was not written.
    #[ts(type = "number")]
    pub id: i64,
    /// Start.
    pub started: String,
    /// How long it took, milliseconds.
    #[ts(type = "number")]
    pub took_ms: i64,
    /// What was looked at.
    pub kind: AuditKind,
    /// Who wanted it.
    pub trigger: AuditTrigger,
    /// The program and machine, or the person.
    pub who: String,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// Keys judged.
    #[ts(type = "number")]
    pub keys: u64,
    /// Keys whose value equals the ledger.
    #[ts(type = "number")]
    pub equal: u64,
    /// Keys of which nothing can be said yet.
    #[ts(type = "number")]
    pub pending: u64,
    /// Values that are no stock of ours.
    #[ts(type = "number")]
    pub foreign: u64,
    /// Rows (replay: messages) read.
    #[ts(type = "number")]
    pub rows: u64,
    /// Tables read.
    #[ts(type = "number")]
    pub tables: u64,
    /// Keys that the stock had forgotten and that were brought forward.
    #[ts(type = "number")]
    pub brought: u64,
    /// Per source, where it was compared.
    pub cut: Vec<AuditCut>,
    /// Lines in its log.
    #[ts(type = "number")]
    pub lines: i64,
}

/// One deviation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditLine {
    /// Its number in `audit_log`.
    #[ts(type = "number")]
    pub id: i64,
    /// Its run.
    #[ts(type = "number")]
    pub audit_id: i64,
    /// When it was written.
    pub at: String,
    /// Key, source or table.
    pub subject: String,
    /// The key, where one is concerned.
    pub key: Option<KeyOf>,
    /// Name of the key's warehouse, else empty.
    pub warehouse_name: String,
    /// Name of the key's product, else empty.
    pub product_name: String,
    /// Keys that it may concern, where `key` is null.
    pub keys: Vec<KeyOf>,
    /// STATE.
    pub state: AuditState,
    /// STATE as the specification writes it.
    pub state_words: String,
    /// FLAG is T: a person has reviewed it.
    pub reviewed: bool,
    /// DESCRIPTION as the specification writes it.
    pub description: String,
    /// Quantity of the ledger.
    #[ts(type = "number")]
    pub rrs: i64,
    /// Quantity of the stock.
    #[ts(type = "number")]
    pub nrs: i64,
    /// nrs - rrs.
    #[ts(type = "number")]
    pub difference: i64,
    /// Why.
    pub cause: AuditCause,
    /// Which store is wrong.
    pub store: AuditStore,
    /// What was done.
    pub action: AuditAction,
    /// What stood there.
    pub before: String,
    /// What stands there now, or would.
    pub after: String,
}

/// Progress of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditProgress {
    /// What is being done.
    pub phase: AuditPhase,
    /// Keys, tables or messages done in this phase.
    #[ts(type = "number")]
    pub done: u64,
    /// Of how many; 0 = unknown.
    #[ts(type = "number")]
    pub total: u64,
    /// Rows or messages read in the whole run.
    #[ts(type = "number")]
    pub rows: u64,
    /// Deviations found so far.
    #[ts(type = "number")]
    pub found: u64,
    /// Since the run began, milliseconds.
    #[ts(type = "number")]
    pub elapsed_ms: u64,
}

/// The schedule, and the last run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditOverview {
    /// Newest audit, whoever made it; a replay is none.
    pub last: Option<AuditRun>,
    /// LASTCHECK: begin of the last audit that left nothing; null: never.
    pub last_check: Option<String>,
    /// When the next one is due by time; null: as soon as somebody runs.
    pub next: Option<String>,
    /// `[audit] expiration`, seconds.
    #[ts(type = "number")]
    pub expiration: u64,
    /// A run started here is under way.
    pub running: bool,
}

/// Days of the machine's wall clock, both included; either end may be open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DaySpan {
    /// First day, YYYY-MM-DD.
    #[ts(type = "string | null")]
    pub from: Option<NaiveDate>,
    /// Last day.
    #[ts(type = "string | null")]
    pub to: Option<NaiveDate>,
}

impl DaySpan {
    /// From this moment, and before that one: milliseconds since the epoch.
    pub fn ms(&self) -> (Option<i64>, Option<i64>) {
        let after = self.to.and_then(|day| day.checked_add_days(chrono::Days::new(1)));
        (self.from.map(clock::midnight_ms), after.map(clock::midnight_ms))
    }
}

/// What kind of file the log is written into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum AuditForm {
    /// For programs.
    Csv,
    /// A workbook.
    Xlsx,
    /// Printed.
    Pdf,
}

impl AuditForm {
    /// How its name ends.
    pub fn end(self) -> &'static str {
        match self {
            AuditForm::Csv => "csv",
            AuditForm::Xlsx => "xlsx",
            AuditForm::Pdf => "pdf",
        }
    }
}

/// Which runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditRunQuery {
    /// Whose who contains this text; empty = any.
    pub who: String,
    /// Begun on one of these days; null = any.
    pub days: Option<DaySpan>,
    /// Older than this run; null = the newest.
    #[ts(type = "number | null")]
    pub before: Option<i64>,
    /// Most of them.
    pub limit: u32,
}

/// Which lines of the log; every part that is given must fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditSearch {
    /// Of this run.
    #[ts(type = "number | null")]
    pub audit_id: Option<i64>,
    /// Whose subject contains this text; empty = any.
    pub subject: String,
    /// With this cause.
    pub cause: Option<AuditCause>,
    /// Of runs whose who contains this text; empty = any.
    pub who: String,
    /// Written on one of these days; null = any.
    pub days: Option<DaySpan>,
    /// Older than this line; null = the newest.
    #[ts(type = "number | null")]
    pub before: Option<i64>,
}
