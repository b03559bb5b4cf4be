//! What was found made right: first the ledger (tables, rows, sums), then, by the ledger that is right again, the stock.
//! Every step may be repeated; what it would do is looked at again inside its own transaction.

use std::collections::BTreeSet;

use super::findings::{Finding, Remedy};
use super::found::{Adjust, Found};
use super::retry::{PAUSE, TRIES, again};
use super::values::cuts;
use super::{Now, Report, Stores, advance};
use crate::findings::{Phase, Store};
use crate::judge::{self, Verdict};
use crate::log;
use crate::watch::Watch;
use domain::entry::StockKey;
use domain::error::Result;
use ledger::{AuditLine, Counted, RowMend, SumMend};
use stock::corrections::Correction;

/// Rows mended by one transaction, which holds every source.
const ROWS: usize = 200;
/// RowSums set by one transaction.
const SUMS: usize = 200;
/// Keys of the stock corrected together.
const KEYS: usize = 200;

impl Found {
    /// Nothing of the ledger is wrong that can be mended.
    pub(super) fn ledger_is_right(&self) -> bool {
        let mends =
            |finding: &Finding| matches!(finding.remedy, Remedy::Row(_) | Remedy::Sum(_) | Remedy::Table(_));
        self.more == 0 && !self.findings.iter().any(mends)
    }
}

fn line(finding: &Finding, now: i64) -> AuditLine {
    let done = Finding { corrected: true, ..finding.clone() };
    log::line(now, &done.deviation(finding.key.iter().cloned().collect()))
}

/// Mends the ledger; marks what was mended and answers how much.
pub(super) async fn ledger(
    stores: &Stores,
    audit_id: i64,
    found: &mut Found,
    now: Now<'_>,
    watch: &Watch,
) -> Result<u64> {
    watch.begin(Phase::Correcting, found.findings.len() as u64);
    let mut done = 0;
    for at in 0..found.findings.len() {
        if let Remedy::Table(table) = &found.findings[at].remedy {
            stores.ledger.remake(table).await?;
            stores.ledger.log_lines(audit_id, &[line(&found.findings[at], now())]).await?;
            found.findings[at].corrected = true;
            done += 1;
        }
    }
    done += rows(stores, audit_id, found, now, watch).await?;
    // RowSums follow from the queue alone, but only a list that is whole tells which of them are wrong.
    if found.more == 0 && !watch.is_cancelled() {
        done += sums(stores, audit_id, found, now, watch).await?;
    }
    Ok(done)
}

async fn rows(stores: &Stores, audit_id: i64, found: &mut Found, now: Now<'_>, watch: &Watch) -> Result<u64> {
    let mut order: Vec<(u8, usize)> = Vec::new();
    for (at, finding) in found.findings.iter().enumerate() {
        if let Remedy::Row(remedy) = &finding.remedy {
            order.push((remedy.order(), at));
        }
    }
    order.sort_unstable();
    let mut mended = 0;
    for chunk in order.chunks(ROWS) {
        if watch.is_cancelled() {
            break;
        }
        let mends: Vec<RowMend> =
            chunk.iter().filter_map(|(_, at)| row_mend(&found.findings[*at], now())).collect();
        let done = again(|| stores.ledger.mend_rows(audit_id, &mends)).await?;
        for ((_, at), done) in chunk.iter().zip(done) {
            found.findings[*at].corrected = done;
            mended += u64::from(done);
        }
        advance(watch, chunk.len() as u64, found);
    }
    Ok(mended)
}

fn row_mend(finding: &Finding, now: i64) -> Option<RowMend> {
    let Remedy::Row(remedy) = &finding.remedy else { return None };
    Some(RowMend {
        remove: remedy.remove.clone(),
        restore: remedy.restore.clone(),
        reject: remedy.reject.clone(),
        unreject: remedy.unreject,
        line: line(finding, now),
    })
}

async fn sums(stores: &Stores, audit_id: i64, found: &mut Found, now: Now<'_>, watch: &Watch) -> Result<u64> {
    let wanted: Vec<(usize, SumMend)> = found
        .findings
        .iter()
        .enumerate()
        .filter_map(|(at, finding)| match &finding.remedy {
            Remedy::Sum(place) => Some((at, SumMend { place: place.clone(), line: line(finding, now()) })),
            _ => None,
        })
        .collect();
    // A source's counters need the rows of every table, those of a key only its product's.
    let (sources, keys): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|(_, mend)| matches!(mend.place, Counted::Source(_)));
    let mut mended = 0;
    for chunk in keys.chunks(SUMS).chain(sources.chunks(SUMS)) {
        if watch.is_cancelled() {
            break;
        }
        let mends: Vec<SumMend> = chunk.iter().map(|(_, mend)| mend.clone()).collect();
        let done = again(|| stores.ledger.mend_sums(audit_id, &found.cut, &found.right, &mends)).await?;
        for ((at, _), done) in chunk.iter().zip(done) {
            found.findings[*at].corrected = done;
            mended += u64::from(done);
        }
        advance(watch, chunk.len() as u64, found);
    }
    Ok(mended)
}

