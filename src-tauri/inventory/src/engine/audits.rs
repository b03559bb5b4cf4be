//! Audits of this process: one at a time here, one at a time across machines by a lease in the stock, by click, by
//! command and by time. The lease saves work; no safety hangs on it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use super::{Clock, Engine, host};
use crate::config::Config;
use audit::findings::{Outcome, Run, Trigger};
use audit::watch::Watch;
use audit::{self, Auditor, Request};
use domain::error::{Code, Error, Result};
use domain::words;
use ledger::{AuditRunSearch, Ledger};
use stock::{AUDITOR, LAST_CHECK, Stock};

/// A lease that is not renewed ends after this time.
const LEASE: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(5);
/// How often the clock is compared with LASTCHECK.
const LOOK: Duration = Duration::from_secs(10);
/// Runs of the log among which one by time is looked for.
const RECENT: usize = 5;
/// How long an audit is waited for that was asked to end.
const POLITE: Duration = Duration::from_secs(2);
/// Shortest time between two audits by time where the first one left LASTCHECK where it was.
const AGAIN: i64 = 600_000;

/// What an audit needs; clones share the turn.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) stock: Arc<dyn Stock>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) who: String,
    storm_percent: u32,
    expiration_ms: i64,
    turn: Arc<Mutex<()>>,
}

/// Holds the lease while it lives; gives it back when asked to, else it ends by itself.
pub(crate) struct Held {
    stock: Arc<dyn Stock>,
    holder: String,
    renewing: tokio::task::JoinHandle<()>,
}

impl Held {
    /// Gives the lease back.
    pub(crate) async fn end(self) -> Result<()> {
        self.renewing.abort();
        self.stock.release(AUDITOR, &self.holder).await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

/// Whether this audit by time began less than `within` milliseconds ago and came to its end.
fn is_recent(run: &Run, now: i64, within: i64) -> bool {
    run.trigger == Trigger::Time && run.outcome != Outcome::Cancelled && now - run.started_ms < within
}

impl Desk {
    pub(super) fn new(
        config: &Config,
        ledger: Arc<Ledger>,
        stock: Arc<dyn Stock>,
        clock: Arc<dyn Clock>,
        program: &str,
    ) -> Desk {
        Desk {
            ledger,
            stock,
            clock,
            who: format!("{program}@{}", host()),
            storm_percent: config.storm_percent,
            expiration_ms: i64::try_from(config.audit_expiration)
                .unwrap_or(i64::MAX / 2000)
                .saturating_mul(1000),
            turn: Arc::default(),
        }
    }

    /// Takes the lease. `Locked` when another auditor has it.
    pub(crate) async fn take_turn(&self) -> Result<Held> {
        let holder = format!("{} {}", self.who, Uuid::new_v4().simple());
        if let Some(other) = self.stock.lease(AUDITOR, &holder, LEASE).await? {
            return Err(busy(holder_name(&other)));
        }
        let (stock, name) = (Arc::clone(&self.stock), holder.clone());
        let renewing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEW).await;
                // Whoever lost it goes on: corrections of two auditors do no harm.
                let _ = stock.lease(AUDITOR, &name, LEASE).await;
            }
        });
        Ok(Held { stock: Arc::clone(&self.stock), holder, renewing })
    }

    pub(crate) async fn audit(&self, request: &Request, watch: &Watch) -> Result<Run> {
        let Ok(_turn) = self.turn.try_lock() else { return Err(busy(&self.who)) };
        self.ledger.require_ready().await?;
        let held = self.take_turn().await?;
        crash_points::pass("audit.begun");
        let done = self.audit_now(request, watch).await;
        held.end().await?;
        done
    }

    async fn audit_now(&self, request: &Request, watch: &Watch) -> Result<Run> {
        let clock = Arc::clone(&self.clock);
        let now_ms = move || clock.epoch_ms();
        let auditor = Auditor {
            ledger: &self.ledger,
            stock: self.stock.as_ref(),
            now_ms: &now_ms,
            storm_percent: self.storm_percent,
            watch,
        };
        let run = auditor.run(request).await?;
        if audit::moves_last_check(&run, request.dry_run) {
            self.stock.put_note(LAST_CHECK, &seconds(run.started_ms)).await?;
            crash_points::pass("audit.last_check");
        }
        Ok(run)
    }

    /// LASTCHECK in milliseconds since the epoch; what nobody can read is as good as never.
    pub(crate) async fn last_check_ms(&self) -> Result<Option<i64>> {
        Ok(self.stock.note(LAST_CHECK).await?.as_deref().and_then(milliseconds))
    }

    /// Audits when the time has come, until `stop`.
    pub(crate) async fn by_time(self, mut stop: watch::Receiver<bool>) {
        let mut tried: Option<i64> = None;
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let now = self.clock.epoch_ms();
            let again = AGAIN.min(self.expiration_ms);
            if tried.is_some_and(|before| now - before < again) {
                continue;
            }
            match self.last_check_ms().await {
                Ok(last) if now - last.unwrap_or(0) >= self.expiration_ms => {}
                // A stock out of reach is told by the writer already.
                _ => continue,
            }
            // Another one may just have done it, here before a restart or on another machine.
            match audit::log::runs(&self.ledger, &AuditRunSearch::default(), RECENT).await {
                Ok(runs) if !runs.iter().any(|(run, _)| is_recent(run, now, again)) => {}
                _ => continue,
            }
            let request = Request {
                full: false,
                dry_run: false,
                correct_storm: false,
                trigger: Trigger::Time,
                who: self.who.clone(),
            };
            let watch = Watch::new();
            let mut audit = std::pin::pin!(self.audit(&request, &watch));
            let done = tokio::select! {
                done = &mut audit => Some(done),
                _ = stop.wait_for(|stop| *stop) => None,
            };
            let Some(done) = done else {
                // It ends as cancelled and gives its lease back; where that takes too long the lease ends by itself.
                watch.cancel();
                let _ = tokio::time::timeout(POLITE, audit).await;
                return;
            };
            // Whose lease it is may be dead: then it ends by itself, and the next look finds out.
            let locked = done.as_ref().is_err_and(|error| error.code == Code::Locked);
            tried = (!locked).then_some(now);
            tell(done);
        }
    }
}

