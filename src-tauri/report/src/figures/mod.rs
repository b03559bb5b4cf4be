//! Period reports: opening, in, out and closing of a period by product, warehouse, company, category, day, week or
//! month. Dates are whole days of the warehouse's wall clock, both included; the opening is everything before. Reads
//! the ledger alone, never the stock, and each report one single state of it.

mod export;
mod fold;
mod group;
mod movers;
mod stream;
mod unusual;
mod words;
mod xlsx;

use std::sync::Arc;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

pub use export::{Cell, CsvTable, OwnedCell, Sheet, Table, export};
pub use group::Group;
pub use movers::{Mover, movers};
pub use stream::{Flow, Progress, stream};
pub use unusual::{Measure, RULE, Rule, Unusual, unusual, unusual_days};
pub use words::{Names, Words};
pub use xlsx::XlsxTable;

pub use ledger::{EntryCursor, Filter, Movement, Period};

use domain::entry::parse_time;
use domain::error::{Code, Error, Result};
use fold::Fold;
use ledger::{Ask, Columns, Detail, Ledger, Sums};

/// By what the rows are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By the groups, in the order in which they were asked for.
    #[default]
    Groups,
    /// By the quantity before the period.
    Opening,
    /// By the quantity in.
    In,
    /// By the quantity out.
    Out,
    /// By the quantity after the period.
    Closing,
    /// By the number of entries.
    Entries,
}

/// An order and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// By what.
    pub order: Order,
    /// Greatest first.
    pub descending: bool,
}

/// A part of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Rows left out before it.
    pub offset: usize,
    /// Most rows in it.
    pub limit: usize,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The stretch of time; a day that it cuts into is read from its rows.
    pub period: Period,
    /// Groups; none at all gives one row.
    pub by: Vec<Group>,
    /// Which entries.
    pub filter: Filter,
    /// Groups of the catalogue with neither balance nor movement, too.
    pub all: bool,
    /// Order of the rows.
    pub sort: Sort,
    /// `None`: all rows.
    pub page: Option<Page>,
}

impl Request {
    /// All rows of a period in the order of the groups.
    pub fn new(period: Period, by: &[Group]) -> Self {
        let (filter, sort) = (Filter::default(), Sort::default());
        Request { period, by: by.to_vec(), filter, all: false, sort, page: None }
    }

    /// One row for each day of a period, quiet ones too.
    pub fn by_day(period: Period, filter: Filter) -> Self {
        Request { filter, all: true, ..Request::new(period, &[Group::Day]) }
    }

    /// Refuses what has no meaning.
    pub fn check(&self) -> Result<()> {
        let invalid = |words| Err(Error::new(Code::Invalid, words));
        if !self.period.sound() {
            return invalid(domain::words!(
                "period_unsound",
                "The period ends before it begins, or lies outside the years 1000 to 9999."
            ));
        }
        if (1..self.by.len()).any(|at| self.by[..at].contains(&self.by[at])) {
            return invalid(domain::words!("group_named_twice", "A group is named twice."));
        }
        let has = |group: Group| self.by.contains(&group);
        if has(Group::Week) && has(Group::Month) && !has(Group::Day) {
            return invalid(domain::words!(
                "week_and_month",
                "A week may belong to two months: group by week or by month, or add day."
            ));
        }
        Ok(())
    }

    fn ask(&self) -> Ask {
        let has = |group: Group| self.by.contains(&group);
        let product = has(Group::Product) || has(Group::Category);
        let columns = Columns { product, warehouse: has(Group::Warehouse), company: has(Group::Company) };
        Ask { columns, filter: self.filter.clone() }
    }

    /// The finest time that is told apart.
    fn span(&self) -> Option<Group> {
        [Group::Day, Group::Week, Group::Month].into_iter().find(|group| self.by.contains(group))
    }

    fn detail(&self) -> Detail {
        match self.span() {
            None => Detail::Whole,
            Some(Group::Month) => Detail::Month,
            Some(_) => Detail::Day,
        }
    }
}

/// A day or a second as people write it (2026-11-03, 2026-11-03 14:30:00): its first second, and the one after its last.
pub fn stretch(text: &str) -> Option<(NaiveDateTime, NaiveDateTime)> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        let next = day.checked_add_days(Days::new(1))?;
        return Some((day.and_time(NaiveTime::MIN), next.and_time(NaiveTime::MIN)));
    }
    let second = parse_time(text)?;
    Some((second, second.checked_add_signed(TimeDelta::seconds(1))?))
}

/// The four figures of a group, in pieces, and its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Everything before.
    pub opening: i64,
    /// In.
    pub inward: i64,
    /// Out.
    pub outward: i64,
    /// Entries that moved.
    pub entries: i64,
}

