//! The replay: the queue read again from its first retained message, compared entry by entry with ledger and stock,
//! and, once a person has agreed, whatever is not as it says made right. Reads with a consumer of its own, pauses
//! nobody, and calls beyond proof what retention has taken: it never guesses.

mod apply;
mod findings;
mod found;
mod retry;
mod sums;
mod values;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;

pub use findings::{Finding, Kind};

use crate::findings::{Kind as RunKind, Outcome, Run, Trigger};
use crate::watch::Watch;
use domain::entry::{ProductId, StockKey};
use domain::error::{Code, Result};
use found::Found;
use ledger::Ledger;
use queue::history::History;
use stock::Stock;
use walk::Walk;

/// Longest wait for messages before the ledger's connection is kept awake.
const PATIENCE: Duration = Duration::from_secs(2);
/// Tries of a look while days are compacted or the log is cut under it.
const TRIES: usize = 5;
/// Rounds of finding and mending: each keeps so many findings (`found::MOST`) and mends them.
const ROUNDS: usize = 200;

/// What a replay works on.
#[derive(Clone)]
pub struct Stores {
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// The stock.
    pub stock: Arc<dyn Stock>,
    /// The queue's past.
    pub history: Arc<dyn History>,
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Request {
    /// These keys; empty: all, and then the sources' counters and kept messages too.
    pub keys: Vec<StockKey>,
    /// Only entries of this wall-clock day and later.
    pub from: Option<NaiveDate>,
    /// Only entries of this day and earlier.
    pub to: Option<NaiveDate>,
    /// A person has agreed: make it right.
    pub apply: bool,
    /// Who wanted it.
    pub trigger: Trigger,
    /// Program and machine, or the person.
    pub who: String,
}

/// What a replay found and did.
#[derive(Debug, Clone)]
pub struct Report {
    /// Findings, each marked when it was corrected.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more: u64,
    /// Findings that were corrected.
    pub corrected: u64,
    /// Entries in the ledger whose messages the queue no longer has.
    pub beyond_proof: u64,
    /// Messages read.
    pub messages: u64,
    /// The run as it stands in `audits`; number 0: a preview, which writes nothing.
    pub run: Run,
}

impl Report {
    /// Whether something is left as it should not be: exit code 1.
    pub fn left(&self) -> bool {
        self.run.unfinished()
    }
}

/// Clock in milliseconds, told by the caller.
pub type Now<'a> = &'a (dyn Fn() -> i64 + Send + Sync);

/// Tells how far a replay is.
fn advance(watch: &Watch, done: u64, found: &Found) {
    watch.tell(|progress| {
        progress.done += done;
        progress.rows = found.messages;
        progress.found = found.findings.len() as u64 + found.more;
    });
}

/// Which keys and days are wanted.
pub(crate) struct Scope {
    keys: Option<BTreeSet<StockKey>>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

impl Scope {
    fn of(request: &Request) -> Self {
        let keys = (!request.keys.is_empty()).then(|| request.keys.iter().cloned().collect());
        Scope { keys, from: request.from, to: request.to }
    }

    fn everything(&self) -> bool {
        self.keys.is_none()
    }

    fn key(&self, key: &StockKey) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.contains(key))
    }

