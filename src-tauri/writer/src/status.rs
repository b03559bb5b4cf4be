//! The board on which the writer says what it is doing. Screens and `status` read it; it decides nothing.

use std::collections::BTreeMap;

use tokio::sync::watch;

use domain::error::Error;
use domain::words;
use domain::words::Words;
use queue::SourceIdentity;
use stock::SourceName;

/// What a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Reads and writes.
    Running,
    /// Waits for a store and goes on by itself.
    Paused,
    /// Stopped because going on would skip or repeat something; a person must act.
    Stopped,
}

impl State {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Paused => "paused",
            State::Stopped => "stopped",
        }
    }
}

/// One source as the board shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceView {
    /// Which partition of which topic.
    pub identity: SourceIdentity,
    /// Its name in `at`, once the ledger knows it.
    pub name: Option<SourceName>,
    /// Everything below is in the ledger.
    pub next_offset: i64,
    /// Everything below is in the stock.
    pub stock_offset: i64,
    /// What it is doing.
    pub state: State,
    /// Why it is not running; none when it is.
    pub reason: Words,
}

/// The whole board.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// By topic UUID and partition.
    pub sources: BTreeMap<(uuid::Uuid, i32), SourceView>,
    /// What the queue complains of.
    pub queue: Option<Error>,
    /// What the ledger complains of.
    pub ledger: Option<Error>,
    /// What the stock complains of.
    pub stock: Option<Error>,
    /// Entries counted since the start of this process.
    pub counted: u64,
    /// Duplicates kept since the start of this process.
    pub duplicates: u64,
    /// Messages rejected since the start of this process.
    pub rejected: u64,
    /// Keys that sweeps brought forward since the start of this process.
    pub brought_back: u64,
    /// Values met that had no readable `at`.
    pub damaged: u64,
}

/// Writers change it, readers watch it.
#[derive(Debug)]
pub struct Board {
    view: watch::Sender<View>,
}

/// A daemon has no screen: its log tells when a trouble begins, changes its kind or ends. The ledger's is told where
/// a source pauses for it.
fn say_once(part: &'static str, before: Option<&Error>, now: Option<&Error>) {
    match (before, now) {
        (Some(before), Some(now)) if before.code == now.code => {}
        (_, Some(error)) => tracing::warn!(part, %error, "in trouble: what is under way waits"),
        (Some(_), None) => tracing::info!(part, "answers again"),
        (None, None) => {}
    }
}

impl Default for Board {
    fn default() -> Self {
        Board { view: watch::Sender::new(View::default()) }
    }
}

impl Board {
    /// A receiver that wakes at every change.
    pub fn watch(&self) -> watch::Receiver<View> {
        self.view.subscribe()
    }

    /// The view now.
    pub fn view(&self) -> View {
        self.view.borrow().clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut View)) {
        self.view.send_modify(change);
    }

    pub(crate) fn source(&self, identity: &SourceIdentity, change: impl FnOnce(&mut SourceView)) {
        self.change(|view| {
            let place = (identity.topic_uuid, identity.partition);
            let source = view.sources.entry(place).or_insert_with(|| SourceView {
                identity: identity.clone(),
                name: None,
                next_offset: 0,
                stock_offset: 0,
                state: State::Paused,
                reason: words!("starting", "starting"),
            });
            change(source);
        });
    }

    pub(crate) fn forget(&self, sources: &[SourceIdentity]) {
        self.change(|view| {
            for identity in sources {
                view.sources.remove(&(identity.topic_uuid, identity.partition));
            }
        });
    }

    pub(crate) fn queue_trouble(&self, trouble: Option<Error>) {
        say_once("queue", self.view.borrow().queue.as_ref(), trouble.as_ref());
        self.trouble(trouble, |view| &mut view.queue);
    }

    pub(crate) fn ledger_trouble(&self, trouble: Option<Error>) {
        self.trouble(trouble, |view| &mut view.ledger);
    }

    pub(crate) fn stock_trouble(&self, trouble: Option<Error>) {
        say_once("stock", self.view.borrow().stock.as_ref(), trouble.as_ref());
        self.trouble(trouble, |view| &mut view.stock);
    }

    /// Wakes readers only when something changes: "no trouble" is said once a second.
    fn trouble(&self, trouble: Option<Error>, part: impl FnOnce(&mut View) -> &mut Option<Error>) {
        self.view.send_if_modified(|view| {
            let slot = part(view);
            let changed = slot.is_some() || trouble.is_some();
            *slot = trouble;
            changed
        });
    }
}
