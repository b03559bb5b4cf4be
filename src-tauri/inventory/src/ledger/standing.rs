//! What stands in the ledger, read for a replay: every row of every table in stretches of offsets, the rejected
//! messages, and the stored sums, all in one snapshot. Reads rows as they are, however wrong; judges nothing.

mod row;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;

use super::dialect::Dialect;
use super::read::{key_at, key_condition};
use super::row_sums::Three;
use super::sources;
use super::sql::{Row, Session};
use super::{Ledger, SourceRow};
use crate::entry::{Entry, ProductId, StockKey};
use crate::error::{Code, Error, Result};

pub use row::{StandingRow, Table, entry_content};
pub(super) use row::{catalogue, rows_of, standing_at};

/// Tables read by one query.
const UNION_TABLES: usize = 200;
/// Table names in one question.
const NAMES: usize = 5_000;
/// Rows of the fixed tables in one page.
const PAGE: usize = 5_000;
/// Keys in one condition.
const KEYS: usize = 200;

/// The ledger at one moment.
pub struct Standing {
    session: Box<dyn Session>,
    dialect: Dialect,
    /// Every source.
    pub sources: Vec<SourceRow>,
    /// Tables that stand.
    pub tables: Vec<Arc<Table>>,
    /// Tables that the catalogue has and that are gone although `day_totals` counted something in them.
    pub gone: Vec<Arc<Table>>,
    slugs: HashMap<(NaiveDate, ProductId), usize>,
}

impl Ledger {
    /// Opens a snapshot for a replay; of day tables only these products' are read. `Retry` when days are just being
    /// compacted.
    pub async fn standing_now(&self, products: Option<&BTreeSet<ProductId>>) -> Result<Standing> {
        let mut session = self.snapshot().await?;
        let sources = sources::all(&mut *session).await?;
        let mut tables = catalogue(&mut *session).await?;
        if let Some(products) = products {
            tables.retain(|table| table.product.as_ref().is_none_or(|product| products.contains(product)));
        }
        let dialect = self.inner.db.dialect();
        let mut standing = BTreeSet::new();
        for chunk in tables.chunks(NAMES) {
            let list: Vec<String> = chunk.iter().map(|table| format!("'{}'", table.name)).collect();
            for row in session.query(&dialect.standing_tables(&list.join(","))).await? {
                standing.insert(row.text(0)?.to_owned());
            }
        }
        let (tables, missing): (Vec<_>, Vec<_>) =
            tables.into_iter().partition(|table| standing.contains(&table.name));
        let gone = self.really_gone(&mut *session, missing).await?;
        let slugs = tables
            .iter()
            .enumerate()
            .filter_map(|(at, table)| table.product.clone().map(|product| ((table.first_day, product), at)));
        let slugs = slugs.collect();
        Ok(Standing { session, dialect, sources, tables, gone, slugs })
    }

    /// Of these tables, those in which something was counted. One that its compaction has dropped meanwhile makes the
    /// snapshot too old; one that was never made is only empty.
    async fn really_gone(
        &self,
        session: &mut dyn Session,
        missing: Vec<Arc<Table>>,
    ) -> Result<Vec<Arc<Table>>> {
        if missing.is_empty() {
            return Ok(missing);
        }
        let now = catalogue(&mut *self.inner.db.reader().await?).await?;
        let mut gone = Vec::new();
        for table in missing {
            if !now.contains(&table) {
                return Err(Error::new(Code::Retry, "Days were compacted meanwhile; it is read again."));
            }
            let mut sql = format!(
                "SELECT COALESCE(SUM(entries), 0) FROM day_totals WHERE day BETWEEN '{}' AND '{}'",
                table.first_day, table.last_day
            );
            if let Some(product) = &table.product {
                sql.push_str(&format!(
                    " AND product_id = {}",
                    self.inner.db.dialect().id_of(product.as_str())
                ));
            }
            if session.query(&sql).await?.first().map_or(Ok(0), |row| row.int(0))? > 0 {
                gone.push(table);
            }
        }
        Ok(gone)
    }
}

