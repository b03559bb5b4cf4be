//! Puts the status bar's facts together, once a second, and tells watchers when they changed. Says only what
//! queue, ledger and stock answered; what could not be asked is shown as down, never as well.

use std::sync::Arc;
use std::time::Duration;

use inventory::config::Mode as EngineMode;
use inventory::domain::error::Error;
use inventory::domain::words;
use inventory::domain::words::Words;
use inventory::ledger::SourceRow;
use inventory::writer::status::{State, View};
use tokio::sync::watch;

use crate::api::app::{Health, LastAudit, Mode, Part, PartStatus, SourceState, SourceStatus, Status};
use crate::api::{Failure, Words as Told};
use crate::state::{App, Live, Phase};
use crate::{auditing, clock};

/// How often the facts are looked at.
const TICK: Duration = Duration::from_secs(1);
/// In cluster mode the brokers are asked every so many ticks.
const BROKER_TICKS: u32 = 3;
/// A part that does not answer for this long is down.
const PATIENCE: Duration = Duration::from_secs(4);
/// Rejected entries are counted one by one up to this many.
const REJECTED: usize = 1_000;
/// Whoever audited, here or elsewhere: looked at every so many ticks.
const AUDIT_TICKS: u32 = 2;

/// What is remembered from tick to tick.
#[derive(Default)]
struct Memory {
    ticks: u32,
    /// What the brokers said last: the sources as seen from outside.
    outside: Vec<inventory::SourceStatus>,
    outside_trouble: Option<Error>,
    /// (all rejected, resubmitted ones known) → open ones.
    rejected: Option<(i64, u64, i64)>,
    /// Entries counted, once the ledger has said so.
    entries: Option<i64>,
    /// The last run that the ledger knows.
    last_audit: Option<LastAudit>,
}

