//! One consistent snapshot of the ledger as an auditor reads it: sources, the keys' states and totals, in key order
//! and in pages. Reads only; never looks at the stock.

use std::collections::{HashMap, HashSet, VecDeque};

use chrono::NaiveDate;

use super::read::{key_at, key_condition};
use super::sql::{Row, Session};
use super::{Ledger, SourceRow, sources};
use crate::entry::StockKey;
use crate::error::Result;
use crate::stock::SourceName;

/// Keys in one condition.
const KEYS: usize = 200;
/// Rows of `balances` of one source that are fetched at a time.
const PAGE: usize = 5_000;

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
    pub(super) ledger: Ledger,
    pub(super) session: Box<dyn Session>,
    sources: Vec<SourceRow>,
    pub(super) names: HashMap<i64, SourceName>,
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

    /// States of these keys, in key order; keys that the ledger does not know are left out.
    pub async fn states(&mut self, keys: &[StockKey]) -> Result<Vec<KeyState>> {
        let mut sorted = keys.to_vec();
        sorted.sort();
        sorted.dedup();
        let mut states: Vec<KeyState> = Vec::new();
        for chunk in sorted.chunks(KEYS) {
            let sql = format!(
                "SELECT warehouse_id, product_id, source_id, last_offset, quantity, entries FROM balances WHERE {} \
                 ORDER BY warehouse_id, product_id, source_id",
                key_condition(self.ledger.inner.db.dialect(), chunk)
            );
            for row in self.session.query(&sql).await? {
                add(&mut states, &self.names, &row)?;
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

    /// Totals of one product (or of all) on the days from `first` to `last`: (day, key, in, out, entries).
    pub async fn totals_of_days(
        &mut self,
        product: Option<&crate::entry::ProductId>,
        first: NaiveDate,
        last: NaiveDate,
    ) -> Result<Vec<super::DayTotal>> {
        let dialect = self.ledger.inner.db.dialect();
        let only = product
            .map_or_else(String::new, |id| format!(" AND product_id = {}", dialect.id_of(id.as_str())));
        let sql = format!(
            "SELECT day, warehouse_id, product_id, in_quantity, out_quantity, entries FROM day_totals \
             WHERE day BETWEEN '{first}' AND '{last}'{only}"
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

    /// Days of this span whose rows lie in their month's table.
    pub async fn compacted_days(&mut self, first: NaiveDate, last: NaiveDate) -> Result<HashSet<NaiveDate>> {
        let sql = format!(
            "SELECT day FROM ledger_days WHERE day BETWEEN '{first}' AND '{last}' AND state <> 'open'"
        );
        self.session.query(&sql).await?.iter().map(|row| row.day(0)).collect()
    }

    /// Σ `balances` per source: (source's number, sum).
    pub async fn balance_sums(&mut self) -> Result<HashMap<i64, Sum>> {
        let sql = "SELECT source_id, SUM(quantity), SUM(entries) FROM balances GROUP BY source_id";
        let rows = self.session.query(sql).await?;
        let sum = |row: &Row| Ok((row.int(0)?, Sum { quantity: row.int(1)?, entries: row.int(2)? }));
        rows.iter().map(sum).collect()
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

fn add(states: &mut Vec<KeyState>, names: &HashMap<i64, SourceName>, row: &Row) -> Result<()> {
    let key = key_at(row, 0, 1)?;
    let Some(source) = names.get(&row.int(2)?) else { return Ok(()) };
    let part = Part {
        source: source.clone(),
        last_offset: row.int(3)?,
        quantity: row.int(4)?,
        entries: row.int(5)?,
    };
    match states.last_mut() {
        Some(state) if state.key == key => state.parts.push(part),
        _ => states.push(KeyState { key, parts: vec![part] }),
    }
    Ok(())
}

/// `balances` in key order. Each source lies together on disk in that order, so the sources are read side by side
/// and merged here: far cheaper than an index that leads to rows all over the place.
pub struct StatesInOrder {
    streams: Vec<Stream>,
}

struct Stream {
    id: i64,
    source: SourceName,
    page: VecDeque<(StockKey, Part)>,
    last: Option<StockKey>,
    done: bool,
}

impl StatesInOrder {
    /// From the first key on.
    pub fn new(view: &LedgerView) -> Self {
        let stream = |source: &SourceRow| Stream {
            id: source.id,
            source: source.name.clone(),
            page: VecDeque::new(),
            last: None,
            done: false,
        };
        StatesInOrder { streams: view.sources.iter().map(stream).collect() }
    }

    /// The next key's state; `None` at the end.
    pub async fn next(&mut self, view: &mut LedgerView) -> Result<Option<KeyState>> {
        for stream in &mut self.streams {
            stream.fill(view).await?;
        }
        let fronts = self.streams.iter().filter_map(|stream| stream.page.front().map(|(key, _)| key));
        let Some(key) = fronts.min().cloned() else { return Ok(None) };
        let mut parts = Vec::new();
        for stream in &mut self.streams {
            if stream.page.front().is_some_and(|(front, _)| *front == key) {
                parts.extend(stream.page.pop_front().map(|(_, part)| part));
            }
        }
        Ok(Some(KeyState { key, parts }))
    }
}

impl Stream {
    async fn fill(&mut self, view: &mut LedgerView) -> Result<()> {
        if self.done || !self.page.is_empty() {
            return Ok(());
        }
        let dialect = view.ledger.inner.db.dialect();
        let from = self.last.as_ref().map_or_else(String::new, |key| {
            let (warehouse, product) =
                (dialect.id_of(key.warehouse.as_str()), dialect.id_of(key.product.as_str()));
            format!(
                " AND warehouse_id >= {warehouse} AND (warehouse_id > {warehouse} OR product_id > {product})"
            )
        });
        let sql = format!(
            "SELECT warehouse_id, product_id, last_offset, quantity, entries FROM balances WHERE source_id = {}{from} \
             ORDER BY warehouse_id, product_id LIMIT {PAGE}",
            self.id
        );
        let rows = view.session.query(&sql).await?;
        self.done = rows.len() < PAGE;
        for row in &rows {
            let part = Part {
                source: self.source.clone(),
                last_offset: row.int(2)?,
                quantity: row.int(3)?,
                entries: row.int(4)?,
            };
            self.page.push_back((key_at(row, 0, 1)?, part));
        }
        self.last = self.page.back().map(|(key, _)| key.clone());
        Ok(())
    }
}