impl Standing {
    /// Rows of a source from `from` up to below `to`.
    pub async fn rows(&mut self, source_id: i64, from: i64, to: i64) -> Result<Vec<StandingRow>> {
        let place = format!("source_id = {source_id} AND source_offset >= {from} AND source_offset < {to}");
        Ok(rows_of(&mut *self.session, &self.tables, &place).await?)
    }

    /// The first row or rejected message of a source at `from` or beyond.
    pub async fn first_from(&mut self, source_id: i64, from: i64) -> Result<Option<i64>> {
        let place = format!("WHERE source_id = {source_id} AND source_offset >= {from}");
        let mut first = None;
        let names = self.tables.iter().map(|table| table.name.as_str()).chain(["rejected_entries"]);
        for chunk in names.collect::<Vec<_>>().chunks(UNION_TABLES) {
            let parts = chunk.iter().map(|name| format!("SELECT MIN(source_offset) FROM {name} {place}"));
            for row in self.session.query(&parts.collect::<Vec<_>>().join(" UNION ALL ")).await? {
                first = row.opt_int(0)?.into_iter().chain(first).min();
            }
        }
        Ok(first)
    }

    /// Rows of no source's log: beyond its position, below 0, or of a source that is not there.
    pub async fn outside(&mut self) -> Result<Vec<StandingRow>> {
        let mut places: Vec<String> = self.sources.iter().map(beyond).collect();
        places.push(self.of_no_source());
        Ok(rows_of(&mut *self.session, &self.tables, &places.join(" OR ")).await?)
    }

    fn of_no_source(&self) -> String {
        let ids: Vec<String> = self.sources.iter().map(|source| source.id.to_string()).collect();
        if ids.is_empty() { "1 = 1".to_owned() } else { format!("source_id NOT IN ({})", ids.join(",")) }
    }

