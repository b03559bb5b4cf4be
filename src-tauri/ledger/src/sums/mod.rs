//! Sums of what moved: before a moment and within a period, told apart by product, warehouse, company and day.
//! Whole days come from `day_totals` and what was rolled up of it; a day that is cut comes from its rows. Everything
//! of one report is read in one snapshot, and a roll-up only where its version is the one that the snapshot shows.

mod build;
mod dimension;
mod list;
mod term;
mod terms;
mod versions;
mod worth;

use std::time::Duration;

use chrono::{Days, NaiveDate, NaiveDateTime};

use super::Ledger;
use super::dialect::Dialect;
use super::sql::{Row, Session};
use super::tables::month_of;
use domain::entry::{CompanyId, ProductId, WarehouseId};
use domain::error::{Code, Error, Result};
use domain::words;

use dimension::Face;
pub use list::EntryCursor;
use term::Term;
use versions::State;
pub(crate) use versions::moved_by_hand;
pub(crate) use worth::Asked;

/// SELECTs joined into one query.
const UNION_TERMS: usize = 200;
/// Tries when tables are made or compacted under a snapshot, and the longest pause between two of them: a writer that
/// begins a day makes its tables one after the other.
const TRIES: u32 = 12;
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// By which columns sums are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    /// By product.
    pub product: bool,
    /// By warehouse.
    pub warehouse: bool,
    /// By company.
    pub company: bool,
}

/// Which entries are summed: all where a list is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only these products.
    pub products: Option<Vec<ProductId>>,
    /// Only these warehouses.
    pub warehouses: Option<Vec<WarehouseId>>,
    /// Only these companies.
    pub companies: Option<Vec<CompanyId>>,
    /// Only products of these categories; the catalogue's word of today.
    pub categories: Option<Vec<String>>,
}

impl Filter {
    /// Of ids as they are stored; an empty list filters nothing.
    pub fn of(
        products: &[String],
        warehouses: &[String],
        companies: &[String],
        categories: &[String],
    ) -> Self {
        Filter {
            products: only(products, ProductId::stored),
            warehouses: only(warehouses, WarehouseId::stored),
            companies: only(companies, CompanyId::stored),
            categories: only(categories, str::to_owned),
        }
    }
}

fn only<T>(ids: &[String], stored: impl Fn(&str) -> T) -> Option<Vec<T>> {
    (!ids.is_empty()).then(|| ids.iter().map(|id| stored(id)).collect())
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ask {
    /// Told apart by.
    pub columns: Columns,
    /// Restricted to.
    pub filter: Filter,
}

/// How finely time is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Not at all.
    Whole,
    /// By month.
    Month,
    /// By day.
    Day,
}

/// A half-open stretch of the warehouse's wall clock, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First second.
    pub start: NaiveDateTime,
    /// The second after the last.
    pub end: NaiveDateTime,
}

impl Period {
    /// From the first day's first to the last day's last second. `None` where the days are the wrong way round or
    /// outside the years that an entry may have.
    pub fn days(first: NaiveDate, last: NaiveDate) -> Option<Self> {
        let end = last.checked_add_days(Days::new(1))?;
        let period = Period { start: midnight(first), end: midnight(end) };
        (first <= last && period.sound()).then_some(period)
    }

    /// Whether it is a stretch of the years that an entry may have.
    pub fn sound(&self) -> bool {
        use chrono::Datelike;
        self.start < self.end && self.start.year() >= 1000 && self.end.year() <= 10_000
    }
}

pub(crate) fn midnight(day: NaiveDate) -> NaiveDateTime {
    day.and_time(chrono::NaiveTime::MIN)
}

fn next(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

fn previous(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(1)).unwrap_or(day)
}

/// What moved of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// First day of its stretch of time, where time is told apart.
    pub day: Option<NaiveDate>,
    /// Product, where asked for.
    pub product: Option<ProductId>,
    /// Warehouse, where asked for.
    pub warehouse: Option<WarehouseId>,
    /// Company, where asked for.
    pub company: Option<CompanyId>,
    /// Pieces in.
    pub in_quantity: i64,
    /// Pieces out.
    pub out_quantity: i64,
    /// Entries.
    pub entries: i64,
}

/// One state of the ledger, opened to sum up one period.
pub struct Sums {
    session: Box<dyn Session>,
    dialect: Dialect,
    period: Period,
    /// `None`: only the rows answer.
    face: Option<Face>,
    state: State,
}

impl Ledger {
    /// Opens one state of the ledger to sum up `period` for this question and for narrower ones of the same columns.
    /// What is worth rolling up for it and is not, or not any more, is rolled up first; where that fails, the figures
    /// come from further down and are the same.
    pub async fn sums(&self, period: Period, ask: &Ask, detail: Detail) -> Result<Sums> {
        if !period.sound() {
            return Err(Error::new(
                Code::Invalid,
                words!(
                    "period_unsound",
                    "The period ends before it begins, or lies outside the years 1000 to 9999."
                ),
            ));
        }
        let face = Face::of(ask);
        let sums = self.open_sums(period, face).await?;
        let Some(face) = face else { return Ok(sums) };
        let worth = sums.worth_rolling(face, detail);
        let mut wanted = worth.now;
        wanted.extend(self.inner.asked.before(face, &sums.state, worth.once_more));
        if wanted.is_empty() {
            return Ok(sums);
        }
        sums.close().await?;
        if let Err(failed) = self.roll_up(face, wanted).await {
            tracing::warn!(error = %failed, "a roll-up could not be kept; the report reads further down");
        }
        self.open_sums(period, Some(face)).await
    }

