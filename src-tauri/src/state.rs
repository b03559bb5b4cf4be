//! The one immutable `App` that every command receives: where things lie, the preferences, and the engine as it
//! is now (starting, running or failed with words). Opening and restarting the engine happen here alone.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use inventory::config::Config;
use inventory::domain::error::{Code, Error};
use inventory::domain::words;
use inventory::ledger::Ledger;
use inventory::writer::status::Board;
use inventory::{Engine, Parts, Running};
use tokio::sync::watch;

use crate::api::Failure;
use crate::api::app::Status;
use crate::auditing::Auditing;
use crate::clock::MachineClock;
use crate::drafts::Drafts;
use crate::live::Views;
use crate::names::Names;
use crate::preferences::PreferencesFile;
use crate::reporting::Reports;
use crate::status;

/// The name under which this program holds the data folder.
const PROGRAM: &str = "Twinstock";

/// What the command line said.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data-dir`; stands above the configuration's.
    pub data_dir: Option<PathBuf>,
    /// `--demo`.
    pub demo: bool,
}

/// The running engine with what the screens hold over it.
pub struct Live {
    /// The opened stores.
    pub engine: Engine,
    /// What writer and stores say.
    pub board: Option<Arc<Board>>,
    /// The catalogue, searchable.
    pub names: Arc<Names>,
    /// The stock views that are open.
    pub views: Views,
    /// The drafts of this desktop.
    pub drafts: Drafts,
    /// Rejected entries resubmitted since the start; tells the status to count again.
    pub resubmitted: AtomicU64,
    /// The audit or replay that was started here.
    pub auditing: Arc<Auditing>,
    /// The reports that are looked at.
    pub reports: Reports,
    closing: watch::Sender<bool>,
    running: tokio::sync::Mutex<Option<Running>>,
}

impl Live {
    /// Drains and stops; what was accepted stays.
    async fn stop(&self) {
        self.closing.send_replace(true);
        self.auditing.cancel();
        self.views.close_all();
        if let Some(running) = self.running.lock().await.take() {
            running.stop().await;
        }
    }

    /// Whether it is being stopped.
    pub fn closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// How far the entries with numbers up to `seq` are.
    pub async fn progress(&self, seq: i64) -> Result<inventory::Progress, Failure> {
        match self.running.lock().await.as_ref() {
            Some(running) => Ok(running.progress(seq).await?),
            None => Err(Failure::new("cancelled", words!("closing", "Twinstock is closing."))),
        }
    }

    /// What keeps entries from moving on, if anything does.
    pub async fn trouble(&self) -> Option<inventory::domain::error::Error> {
        self.running.lock().await.as_ref().and_then(Running::trouble)
    }
}

/// How the engine is.
#[derive(Clone)]
pub enum Phase {
    /// Being opened.
    Starting,
    /// Open and working.
    Running(Arc<Live>),
    /// Not open; why.
    Failed(Failure),
}

/// What every command receives.
pub struct App {
    /// As started.
    pub start: Start,
    /// The configuration that the engine runs with, or would.
    pub config: Mutex<Config>,
    /// Preferences.
    pub preferences: PreferencesFile,
    /// Sample data is being made.
    pub demo: watch::Sender<bool>,
    /// The status bar's facts.
    pub status: watch::Sender<Status>,
    /// Told when another page begins to watch the status.
    pub watcher: watch::Sender<()>,
    /// The window, for dialogs.
    pub window: OnceLock<tauri::WebviewWindow>,
    phase: watch::Sender<Phase>,
    /// One opening or closing at a time.
    turn: tokio::sync::Mutex<()>,
}

impl App {
    /// Reads configuration and preferences; a configuration that cannot be read is kept as the failure that the
    /// window shows.
    pub fn new(start: Start) -> Arc<Self> {
        let (config, phase) = match load(&start) {
            Ok(config) => (config, Phase::Starting),
            Err(error) => (fallback(&start), Phase::Failed(error.into())),
        };
        let mode = config.mode;
        let preferences = PreferencesFile::open(config.data_dir.join("desktop.json"));
        Arc::new(App {
            start,
            preferences,
            config: Mutex::new(config),
            demo: watch::Sender::new(false),
            status: watch::Sender::new(status::first(mode, false)),
            watcher: watch::Sender::new(()),
            window: OnceLock::new(),
            phase: watch::Sender::new(phase),
            turn: tokio::sync::Mutex::new(()),
        })
    }

