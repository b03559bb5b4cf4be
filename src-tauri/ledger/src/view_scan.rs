//! Rows and totals that pass by an auditor, millions of them, without one being copied or kept.

use chrono::NaiveDate;
use uuid::Uuid;

use super::Table;
use super::digest::{Fields, digest_of};
use super::sql::{Kind, Passing, Sql, SqlError};
use super::view::{LedgerView, Sum};
use domain::error::{Code, Error, Result};
use domain::words;

const COLUMNS: &str = "id, product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, description, \
                       entry_id, source_id, source_offset";

/// A row that passes by.
pub struct PassingRow<'a> {
    /// Its number in its table.
    pub id: i64,
    /// The day it is counted under: the table's, or its column in a month's table.
    pub day: NaiveDate,
    /// Its source's number.
    pub source_id: i64,
    /// Its offset there.
    pub source_offset: i64,
    /// Warehouse.
    pub warehouse: &'a str,
    /// Product.
    pub product: &'a str,
    /// Bill.
    pub bill: &'a str,
    /// quantity × drcr, as they stand.
    pub signed: i64,
    /// Its entry id.
    pub entry_id: Option<Uuid>,
    /// Its digest; `None` where the row holds what no entry can.
    pub digest: Option<u64>,
}

/// A row of `balances` that passes by.
pub struct PassingBalance<'a> {
    /// Its source's number.
    pub source_id: i64,
    /// Warehouse.
    pub warehouse: &'a str,
    /// Product.
    pub product: &'a str,
    /// Offset of the key's last counted entry.
    pub last_offset: i64,
    /// What the key's entries of the source come to.
    pub sum: Sum,
}

impl LedgerView {
    /// Hands on the next rows of a table in the order of their numbers, at most `limit`; answers how many, or `None`:
    /// the table is missing, or was made after the snapshot.
    pub async fn pass_rows(
        &mut self,
        table: &Table,
        after: i64,
        limit: usize,
        mut each: impl FnMut(PassingRow<'_>) -> Result<()> + Send,
    ) -> Result<Option<usize>> {
        let which = format!("id > {after} ORDER BY id LIMIT {limit}");
        let mut count = 0;
        let passed = self.pass(table, &which, |row| {
            count += 1;
            each(row)
        });
        match passed.await {
            Ok(()) => Ok(Some(count)),
            Err(failed) if failed.kind == Kind::NoTable && after == 0 => Ok(None),
            Err(failed) => Err(changed(failed)),
        }
    }

    /// Hands on the rows of a table in which any of these entry ids stand.
    pub async fn pass_rows_with_ids(
        &mut self,
        table: &Table,
        ids: &[Uuid],
        each: impl FnMut(PassingRow<'_>) -> Result<()> + Send,
    ) -> Result<()> {
        let list: Vec<String> = ids.iter().map(|id| format!("x'{}'", id.simple())).collect();
        self.pass(table, &format!("entry_id IN ({})", list.join(",")), each).await.map_err(changed)
    }

    async fn pass(
        &mut self,
        table: &Table,
        which: &str,
        mut each: impl FnMut(PassingRow<'_>) -> Result<()> + Send,
    ) -> Sql<()> {
        let day = if table.product.is_none() { ", day" } else { "" };
        let sql = format!("SELECT {COLUMNS}{day} FROM {} WHERE {which}", table.name);
        let mut work = |row: &dyn Passing| each(passing(row, table)?);
        self.session.each(&sql, &mut work).await
    }

    /// Hands on every row of `balances`, in no order.
    pub async fn pass_balances(
        &mut self,
        mut each: impl FnMut(PassingBalance<'_>) -> Result<()> + Send,
    ) -> Result<()> {
        let sql = "SELECT source_id, warehouse_id, product_id, last_offset, quantity, entries FROM balances";
        let mut work = |row: &dyn Passing| {
            each(PassingBalance {
                source_id: row.int(0)?,
                warehouse: row.text(1)?,
                product: row.text(2)?,
                last_offset: row.int(3)?,
                sum: Sum { quantity: row.int(4)?, entries: row.int(5)? },
            })
        };
        Ok(self.session.each(sql, &mut work).await?)
    }

    /// Hands on every day's totals of every key, in no order: warehouse, product, sum. Adding up is left to the caller:
    /// for a server a GROUP BY over all of them is a walk along an index from row to row, or a table on disk, and
    /// takes five to ten times as long.
    pub async fn pass_day_totals(
        &mut self,
        mut each: impl FnMut(&str, &str, Sum) -> Result<()> + Send,
    ) -> Result<()> {
        let sql = "SELECT warehouse_id, product_id, in_quantity - out_quantity, entries FROM day_totals";
        let mut work = |row: &dyn Passing| {
            each(row.text(0)?, row.text(1)?, Sum { quantity: row.int(2)?, entries: row.int(3)? })
        };
        Ok(self.session.each(sql, &mut work).await?)
    }
}

/// A table that changed under the snapshot: nothing is wrong, but this snapshot cannot read it.
fn changed(failed: SqlError) -> Error {
    match failed.kind {
        Kind::NoTable => Error::new(Code::Retry, failed.error.message),
        _ => failed.error,
    }
}

fn passing<'a>(row: &'a dyn Passing, table: &Table) -> Result<PassingRow<'a>> {
    let (quantity, drcr) = (row.int(2)?, row.int(3)?);
    let day = match table.product {
        Some(_) => table.first_day,
        None => row.text(12)?.parse().map_err(|_| {
            Error::new(Code::Corrupt, words!("month_row_no_day", "A row of a month has no day."))
        })?,
    };
    let id: Option<&[u8; 16]> = row.bytes(9).and_then(|bytes| bytes.try_into().ok());
    let (source_id, source_offset) = (row.int(10)?, row.int(11)?);
    let (product, warehouse, bill) = (row.text(1)?, row.text(5)?, row.text(6)?);
    let possible = matches!(drcr, 1 | -1) && (row.bytes(9).is_none() || id.is_some());
    let digest = possible.then(|| {
        Ok::<_, Error>(digest_of(&Fields {
            source_offset,
            quantity,
            drcr,
            create_time: row.text(7)?,
            product_id: product,
            company_id: row.text(4)?,
            warehouse_id: warehouse,
            bill_id: bill,
            description: row.bytes(8).map(|_| row.text(8)).transpose()?,
            entry_id: id,
        }))
    });
    Ok(PassingRow {
        id: row.int(0)?,
        day,
        source_id,
        source_offset,
        warehouse,
        product,
        bill,
        signed: quantity.saturating_mul(drcr),
        entry_id: id.map(|id| Uuid::from_bytes(*id)),
        digest: digest.and_then(Result::ok),
    })
}
