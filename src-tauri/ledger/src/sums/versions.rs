//! Which version every day and month has, which of them are rolled up at which version, and whether the versions can
//! be trusted at all: they count entries, and must have counted as many as the sources.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Months, NaiveDate, NaiveTime};

use super::dimension::Face;
use super::{Ledger, Period, month_of};
use crate::dialect::Dialect;
use crate::sql::{Script, Session, Sql, conclude};
use domain::error::Result;

/// What a roll-up covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Grain {
    /// One day.
    Day,
    /// One month.
    Month,
    /// Everything before a month, or before a day of one.
    Before,
    /// One day until this time, the time itself not included.
    Until(NaiveTime),
}

/// How the name of a day until a time is written, in `strftime`'s language: a `u` and six digits.
const UNTIL: &str = "u%H%M%S";

impl Grain {
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Grain::Day => "day".into(),
            Grain::Month => "month".into(),
            Grain::Before => "before".into(),
            Grain::Until(time) => time.format(UNTIL).to_string().into(),
        }
    }

    /// `None` for a name that only a later program knows.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "day" => Some(Grain::Day),
            "month" => Some(Grain::Month),
            "before" => Some(Grain::Before),
            other => NaiveTime::parse_from_str(other, UNTIL).ok().map(Grain::Until),
        }
    }
}

/// The versions as one snapshot shows them.
#[derive(Default)]
pub(crate) struct State {
    /// False where somebody counts entries without moving versions: then nothing rolled up is read.
    pub trusted: bool,
    /// Every month with entries.
    pub months: BTreeMap<NaiveDate, i64>,
    /// Days with entries, from the month in which the period begins to its end.
    pub days: BTreeMap<NaiveDate, i64>,
    /// The newest day with entries: it is still moving and not worth rolling up.
    pub newest: Option<NaiveDate>,
    /// Of the face that is asked for.
    rolled: HashMap<(Grain, NaiveDate), i64>,
}

impl State {
    pub async fn read(session: &mut dyn Session, period: Period, face: Option<Face>) -> Result<Self> {
        let mut state = State::default();
        let sql = "SELECT first_day, SUM(version), SUM(entries) FROM ledger_versions WHERE grain = 'month' \
                   GROUP BY first_day";
        let mut counted = 0;
        for row in session.query(sql).await? {
            state.months.insert(row.day(0)?, row.int(1)?);
            counted += row.int(2)?;
        }
        let rows = session.query("SELECT COALESCE(SUM(entries), 0) FROM sources").await?;
        let entries = rows.first().map_or(Ok(0), |row| row.int(0))?;
        state.trusted = entries == counted;
        let newest = session.query("SELECT MAX(first_day) FROM ledger_versions WHERE grain = 'day'").await?;
        state.newest = newest.first().map_or(Ok(None), |row| row.opt_day(0))?;
        // An opening is counted on from a month that has begun.
        let begin = state.base(period.start.date());
        let sql = format!(
            "SELECT first_day, SUM(version) FROM ledger_versions WHERE grain = 'day' \
             AND first_day BETWEEN '{begin}' AND '{}' GROUP BY first_day",
            period.end.date()
        );
        for row in session.query(&sql).await? {
            state.days.insert(row.day(0)?, row.int(1)?);
        }
        let Some(face) = face else { return Ok(state) };
        let sql = format!(
            "SELECT grain, first_day, version FROM rolled_spans WHERE face = '{}' \
             AND (grain <> 'day' OR first_day BETWEEN '{begin}' AND '{}')",
            face.name(),
            period.end.date()
        );
        for row in session.query(&sql).await? {
            let Some(grain) = Grain::named(row.text(0)?) else { continue };
            state.rolled.insert((grain, row.day(1)?), row.int(2)?);
        }
        Ok(state)
    }

    /// The month from whose beginning the opening of `day` is counted on.
    pub fn base(&self, day: NaiveDate) -> NaiveDate {
        self.newest.map_or(month_of(day), |newest| month_of(day).min(month_of(newest)))
    }

    /// Today's version of a span; `None` where nothing lies in it.
    pub fn version(&self, grain: Grain, first: NaiveDate) -> Option<i64> {
        match grain {
            Grain::Day | Grain::Until(_) => self.days.get(&first).copied(),
            Grain::Month => self.months.get(&first).copied(),
            Grain::Before => {
                let months = self.months.range(..month_of(first));
                let days = self.days.range(month_of(first)..first);
                let mut earlier = months.chain(days).map(|(_, version)| *version).peekable();
                earlier.peek()?;
                Some(earlier.sum())
            }
        }
    }

    /// Whether what is rolled up of the span is what the snapshot holds. A span without entries always is.
    pub fn fresh(&self, grain: Grain, first: NaiveDate) -> bool {
        let Some(version) = self.version(grain, first) else { return true };
        self.trusted && self.rolled.get(&(grain, first)) == Some(&version)
    }

    /// Whether a span is rolled up as the snapshot holds it. Unlike a fresh one it is never an empty one.
    pub fn is_rolled(&self, grain: Grain, first: NaiveDate) -> bool {
        self.rolled.contains_key(&(grain, first)) && self.fresh(grain, first)
    }

