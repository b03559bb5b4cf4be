//! The rows of the ledger's tables as an auditor reads them in one snapshot: table after table in pages, the rows of
//! a key beyond an offset, a key's sums. Rows are told as they stand, even where no entry could look like that.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::sql::{Kind, Row, SqlError};
use super::view::{LedgerView, Sum};
use crate::entry::{BillId, CompanyId, Direction, Entry, ProductId, StockKey, WarehouseId};
use crate::error::{Code, Error, Result};
use crate::stock::SourceName;

/// SELECTs joined into one query.
const UNION_TERMS: usize = 100;
const COLUMNS: &str = "id, product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, description, \
                       entry_id, source_id, source_offset";

/// A table of the catalogue whose rows count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableRow {
    /// Its product; none for a month's table.
    pub product: Option<ProductId>,
    /// Its first day.
    pub first_day: NaiveDate,
    /// Its last day.
    pub last_day: NaiveDate,
    /// Its name.
    pub name: String,
}

/// One row as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Its number in its table.
    pub id: i64,
    /// The day it is counted under: the table's, or its column in a month's table.
    pub day: NaiveDate,
    /// Its source's number.
    pub source_id: i64,
    /// Its offset there.
    pub source_offset: i64,
    /// The key it moves.
    pub key: StockKey,
    /// quantity × drcr, as they stand.
    pub signed: i64,
    /// Its entry id.
    pub entry_id: Option<Uuid>,
    /// The entry; none where the row holds what no entry can.
    pub entry: Option<Entry>,
}

impl LedgerView {
    /// Tables whose rows count, products together: open days' tables and months' tables. What a compaction left to be
    /// dropped is none of them.
    pub async fn tables(&mut self) -> Result<Vec<TableRow>> {
        let sql = "SELECT t.table_name, t.product_id, t.first_day, t.last_day FROM ledger_tables t \
                   LEFT JOIN ledger_days d ON d.day = t.first_day \
                   WHERE t.product_id IS NULL OR d.state = 'open'";
        let rows = self.session.query(sql).await?;
        let table = |row: &Row| {
            Ok(TableRow {
                name: row.text(0)?.to_owned(),
                product: row.opt_text(1)?.map(ProductId::stored),
                first_day: row.day(2)?,
                last_day: row.day(3)?,
            })
        };
        let mut tables: Vec<TableRow> = rows.iter().map(table).collect::<Result<_>>()?;
        tables.sort();
        Ok(tables)
    }

    /// Those of these tables that do not stand. Asked outside the snapshot: a table that a compaction dropped
    /// meanwhile is among them too, and the snapshot is of no use any more (`Retry`).
    pub async fn missing(&mut self, tables: &[TableRow]) -> Result<HashSet<String>> {
        let mut missing = HashSet::new();
        for chunk in tables.chunks(500) {
            let names: Vec<String> = chunk.iter().map(|table| format!("'{}'", table.name)).collect();
            let sql = self.ledger.inner.db.dialect().standing_tables(&names.join(","));
            let mut other = self.ledger.inner.db.reader().await?;
            let rows = other.query(&sql).await?;
            let standing: HashSet<&str> = rows.iter().map(|row| row.text(0)).collect::<Result<_>>()?;
            let gone: Vec<&TableRow> =
                chunk.iter().filter(|table| !standing.contains(table.name.as_str())).collect();
            for table in gone {
                let sql = format!(
                    "SELECT 1 FROM ledger_tables t LEFT JOIN ledger_days d ON d.day = t.first_day \
                     WHERE t.table_name = '{}' AND (t.product_id IS NULL OR d.state = 'open')",
                    table.name
                );
                if other.query(&sql).await?.is_empty() {
                    return Err(Error::new(Code::Retry, "A day was compacted meanwhile."));
                }
                missing.insert(table.name.clone());
            }
        }
        Ok(missing)
    }

