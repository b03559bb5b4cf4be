//! One audit from beginning to end: read everything, judge carefully what looked wrong, say who is guilty, correct what
//! may be corrected at once, write it all down. Runs beside any load; nothing waits for it.

use std::collections::HashMap;
use std::time::Duration;

use super::bulk::{self, Bulk};
use super::careful::{self, Careful, Case, PROOFS, What};
use super::findings::{Action, Deviation, Kind, Outcome, Phase, Run, Trigger};
use super::mend::Mended;
use super::verdicts;
use super::watch::Watch;
use super::{log, mend};
use domain::entry::StockKey;
use domain::error::{Code, Error, Result};
use domain::words;
use ledger::Ledger;
use stock::Stock;

/// How often everything is read anew because tables changed under the snapshot.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(200);
/// How often a value that moves on is judged and corrected anew.
const CATCH_UPS: usize = 60;
/// Fewest deviating keys of a storm.
const STORM_KEYS: u64 = 100;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Every row too.
    pub full: bool,
    /// Looks and tells; changes and writes nothing.
    pub dry_run: bool,
    /// A person has agreed that so much is corrected.
    pub correct_storm: bool,
    /// Who wanted it.
    pub trigger: Trigger,
    /// The program and machine, or the person.
    pub who: String,
}

impl Request {
    fn kind(&self) -> Kind {
        if self.full { Kind::Full } else { Kind::Quick }
    }
}

/// Audits two stores.
pub struct Auditor<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The stock.
    pub stock: &'a dyn Stock,
    /// Milliseconds since the epoch, from the shell's clock.
    pub now_ms: &'a (dyn Fn() -> i64 + Send + Sync),
    /// `[audit] storm_percent`.
    pub storm_percent: u32,
    /// Progress and cancel.
    pub watch: &'a Watch,
}