    /// The configuration.
    pub fn config(&self) -> Config {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The configuration as the file has it now.
    pub fn saved_config(&self) -> inventory::domain::error::Result<Config> {
        load(&self.start)
    }

    /// How the engine is now.
    pub fn phase(&self) -> Phase {
        self.phase.borrow().clone()
    }

    /// Follows the engine's phase.
    pub fn watch(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// The running engine; while it starts, waits for it. A failed one is the failure.
    pub async fn live(&self) -> Result<Arc<Live>, Failure> {
        let mut phase = self.phase.subscribe();
        let settled = phase.wait_for(|phase| !matches!(phase, Phase::Starting)).await;
        match settled.as_deref() {
            Ok(Phase::Running(live)) => Ok(Arc::clone(live)),
            Ok(Phase::Failed(failure)) => Err(failure.clone()),
            _ => Err(Failure::new("starting", words!("closing", "Twinstock is closing."))),
        }
    }

    /// Opens the engine, unless the configuration could not be read.
    pub async fn open(&self) {
        let _turn = self.turn.lock().await;
        if matches!(self.phase(), Phase::Starting) {
            self.open_now().await;
        }
    }

    /// Closes the engine and opens it with the configuration as it now stands in the file.
    pub async fn restart(&self) {
        let _turn = self.turn.lock().await;
        self.close_now().await;
        self.phase.send_replace(Phase::Starting);
        match load(&self.start) {
            Ok(config) => {
                *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
                self.open_now().await;
            }
            Err(error) => {
                self.phase.send_replace(Phase::Failed(error.into()));
            }
        }
    }

    /// Drains and closes for good.
    pub async fn close(&self) {
        let _turn = self.turn.lock().await;
        self.close_now().await;
    }

    async fn close_now(&self) {
        let before = self.phase.send_replace(Phase::Failed(Failure::new(
            "starting",
            words!("closing", "Twinstock is closing."),
        )));
        let Phase::Running(live) = before else { return };
        live.stop().await;
        // Commands that are still answering hold the stores a moment longer; the folder's lock goes with them.
        for _ in 0..100 {
            if Arc::strong_count(&live) == 1 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    async fn open_now(&self) {
        // On a thread of its own: opening embedded stores blocks, and the future need not be Send there.
        let config = self.config();
        let runtime = tokio::runtime::Handle::current();
        let opened = tokio::task::spawn_blocking(move || runtime.block_on(opened(config))).await;
        let opened = opened.unwrap_or_else(|panic| {
            Err(Error::new(Code::Internal, words!("opening_ended", "opening ended: {panic}", panic)))
        });
        let phase = match opened {
            Ok(live) => Phase::Running(Arc::new(live)),
            Err(error) => {
                tracing::error!(code = error.code.name(), %error, "the engine does not open");
                Phase::Failed(error.into())
            }
        };
        self.phase.send_replace(phase);
    }
}

async fn opened(config: Config) -> inventory::domain::error::Result<Live> {
    let engine = Engine::open(config, Parts::App, PROGRAM, Arc::new(MachineClock)).await?;
    let running = engine.start().await?;
    let embedded = engine.config().mode == inventory::config::Mode::Standalone;
    let kept = (!embedded).then(|| engine.config().data_dir.join("catalogue.json"));
    let names = Names::start(Arc::clone(engine.ledger()), kept);
    let views = Views::start(&engine, Arc::clone(&names));
    let board = running.board().cloned();
    let closing = watch::Sender::new(false);
    tokio::spawn(rolled_up(Arc::clone(engine.ledger()), closing.subscribe()));
    Ok(Live {
        engine,
        board,
        names,
        views,
        drafts: Drafts::default(),
        resubmitted: AtomicU64::new(0),
        auditing: Arc::default(),
        reports: Reports::default(),
        closing,
        running: tokio::sync::Mutex::new(Some(running)),
    })
}

/// Months that an older program counted are rolled up in the background, so that the first report need not.
async fn rolled_up(ledger: Arc<Ledger>, closing: watch::Receiver<bool>) {
    match ledger.roll_up_history(|_, _| !*closing.borrow()).await {
        Ok(0) => {}
        Ok(spans) => tracing::info!(spans, "earlier months were rolled up for the reports"),
        Err(error) => tracing::warn!(%error, "earlier months are not rolled up; reports do it when asked"),
    }
}

fn load(start: &Start) -> inventory::domain::error::Result<Config> {
    let mut config = Config::load(start.config.as_deref())?;
    if let Some(folder) = &start.data_dir {
        config.data_dir.clone_from(folder);
    }
    Ok(config)
}

fn fallback(start: &Start) -> Config {
    let mut config = Config { file: start.config.clone(), ..Config::default() };
    if let Some(folder) = &start.data_dir {
        config.data_dir.clone_from(folder);
    }
    config
}
