//! Pushes the engine's stock view to the screens: one channel per view, changes conflated by row and flushed some
//! times a second, one patch in flight. Never pushes per entry; stops when nobody looks.

mod shapes;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use inventory::Engine;
use inventory::config::Mode;
use inventory::domain::entry::{ProductId, StockKey, WarehouseId};
use inventory::domain::error::Result as EngineResult;
use inventory::ledger::Ledger;
use inventory::live::{LiveRow, Movement, Query, StockView, Window};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::api::Failure;
use crate::api::catalog::CatalogKind;
use crate::api::stock::{StockChange, StockOpened, StockPatch, StockQuery, StockRow, StockWindow};
use crate::clock;
use crate::names::Names;
use shapes::{asked, count, labels, row};

/// How often changes are flushed.
const FLUSH: Duration = Duration::from_millis(80);
/// How often today's movements and names are brought up to date.
const BESIDE: Duration = Duration::from_secs(1);
/// Without an answer of the store for so long the feed is stale.
const STALE: Duration = Duration::from_secs(5);
/// Most views at once; the oldest goes (a page loaded anew forgets to close).
const VIEWS: usize = 8;

/// Pushes a patch; false when nobody listens any more.
pub type Push = Box<dyn Fn(StockPatch) -> bool + Send>;

/// What the screen was told last, beside the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Told {
    pending: usize,
    total: usize,
    sum: i64,
    stale: bool,
}

/// One view's channel.
struct Feed {
    push: Push,
    /// Number of the last patch sent.
    seq: u64,
    /// The engine's count of changes that the screen knows.
    known: u64,
    in_flight: bool,
    hidden: bool,
    resync: bool,
    told: Told,
}

struct Inner {
    view: Arc<StockView>,
    ledger: Arc<Ledger>,
    names: Arc<Names>,
    feeds: Mutex<BTreeMap<u32, Feed>>,
    closed: AtomicBool,
    /// Rung when a view opens: keys may be new.
    opened: Notify,
    /// How often the movements were read.
    movements: watch::Sender<u64>,
}

/// All views over one engine.
#[derive(Clone)]
pub struct Views {
    inner: Arc<Inner>,
}

impl Views {
    /// Begins to follow the stock.
    pub fn start(engine: &Engine, names: Arc<Names>) -> Self {
        let view = StockView::new(Arc::clone(engine.stock()), engine.config().mode == Mode::Cluster);
        view.follow();
        let inner = Arc::new(Inner {
            view,
            ledger: Arc::clone(engine.ledger()),
            names,
            feeds: Mutex::default(),
            closed: AtomicBool::new(false),
            opened: Notify::new(),
            movements: watch::Sender::new(0),
        });
        tokio::spawn(flush(Arc::clone(&inner)));
        tokio::spawn(beside(Arc::clone(&inner)));
        Views { inner }
    }

    /// Opens a view.
    pub async fn open(&self, query: StockQuery, push: Push) -> Result<StockOpened, Failure> {
        self.inner.view.set_labels(labels(&self.inner.names));
        let id = self.inner.view.open(asked(query)).await;
        // The first rows come with their movements, unless those take long.
        let mut movements = self.inner.movements.subscribe();
        let read = *movements.borrow_and_update();
        self.inner.opened.notify_one();
        let _ = tokio::time::timeout(BESIDE, movements.wait_for(|now| *now > read)).await;
        let window = self.inner.view.window(id, 0, 0)?;
        let told = Told { total: window.total, sum: window.sum, ..Told::default() };
        let (in_flight, hidden, resync) = (false, false, false);
        let feed = Feed { push, seq: 0, known: window.seq, in_flight, hidden, resync, told };
        let oldest = {
            let mut feeds = self.inner.feeds();
            feeds.insert(id, feed);
            if feeds.len() > VIEWS { feeds.pop_first() } else { None }
        };
        if let Some((id, _)) = oldest {
            self.inner.view.close(id);
        }
        let (_, categories) = self.inner.view.facets();
        Ok(StockOpened {
            view: id,
            total: count(window.total),
            warehouses: self
                .inner
                .names
                .all(CatalogKind::Warehouse)
                .into_iter()
                .map(|item| item.id)
                .collect(),
            categories: categories.iter().map(ToString::to_string).collect(),
        })
    }

    /// Another query; answers the window in its order.
    pub fn query(&self, id: u32, query: StockQuery) -> Result<StockWindow, Failure> {
        self.shown(id, self.inner.view.query(id, asked(query)))
    }

    /// Rows [start, end).
    pub fn window(&self, id: u32, start: u32, end: u32) -> Result<StockWindow, Failure> {
        self.shown(id, self.inner.view.window(id, start as usize, end as usize))
    }

    /// Makes the order anew.
    pub fn apply(&self, id: u32) -> Result<StockWindow, Failure> {
        self.shown(id, self.inner.view.apply(id))
    }

    /// A window as the screen gets it; what is told next is relative to it.
    fn shown(&self, id: u32, window: EngineResult<Window>) -> Result<StockWindow, Failure> {
        let window = window?;
        let mut feeds = self.inner.feeds();
        let mut seq = 0;
        if let Some(feed) = feeds.get_mut(&id) {
            feed.known = window.seq;
            feed.resync = false;
            feed.told = Told { total: window.total, sum: window.sum, ..feed.told };
            seq = feed.seq;
        }
        Ok(StockWindow {
            start: count(window.start),
            rows: window.rows.iter().map(row).collect(),
            total: count(window.total),
            sum: window.sum,
            seq,
        })
    }

    /// The screen has taken a patch.
    pub fn ack(&self, id: u32, seq: u64) -> Result<(), Failure> {
        if let Some(feed) = self.inner.feeds().get_mut(&id)
            && seq >= feed.seq
        {
            feed.in_flight = false;
        }
        Ok(())
    }

