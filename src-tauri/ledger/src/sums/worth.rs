//! What is worth rolling up for a question. What does not move any more is rolled up at once; what may move, and what may
//! never be asked for again, when it is asked for a second time and nothing was counted in it in between.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::NaiveDate;

use super::dimension::Face;
use super::terms::{at_midnight, month_parts};
use super::versions::{Grain, State};
use super::{Detail, Sums, month_of, next, previous};

/// So many days of totals cost more than to keep what lies before them.
const DAYS_APART: usize = 4;
/// So many spans are remembered as asked for.
const REMEMBERED: usize = 256;

/// What a roll-up is of.
pub(crate) type Span = (Grain, NaiveDate);

/// What this question would read over and over if it were not rolled up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Worth {
    /// Whole days and months of the past.
    pub now: Vec<Span>,
    /// The newest day, its month, and days up to a moment.
    pub once_more: Vec<Span>,
}

/// The spans that were asked for, each with its version at that time. Kept in memory only: forgotten, it costs one more
/// reading further down.
#[derive(Default)]
pub(crate) struct Asked(Mutex<HashMap<(Face, Span), i64>>);

impl Asked {
    /// Those that were asked for before, at the version that they still have.
    pub(crate) fn before(&self, face: Face, state: &State, spans: Vec<Span>) -> Vec<Span> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= REMEMBERED {
            asked.clear();
        }
        let is_known = |(grain, first): &Span| {
            let Some(version) = state.version(*grain, *first) else { return false };
            asked.insert((face, (*grain, *first)), version) == Some(version)
        };
        spans.into_iter().filter(is_known).collect()
    }
}

impl Sums {
    /// What is not rolled up, or not any more.
    pub(crate) fn worth_rolling(&self, face: Face, detail: Detail) -> Worth {
        let Some(newest) = self.state.newest.filter(|_| self.state.trusted) else { return Worth::default() };
        let mut worth = Worth::default();
        self.worth_before(face, newest, &mut worth);
        let (start, end) = (self.period.start.date(), self.period.end.date());
        let mut days = vec![(self.state.base(start), start)];
        let from = if at_midnight(self.period.start) { start } else { next(start) };
        if from < end && detail == Detail::Day {
            days.push((from, end));
        } else if from < end {
            for part in month_parts(from, previous(end)) {
                if !part.whole || part.from > month_of(newest) {
                    days.push((part.from, next(part.to)));
                } else if !self.state.fresh(Grain::Month, part.from) {
                    let is_past = part.from < month_of(newest);
                    let list = if is_past { &mut worth.now } else { &mut worth.once_more };
                    list.push((Grain::Month, part.from));
                    // Until then the month's days serve.
                    days.extend((!is_past).then_some((part.from, newest)));
                }
            }
        }
        if face != Face::Keys {
            self.worth_days(newest, &days, &mut worth);
        }
        self.worth_parts(&mut worth);
        for list in [&mut worth.now, &mut worth.once_more] {
            list.sort_unstable();
            list.dedup();
        }
        worth
    }

    /// What lies before the period.
    fn worth_before(&self, face: Face, newest: NaiveDate, worth: &mut Worth) {
        let start = self.period.start.date();
        let base = self.state.base(start);
        let stale = |grain: Grain, first: NaiveDate| !self.state.fresh(grain, first);
        if stale(Grain::Before, base) {
            let latest = self.state.latest_before(base).unwrap_or(NaiveDate::MIN);
            let months = self.state.months.range(latest..base).map(|(month, _)| *month);
            let months = months.filter(|month| stale(Grain::Month, *month));
            worth.now.extend(months.map(|month| (Grain::Month, month)));
            worth.now.push((Grain::Before, base));
        }
        // Keys have no days of their own: many of them before the period's first are rolled up together.
        let apart = self.state.days.range(base..start).count();
        if face == Face::Keys && apart >= DAYS_APART && start <= newest && stale(Grain::Before, start) {
            worth.now.push((Grain::Before, start));
        }
    }

    fn worth_days(&self, newest: NaiveDate, days: &[(NaiveDate, NaiveDate)], worth: &mut Worth) {
        for (from, end) in days.iter().filter(|(from, end)| from < end) {
            let days = self.state.days.range(*from..*end).map(|(day, _)| *day);
            for day in days.filter(|day| !self.state.fresh(Grain::Day, *day)) {
                let list = if day < newest { &mut worth.now } else { &mut worth.once_more };
                list.push((Grain::Day, day));
            }
        }
    }

    /// The days that the period's two ends cut.
    fn worth_parts(&self, worth: &mut Worth) {
        let ends = [self.period.start, self.period.end].into_iter().filter(|end| !at_midnight(*end));
        // A period within one day counts on from its beginning: what lies before its end is of no use.
        let is_within = !at_midnight(self.period.start) && self.period.start.date() == self.period.end.date();
        for end in ends.take(if is_within { 1 } else { 2 }) {
            let span = (Grain::Until(end.time()), end.date());
            if !self.state.fresh(span.0, span.1) {
                worth.once_more.push(span);
            }
        }
    }
}