impl Auditor<'_> {
    /// Runs it and writes it down (unless it is a dry run). What is corrected is in the log before it is touched.
    pub async fn run(&self, request: &Request) -> Result<Run> {
        let mut run = begun((self.now_ms)(), request);
        let mut bulk = self.read_all(request).await?;
        if self.watch.is_cancelled() {
            // Half of the rows against all of the books would convict whatever was not read.
            run.outcome = Outcome::Cancelled;
            return self.told(run, request).await;
        }
        crash_points::pass("audit.read");
        let suspects = std::mem::take(&mut bulk.suspects);
        let proofs = if request.correct_storm { usize::MAX } else { PROOFS };
        let careful = careful::read(self.ledger, self.stock, suspects, proofs, self.watch).await?;
        crash_points::pass("audit.judged");
        self.sum_up(&mut run, &bulk, &careful);
        run.deviations = verdicts::of_ledger(&bulk);
        let convicted = run.deviations.len();
        let cases = verdicts::not_explained(careful.cases, &run.deviations);
        run.deviations.extend(cases.iter().map(verdicts::of_case));
        let storm = self.is_storm(&run, &cases) && !request.correct_storm;
        run.outcome = self.outcome(&run, storm);
        if !request.dry_run && !self.watch.is_cancelled() {
            self.correct(&mut run, convicted, &cases, storm).await?;
        }
        self.told(run, request).await
    }

    async fn read_all(&self, request: &Request) -> Result<Bulk> {
        let mut last = None;
        for _ in 0..TRIES {
            match self.read_once(request).await {
                Err(error) if error.code == Code::Retry => last = Some(error),
                other => return other,
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(last.unwrap_or_else(|| {
            Error::new(
                Code::Retry,
                words!("tables_keep_changing_audit", "The ledger's tables keep changing; audit again."),
            )
        }))
    }

    async fn read_once(&self, request: &Request) -> Result<Bulk> {
        let fold = !request.dry_run;
        let mut bulk = bulk::read(self.ledger, self.stock, request.kind(), fold, self.watch).await?;
        if !request.full {
            self.ask_the_rows(&mut bulk).await?;
        }
        Ok(bulk)
    }

    /// Two books that disagree: the key's rows say which of them is wrong.
    async fn ask_the_rows(&self, bulk: &mut Bulk) -> Result<()> {
        let asked = bulk.faults.len().min(PROOFS);
        let keys: Vec<_> = bulk.faults[..asked].iter().map(|fault| fault.key.clone()).collect();
        let mut accounts = careful::accounts_of(self.ledger, &keys).await?;
        for fault in &mut bulk.faults {
            fault.accounts = accounts.remove(&fault.key).unwrap_or_else(|| fault.accounts.clone());
        }
        Ok(())
    }

    fn sum_up(&self, run: &mut Run, bulk: &Bulk, careful: &Careful) {
        run.equal = bulk.equal + careful.equal;
        run.pending = careful.pending.len() as u64;
        run.foreign = bulk.foreign + careful.foreign;
        run.keys = run.equal + run.pending + careful.cases.len() as u64 + bulk.convicted_only;
        run.cut = bulk
            .sources
            .iter()
            .map(|booked| (booked.source.name.clone(), booked.source.next_offset))
            .collect();
        if let Some(rows) = &bulk.rows {
            (run.rows, run.tables) = (rows.read, rows.tables);
        }
    }

    /// What a sweep cures is no storm; neither is what the ledger has to answer for.
    fn is_storm(&self, run: &Run, cases: &[Case]) -> bool {
        let deviating = cases.iter().filter(|case| !matches!(case.what, What::Forgot(_))).count() as u64;
        deviating > STORM_KEYS && deviating * 100 > run.keys * u64::from(self.storm_percent)
    }

    fn outcome(&self, run: &Run, storm: bool) -> Outcome {
        if self.watch.is_cancelled() {
            Outcome::Cancelled
        } else if storm {
            Outcome::Storm
        } else if run.deviations.iter().any(|deviation| deviation.action != Action::Corrected) {
            Outcome::Deviations
        } else if run.brought > 0 || !run.deviations.is_empty() {
            Outcome::Corrected
        } else {
            Outcome::Clean
        }
    }

    /// Corrects what may be corrected at once. `convicted` deviations of the ledger come first; the others belong to
    /// the cases, in order.
    async fn correct(&self, run: &mut Run, convicted: usize, cases: &[Case], storm: bool) -> Result<()> {
        let wanted: Vec<usize> =
            (0..cases.len()).filter(|place| mend::at_once(&cases[*place], storm)).collect();
        if !wanted.is_empty() {
            // Written first: whatever happens now, the log says what was about to be done.
            run.ended_ms = (self.now_ms)();
            log::write(self.ledger, run).await?;
            crash_points::pass("audit.planned");
            self.watch.begin(Phase::Correcting, wanted.len() as u64);
            let chosen: Vec<&Case> = wanted.iter().map(|place| &cases[*place]).collect();
            let mut done = mend::mend(self.stock, &chosen).await?;
            self.catch_up(&chosen, &mut done, storm).await?;
            crash_points::pass("audit.corrected");
            for (place, mended) in wanted.into_iter().zip(done) {
                let deviation = &mut run.deviations[convicted + place];
                deviation.action = if mended.done { Action::Corrected } else { deviation.action };
                deviation.after = mended.after;
                run.brought += u64::from(mended.done && matches!(cases[place].what, What::Forgot(_)));
            }
            self.stock.settle().await?;
        }
        run.outcome = self.outcome(run, storm);
        Ok(())
    }

    /// A value under traffic may move on between its reading and its correction: it is judged and corrected anew until
    /// it holds, in bounds. What never holds stays as it was told, and waits for a replay.
    async fn catch_up(&self, chosen: &[&Case], done: &mut [Mended], storm: bool) -> Result<()> {
        for _ in 0..CATCH_UPS {
            let places: Vec<usize> = (0..done.len()).filter(|place| done[*place].moved).collect();
            if places.is_empty() || self.watch.is_cancelled() {
                return Ok(());
            }
            let keys: Vec<StockKey> = places.iter().map(|place| chosen[*place].key.clone()).collect();
            let found = careful::again(self.ledger, self.stock, &keys).await?;
            let left: HashMap<&StockKey, &Case> = found.cases.iter().map(|case| (&case.key, case)).collect();
            for place in places {
                let key = &chosen[place].key;
                match left.get(key) {
                    Some(case) if mend::at_once(case, storm) => {
                        done[place] = mend::mend(self.stock, &[*case]).await?.remove(0);
                    }
                    Some(_) => done[place].moved = false,
                    None => {
                        done[place].done = !found.pending.contains(key);
                        done[place].moved = false;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes the run down as it ended.
    async fn told(&self, mut run: Run, request: &Request) -> Result<Run> {
        run.ended_ms = (self.now_ms)();
        if !request.dry_run {
            log::write(self.ledger, &mut run).await?;
            crash_points::pass("audit.logged");
        }
        Ok(run)
    }
}

fn begun(now_ms: i64, request: &Request) -> Run {
    Run {
        id: 0,
        started_ms: now_ms,
        ended_ms: now_ms,
        kind: request.kind(),
        trigger: request.trigger,
        who: request.who.clone(),
        outcome: Outcome::Clean,
        keys: 0,
        equal: 0,
        pending: 0,
        foreign: 0,
        rows: 0,
        tables: 0,
        brought: 0,
        cut: Default::default(),
        deviations: Vec::<Deviation>::new(),
    }
}

/// Whether the start of this run becomes LASTCHECK: every key ended normal or corrected.
pub fn moves_last_check(run: &Run, dry_run: bool) -> bool {
    let ended_well = matches!(run.outcome, Outcome::Clean | Outcome::Corrected);
    ended_well && run.pending == 0 && !dry_run && run.kind != Kind::Replay
}
