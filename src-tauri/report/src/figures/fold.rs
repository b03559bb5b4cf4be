//! Folding sums into rows: each subject (everything but time) has an opening and what moved in each span of time; a
//! span opens with what the one before it closed with.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{Days, NaiveDate};

use super::{Figures, Group, Request, Row};
use domain::entry::{CompanyId, ProductId, WarehouseId};
use ledger::{Moved, Period};

/// A subject's history.
#[derive(Default)]
struct Series {
    opening: i64,
    /// In, out, entries by the span's first day.
    moved: BTreeMap<NaiveDate, [i64; 3]>,
}

/// What is known so far.
pub(super) struct Fold {
    by: Vec<Group>,
    span: Option<Group>,
    period: Period,
    all: bool,
    categories: HashMap<ProductId, Arc<str>>,
    subjects: BTreeMap<Vec<Arc<str>>, Series>,
}

/// First days of the spans of a period; the first one may have begun before it.
pub(super) fn spans(period: Period, span: Group) -> Vec<NaiveDate> {
    let last = (period.end - chrono::TimeDelta::seconds(1)).date();
    let mut spans: Vec<NaiveDate> = Vec::new();
    let mut day = period.start.date();
    while day <= last {
        let first = span.first_day(day);
        if spans.last() != Some(&first) {
            spans.push(first);
        }
        let Some(next) = day.checked_add_days(Days::new(1)) else { break };
        day = next;
    }
    spans
}

impl Fold {
    pub fn new(request: &Request) -> Self {
        let mut subjects = BTreeMap::new();
        if request.by.iter().all(|group| group.is_time()) {
            subjects.insert(Vec::new(), Series::default());
        }
        Fold {
            by: request.by.clone(),
            span: request.span(),
            period: request.period,
            all: request.all,
            categories: HashMap::new(),
            subjects,
        }
    }

    pub fn categorize(&mut self, categories: Vec<(ProductId, String)>) {
        self.categories = categories.into_iter().map(|(id, name)| (id, name.into())).collect();
    }

    fn series(&mut self, sum: &Moved) -> &mut Series {
        let product = sum.product.as_ref();
        let subject = self.by.iter().filter_map(|group| match group {
            Group::Product => product.map(ProductId::as_str).map(Arc::from),
            Group::Warehouse => sum.warehouse.as_ref().map(WarehouseId::as_str).map(Arc::from),
            Group::Company => sum.company.as_ref().map(CompanyId::as_str).map(Arc::from),
            Group::Category => {
                let category = product.and_then(|id| self.categories.get(id)).cloned();
                Some(category.unwrap_or_else(|| Arc::from("")))
            }
            Group::Day | Group::Week | Group::Month => None,
        });
        let subject: Vec<Arc<str>> = subject.collect();
        self.subjects.entry(subject).or_default()
    }

    pub fn opening(&mut self, sum: &Moved) {
        self.series(sum).opening += sum.in_quantity - sum.out_quantity;
    }

    pub fn movement(&mut self, sum: &Moved) {
        let day = sum.day.unwrap_or(self.period.start.date());
        // The first month may have begun before the period, and so is labelled.
        let first = self.span.map_or(self.period.start.date(), |span| span.first_day(day));
        let moved = self.series(sum).moved.entry(first).or_default();
        for (figure, part) in moved.iter_mut().zip([sum.in_quantity, sum.out_quantity, sum.entries]) {
            *figure += part;
        }
    }

    /// Adds every combination of these values, in the order of the groups that are not time. A product stands under its
    /// own category alone.
    pub fn all(&mut self, lists: &[Vec<String>]) {
        let mut subjects: Vec<Vec<Arc<str>>> = vec![Vec::new()];
        for list in lists {
            let values: Vec<Arc<str>> = list.iter().map(|value| Arc::from(value.as_str())).collect();
            let longer = subjects.iter().flat_map(|subject| {
                values.iter().map(|value| subject.iter().chain([value]).cloned().collect())
            });
            subjects = longer.collect();
        }
        subjects.retain(|subject| self.in_its_category(subject));
        for subject in subjects {
            self.subjects.entry(subject).or_default();
        }
    }

    /// Whether the product of a subject has its category; true where the groups do not name both.
    fn in_its_category(&self, subject: &[Arc<str>]) -> bool {
        let at = |wanted| self.by.iter().filter(|group| !group.is_time()).position(|group| *group == wanted);
        let (Some(product), Some(category)) = (at(Group::Product), at(Group::Category)) else { return true };
        let own = self.categories.get(&ProductId::stored(&subject[product]));
        own.map_or("", |name| name) == &*subject[category]
    }

    pub fn totals(&self) -> Figures {
        let mut totals = Figures::default();
        for series in self.subjects.values() {
            totals.opening += series.opening;
            for [inward, outward, entries] in series.moved.values() {
                totals.add(&Figures { opening: 0, inward: *inward, outward: *outward, entries: *entries });
            }
        }
        totals
    }

    /// The rows, ordered by subject and then by time.
    pub fn rows(self) -> Vec<Row> {
        let spans = match self.span {
            Some(span) => spans(self.period, span),
            None => vec![self.period.start.date()],
        };
        let mut rows = Vec::new();
        for (subject, series) in &self.subjects {
            let mut opening = series.opening;
            for first in &spans {
                let [inward, outward, entries] = series.moved.get(first).copied().unwrap_or_default();
                let figures = Figures { opening, inward, outward, entries };
                opening = figures.closing();
                if self.all || !figures.nothing() {
                    rows.push(Row { group: self.group(subject, *first), figures });
                }
            }
        }
        rows
    }

    fn group(&self, subject: &[Arc<str>], first: NaiveDate) -> Vec<Arc<str>> {
        // A week or month that began before the period is named by its first day within it: the same name.
        let mut ids = subject.iter();
        let value = |group: &Group| match group.is_time() {
            true => Some(group.label(first)),
            false => ids.next().cloned(),
        };
        self.by.iter().filter_map(value).collect()
    }
}
