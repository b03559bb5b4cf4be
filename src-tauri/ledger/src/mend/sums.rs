//! The stored sums set to what the rows add up to: `balances`, `day_totals`, the counters of `sources`. The right
//! numbers come from a replay up to a cut and from the rows that writers added beyond it, read while every source is
//! held; so they are what must be true at this very moment, however much came in since the cut.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use chrono::NaiveDate;

use super::freeze;
use crate::audits::{AuditLine, add_lines};
use crate::dialect::Dialect;
use crate::read::one_key;
use crate::row_sums::{RowSums, SourceSum, Three};
use crate::sql::{Database, Script, Session, Sql, conclude};
use crate::standing::rows_of;
use crate::sums::moved_by_hand;
use crate::{Ledger, SourceRow, listed};
use domain::entry::{ProductId, StockKey};
use domain::error::{Error, Result};

/// A row of stored sums.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Counted {
    /// Counters of a source.
    Source(i64),
    /// Balance of a key in a source.
    Balance(i64, StockKey),
    /// Totals of a key on a day.
    Total(NaiveDate, StockKey),
}

/// One row of stored sums to be made right, with its line in the log.
#[derive(Debug, Clone)]
pub struct SumMend {
    /// Which row.
    pub place: Counted,
    /// What the log says of it; before and after are written as they are found.
    pub line: AuditLine,
}

impl Ledger {
    /// Sets sums in one transaction to `right` (a replay up to each source's offset in `cut`) and what lies beyond it.
    /// Answers which are right now. `Retry`: nothing happened, try again.
    pub async fn mend_sums(
        &self,
        audit_id: i64,
        cut: &BTreeMap<i64, i64>,
        right: &RowSums,
        mends: &[SumMend],
    ) -> Result<Vec<bool>> {
        let limit = self.inner.db.longest_text().await?;
        let mut session = self.inner.db.writer().await?;
        session.begin().await?;
        let set = self.set_within(&mut *session, audit_id, (cut, right, mends), limit).await;
        let set = conclude(&mut *session, set).await.map_err(Error::from)?;
        crash_points::pass("replay.sums_set");
        Ok(set)
    }

    async fn set_within(
        &self,
        session: &mut dyn Session,
        audit_id: i64,
        (cut, right, mends): (&BTreeMap<i64, i64>, &RowSums, &[SumMend]),
        limit: usize,
    ) -> Sql<Vec<bool>> {
        let dialect = self.inner.db.dialect();
        let sources = freeze(session).await?;
        // No day may change its tier while its rows are read.
        session.query(&format!("SELECT day FROM ledger_days{}", dialect.share())).await?;
        let later = since(&*self.inner.db, session, &sources, cut, mends).await?;
        let mut lines = Vec::new();
        let mut done = Vec::with_capacity(mends.len());
        for mend in mends {
            let line = match &mend.place {
                Counted::Source(id) => set_source(session, &sources, *id, right.source(*id, &later)).await?,
                Counted::Balance(id, key) => {
                    let place = (*id, key.clone());
                    set_balance(session, dialect, &place, right.balance(&place, &later)).await?
                }
                Counted::Total(day, key) => {
                    let place = (*day, key.clone());
                    set_total(session, dialect, &place, right.total(&place, &later)).await?
                }
            };
            done.push(true);
            lines.extend(line.map(|(before, after)| AuditLine { before, after, ..mend.line.clone() }));
        }
        let days = mends.iter().filter_map(|mend| match &mend.place {
            Counted::Total(day, _) => Some(*day),
            Counted::Source(_) | Counted::Balance(..) => None,
        });
        moved_by_hand(session, dialect, &days.collect()).await?;
        crash_points::pass("replay.sums");
        let mut script = Script::new(limit);
        add_lines(&mut script, dialect, audit_id, &lines);
        script.run(session).await?;
        Ok(done)
    }
}

/// Products whose rows these sums are made of; `None`: all.
fn products(mends: &[SumMend]) -> Option<BTreeSet<ProductId>> {
    let of = |mend: &SumMend| match &mend.place {
        Counted::Source(_) => None,
        Counted::Balance(_, key) | Counted::Total(_, key) => Some(key.product.clone()),
    };
    mends.iter().map(of).collect()
}

