//! What stands in the ledger, read for a replay: every row of every table in stretches of offsets, the rejected
//! messages, and the stored sums, all in one snapshot. Reads rows as they are, however wrong; judges nothing.

mod row;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;

use super::dialect::Dialect;
use super::listed::{UNION_TERMS, counted, union};
use super::read::{key_at, key_condition};
use super::row_sums::Three;
use super::sql::Row;
use super::view::PAGE;
use super::{Ledger, LedgerView, SourceRow, Table};
use domain::entry::{Entry, ProductId, StockKey};
use domain::error::Result;

pub use row::{StandingRow, entry_content};
pub(crate) use row::{rows_of, standing_at};

/// Keys in one condition.
const KEYS: usize = 200;

/// The ledger at one moment.
pub struct Standing {
    view: LedgerView,
    /// Tables that stand.
    pub tables: Vec<Arc<Table>>,
    /// Tables that the catalogue has and that are gone although `day_totals` counted something in them.
    pub gone: Vec<Table>,
    slugs: HashMap<(NaiveDate, ProductId), usize>,
}

impl Ledger {
    /// Opens a snapshot for a replay; of day tables only these products' are read. `Retry` when days are just being
    /// compacted.
    pub async fn standing_now(&self, products: Option<&BTreeSet<ProductId>>) -> Result<Standing> {
        let mut view = self.view().await?;
        let mut all = view.tables().await?;
        if let Some(products) = products {
            all.retain(|table| table.product.as_ref().is_none_or(|product| products.contains(product)));
        }
        let missing = view.missing(&all).await?;
        let (mut tables, mut gone, mut slugs) = (Vec::with_capacity(all.len()), Vec::new(), HashMap::new());
        for table in all {
            if !missing.contains(&table.name) {
                let place = table.product.clone().map(|product| (table.first_day, product));
                slugs.extend(place.map(|place| (place, tables.len())));
                tables.push(Arc::new(table));
            } else if counted(&mut *view.session, self.inner.db.dialect(), &table).await? {
                gone.push(table);
            }
        }
        Ok(Standing { view, tables, gone, slugs })
    }
}

impl Standing {
    /// Every source.
    pub fn sources(&self) -> &[SourceRow] {
        self.view.sources()
    }

    fn dialect(&self) -> Dialect {
        self.view.ledger.inner.db.dialect()
    }

    async fn rows_where(&mut self, place: &str) -> Result<Vec<StandingRow>> {
        let db = &*self.view.ledger.inner.db;
        Ok(rows_of(db, &mut *self.view.session, &self.tables, place).await?)
    }

    async fn union(&mut self, terms: &[(&Table, String)]) -> Result<Vec<Row>> {
        Ok(union(&*self.view.ledger.inner.db, &mut *self.view.session, terms).await?)
    }

    /// Rows of a source from `from` up to below `to`.
    pub async fn rows(&mut self, source_id: i64, from: i64, to: i64) -> Result<Vec<StandingRow>> {
        let place = format!("source_id = {source_id} AND source_offset >= {from} AND source_offset < {to}");
        self.rows_where(&place).await
    }

    /// The first row or rejected message of a source at `from` or beyond.
    pub async fn first_from(&mut self, source_id: i64, from: i64) -> Result<Option<i64>> {
        let place = format!("WHERE source_id = {source_id} AND source_offset >= {from}");
        let select = |table: &str| format!("SELECT MIN(source_offset) FROM {table} {place}");
        let mut found = self.view.session.query(&select("rejected_entries")).await?;
        let tables = self.tables.clone();
        for chunk in tables.chunks(UNION_TERMS) {
            let terms: Vec<(&Table, String)> =
                chunk.iter().map(|table| (&**table, select(&table.name))).collect();
            found.extend(self.union(&terms).await?);
        }
        let mut first = None;
        for row in found {
            first = row.opt_int(0)?.into_iter().chain(first).min();
        }
        Ok(first)
    }

    /// Rows of no source's log: beyond its position, below 0, or of a source that is not there.
    pub async fn outside(&mut self) -> Result<Vec<StandingRow>> {
        let mut places: Vec<String> = self.sources().iter().map(beyond).collect();
        places.push(self.of_no_source());
        self.rows_where(&places.join(" OR ")).await
    }

    fn of_no_source(&self) -> String {
        let ids: Vec<String> = self.sources().iter().map(|source| source.id.to_string()).collect();
        if ids.is_empty() { "1 = 1".to_owned() } else { format!("source_id NOT IN ({})", ids.join(",")) }
    }

