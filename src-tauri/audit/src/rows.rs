//! Every row of every table in one snapshot: sums per key and source, count, sum and digest per source, totals per day
//! and key, ids that repeat. Memory grows with the number of keys, never with that of rows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::findings::{Cause, Phase};
use super::ids::Ids;
use super::watch::Watch;
use domain::entry::{ProductId, StockKey, WarehouseId};
use domain::error::{Code, Error, Result};
use domain::words;
use ledger::{LedgerView, PassingBalance, PassingRow, SourceRow, Sum, Table};
use stock::SourceName;

/// Rows fetched at a time.
const PAGE: usize = 100_000;
/// Most rows and tables that are told one by one; beyond it something greater is wrong.
const MOST_ODD: usize = 1_000;

/// What the rows of one source come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceSum {
    /// Count and signed sum.
    pub sum: Sum,
    /// Sum of the rows' digests mod 2^64.
    pub digest: u64,
}

/// A row or a table that is wrong by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oddity {
    /// The table.
    pub subject: String,
    /// Keys concerned.
    pub keys: Vec<StockKey>,
    /// What it is.
    pub cause: Cause,
    /// What stands there.
    pub before: String,
}

/// A day's total that is not the sum of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayFault {
    /// The day.
    pub day: NaiveDate,
    /// in, out, entries as `day_totals` has them.
    pub told: [i64; 3],
    /// in, out, entries of the rows.
    pub counted: [i64; 3],
}

/// Numbers for texts that come again and again.
#[derive(Default)]
struct Names(HashMap<Arc<str>, u32>);

impl Names {
    fn of(&mut self, name: &str) -> u32 {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(name.into(), number);
        number
    }

    fn known(&self, name: &str) -> Option<u32> {
        self.0.get(name).copied()
    }

    fn texts(&self) -> HashMap<u32, Arc<str>> {
        self.0.iter().map(|(text, number)| (*number, text.clone())).collect()
    }
}

/// A key by its names' numbers: warehouse, product.
type Place = (u32, u32);
/// A row whose entry id stands elsewhere too: its table, key, source and offset.
type Repeat = (String, StockKey, (i64, i64));
/// in, out, entries of each day and key.
type Days = HashMap<(NaiveDate, Place), [i64; 3]>;

/// Everything that was read of the rows.
#[derive(Default)]
pub struct Rows {
    warehouses: Names,
    products: Names,
    keys: HashMap<Place, BTreeMap<i64, (Sum, i64)>>,
    /// The sources' positions and names.
    positions: HashMap<i64, (i64, SourceName)>,
    /// Per source's number.
    pub sources: HashMap<i64, SourceSum>,
    /// Messages kept aside, per source's number.
    pub rejected: HashMap<i64, i64>,
    /// Wrong by themselves: foreign rows, tables that are gone, ids that repeat.
    pub odd: Vec<Oddity>,
    /// Days whose totals are wrong, per key.
    pub days: HashMap<StockKey, Vec<DayFault>>,
    /// Keys of which a whole table is gone, with what `day_totals` says of it.
    pub lost: HashMap<StockKey, Sum>,
    /// Rows read.
    pub read: u64,
    /// Tables read.
    pub tables: u64,
}

impl Rows {
    /// Reads everything. `Retry`: the tables changed under the snapshot. Stops early when cancelled.
    pub async fn read(view: &mut LedgerView, watch: &Watch) -> Result<Rows> {
        let position = |source: &SourceRow| (source.id, (source.next_offset, source.name.clone()));
        let positions = view.sources().iter().map(position).collect();
        let rejected = view.rejected_counts().await?;
        let mut rows = Rows { positions, rejected, ..Rows::default() };
        let mut ids = Ids::default();
        let tables = view.tables().await?;
        let missing = view.missing(&tables).await?;
        watch.begin(Phase::Tables, tables.len() as u64);
        for table in &tables {
            if watch.is_cancelled() {
                return Ok(rows);
            }
            if missing.contains(&table.name) {
                rows.gone(view, table, false).await?;
            } else {
                rows.table(view, table, &mut ids, watch).await?;
            }
            rows.tables += 1;
            let (done, read, found) = (rows.tables, rows.read, rows.odd.len() + rows.days.len());
            watch.tell(|progress| {
                (progress.done, progress.rows, progress.found) = (done, read, found as u64);
            });
        }
        let repeated = ids.repeated()?;
        rows.repeated(view, &tables, &missing, &repeated).await?;
        Ok(rows)
    }

