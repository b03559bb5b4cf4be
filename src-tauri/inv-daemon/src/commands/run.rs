//! `run`: consume and write until told to stop.

use inventory::Parts;
use inventory::config::Config;
use inventory::domain::error::{Error, Result};

use super::stop::Stop;
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
