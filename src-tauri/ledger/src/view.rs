//! One consistent snapshot of the ledger as an auditor reads it: sources, the keys' states and totals, in key order
//! and in pages. Reads only; never looks at the stock.

use std::collections::HashMap;

use super::read::{after_key, key_at, key_condition};
use super::row_sums::Three;
use super::sql::{Row, Session};
use super::{Ledger, SourceRow, Table, listed, sources};
use domain::entry::StockKey;
use domain::error::Result;
use domain::source::SourceName;

/// Keys in one condition.
const KEYS: usize = 200;
/// Rows of `balances` of one source that are fetched at a time.
pub(crate) const PAGE: usize = 5_000;

/// What `balances` says of one key in one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The source's name.
    pub source: SourceName,
    /// Offset of the key's last counted entry.
    pub last_offset: i64,
    /// Signed sum of its entries.
    pub quantity: i64,
    /// How many.
    pub entries: i64,
}

/// What `balances` says of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// The key.
    pub key: StockKey,
    /// One part per source that counted entries of it, by the source's number.
    pub parts: Vec<Part>,
}

/// Net quantity and number of entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// in − out.
    pub quantity: i64,
    /// Entries.
    pub entries: i64,
}

impl Sum {
    /// Adds another.
    pub fn add(&mut self, other: Sum) {
        self.quantity = self.quantity.saturating_add(other.quantity);
        self.entries = self.entries.saturating_add(other.entries);
    }
}

impl KeyState {
    /// Over all sources.
    pub fn sum(&self) -> Sum {
        self.parts.iter().fold(Sum::default(), |mut sum, part| {
            sum.add(Sum { quantity: part.quantity, entries: part.entries });
            sum
        })
    }
}

/// A snapshot; everything read through it is one state of the ledger. It ends when it is dropped.
pub struct LedgerView {
    pub(crate) ledger: Ledger,
    pub(crate) session: Box<dyn Session>,
    sources: Vec<SourceRow>,
    pub(crate) names: HashMap<i64, SourceName>,
}

impl Ledger {
    /// Opens a snapshot. Errors of it with the code `Retry` mean that tables changed under it: take a new one.
    pub async fn view(&self) -> Result<LedgerView> {
        let mut session = self.snapshot().await?;
        let sources = sources::all(&mut *session).await?;
        let names = sources.iter().map(|source| (source.id, source.name.clone())).collect();
        Ok(LedgerView { ledger: self.clone(), session, sources, names })
    }
}

impl LedgerView {
    /// All sources.
    pub fn sources(&self) -> &[SourceRow] {
        &self.sources
    }

    /// A source's name, by the number that stands in rows.
    pub fn source_name(&self, id: i64) -> Option<&SourceName> {
        self.names.get(&id)
    }

    /// Ends the snapshot.
    pub async fn close(mut self) -> Result<()> {
        Ok(self.session.rollback().await?)
    }

    /// States of these keys; keys that the ledger does not know are left out.
    pub async fn states(&mut self, keys: &[StockKey]) -> Result<HashMap<StockKey, KeyState>> {
        let mut states: HashMap<StockKey, KeyState> = HashMap::new();
        for chunk in keys.chunks(KEYS) {
            let sql = format!(
                "SELECT warehouse_id, product_id, source_id, last_offset, quantity, entries FROM balances WHERE {} \
                 ORDER BY source_id",
                key_condition(self.ledger.inner.db.dialect(), chunk)
            );
            for row in self.session.query(&sql).await? {
                let Some(source) = self.names.get(&row.int(2)?) else { continue };
                let part = Part {
                    source: source.clone(),
                    last_offset: row.int(3)?,
                    quantity: row.int(4)?,
                    entries: row.int(5)?,
                };
                let key = key_at(&row, 0, 1)?;
                let state = states
                    .entry(key)
                    .or_insert_with_key(|key| KeyState { key: key.clone(), parts: Vec::new() });
                state.parts.push(part);
            }
        }
        Ok(states)
    }

    /// Totals of these keys over all days; keys without any are left out.
    pub async fn day_sums(&mut self, keys: &[StockKey]) -> Result<HashMap<StockKey, Sum>> {
        let mut sums = HashMap::new();
        for chunk in keys.chunks(KEYS) {
            let sql = day_sums_sql(&key_condition(self.ledger.inner.db.dialect(), chunk));
            for row in self.session.query(&sql).await? {
                let (key, sum) = sum_at(&row)?;
                sums.insert(key, sum);
            }
        }
        Ok(sums)
    }

    /// Totals of what lies in this table: (day, key, in, out, entries).
    pub async fn totals_of(&mut self, table: &Table) -> Result<Vec<super::DayTotal>> {
        let sql = format!(
            "SELECT day, warehouse_id, product_id, in_quantity, out_quantity, entries FROM day_totals WHERE {}",
            listed::totals_of(self.ledger.inner.db.dialect(), table)
        );
        let rows = self.session.query(&sql).await?;
        let total = |row: &Row| {
            Ok(super::DayTotal {
                day: row.day(0)?,
                key: key_at(row, 1, 2)?,
                in_quantity: row.int(3)?,
                out_quantity: row.int(4)?,
                entries: row.int(5)?,
            })
        };
        rows.iter().map(total).collect()
    }

    /// The next page of a source's balances in key order: last offset, quantity, entries.
    pub(crate) async fn balances_after(
        &mut self,
        source_id: i64,
        after: Option<&StockKey>,
    ) -> Result<Vec<(StockKey, Three)>> {
        let dialect = self.ledger.inner.db.dialect();
        let from = after.map_or_else(String::new, |key| format!(" AND {}", after_key(dialect, key)));
        let sql = format!(
            "SELECT warehouse_id, product_id, last_offset, quantity, entries FROM balances \
             WHERE source_id = {source_id}{from} ORDER BY warehouse_id, product_id LIMIT {PAGE}"
        );
        let rows = self.session.query(&sql).await?;
        rows.iter().map(|row| Ok((key_at(row, 0, 1)?, [row.int(2)?, row.int(3)?, row.int(4)?]))).collect()
    }
}

fn day_sums_sql(condition: &str) -> String {
    format!(
        "SELECT warehouse_id, product_id, SUM(in_quantity - out_quantity), SUM(entries) FROM day_totals \
         WHERE {condition} GROUP BY warehouse_id, product_id"
    )
}

fn sum_at(row: &Row) -> Result<(StockKey, Sum)> {
    Ok((key_at(row, 0, 1)?, Sum { quantity: row.int(2)?, entries: row.int(3)? }))
}
