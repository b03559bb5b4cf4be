//! What an audit finds and tells: deviations with their proven cause, and the summary of one run. The names are a
//! contract: scripts, the audit log and the screen depend on them.

use std::collections::BTreeMap;

use super::words::State;
use domain::entry::StockKey;
use stock::SourceName;

/// Most keys that are named where a source or a table is concerned.
pub const MOST_KEYS: usize = 1_000;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Every stock value against `balances`, and the ledger's sums against each other.
    Quick,
    /// Besides, every row of every table.
    Full,
    /// A replay of the queue, with what it corrected.
    Replay,
}

/// Who wanted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A click in the desktop app.
    Click,
    /// The command line.
    Command,
    /// `[audit] expiration` after LASTCHECK.
    Time,
}

/// Which store is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Store {
    /// The stock.
    Stock,
    /// The ledger.
    Ledger,
}

/// What was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is right now.
    Corrected,
    /// A replay would correct it, once a person agrees.
    Proposed,
    /// Nothing can be proposed: a person has to look.
    None,
}

/// The proven cause of a deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The stock lost what it had acknowledged: an absent key, an old value, a sum that is too small.
    StockLost,
    /// The stock counted something more often than the ledger: a sum that is too large.
    StockDoubled,
    /// Somebody else wrote `base` or `change`: a drift.
    StockEdited,
    /// The value cannot be read exactly, or has no `at`.
    StockDamaged,
    /// A value of a key that has no entry in the ledger.
    StockUnknownKey,
    /// A counted row is gone.
    RowMissing,
    /// An entry stands in a table a second time under an offset of its own.
    RowDoubled,
    /// A counted row says something else than when it was counted.
    RowChanged,
    /// A row that no message of any known source stands for.
    RowForeign,
    /// `day_totals` is not the sum of its rows.
    TotalsWrong,
    /// `balances` is not the sum of its rows.
    BalancesWrong,
    /// `sources` is not the sum of its rows.
    SourceWrong,
    /// A table of the catalogue is gone.
    TableMissing,
    /// An entry was counted when the queue was read once and rejected as a duplicate when it was read again.
    VerdictChanged,
    /// One entry id stands in two rows.
    EntryIdReused,
}

/// Every cause.
pub const CAUSES: [Cause; 15] = [
    Cause::StockLost,
    Cause::StockDoubled,
    Cause::StockEdited,
    Cause::StockDamaged,
    Cause::StockUnknownKey,
    Cause::RowMissing,
    Cause::RowDoubled,
    Cause::RowChanged,
    Cause::RowForeign,
    Cause::TotalsWrong,
    Cause::BalancesWrong,
    Cause::SourceWrong,
    Cause::TableMissing,
    Cause::VerdictChanged,
    Cause::EntryIdReused,
];

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every key is normal.
    Clean,
    /// What deviated was corrected; nothing is left.
    Corrected,
    /// Something deviates still.
    Deviations,
    /// So much deviates that nothing was corrected: a person is asked first.
    Storm,
    /// Somebody cancelled it.
    Cancelled,
}

/// Names that never change: each variant with its name, and back.
macro_rules! named {
    ($type:ident, $($variant:ident = $name:literal),+ $(,)?) => {
        impl $type {
            /// Stable name, snake_case.
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $name),+ }
            }

            /// The variant of a stored name.
            pub fn of(name: &str) -> Option<Self> {
                match name { $($name => Some($type::$variant),)+ _ => None }
            }
        }
    };
}

named!(Kind, Quick = "quick", Full = "full", Replay = "replay");
named!(Trigger, Click = "click", Command = "command", Time = "time");
named!(Store, Stock = "stock", Ledger = "ledger");
named!(Action, Corrected = "corrected", Proposed = "proposed", None = "none");
named!(
    Outcome,
    Clean = "clean",
    Corrected = "corrected",
    Deviations = "deviations",
    Storm = "storm",
    Cancelled = "cancelled",
);
named!(
    Cause,
    StockLost = "stock_lost",
    StockDoubled = "stock_doubled",
    StockEdited = "stock_edited",
    StockDamaged = "stock_damaged",
    StockUnknownKey = "stock_unknown_key",
    RowMissing = "row_missing",
    RowDoubled = "row_doubled",
    RowChanged = "row_changed",
    RowForeign = "row_foreign",
    TotalsWrong = "totals_wrong",
    BalancesWrong = "balances_wrong",
    SourceWrong = "source_wrong",
    TableMissing = "table_missing",
    VerdictChanged = "verdict_changed",
    EntryIdReused = "entry_id_reused",
);

