//! The tables of the catalogue whose rows count, and how a snapshot reads them while others make and drop tables. A
//! table that was made after the snapshot has no rows in it; one that is missing though its day is open is gone; one
//! that a compaction dropped meanwhile makes the snapshot useless (`Retry`).

use std::collections::HashSet;

use chrono::NaiveDate;

use super::dialect::Dialect;
use super::sql::{Database, Kind, Row, Session, Sql};
use domain::entry::ProductId;
use domain::error::{Code, Error, Result};
use domain::words;

/// Table names in one question.
const NAMES: usize = 1_000;
/// SELECTs joined into one query.
pub(crate) const UNION_TERMS: usize = 200;

/// A table of the catalogue whose rows count. In order: months' tables, then products together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    /// Its product; none for a month's table.
    pub product: Option<ProductId>,
    /// First day it holds.
    pub first_day: NaiveDate,
    /// Last day it holds.
    pub last_day: NaiveDate,
    /// Its name.
    pub name: String,
}

/// Tables whose rows count: open days' tables and months' tables. What a compaction left to be dropped is none of
/// them.
pub(crate) async fn all(session: &mut dyn Session) -> Sql<Vec<Table>> {
    those(session, "").await
}

/// Those of them in which a product's rows can lie; `product` is its id as a literal.
pub(crate) async fn of_product(session: &mut dyn Session, product: &str) -> Sql<Vec<Table>> {
    those(session, &format!(" AND (t.product_id IS NULL OR t.product_id = {product})")).await
}

async fn those(session: &mut dyn Session, only: &str) -> Sql<Vec<Table>> {
    let sql = format!(
        "SELECT t.table_name, t.product_id, t.first_day, t.last_day FROM ledger_tables t \
         LEFT JOIN ledger_days d ON d.day = t.first_day WHERE (t.product_id IS NULL OR d.state = 'open'){only}"
    );
    let mut tables = Vec::new();
    for row in session.query(&sql).await? {
        tables.push(Table {
            name: row.text(0)?.to_owned(),
            product: row.opt_text(1)?.map(ProductId::stored),
            first_day: row.day(2)?,
            last_day: row.day(3)?,
        });
    }
    tables.sort();
    Ok(tables)
}

fn quoted<'a>(tables: impl IntoIterator<Item = &'a Table>) -> String {
    let names: Vec<String> = tables.into_iter().map(|table| format!("'{}'", table.name)).collect();
    names.join(",")
}

/// Names of those of these tables of a snapshot that do not stand.
pub(crate) async fn missing(
    db: &dyn Database,
    session: &mut dyn Session,
    tables: &[Table],
) -> Result<HashSet<String>> {
    let mut missing = HashSet::new();
    for chunk in tables.chunks(NAMES) {
        let rows = session.query(&db.dialect().standing_tables(&quoted(chunk))).await?;
        let standing: HashSet<&str> = rows.iter().map(|row| row.text(0)).collect::<Result<_>>()?;
        let gone: Vec<&Table> =
            chunk.iter().filter(|table| !standing.contains(table.name.as_str())).collect();
        if gone.is_empty() {
            continue;
        }
        // Asked outside the snapshot: what is no longer in the catalogue was compacted.
        let only = format!(" AND t.table_name IN ({})", quoted(gone.iter().copied()));
        let now = those(&mut *db.reader().await?, &only).await?;
        if gone.iter().any(|table| !now.contains(table)) {
            return Err(Error::new(
                Code::Retry,
                words!("days_compacted", "Days were compacted meanwhile; it is read again."),
            ));
        }
        missing.extend(now.into_iter().map(|table| table.name));
    }
    Ok(missing)
}

/// Which rows of `day_totals` are the sums of this table's rows. A month may hold days whose tables are still open; only
/// compacted ones lie in its table.
pub(crate) fn totals_of(dialect: Dialect, table: &Table) -> String {
    let only = match &table.product {
        Some(product) => format!("product_id = {}", dialect.id_of(product.as_str())),
        None => "day IN (SELECT day FROM ledger_days WHERE state <> 'open')".to_owned(),
    };
    format!("day BETWEEN '{}' AND '{}' AND {only}", table.first_day, table.last_day)
}

/// Whether the table should have rows: `day_totals` counted some in it.
pub(crate) async fn counted(session: &mut dyn Session, dialect: Dialect, table: &Table) -> Sql<bool> {
    let sql = format!("SELECT 1 FROM day_totals WHERE {} AND entries > 0 LIMIT 1", totals_of(dialect, table));
    Ok(!session.query(&sql).await?.is_empty())
}

/// One query over some tables, each with its SELECT. A table that the snapshot has nothing of has no rows, if it is
/// gone or was never to have any; one that stands and should have some was made anew meanwhile (`Retry`).
pub(crate) async fn union(
    db: &dyn Database,
    session: &mut dyn Session,
    terms: &[(&Table, String)],
) -> Sql<Vec<Row>> {
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    let selects: Vec<&str> = terms.iter().map(|(_, select)| select.as_str()).collect();
    match session.query(&selects.join(" UNION ALL ")).await {
        Err(failed) if failed.kind == Kind::NoTable => {}
        answered => return answered,
    }
    let mut found = Vec::new();
    for (table, select) in terms {
        match session.query(select).await {
            Ok(rows) => found.extend(rows),
            Err(failed) if failed.kind == Kind::NoTable => {
                let gone = !missing(db, session, std::slice::from_ref(*table)).await?.is_empty();
                if !gone && counted(session, db.dialect(), table).await? {
                    let words = words!(
                        "table_remade_again",
                        "Table {table} was made anew meanwhile; it is read again.",
                        table = table.name
                    );
                    return Err(Error::new(Code::Retry, words).into());
                }
            }
            Err(failed) => return Err(failed),
        }
    }
    Ok(found)
}
