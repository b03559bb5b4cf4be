//! Which tables a question is read from, as SELECTs: the fewest rows that give the exact figure. Whole days from roll-ups
//! where they are fresh, else from `day_totals`; parts of a day, and companies told apart by goods, from the rows.

use std::collections::HashSet;
use std::fmt::Write;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::dimension::Face;
use super::term::{Label, Term, between};
use super::versions::Grain;
use super::{Ask, Detail, Filter, Period, Sums, midnight, month_of, next, previous};
use crate::tables::{Tier, month_bounds};
use domain::entry::ProductId;
use domain::error::Result;

/// A stretch of rows: some days, and of the time within them only a part where asked.
pub(crate) struct Stretch {
    pub from: Option<NaiveDate>,
    pub to: NaiveDate,
    pub since: Option<NaiveDateTime>,
    pub until: Option<NaiveDateTime>,
}

impl Stretch {
    pub fn cut(period: Period) -> Self {
        let day = period.start.date();
        Stretch { from: Some(day), to: day, since: Some(period.start), until: Some(period.end) }
    }

    fn whole(from: Option<NaiveDate>, to: NaiveDate) -> Self {
        Stretch { from, to, since: None, until: None }
    }

    /// The part of the time as a condition, with its AND.
    pub fn times(&self) -> String {
        let mut out = String::new();
        if let Some(since) = self.since {
            let _ = write!(out, " AND create_time >= '{since}'");
        }
        if let Some(until) = self.until {
            let _ = write!(out, " AND create_time < '{until}'");
        }
        out
    }
}

/// A table of entries.
pub(crate) struct Rows {
    pub name: String,
    /// Its day; a month table has none.
    pub day: Option<NaiveDate>,
    pub first_day: NaiveDate,
    pub condition: String,
}

pub(crate) fn at_midnight(time: NaiveDateTime) -> bool {
    time.time() == NaiveTime::MIN
}

impl Sums {
    pub(crate) async fn opening_terms(&mut self, ask: &Ask) -> Result<Vec<Term>> {
        let start = self.period.start;
        let day = start.date();
        let mut terms = Vec::new();
        match self.face {
            Some(face) if self.state.is_rolled(Grain::Before, day) => {
                terms.push(Term::rolled(face, Grain::Before, day, day, Label::None));
            }
            Some(face) if self.state.trusted => {
                let base = self.state.base(day);
                let latest = self.state.latest_before(base);
                if let Some(month) = latest {
                    terms.push(Term::rolled(face, Grain::Before, month, month, Label::None));
                }
                let months = self.state.months.range(latest.unwrap_or(NaiveDate::MIN)..base);
                let months: Vec<NaiveDate> = months.map(|(month, _)| *month).collect();
                self.month_terms(face, &months, Detail::Whole, ask, &mut terms).await?;
                if base < day {
                    self.day_terms(face, base, previous(day), Label::None, ask, &mut terms).await?;
                }
            }
            Some(Face::Companies) | None => {
                let stretch = Stretch::whole(None, previous(day));
                terms.extend(self.row_terms(ask, stretch, Detail::Whole).await?);
            }
            Some(_) => terms.push(Term::totals(None, previous(day), Label::None)),
        }
        if !at_midnight(start) {
            self.cut_day(ask, Period { start: midnight(day), end: start }, Detail::Whole, &mut terms).await?;
        }
        Ok(terms)
    }

    /// A part of one day: where it begins with the day, as it was kept, else from the day's rows.
    async fn cut_day(
        &mut self,
        ask: &Ask,
        part: Period,
        detail: Detail,
        terms: &mut Vec<Term>,
    ) -> Result<()> {
        let (day, until) = (part.start.date(), Grain::Until(part.end.time()));
        match self.face {
            Some(face) if at_midnight(part.start) && self.state.is_rolled(until, day) => {
                let label = if detail == Detail::Day { Label::Day(day) } else { label_of(detail, day) };
                terms.push(Term::rolled(face, until, day, day, label));
            }
            _ => terms.extend(self.row_terms(ask, Stretch::cut(part), detail).await?),
        }
        Ok(())
    }

    pub(crate) async fn movement_terms(&mut self, ask: &Ask, detail: Detail) -> Result<Vec<Term>> {
        let Period { start, end } = self.period;
        let (first, last) = (start.date(), end.date());
        let mut terms = Vec::new();
        let mut from = first;
        if !at_midnight(start) {
            from = next(first);
            self.cut_day(ask, Period { start, end: end.min(midnight(from)) }, detail, &mut terms).await?;
        }
        if from < last {
            self.whole_days(ask, from, previous(last), detail, &mut terms).await?;
        }
        if !at_midnight(end) && from <= last {
            self.cut_day(ask, Period { start: midnight(last), end }, detail, &mut terms).await?;
        }
        Ok(terms)
    }

    async fn whole_days(
        &mut self,
        ask: &Ask,
        from: NaiveDate,
        to: NaiveDate,
        detail: Detail,
        terms: &mut Vec<Term>,
    ) -> Result<()> {
        let Some(face) = self.face else {
            terms.extend(self.row_terms(ask, Stretch::whole(Some(from), to), detail).await?);
            return Ok(());
        };
        if detail == Detail::Day {
            return self.day_terms(face, from, to, Label::Column("day"), ask, terms).await;
        }
        let mut whole = Vec::new();
        for part in month_parts(from, to) {
            if part.whole && self.state.trusted {
                whole.extend(self.state.months.contains_key(&part.from).then_some(part.from));
                continue;
            }
            let label = label_of(detail, part.from);
            self.day_terms(face, part.from, part.to, label, ask, terms).await?;
        }
        self.month_terms(face, &whole, detail, ask, terms).await
    }