impl Cause {
    /// Which store is wrong.
    pub fn store(self) -> Store {
        match self {
            Cause::StockLost
            | Cause::StockDoubled
            | Cause::StockEdited
            | Cause::StockDamaged
            | Cause::StockUnknownKey => Store::Stock,
            _ => Store::Ledger,
        }
    }
}

/// One deviation: a line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// Its line in `audit_log`; 0 before it is written.
    pub id: i64,
    /// The key as text, else the source's or the table's name.
    pub subject: String,
    /// The key; none where a source or a table is concerned.
    pub key: Option<StockKey>,
    /// Keys that it may concern, where `key` is none.
    pub keys: Vec<StockKey>,
    /// The specification's word.
    pub state: State,
    /// The specification's flag: a person has marked it reviewed.
    pub reviewed: bool,
    /// Quantity of the ledger at the value's own cut.
    pub rrs: i64,
    /// Quantity of the stock.
    pub nrs: i64,
    /// Why.
    pub cause: Cause,
    /// What was done.
    pub action: Action,
    /// What stood there, as text.
    pub before: String,
    /// What stands there now, or would after the correction.
    pub after: String,
}

impl Deviation {
    /// nrs − rrs.
    pub fn difference(&self) -> i64 {
        self.nrs.saturating_sub(self.rrs)
    }

    /// `DESCRIPTION` in the specification's words: what was done, not what its sign alone would do.
    pub fn description(&self) -> &'static str {
        match self.action {
            _ if self.state == State::Normal => State::Normal.description(),
            Action::Corrected => State::NrsMissing.description(),
            Action::Proposed | Action::None => State::Doubled.description(),
        }
    }

    /// The specification's flag.
    pub fn flag(&self) -> &'static str {
        if self.reviewed { "T" } else { "F" }
    }
}

/// One run of an audit or a replay: a line of `audits` with its deviations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its line in `audits`; 0 when it was not written (a dry run).
    pub id: i64,
    /// Start, milliseconds since the epoch.
    pub started_ms: i64,
    /// End.
    pub ended_ms: i64,
    /// What was looked at.
    pub kind: Kind,
    /// Who wanted it.
    pub trigger: Trigger,
    /// The program and machine, or the person.
    pub who: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Keys judged.
    pub keys: u64,
    /// Keys whose value equals the ledger at its own cut.
    pub equal: u64,
    /// Keys of which nothing can be said yet, for the ledger is behind the stock.
    pub pending: u64,
    /// Values that are no stock of ours.
    pub foreign: u64,
    /// Rows of tables read (full audit, replay).
    pub rows: u64,
    /// Tables read.
    pub tables: u64,
    /// Keys that the stock had forgotten and that were brought forward.
    pub brought: u64,
    /// Per source, the ledger's position at which it was compared.
    pub cut: BTreeMap<SourceName, i64>,
    /// Everything that deviates or was corrected.
    pub deviations: Vec<Deviation>,
}

impl Run {
    /// Whether anything was left uncorrected.
    pub fn left(&self) -> bool {
        matches!(self.outcome, Outcome::Deviations | Outcome::Storm)
    }

    /// Whether anything was left uncorrected, or unread: exit code 1.
    pub fn unfinished(&self) -> bool {
        self.left() || self.outcome == Outcome::Cancelled
    }
}

/// What is being done, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What is being read.
    pub phase: Phase,
    /// Keys, tables or messages done in this phase.
    pub done: u64,
    /// Of how many, as far as known; 0 = unknown.
    pub total: u64,
    /// Rows or messages read so far in the whole run.
    pub rows: u64,
    /// Deviations found so far.
    pub found: u64,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Phase {
    /// Waiting for its turn.
    #[default]
    Waiting,
    /// Keys of the stock against `balances`.
    Keys,
    /// Rows of the ledger's tables.
    Tables,
    /// What looked wrong is read again.
    Confirming,
    /// Correcting.
    Correcting,
    /// Messages of the queue.
    Queue,
}

named!(
    Phase,
    Waiting = "waiting",
    Keys = "keys",
    Tables = "tables",
    Confirming = "confirming",
    Correcting = "correcting",
    Queue = "queue",
);

/// Causes that a replay can mend; the rest is for a person to look at.
pub fn can_be_replayed(cause: Cause) -> bool {
    cause != Cause::EntryIdReused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        assert!(CAUSES.iter().all(|cause| Cause::of(cause.name()) == Some(*cause)));
        assert_eq!(Cause::of("nobody"), None);
        assert_eq!((Cause::StockLost.store(), Cause::RowMissing.store()), (Store::Stock, Store::Ledger));
    }
}
