//! What the ledger tells the stock after a commit: the normal step of one key, and a key's whole state. Both storage
//! rooms speak it and neither knows the other. Decides nothing: the rules are the stock's.

use crate::entry::StockKey;
use crate::source::SourceName;

/// Offset of the key's previous counted entry in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prev {
    /// That offset; -1 when this is the key's first entry of the source.
    At(i64),
    /// Sent again on taking a source: equals nothing, so that the sum decides.
    Unknown,
}

/// The normal step (DESIGN §3 rule 3) for one key and one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockCall {
    /// Key to move.
    pub key: StockKey,
    /// Source whose entries these are.
    pub source: SourceName,
    /// The key's previous counted offset in that source.
    pub prev: Prev,
    /// Offset of the last entry in this call.
    pub last: i64,
    /// Signed sum of this call's entries.
    pub delta: i64,
    /// `balances.quantity` at `last`: signed sum of all the key's entries of the source up to `last`.
    pub sum: i64,
}

impl StockCall {
    /// What a committed batch tells the stock of one key: its state in the source before the batch and after it,
    /// each as last counted offset (-1: none) and signed sum.
    pub fn counted(key: StockKey, source: SourceName, before: (i64, i64), after: (i64, i64)) -> Self {
        let (prev, counted) = before;
        let (last, sum) = after;
        StockCall { key, source, prev: Prev::At(prev), last, delta: sum - counted, sum }
    }

    /// The same state sent again when a source is taken: nobody knows what the stock has of it, so the sum decides.
    pub fn again(key: StockKey, source: SourceName, last: i64, sum: i64) -> Self {
        StockCall { key, source, prev: Prev::Unknown, last, delta: 0, sum }
    }
}

/// The key's whole state in the ledger (DESIGN §3 rule 4): every source's last offset and sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    /// Key to bring forward.
    pub key: StockKey,
    /// (source, last offset, sum), one per source that counted entries of the key.
    pub parts: Vec<(SourceName, i64, i64)>,
}
