//! Reports between the screen and the engine: the question in the engine's shape, the rows that are held while a screen
//! scrolls through them, and what stands behind one of them. Decides no figure.

pub mod charts;
pub mod files;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use inventory::domain::entry::{CompanyId, ProductId, WarehouseId};
use inventory::domain::words;
use inventory::report::{Figures, Filter, Group, Order, Period, Request, Row, Sort, stretch};

use crate::api::Failure;
use crate::api::catalog::CatalogKind;
use crate::api::reports::{ReportFigures, ReportGroup, ReportQuery, ReportRow, ReportSort};
use crate::names::Names;

/// Reports whose rows are held: the one on screen, and those that a second question overtakes.
const HELD: usize = 3;

/// A group's value does not belong to the group: a page of another version.
fn strange(value: &str) -> Failure {
    Failure::new(
        "invalid",
        words!(
            "no_value_of_report",
            "{value} is no value of this report; open it again",
            value = format!("{value:?}")
        ),
    )
}

/// The engine's group.
pub fn group(group: ReportGroup) -> Group {
    match group {
        ReportGroup::Product => Group::Product,
        ReportGroup::Warehouse => Group::Warehouse,
        ReportGroup::Company => Group::Company,
        ReportGroup::Category => Group::Category,
        ReportGroup::Day => Group::Day,
        ReportGroup::Week => Group::Week,
        ReportGroup::Month => Group::Month,
    }
}

fn order(sort: ReportSort) -> Order {
    match sort {
        ReportSort::Groups => Order::Groups,
        ReportSort::Opening => Order::Opening,
        ReportSort::In => Order::In,
        ReportSort::Out => Order::Out,
        ReportSort::Closing => Order::Closing,
        ReportSort::Entries => Order::Entries,
    }
}

fn midnight(day: NaiveDate) -> NaiveDateTime {
    day.and_time(NaiveTime::MIN)
}

/// The period of a question.
pub fn period(from: Option<&str>, to: &str) -> Result<Period, Failure> {
    let wrong = |text: &str| {
        Failure::new(
            "invalid",
            words!("no_day_no_time", "{text} is no day and no time", text = format!("{text:?}")),
        )
    };
    let (last, end) = stretch(to).ok_or_else(|| wrong(to))?;
    let start = match from {
        Some(from) => stretch(from).ok_or_else(|| wrong(from))?.0,
        None => midnight(last.date()),
    };
    let period = Period { start, end };
    if period.sound() {
        return Ok(period);
    }
    Err(Failure::new(
        "invalid",
        words!(
            "the_period_unsound",
            "the period ends before it begins, or lies outside the years 1000 to 9999"
        ),
    ))
}

/// The question in the engine's shape, all rows of it.
pub fn request(query: &ReportQuery) -> Result<Request, Failure> {
    let filter = Filter::of(&query.products, &query.warehouses, &query.companies, &query.categories);
    let by: Vec<Group> = query.by.iter().map(|one| group(*one)).collect();
    let sort = Sort { order: order(query.sort), descending: query.descending };
    let period = period(query.from.as_deref(), &query.to)?;
    let request = Request { filter, all: query.all, sort, ..Request::new(period, &by) };
    request.check()?;
    Ok(request)
}

/// Filter and, where `times` is wanted, period narrowed to one row of the report; no values: the whole report.
pub fn narrowed(request: &Request, values: &[String], times: bool) -> Result<(Period, Filter), Failure> {
    let (mut period, mut filter) = (request.period, request.filter.clone());
    if values.is_empty() {
        return Ok((period, filter));
    }
    if values.len() != request.by.len() {
        return Err(strange(&values.join(", ")));
    }
    for (group, value) in request.by.iter().zip(values) {
        match group {
            Group::Product => filter.products = Some(vec![ProductId::stored(value)]),
            Group::Warehouse => filter.warehouses = Some(vec![WarehouseId::stored(value)]),
            Group::Company => filter.companies = Some(vec![CompanyId::stored(value)]),
            Group::Category => filter.categories = Some(vec![value.clone()]),
            Group::Day | Group::Week | Group::Month => {
                let (start, end) = span(*group, value).ok_or_else(|| strange(value))?;
                if times {
                    period = Period { start: period.start.max(start), end: period.end.min(end) };
                }
            }
        }
    }
    if !period.sound() {
        return Err(strange(&values.join(", ")));
    }
    Ok((period, filter))
}

