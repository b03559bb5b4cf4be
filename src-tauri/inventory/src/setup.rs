//! `init` and `check`: makes what is missing, tries everything, names cause and cure. Used by the daemon and by
//! the desktop's Settings.

use std::sync::Arc;

use crate::config::{Config, Mode};
use crate::disk_space;
use crate::engine::{Clock, Engine, Parts, cluster, open_ledger, open_stock};
use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;
use ledger::Ledger;
use probe::Trail;
pub use probe::{Finding, State, Step};

/// Creates database, tables and topic, and accepts sources whose first message is gone already. Says what it did.
/// `tell` hears how many roll-ups of how many are made, where the ledger holds a history without them.
pub async fn init(
    config: Config,
    program: &str,
    clock: Arc<dyn Clock>,
    tell: impl Fn(usize, usize),
) -> Result<Vec<String>> {
    let mut done = Vec::new();
    if config.mode == Mode::Standalone {
        let folder = config.data_dir.display().to_string();
        let engine = Engine::open(config, Parts::Stores, program, clock).await?;
        done.push(format!("standalone stores in {folder} are ready"));
        done.extend(rolled_up(engine.ledger(), &tell).await?);
        return Ok(done);
    }
    let ledger = open_ledger(&config)?;
    done.extend(ledger.init().await.map_err(|error| error.at(words!("the_ledger", "ledger")))?);
    done.push(cluster::ensure_topic(&config).await.map_err(|error| error.at(words!("the_queue", "queue")))?);
    for (identity, bounds) in cluster::bounds_when_ready(&config).await? {
        if bounds.start > 0 && ledger.source(&identity).await?.is_none() {
            ledger.register_source(&identity, bounds.start).await?;
            done.push(format!(
                "partition {} begins at offset {}: what was there before is accepted as gone",
                identity.partition, bounds.start
            ));
        }
    }
    done.extend(rolled_up(&ledger, &tell).await?);
    Ok(done)
}

async fn rolled_up(ledger: &Ledger, tell: &impl Fn(usize, usize)) -> Result<Option<String>> {
    let spans = ledger
        .roll_up_history(|done, total| {
            tell(done, total);
            true
        })
        .await
        .map_err(|error| error.at(words!("the_ledger", "ledger")))?;
    Ok((spans > 0).then(|| format!("ledger: {spans} roll-ups of earlier months made for the reports")))
}

/// Tries every part step by step. What it makes it takes away again, but for standalone stores that were never
/// opened before.
pub async fn check(config: &Config) -> Vec<Finding> {
    let mut warnings = Trail::new("config", &[]);
    for words in &config.warnings {
        warnings.fault(Step::Config, Code::Config, words.clone(), Words::none());
    }
    let mut findings = warnings.end();
    findings.extend(data_dir(config));
    match config.mode {
        Mode::Standalone => findings.extend(embedded(config).await),
        Mode::Cluster => {
            // Three servers, asked at once: a part that is away makes nobody wait for the others.
            let (queue, ledger, stock) = tokio::join!(cluster::probe(config), ledger(config), stock(config));
            findings.extend([queue, ledger, stock].into_iter().flatten());
        }
    }
    findings
}

fn data_dir(config: &Config) -> Vec<Finding> {
    let folder = &config.data_dir;
    let probe = folder.join(".writable");
    let tried = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    let mut trail = Trail::new("outbox", &[Step::Folder, Step::Space]);
    match tried {
        Ok(()) => {
            trail.fine(
                Step::Folder,
                words!("may_be_written", "{path} may be written", path = folder.display()),
            );
            disk_space::tell(&mut trail, folder);
        }
        Err(error) => trail.fault(
            Step::Folder,
            Code::Config,
            words!("file_not_written", "{path} cannot be written: {error}", path = folder.display(), error),
            words!("cure_folder", "make the folder writable, or name another one in [app] data_dir"),
        ),
    }
    trail.end()
}

/// The embedded stores, under one lock. They may belong to a running app: then they are in use, which is no fault.
async fn embedded(config: &Config) -> Vec<Finding> {
    let both = |outcome: &dyn Fn(&mut Trail)| {
        let of = |part| {
            let mut trail = Trail::new(part, &[Step::Store]);
            outcome(&mut trail);
            trail.end()
        };
        [of("ledger"), of("stock")].concat()
    };
    let _lock = match queue::outbox::DataDir::lock(&config.data_dir, "check") {
        Ok(lock) => lock,
        Err(error) if error.code == Code::Locked => {
            return both(&|trail| {
                trail.fine(Step::Store, words!("in_use_by_app", "in use by the running app"))
            });
        }
        Err(error) => return both(&|trail| trail.error(Step::Store, error.clone())),
    };
    let opened = async {
        let ledger = open_ledger(config)?;
        ledger.init().await?;
        Ok::<_, Error>(ledger)
    };
    let mut findings = match opened.await {
        Ok(ledger) => ledger.probe().await,
        Err(error) => not_opened("ledger", &[Step::Store, Step::Tables], error),
    };
    findings.extend(match open_stock(config) {
        Ok(stock) => stock.probe().await,
        Err(error) => not_opened("stock", &[Step::Store], error),
    });
    findings
}

async fn ledger(config: &Config) -> Vec<Finding> {
    match open_ledger(config) {
        Ok(ledger) => ledger.probe().await,
        Err(error) => not_opened("ledger", ledger::CLUSTER_STEPS, error),
    }
}

async fn stock(config: &Config) -> Vec<Finding> {
    match open_stock(config) {
        Ok(stock) => stock.probe().await,
        Err(error) => not_opened("stock", stock::redis::STEPS, error),
    }
}

/// The first step failed: a URL that cannot be read, a password that is not there, a file that does not open.
fn not_opened(part: &'static str, steps: &[Step], error: Error) -> Vec<Finding> {
    let mut trail = Trail::new(part, steps);
    trail.error(steps.first().copied().unwrap_or(Step::Config), error);
    trail.end()
}