    fn place(&self, warehouse: &str, product: &str) -> Option<Place> {
        Some((self.warehouses.known(warehouse)?, self.products.known(product)?))
    }

    /// What the rows of a key say, per source. Takes it out: what is left at the end belongs to no book.
    pub fn take(&mut self, key: &StockKey) -> BTreeMap<SourceName, (Sum, i64)> {
        let place = self.place(key.warehouse.as_str(), key.product.as_str());
        let parts = place.and_then(|place| self.keys.remove(&place)).unwrap_or_default();
        let named =
            parts.into_iter().filter_map(|(id, part)| Some((self.positions.get(&id)?.1.clone(), part)));
        named.collect()
    }

    /// Whether the rows of a key and source come to this.
    pub fn come_to(&self, row: &PassingBalance<'_>) -> bool {
        let parts = self.place(row.warehouse, row.product).and_then(|place| self.keys.get(&place));
        parts.and_then(|parts| parts.get(&row.source_id)) == Some(&(row.sum, row.last_offset))
    }

    /// In how many sources a key has rows.
    pub fn parts_of(&self, key: &StockKey) -> usize {
        let place = self.place(key.warehouse.as_str(), key.product.as_str());
        place.and_then(|place| self.keys.get(&place)).map_or(0, BTreeMap::len)
    }

    /// Keys that have rows and were never taken.
    pub fn left(&self) -> Vec<StockKey> {
        let mut left: Vec<StockKey> = self.keys.keys().filter_map(self.namer()).collect();
        left.sort();
        left
    }

    /// From names' numbers back to keys.
    fn namer(&self) -> impl Fn(&Place) -> Option<StockKey> + use<> {
        let (warehouses, products) = (self.warehouses.texts(), self.products.texts());
        move |(warehouse, product)| {
            let (warehouse, product) = (warehouses.get(warehouse)?, products.get(product)?);
            Some(StockKey { warehouse: WarehouseId::stored(warehouse), product: ProductId::stored(product) })
        }
    }

    async fn table(
        &mut self,
        view: &mut LedgerView,
        table: &Table,
        ids: &mut Ids,
        watch: &Watch,
    ) -> Result<()> {
        let mut days = Days::new();
        let mut after = 0;
        loop {
            let read = view.pass_rows(table, after, PAGE, |row| {
                after = row.id;
                self.row(table, &row, &mut days);
                row.entry_id.map_or(Ok(()), |id| ids.add(id))
            });
            let Some(read) = read.await? else {
                let missing = view.missing(std::slice::from_ref(table)).await?;
                return self.gone(view, table, missing.is_empty()).await;
            };
            self.read += read as u64;
            let rows = self.read;
            watch.tell(|progress| progress.rows = rows);
            if read < PAGE || watch.is_cancelled() {
                break;
            }
        }
        if !watch.is_cancelled() {
            self.compare_days(view, table, days).await?;
        }
        Ok(())
    }

    fn row(&mut self, table: &Table, row: &PassingRow<'_>, days: &mut Days) {
        let position = self.positions.get(&row.source_id);
        let misplaced = table.product.as_ref().is_some_and(|product| product.as_str() != row.product);
        if position.is_none_or(|(next, _)| row.source_offset >= *next) || misplaced {
            return self.foreign(table, row);
        }
        let place = (self.warehouses.of(row.warehouse), self.products.of(row.product));
        let one = Sum { quantity: row.signed, entries: 1 };
        let (sum, last) =
            self.keys.entry(place).or_default().entry(row.source_id).or_insert((Sum::default(), -1));
        sum.add(one);
        *last = (*last).max(row.source_offset);
        let source = self.sources.entry(row.source_id).or_default();
        source.sum.add(one);
        // What no entry can be has no digest, so the source's cannot fit.
        source.digest = source.digest.wrapping_add(row.digest.unwrap_or(0));
        let total = days.entry((row.day, place)).or_default();
        let side = usize::from(row.signed < 0);
        total[side] = total[side].saturating_add(row.signed.saturating_abs());
        total[2] += 1;
    }