    /// Rows of keys beyond an offset of a source: (key, source, beyond) → (offset, signed quantity), any order.
    pub async fn rows_beyond(
        &mut self,
        wanted: &[(StockKey, SourceName, i64)],
    ) -> Result<HashMap<(StockKey, SourceName), Vec<(i64, i64)>>> {
        let ids: HashMap<SourceName, i64> =
            self.sources().iter().map(|source| (source.name.clone(), source.id)).collect();
        let dialect = self.ledger.inner.db.dialect();
        // By product: the keys of one product lie in the same tables.
        let mut products: BTreeMap<&ProductId, Vec<String>> = BTreeMap::new();
        for (key, source, offset) in wanted {
            let Some(id) = ids.get(source) else { continue };
            let warehouse = dialect.text_of(key.warehouse.as_str());
            products.entry(&key.product).or_default().push(format!(
                "(source_id = {id} AND source_offset > {offset} AND warehouse_id = {warehouse})"
            ));
        }
        let mut found: HashMap<(StockKey, SourceName), Vec<(i64, i64)>> = HashMap::new();
        for (product, conditions) in products {
            let tables = self.tables_of_product(product).await?;
            for some in conditions.chunks(50) {
                let condition = some.join(" OR ");
                let select = "SELECT warehouse_id, source_id, source_offset, quantity * drcr";
                for row in self.query_tables(&tables, product, select, &condition, "").await? {
                    let Some(source) = self.names.get(&row.int(1)?).cloned() else { continue };
                    let key =
                        StockKey { warehouse: WarehouseId::stored(row.text(0)?), product: product.clone() };
                    found.entry((key, source)).or_default().push((row.int(2)?, row.int(3)?));
                }
            }
        }
        Ok(found)
    }

    /// What the rows of one key say, by the source's number: sum, entries, last offset.
    pub async fn row_sums(&mut self, key: &StockKey) -> Result<HashMap<i64, (Sum, i64)>> {
        let dialect = self.ledger.inner.db.dialect();
        let tables = self.tables_of_product(&key.product).await?;
        let condition = format!("warehouse_id = {}", dialect.text_of(key.warehouse.as_str()));
        let select = "SELECT source_id, SUM(quantity * drcr), COUNT(*), MAX(source_offset)";
        let end = " GROUP BY source_id";
        let mut sums: HashMap<i64, (Sum, i64)> = HashMap::new();
        for row in self.query_tables(&tables, &key.product, select, &condition, end).await? {
            let (sum, last) = sums.entry(row.int(0)?).or_insert((Sum::default(), -1));
            sum.add(Sum { quantity: row.int(1)?, entries: row.int(2)? });
            *last = (*last).max(row.int(3)?);
        }
        Ok(sums)
    }

    /// Rows in which any of these entry ids stand.
    pub async fn rows_with_ids(&mut self, table: &TableRow, ids: &[Uuid]) -> Result<Vec<StoredRow>> {
        let day = if table.product.is_none() { ", day" } else { "" };
        let list: Vec<String> = ids.iter().map(|id| format!("x'{}'", id.simple())).collect();
        let sql = format!("SELECT {COLUMNS}{day} FROM {} WHERE entry_id IN ({})", table.name, list.join(","));
        let rows = self.session.query(&sql).await.map_err(changed)?;
        rows.iter().map(|row| stored(row, table)).collect()
    }

    /// Payloads of messages that were kept as duplicates, newest first; bounded.
    pub async fn duplicates(&mut self) -> Result<Vec<Vec<u8>>> {
        let sql = "SELECT payload FROM rejected_entries WHERE kind = 'duplicate' \
                   ORDER BY source_id DESC, source_offset DESC LIMIT 10000";
        let rows = self.session.query(sql).await?;
        rows.iter().map(|row| row.bytes(0).map(<[u8]>::to_vec)).collect()
    }