/// Corrects the stock's values by the ledger as it stands now; marks what is right afterwards.
pub(super) async fn stock(
    stores: &Stores,
    audit_id: i64,
    found: &mut Found,
    now: Now<'_>,
    watch: &Watch,
) -> Result<()> {
    let of_stock = |finding: &Finding| match &finding.remedy {
        Remedy::Stock(key) => Some(key.clone()),
        _ => None,
    };
    let keys: BTreeSet<StockKey> = found.findings.iter().filter_map(of_stock).collect();
    watch.begin(Phase::Correcting, keys.len() as u64);
    // What is not proven convicts nobody: only a drift is the stock's own in any case.
    let proven = found.ledger_is_right();
    for chunk in keys.into_iter().collect::<Vec<_>>().chunks(KEYS) {
        if watch.is_cancelled() {
            return Ok(());
        }
        let of_chunk =
            |finding: &&Finding| of_stock(finding).is_some_and(|key| chunk.binary_search(&key).is_ok());
        let lines: Vec<AuditLine> = found
            .findings
            .iter()
            .filter(of_chunk)
            .map(|finding| log::line(now(), &finding.deviation(Vec::new())))
            .collect();
        stores.ledger.log_lines(audit_id, &lines).await?;
        crash_points::pass("replay.stock_proposed");
        let right = correct(stores, found, chunk.to_vec(), proven).await?;
        let subjects: Vec<String> = right.iter().map(StockKey::to_string).collect();
        stores.ledger.mark_corrected(audit_id, &subjects).await?;
        for finding in &mut found.findings {
            if of_stock(finding).is_some_and(|key| right.contains(&key)) {
                finding.corrected = true;
            }
        }
        advance(watch, chunk.len() as u64, found);
    }
    stores.stock.settle().await
}

/// Corrects until each value is right, or is no longer to be judged; answers those that are right.
async fn correct(
    stores: &Stores,
    found: &Found,
    mut keys: Vec<StockKey>,
    proven: bool,
) -> Result<BTreeSet<StockKey>> {
    let (mut right, nothing) = (BTreeSet::new(), Adjust::default());
    for round in 0..TRIES {
        if keys.is_empty() {
            break;
        }
        if round > 1 {
            tokio::time::sleep(PAUSE).await;
        }
        let values = stores.stock.values(&keys).await?;
        let cuts = again(|| cuts(&stores.ledger, &keys, &values, &nothing, &found.cut)).await?;
        let (mut corrections, mut vectors) = (Vec::new(), Vec::new());
        for ((key, bytes), cut) in keys.iter().zip(&values).zip(&cuts) {
            let proven = proven && !found.blurred.contains(key);
            match judge::judge(bytes.as_deref(), cut) {
                Verdict::Foreign => drop(right.insert(key.clone())),
                Verdict::Damaged { read } if proven => {
                    let vector = judge::vector(key, cut);
                    corrections.push((key.clone(), Correction::ReplaceDamaged { read, vector }));
                }
                Verdict::Damaged { .. } => {}
                Verdict::Judged(judged) if judged.pending() => {}
                Verdict::Judged(judged) => {
                    let first = judged.corrections(proven).into_iter().next();
                    match first {
                        Some(correction) => corrections.push((key.clone(), correction)),
                        None if judged.forgot() => vectors.push(judge::vector(key, cut)),
                        None if judged.deviates() => {}
                        None => drop(right.insert(key.clone())),
                    }
                }
            }
        }
        stores.stock.correct(&corrections).await?;
        stores.stock.bring(&vectors).await?;
        crash_points::pass("replay.stock_corrected");
        keys.retain(|key| !right.contains(key));
    }
    Ok(right)
}

/// Ends the run in the log: what was not corrected gets its lines, the run its outcome.
pub(super) async fn log_the_rest(stores: &Stores, report: &mut Report, now: Now<'_>) -> Result<()> {
    let rest: Vec<AuditLine> = report
        .findings
        .iter()
        .filter(|finding| !finding.corrected)
        // Those of the stock have had their line before anything was tried.
        .filter(|finding| finding.cause.store() == Store::Ledger)
        .map(|finding| log::line(now(), &finding.deviation(Vec::new())))
        .collect();
    stores.ledger.log_lines(report.run.id, &rest).await?;
    stores.ledger.end_audit(&log::row(&report.run)).await
}
