//! Making the ledger right again after a replay: rows that the queue has and no table, rows that the queue does not
//! have, rows that say something else. Each transaction takes every source with a new stamp (DESIGN §3 rule 1), so
//! that a writer with its own idea of them loses and begins anew; looks again whether all is still as it was found;
//! and keeps what it removes in the audit's log. Repeated it finds nothing to do.

mod sums;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;

use super::Ledger;
use super::audits::{AuditLine, add_lines};
use super::dialect::Dialect;
use super::rows::RowWriter;
use super::sources::{new_stamp, stamp_literal};
use super::sql::{Kind, Script, Session, Sql, conclude};
use super::standing::{StandingRow, standing_at};
use super::sums::moved_by_hand;
use super::tables::{Tier, day_states};
use super::verdict::{Judged, Rejection, first_look};
use super::{Incoming, SourceRow, Table};
use domain::entry::Entry;
use domain::error::{Code, Error, Result};
use domain::words;

pub use sums::{Counted, SumMend};

/// Places in one condition.
const PLACES: usize = 200;

/// One row to be made right, with its line in the log.
#[derive(Debug, Clone)]
pub struct RowMend {
    /// Leaves its table.
    pub remove: Option<StandingRow>,
    /// Is counted: source's id, offset, entry.
    pub restore: Option<(i64, i64, Entry)>,
    /// Is kept aside: source's id and the message.
    pub reject: Option<(i64, Incoming)>,
    /// Is no longer kept aside: source's id and offset.
    pub unreject: Option<(i64, i64)>,
    /// What the log says of it.
    pub line: AuditLine,
}

impl RowMend {
    /// Days whose rows it changes.
    fn days(&self) -> impl Iterator<Item = NaiveDate> {
        let removed = self.remove.as_ref();
        let table = removed.and_then(|row| row.table.product.as_ref().map(|_| row.table.first_day));
        let column = removed.and_then(|row| row.day.as_ref()?.parse().ok());
        let said = removed.and_then(|row| row.entry()).map(|entry| entry.day());
        let restored = self.restore.as_ref().map(|(.., entry)| entry.day());
        [table, column, said, restored].into_iter().flatten()
    }

    fn day_of_table(&self) -> Option<NaiveDate> {
        self.remove.as_ref().filter(|row| row.table.product.is_some()).map(|row| row.table.first_day)
    }
}

/// Takes every source: whoever judged by an earlier state loses its compare-and-set.
async fn freeze(session: &mut dyn Session) -> Sql<Vec<SourceRow>> {
    session.exec(&format!("UPDATE sources SET stamp = {}", stamp_literal(&new_stamp()))).await?;
    let sources = super::sources::all(session).await?;
    crash_points::pass("replay.frozen");
    Ok(sources)
}

impl Ledger {
    /// Mends rows in one transaction with their lines in the log of the run `audit_id`; answers which of them were
    /// still as they were found and were mended. `Retry`: nothing happened, try again.
    pub async fn mend_rows(&self, audit_id: i64, mends: &[RowMend]) -> Result<Vec<bool>> {
        match self.try_mend(audit_id, mends).await {
            Err(failed) if failed.kind == Kind::Duplicate => {}
            Err(failed) => return Err(failed.error),
            Ok(done) => return Ok(done),
        }
        // An id that one of them needs stands elsewhere: each alone, and that one stays as it is.
        let mut done = Vec::with_capacity(mends.len());
        for mend in mends {
            match self.try_mend(audit_id, std::slice::from_ref(mend)).await {
                Err(failed) if failed.kind == Kind::Duplicate => done.push(false),
                other => done.extend(other.map_err(Error::from)?),
            }
        }
        Ok(done)
    }

    /// Makes a table of the catalogue again, empty.
    pub async fn remake(&self, table: &Table) -> Result<()> {
        let mut script = String::new();
        match &table.product {
            Some(_) => self.inner.db.dialect().day_table(&mut script, &table.name),
            None => self.inner.db.dialect().month_table(&mut script, &table.name),
        }
        self.inner.db.ddl(&script).await?;
        crash_points::pass("replay.remade");
        Ok(())
    }

    /// Whether a message would be counted, as far as that can be said without the ledger's rows.
    pub fn countable(&self, message: &Incoming) -> bool {
        first_look(message, &self.inner.limits).is_ok()
    }

