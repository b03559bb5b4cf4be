//! What the model holds: ledger, stock, who holds which source, calls in flight, sweeps, auditors, and the faults
//! still to come. All of it is compared and hashed, so it is small and in a normal form.

use std::sync::Arc;

/// Most partitions of a run.
pub const SOURCES: usize = 2;
/// A stored value's bytes.
pub type Bytes = Option<Arc<[u8]>>;

/// A call on its way to the stock. It stays for ever: it may come late, twice, in any order, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sent {
    /// A normal step; `prev` `None` is unknown.
    Step { key: u8, source: u8, prev: Option<i16>, last: i16, delta: i16, sum: i16 },
    /// A key's whole state.
    Vector { key: u8, parts: [Option<(i16, i16)>; SOURCES] },
    /// An auditor's "drop the drift"; it saw `seen`.
    Drop { key: u8, seen: i16 },
    /// An auditor's "replace this entry".
    Replace { key: u8, source: u8, offset: i16, wrong: i16, right: i16 },
}

/// One row of `sources`, with which of the source's messages were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    pub next: i16,
    pub stock: i16,
    pub stamp: u8,
    /// Bit per offset below `next`: counted, not a duplicate. Balances follow from it.
    pub counted: u16,
}

/// The ledger: one state of all its tables.
pub type Ledger = [Row; SOURCES];

/// One call that a writer waits for, and the vector that it sent when the value was absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Waiting {
    pub call: Sent,
    pub vector: Option<Sent>,
}

/// Calls handed over together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parcel {
    pub upto: i16,
    pub waiting: Vec<Waiting>,
    /// A value was absent and the ledger has no vector of its key any more: never acknowledged.
    pub void: bool,
}

impl Parcel {
    pub fn acknowledged(&self) -> bool {
        self.waiting.is_empty() && !self.void
    }
}

/// A writer that has taken a source, as far as it knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hold {
    pub stamp: u8,
    pub next: i16,
    /// `stock_offset` of the row that it holds.
    pub saved: i16,
    pub acked: i16,
    /// What rule 6 sends again is not read yet: from this offset on.
    pub owed: Option<i16>,
    pub parcels: Vec<Parcel>,
}

/// An auditor at work on one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Auditor {
    Idle,
    /// The value was read; the ledger's snapshot comes next.
    Read {
        key: u8,
        value: Bytes,
    },
    /// By that reading the stock forgot something: the value is read again.
    Suspects {
        key: u8,
        value: Bytes,
        ledger: Ledger,
    },
}

/// How often each fault may still come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    pub crash: u8,
    pub timeout: u8,
    pub wipe: u8,
    pub evict: u8,
    pub snapshot: u8,
    pub restore_stock: u8,
    pub fall_back: u8,
    pub backup: u8,
    pub restore_ledger: u8,
    pub sweep: u8,
    pub plant: u8,
    pub audit: u8,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub ledger: Ledger,
    pub backup: Option<Ledger>,
    pub stock: Vec<Bytes>,
    pub snapshot: Option<Vec<Bytes>>,
    /// Per source, the writers that hold it, sorted: they have no names.
    pub holds: Vec<Vec<Hold>>,
    /// Sorted, each once: a set.
    pub flying: Vec<Sent>,
    /// Per key, the vector that a slow sweep has read.
    pub sweeping: Vec<Option<Sent>>,
    pub auditors: Vec<Auditor>,
    pub left: Budget,
    /// The stock forgot something once.
    pub lost: bool,
    /// An auditor alarmed on a value that was right.
    pub false_alarm: bool,
    /// An answer was taken for a loss although nothing was ever lost.
    pub needless: bool,
}

/// A stamp that nobody has; `settle` renames it.
pub const FRESH: u8 = 255;

impl State {
    /// Puts a call into flight.
    pub fn send(&mut self, call: Sent) {
        if let Err(place) = self.flying.binary_search(&call) {
            self.flying.insert(place, call);
        }
    }

    /// Brings the state into its normal form. A stamp is 0 when it is the ledger's, 1 when it is only the backup's,
    /// 2 when nobody will ever have it again; and writers of one source have no order.
    pub fn settle(&mut self) {
        for source in 0..self.holds.len() {
            let now = self.ledger[source].stamp;
            let kept = self.backup.map(|backup| backup[source].stamp);
            let name = |stamp: u8| match stamp {
                stamp if stamp == now => 0,
                stamp if Some(stamp) == kept => 1,
                _ => 2,
            };
            self.ledger[source].stamp = 0;
            if let Some(backup) = &mut self.backup {
                backup[source].stamp = name(backup[source].stamp);
            }
            for hold in &mut self.holds[source] {
                hold.stamp = name(hold.stamp);
            }
            self.holds[source].sort_unstable();
        }
        // What an auditor keeps of the ledger has no use for stamps.
        for auditor in &mut self.auditors {
            if let Auditor::Suspects { ledger, .. } = auditor {
                ledger.iter_mut().for_each(|row| row.stamp = 0);
            }
        }
        self.auditors.sort_unstable();
    }
}