impl Figures {
    /// Opening + in − out.
    pub fn closing(&self) -> i64 {
        self.opening + self.inward - self.outward
    }

    /// Neither balance nor movement.
    pub fn nothing(&self) -> bool {
        self.opening == 0 && self.entries == 0
    }

    fn add(&mut self, other: &Figures) {
        self.opening += other.opening;
        self.inward += other.inward;
        self.outward += other.outward;
        self.entries += other.entries;
    }
}

/// One row: the groups' values in the order asked for, and its figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Ids, categories, days (2025-03-10), weeks (2025-W11), months (2025-03).
    pub group: Vec<Arc<str>>,
    /// Its figures.
    pub figures: Figures,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The page's rows.
    pub rows: Vec<Row>,
    /// Over all rows: opening before the period, in and out within, closing after it.
    pub totals: Figures,
    /// Rows on all pages.
    pub found: usize,
}

/// Answers one report out of one state of the ledger.
pub async fn run(ledger: &Ledger, request: &Request) -> Result<Report> {
    request.check()?;
    ledger
        .again(|| async {
            let mut sums = ledger.sums(request.period, &request.ask(), request.detail()).await?;
            let fold = fill(&mut sums, request, request.ask()).await?;
            sums.close().await?;
            Ok(answer(request, fold))
        })
        .await
}

/// What stands for everything that a report of this period is made of: as long as it is the same, so are its figures.
pub async fn version(ledger: &Ledger, period: Period) -> Result<String> {
    ledger.version_up_to((period.end - TimeDelta::seconds(1)).date()).await
}

/// Reads everything that `ask` names.
async fn fill(sums: &mut Sums, request: &Request, ask: Ask) -> Result<Fold> {
    let mut fold = Fold::new(request);
    if request.by.contains(&Group::Category) {
        fold.categorize(sums.categories().await?);
    }
    for sum in sums.opening(&ask).await? {
        fold.opening(&sum);
    }
    for sum in sums.movement(&ask, request.detail()).await? {
        fold.movement(&sum);
    }
    if request.all {
        let mut lists = Vec::new();
        for group in &request.by {
            lists.extend(match group {
                Group::Product => Some(sums.ids("products", &ask.filter).await?),
                Group::Warehouse => Some(sums.ids("warehouses", &ask.filter).await?),
                Group::Company => Some(sums.ids("companies", &ask.filter).await?),
                Group::Category => Some(sums.category_names(&ask.filter).await?),
                Group::Day | Group::Week | Group::Month => None,
            });
        }
        fold.all(&lists);
    }
    Ok(fold)
}

fn answer(request: &Request, fold: Fold) -> Report {
    let totals = fold.totals();
    let mut rows = fold.rows();
    sort(&mut rows, request.sort);
    let found = rows.len();
    if let Some(page) = request.page {
        rows.truncate(page.offset.saturating_add(page.limit));
        rows.drain(..page.offset.min(rows.len()));
    }
    Report { rows, totals, found }
}

fn sort(rows: &mut [Row], sort: Sort) {
    let figure = |row: &Row| match sort.order {
        Order::Groups => 0,
        Order::Opening => row.figures.opening,
        Order::In => row.figures.inward,
        Order::Out => row.figures.outward,
        Order::Closing => row.figures.closing(),
        Order::Entries => row.figures.entries,
    };
    rows.sort_by(|a, b| match (sort.order, sort.descending) {
        (Order::Groups, false) => a.group.cmp(&b.group),
        (Order::Groups, true) => b.group.cmp(&a.group),
        (_, false) => figure(a).cmp(&figure(b)).then_with(|| a.group.cmp(&b.group)),
        (_, true) => figure(b).cmp(&figure(a)).then_with(|| a.group.cmp(&b.group)),
    });
}

/// Closing quantities by group as of a moment, that second included.
pub async fn as_of(ledger: &Ledger, moment: NaiveDateTime, by: &[Group], filter: &Filter) -> Result<Report> {
    // The moment's own day from its beginning: a whole day costs less than one second of it.
    let period =
        Period { start: moment.date().and_time(NaiveTime::MIN), end: moment + TimeDelta::seconds(1) };
    let request = Request { filter: filter.clone(), ..Request::new(period, by) };
    run(ledger, &request).await
}

/// Entries of a period, newest first: what a figure is made of.
pub async fn entries(
    ledger: &Ledger,
    request: &Request,
    after: Option<&EntryCursor>,
    limit: usize,
) -> Result<Vec<Movement>> {
    ledger.entries(request.period, &request.filter, after, limit).await
}
