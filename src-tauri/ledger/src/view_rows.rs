//! What the rows of the ledger's tables come to for an auditor in one snapshot: the tables themselves, a key's rows
//! beyond an offset, a key's sums, and what was kept as duplicates.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::sql::Row;
use super::view::{LedgerView, Sum};
use super::{SourceRow, Table, listed};
use domain::entry::{ProductId, StockKey, WarehouseId};
use domain::error::Result;
use domain::source::SourceName;

/// Some rows of one key and source, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beyond {
    /// Offset of the last.
    pub last: i64,
    /// Their signed sum.
    pub signed: i64,
    /// How many.
    pub rows: i64,
}

impl Beyond {
    /// With `rows` more rows (or fewer), the last at `last`.
    pub fn add(&mut self, last: i64, signed: i64, rows: i64) {
        self.last = self.last.max(last);
        self.signed = self.signed.saturating_add(signed);
        self.rows += rows;
    }
}

impl LedgerView {
    /// Tables whose rows count, products together.
    pub async fn tables(&mut self) -> Result<Vec<Table>> {
        Ok(listed::all(&mut *self.session).await?)
    }

    /// Names of those of these tables that do not stand. `Retry`: the snapshot is of no use any more.
    pub async fn missing(&mut self, tables: &[Table]) -> Result<HashSet<String>> {
        listed::missing(&*self.ledger.inner.db, &mut *self.session, tables).await
    }

    /// The rows of keys beyond an offset of a source, as far as its position goes, summed up on both sides of what the
    /// stock acknowledged: (key, source) → rows below the source's `stock_offset`, and the others.
    pub async fn rows_beyond(
        &mut self,
        wanted: &[(StockKey, SourceName, i64)],
    ) -> Result<HashMap<(StockKey, SourceName), [Beyond; 2]>> {
        let sources: HashMap<SourceName, SourceRow> =
            self.sources().iter().map(|source| (source.name.clone(), source.clone())).collect();
        let dialect = self.ledger.inner.db.dialect();
        // By product: the keys of one product lie in the same tables.
        let mut products: BTreeMap<&ProductId, Vec<String>> = BTreeMap::new();
        let mut watermarks: BTreeMap<i64, i64> = BTreeMap::new();
        for (key, source, offset) in wanted {
            let Some(SourceRow { id, next_offset, stock_offset, .. }) = sources.get(source) else { continue };
            watermarks.insert(*id, *stock_offset);
            let warehouse = dialect.text_of(key.warehouse.as_str());
            products.entry(&key.product).or_default().push(format!(
                "(source_id = {id} AND source_offset > {offset} AND source_offset < {next_offset} \
                 AND warehouse_id = {warehouse})"
            ));
        }
        let halves: String = watermarks
            .iter()
            .map(|(id, stock_offset)| format!(" WHEN {id} THEN source_offset < {stock_offset}"))
            .collect();
        let select = "SELECT warehouse_id, source_id, MAX(source_offset), SUM(quantity * drcr), COUNT(*)";
        let end = format!(" GROUP BY warehouse_id, source_id, CASE source_id{halves} END");
        let mut found: HashMap<(StockKey, SourceName), [Beyond; 2]> = HashMap::new();
        for (product, conditions) in products {
            for some in conditions.chunks(50) {
                for row in self.query_product(product, select, &some.join(" OR "), &end).await? {
                    let (id, last) = (row.int(1)?, row.int(2)?);
                    let Some(source) = self.names.get(&id).cloned() else { continue };
                    let half = usize::from(watermarks.get(&id).is_none_or(|watermark| last >= *watermark));
                    let key =
                        StockKey { warehouse: WarehouseId::stored(row.text(0)?), product: product.clone() };
                    found.entry((key, source)).or_default()[half].add(last, row.int(3)?, row.int(4)?);
                }
            }
        }
        Ok(found)
    }

    /// What the rows of one key say, by the source's number: sum, entries, last offset.
    pub async fn row_sums(&mut self, key: &StockKey) -> Result<HashMap<i64, (Sum, i64)>> {
        let dialect = self.ledger.inner.db.dialect();
        let condition = format!("warehouse_id = {}", dialect.text_of(key.warehouse.as_str()));
        let select = "SELECT source_id, SUM(quantity * drcr), COUNT(*), MAX(source_offset)";
        let end = " GROUP BY source_id";
        let mut sums: HashMap<i64, (Sum, i64)> = HashMap::new();
        for row in self.query_product(&key.product, select, &condition, end).await? {
            let (sum, last) = sums.entry(row.int(0)?).or_insert((Sum::default(), -1));
            sum.add(Sum { quantity: row.int(1)?, entries: row.int(2)? });
            *last = (*last).max(row.int(3)?);
        }
        Ok(sums)
    }

    /// Sources' numbers and payloads of messages that were kept as duplicates, newest first; bounded.
    pub async fn duplicates(&mut self) -> Result<Vec<(i64, Vec<u8>)>> {
        let sql = "SELECT source_id, payload FROM rejected_entries WHERE kind = 'duplicate' \
                   ORDER BY source_id DESC, source_offset DESC LIMIT 10000";
        let rows = self.session.query(sql).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.bytes(1)?.to_vec()))).collect()
    }

    /// Numbers of the sources in which rows of a product stand under this entry id.
    pub async fn counted_in(&mut self, product: &ProductId, id: Uuid) -> Result<Vec<i64>> {
        let condition = format!("entry_id = x'{}'", id.simple());
        let rows = self.query_product(product, "SELECT source_id", &condition, "").await?;
        rows.iter().map(|row| row.int(0)).collect()
    }

    /// How many messages are kept aside, by the source's number.
    pub async fn rejected_counts(&mut self) -> Result<HashMap<i64, i64>> {
        let sql = "SELECT source_id, COUNT(*) FROM rejected_entries GROUP BY source_id";
        let rows = self.session.query(sql).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
    }

    /// One SELECT over all tables in which a product's rows can lie.
    async fn query_product(
        &mut self,
        product: &ProductId,
        select: &str,
        condition: &str,
        end: &str,
    ) -> Result<Vec<Row>> {
        let db = &*self.ledger.inner.db;
        let tables = listed::of_product(&mut *self.session, &db.dialect().id_of(product.as_str())).await?;
        let only = format!(" AND product_id = {}", db.dialect().text_of(product.as_str()));
        let term = |table: &Table| {
            let only = if table.product.is_none() { only.as_str() } else { "" };
            format!("{select} FROM {} WHERE ({condition}){only}{end}", table.name)
        };
        let mut found = Vec::new();
        for some in tables.chunks(listed::UNION_TERMS) {
            let terms: Vec<(&Table, String)> = some.iter().map(|table| (table, term(table))).collect();
            found.extend(listed::union(db, &mut *self.session, &terms).await?);
        }
        Ok(found)
    }
}
