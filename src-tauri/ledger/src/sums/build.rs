//! Rolling up: what one snapshot shows of a span is kept with the version that the snapshot shows of it. Whoever reads
//! it later compares versions; a roll-up that came too late is simply not read.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::dimension::Face;
use super::versions::Grain;
use super::worth::Span;
use super::{Ask, Detail, Filter, Ledger, Moved, Period, month_of};
use crate::dialect::Dialect;
use crate::sql::{Script, Session, Sql, conclude};
use crate::tables::month_bounds;
use domain::entry::{CompanyId, ProductId, WarehouseId};
use domain::error::{Code, Error, Result};
use domain::words;

/// One span's rows: ids to in, out, entries.
type Content = BTreeMap<Vec<String>, [i64; 3]>;

/// What is to be kept: per span, its version and its rows.
type Spans = BTreeMap<(Grain, NaiveDate), (i64, Content)>;

fn add(content: &mut Content, sum: &Moved) {
    let ids = [
        sum.product.as_ref().map(ProductId::as_str),
        sum.warehouse.as_ref().map(WarehouseId::as_str),
        sum.company.as_ref().map(CompanyId::as_str),
    ];
    let ids = ids.into_iter().flatten().map(str::to_owned).collect();
    let figures = content.entry(ids).or_default();
    for (figure, part) in figures.iter_mut().zip([sum.in_quantity, sum.out_quantity, sum.entries]) {
        *figure += part;
    }
}

/// In this order: what is summed up from `day_totals` first. By company the entries themselves are read, which takes as
/// long as there are many of them.
const FACES: [Face; 4] = [Face::Keys, Face::Products, Face::Warehouses, Face::Companies];

/// Of each kind of which there could be very many, so many are kept.
const SOME: usize = 16;

impl Ledger {
    /// Rolls up the months of the whole history, as the first reports would: made for a ledger whose entries were counted before there were roll-ups. `tell` hears how many spans of how many are
    /// done, and says whether to go on; the answer is how many were made, nothing where all is there already.
    pub async fn roll_up_history(&self, mut tell: impl FnMut(usize, usize) -> bool) -> Result<usize> {
        let mut wanted = Vec::new();
        for face in FACES {
            let Some(period) = self.history().await? else { return Ok(0) };
            let sums = self.open_sums(period, Some(face)).await?;
            // Days of the newest month are still moving: a report rolls up those that it reads.
            let months = sums.worth_rolling(face, Detail::Month).now.into_iter();
            wanted.extend(months.filter(|(grain, _)| *grain == Grain::Month).map(|span| (face, span)));
            let newest = sums.state.newest.map(month_of);
            let before = newest.filter(|first| !sums.state.fresh(Grain::Before, *first));
            wanted.extend(before.map(|first| (face, (Grain::Before, first))));
            sums.close().await?;
        }
        let total = wanted.len();
        for (done, (face, (grain, first))) in wanted.into_iter().enumerate() {
            if !tell(done, total) {
                return Ok(done);
            }
            self.again(|| self.roll_span(face, grain, first)).await?;
        }
        Ok(total)
    }

    /// From the first day with entries to the newest.
    async fn history(&self) -> Result<Option<Period>> {
        let mut session = self.inner.db.reader().await?;
        let sql = "SELECT MIN(first_day), MAX(first_day) FROM ledger_versions WHERE grain = 'day'";
        let rows = session.query(sql).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (first, last) = (row.opt_day(0)?, row.opt_day(1)?);
        first.zip(last).map(|(first, last)| span(month_of(first), last)).transpose()
    }

    /// Rolls up these spans: days first, then months, then what lies before a month, each from the ones before it.
    pub(crate) async fn roll_up(&self, face: Face, wanted: Vec<(Grain, NaiveDate)>) -> Result<()> {
        let mut days: BTreeMap<NaiveDate, BTreeSet<NaiveDate>> = BTreeMap::new();
        for (_, day) in wanted.iter().filter(|(grain, _)| *grain == Grain::Day) {
            days.entry(month_of(*day)).or_default().insert(*day);
        }
        for days in days.values() {
            self.roll_days(face, days).await?;
        }
        for (grain, first) in wanted.into_iter().filter(|(grain, _)| *grain != Grain::Day) {
            self.roll_span(face, grain, first).await?;
        }
        Ok(())
    }

