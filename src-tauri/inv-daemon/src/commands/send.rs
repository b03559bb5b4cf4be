//! `send`: JSON lines of ioentry through the outbox. Whatever was saved is never lost and never sent twice, so a
//! killed `send` is simply repeated with the same `--batch`.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use inventory::config::Config;
use inventory::domain::entry::Entry;
use inventory::domain::error::{Code, Error, Result};
use inventory::domain::ioentry;
use inventory::domain::words::Words;
use inventory::queue::outbox::{Appended, Saved};
use inventory::{Engine, Parts, Progress};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::{Outcome, output};

/// Lines saved in one durable transaction.
const LINES: usize = 5_000;
/// Without any progress for this long the server is called out of reach.
const PATIENCE: Duration = Duration::from_secs(30);
/// Space of the ids that `--batch` derives: never changed, else repeats would double.
const SPACE: Uuid = Uuid::from_u128(0x7c1c_45a2_5b0e_4d8e_9a6e_2f5d_31b7_90c4);

#[derive(Default)]
struct Counts {
    saved: u64,
    skipped: u64,
    invalid: u64,
    last_seq: i64,
}

/// Lines on their way to the disk: while one transaction is made durable, the next lines are read and checked.
struct Saving<'a> {
    engine: &'a Engine,
    bar: &'a ProgressBar,
    under_way: Option<JoinHandle<Result<Vec<Appended>>>>,
}

/// Sends a file or standard input; returns when everything is acknowledged (standalone: counted).
pub async fn send(config: Config, file: &Path, batch: Option<&str>) -> Result<Outcome> {
    let input: Box<dyn AsyncBufRead + Unpin + Send> = if file == Path::new("-") {
        Box::new(BufReader::new(tokio::io::stdin()))
    } else {
        let opened = tokio::fs::File::open(file).await;
        let file = opened.map_err(|error| {
            Error::new(Code::Config, Words::plain(format!("{}: {error}", file.display())))
        })?;
        Box::new(BufReader::with_capacity(1 << 20, file))
    };
    let engine = super::open(config, Parts::Sender).await?;
    let running = engine.start().await?;
    let bar = progress_bar();
    let counts = save_all(&engine, input, batch, &bar).await;
    let outcome = match counts {
        Ok(counts) => finish(&engine, &running, counts, &bar).await,
        Err(error) => Err(error),
    };
    bar.finish_and_clear();
    running.stop().await;
    outcome
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {pos} entries  {per_sec}  {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

async fn save_all(
    engine: &Engine,
    mut input: Box<dyn AsyncBufRead + Unpin + Send>,
    batch: Option<&str>,
    bar: &ProgressBar,
) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut saving = Saving { engine, bar, under_way: None };
    let (mut number, mut line, mut pending) = (0_u64, Vec::new(), Vec::with_capacity(LINES));
    bar.set_message("saving");
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line).await;
        if read.map_err(|error| {
            Error::new(Code::Config, Words::plain(format!("cannot read the input: {error}")))
        })? == 0
        {
            break;
        }
        number += 1;
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match ioentry::decode(text) {
            Ok(entry) => pending.push(saved(entry, batch, number)),
            Err(refusal) => {
                counts.invalid += 1;
                bar.suspend(|| eprintln!("line {number}: {refusal}"));
            }
        }
        if pending.len() == LINES {
            saving.save(std::mem::take(&mut pending), &mut counts).await?;
        }
    }
    saving.save(pending, &mut counts).await?;
    saving.settle(&mut counts).await?;
    Ok(counts)
}

/// An entry with its id: its own, the batch's, or a new one.
fn saved(mut entry: Entry, batch: Option<&str>, line: u64) -> Saved {
    let id = entry.entry_id.unwrap_or_else(|| match batch {
        Some(name) => Uuid::new_v5(&SPACE, format!("{name}\n{line}").as_bytes()),
        None => Uuid::now_v7(),
    });
    entry.entry_id = Some(id);
    let payload = ioentry::encode(&entry).into_bytes();
    Saved { entry_id: id, entry, payload }
}

impl Saving<'_> {
    /// Hands entries to the outbox once those before them are durable, so that their order is the file's.
    async fn save(&mut self, entries: Vec<Saved>, counts: &mut Counts) -> Result<()> {
        self.settle(counts).await?;
        if !entries.is_empty() {
            let (outbox, now_ms) = (Arc::clone(self.engine.outbox()?), self.engine.clock().epoch_ms());
            self.under_way = Some(tokio::spawn(async move { outbox.append(entries, None, now_ms).await }));
        }
        Ok(())
    }

    /// Waits until what was handed over is durable.
    async fn settle(&mut self, counts: &mut Counts) -> Result<()> {
        let Some(appending) = self.under_way.take() else { return Ok(()) };
        let appended =
            appending.await.map_err(|error| Error::new(Code::Internal, Words::plain(error.to_string())))?;
        for appended in appended? {
            match appended {
                Appended::Saved(_) => counts.saved += 1,
                Appended::AlreadyThere(_) => counts.skipped += 1,
            }
            counts.last_seq = counts.last_seq.max(appended.seq());
            self.bar.inc(1);
        }
        Ok(())
    }
}

/// Waits until everything saved is acknowledged, as long as there is progress.
async fn finish(
    engine: &Engine,
    running: &inventory::Running,
    counts: Counts,
    bar: &ProgressBar,
) -> Result<Outcome> {
    bar.set_message("sending");
    let mut before = u64::MAX;
    let mut still_since = tokio::time::Instant::now();
    loop {
        let progress = running.progress(counts.last_seq).await?;
        let left = match progress {
            Progress::Done => break,
            Progress::Left(left) => left,
            Progress::Stopped(reason) => return Err(Error::new(Code::Corrupt, reason)),
        };
        if left != before {
            before = left;
            still_since = tokio::time::Instant::now();
        } else if still_since.elapsed() > PATIENCE {
            return Err(out_of_reach(engine, running, left));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let skipped = if counts.skipped > 0 {
        format!(", {} sent before and skipped", counts.skipped)
    } else {
        String::new()
    };
    let invalid = if counts.invalid > 0 { format!(", {} invalid", counts.invalid) } else { String::new() };
    output::line(&format!("{} entries sent{skipped}{invalid}", counts.saved))?;
    Ok(if counts.invalid > 0 { Outcome::Found } else { Outcome::Clean })
}

fn out_of_reach(engine: &Engine, running: &inventory::Running, left: u64) -> Error {
    let why = running.trouble().map_or_else(|| "no answer".to_string(), |error| error.to_string());
    Error::new(
        Code::Unreachable,
        Words::plain(format!(
            "{left} entries wait in the outbox in {}: {why}. They are safe; they are sent by the next send or by the app once the server answers",
            engine.config().data_dir.display()
        )),
    )
}