    /// Opens one state of the ledger to ask what moved on days of `period`, one by one: nothing is rolled up for it.
    pub async fn moved_days(&self, period: Period, ask: &Ask) -> Result<Sums> {
        self.open_sums(period, Face::of(ask)).await
    }

    async fn open_sums(&self, period: Period, face: Option<Face>) -> Result<Sums> {
        let mut session = self.snapshot().await?;
        let state = State::read(&mut *session, period, face).await?;
        Ok(Sums { session, dialect: self.inner.db.dialect(), period, face, state })
    }

    /// Runs a whole reading again where tables were made or compacted under its snapshot.
    pub async fn again<T, F: Future<Output = Result<T>>>(&self, read: impl Fn() -> F) -> Result<T> {
        let mut last = None;
        for number in 0..TRIES {
            match read().await {
                Err(failed) if failed.code == Code::Retry => last = Some(failed),
                other => return other,
            }
            tokio::time::sleep(Duration::from_millis(5 << number.min(8)).min(LONGEST_PAUSE)).await;
        }
        Err(last.unwrap_or_else(|| {
            Error::new(
                Code::Retry,
                words!("tables_keep_changing", "The ledger's tables keep changing; try again."),
            )
        }))
    }
}

impl Sums {
    /// Everything before the period.
    pub async fn opening(&mut self, ask: &Ask) -> Result<Vec<Moved>> {
        let terms = self.opening_terms(ask).await?;
        self.read(ask, &terms).await
    }

    /// What moved within the period. A group may come in several parts; the caller adds them up.
    pub async fn movement(&mut self, ask: &Ask, detail: Detail) -> Result<Vec<Moved>> {
        let terms = self.movement_terms(ask, detail).await?;
        self.read(ask, &terms).await
    }

    /// What moved within a part of the period. A group may come in several parts; the caller adds them up.
    pub async fn moved_within(&mut self, ask: &Ask, part: Period) -> Result<Vec<Moved>> {
        let whole = std::mem::replace(&mut self.period, part);
        let terms = self.movement_terms(ask, Detail::Day).await;
        self.period = whole;
        self.read(ask, &terms?).await
    }

    /// Categories of all products that have one, in the same state of the ledger.
    pub async fn categories(&mut self) -> Result<Vec<(ProductId, String)>> {
        let rows = self.session.query("SELECT id, category FROM products WHERE category <> ''").await?;
        rows.iter().map(|row| Ok((ProductId::stored(row.text(0)?), row.text(1)?.to_owned()))).collect()
    }

    /// The names of categories, in the order of their bytes; the empty one for products that have none.
    pub async fn category_names(&mut self, filter: &Filter) -> Result<Vec<String>> {
        let conditions = self.product_conditions(filter);
        let sql = format!("SELECT DISTINCT category FROM products WHERE 1 = 1{conditions} ORDER BY category");
        self.session.query(&sql).await?.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
    }

    fn product_conditions(&self, filter: &Filter) -> String {
        let ids = filter.products.as_ref();
        let list = ids.map(|ids| term::list(self.dialect, ids.iter().map(ProductId::as_str)));
        let mut out = list.map_or_else(String::new, |list| format!(" AND id IN ({list})"));
        if let Some(categories) = &filter.categories {
            out.push_str(&term::category_condition(self.dialect, categories));
        }
        out
    }

    /// Ids of the catalogue in the order of their bytes: `products`, `warehouses` or `companies`, filtered.
    pub async fn ids(&mut self, table: &str, filter: &Filter) -> Result<Vec<String>> {
        let dialect = self.dialect;
        let among =
            |list: Option<String>| list.map_or_else(String::new, |list| format!(" AND id IN ({list})"));
        let condition = match table {
            "products" => self.product_conditions(filter),
            "warehouses" => {
                let ids = filter.warehouses.as_ref();
                among(ids.map(|ids| term::list(dialect, ids.iter().map(WarehouseId::as_str))))
            }
            _ => {
                let ids = filter.companies.as_ref();
                among(ids.map(|ids| term::list(dialect, ids.iter().map(CompanyId::as_str))))
            }
        };
        let sql = format!("SELECT id FROM {table} WHERE 1 = 1{condition} ORDER BY id");
        let rows = self.session.query(&sql).await?;
        rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
    }

    /// Lets go of the state.
    pub async fn close(mut self) -> Result<()> {
        Ok(self.session.rollback().await?)
    }

    async fn read(&mut self, ask: &Ask, terms: &[Term]) -> Result<Vec<Moved>> {
        let mut sums = Vec::new();
        for chunk in terms.chunks(UNION_TERMS) {
            let selects: Vec<String> = chunk.iter().map(|term| term.select(self.dialect, ask)).collect();
            for row in self.session.query(&selects.join(" UNION ALL ")).await? {
                sums.extend(sum(&row, ask.columns)?);
            }
        }
        Ok(sums)
    }
}

/// One row of an answer; a group without any row has no sum.
fn sum(row: &Row, columns: Columns) -> Result<Option<Moved>> {
    let mut at = 0;
    let mut id = |wanted: bool| -> Result<Option<&str>> {
        if !wanted {
            return Ok(None);
        }
        at += 1;
        row.text(at).map(Some)
    };
    let product = id(columns.product)?.map(ProductId::stored);
    let warehouse = id(columns.warehouse)?.map(WarehouseId::stored);
    let company = id(columns.company)?.map(CompanyId::stored);
    let Some(entries) = row.opt_int(at + 3)? else { return Ok(None) };
    Ok(Some(Moved {
        day: row.opt_day(0)?,
        product,
        warehouse,
        company,
        in_quantity: row.int(at + 1)?,
        out_quantity: row.int(at + 2)?,
        entries,
    }))
}