    /// Nobody looks, or somebody does again.
    pub fn hidden(&self, id: u32, hidden: bool) -> Result<(), Failure> {
        self.inner.view.hide(id, hidden)?;
        if let Some(feed) = self.inner.feeds().get_mut(&id) {
            feed.hidden = hidden;
            feed.in_flight = false;
            feed.resync = !hidden;
        }
        Ok(())
    }

    /// Ends a view; one that is closed already is no error.
    pub fn close(&self, id: u32) {
        self.inner.feeds().remove(&id);
        self.inner.view.close(id);
    }

    /// Ends all and stops following.
    pub fn close_all(&self) {
        let ids: Vec<u32> = self.inner.feeds().keys().copied().collect();
        ids.into_iter().for_each(|id| self.close(id));
        self.inner.closed.store(true, Ordering::Relaxed);
    }

    /// Every row that matches a query, in its order.
    pub async fn rows(&self, query: StockQuery) -> Result<Vec<StockRow>, Failure> {
        // Nobody may have opened a view yet.
        self.inner.view.set_labels(labels(&self.inner.names));
        Ok(self.inner.view.rows(asked(query)).await?.iter().map(row).collect())
    }
}

impl Inner {
    fn feeds(&self) -> MutexGuard<'_, BTreeMap<u32, Feed>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn watched(&self) -> bool {
        self.feeds().values().any(|feed| !feed.hidden)
    }

    /// Tells every view what it may be told. One whose screen is gone is closed.
    fn tell(&self) {
        let mut gone = Vec::new();
        for (id, feed) in self.feeds().iter_mut().filter(|(_, feed)| !feed.hidden && !feed.in_flight) {
            let Ok(patch) = self.view.changes_since(*id, feed.known, Instant::now()) else { continue };
            let stale = patch.age.is_none_or(|age| age > STALE);
            let told = Told { pending: patch.pending, total: patch.total, sum: patch.sum, stale };
            feed.resync |= told.total != feed.told.total;
            if patch.changes.is_empty() && told == feed.told && !feed.resync {
                continue;
            }
            feed.seq += 1;
            (feed.known, feed.told, feed.in_flight) = (patch.seq, told, true);
            let change =
                |(index, live): &(usize, LiveRow)| StockChange { index: count(*index), row: row(live) };
            let sent = (feed.push)(StockPatch {
                view: *id,
                seq: feed.seq,
                changes: patch.changes.iter().map(change).collect(),
                pending: count(patch.pending),
                sum: patch.sum,
                resync: std::mem::take(&mut feed.resync),
                stale,
            });
            if !sent {
                gone.push(*id);
            }
        }
        for id in gone {
            self.feeds().remove(&id);
            self.view.close(id);
        }
    }
}

async fn flush(inner: Arc<Inner>) {
    while !inner.closed() {
        tokio::time::sleep(FLUSH).await;
        inner.tell();
    }
}

/// What stands beside the quantities: names, today's in and out, the last movement.
async fn beside(inner: Arc<Inner>) {
    let mut known = Movements::default();
    let mut opened = true;
    while !inner.closed() {
        if opened || inner.watched() {
            inner.view.set_labels(labels(&inner.names));
            match known.read(&inner, opened).await {
                Ok(true) => inner.view.set_movements(known.keys.clone()),
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(%error, "today's movements cannot be read; they are tried again")
                }
            }
            inner.movements.send_modify(|read| *read += 1);
        }
        opened = tokio::time::timeout(BESIDE, inner.opened.notified()).await.is_ok();
    }
}

/// Movements as last read from the ledger.
#[derive(Default)]
struct Movements {
    keys: HashMap<StockKey, Movement>,
    day: Option<NaiveDate>,
}

impl Movements {
    /// Reads what moved today, and for `all` keys that are new here their last day. True when something is new.
    async fn read(&mut self, inner: &Inner, all: bool) -> EngineResult<bool> {
        let now = clock::wall();
        let first = self.day.is_none();
        let mut news = self.day != Some(now.date());
        if news {
            self.keys.values_mut().for_each(|movement| (movement.in_today, movement.out_today) = (0, 0));
        }
        if all {
            news |= self.last_days(inner).await?;
        }
        let totals = inner.ledger.day(now.date()).await?;
        self.day = Some(now.date());
        for total in totals {
            let none = Movement { in_today: 0, out_today: 0, last: None };
            let movement = self.keys.entry(total.key).or_insert(none);
            if (movement.in_today, movement.out_today) != (total.in_quantity, total.out_quantity) {
                let last = if first { now.date().and_time(NaiveTime::MIN) } else { now };
                let (in_today, out_today) = (total.in_quantity, total.out_quantity);
                *movement = Movement { in_today, out_today, last: Some(last) };
                news = true;
            }
        }
        Ok(news)
    }

    /// Finds the last day of keys that are not known yet; true when there were any.
    async fn last_days(&mut self, inner: &Inner) -> EngineResult<bool> {
        let rows = inner.view.rows(Query::default()).await?;
        let key = |row: &LiveRow| StockKey {
            warehouse: WarehouseId::stored(&row.warehouse_id),
            product: ProductId::stored(&row.product_id),
        };
        let unknown: Vec<StockKey> =
            rows.iter().map(key).filter(|key| !self.keys.contains_key(key)).collect();
        let found = inner.ledger.last_movements(&unknown).await?;
        let news = !found.is_empty();
        for (key, day) in found {
            let last = Some(day.and_time(NaiveTime::MIN));
            self.keys.insert(key, Movement { in_today: 0, out_today: 0, last });
        }
        Ok(news)
    }
}
