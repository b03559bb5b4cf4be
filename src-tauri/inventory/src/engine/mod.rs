//! The engine as one piece: which stores the configuration names, opened for what a caller needs.

pub mod audits;
mod catalogue;
pub(crate) mod cluster;
mod remembered;
mod replay;
pub mod running;
pub mod status;

use std::sync::Arc;

use chrono::NaiveDateTime;
use tokio::sync::Mutex;

use audits::Desk;
use remembered::Remembered;

use crate::config::{Config, Mode};
use domain::error::{Code, Error, Result};
use domain::words;
use ledger::{Ledger, Limits};
use queue::Queue;
use queue::history::{History, LocalHistory};
use queue::kafka::Asker;
use queue::local::LocalQueue;
use queue::outbox::{DataDir, Outbox};
use stock::Stock;
use stock::redb::Redb;

/// The clock, read by the shell and handed in: the engine itself knows no time.
pub trait Clock: Send + Sync {
    /// The warehouse's wall clock.
    fn wall(&self) -> NaiveDateTime;
    /// Milliseconds since the epoch, UTC.
    fn epoch_ms(&self) -> i64;
}

/// What a caller needs. In standalone mode every choice opens the embedded stores and holds the data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// Ledger and stock, to look at or to change by hand.
    Stores,
    /// Queue, ledger and stock, to consume and write.
    Writer,
    /// Outbox and queue, to send.
    Sender,
    /// Everything.
    App,
}

impl Parts {
    fn outbox(self) -> bool {
        matches!(self, Parts::Sender | Parts::App)
    }

    fn writes(self) -> bool {
        matches!(self, Parts::Writer | Parts::App)
    }
}

/// This machine's name, as members and auditors are told apart by it.
fn host() -> String {
    let name = std::env::var("HOSTNAME").ok().or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    name.map_or_else(|| "host".to_owned(), |name| name.trim().to_owned())
}

/// The opened stores.
pub struct Engine {
    config: Config,
    parts: Parts,
    program: String,
    clock: Arc<dyn Clock>,
    ledger: Arc<Ledger>,
    stock: Arc<dyn Stock>,
    outbox: Option<Arc<Outbox>>,
    desk: Desk,
    /// What the brokers told the status a moment ago.
    remembered: Mutex<Remembered>,
    /// Asks them.
    asker: Asker,
    /// Held as long as the engine lives.
    _data_dir: Option<DataDir>,
}

impl Engine {
    /// Opens what is needed. Servers are not waited for: what cannot be reached says so when it is used.
    /// Errors: `Locked` (data directory of another process), `Config`, `Corrupt`.
    pub async fn open(config: Config, parts: Parts, program: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let embedded = config.mode == Mode::Standalone;
        let data_dir = match embedded || parts.outbox() {
            true => Some(DataDir::lock(&config.data_dir, program)?),
            false => None,
        };
        let outbox = match &data_dir {
            Some(dir) => Some(Arc::new(Outbox::open(&dir.outbox_file(), clock.epoch_ms()).await?)),
            None => None,
        };
        let ledger = open_ledger(&config)?;
        let stock = open_stock(&config)?;
        if embedded {
            ledger.init().await?;
        }
        let ledger = Arc::new(ledger);
        let desk = Desk::new(&config, Arc::clone(&ledger), Arc::clone(&stock), Arc::clone(&clock), program);
        let asker = cluster::asker(&config);
        let engine = Engine {
            config,
            parts,
            program: program.to_string(),
            clock,
            ledger,
            stock,
            outbox,
            desk,
            remembered: Mutex::default(),
            asker,
            _data_dir: data_dir,
        };
        if embedded {
            engine.renew_a_restored_outbox().await?;
        }
        Ok(engine)
    }

    /// Rule 9: an outbox whose end lies below the ledger's position is an older copy. Its next entries would come
    /// under offsets that are taken; so it begins a new incarnation, and entry ids tell what both lives share.
    async fn renew_a_restored_outbox(&self) -> Result<()> {
        let outbox = self.outbox()?;
        if let Some(row) = self.ledger.source(&outbox.local_source()).await?
            && outbox.end() < row.next_offset
        {
            outbox.begin_new_incarnation().await?;
            tracing::warn!(
                "the outbox is an older copy: it goes on under a new name, nothing is counted twice"
            );
        }
        Ok(())
    }

    /// The configuration it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The clock it was given.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// The ledger.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The stock store.
    pub fn stock(&self) -> &Arc<dyn Stock> {
        &self.stock
    }

    /// The outbox, where the caller asked for it.
    pub fn outbox(&self) -> Result<&Arc<Outbox>> {
        self.outbox.as_ref().ok_or_else(|| {
            Error::new(Code::Internal, words!("no_outbox_here", "this command was opened without the outbox"))
        })
    }

    /// Starts what the parts say: the writer, the sender, or both. In standalone mode the writer always runs with
    /// the sender, since the outbox is the queue.
    pub async fn start(&self) -> Result<Running> {
        let standalone = self.config.mode == Mode::Standalone;
        let writes = standalone || (self.parts.writes() && self.config.writer);
        let queue = if writes { Some(self.queue()?) } else { None };
        Running::start(self, queue).await
    }

    /// The queue's past, for a replay; needs no more than `Parts::Stores`.
    pub fn history(&self) -> Result<Arc<dyn History>> {
        match self.config.mode {
            Mode::Standalone => Ok(Arc::new(LocalHistory::new(Arc::clone(self.outbox()?)))),
            Mode::Cluster => cluster::history(&self.config),
        }
    }

    fn queue(&self) -> Result<Arc<dyn Queue>> {
        match self.config.mode {
            Mode::Standalone => Ok(Arc::new(LocalQueue::new(Arc::clone(self.outbox()?)))),
            Mode::Cluster => cluster::queue(&self.config, &self.program),
        }
    }
}

pub use running::Running;

pub(crate) fn open_ledger(config: &Config) -> Result<Ledger> {
    let standalone = config.mode == Mode::Standalone;
    let limits = Limits {
        day_tables: config.day_tables.unwrap_or(if standalone { 2_000 } else { 20_000 }),
        oldest_days: config.oldest_days,
        newest_days: config.newest_days,
    };
    match config.mode {
        Mode::Standalone => Ledger::open_sqlite(config.data_dir.join("ledger.db"), limits),
        Mode::Cluster => Ledger::open_mysql(&config.mysql_url, config.mysql_password.fetch()?, limits),
    }
}

pub(crate) fn open_stock(config: &Config) -> Result<Arc<dyn Stock>> {
    match config.mode {
        Mode::Cluster => cluster::stock(config),
        Mode::Standalone => {
            let (stock, aside) = Redb::open_or_rebuild(&config.data_dir.join("stock.redb"))?;
            if let Some(aside) = aside {
                tracing::warn!(aside = %aside.display(), "the stock file was damaged; it is rebuilt from the ledger");
            }
            Ok(Arc::new(stock))
        }
    }
}
