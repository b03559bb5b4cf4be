//! What others read of the ledger: balances, vectors, day totals, positions. Everything that belongs together
//! is read in one snapshot. Never looks at the stock.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::dialect::Dialect;
use super::sql::{Row, Session, Sql};
use super::{BalanceRow, DayTotal, Ledger, SourceRow};
use domain::entry::{ProductId, StockKey, WarehouseId};
use domain::error::Result;
use domain::source::SourceName;
use domain::stock_call::Vector;

/// Keys in one condition.
const KEYS: usize = 200;

/// Counts for a status line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Entries counted.
    pub entries: i64,
    /// Messages kept but not counted.
    pub rejected: i64,
    /// Stock keys with a balance row.
    pub keys: i64,
    /// Open day tables.
    pub day_tables: i64,
    /// Month tables.
    pub month_tables: i64,
    /// Products known.
    pub products: i64,
}

pub(crate) fn key_at(row: &Row, warehouse: usize, product: usize) -> Result<StockKey> {
    Ok(StockKey {
        warehouse: WarehouseId::stored(row.text(warehouse)?),
        product: ProductId::stored(row.text(product)?),
    })
}

/// `(warehouse_id = … AND product_id IN (…)) OR …` for up to `KEYS` keys.
pub(crate) fn key_condition(dialect: Dialect, keys: &[StockKey]) -> String {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for key in keys {
        groups.entry(key.warehouse.as_str()).or_default().push(dialect.id_of(key.product.as_str()));
    }
    let terms = groups.iter().map(|(warehouse, products)| {
        format!("(warehouse_id = {} AND product_id IN ({}))", dialect.id_of(warehouse), products.join(","))
    });
    format!("({})", terms.collect::<Vec<_>>().join(" OR "))
}

/// Condition for all keys after this one in key order, in a form that an index by (warehouse, product) serves.
pub(crate) fn after_key(dialect: Dialect, key: &StockKey) -> String {
    let (warehouse, product) = (dialect.id_of(key.warehouse.as_str()), dialect.id_of(key.product.as_str()));
    format!("warehouse_id >= {warehouse} AND (warehouse_id > {warehouse} OR product_id > {product})")
}

/// Condition for one key.
pub(crate) fn one_key(dialect: Dialect, key: &StockKey) -> String {
    format!(
        "warehouse_id = {} AND product_id = {}",
        dialect.id_of(key.warehouse.as_str()),
        dialect.id_of(key.product.as_str())
    )
}

async fn source_names(session: &mut dyn Session) -> Sql<HashMap<i64, SourceName>> {
    let rows = session.query("SELECT id, name FROM sources").await?;
    rows.iter().map(|row| Ok((row.int(0)?, SourceName::from(row.text(1)?)))).collect()
}

/// Rows (warehouse, product, source, offset, sum) of whole keys, in key order, as vectors.
fn vectors_of(rows: &[Row], names: &HashMap<i64, SourceName>) -> Result<Vec<Vector>> {
    let mut vectors: Vec<Vector> = Vec::new();
    for row in rows {
        let key = key_at(row, 0, 1)?;
        let Some(name) = names.get(&row.int(2)?) else { continue };
        let part = (name.clone(), row.int(3)?, row.int(4)?);
        match vectors.last_mut() {
            Some(vector) if vector.key == key => vector.parts.push(part),
            _ => vectors.push(Vector { key, parts: vec![part] }),
        }
    }
    Ok(vectors)
}

impl Ledger {
    /// Opens a snapshot: one state of the whole ledger for everything read through it.
    pub(crate) async fn snapshot(&self) -> Result<Box<dyn Session>> {
        let mut session = self.inner.db.reader().await?;
        session.begin_snapshot().await?;
        Ok(session)
    }

    /// All balance rows of a source whose last counted entry is at `offset` or beyond (DESIGN §3 rule 6).
    pub async fn balances_from(&self, source_id: i64, offset: i64) -> Result<Vec<BalanceRow>> {
        let sql = format!(
            "SELECT warehouse_id, product_id, last_offset, quantity FROM balances \
             WHERE source_id = {source_id} AND last_offset >= {offset} ORDER BY warehouse_id, product_id"
        );
        let rows = self.inner.db.reader().await?.query(&sql).await?;
        rows.iter()
            .map(|row| {
                Ok(BalanceRow { key: key_at(row, 0, 1)?, last_offset: row.int(2)?, quantity: row.int(3)? })
            })
            .collect()
    }

    /// The keys' whole states (DESIGN §3 rule 4), in key order; keys that the ledger does not know are left out.
    pub async fn vectors(&self, keys: &[StockKey]) -> Result<Vec<Vector>> {
        let mut session = self.snapshot().await?;
        let names = source_names(&mut *session).await?;
        let mut sorted: Vec<StockKey> = keys.to_vec();
        sorted.sort();
        sorted.dedup();
        let mut vectors = Vec::new();
        for chunk in sorted.chunks(KEYS) {
            let sql = format!(
                "SELECT warehouse_id, product_id, source_id, last_offset, quantity FROM balances WHERE {} \
                 ORDER BY warehouse_id, product_id, source_id",
                key_condition(self.inner.db.dialect(), chunk)
            );
            vectors.extend(vectors_of(&session.query(&sql).await?, &names)?);
        }
        session.rollback().await?;
        Ok(vectors)
    }