/// What was counted and kept aside since the cut, as far as these sums are made of it.
async fn since(
    db: &dyn Database,
    session: &mut dyn Session,
    sources: &[SourceRow],
    cut: &BTreeMap<i64, i64>,
    mends: &[SumMend],
) -> Sql<RowSums> {
    let mut later = RowSums::default();
    let from = |source: &SourceRow| cut.get(&source.id).copied().unwrap_or(0);
    let moved = sources.iter().filter(|source| source.next_offset > from(source));
    let places: Vec<String> = moved
        .map(|source| {
            let SourceRow { id, next_offset, .. } = source;
            format!(
                "(source_id = {id} AND source_offset >= {} AND source_offset < {next_offset})",
                from(source)
            )
        })
        .collect();
    if places.is_empty() {
        return Ok(later);
    }
    let places = places.join(" OR ");
    let mut tables = listed::all(session).await?;
    if let Some(products) = products(mends) {
        tables.retain(|table| table.product.as_ref().is_none_or(|product| products.contains(product)));
    }
    let tables: Vec<_> = tables.into_iter().map(Arc::new).collect();
    for row in rows_of(db, session, &tables, &places).await? {
        if let Some(entry) = row.entry() {
            later.count(row.source_id, row.source_offset, &entry);
        }
    }
    let sql = format!("SELECT source_id, COUNT(*) FROM rejected_entries WHERE {places} GROUP BY source_id");
    for row in session.query(&sql).await? {
        later.reject(row.int(0)?, row.int(1)?);
    }
    Ok(later)
}

type Changed = Option<(String, String)>;

async fn set_source(
    session: &mut dyn Session,
    sources: &[SourceRow],
    id: i64,
    right: SourceSum,
) -> Sql<Changed> {
    let Some(source) = sources.iter().find(|source| source.id == id) else { return Ok(None) };
    let stands = SourceSum::of(source);
    if stands == right {
        return Ok(None);
    }
    let sql = format!(
        "UPDATE sources SET entries = {}, rejected = {}, signed_quantity = {}, digest = {} WHERE id = {id}",
        right.entries, right.rejected, right.signed_quantity, right.digest
    );
    session.exec(&sql).await?;
    Ok(Some((stands.content(), right.content())))
}

async fn three(session: &mut dyn Session, sql: &str) -> Sql<Option<Three>> {
    let rows = session.query(sql).await?;
    Ok(rows.first().map(|row| Ok::<_, Error>([row.int(0)?, row.int(1)?, row.int(2)?])).transpose()?)
}

async fn set_balance(
    session: &mut dyn Session,
    dialect: Dialect,
    (source_id, key): &(i64, StockKey),
    right: Option<Three>,
) -> Sql<Changed> {
    let place = format!("source_id = {source_id} AND {}", one_key(dialect, key));
    let sql = format!("SELECT last_offset, quantity, entries FROM balances WHERE {place}");
    let stands = three(session, &sql).await?;
    if stands == right {
        return Ok(None);
    }
    let mut text = format!("DELETE FROM balances WHERE {place};\n");
    if let Some([last, quantity, entries]) = right {
        let _ = writeln!(
            text,
            "INSERT INTO balances (source_id, warehouse_id, product_id, last_offset, quantity, entries) \
             VALUES ({source_id}, {}, {}, {last}, {quantity}, {entries});",
            dialect.id_of(key.warehouse.as_str()),
            dialect.id_of(key.product.as_str())
        );
    }
    session.exec(&text).await?;
    let content = |numbers: Option<Three>| content(["last_offset", "quantity", "entries"], numbers);
    Ok(Some((content(stands), content(right))))
}

async fn set_total(
    session: &mut dyn Session,
    dialect: Dialect,
    (day, key): &(NaiveDate, StockKey),
    right: Option<Three>,
) -> Sql<Changed> {
    let place = format!("day = '{day}' AND {}", one_key(dialect, key));
    let sql = format!("SELECT in_quantity, out_quantity, entries FROM day_totals WHERE {place}");
    let stands = three(session, &sql).await?;
    if stands == right {
        return Ok(None);
    }
    let mut text = format!("DELETE FROM day_totals WHERE {place};\n");
    if let Some([goods_in, goods_out, entries]) = right {
        let _ = writeln!(
            text,
            "INSERT INTO day_totals (day, product_id, warehouse_id, in_quantity, out_quantity, entries) \
             VALUES ('{day}', {}, {}, {goods_in}, {goods_out}, {entries});",
            dialect.id_of(key.product.as_str()),
            dialect.id_of(key.warehouse.as_str())
        );
    }
    session.exec(&text).await?;
    let content = |numbers: Option<Three>| content(["in_quantity", "out_quantity", "entries"], numbers);
    Ok(Some((content(stands), content(right))))
}

/// Three numbers by their names, as the log has them; `null`: no row.
pub(crate) fn content(names: [&str; 3], numbers: Option<Three>) -> String {
    let Some(numbers) = numbers else { return "null".to_owned() };
    let pairs: serde_json::Map<String, serde_json::Value> =
        names.iter().zip(numbers).map(|(name, number)| ((*name).to_owned(), number.into())).collect();
    serde_json::Value::Object(pairs).to_string()
}