/// First second, and the one after the last, of a day, a week or a month by its name.
fn span(group: Group, name: &str) -> Option<(NaiveDateTime, NaiveDateTime)> {
    let (first, next) = match group {
        Group::Week => {
            let (year, week) = name.split_once("-W")?;
            let first = NaiveDate::from_isoywd_opt(year.parse().ok()?, week.parse().ok()?, Weekday::Mon)?;
            (first, first.checked_add_days(Days::new(7))?)
        }
        Group::Month => {
            let first: NaiveDate = format!("{name}-01").parse().ok()?;
            (first, first.checked_add_months(Months::new(1))?)
        }
        _ => {
            let first: NaiveDate = name.parse().ok()?;
            (first, first.checked_add_days(Days::new(1))?)
        }
    };
    Some((midnight(first), midnight(next)))
}

/// Figures in the screen's shape.
pub fn figures(figures: &Figures) -> ReportFigures {
    ReportFigures {
        opening: figures.opening,
        inward: figures.inward,
        outward: figures.outward,
        closing: figures.closing(),
        entries: figures.entries,
    }
}

fn kind(group: Group) -> Option<CatalogKind> {
    match group {
        Group::Product => Some(CatalogKind::Product),
        Group::Warehouse => Some(CatalogKind::Warehouse),
        Group::Company => Some(CatalogKind::Company),
        _ => None,
    }
}

/// The rows of a report, as long as somebody may scroll through them.
pub struct Held {
    by: Vec<Group>,
    rows: Vec<Row>,
}

impl Held {
    /// Rows [start, end) with the names of today.
    pub fn page(&self, start: usize, end: usize, names: &Names) -> Vec<ReportRow> {
        let end = end.min(self.rows.len());
        let rows = self.rows.get(start.min(end)..end).unwrap_or_default();
        let name = |group: &Group, value: &str| {
            kind(*group).map_or_else(String::new, |kind| names.name(kind, value))
        };
        let shown = |row: &Row| ReportRow {
            names: self.by.iter().zip(&row.group).map(|(group, value)| name(group, value)).collect(),
            group: row.group.iter().map(ToString::to_string).collect(),
            figures: figures(&row.figures),
        };
        rows.iter().map(shown).collect()
    }
}

#[derive(Default)]
struct Kept {
    last: u32,
    reports: VecDeque<(u32, Arc<Held>)>,
}

/// The reports that are looked at, and the export that is under way.
#[derive(Default)]
pub struct Reports {
    kept: Mutex<Kept>,
    export: Mutex<Option<Arc<AtomicBool>>>,
}

impl Reports {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds rows; answers with their handle. The oldest report is let go.
    pub fn hold(&self, by: Vec<Group>, rows: Vec<Row>) -> u32 {
        let mut kept = self.kept();
        kept.last = kept.last.wrapping_add(1);
        let handle = kept.last;
        kept.reports.push_back((handle, Arc::new(Held { by, rows })));
        while kept.reports.len() > HELD {
            kept.reports.pop_front();
        }
        handle
    }

    /// The rows behind a handle.
    pub fn held(&self, report: u32) -> Result<Arc<Held>, Failure> {
        let kept = self.kept();
        let found = kept.reports.iter().find(|(handle, _)| *handle == report);
        let held = found.map(|(_, held)| Arc::clone(held));
        held.ok_or_else(|| {
            Failure::new(
                "not_found",
                words!("report_not_held", "this report is not held any more; make it again"),
            )
        })
    }

    /// The turn to write a file: one at a time.
    pub fn begin_export(&self) -> Result<Turn<'_>, Failure> {
        let mut export = self.export.lock().unwrap_or_else(PoisonError::into_inner);
        if export.is_some() {
            return Err(Failure::new("locked", words!("export_under_way", "An export is under way here.")));
        }
        let cancelled = Arc::new(AtomicBool::new(false));
        *export = Some(Arc::clone(&cancelled));
        Ok(Turn { cancelled, of: self })
    }

    /// Asks the export that is under way to end.
    pub fn cancel(&self) {
        if let Some(cancelled) = self.export.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            cancelled.store(true, Ordering::Relaxed);
        }
    }
}

/// The one turn; whatever happens to the export, the next may begin afterwards.
pub struct Turn<'a> {
    cancelled: Arc<AtomicBool>,
    of: &'a Reports,
}

impl Turn<'_> {
    /// Whether it was asked to end.
    pub fn cancelled(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.of.export.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests;