    /// Tables in which a product's rows can lie.
    async fn tables_of_product(&mut self, product: &ProductId) -> Result<Vec<TableRow>> {
        let id = self.ledger.inner.db.dialect().id_of(product.as_str());
        let sql = format!(
            "SELECT t.table_name, t.product_id, t.first_day, t.last_day FROM ledger_tables t \
             LEFT JOIN ledger_days d ON d.day = t.first_day \
             WHERE t.product_id IS NULL OR (t.product_id = {id} AND d.state = 'open') ORDER BY t.first_day"
        );
        let rows = self.session.query(&sql).await?;
        let table = |row: &Row| {
            Ok(TableRow {
                name: row.text(0)?.to_owned(),
                product: row.opt_text(1)?.map(ProductId::stored),
                first_day: row.day(2)?,
                last_day: row.day(3)?,
            })
        };
        rows.iter().map(table).collect()
    }

    /// One SELECT over many tables. A table that is missing, or was made after the snapshot, has no rows in it; the
    /// totals say whether it should have.
    async fn query_tables(
        &mut self,
        tables: &[TableRow],
        product: &ProductId,
        select: &str,
        condition: &str,
        end: &str,
    ) -> Result<Vec<Row>> {
        let only = format!(" AND product_id = {}", self.ledger.inner.db.dialect().text_of(product.as_str()));
        let term = |table: &TableRow| {
            let only = if table.product.is_none() { only.as_str() } else { "" };
            format!("{select} FROM {} WHERE ({condition}){only}{end}", table.name)
        };
        let mut found = Vec::new();
        for some in tables.chunks(UNION_TERMS) {
            let terms: Vec<String> = some.iter().map(term).collect();
            match self.session.query(&terms.join(" UNION ALL ")).await {
                Ok(rows) => found.extend(rows),
                Err(failed) if failed.kind == Kind::NoTable => {
                    for (table, term) in some.iter().zip(&terms) {
                        match self.session.query(term).await {
                            Ok(rows) => found.extend(rows),
                            Err(failed) if failed.kind == Kind::NoTable => {
                                self.missing(std::slice::from_ref(table)).await?;
                            }
                            Err(failed) => return Err(failed.error),
                        }
                    }
                }
                Err(failed) => return Err(failed.error),
            }
        }
        Ok(found)
    }
}

/// A table that changed under the snapshot: nothing is wrong, but this snapshot cannot read it.
fn changed(failed: SqlError) -> Error {
    match failed.kind {
        Kind::NoTable => Error::new(Code::Retry, failed.error),
        _ => failed.error,
    }
}

fn stored(row: &Row, table: &TableRow) -> Result<StoredRow> {
    let (quantity, drcr) = (row.int(2)?, row.int(3)?);
    let key =
        StockKey { warehouse: WarehouseId::stored(row.text(5)?), product: ProductId::stored(row.text(1)?) };
    let entry_id = row.opt_uuid(9).unwrap_or_default();
    let day = if table.product.is_none() { row.day(12)? } else { table.first_day };
    let entry = entry_at(row, quantity, drcr, &key, entry_id);
    Ok(StoredRow {
        id: row.int(0)?,
        day,
        source_id: row.int(10)?,
        source_offset: row.int(11)?,
        signed: quantity.saturating_mul(drcr),
        key,
        entry_id,
        entry,
    })
}

/// The row as an entry; none where a hand wrote what no entry can be.
fn entry_at(row: &Row, quantity: i64, drcr: i64, key: &StockKey, entry_id: Option<Uuid>) -> Option<Entry> {
    Some(Entry {
        product_id: key.product.clone(),
        quantity,
        direction: Direction::from_drcr(drcr)?,
        company_id: CompanyId::stored(row.text(4).ok()?),
        warehouse_id: key.warehouse.clone(),
        bill_id: BillId::stored(row.text(6).ok()?),
        create_time: row.time(7).ok()?,
        description: row.opt_text(8).ok()?.map(str::to_owned),
        entry_id,
    })
}