    /// The latest month not after `base` whose `before` is fresh, if any.
    pub fn latest_before(&self, base: NaiveDate) -> Option<NaiveDate> {
        let mut month = base;
        let first = *self.months.keys().next()?;
        while month > first {
            if self.fresh(Grain::Before, month) {
                return Some(month);
            }
            month = month.checked_sub_months(Months::new(1))?;
        }
        None
    }
}

/// Moves the versions of days whose rows or totals were set right by hand of a replay: what was rolled up of them before
/// is not read any more. Part of the caller's transaction.
pub(crate) async fn moved_by_hand(
    session: &mut dyn Session,
    dialect: Dialect,
    days: &BTreeSet<NaiveDate>,
) -> Sql<()> {
    let months: BTreeSet<NaiveDate> = days.iter().map(|day| month_of(*day)).collect();
    let spans = days.iter().map(|day| (Grain::Day, day)).chain(months.iter().map(|day| (Grain::Month, day)));
    let values: Vec<String> =
        spans.map(|(grain, first)| format!("('{}','{first}',0,1,0)", grain.name())).collect();
    let tail = dialect.upsert("grain, first_day, source_id", &["version", "entries"], &[]);
    for chunk in values.chunks(500) {
        let sql = format!(
            "INSERT INTO ledger_versions (grain, first_day, source_id, version, entries) VALUES {}{tail}",
            chunk.join(",")
        );
        session.exec(&sql).await?;
    }
    Ok(())
}

impl Ledger {
    /// What stands for everything up to a day, that day included: as long as it is the same, so is every figure that
    /// reaches no further. Whether it is greater or less says nothing.
    pub async fn version_up_to(&self, last: NaiveDate) -> Result<String> {
        let month = month_of(last);
        let versions = "SELECT COALESCE(SUM(version), 0) FROM ledger_versions WHERE grain =";
        // Who counts without moving versions is seen by what the sources have more.
        let sql = format!(
            "SELECT ({versions} 'month' AND first_day < '{month}'), \
             ({versions} 'day' AND first_day BETWEEN '{month}' AND '{last}'), \
             (SELECT COALESCE(SUM(entries), 0) FROM sources) - \
             (SELECT COALESCE(SUM(entries), 0) FROM ledger_versions WHERE grain = 'month')"
        );
        let mut session = self.inner.db.reader().await?;
        let rows = session.query(&sql).await?;
        let Some(row) = rows.first() else { return Ok(String::new()) };
        Ok(format!("{}.{}.{}", row.int(0)?, row.int(1)?, row.int(2)?))
    }

    /// Brings the versions in line with `day_totals` where entries were counted without them: before the versions
    /// were there, or by an older program beside this one. Answers how many days and months it touched.
    pub(crate) async fn settle_versions(&self) -> Result<u64> {
        let mut session = self.inner.db.writer().await?;
        let sql = "SELECT (SELECT COALESCE(SUM(entries), 0) FROM sources) - \
                   (SELECT COALESCE(SUM(entries), 0) FROM ledger_versions WHERE grain = 'month')";
        let missing = session.query(sql).await?.first().map_or(Ok(0), |row| row.int(0))?;
        if missing == 0 {
            return Ok(0);
        }
        session.begin().await?;
        let done = self.settle_within(&mut *session).await;
        Ok(conclude(&mut *session, done).await?)
    }

    async fn settle_within(&self, session: &mut dyn Session) -> Sql<u64> {
        let dialect = self.inner.db.dialect();
        // One at a time: this row is the lock.
        let lock = dialect.upsert("face, grain, first_day", &["version"], &[]);
        let row = "INSERT INTO rolled_spans (face, grain, first_day, version)";
        session.exec(&format!("{row} VALUES ('none', 'none', '1000-01-01', 1){lock}")).await?;
        let mut done = 0;
        for (grain, first) in [("day", "day".to_owned()), ("month", dialect.month_start("day"))] {
            let missing = format!(
                "SELECT t.first_day, t.entries - COALESCE(v.entries, 0) FROM \
                 (SELECT {first} AS first_day, SUM(entries) AS entries FROM day_totals GROUP BY {first}) t \
                 LEFT JOIN (SELECT first_day, SUM(entries) AS entries FROM ledger_versions \
                 WHERE grain = '{grain}' GROUP BY first_day) v ON v.first_day = t.first_day \
                 WHERE t.entries <> COALESCE(v.entries, 0)"
            );
            let rows = session.query(&missing).await?;
            let mut script = Script::new(self.inner.db.longest_text().await?);
            let mut values = Vec::with_capacity(rows.len());
            for row in &rows {
                values.push(format!("('{grain}','{}',0,1,{})", row.day(0)?, row.int(1)?));
            }
            let head = "INSERT INTO ledger_versions (grain, first_day, source_id, version, entries)";
            let tail = dialect.upsert("grain, first_day, source_id", &["version", "entries"], &[]);
            script.rows(head, &tail, values, |out, value| out.push_str(&value));
            script.run(session).await?;
            done += rows.len() as u64;
        }
        Ok(done)
    }
}
