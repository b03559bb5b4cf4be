//! Compaction, and the two tiers it moves rows between: the newest days in the spec's day tables, older ones in month
//! tables. A day changes its tier in one transaction under an exclusive lock on its row in `ledger_days`, which every
//! batch shares; its tables are dropped afterwards, again after a crash. No row is ever in both tiers or in none.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::Ledger;
use super::dialect::month_table_name;
use super::sql::{Kind, Session, Sql, conclude};
use super::tables::{Tier, day_states};
use domain::entry::ProductId;
use domain::error::{Code, Error, Result};
use domain::words;

/// Columns that move from a day table to a month table; `id` is numbered anew.
const MOVED: &str = "product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, description, \
                     entry_id, source_id, source_offset";
/// Tables dropped by one text.
const DROPS: usize = 200;

impl Ledger {
    /// Number of day tables in the catalogue.
    pub(crate) async fn open_tables(&self, session: &mut dyn Session) -> Sql<usize> {
        let rows = session.query("SELECT COUNT(*) FROM ledger_tables WHERE product_id IS NOT NULL").await?;
        let count = rows.first().map(|row| row.int(0)).transpose()?.unwrap_or(0);
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Compacts the oldest days until the wanted new day tables fit. A wanted day that is itself the oldest
    /// becomes compacted: the boundary runs ahead of it.
    pub(crate) async fn make_room(&self, wanted: &BTreeSet<(NaiveDate, ProductId)>) -> Result<()> {
        loop {
            let fresh: BTreeSet<_> = {
                let known = self.inner.known();
                let open = |day| known.days.get(day) == Some(&Tier::Open);
                wanted.iter().filter(|(day, _)| open(day)).cloned().collect()
            };
            if fresh.is_empty() {
                return Ok(());
            }
            let mut session = self.inner.db.writer().await?;
            let open = self.open_tables(&mut *session).await?;
            if open + fresh.len() <= self.inner.limits.day_tables {
                return Ok(());
            }
            let missing = self.missing_tables(&mut *session, &fresh).await?;
            if open + missing <= self.inner.limits.day_tables {
                return Ok(());
            }
            let oldest = self.oldest_open(&mut *session).await?;
            drop(session);
            let Some(oldest) = oldest else { return Ok(()) };
            self.compact_day(oldest).await?;
            self.inner.learn().compacted(oldest);
            self.drop_day(oldest).await?;
        }
    }

    /// How many of these tables the catalogue does not have yet.
    async fn missing_tables(
        &self,
        session: &mut dyn Session,
        fresh: &BTreeSet<(NaiveDate, ProductId)>,
    ) -> Result<usize> {
        let mut names = Vec::with_capacity(fresh.len());
        for (day, product) in fresh {
            names.push(format!("'{}'", self.inner.known().table(Tier::Open, *day, product)?));
        }
        let mut there = 0;
        for chunk in names.chunks(1000) {
            let sql = format!("SELECT COUNT(*) FROM ledger_tables WHERE table_name IN ({})", chunk.join(","));
            there += session.query(&sql).await?.first().map_or(Ok(0), |row| row.int(0))?;
        }
        Ok(fresh.len().saturating_sub(usize::try_from(there).unwrap_or(0)))
    }

    async fn oldest_open(&self, session: &mut dyn Session) -> Result<Option<NaiveDate>> {
        let rows = session.query("SELECT MIN(day) FROM ledger_days WHERE state = 'open'").await?;
        rows.first().map_or(Ok(None), |row| row.opt_day(0))
    }

    /// Moves one open day into its month table; answers the rows moved. Its tables remain for `drop_day`.
    /// Nothing happens when the day is not open any more.
    pub(crate) async fn compact_day(&self, day: NaiveDate) -> Result<u64> {
        let month = month_table_name(day);
        self.make_month(&month, day).await?;
        for _ in 0..3 {
            match self.move_rows(day, &month).await {
                Ok(rows) => return Ok(rows),
                // A table of the catalogue is gone: made again empty, so that what is there can move. The loss
                // is for the full audit to find.
                Err(failed) if failed.kind == Kind::NoTable => self.remake_tables(day).await?,
                Err(failed) => return Err(failed.error),
            }
        }
        Err(Error::new(
            Code::Retry,
            words!(
                "day_tables_changing",
                "The tables of {day} keep changing; its compaction is tried again.",
                day
            ),
        ))
    }

    async fn move_rows(&self, day: NaiveDate, month: &str) -> Sql<u64> {
        let mut session = self.inner.db.writer().await?;
        session.begin().await?;
        let moved = self.move_within(&mut *session, day, month).await;
        let moved = conclude(&mut *session, moved).await?;
        crash_points::pass("compact.committed");
        Ok(moved)
    }

    async fn move_within(&self, session: &mut dyn Session, day: NaiveDate, month: &str) -> Sql<u64> {
        let lock = self.inner.db.dialect().exclusive();
        let states = day_states(session, &BTreeSet::from([day]), lock).await?;
        if states.get(&day) != Some(&Tier::Open) {
            return Ok(0);
        }
        crash_points::pass("compact.locked");
        let tables = self.tables_of(session, day).await?;
        let mut moved = 0;
        for chunk in tables.chunks(DROPS) {
            let mut text = String::new();
            for table in chunk {
                text.push_str(&format!(
                    "INSERT INTO {month} (day, {MOVED}) SELECT '{day}', {MOVED} FROM {table} ORDER BY id;\n"
                ));
            }
            moved += session.exec(&text).await?;
        }
        crash_points::pass("compact.copied");
        session.exec(&format!("UPDATE ledger_days SET state = 'compacted' WHERE day = '{day}'")).await?;
        crash_points::pass("compact.before_commit");
        Ok(moved)
    }

    /// Names of one day's tables.
    async fn tables_of(&self, session: &mut dyn Session, day: NaiveDate) -> Sql<Vec<String>> {
        let sql = format!(
            "SELECT table_name FROM ledger_tables WHERE first_day = '{day}' AND product_id IS NOT NULL \
             ORDER BY table_name"
        );
        let rows = session.query(&sql).await?;
        rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
    }

    async fn remake_tables(&self, day: NaiveDate) -> Result<()> {
        let mut session = self.inner.db.writer().await?;
        let tables = self.tables_of(&mut *session, day).await?;
        drop(session);
        let mut script = String::new();
        for table in &tables {
            self.inner.db.dialect().day_table(&mut script, table);
        }
        if script.is_empty() { Ok(()) } else { Ok(self.inner.db.ddl(&script).await?) }
    }

    /// Drops the tables of a compacted day and takes them out of the catalogue; answers how many.
    pub(crate) async fn drop_day(&self, day: NaiveDate) -> Result<usize> {
        let mut session = self.inner.db.writer().await?;
        let states = day_states(&mut *session, &BTreeSet::from([day]), "").await?;
        if states.get(&day) != Some(&Tier::Month) {
            return Ok(0);
        }
        let tables = self.tables_of(&mut *session, day).await?;
        drop(session);
        for chunk in tables.chunks(DROPS) {
            let drops: String =
                chunk.iter().map(|table| format!("DROP TABLE IF EXISTS {table};\n")).collect();
            self.inner.db.ddl(&drops).await?;
            crash_points::pass("compact.dropped");
            let names: Vec<String> = chunk.iter().map(|table| format!("'{table}'")).collect();
            let sql = format!("DELETE FROM ledger_tables WHERE table_name IN ({})", names.join(","));
            self.inner.db.writer().await?.exec(&sql).await?;
            crash_points::pass("compact.forgotten");
        }
        Ok(tables.len())
    }

    /// Drops what a crash left behind; answers how many tables.
    pub async fn finish_drops(&self) -> Result<usize> {
        let sql = "SELECT DISTINCT t.first_day FROM ledger_tables t JOIN ledger_days d ON d.day = t.first_day \
                   WHERE t.product_id IS NOT NULL AND d.state <> 'open'";
        let rows = self.inner.db.writer().await?.query(sql).await?;
        let mut dropped = 0;
        for row in &rows {
            dropped += self.drop_day(row.day(0)?).await?;
        }
        Ok(dropped)
    }

    /// Open days before `day`, oldest first.
    pub async fn open_days_before(&self, day: NaiveDate) -> Result<Vec<NaiveDate>> {
        let sql = format!("SELECT day FROM ledger_days WHERE state = 'open' AND day < '{day}' ORDER BY day");
        let rows = self.inner.db.writer().await?.query(&sql).await?;
        rows.iter().map(|row| row.day(0)).collect()
    }

    /// Compacts one open day and drops its tables; answers (rows moved, tables dropped).
    pub async fn compact_one(&self, day: NaiveDate) -> Result<(u64, usize)> {
        let _making = self.inner.making.lock().await;
        let rows = self.compact_day(day).await?;
        self.inner.learn().compacted(day);
        Ok((rows, self.drop_day(day).await?))
    }

    /// Moves the boundary up to `day` where no entries lie: what arrives for days before it goes straight into
    /// month tables. Days that are still open stay open.
    pub async fn set_boundary(&self, day: NaiveDate) -> Result<()> {
        let Some(last) = day.pred_opt() else { return Ok(()) };
        let keep = self.inner.db.dialect().keep("day");
        let sql = format!("INSERT INTO ledger_days (day, state) VALUES ('{last}', 'compacted'){keep}");
        self.inner.db.writer().await?.exec(&sql).await?;
        self.inner.learn().days.remove(&last);
        Ok(())
    }
}
