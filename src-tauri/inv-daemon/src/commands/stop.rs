//! The wish to end, SIGTERM or Ctrl+C: whoever listens decides what is still to be done.

use inventory::domain::error::{Code, Error, Result};

/// The wish to end. Listened for from the start, so that no signal takes the default way and kills.
#[cfg(unix)]
pub struct Stop(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Stop {
    /// From now on.
    pub fn listen() -> Result<Stop> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).map(Stop).map_err(|error| failed(&error))
    }

    /// Comes with SIGTERM or Ctrl+C.
    pub async fn told(&mut self) -> Result<()> {
        tokio::select! {
            _ = self.0.recv() => Ok(()),
            done = tokio::signal::ctrl_c() => done.map_err(|error| failed(&error)),
        }
    }
}

#[cfg(not(unix))]
pub struct Stop;

#[cfg(not(unix))]
impl Stop {
    /// From now on.
    pub fn listen() -> Result<Stop> {
        Ok(Stop)
    }

    /// Comes with SIGTERM or Ctrl+C.
    pub async fn told(&mut self) -> Result<()> {
        tokio::signal::ctrl_c().await.map_err(|error| failed(&error))
    }
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(
        Code::Internal,
        inventory::domain::words::Words::plain(format!("cannot listen for signals: {error}")),
    )
}
