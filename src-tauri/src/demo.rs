//! Sample data from the desktop: posts it and follows it until the writer has counted it.

use std::sync::Arc;
use std::time::Duration;

use crate::api::Failure;
use crate::api::app::DemoProgress;
use crate::clock;
use crate::state::{App, Live};
use inventory::domain::words;

/// How often progress is told.
const TELL: Duration = Duration::from_millis(150);

/// Fills the empty warehouse; answers when everything is counted.
pub async fn fill(app: &Arc<App>, tell: impl Fn(DemoProgress)) -> Result<DemoProgress, Failure> {
    let live = app.live().await?;
    if app.demo.send_replace(true) {
        return Err(Failure::new("invalid", words!("demo_under_way", "sample data is being made already")));
    }
    let done = filled(&live, &tell).await;
    app.demo.send_replace(false);
    if let Ok(progress) = &done {
        tell(progress.clone());
    }
    done
}

async fn filled(live: &Live, tell: &impl Fn(DemoProgress)) -> Result<DemoProgress, Failure> {
    let shown = |saved: usize, counted: i64, total: usize, done: bool| DemoProgress {
        saved: saved as i64,
        counted,
        total: total as i64,
        done,
    };
    let mut last = tokio::time::Instant::now();
    let saved = inventory::demo::fill(&live.engine, clock::wall(), |progress| {
        if last.elapsed() >= TELL {
            last = tokio::time::Instant::now();
            tell(shown(progress.saved, counted(live), progress.total, false));
        }
    });
    let saved = saved.await?;
    live.names.read().await?;
    loop {
        match live.progress(saved.last_seq).await? {
            inventory::Progress::Done => {
                return Ok(shown(saved.saved, saved.saved as i64, saved.total, true));
            }
            inventory::Progress::Stopped(reason) => return Err(Failure::new("corrupt", reason)),
            inventory::Progress::Left(_) => tell(shown(saved.saved, counted(live), saved.total, false)),
        }
        if live.closing() {
            return Err(Failure::new(
                "cancelled",
                words!(
                    "closing_counts_later",
                    "Twinstock closes; what is saved is counted at the next start"
                ),
            ));
        }
        tokio::time::sleep(TELL).await;
    }
}

/// Entries counted since this program started.
fn counted(live: &Live) -> i64 {
    live.board.as_ref().map_or(0, |board| i64::try_from(board.view().counted).unwrap_or(i64::MAX))
}