    async fn roll_days(&self, face: Face, days: &BTreeSet<NaiveDate>) -> Result<()> {
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(()) };
        let mut sums = self.open_sums(span(*first, *last)?, Some(face)).await?;
        let ask = Ask { columns: face.columns(), filter: Filter::default() };
        let moved = sums.movement(&ask, Detail::Day).await?;
        let mut spans = Spans::new();
        for day in days {
            if let Some(version) = sums.state.version(Grain::Day, *day) {
                spans.insert((Grain::Day, *day), (version, Content::new()));
            }
        }
        sums.close().await?;
        for sum in &moved {
            let Some(day) = sum.day else { continue };
            if let Some((_, content)) = spans.get_mut(&(Grain::Day, day)) {
                add(content, sum);
            }
        }
        self.keep(face, spans).await
    }

    async fn roll_span(&self, face: Face, grain: Grain, first: NaiveDate) -> Result<()> {
        let last = if grain == Grain::Month { month_bounds(first).1 } else { first };
        let mut period = span(first, last)?;
        if let Grain::Until(time) = grain {
            period.end = first.and_time(time);
        }
        let mut sums = self.open_sums(period, Some(face)).await?;
        let ask = Ask { columns: face.columns(), filter: Filter::default() };
        let version = sums.state.version(grain, first);
        let found = match grain {
            Grain::Before => sums.opening(&ask).await?,
            Grain::Day | Grain::Month | Grain::Until(_) => sums.movement(&ask, Detail::Whole).await?,
        };
        sums.close().await?;
        let Some(version) = version else { return Ok(()) };
        let mut content = Content::new();
        for sum in &found {
            add(&mut content, sum);
        }
        self.keep(face, Spans::from([((grain, first), (version, content))])).await
    }

    /// The span's own row comes first: it is the lock under which its rows are replaced.
    async fn keep(&self, face: Face, spans: Spans) -> Result<()> {
        let dialect = self.inner.db.dialect();
        let mut script = Script::new(self.inner.db.longest_text().await?);
        let head = "INSERT INTO rolled_spans (face, grain, first_day, version)";
        let tail = dialect.upsert("face, grain, first_day", &[], &["version"]);
        script.rows(head, &tail, &spans, |out, ((grain, first), (version, _))| {
            out.push_str(&format!("('{}','{}','{first}',{version})", face.name(), grain.name()));
        });
        for ((grain, first), (_, content)) in &spans {
            fill(&mut script, dialect, face, *grain, *first, content);
        }
        let mut session = self.inner.db.writer().await?;
        session.begin().await?;
        let kept = spans.keys().find(|(grain, first)| kind(*grain, *first).is_some());
        let done = match kept {
            Some(kept) => let_go(&mut *session, &mut script, face, *kept).await,
            None => Ok(()),
        };
        let done = match done {
            Ok(()) => script.run(&mut *session).await,
            failed => failed,
        };
        Ok(conclude(&mut *session, done).await?)
    }
}

/// Spans of which there could be one for each day, or for each second of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Everything before a day amid a month.
    Amid,
    /// A day until a time.
    Until,
}

fn kind(grain: Grain, first: NaiveDate) -> Option<Kind> {
    match grain {
        Grain::Before if first != month_of(first) => Some(Kind::Amid),
        Grain::Until(_) => Some(Kind::Until),
        Grain::Before | Grain::Day | Grain::Month => None,
    }
}

/// Lets go of the earliest of a kind, so that with the one that is to be kept there are `SOME` at most.
async fn let_go(session: &mut dyn Session, script: &mut Script, face: Face, kept: Span) -> Sql<()> {
    let sql = format!(
        "SELECT first_day, grain FROM rolled_spans WHERE face = '{}' AND grain NOT IN ('day', 'month')",
        face.name()
    );
    let mut others: Vec<(NaiveDate, Grain)> = Vec::new();
    for row in session.query(&sql).await? {
        let Some(grain) = Grain::named(row.text(1)?) else { continue };
        let first = row.day(0)?;
        let is_other = kind(grain, first) == kind(kept.0, kept.1) && (grain, first) != kept;
        others.extend(is_other.then_some((first, grain)));
    }
    others.sort_unstable();
    for (first, grain) in others.iter().take((others.len() + 1).saturating_sub(SOME)) {
        let condition = format!("grain = '{}' AND first_day = '{first}'", grain.name());
        script.statement(&format!("DELETE FROM rolled_spans WHERE face = '{}' AND {condition}", face.name()));
        script.statement(&format!("DELETE FROM rolled_{} WHERE {condition}", face.name()));
    }
    Ok(())
}

fn fill(
    script: &mut Script,
    dialect: Dialect,
    face: Face,
    grain: Grain,
    first: NaiveDate,
    content: &Content,
) {
    let (table, grain) = (face.name(), grain.name());
    script
        .statement(&format!("DELETE FROM rolled_{table} WHERE grain = '{grain}' AND first_day = '{first}'"));
    let columns = face.columns();
    let ids = [
        (columns.product, "product_id"),
        (columns.warehouse, "warehouse_id"),
        (columns.company, "company_id"),
    ];
    let ids: Vec<&str> = ids.into_iter().filter(|(there, _)| *there).map(|(_, column)| column).collect();
    let head = format!(
        "INSERT INTO rolled_{table} (grain, first_day, {}, in_quantity, out_quantity, entries)",
        ids.join(", ")
    );
    script.rows(&head, "", content, |out, (ids, [in_quantity, out_quantity, entries])| {
        out.push_str(&format!("('{grain}','{first}',"));
        for id in ids {
            dialect.id(out, id);
            out.push(',');
        }
        out.push_str(&format!("{in_quantity},{out_quantity},{entries})"));
    });
}

fn span(first: NaiveDate, last: NaiveDate) -> Result<Period> {
    Period::days(first, last).ok_or_else(|| {
        Error::new(
            Code::Corrupt,
            words!("ledger_counts_day", "The ledger counts entries of the day {first}.", first),
        )
    })
}