    async fn try_mend(&self, audit_id: i64, mends: &[RowMend]) -> Sql<Vec<bool>> {
        // What is remembered of tables may be what somebody dropped.
        self.inner.learn().forget();
        let restored = mends.iter().filter_map(|mend| mend.restore.as_ref()).map(|(_, _, entry)| entry);
        self.prepare(restored).await?;
        crash_points::pass("replay.prepared");
        let limit = self.inner.db.longest_text().await?;
        let mut session = self.inner.db.writer().await?;
        session.begin().await?;
        let mended = self.mend_within(&mut *session, audit_id, mends, limit).await;
        let mended = conclude(&mut *session, mended).await?;
        crash_points::pass("replay.mended");
        Ok(mended)
    }

    async fn mend_within(
        &self,
        session: &mut dyn Session,
        audit_id: i64,
        mends: &[RowMend],
        limit: usize,
    ) -> Sql<Vec<bool>> {
        let sources = freeze(session).await?;
        let tiers = self.settled(session, mends).await?;
        let mut so = self.still_so(session, mends, &tiers).await?;
        for (mend, so) in mends.iter().zip(&mut so) {
            let known = |id: i64| sources.iter().any(|source| source.id == id);
            *so = *so && mend.restore.as_ref().is_none_or(|(id, ..)| known(*id));
        }
        let wanted: Vec<&RowMend> =
            mends.iter().zip(&so).filter(|(_, so)| **so).map(|(mend, _)| mend).collect();
        let dialect = self.inner.db.dialect();
        let mut lines = Vec::with_capacity(wanted.len());
        for mend in &wanted {
            lines.push(self.removed(session, mend).await?);
        }
        crash_points::pass("replay.removed");
        self.restore(session, &wanted, &tiers, limit).await?;
        let days = wanted.iter().flat_map(|mend| mend.days()).collect();
        moved_by_hand(session, dialect, &days).await?;
        crash_points::pass("replay.restored");
        let mut script = Script::new(limit);
        add_lines(&mut script, dialect, audit_id, &lines);
        script.run(session).await?;
        crash_points::pass("replay.logged");
        Ok(so)
    }

    /// The tiers of all days concerned, locked; `Retry` when a row's table is no longer the one in which it stood.
    async fn settled(&self, session: &mut dyn Session, mends: &[RowMend]) -> Sql<BTreeMap<NaiveDate, Tier>> {
        let restored: BTreeSet<NaiveDate> =
            mends.iter().filter_map(|mend| mend.restore.as_ref()).map(|(_, _, entry)| entry.day()).collect();
        let stood: BTreeSet<NaiveDate> = mends.iter().filter_map(RowMend::day_of_table).collect();
        let all: BTreeSet<NaiveDate> = restored.union(&stood).copied().collect();
        let tiers = day_states(session, &all, self.inner.db.dialect().share()).await?;
        let known = self.inner.known();
        let moved = restored.iter().any(|day| known.days.get(day) != tiers.get(day))
            || stood.iter().any(|day| tiers.get(day) == Some(&Tier::Month));
        if moved {
            let words = words!(
                "day_changed_while_mended",
                "A day changed its tier while it was mended; it is looked at again."
            );
            return Err(Error::new(Code::Retry, words).into());
        }
        Ok(tiers)
    }

    /// Where a counted entry belongs now.
    fn place(&self, entry: &Entry, tiers: &BTreeMap<NaiveDate, Tier>) -> Result<Arc<Table>> {
        let day = entry.day();
        let tier = tiers.get(&day).copied().unwrap_or(Tier::Month);
        let name = self.inner.known().table(tier, day, &entry.product_id)?;
        let product = (tier == Tier::Open).then(|| entry.product_id.clone());
        Ok(Arc::new(Table { name, product, first_day: day, last_day: day }))
    }

    /// Which mends are still needed and possible: what leaves stands as it was read, what comes stands nowhere yet.
    async fn still_so(
        &self,
        session: &mut dyn Session,
        mends: &[RowMend],
        tiers: &BTreeMap<NaiveDate, Tier>,
    ) -> Sql<Vec<bool>> {
        let mut asked = Vec::new();
        for mend in mends {
            if let Some(row) = &mend.remove {
                asked.push((Arc::clone(&row.table), row.source_id, row.source_offset));
            }
            if let Some((source, offset, entry)) = &mend.restore {
                asked.push((self.place(entry, tiers)?, *source, *offset));
            }
        }
        let mut found = standing_at(session, &asked).await?.into_iter();
        let aside = kept_aside(session, mends).await?;
        let mut so = Vec::with_capacity(mends.len());
        for mend in mends {
            let leaves = mend.remove.as_ref().map(|_| found.next().flatten());
            let comes = mend.restore.as_ref().map(|_| found.next().flatten());
            let stands = leaves.is_none_or(|row| row == mend.remove);
            let free = comes.flatten().is_none_or(|there| {
                mend.remove.as_ref().is_some_and(|row| {
                    row.table.name == there.table.name
                        && (row.source_id, row.source_offset) == (there.source_id, there.source_offset)
                })
            });
            let counted = mend.restore.as_ref().map(|(source, offset, _)| (*source, *offset));
            let rejected = mend.reject.as_ref().map(|(source, message)| (*source, message.offset));
            let stays = counted.filter(|place| Some(*place) != mend.unreject).or(rejected);
            let free = free && stays.is_none_or(|place| !aside.contains(&place));
            so.push(stands && free && mend.unreject.is_none_or(|place| aside.contains(&place)));
        }
        Ok(so)
    }