    /// Rejected messages of a source from `from` up to below `to`: offset and kind.
    pub async fn rejected(&mut self, source_id: i64, from: i64, to: i64) -> Result<HashMap<i64, String>> {
        let sql = format!(
            "SELECT source_offset, kind FROM rejected_entries \
             WHERE source_id = {source_id} AND source_offset >= {from} AND source_offset < {to}"
        );
        let rows = self.view.session.query(&sql).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_owned()))).collect()
    }

    /// Rejected messages of no source's log: source's id and offset.
    pub async fn rejected_outside(&mut self) -> Result<Vec<(i64, i64)>> {
        let mut places: Vec<String> = self.sources().iter().map(beyond).collect();
        places.push(self.of_no_source());
        let sql =
            format!("SELECT source_id, source_offset FROM rejected_entries WHERE {}", places.join(" OR "));
        let rows = self.view.session.query(&sql).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
    }

    /// Other rows of the same table with the same content but its ids: source's id and offset.
    pub async fn alike(&mut self, row: &StandingRow) -> Result<Vec<(i64, i64)>> {
        let dialect = self.dialect();
        let [product, company, warehouse, bill, time] =
            row.texts.each_ref().map(|text| dialect.text_of(text));
        let sql = format!(
            "SELECT source_id, source_offset FROM {} WHERE product_id = {product} AND create_time = {time} \
             AND bill_id = {bill} AND warehouse_id = {warehouse} AND company_id = {company} \
             AND quantity = {} AND drcr = {} AND NOT (source_id = {} AND source_offset = {})",
            row.table.name, row.quantity, row.drcr, row.source_id, row.source_offset
        );
        let rows = self.view.session.query(&sql).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
    }

    /// Where this entry's id stands on its product and day: source's id and offset.
    pub async fn id_places(&mut self, entry: &Entry) -> Result<Vec<(i64, i64)>> {
        let Some(id) = entry.entry_id else { return Ok(Vec::new()) };
        let (day, product) = (entry.day(), self.dialect().text_of(entry.product_id.as_str()));
        let select = |table: &Table, place: &str| {
            format!(
                "SELECT source_id, source_offset FROM {} WHERE {place}entry_id = x'{}'",
                table.name,
                id.simple()
            )
        };
        let of_day = self.slugs.get(&(day, entry.product_id.clone())).map(|at| Arc::clone(&self.tables[*at]));
        let months: Vec<Arc<Table>> = self
            .tables
            .iter()
            .filter(|table| table.product.is_none() && (table.first_day..=table.last_day).contains(&day))
            .cloned()
            .collect();
        let in_month = format!("day = '{day}' AND product_id = {product} AND ");
        let of_day = of_day.iter().map(|table| (&**table, select(table, "")));
        let in_months = months.iter().map(|table| (&**table, select(table, &in_month)));
        let terms: Vec<(&Table, String)> = of_day.chain(in_months).collect();
        let rows = self.union(&terms).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
    }

    /// Every row of `balances`, page by page; of these keys only, where they are given.
    pub async fn balances(
        &mut self,
        keys: Option<&[StockKey]>,
        mut each: impl FnMut((i64, StockKey), Three),
    ) -> Result<()> {
        if let Some(keys) = keys {
            for chunk in keys.chunks(KEYS) {
                let sql = format!(
                    "SELECT source_id, warehouse_id, product_id, last_offset, quantity, entries FROM balances \
                     WHERE {}",
                    key_condition(self.dialect(), chunk)
                );
                for row in self.view.session.query(&sql).await? {
                    let place = (row.int(0)?, key_at(&row, 1, 2)?);
                    each(place, [row.int(3)?, row.int(4)?, row.int(5)?]);
                }
            }
            return Ok(());
        }
        let ids = self.view.session.query("SELECT DISTINCT source_id FROM balances").await?;
        for id in ids {
            let id = id.int(0)?;
            let mut last = None;
            loop {
                let page = self.view.balances_after(id, last.as_ref()).await?;
                let whole = page.len() == PAGE;
                last = page.last().map(|(key, _)| key.clone());
                page.into_iter().for_each(|(key, numbers)| each((id, key), numbers));
                if !whole {
                    break;
                }
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
                conditions.extend(keys.chunks(KEYS).map(|chunk| key_condition(self.dialect(), chunk)));
            }
            None => {
                for row in self.view.session.query("SELECT DISTINCT day FROM day_totals ORDER BY day").await?
                {
                    conditions.push(format!("day = '{}'", row.day(0)?));
                }
            }
        }
        for condition in conditions {
            let sql = format!(
                "SELECT day, warehouse_id, product_id, in_quantity, out_quantity, entries FROM day_totals \
                 WHERE {condition}"
            );
            for row in self.view.session.query(&sql).await? {
                each((row.day(0)?, key_at(&row, 1, 2)?), [row.int(3)?, row.int(4)?, row.int(5)?]);
            }
        }
        Ok(())
    }

    /// Keeps the snapshot's connection alive while somebody else is waited for.
    pub async fn stay(&mut self) -> Result<()> {
        self.view.session.query("SELECT 1").await?;
        Ok(())
    }

    /// Ends the snapshot.
    pub async fn end(self) -> Result<()> {
        self.view.close().await
    }
}

/// Rows of this source that lie outside of what it says it has taken.
fn beyond(source: &SourceRow) -> String {
    format!("(source_id = {} AND (source_offset < 0 OR source_offset >= {}))", source.id, source.next_offset)
}
