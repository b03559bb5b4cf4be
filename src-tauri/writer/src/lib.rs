//! The dual-store writer: queue → ledger → stock, by the rules that make every entry count exactly once. The only hot
//! loop. One task per source; the ledger runs ahead of the stock by a bounded number of batches. Once a second a
//! heartbeat moves a counter in the stock, which shows whether the store forgot anything.

mod lane;
mod room;
pub mod rules;
mod source;
pub mod status;
mod sweep;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use ledger::Ledger;
use queue::{Event, Queue, SourceIdentity};
use room::Room;
use status::Board;
use stock::{Pulse, Stock};

pub use sweep::sweep;

/// Longest wait for a source to finish what it has begun when it is taken away or the program ends. What is
/// not done by then is done again by whoever takes the source next.
const DRAIN: Duration = Duration::from_secs(4);
/// How often the sentinel is moved.
const PULSE: Duration = Duration::from_secs(1);

/// What every source's task shares.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) stock: Arc<dyn Stock>,
    pub(crate) board: Arc<Board>,
    /// Memory for the batches that are judged and written at one time.
    pub(crate) room: Arc<Room>,
    /// Rung when a reply shows that the stock forgot something acknowledged.
    pub(crate) forgot: Arc<Notify>,
}

/// The writer of one process.
pub struct Writer {
    stores: Stores,
}

/// A running source.
struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Writer {
    /// A writer over these stores; nothing runs yet.
    pub fn new(queue: Arc<dyn Queue>, ledger: Arc<Ledger>, stock: Arc<dyn Stock>) -> Self {
        let board = Arc::new(Board::default());
        let (room, forgot) = (Arc::new(Room::of_this_machine()), Arc::new(Notify::new()));
        Writer { stores: Stores { queue, ledger, stock, board, room, forgot } }
    }

    /// What the sources and the stores are doing; kept up to date while `run` runs.
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.stores.board)
    }

    /// Consumes and writes until `stop` turns true, then drains: what is committed reaches the stock, positions
    /// are saved. Faults of the stores pause the sources concerned; nothing but `stop` ends the run.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let guard = tokio::spawn(guard_the_stock(self.stores.clone()));
        let mut running: HashMap<SourceIdentity, Running> = HashMap::new();
        loop {
            let event = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                event = self.stores.queue.event() => event,
            };
            match event {
                Some(Event::Assigned(sources)) => self.assigned(sources, &mut running).await,
                Some(Event::Revoked(sources)) => {
                    let ended = sources.iter().filter_map(|identity| running.remove(identity)).collect();
                    finish(ended).await;
                    self.stores.board.forget(&sources);
                }
                Some(Event::Trouble(trouble)) => self.stores.board.queue_trouble(trouble),
                None => break,
            }
        }
        finish(running.into_values().collect()).await;
        guard.abort();
        if let Err(error) = self.stores.stock.settle().await {
            tracing::warn!(%error, "the stock could not be settled; the next start brings it forward");
        }
        self.stores.queue.close().await;
    }

    async fn assigned(&self, sources: Vec<SourceIdentity>, running: &mut HashMap<SourceIdentity, Running>) {
        for identity in sources {
            if let Some(old) = running.remove(&identity) {
                finish(vec![old]).await;
            }
            let (stop, stopped) = watch::channel(false);
            let task = tokio::spawn(source::keep_running(self.stores.clone(), identity.clone(), stopped));
            running.insert(identity, Running { stop, task });
        }
    }
}

/// Asks the tasks to drain and waits for them, at most `DRAIN`.
async fn finish(running: Vec<Running>) {
    for source in &running {
        source.stop.send_replace(true);
    }
    let all = running.into_iter().map(|source| async move {
        let mut task = source.task;
        if tokio::time::timeout(DRAIN, &mut task).await.is_err() {
            task.abort();
        }
    });
    futures::future::join_all(all).await;
}

/// Sweeps at the start and whenever the stock forgot something; moves the sentinel once a second.
async fn guard_the_stock(stores: Stores) {
    let mut owed = true;
    let mut tick = tokio::time::interval(PULSE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => match stores.stock.pulse().await {
                Ok(pulse) => {
                    stores.board.stock_trouble(None);
                    owed |= pulse == Pulse::Forgot;
                }
                Err(error) => stores.board.stock_trouble(Some(error)),
            },
            () = stores.forgot.notified() => owed = true,
        }
        if owed {
            owed = !swept(&stores).await;
        }
    }
}

/// One sweep; false when it has to be tried again.
async fn swept(stores: &Stores) -> bool {
    match sweep(&stores.ledger, stores.stock.as_ref()).await {
        Ok(0) => true,
        Ok(brought) => {
            tracing::info!(keys = brought, "the sweep brought keys forward from balances");
            stores.board.change(|view| view.brought_back += brought);
            true
        }
        Err(error) => {
            stores.board.stock_trouble(Some(error));
            false
        }
    }
}
