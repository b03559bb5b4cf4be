//! Corruption of thirty-three kinds, planted behind everybody's back while traffic goes on, with what an audit and a
//! replay must say of it. `ground.rs` finds the victims and does it.

use crate::dropped::Dropped;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An incoming row leaves its table.
    RowInDeleted,
    /// An outgoing row leaves its table.
    RowOutDeleted,
    /// A row stands a second time, under the offset of a message that was no entry.
    RowDoubled,
    /// A row that nobody ever sent, under such an offset.
    RowInvented,
    /// A row's quantity is another.
    QuantityChanged,
    /// A row's sign is turned.
    SignChanged,
    /// A row's sign is none.
    SignNone,
    /// A row of a source that does not exist.
    RowOfNoSource,
    /// A row under an offset that is far ahead.
    RowOfTomorrow,
    /// An entry id stands in a second row.
    IdReused,
    /// A day table is dropped.
    TableDropped,
    /// A day table is dropped under a writer that goes on filling it.
    BusyTableDropped,
    /// A row of `day_totals` has too much.
    TotalsChanged,
    /// A row of `day_totals` is gone.
    TotalsDeleted,
    /// A row of `balances` has too little.
    BalancesChanged,
    /// A row of `balances` is gone.
    BalancesDeleted,
    /// A row of `balances` names another last offset.
    BalancesOffset,
    /// A row's bill is another: no sum shows it.
    BillChanged,
    /// A source has one entry more.
    SourceEntries,
    /// A source's sum is another.
    SourceSum,
    /// A source's digest is another.
    SourceDigest,
    /// A message that was kept aside is gone.
    RejectedDeleted,
    /// Somebody adds to a stock value.
    StockRaised,
    /// Somebody takes from a stock value.
    StockLowered,
    /// A source's sum in a stock value is greater, and the quantity with it.
    StockSumRaised,
    /// The same, smaller.
    StockSumLowered,
    /// A stock value is gone.
    StockDeleted,
    /// A stock value of an hour ago is put back.
    StockRestored,
    /// A stock value without `at`.
    StockWithoutAt,
    /// A stock value that is no JSON.
    StockNoJson,
    /// A stock value whose `at` is empty.
    StockEmptyAt,
    /// A stock value of a key without goods.
    StockInvented,
    /// The same, below zero.
    StockInventedNegative,
}

/// Every kind.
pub const KINDS: [Kind; 33] = [
    Kind::RowInDeleted,
    Kind::RowOutDeleted,
    Kind::RowDoubled,
    Kind::RowInvented,
    Kind::QuantityChanged,
    Kind::SignChanged,
    Kind::SignNone,
    Kind::RowOfNoSource,
    Kind::RowOfTomorrow,
    Kind::IdReused,
    Kind::TableDropped,
    Kind::BusyTableDropped,
    Kind::TotalsChanged,
    Kind::TotalsDeleted,
    Kind::BalancesChanged,
    Kind::BalancesDeleted,
    Kind::BalancesOffset,
    Kind::BillChanged,
    Kind::SourceEntries,
    Kind::SourceSum,
    Kind::SourceDigest,
    Kind::RejectedDeleted,
    Kind::StockRaised,
    Kind::StockLowered,
    Kind::StockSumRaised,
    Kind::StockSumLowered,
    Kind::StockDeleted,
    Kind::StockRestored,
    Kind::StockWithoutAt,
    Kind::StockNoJson,
    Kind::StockEmptyAt,
    Kind::StockInvented,
    Kind::StockInventedNegative,
];

/// What must be said of a plant.
#[derive(Debug, Clone)]
pub struct Expected {
    /// What was done.
    pub kind: Kind,
    /// The key, source or table: one of these.
    pub subjects: Vec<String>,
    /// Its cause.
    pub cause: &'static str,
    /// What may be done about it at once.
    pub actions: &'static [&'static str],
    /// What may be named besides.
    pub also: Vec<String>,
    /// A table that is dropped under the writer: what stood in it.
    pub dropped: Option<Dropped>,
}

impl Expected {
    /// All but what is seldom.
    pub fn of(
        kind: Kind,
        subjects: Vec<String>,
        cause: &'static str,
        actions: &'static [&'static str],
    ) -> Self {
        Expected { kind, subjects, cause, actions, also: Vec::new(), dropped: None }
    }

    /// The store that is wrong.
    pub fn store(&self) -> &'static str {
        if self.cause.starts_with("stock_") { "stock" } else { "ledger" }
    }

    /// Whether an audit need not name it beside these others: only the digest of a source shows it, and rows that
    /// belong to nobody are missing in a digest too. A replay names it in any case.
    pub fn hidden_by(&self, others: &[Expected]) -> bool {
        let by = [Kind::TableDropped, Kind::BusyTableDropped, Kind::RowOfNoSource, Kind::RowOfTomorrow];
        matches!(self.kind, Kind::BillChanged | Kind::SourceDigest)
            && others.iter().any(|other| by.contains(&other.kind))
    }
}