/// Keeps the status up to date until the program ends.
pub async fn run(app: Arc<App>, told: watch::Sender<Status>) {
    let mut memory = Memory::default();
    let mut phase = app.watch();
    loop {
        let status = now(&app, &mut memory).await;
        told.send_if_modified(|before| std::mem::replace(before, status.clone()) != status);
        tokio::select! {
            _ = phase.changed() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// The status before anything is known.
pub fn first(mode: EngineMode, demo_running: bool) -> Status {
    Status {
        version: env!("CARGO_PKG_VERSION").into(),
        mode: match mode {
            EngineMode::Standalone => Mode::Standalone,
            EngineMode::Cluster => Mode::Cluster,
        },
        trouble: None,
        parts: parts(Health::Starting, &(&Words::none()).into()),
        waiting: 0,
        lag: 0,
        rejected: 0,
        sources: Vec::new(),
        last_audit: None,
        empty: false,
        demo_running,
    }
}

/// The status while nothing can be asked.
pub fn blank(app: &App) -> Status {
    first(app.config().mode, *app.demo.borrow())
}

fn parts(state: Health, detail: &Told) -> Vec<PartStatus> {
    [Part::Queue, Part::Ledger, Part::Stock]
        .map(|part| PartStatus { part, state, detail: detail.clone() })
        .into()
}

async fn now(app: &App, memory: &mut Memory) -> Status {
    match app.phase() {
        Phase::Starting => blank(app),
        Phase::Failed(failure) => {
            let parts = parts(Health::Down, &failure.message);
            Status { trouble: Some(failure), parts, ..blank(app) }
        }
        Phase::Running(live) => running(app, &live, memory).await,
    }
}

async fn running(app: &App, live: &Live, memory: &mut Memory) -> Status {
    let view = live.board.as_ref().map(|board| board.view()).unwrap_or_default();
    let rows = tokio::time::timeout(PATIENCE, live.engine.ledger().sources()).await;
    let (rows, ledger_down) = match rows {
        Ok(Ok(rows)) => (rows, None),
        Ok(Err(error)) => (Vec::new(), Some(error.message)),
        Err(_) => (Vec::new(), Some(words!("ledger_silent", "the ledger does not answer"))),
    };
    if ledger_down.is_none() {
        memory.entries = Some(rows.iter().map(|row| row.entries).sum());
        look_at_the_last_audit(live, memory).await;
    }
    let standalone = app.config().mode == EngineMode::Standalone;
    if !standalone {
        ask_the_brokers(live, memory).await;
    }
    memory.ticks += 1;
    let sources = if standalone { local(live, &view, &rows) } else { outside(memory, &view) };
    let waiting = match (live.engine.outbox(), standalone) {
        (Ok(outbox), false) => outbox.waiting().await.unwrap_or(0),
        _ => 0,
    };
    let queue_down = match live.trouble().await {
        Some(error) if !standalone => view.queue.clone().or(memory.outside_trouble.clone()).or_else(|| {
            let elsewhere = view.ledger.is_some() || view.stock.is_some();
            (!elsewhere).then_some(error)
        }),
        _ => view.queue.clone().or(memory.outside_trouble.clone()),
    };
    let part = |part, down: Option<Words>| PartStatus {
        part,
        state: if down.is_some() { Health::Down } else { Health::Up },
        detail: (&down.unwrap_or_else(Words::none)).into(),
    };
    Status {
        parts: vec![
            part(Part::Queue, queue_down.map(|error| error.message)),
            part(Part::Ledger, ledger_down.or(view.ledger.map(|error| error.message))),
            part(Part::Stock, view.stock.map(|error| error.message)),
        ],
        lag: sources.iter().map(|source| source.lag).sum(),
        waiting,
        rejected: rejected(live, memory, rows.iter().map(|row| row.rejected).sum()).await,
        sources,
        last_audit: memory.last_audit.clone(),
        empty: memory.entries == Some(0) && waiting == 0 && !*app.demo.borrow(),
        ..blank(app)
    }
}

async fn look_at_the_last_audit(live: &Live, memory: &mut Memory) {
    if !memory.ticks.is_multiple_of(AUDIT_TICKS) {
        return;
    }
    let last = auditing::last_audit(live.engine.ledger());
    if let Ok(Ok(last)) = tokio::time::timeout(PATIENCE, last).await {
        memory.last_audit = last.map(|(run, lines)| LastAudit {
            id: run.id,
            at: clock::wall_of(run.started_ms),
            outcome: run.outcome.into(),
            lines,
        });
    }
}

async fn ask_the_brokers(live: &Live, memory: &mut Memory) {
    if !memory.ticks.is_multiple_of(BROKER_TICKS) {
        return;
    }
    match tokio::time::timeout(PATIENCE, live.engine.status()).await {
        Ok(Ok(status)) => {
            memory.outside = status.sources;
            memory.outside_trouble = None;
        }
        Ok(Err(error)) => memory.outside_trouble = Some(error),
        Err(_) => {
            let words = words!("kafka_silent", "Kafka does not answer");
            memory.outside_trouble = Some(Error::new(inventory::domain::error::Code::Unreachable, words));
        }
    }
}

/// Standalone: one source, the outbox; its end is known here.
fn local(live: &Live, view: &View, rows: &[SourceRow]) -> Vec<SourceStatus> {
    let Ok(outbox) = live.engine.outbox() else { return Vec::new() };
    let identity = outbox.local_source();
    let row = rows.iter().find(|row| row.identity == identity);
    let seen = view.sources.get(&(identity.topic_uuid, identity.partition));
    let next_offset = row.map_or(0, |row| row.next_offset);
    let end_offset = outbox.end();
    vec![SourceStatus {
        source: row.map_or_else(String::new, |row| row.name.to_string()),
        topic: identity.topic.clone(),
        partition: identity.partition,
        next_offset,
        end_offset,
        lag: (end_offset - next_offset).max(0),
        state: seen.map_or(SourceState::Paused, |seen| state(seen.state)),
        reason: (&seen.map_or_else(Words::none, |seen| seen.reason.clone())).into(),
    }]
}

/// Cluster: as the brokers and the ledger show them; our own writer knows better why one of ours stands.
fn outside(memory: &Memory, view: &View) -> Vec<SourceStatus> {
    let shown = memory.outside.iter().map(|source| {
        let ours = view.sources.values().find(|ours| ours.name.as_deref() == Some(source.name.as_str()));
        let end_offset = source.end_offset.unwrap_or(source.next_offset);
        let next_offset = ours.map_or(source.next_offset, |ours| ours.next_offset.max(source.next_offset));
        let (at, reason) = match ours {
            Some(ours) if ours.state != State::Running => (ours.state, &ours.reason),
            _ => (source.state, &source.reason),
        };
        SourceStatus {
            source: source.name.clone(),
            topic: source.topic.clone(),
            partition: source.partition,
            next_offset,
            end_offset,
            lag: (end_offset - next_offset).max(0),
            state: state(at),
            reason: reason.into(),
        }
    });
    shown.collect()
}

fn state(state: State) -> SourceState {
    match state {
        State::Running => SourceState::Running,
        State::Paused => SourceState::Paused,
        State::Stopped => SourceState::Stopped,
    }
}

/// Rejected entries that nobody resubmitted; looked at only when their number changed.
async fn rejected(live: &Live, memory: &mut Memory, all: i64) -> i64 {
    let resubmitted = live.resubmitted.load(std::sync::atomic::Ordering::Relaxed);
    match memory.rejected {
        _ if all == 0 => return 0,
        Some((known, again, open)) if known == all && again == resubmitted => return open,
        _ => {}
    }
    let Ok(rows) = live.engine.ledger().rejected(REJECTED, None).await else { return all };
    let answered = rows.iter().filter(|row| row.resubmitted_as.is_some()).count() as i64;
    memory.rejected = Some((all, resubmitted, all - answered));
    all - answered
}

/// The status with a failure in place of an engine; for commands that answer a status.
pub fn with_trouble(app: &App, failure: Failure) -> Status {
    Status { parts: parts(Health::Down, &failure.message), trouble: Some(failure), ..blank(app) }
}
