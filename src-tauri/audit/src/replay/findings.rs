//! What a replay finds: bill by bill what is missing, extra, doubled or changed, in which store, and what would make it
//! right. The words of kinds are a contract with scripts.

use serde_json::{Value, json};

use crate::findings::{Action, Cause, Deviation};
use crate::words::State;
use domain::entry::{Entry, StockKey};
use ledger::{Counted, Incoming, StandingRow, Table, entry_content};
use stock::SourceName;

/// In which way something is not as the queue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// In the queue and to be counted, and not there.
    Missing,
    /// There, and no message stands for it.
    Extra,
    /// There a second time.
    Doubled,
    /// There, and something else.
    Changed,
}

impl Kind {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Missing => "missing",
            Kind::Extra => "extra",
            Kind::Doubled => "doubled",
            Kind::Changed => "changed",
        }
    }
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// In which way it is wrong.
    pub kind: Kind,
    /// The proven cause; tells the store too.
    pub cause: Cause,
    /// The key, else the source or the table concerned.
    pub subject: String,
    /// The key.
    pub key: Option<StockKey>,
    /// The bill, where an entry is concerned.
    pub bill_id: Option<String>,
    /// The source's name.
    pub source: Option<SourceName>,
    /// Offset in it.
    pub offset: Option<i64>,
    /// What stands there; null: nothing.
    pub standing: Value,
    /// What should; null: nothing.
    pub wanted: Value,
    /// Signed quantities: as it stands, and as it should be.
    pub quantities: [i64; 2],
    /// What would decide lies before the retained messages: nothing is proposed.
    pub beyond_proof: bool,
    /// It is right now.
    pub corrected: bool,
    /// What makes it right.
    pub(super) remedy: Remedy,
}

/// What makes a finding right.
#[derive(Debug, Clone)]
pub(super) enum Remedy {
    /// Nothing can be proposed.
    None,
    /// A row leaves, comes, or both.
    Row(Box<RowRemedy>),
    /// A row of stored sums is set.
    Sum(Counted),
    /// A table is made again.
    Table(Table),
    /// The value is judged again and corrected.
    Stock(StockKey),
}

/// Parts of a row's remedy.
#[derive(Debug, Clone, Default)]
pub(super) struct RowRemedy {
    pub remove: Option<StandingRow>,
    pub restore: Option<(i64, i64, Entry)>,
    pub reject: Option<(i64, Incoming)>,
    pub unreject: Option<(i64, i64)>,
}

impl RowRemedy {
    /// What leaves goes first: an id that stands in the wrong row is free afterwards.
    pub fn order(&self) -> u8 {
        match (&self.remove, &self.restore) {
            (Some(_), None) => 0,
            (Some(_), Some(_)) => 1,
            _ => 2,
        }
    }
}

impl Finding {
    /// About a row: `row` stands there, `entry` (source, offset, entry) should.
    pub(super) fn of_row(
        kind: Kind,
        cause: Cause,
        source: Option<&SourceName>,
        offset: i64,
        row: Option<StandingRow>,
        entry: Option<(i64, Entry)>,
    ) -> Finding {
        let key = entry.as_ref().map(|(_, entry)| entry.key()).or_else(|| row.as_ref().map(StandingRow::key));
        let bill = match (&entry, &row) {
            (Some((_, entry)), _) => Some(entry.bill_id.to_string()),
            (None, Some(row)) => Some(row.texts[3].clone()),
            (None, None) => None,
        };
        Finding {
            kind,
            cause,
            subject: key.as_ref().map_or_else(String::new, StockKey::to_string),
            key,
            bill_id: bill,
            source: source.cloned(),
            offset: Some(offset),
            standing: row.as_ref().map_or(Value::Null, StandingRow::content),
            wanted: entry.as_ref().map_or(Value::Null, |(_, entry)| entry_content(entry)),
            quantities: [
                row.as_ref().map_or(0, StandingRow::signed),
                entry.as_ref().map_or(0, |(_, entry)| entry.signed()),
            ],
            beyond_proof: false,
            corrected: false,
            remedy: Remedy::Row(Box::new(RowRemedy {
                remove: row,
                restore: entry.map(|(source_id, entry)| (source_id, offset, entry)),
                ..RowRemedy::default()
            })),
        }
    }

    /// About a message that should be kept aside, or is without being in the queue.
    pub(super) fn of_rejected(kind: Kind, source: &SourceName, offset: i64, remedy: RowRemedy) -> Finding {
        let kept = json!("rejected_entries");
        let (standing, wanted) =
            if kind == Kind::Missing { (Value::Null, kept) } else { (kept, Value::Null) };
        Finding {
            kind,
            cause: if kind == Kind::Missing { Cause::RowMissing } else { Cause::RowForeign },
            subject: source.to_string(),
            key: None,
            bill_id: None,
            source: Some(source.clone()),
            offset: Some(offset),
            standing,
            wanted,
            quantities: [0, 0],
            beyond_proof: false,
            corrected: false,
            remedy: Remedy::Row(Box::new(remedy)),
        }
    }

    /// About a table of the catalogue that is gone.
    pub(super) fn of_table(table: &Table) -> Finding {
        Finding {
            kind: Kind::Missing,
            cause: Cause::TableMissing,
            subject: table.name.clone(),
            key: None,
            bill_id: None,
            source: None,
            offset: None,
            standing: Value::Null,
            wanted: json!({ "table": table.name }),
            quantities: [0, 0],
            beyond_proof: false,
            corrected: false,
            remedy: Remedy::Table(table.clone()),
        }
    }

    /// As the audit's log has it.
    pub(super) fn deviation(&self, keys: Vec<StockKey>) -> Deviation {
        let [stands, wanted] = self.quantities;
        let action = match (self.corrected, &self.remedy) {
            (true, _) => Action::Corrected,
            (false, Remedy::None) => Action::None,
            (false, _) => Action::Proposed,
        };
        // Of the ledger's own findings the queue is the other side; of the stock's, the ledger.
        let [rrs, nrs] = match self.cause.store() {
            crate::findings::Store::Ledger => [stands, wanted],
            crate::findings::Store::Stock => [wanted, stands],
        };
        let place =
            self.source.as_ref().zip(self.offset).map(|(source, offset)| format!("{source}@{offset}"));
        let before = json!({"kind": self.kind.name(), "place": place, "stands": self.standing});
        Deviation {
            id: 0,
            subject: self.subject.clone(),
            key: self.key.clone(),
            keys,
            state: State::of(rrs, nrs, true, false),
            reviewed: false,
            rrs,
            nrs,
            cause: self.cause,
            action,
            before: before.to_string(),
            after: self.wanted.to_string(),
        }
    }

    /// The same thing at the same place.
    pub(super) fn same(&self, other: &Finding) -> bool {
        self.cause == other.cause
            && self.subject == other.subject
            && (&self.source, self.offset) == (&other.source, other.offset)
            && self.standing == other.standing
    }
}