    fn day(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    fn list(&self) -> Option<Vec<StockKey>> {
        self.keys.as_ref().map(|keys| keys.iter().cloned().collect())
    }

    fn products(&self) -> Option<BTreeSet<ProductId>> {
        self.keys.as_ref().map(|keys| keys.iter().map(|key| key.product.clone()).collect())
    }
}

/// Replays. A preview writes nothing; with `apply` what is found is made right, logged in `audits` and `audit_log`.
/// May be cancelled between two steps and repeated after any crash: what was mended is no longer found.
pub async fn replay(stores: &Stores, request: &Request, now: Now<'_>, watch: &Watch) -> Result<Report> {
    let scope = Scope::of(request);
    let mut report = begun(request, now());
    if !request.apply {
        let found = look(stores, &scope, watch).await?;
        finish(&mut report, found, now());
        return Ok(report);
    }
    let row = crate::log::row(&report.run);
    report.run.id = stores.ledger.log_audit(&row, &[]).await?;
    crash_points::pass("replay.begun");
    let mut mended: Vec<Finding> = Vec::new();
    let mut found = None;
    for _ in 0..ROUNDS {
        let round = look(stores, &scope, watch).await?;
        let Some(mut round) = round else { break };
        let done = match round.ledger_is_right() {
            true => 0,
            false => apply::ledger(stores, report.run.id, &mut round, now, watch).await?,
        };
        mended.extend(round.findings.extract_if(.., |finding| finding.corrected));
        let again = done > 0 && !watch.is_cancelled();
        found = Some(round);
        if !again {
            break;
        }
    }
    if let Some(found) = found.as_mut().filter(|_| !watch.is_cancelled()) {
        apply::stock(stores, report.run.id, found, now, watch).await?;
    }
    report.corrected = mended.len() as u64;
    report.findings = mended;
    finish(&mut report, found, now());
    apply::log_the_rest(stores, &mut report, now).await?;
    crash_points::pass("replay.ended");
    Ok(report)
}

/// One look at everything. `None`: cancelled. Begun anew when tables move under it.
async fn look(stores: &Stores, scope: &Scope, watch: &Watch) -> Result<Option<Found>> {
    let mut tries = 0;
    loop {
        match look_once(stores, scope, watch).await {
            Err(failed) if failed.code == Code::Retry && tries < TRIES => {
                tries += 1;
                tracing::debug!(%failed, "the replay looks again");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            other => return other,
        }
    }
}

async fn look_once(stores: &Stores, scope: &Scope, watch: &Watch) -> Result<Option<Found>> {
    let mut standing = stores.ledger.standing_now(scope.products().as_ref()).await?;
    let mut walk = Walk::new(&stores.ledger, scope, watch);
    if !walk.all(&mut standing, stores.history.as_ref()).await? {
        return Ok(None);
    }
    let mut found = walk.found;
    // RowSums and stock are judged by all that is right: with findings left out of the list they would be wrong.
    if found.more > 0 {
        standing.end().await?;
        return Ok(Some(found));
    }
    sums::compare(&mut standing, scope, &mut found).await?;
    standing.end().await?;
    let judged = values::compare(&stores.ledger, stores.stock.as_ref(), scope, watch, &mut found).await?;
    Ok(judged.then_some(found))
}

fn begun(request: &Request, now: i64) -> Report {
    let run = Run {
        id: 0,
        started_ms: now,
        ended_ms: now,
        kind: RunKind::Replay,
        trigger: request.trigger,
        who: request.who.clone(),
        outcome: Outcome::Deviations,
        keys: 0,
        equal: 0,
        pending: 0,
        foreign: 0,
        rows: 0,
        tables: 0,
        brought: 0,
        cut: BTreeMap::new(),
        deviations: Vec::new(),
    };
    Report { findings: Vec::new(), more: 0, corrected: 0, beyond_proof: 0, messages: 0, run }
}

/// Takes over what the last look found.
fn finish(report: &mut Report, found: Option<Found>, now: i64) {
    report.run.ended_ms = now;
    let Some(mut found) = found else {
        report.run.outcome = Outcome::Cancelled;
        return;
    };
    // What a look after the mending still finds was not mended after all.
    for finding in &found.findings {
        for earlier in report.findings.iter_mut().filter(|earlier| earlier.same(finding)) {
            earlier.corrected = false;
            report.corrected = report.corrected.saturating_sub(1);
        }
    }
    report.corrected += found.findings.iter().filter(|finding| finding.corrected).count() as u64;
    found.findings.retain(|finding| !report.findings.iter().any(|earlier| earlier.same(finding)));
    report.findings.append(&mut found.findings);
    report.more = found.more;
    report.beyond_proof = found.beyond;
    report.messages = found.messages;
    let [keys, equal, pending, foreign] = found.values;
    let cut = found.cut.iter().filter_map(|(id, offset)| Some((found.names.get(id)?.clone(), *offset)));
    report.run = Run {
        keys,
        equal,
        pending,
        foreign,
        rows: found.rows,
        tables: found.tables,
        cut: cut.collect(),
        outcome: outcome(report),
        deviations: report.findings.iter().map(|finding| finding.deviation(Vec::new())).collect(),
        ..report.run.clone()
    };
}

fn outcome(report: &Report) -> Outcome {
    let left = report.more > 0 || report.findings.iter().any(|finding| !finding.corrected);
    match (left, report.findings.is_empty()) {
        (true, _) => Outcome::Deviations,
        (false, true) => Outcome::Clean,
        (false, false) => Outcome::Corrected,
    }
}

/// Keys that findings concern, for whoever shows them.
pub fn keys_of(findings: &[Finding]) -> BTreeSet<StockKey> {
    let keys: HashSet<&StockKey> = findings.iter().filter_map(|finding| finding.key.as_ref()).collect();
    keys.into_iter().cloned().collect()
}
