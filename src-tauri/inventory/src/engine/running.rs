//! The running engine: writer, sender and what happens by time. Stopping drains; nothing accepted is lost by it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Clock, Engine, cluster};
use crate::config::Mode;
use domain::entry::ProductId;
use domain::error::{Error, Result};
use domain::words::Words;
use ledger::Ledger;
use queue::Queue;
use queue::kafka::Sender;
use queue::outbox::Outbox;
use writer::Writer;
use writer::status::{Board, State};

/// Longest wait for the parts to end; `run` promises 5 seconds.
const END: Duration = Duration::from_millis(4_800);
/// How often the clock is looked at for what happens by time.
const BY_TIME: Duration = Duration::from_secs(60);
/// Tomorrow's tables are made in the day's last hours.
const PREPARE_FROM_HOUR: u32 = 22;

/// How far entries up to a number are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Acknowledged by the broker; in standalone mode counted in both stores.
    Done,
    /// So many are not there yet.
    Left(u64),
    /// The source has stopped; a person must act.
    Stopped(Words),
}

/// What `Engine::start` started.
pub struct Running {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    board: Option<Arc<Board>>,
    sender: Option<Sender>,
    outbox: Option<Arc<Outbox>>,
    standalone: bool,
}

impl Running {
    pub(super) async fn start(engine: &Engine, queue: Option<Arc<dyn Queue>>) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        let board = queue.map(|queue| {
            let writer = Writer::new(queue, Arc::clone(&engine.ledger), Arc::clone(&engine.stock));
            let board = writer.board();
            let until = stopped.clone();
            tasks.push(tokio::spawn(async move { writer.run(until).await }));
            let by_time = by_time(Arc::clone(&engine.ledger), Arc::clone(&engine.clock), stopped.clone());
            tasks.push(tokio::spawn(by_time));
            tasks.push(tokio::spawn(engine.desk.clone().by_time(stopped.clone())));
            board
        });
        let standalone = engine.config.mode == Mode::Standalone;
        let sender = match (&engine.outbox, standalone) {
            (Some(outbox), false) => Some(cluster::sender(&engine.config, Arc::clone(outbox))?),
            _ => None,
        };
        Ok(Running { stop, tasks, board, sender, outbox: engine.outbox.clone(), standalone })
    }

    /// What the writer is doing; `None` where this process only sends.
    pub fn board(&self) -> Option<&Arc<Board>> {
        self.board.as_ref()
    }

    /// What keeps entries from moving on, if anything does.
    pub fn trouble(&self) -> Option<Error> {
        let sending = self.sender.as_ref().and_then(Sender::trouble);
        let view = self.board.as_ref().map(|board| board.view());
        sending.or_else(|| view.and_then(|view| view.queue.or(view.ledger).or(view.stock)))
    }

    /// How far the entries with numbers up to `seq` are.
    pub async fn progress(&self, seq: i64) -> Result<Progress> {
        let left = if self.standalone { self.uncounted(seq) } else { self.unsent(seq).await? };
        Ok(left)
    }

    async fn unsent(&self, seq: i64) -> Result<Progress> {
        let Some(outbox) = &self.outbox else { return Ok(Progress::Done) };
        Ok(match outbox.waiting_until(seq).await? {
            0 => Progress::Done,
            left => Progress::Left(left.unsigned_abs()),
        })
    }

    fn uncounted(&self, seq: i64) -> Progress {
        if seq == 0 {
            return Progress::Done;
        }
        let view = self.board.as_ref().map(|board| board.view()).unwrap_or_default();
        let Some(outbox) = &self.outbox else { return Progress::Done };
        let here = outbox.local_source();
        let source = view.sources.get(&(here.topic_uuid, here.partition));
        match source {
            Some(source) if source.state == State::Stopped => Progress::Stopped(source.reason.clone()),
            // The entry with number n has offset n - 1; it is counted when the position is n.
            Some(source) if source.name.is_some() && source.stock_offset >= seq => Progress::Done,
            Some(source) => Progress::Left((seq - source.stock_offset).unsigned_abs()),
            None => Progress::Left(seq.unsigned_abs()),
        }
    }

    /// Drains and ends, within 5 seconds.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let end = async {
            if let Some(sender) = self.sender {
                sender.stop().await;
            }
            futures::future::join_all(self.tasks).await;
        };
        if tokio::time::timeout(END, end).await.is_err() {
            tracing::warn!(
                "not everything had ended in time; the next start takes up where this one stopped"
            );
        }
    }
}

/// What happens by time: what a killed compaction left behind is dropped, and tomorrow's day tables are made ahead
/// of midnight for the products that moved today, so that the first entry of the day does not wait for DDL.
async fn by_time(ledger: Arc<Ledger>, clock: Arc<dyn Clock>, mut stop: watch::Receiver<bool>) {
    use chrono::Timelike;
    let (mut prepared, mut tidy) = (None, false);
    loop {
        if !tidy {
            tidy = drop_leftovers(&ledger).await;
        }
        let now = clock.wall();
        if now.hour() >= PREPARE_FROM_HOUR && prepared != Some(now.date()) {
            match prepare_tomorrow(&ledger, now.date()).await {
                Ok(()) => prepared = Some(now.date()),
                Err(error) => {
                    tracing::warn!(%error, "tomorrow's tables could not be made; entries will make them")
                }
            }
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(BY_TIME) => {}
        }
    }
}

/// Tables of compacted days that a crash left standing count against the limit. False: to be tried again.
async fn drop_leftovers(ledger: &Ledger) -> bool {
    match ledger.finish_drops().await {
        Ok(0) => true,
        Ok(tables) => {
            tracing::info!(
                tables,
                "tables of compacted days were dropped that a stopped compaction had left"
            );
            true
        }
        Err(error) => {
            tracing::warn!(%error, "tables of compacted days could not be dropped; it is tried again");
            false
        }
    }
}

async fn prepare_tomorrow(ledger: &Ledger, today: NaiveDate) -> Result<()> {
    let Some(tomorrow) = today.succ_opt() else { return Ok(()) };
    let moved: BTreeSet<ProductId> =
        ledger.day(today).await?.into_iter().map(|total| total.key.product).collect();
    ledger.prepare_day(tomorrow, &moved.into_iter().collect::<Vec<_>>()).await
}