    fn foreign(&mut self, table: &Table, row: &PassingRow<'_>) {
        let source = self.positions.get(&row.source_id);
        let source = source.map_or_else(|| row.source_id.to_string(), |(_, name)| name.to_string());
        let key = key_of(row);
        let text = json!({
            "source": source,
            "offset": row.source_offset,
            "key": key.to_string(),
            "quantity": row.signed,
            "bill_id": row.bill,
            "day": row.day.to_string(),
        });
        self.odd(table.name.clone(), vec![key], Cause::RowForeign, text.to_string());
    }

    async fn compare_days(&mut self, view: &mut LedgerView, table: &Table, mut days: Days) -> Result<()> {
        for total in view.totals_of(table).await? {
            let told = [total.in_quantity, total.out_quantity, total.entries];
            let place = (
                self.warehouses.known(total.key.warehouse.as_str()),
                self.products.known(total.key.product.as_str()),
            );
            let counted = match place {
                (Some(warehouse), Some(product)) => days.remove(&(total.day, (warehouse, product))),
                _ => None,
            };
            let counted = counted.unwrap_or_default();
            if told != counted {
                self.days.entry(total.key).or_default().push(DayFault { day: total.day, told, counted });
            }
        }
        if days.is_empty() {
            return Ok(());
        }
        let named = self.namer();
        for ((day, place), counted) in days {
            let Some(key) = named(&place) else { continue };
            self.days.entry(key).or_default().push(DayFault { day, told: [0; 3], counted });
        }
        Ok(())
    }

    /// A table of the catalogue that the snapshot has nothing of. One that never had entries was about to be made, or
    /// was made just now; one that stands and should have entries was made anew meanwhile: a new snapshot reads it.
    async fn gone(&mut self, view: &mut LedgerView, table: &Table, stands: bool) -> Result<()> {
        let told = view.totals_of(table).await?;
        let mut keys = Vec::new();
        let mut entries = 0;
        for total in told.into_iter().filter(|total| total.entries > 0) {
            let quantity = total.in_quantity - total.out_quantity;
            self.lost.entry(total.key.clone()).or_default().add(Sum { quantity, entries: total.entries });
            entries += total.entries;
            keys.push(total.key);
        }
        if entries > 0 && stands {
            return Err(Error::new(
                Code::Retry,
                words!("table_remade", "Table {table} was made anew meanwhile.", table = table.name),
            ));
        }
        if entries > 0 {
            keys.sort();
            keys.dedup();
            let text = json!({ "table": table.name, "entries": entries }).to_string();
            self.odd(table.name.clone(), keys, Cause::TableMissing, text);
        }
        Ok(())
    }

    async fn repeated(
        &mut self,
        view: &mut LedgerView,
        tables: &[Table],
        missing: &HashSet<String>,
        repeated: &[Uuid],
    ) -> Result<()> {
        if repeated.is_empty() {
            return Ok(());
        }
        let mut found: BTreeMap<Uuid, Vec<Repeat>> = BTreeMap::new();
        for table in tables.iter().filter(|table| !missing.contains(&table.name)) {
            for chunk in repeated.chunks(200) {
                let one = |row: PassingRow<'_>| {
                    if let Some(id) = row.entry_id {
                        let place = (row.source_id, row.source_offset);
                        found.entry(id).or_default().push((table.name.clone(), key_of(&row), place));
                    }
                    Ok(())
                };
                view.pass_rows_with_ids(table, chunk, one).await?;
            }
        }
        for (id, rows) in found {
            let mut keys: Vec<StockKey> = rows.iter().map(|(_, key, _)| key.clone()).collect();
            keys.sort();
            keys.dedup();
            let place = |(table, _, (source, offset)): &Repeat| {
                let source = view.source_name(*source).map(|name| &**name).unwrap_or_default();
                json!({ "table": table, "source": source, "offset": offset })
            };
            let places: Vec<_> = rows.iter().map(place).collect();
            let text = json!({ "entry_id": id, "rows": places }).to_string();
            let subject = rows.last().map(|(table, ..)| table.clone()).unwrap_or_default();
            self.odd(subject, keys, Cause::EntryIdReused, text);
        }
        Ok(())
    }

    fn odd(&mut self, subject: String, keys: Vec<StockKey>, cause: Cause, before: String) {
        if self.odd.len() < MOST_ODD {
            self.odd.push(Oddity { subject, keys, cause, before });
        }
    }
}

fn key_of(row: &PassingRow<'_>) -> StockKey {
    StockKey { warehouse: WarehouseId::stored(row.warehouse), product: ProductId::stored(row.product) }
}
