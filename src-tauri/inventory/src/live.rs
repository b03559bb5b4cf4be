//! The stock as a screen holds it: all balances in memory, views over them that are searched, filtered, sorted
//! and windowed here, and patches of the rows in sight. Kept up to date by scans and by reading what is in sight.
//! Must never write, never decide, and never move a row under the reader's eyes.

mod labels;
mod rows;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::NaiveDateTime;
use tokio::time::{Instant, sleep};

pub use self::labels::{Labels, ProductLabel};
pub use self::rows::Movement;
use self::rows::{Rows, State};
use self::view::View;
pub use self::view::{Column, Query};
use domain::entry::StockKey;
use domain::error::{Code, Error, Result};
use domain::words;
use stock::Stock;

/// How often rows in sight are read.
pub const LOOK: Duration = Duration::from_millis(250);
/// Shortest time between two scans of a store that only this process writes, beside five times a scan's length.
const SCAN_OWN: Duration = Duration::from_secs(1);
/// Time between two scans of a store that others write too.
const SCAN_SHARED: Duration = Duration::from_secs(3);
/// Keys of one page of a scan.
const PAGE: usize = 2_000;
/// Most rows of one window.
pub const WINDOW: usize = 1_000;

/// One row as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRow {
    /// Warehouse's id.
    pub warehouse_id: Arc<str>,
    /// Warehouse's name; the id while nobody named it.
    pub warehouse_name: Arc<str>,
    /// Product's id.
    pub product_id: Arc<str>,
    /// Product's name; the id while nobody named it.
    pub product_name: Arc<str>,
    /// Unit.
    pub unit: Arc<str>,
    /// Category.
    pub category: Arc<str>,
    /// Base.
    pub base: i64,
    /// Change since base.
    pub change: i64,
    /// base + change.
    pub quantity: i64,
    /// Minimum, 0 = none.
    pub minimum: i64,
    /// Below its minimum.
    pub low: bool,
    /// The stored value cannot be read; left to the audit; quantity is 0.
    pub damaged: bool,
    /// In today.
    pub in_today: i64,
    /// Out today.
    pub out_today: i64,
    /// Last movement, as far as known.
    pub last_movement: Option<NaiveDateTime>,
}

/// Rows [start, start + rows.len()) of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Place of the first row.
    pub start: usize,
    /// Rows.
    pub rows: Vec<LiveRow>,
    /// Rows that match, as last applied.
    pub total: usize,
    /// Sum of quantity over all rows that match now.
    pub sum: i64,
    /// Count of changes that these rows contain; hand it to `changes_since`.
    pub seq: u64,
}

/// What changed within a view's window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Count of changes up to here.
    pub seq: u64,
    /// (place, row now) of changed rows in sight.
    pub changes: Vec<(usize, LiveRow)>,
    /// Rows that would appear, vanish or move if the order were made anew ("12 changes, apply").
    pub pending: usize,
    /// Rows that match, as last applied.
    pub total: usize,
    /// Sum of quantity over all rows that match now.
    pub sum: i64,
    /// Time since the store last answered; `None` before the first answer.
    pub age: Option<Duration>,
}

#[derive(Default)]
struct Held {
    rows: Rows,
    views: BTreeMap<u32, View>,
    last_view: u32,
    answered: Option<Instant>,
    trouble: Option<Error>,
}

/// When what was last read.
#[derive(Default)]
struct Clockwork {
    scanned: Option<Instant>,
    took: Duration,
    scanned_version: Option<u64>,
    looked_version: Option<u64>,
}

/// All views over one stock.
pub struct StockView {
    stock: Arc<dyn Stock>,
    /// Other processes write into the store, so that its version tells only a part.
    shared: bool,
    held: Mutex<Held>,
    clockwork: tokio::sync::Mutex<Clockwork>,
}

impl StockView {
    /// Holds nothing yet. `shared`: other processes write too (cluster).
    pub fn new(stock: Arc<dyn Stock>, shared: bool) -> Arc<StockView> {
        Arc::new(StockView {
            stock,
            shared,
            held: Mutex::default(),
            clockwork: tokio::sync::Mutex::default(),
        })
    }