    /// Whole months, in order: neighbours that are fresh in one SELECT, the others day by day.
    async fn month_terms(
        &mut self,
        face: Face,
        months: &[NaiveDate],
        detail: Detail,
        ask: &Ask,
        terms: &mut Vec<Term>,
    ) -> Result<()> {
        let fresh = |month: &NaiveDate| self.state.fresh(Grain::Month, *month);
        let label = if detail == Detail::Month { Label::Column("first_day") } else { Label::None };
        let mut stale = Vec::new();
        for run in months.chunk_by(|a, b| fresh(a) == fresh(b)) {
            match run {
                [first, ..] if fresh(first) => {
                    let last = run.last().unwrap_or(first);
                    terms.push(Term::rolled(face, Grain::Month, *first, *last, label));
                }
                _ => stale.extend_from_slice(run),
            }
        }
        for month in stale {
            let (from, to) = month_bounds(month);
            self.day_terms(face, from, to, label_of(detail, month), ask, terms).await?;
        }
        Ok(())
    }

    /// Whole days, in runs: what is rolled up and fresh, and what is not. A day without entries joins either.
    async fn day_terms(
        &mut self,
        face: Face,
        from: NaiveDate,
        to: NaiveDate,
        label: Label,
        ask: &Ask,
        terms: &mut Vec<Term>,
    ) -> Result<()> {
        let known =
            self.state.trusted && face != Face::Keys && from >= self.state.base(self.period.start.date());
        let mut runs: Vec<(bool, NaiveDate, NaiveDate)> = Vec::new();
        if known {
            for day in self.state.days.range(from..=to).map(|(day, _)| *day) {
                let fresh = self.state.fresh(Grain::Day, day);
                match runs.last_mut() {
                    Some(run) if run.0 == fresh => run.2 = day,
                    _ => runs.push((fresh, day, day)),
                }
            }
        } else {
            runs.push((false, from, to));
        }
        for (fresh, from, to) in runs {
            if fresh {
                let label =
                    if matches!(label, Label::Column(_)) { Label::Column("first_day") } else { label };
                terms.push(Term::rolled(face, Grain::Day, from, to, label));
            } else if face == Face::Companies {
                let detail = match label {
                    Label::None => Detail::Whole,
                    Label::Day(_) => Detail::Month,
                    Label::Column(_) => Detail::Day,
                };
                terms.extend(self.row_terms(ask, Stretch::whole(Some(from), to), detail).await?);
            } else {
                terms.push(Term::totals(Some(from), to, label));
            }
        }
        Ok(())
    }

    async fn row_terms(&mut self, ask: &Ask, stretch: Stretch, detail: Detail) -> Result<Vec<Term>> {
        let tables = self.tables(&ask.filter, &stretch).await?;
        let term = |rows: Rows| {
            let label = match (detail, rows.day) {
                (Detail::Whole, _) => Label::None,
                (Detail::Month, _) => Label::Day(month_of(rows.first_day)),
                (Detail::Day, Some(day)) => Label::Day(day),
                (Detail::Day, None) => Label::Column("day"),
            };
            Term { table: rows.name, label, condition: rows.condition, rows: true, single: None }
        };
        Ok(tables.into_iter().map(term).collect())
    }

    /// The tables that hold a stretch's entries, oldest first: day tables of open days, and month tables.
    pub(crate) async fn tables(&mut self, filter: &Filter, stretch: &Stretch) -> Result<Vec<Rows>> {
        let mut sql = format!(
            "SELECT t.table_name, t.product_id, t.first_day, d.state FROM ledger_tables t \
             LEFT JOIN ledger_days d ON d.day = t.first_day WHERE t.first_day <= '{}'",
            stretch.to
        );
        if let Some(from) = stretch.from {
            let _ = write!(sql, " AND t.last_day >= '{from}'");
        }
        sql.push_str(" ORDER BY t.first_day, t.table_name");
        let wanted: Option<HashSet<&str>> =
            filter.products.as_ref().map(|ids| ids.iter().map(ProductId::as_str).collect());
        let times = stretch.times();
        let mut tables = Vec::new();
        for row in self.session.query(&sql).await? {
            let first_day = row.day(2)?;
            let (day, condition) = match row.opt_text(1)? {
                Some(product) => {
                    let open = row.opt_text(3)?.map(Tier::of) == Some(Tier::Open);
                    if !open || wanted.as_ref().is_some_and(|wanted| !wanted.contains(product)) {
                        continue;
                    }
                    (Some(first_day), format!("1 = 1{times}"))
                }
                None => {
                    let from = stretch.from.unwrap_or(first_day).max(first_day);
                    (None, format!("{}{times}", between("day", from, stretch.to)))
                }
            };
            tables.push(Rows { name: row.text(0)?.to_owned(), day, first_day, condition });
        }
        Ok(tables)
    }
}

fn label_of(detail: Detail, day: NaiveDate) -> Label {
    if detail == Detail::Whole { Label::None } else { Label::Day(month_of(day)) }
}

/// A month, or a part of it.
pub(crate) struct MonthPart {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub whole: bool,
}

pub(crate) fn month_parts(from: NaiveDate, to: NaiveDate) -> Vec<MonthPart> {
    let mut parts = Vec::new();
    let mut at = from;
    while at <= to {
        let (first, last) = month_bounds(at);
        let end = last.min(to);
        parts.push(MonthPart { from: at, to: end, whole: at == first && end == last });
        at = next(last);
    }
    parts
}
