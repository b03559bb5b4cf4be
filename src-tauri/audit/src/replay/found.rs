//! What one look at everything found, and what is right: the sums of the right rows and where the ledger differs from
//! them, so that the stock can be judged by a ledger that is itself still wrong.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::findings::{Finding, Remedy};
use domain::entry::StockKey;
use ledger::{RowSums, Three};
use stock::SourceName;

/// Findings that one walk keeps; the rest is counted, and found by the next walk.
pub(super) const MOST: usize = 20_000;

/// A key in a source (by its id).
pub(super) type Place = (i64, StockKey);
/// Offsets and signed quantities.
type Offsets = Vec<(i64, i64)>;

/// What stands otherwise than it should, by key: what the stock's judge must add to what the ledger says.
#[derive(Debug, Default)]
pub(super) struct Adjust {
    /// Balances: as they stand, and right.
    pub balances: HashMap<Place, [Option<Three>; 2]>,
    /// Rows that are no entries.
    pub removed: HashMap<Place, Offsets>,
    /// Rows that are missing.
    pub restored: HashMap<Place, Offsets>,
}

/// What one look at everything found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub findings: Vec<Finding>,
    /// Findings beyond those that are kept.
    pub more: u64,
    /// RowSums of what is right.
    pub right: RowSums,
    /// Per source's id, the position up to which they go.
    pub cut: BTreeMap<i64, i64>,
    pub names: HashMap<i64, SourceName>,
    pub adjust: Adjust,
    /// Rows and kept messages that lie before what the queue retains.
    pub beyond: u64,
    /// Sources of which something lies there.
    pub suspects: BTreeSet<i64>,
    /// Keys of which something cannot be decided because of that.
    pub blurred: HashSet<StockKey>,
    pub messages: u64,
    pub rows: u64,
    pub tables: u64,
    /// Values of the stock: judged, equal, pending, foreign.
    pub values: [u64; 4],
}

impl Found {
    pub fn add(&mut self, finding: Finding) {
        if let Remedy::Row(row) = &finding.remedy {
            if let Some(gone) = &row.remove {
                let place = (gone.source_id, gone.key());
                self.adjust.removed.entry(place).or_default().push((gone.source_offset, gone.signed()));
            }
            if let Some((source, offset, entry)) = &row.restore {
                let place = (*source, entry.key());
                self.adjust.restored.entry(place).or_default().push((*offset, entry.signed()));
            }
        }
        match self.findings.len() < MOST {
            true => self.findings.push(finding),
            false => self.more += 1,
        }
    }
}
