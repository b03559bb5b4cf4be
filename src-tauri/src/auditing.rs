//! Audits and replays that a person starts here: one at a time, followed and cancelled from the screen; and runs,
//! deviations and schedule in the screen's shape. Decides nothing about a store.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use inventory::audit::findings::{Deviation, Kind, Progress, Run};
use inventory::audit::log::{self, Logged};
use inventory::audit::watch::Watch;
use inventory::domain::entry::StockKey;
use inventory::domain::words;
use inventory::ledger::{AuditRunSearch, Ledger};

use crate::api::Failure;
use crate::api::audit::{AuditCut, AuditLine, AuditOverview, AuditProgress, AuditRun};
use crate::api::catalog::CatalogKind;
use crate::api::stock::KeyOf;
use crate::clock;
use crate::names::Names;
use crate::state::Live;

/// How often progress is told.
const TELL: Duration = Duration::from_millis(150);
/// Runs looked at at once for the last audit: mostly it is the newest of them.
const PAGE: usize = 2;

/// The run that was started here, if one is under way.
#[derive(Default)]
pub struct Auditing {
    now: Mutex<Option<Watch>>,
}

impl Auditing {
    /// Whether one is under way.
    pub fn running(&self) -> bool {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Asks the run that is under way to end.
    pub fn cancel(&self) {
        if let Some(watch) = self.now.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            watch.cancel();
        }
    }

    fn begin(self: &Arc<Self>) -> Result<Turn, Failure> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.is_some() {
            return Err(Failure::new(
                "locked",
                words!("run_under_way", "An audit or a replay is under way here."),
            ));
        }
        let watch = Watch::new();
        *now = Some(watch.clone());
        Ok(Turn { watch, of: Arc::clone(self) })
    }
}

/// The one turn; whatever happens to the run, the next may begin afterwards.
struct Turn {
    watch: Watch,
    of: Arc<Auditing>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.of.now.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Starts a run and tells its progress until it ends.
pub async fn followed<T, F>(
    live: &Live,
    tell: impl Fn(AuditProgress),
    start: impl FnOnce(Watch) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = inventory::domain::error::Result<T>>,
{
    let turn = live.auditing.begin()?;
    let progress = turn.watch.progress();
    let begun = tokio::time::Instant::now();
    let work = start(turn.watch.clone());
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done?),
            () = tokio::time::sleep(TELL) => tell(shown_progress(*progress.borrow(), begun.elapsed())),
        }
    }
}

fn shown_progress(now: Progress, elapsed: Duration) -> AuditProgress {
    let Progress { phase, done, total, rows, found } = now;
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    AuditProgress { phase: phase.into(), done, total, rows, found, elapsed_ms }
}

/// Who started it, for the log: the person as the machine knows them, with this program and machine.
pub fn who(live: &Live) -> String {
    let person = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let program = live.engine.auditor();
    person.map_or_else(|| program.to_owned(), |person| format!("{person}, {program}"))
}

/// A run in the screen's shape.
pub fn shown_run(run: &Run, lines: i64) -> AuditRun {
    AuditRun {
        id: run.id,
        started: clock::wall_of(run.started_ms),
        took_ms: run.ended_ms.saturating_sub(run.started_ms).max(0),
        kind: run.kind.into(),
        trigger: run.trigger.into(),
        who: run.who.clone(),
        outcome: run.outcome.into(),
        keys: run.keys,
        equal: run.equal,
        pending: run.pending,
        foreign: run.foreign,
        rows: run.rows,
        tables: run.tables,
        brought: run.brought,
        cut: run
            .cut
            .iter()
            .map(|(source, offset)| AuditCut { source: source.to_string(), offset: *offset })
            .collect(),
        lines,
    }
}

/// A line of the log in the screen's shape, with names.
pub fn shown_line(logged: Logged, names: &Names) -> AuditLine {
    let Logged { audit_id, at_ms, deviation } = logged;
    let difference = deviation.difference();
    let description = deviation.description().to_owned();
    let Deviation { id, subject, key, keys, state, reviewed, rrs, nrs, cause, action, before, after } =
        deviation;
    let name = |kind, id: &str| names.name(kind, id);
    AuditLine {
        id,
        audit_id,
        at: clock::wall_of(at_ms),
        subject,
        warehouse_name: key
            .as_ref()
            .map(|key| name(CatalogKind::Warehouse, key.warehouse.as_str()))
            .unwrap_or_default(),
        product_name: key
            .as_ref()
            .map(|key| name(CatalogKind::Product, key.product.as_str()))
            .unwrap_or_default(),
        key: key.as_ref().map(shown_key),
        keys: keys.iter().map(shown_key).collect(),
        state_words: state.words().into(),
        description,
        state: state.into(),
        reviewed,
        rrs,
        nrs,
        difference,
        store: cause.store().into(),
        cause: cause.into(),
        action: action.into(),
        before,
        after,
    }
}

/// A key in the screen's shape.
pub fn shown_key(key: &StockKey) -> KeyOf {
    KeyOf { warehouse_id: key.warehouse.to_string(), product_id: key.product.to_string() }
}

/// The last audit, whoever made it, with the number of its lines. A replay is none: it proves nothing of the other
/// keys.
pub async fn last_audit(ledger: &Ledger) -> inventory::domain::error::Result<Option<(Run, i64)>> {
    let mut search = AuditRunSearch::default();
    loop {
        let runs = log::runs(ledger, &search, PAGE).await?;
        search.before_id = runs.last().map(|(run, _)| run.id);
        let whole = runs.len() < PAGE;
        let audit = runs.into_iter().find(|(run, _)| run.kind != Kind::Replay);
        if audit.is_some() || whole {
            return Ok(audit);
        }
    }
}

/// Schedule and last run.
pub async fn overview(live: &Live) -> Result<AuditOverview, Failure> {
    let last = last_audit(live.engine.ledger()).await?;
    // The stock keeps LASTCHECK; while it is away, history is shown all the same.
    let last_check = live.engine.last_check_ms().await.ok().flatten();
    let expiration = live.engine.config().audit_expiration;
    let pause = i64::try_from(expiration).unwrap_or(i64::MAX).saturating_mul(1_000);
    let next = last_check.map(|at| at.saturating_add(pause)).filter(|next| *next > clock::epoch_ms());
    Ok(AuditOverview {
        last: last.map(|(run, lines)| shown_run(&run, lines)),
        last_check: last_check.map(clock::wall_of),
        next: next.map(clock::wall_of),
        expiration,
        running: live.auditing.running(),
    })
}
