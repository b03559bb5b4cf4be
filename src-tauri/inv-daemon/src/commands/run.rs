//! `run`: consume and write until told to stop.

use inventory::Parts;
use inventory::config::Config;
use inventory::error::{Code, Error, Result};

use crate::Outcome;

/// Runs until SIGTERM or Ctrl+C, then drains.
pub async fn run(config: Config) -> Result<Outcome> {
    let engine = super::open(config, Parts::Writer).await?;
    let running = engine.start().await?;
    tracing::info!(mode = engine.config().mode.name(), "running; SIGTERM drains and ends");
    stop_signal().await?;
    tracing::info!("draining");
    running.stop().await;
    Ok(Outcome::Clean)
}

#[cfg(unix)]
async fn stop_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed =
        |error: std::io::Error| Error::new(Code::Internal, format!("cannot listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        done = tokio::signal::ctrl_c() => done.map_err(failed)?,
    }
    Ok(())
}

#[cfg(not(unix))]
async fn stop_signal() -> Result<()> {
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| Error::new(Code::Internal, format!("cannot listen for Ctrl+C: {error}")))
}