    /// Rejected messages of a source from `from` up to below `to`: offset and kind.
    pub async fn rejected(&mut self, source_id: i64, from: i64, to: i64) -> Result<HashMap<i64, String>> {
        let sql = format!(
            "SELECT source_offset, kind FROM rejected_entries \
             WHERE source_id = {source_id} AND source_offset >= {from} AND source_offset < {to}"
        );
        let rows = self.session.query(&sql).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_owned()))).collect()
    }

    /// Rejected messages of no source's log: source's id and offset.
    pub async fn rejected_outside(&mut self) -> Result<Vec<(i64, i64)>> {
        let mut places: Vec<String> = self.sources.iter().map(beyond).collect();
        places.push(self.of_no_source());
        let sql =
            format!("SELECT source_id, source_offset FROM rejected_entries WHERE {}", places.join(" OR "));
        let rows = self.session.query(&sql).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
    }

    /// Other rows of the same table with the same content but its ids: source's id and offset.
    pub async fn alike(&mut self, row: &StandingRow) -> Result<Vec<(i64, i64)>> {
        let [product, company, warehouse, bill, time] =
            row.texts.each_ref().map(|text| self.dialect.text_of(text));
        let sql = format!(
            "SELECT source_id, source_offset FROM {} WHERE product_id = {product} AND create_time = {time} \
             AND bill_id = {bill} AND warehouse_id = {warehouse} AND company_id = {company} \
             AND quantity = {} AND drcr = {} AND NOT (source_id = {} AND source_offset = {})",
            row.table.name, row.quantity, row.drcr, row.source_id, row.source_offset
        );
        let rows = self.session.query(&sql).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
    }

    /// Where this entry's id stands on its product and day: source's id and offset.
    pub async fn id_places(&mut self, entry: &Entry) -> Result<Vec<(i64, i64)>> {
        let Some(id) = entry.entry_id else { return Ok(Vec::new()) };
        let (day, product) = (entry.day(), self.dialect.text_of(entry.product_id.as_str()));
        let mut parts = Vec::new();
        if let Some(at) = self.slugs.get(&(day, entry.product_id.clone())) {
            parts.push((self.tables[*at].name.clone(), String::new()));
        }
        for table in self.tables.iter().filter(|table| table.product.is_none()) {
            if (table.first_day..=table.last_day).contains(&day) {
                parts.push((table.name.clone(), format!("day = '{day}' AND product_id = {product} AND ")));
            }
        }
        let mut found = Vec::new();
        for (table, place) in parts {
            let sql = format!(
                "SELECT source_id, source_offset FROM {table} WHERE {place}entry_id = x'{}'",
                id.simple()
            );
            for row in self.session.query(&sql).await? {
                found.push((row.int(0)?, row.int(1)?));
            }
        }
        Ok(found)
    }

    /// Every row of `balances`, page by page; of these keys only, where they are given.
    pub async fn balances(
        &mut self,
        keys: Option<&[StockKey]>,
        mut each: impl FnMut((i64, StockKey), Three),
    ) -> Result<()> {
        const HEAD: &str =
            "SELECT source_id, warehouse_id, product_id, last_offset, quantity, entries FROM balances";
        let read = |row: &Row| -> Result<((i64, StockKey), Three)> {
            Ok(((row.int(0)?, key_at(row, 1, 2)?), [row.int(3)?, row.int(4)?, row.int(5)?]))
        };
        if let Some(keys) = keys {
            for chunk in keys.chunks(KEYS) {
                let sql = format!("{HEAD} WHERE {}", key_condition(self.dialect, chunk));
                for row in self.session.query(&sql).await? {
                    let (place, numbers) = read(&row)?;
                    each(place, numbers);
                }
            }
            return Ok(());
        }
        let ids = self.session.query("SELECT DISTINCT source_id FROM balances").await?;
        for id in ids {
            let mut from = String::new();
            loop {
                let sql = format!(
                    "{HEAD} WHERE source_id = {}{from} ORDER BY warehouse_id, product_id LIMIT {PAGE}",
                    id.int(0)?
                );
                let rows = self.session.query(&sql).await?;
                for row in &rows {
                    let (place, numbers) = read(row)?;
                    each(place, numbers);
                }
                let Some(last) = rows.last().filter(|_| rows.len() == PAGE) else { break };
                let warehouse = self.dialect.id_of(last.text(1)?);
                let product = self.dialect.id_of(last.text(2)?);
                from = format!(
                    " AND warehouse_id >= {warehouse} AND (warehouse_id > {warehouse} OR product_id > {product})"
                );
            }
        }
        Ok(())
    }

    /// Every row of `day_totals`, day by day; of these keys only, where they are given.
    pub async fn totals(
        &mut self,
        keys: Option<&[StockKey]>,
        mut each: impl FnMut((NaiveDate, StockKey), Three),
    ) -> Result<()> {
        let mut conditions = Vec::new();
        match keys {
            Some(keys) => {
                conditions.extend(keys.chunks(KEYS).map(|chunk| key_condition(self.dialect, chunk)));
            }
            None => {
                for row in self.session.query("SELECT DISTINCT day FROM day_totals ORDER BY day").await? {
                    conditions.push(format!("day = '{}'", row.day(0)?));
                }
            }
        }
        for condition in conditions {
            let sql = format!(
                "SELECT day, warehouse_id, product_id, in_quantity, out_quantity, entries FROM day_totals \
                 WHERE {condition}"
            );
            for row in self.session.query(&sql).await? {
                each((row.day(0)?, key_at(&row, 1, 2)?), [row.int(3)?, row.int(4)?, row.int(5)?]);
            }
        }
        Ok(())
    }

    /// Keeps the snapshot's connection alive while somebody else is waited for.
    pub async fn stay(&mut self) -> Result<()> {
        self.session.query("SELECT 1").await?;
        Ok(())
    }

    /// Ends the snapshot.
    pub async fn end(mut self) -> Result<()> {
        Ok(self.session.rollback().await?)
    }
}

/// Rows of this source that lie outside of what it says it has taken.
fn beyond(source: &SourceRow) -> String {
    format!("(source_id = {} AND (source_offset < 0 OR source_offset >= {}))", source.id, source.next_offset)
}