    /// Follows the stock until the last holder lets go.
    pub fn follow(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(view) = weak.upgrade() {
                view.tick().await;
                drop(view);
                sleep(LOOK).await;
            }
        });
    }

    /// Reads what is due: everything, or what is in sight. Does nothing while nobody looks. Errors are kept for
    /// `trouble`; the age of what is shown grows meanwhile.
    pub async fn tick(&self) {
        if self.held().views.values().any(|view| !view.hidden) {
            let outcome = self.refresh(false).await;
            self.note(outcome);
        }
    }

    /// Reads everything now.
    pub async fn reload(&self) -> Result<()> {
        let outcome = self.refresh(true).await;
        self.note(outcome.clone());
        outcome
    }

    /// Opens a view. Reads the stock first if that was never done; when it cannot be read, the view is empty and
    /// fills later.
    pub async fn open(&self, query: Query) -> u32 {
        if self.held().answered.is_none() {
            // Kept for `trouble` and told by the age.
            let _ = self.reload().await;
        }
        let mut held = self.held();
        let held = &mut *held;
        held.last_view += 1;
        held.views.insert(held.last_view, View::new(query, &mut held.rows));
        held.last_view
    }

    /// Changes a view's search, filters and order; its window stays where it is.
    pub fn query(&self, view: u32, query: Query) -> Result<Window> {
        self.with(view, |view, rows| {
            view.ask(query, rows);
            window(view, rows)
        })
    }

    /// Rows [start, end) at most `WINDOW`; what is read and told next is relative to them.
    pub fn window(&self, view: u32, start: usize, end: usize) -> Result<Window> {
        self.with(view, |view, rows| {
            view.window = (start, end.clamp(start, start.saturating_add(WINDOW)));
            window(view, rows)
        })
    }

    /// Makes the order anew.
    pub fn apply(&self, view: u32) -> Result<Window> {
        self.with(view, |view, rows| {
            view.apply(rows);
            window(view, rows)
        })
    }

    /// What changed in sight since `seq`.
    pub fn changes_since(&self, view: u32, seq: u64, now: Instant) -> Result<Patch> {
        let answered = self.held().answered;
        self.with(view, |view, rows| {
            let news = view.news(rows);
            // An order that shows nothing has no row to keep in its place.
            if view.order().is_empty() && news.pending > 0 {
                view.apply(rows);
            }
            let news = view.news(rows);
            let visible = view.visible().iter().enumerate();
            let fresh = visible.filter(|(_, number)| rows.all()[**number as usize].stamp > seq);
            Patch {
                seq: rows.stamp,
                changes: fresh.map(|(at, number)| (view.window.0 + at, row(rows, *number))).collect(),
                pending: news.pending,
                total: view.order().len(),
                sum: news.sum,
                age: answered.map(|answered| now.saturating_duration_since(answered)),
            }
        })
    }

    /// Nobody looks at a view, or somebody does again.
    pub fn hide(&self, view: u32, hidden: bool) -> Result<()> {
        self.with(view, |view, _| view.hidden = hidden)
    }

    /// Ends a view; one that is closed already is no error.
    pub fn close(&self, view: u32) {
        self.held().views.remove(&view);
    }

    /// Every row that matches a query, in its order: what an export writes.
    pub async fn rows(&self, query: Query) -> Result<Vec<LiveRow>> {
        self.reload().await?;
        let mut held = self.held();
        let view = View::new(query, &mut held.rows);
        Ok(view.order().iter().map(|number| row(&held.rows, *number)).collect())
    }

    /// Ids of all warehouses that the stock knows, and all categories, for the filters.
    pub fn facets(&self) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
        let held = self.held();
        let warehouses: BTreeSet<_> = held.rows.warehouses.all().iter().map(|item| item.id.clone()).collect();
        let categories = held.rows.products.all().iter().map(|item| item.category.clone());
        let categories: BTreeSet<_> = categories.filter(|category| !category.is_empty()).collect();
        (warehouses.into_iter().collect(), categories.into_iter().collect())
    }

    /// Takes names, categories and minimums; the same ones again cost nothing.
    pub fn set_labels(&self, labels: Labels) {
        self.held().rows.label(labels);
    }

    /// Takes what moved today; keys not named have no movement.
    pub fn set_movements(&self, movements: impl IntoIterator<Item = (StockKey, Movement)>) {
        self.held().rows.movements(movements);
    }

    /// Why the store cannot be read, while it cannot.
    pub fn trouble(&self) -> Option<Error> {
        self.held().trouble.clone()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, id: u32, act: impl FnOnce(&mut View, &mut Rows) -> T) -> Result<T> {
        let mut held = self.held();
        let Held { rows, views, .. } = &mut *held;
        let view = views.get_mut(&id);
        let view = view.ok_or_else(|| {
            Error::new(
                Code::NotFound,
                words!("stock_view_closed", "This stock view is closed. Open it again."),
            )
        })?;
        Ok(act(view, rows))
    }

    fn note(&self, outcome: Result<()>) {
        let mut held = self.held();
        match outcome {
            Ok(()) => (held.answered, held.trouble) = (Some(Instant::now()), None),
            Err(error) => held.trouble = Some(error),
        }
    }

    /// Scans when that is due or wanted, else reads what is in sight.
    async fn refresh(&self, all: bool) -> Result<()> {
        let mut work = self.clockwork.lock().await;
        let version = self.stock.version();
        let rest = if self.shared { SCAN_SHARED } else { SCAN_OWN }.max(work.took * 5);
        let rested = work.scanned.is_none_or(|scanned| scanned.elapsed() >= rest);
        let moved = self.shared || work.scanned_version != Some(version);
        if all || work.scanned.is_none() || (rested && moved) {
            let begun = Instant::now();
            self.scan().await?;
            work.took = begun.elapsed();
            work.scanned = Some(Instant::now());
            (work.scanned_version, work.looked_version) = (Some(version), Some(version));
        } else if self.shared || work.looked_version != Some(version) {
            self.look().await?;
            work.looked_version = Some(version);
        }
        Ok(())
    }

    /// Reads every key. Between pages, rows in sight are read when that is due.
    async fn scan(&self) -> Result<()> {
        self.held().rows.begin();
        let (mut from, mut looked) = (None, Instant::now());
        loop {
            let page = self.stock.scan(from.as_ref(), PAGE).await?;
            {
                let rows = &mut self.held().rows;
                for (text, bytes) in &page.values {
                    rows.take(text, Some(bytes));
                }
            }
            from = page.next;
            if from.is_none() {
                self.held().rows.end();
                return Ok(());
            }
            if looked.elapsed() >= LOOK {
                self.look().await?;
                looked = Instant::now();
            }
        }
    }

    /// Reads the rows in sight of all views.
    async fn look(&self) -> Result<()> {
        let keys: Vec<StockKey> = {
            let held = self.held();
            let open = held.views.values().filter(|view| !view.hidden);
            let numbers: BTreeSet<u32> = open.flat_map(|view| view.visible().iter().copied()).collect();
            numbers.into_iter().filter_map(|number| held.rows.key(number)).collect()
        };
        if keys.is_empty() {
            return Ok(());
        }
        let values = self.stock.values(&keys).await?;
        let rows = &mut self.held().rows;
        for (key, stored) in keys.iter().zip(values) {
            rows.take(&key.to_string(), stored.as_deref());
        }
        Ok(())
    }
}

fn window(view: &mut View, rows: &mut Rows) -> Window {
    let sum = view.news(rows).sum;
    let start = view.window.0.min(view.order().len());
    let shown = view.visible().iter().map(|number| row(rows, *number)).collect();
    Window { start, rows: shown, total: view.order().len(), sum, seq: rows.stamp }
}

fn row(rows: &Rows, number: u32) -> LiveRow {
    let held = rows.all()[number as usize];
    let (warehouse, product) = (rows.warehouses.get(held.warehouse), rows.products.get(held.product));
    let quantity = held.quantity();
    LiveRow {
        warehouse_id: warehouse.id.clone(),
        warehouse_name: warehouse.name.clone(),
        product_id: product.id.clone(),
        product_name: product.name.clone(),
        unit: product.unit.clone(),
        category: product.category.clone(),
        base: held.base,
        change: held.change,
        quantity,
        minimum: product.minimum,
        low: product.is_low(quantity),
        damaged: held.state == State::Damaged,
        in_today: held.movement.in_today,
        out_today: held.movement.out_today,
        last_movement: held.movement.last,
    }
}

#[cfg(test)]
mod tests;