fn tell(done: Result<Run>) {
    match done {
        Ok(run) if run.left() => tracing::warn!(
            outcome = run.outcome.name(),
            deviations = run.deviations.len(),
            "the audit found deviations that wait for a person: inv-daemon audit, or the Audit screen"
        ),
        Ok(run) => tracing::info!(
            outcome = run.outcome.name(),
            keys = run.keys,
            equal = run.equal,
            pending = run.pending,
            "audited by time"
        ),
        // Another auditor does it.
        Err(error) if error.code == Code::Locked => {}
        Err(error) => tracing::warn!(%error, "the audit by time did not come to its end; it is tried again"),
    }
}

/// A lease's holder without the number that makes it one of its kind.
fn holder_name(holder: &str) -> &str {
    holder.rsplit_once(' ').map_or(holder, |(name, _)| name)
}

fn busy(who: &str) -> Error {
    Error::new(
        Code::Locked,
        words!(
            "audit_under_way",
            "An audit of {who} is under way. Wait for its end, or cancel it there.",
            who
        ),
    )
}

/// As the specification's program writes it: seconds since the epoch.
fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000))
}

fn milliseconds(text: &str) -> Option<i64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(part.parse().ok()?)
}

impl Engine {
    /// Audits now. `Locked` when another audit is under way, here or on another machine.
    pub async fn audit(&self, request: Request, watch: &Watch) -> Result<Run> {
        self.desk.audit(&request, watch).await
    }

    /// When the last audit began that left nothing open, milliseconds since the epoch.
    pub async fn last_check_ms(&self) -> Result<Option<i64>> {
        self.desk.last_check_ms().await
    }

    /// Who audits now, if anybody does, on whatever machine.
    pub async fn auditing_now(&self) -> Result<Option<String>> {
        let holder = self.stock.note(AUDITOR).await?;
        Ok(holder.map(|holder| holder_name(&holder).to_owned()))
    }

    /// The name under which this process audits.
    pub fn auditor(&self) -> &str {
        &self.desk.who
    }

    /// The newest run in the ledger's log, without its lines.
    pub async fn last_audit(&self) -> Result<Option<Run>> {
        Ok(audit::log::runs(&self.ledger, &AuditRunSearch::default(), 1)
            .await?
            .into_iter()
            .next()
            .map(|(run, _)| run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_check_is_the_specifications_number() {
        assert_eq!(seconds(1_732_480_000_042), "1732480000.042");
        assert_eq!(milliseconds("1732480000.042"), Some(1_732_480_000_042));
        assert_eq!(milliseconds("1732480000.0429187"), Some(1_732_480_000_042));
        assert_eq!(milliseconds("1732480000"), Some(1_732_480_000_000));
        assert_eq!((milliseconds("never"), milliseconds("")), (None, None));
    }
}
