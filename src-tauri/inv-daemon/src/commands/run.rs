//! `run`: consume and write until told to stop.

use inventory::Parts;
use inventory::config::Config;
use inventory::error::{Code, Error, Result};
use inventory::words::Words;

use crate::Outcome;

/// Runs until SIGTERM or Ctrl+C, then drains. A signal that comes while the stores are being opened ends it at
/// once: nothing is under way yet, and whatever was begun is as safe as after a crash.
pub async fn run(config: Config) -> Result<Outcome> {
    let mut stop = Stop::listen()?;
    let opening = async {
        let engine = super::open(config, Parts::Writer).await?;
        let running = engine.start().await?;
        Ok::<_, Error>((engine, running))
    };
    let (engine, running) = tokio::select! {
        opened = opening => opened?,
        told = stop.told() => return told.map(|()| Outcome::Clean),
    };
    tracing::info!(mode = engine.config().mode.name(), "running; SIGTERM drains and ends");
    stop.told().await?;
    tracing::info!("draining");
    running.stop().await;
    Ok(Outcome::Clean)
}

/// The wish to end. Listened for from the start, so that no signal takes the default way and kills.
#[cfg(unix)]
struct Stop(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Stop {
    fn listen() -> Result<Stop> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).map(Stop).map_err(|error| failed(&error))
    }

    async fn told(&mut self) -> Result<()> {
        tokio::select! {
            _ = self.0.recv() => Ok(()),
            done = tokio::signal::ctrl_c() => done.map_err(|error| failed(&error)),
        }
    }
}

#[cfg(not(unix))]
struct Stop;

#[cfg(not(unix))]
impl Stop {
    fn listen() -> Result<Stop> {
        Ok(Stop)
    }

    async fn told(&mut self) -> Result<()> {
        tokio::signal::ctrl_c().await.map_err(|error| failed(&error))
    }
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(Code::Internal, Words::plain(format!("cannot listen for signals: {error}")))
}