    /// Removes what is to go; answers the line, which then has all that was there.
    async fn removed(&self, session: &mut dyn Session, mend: &RowMend) -> Sql<AuditLine> {
        let mut line = mend.line.clone();
        if let Some(row) = &mend.remove {
            let StandingRow { table, source_id, source_offset, .. } = row;
            let sql = format!(
                "DELETE FROM {} WHERE source_id = {source_id} AND source_offset = {source_offset}",
                table.name
            );
            session.exec(&sql).await?;
        }
        if let Some((source, offset)) = mend.unreject {
            let place = format!("source_id = {source} AND source_offset = {offset}");
            let sql = format!("SELECT kind, field, reason, payload FROM rejected_entries WHERE {place}");
            if let Some(row) = session.query(&sql).await?.first() {
                line.before = serde_json::json!({
                    "rejected": row.text(0)?, "field": row.text(1)?, "reason": row.text(2)?,
                    "payload": String::from_utf8_lossy(row.bytes(3)?),
                    "source_id": source, "source_offset": offset,
                })
                .to_string();
            }
            session.exec(&format!("DELETE FROM rejected_entries WHERE {place}")).await?;
        }
        Ok(line)
    }

    async fn restore(
        &self,
        session: &mut dyn Session,
        mends: &[&RowMend],
        tiers: &BTreeMap<NaiveDate, Tier>,
        limit: usize,
    ) -> Sql<()> {
        let mut by_source: BTreeMap<i64, Judged<'_>> = BTreeMap::new();
        for mend in mends {
            if let Some((source, offset, entry)) = &mend.restore {
                let judged = by_source.entry(*source).or_default();
                let table = (entry.day(), entry.product_id.clone());
                judged.counted.entry(table).or_default().push((*offset, entry));
            }
            if let Some((source, message)) = &mend.reject {
                let rejection = first_look(message, &self.inner.limits).err().unwrap_or_else(again);
                by_source.entry(*source).or_default().rejected.push((message, rejection));
            }
        }
        let mut script = Script::new(limit);
        {
            let known = self.inner.known();
            let dialect: Dialect = self.inner.db.dialect();
            for (source_id, judged) in &by_source {
                let writer = RowWriter { dialect, limit, source_id: *source_id, known: &known, tiers };
                writer.entries(&mut script, judged)?;
                for (message, rejection) in &judged.rejected {
                    writer.rejected(&mut script, message, rejection);
                }
            }
        }
        script.run(session).await
    }
}

/// The verdict on a message whose entry is counted elsewhere.
fn again() -> Rejection {
    let reason = "entry_id was counted before, as the replay of the queue found".to_owned();
    Rejection { kind: "duplicate", field: "entry_id", reason }
}

/// Which of the places concerned are in `rejected_entries`.
async fn kept_aside(session: &mut dyn Session, mends: &[RowMend]) -> Sql<HashSet<(i64, i64)>> {
    let mut places: Vec<(i64, i64)> = Vec::new();
    for mend in mends {
        places.extend(mend.restore.as_ref().map(|(source, offset, _)| (*source, *offset)));
        places.extend(mend.reject.as_ref().map(|(source, message)| (*source, message.offset)));
        places.extend(mend.unreject);
    }
    let mut found = HashSet::new();
    for chunk in places.chunks(PLACES) {
        let terms: Vec<String> = chunk
            .iter()
            .map(|(source, offset)| format!("(source_id = {source} AND source_offset = {offset})"))
            .collect();
        let sql =
            format!("SELECT source_id, source_offset FROM rejected_entries WHERE {}", terms.join(" OR "));
        for row in session.query(&sql).await? {
            found.insert((row.int(0)?, row.int(1)?));
        }
    }
    Ok(found)
}