    /// The next `limit` keys after `after`, in the order of warehouse and product bytes, with their whole
    /// states. Empty at the end.
    pub async fn scan_vectors(&self, after: Option<&StockKey>, limit: usize) -> Result<Vec<Vector>> {
        let dialect = self.inner.db.dialect();
        let mut session = self.snapshot().await?;
        let names = source_names(&mut *session).await?;
        let from = after.map_or_else(String::new, |key| {
            let (warehouse, product) =
                (dialect.id_of(key.warehouse.as_str()), dialect.id_of(key.product.as_str()));
            format!(
                "WHERE warehouse_id >= {warehouse} AND (warehouse_id > {warehouse} OR product_id > {product})"
            )
        });
        let page = format!(
            "SELECT DISTINCT warehouse_id, product_id FROM balances {from} \
             ORDER BY warehouse_id, product_id LIMIT {limit}"
        );
        let sql = format!(
            "SELECT b.warehouse_id, b.product_id, b.source_id, b.last_offset, b.quantity \
             FROM ({page}) k JOIN balances b ON b.warehouse_id = k.warehouse_id AND b.product_id = k.product_id \
             ORDER BY b.warehouse_id, b.product_id, b.source_id"
        );
        let vectors = vectors_of(&session.query(&sql).await?, &names)?;
        session.rollback().await?;
        Ok(vectors)
    }

    /// Every source's name with its next offset and its acknowledged stock offset.
    pub async fn positions(&self) -> Result<HashMap<SourceName, (i64, i64)>> {
        let sources: Vec<SourceRow> = self.sources().await?;
        let position = |row: SourceRow| (row.name, (row.next_offset, row.stock_offset));
        Ok(sources.into_iter().map(position).collect())
    }

    /// In and out of these keys on one day; keys that did not move are left out.
    pub async fn today(&self, day: NaiveDate, keys: &[StockKey]) -> Result<Vec<DayTotal>> {
        let mut session = self.inner.db.reader().await?;
        let mut totals = Vec::new();
        for chunk in keys.chunks(KEYS) {
            let sql = format!(
                "SELECT warehouse_id, product_id, in_quantity, out_quantity, entries FROM day_totals \
                 WHERE day = '{day}' AND {}",
                key_condition(self.inner.db.dialect(), chunk)
            );
            for row in session.query(&sql).await? {
                totals.push(day_total(day, &row)?);
            }
        }
        Ok(totals)
    }

    /// In and out of every key that moved on one day.
    pub async fn day(&self, day: NaiveDate) -> Result<Vec<DayTotal>> {
        let sql = format!(
            "SELECT warehouse_id, product_id, in_quantity, out_quantity, entries FROM day_totals \
             WHERE day = '{day}' ORDER BY product_id, warehouse_id"
        );
        let rows = self.inner.db.reader().await?.query(&sql).await?;
        rows.iter().map(|row| day_total(day, row)).collect()
    }

    /// The last day on which each of these keys moved; keys that never did are left out.
    pub async fn last_movements(&self, keys: &[StockKey]) -> Result<HashMap<StockKey, NaiveDate>> {
        let mut session = self.inner.db.reader().await?;
        let mut found = HashMap::new();
        for chunk in keys.chunks(KEYS) {
            let sql = format!(
                "SELECT warehouse_id, product_id, MAX(day) FROM day_totals WHERE {} \
                 GROUP BY warehouse_id, product_id",
                key_condition(self.inner.db.dialect(), chunk)
            );
            for row in session.query(&sql).await? {
                found.insert(key_at(&row, 0, 1)?, row.day(2)?);
            }
        }
        Ok(found)
    }

    /// Rows of `balances`: at least as many as there are keys.
    pub async fn balance_rows(&self) -> Result<u64> {
        let rows = self.inner.db.reader().await?.query("SELECT COUNT(*) FROM balances").await?;
        rows.first().map_or(Ok(0), |row| Ok(row.int(0)?.unsigned_abs()))
    }

    /// Counts for a status line, read in one snapshot.
    pub async fn summary(&self) -> Result<Summary> {
        let sql = "SELECT (SELECT COALESCE(SUM(entries), 0) FROM sources), \
                   (SELECT COALESCE(SUM(rejected), 0) FROM sources), \
                   (SELECT COUNT(*) FROM (SELECT DISTINCT warehouse_id, product_id FROM balances) k), \
                   (SELECT COUNT(*) FROM ledger_tables WHERE product_id IS NOT NULL), \
                   (SELECT COUNT(*) FROM ledger_tables WHERE product_id IS NULL), \
                   (SELECT COUNT(*) FROM products)";
        let rows = self.inner.db.reader().await?.query(sql).await?;
        let Some(row) = rows.first() else { return Ok(Summary::default()) };
        Ok(Summary {
            entries: row.int(0)?,
            rejected: row.int(1)?,
            keys: row.int(2)?,
            day_tables: row.int(3)?,
            month_tables: row.int(4)?,
            products: row.int(5)?,
        })
    }
}

fn day_total(day: NaiveDate, row: &Row) -> Result<DayTotal> {
    Ok(DayTotal {
        day,
        key: key_at(row, 0, 1)?,
        in_quantity: row.int(2)?,
        out_quantity: row.int(3)?,
        entries: row.int(4)?,
    })
}
