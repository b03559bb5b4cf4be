//! A run that takes its time, with a bar on a terminal; Ctrl+C cancels it at its next step.

use std::future::Future;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use inventory::audit::findings::Phase;
use inventory::audit::watch::Watch;
use inventory::domain::error::Result;

/// Starts a run and follows it to its end.
pub async fn watched<T, F: Future<Output = Result<T>>>(start: impl FnOnce(Watch) -> F) -> Result<T> {
    let watch = Watch::new();
    let bar = progress_bar();
    let mut progress = watch.progress();
    let run = start(watch.clone());
    tokio::pin!(run);
    let done = loop {
        tokio::select! {
            done = &mut run => break done,
            _ = tokio::signal::ctrl_c(), if !watch.is_cancelled() => watch.cancel(),
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                let now = *progress.borrow_and_update();
                bar.set_length(now.total);
                bar.set_position(now.done);
                bar.set_message(words(now.phase));
            }
        }
    };
    bar.finish_and_clear();
    done
}

/// A bar on a terminal, nothing elsewhere.
pub fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg:<22} {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// What a phase does, in words.
fn words(phase: Phase) -> &'static str {
    match phase {
        Phase::Waiting => "waiting",
        Phase::Keys => "comparing keys",
        Phase::Tables => "reading tables",
        Phase::Confirming => "looking again",
        Phase::Correcting => "correcting",
        Phase::Queue => "reading the queue",
    }
}
