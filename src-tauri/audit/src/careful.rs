//! The second, careful reading of keys that looked wrong: values first, then one snapshot with the rows beyond what
//! each value knows, then the values again where something seems forgotten. Its verdicts are final: no load, no
//! rebalance and no other auditor can make a right value look wrong here.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::cuts;
use super::findings::{Cause, Phase};
use super::judge::{self, Judged, KeyCut, Verdict};
use super::proof::Accounts;
use super::watch::Watch;
use domain::entry::{Entry, StockKey};
use domain::error::{Code, Error, Result};
use domain::ioentry;
use domain::words;
use ledger::{Ledger, LedgerView, Sum};
use stock::value::Value;
use stock::{SourceName, Stock, Vector};

/// Keys judged by one snapshot.
const CHUNK: usize = 200;
/// How often a snapshot is taken anew because tables changed under it.
const TRIES: usize = 10;
/// How often and how long is waited until a ledger that is behind has caught up.
const PATIENCE: usize = 20;
const PAUSE: Duration = Duration::from_millis(250);
/// Keys whose rows are read for their proof; where more deviate, only their agreement asks for it.
pub const PROOFS: usize = 2_000;

/// A key that deviates, with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The key.
    pub key: StockKey,
    /// The value's bytes as judged.
    pub stored: Option<Vec<u8>>,
    /// What is wrong with it.
    pub what: What,
    /// The ledger's three accounts; rows where they were read.
    pub accounts: Accounts,
    /// The key's whole state in the snapshot.
    pub vector: Vector,
    /// Acknowledged entries are gone, whatever else is wrong: the vector brings them.
    pub forgot: bool,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Acknowledged entries are gone; the vector brings them.
    Forgot(Judged),
    /// A drift, or a sum that is not the ledger's.
    Deviates(Judged, Cause),
    /// It cannot be read.
    Damaged {
        /// Quantity, as far as `base` and `change` can be read.
        nrs: i64,
    },
}

impl Case {
    /// Rows, `balances` and `day_totals` of the key agree in the same snapshot.
    pub fn proven(&self) -> bool {
        self.accounts.rows.is_some() && self.accounts.guilty().is_none()
    }
}

/// What the careful reading found.
#[derive(Default)]
pub struct Careful {
    /// Keys that are right.
    pub equal: u64,
    /// Keys of which nothing can be said while the ledger is behind.
    pub pending: Vec<StockKey>,
    /// Values that are no stock.
    pub foreign: u64,
    /// Keys that deviate.
    pub cases: Vec<Case>,
}

/// Judges these keys. `proofs`: of how many deviating keys the rows may be read.
pub async fn read(
    ledger: &Ledger,
    stock: &dyn Stock,
    suspects: Vec<StockKey>,
    mut proofs: usize,
    watch: &Watch,
) -> Result<Careful> {
    let mut found = Careful::default();
    let mut left = suspects;
    for round in 0..PATIENCE {
        watch.begin(Phase::Confirming, left.len() as u64);
        for chunk in left.chunks(CHUNK) {
            if watch.is_cancelled() {
                return Ok(found);
            }
            let reading = Reading { ledger, stock, keys: chunk };
            let before = found.cases.len();
            reading.settled(&mut found, proofs).await?;
            proofs = proofs.saturating_sub(found.cases.len() - before);
            let cases = found.cases.len() as u64;
            watch.tell(|progress| {
                (progress.done, progress.found) = (progress.done + chunk.len() as u64, cases)
            });
        }
        if found.pending.is_empty() || round + 1 == PATIENCE {
            break;
        }
        left = std::mem::take(&mut found.pending);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(found)
}

/// Judges keys anew whose values moved on while they were corrected.
pub async fn again(ledger: &Ledger, stock: &dyn Stock, keys: &[StockKey]) -> Result<Careful> {
    let mut found = Careful::default();
    for keys in keys.chunks(CHUNK) {
        Reading { ledger, stock, keys }.settled(&mut found, PROOFS).await?;
    }
    Ok(found)
}

/// The three accounts of keys whose books disagree, rows included, each chunk in one snapshot: in a quick audit the
/// rows decide which of the two books is wrong.
pub async fn accounts_of(ledger: &Ledger, keys: &[StockKey]) -> Result<HashMap<StockKey, Accounts>> {
    let mut found = HashMap::new();
    for chunk in keys.chunks(CHUNK) {
        let mut view = ledger.view().await?;
        let mut states = view.states(chunk).await?;
        let totals = view.day_sums(chunk).await?;
        for key in chunk {
            let total = totals.get(key).copied().unwrap_or_default();
            let parts = states.remove(key).map(|state| state.parts).unwrap_or_default();
            let mut accounts = Accounts::of(&parts, total);
            let sums = view.row_sums(key).await?;
            accounts.rows = Some(named(&view, sums));
            found.insert(key.clone(), accounts);
        }
        view.close().await?;
    }
    Ok(found)
}

struct Reading<'a> {
    ledger: &'a Ledger,
    stock: &'a dyn Stock,
    keys: &'a [StockKey],
}

impl Reading<'_> {
    /// Tries until no table changed under the snapshot.
    async fn settled(&self, found: &mut Careful, proofs: usize) -> Result<()> {
        let mut last = None;
        for _ in 0..TRIES {
            match self.once(proofs).await {
                Ok(once) => {
                    found.equal += once.equal;
                    found.foreign += once.foreign;
                    found.pending.extend(once.pending);
                    found.cases.extend(once.cases);
                    return Ok(());
                }
                Err(error) if error.code == Code::Retry => last = Some(error),
                Err(error) => return Err(error),
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

    async fn once(&self, proofs: usize) -> Result<Careful> {
        let values = self.stock.values(self.keys).await?;
        let mut view = self.ledger.view().await?;
        let mut states = view.states(self.keys).await?;
        let totals = view.day_sums(self.keys).await?;
        let mut cuts: Vec<KeyCut> = self.keys.iter().map(|key| cuts::cut(&view, states.get(key))).collect();
        cuts::add_beyond(&mut view, self.keys, &values, &mut cuts, |_, _, _, _| {}).await?;
        let verdicts: Vec<Verdict> =
            values.iter().zip(&cuts).map(|(value, cut)| judge::judge(value.as_deref(), cut)).collect();
        let again = self.read_again(&verdicts).await?;
        let mut found = Careful::default();
        let mut duplicates = None;
        for (place, verdict) in verdicts.into_iter().enumerate() {
            let key = &self.keys[place];
            let forgot = matches!(&verdict, Verdict::Judged(judged) if judged.forgot())
                && lost(&again, key, &cuts[place]);
            let what = match verdict {
                Verdict::Foreign => {
                    // Neither a value nor a key of the ledger: it has gone meanwhile.
                    found.foreign += u64::from(values[place].is_some());
                    continue;
                }
                Verdict::Damaged { read } => What::Damaged { nrs: rough(&read) },
                Verdict::Judged(judged) if judged.pending() => {
                    found.pending.push(key.clone());
                    continue;
                }
                Verdict::Judged(judged) if judged.deviates() => {
                    let cause = stock_cause(&judged);
                    What::Deviates(judged, cause)
                }
                Verdict::Judged(judged) if forgot => What::Forgot(judged),
                Verdict::Judged(_) => {
                    found.equal += 1;
                    continue;
                }
            };
            let parts = states.remove(key).map(|state| state.parts).unwrap_or_default();
            let mut accounts = Accounts::of(&parts, totals.get(key).copied().unwrap_or_default());
            if !matches!(what, What::Forgot(_)) && found.cases.len() < proofs {
                let sums = view.row_sums(key).await?;
                accounts.rows = Some(named(&view, sums));
            }
            let vector = judge::vector(key, &cuts[place]);
            let stored = values[place].clone();
            let mut case = Case { key: key.clone(), stored, what, accounts, vector, forgot };
            verdict_changed(&mut view, &mut case, &mut duplicates).await?;
            found.cases.push(case);
        }
        view.close().await?;
        Ok(found)
    }

    /// Values of keys that seem to have forgotten something, read after the snapshot.
    async fn read_again(&self, verdicts: &[Verdict]) -> Result<HashMap<StockKey, Option<Vec<u8>>>> {
        let forgot = |verdict: &Verdict| matches!(verdict, Verdict::Judged(judged) if judged.forgot());
        let keys: Vec<StockKey> =
            self.keys.iter().zip(verdicts).filter(|(_, v)| forgot(v)).map(|(key, _)| key.clone()).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let values = self.stock.values(&keys).await?;
        Ok(keys.into_iter().zip(values).collect())
    }
}

/// A sum that is off by exactly one entry that a partition read again calls a duplicate now (or counts now): no store is
/// damaged, the verdict is another one since the ledger was restored. That takes two partitions which carry the same id:
/// within one, the first always comes first. `duplicates`: read when the first case asks.
async fn verdict_changed(
    view: &mut LedgerView,
    case: &mut Case,
    duplicates: &mut Option<Vec<(i64, Entry)>>,
) -> Result<()> {
    let proven = case.proven();
    let What::Deviates(judged, cause) = &mut case.what else { return Ok(()) };
    if judged.drift != 0 || !proven {
        return Ok(());
    }
    if duplicates.is_none() {
        let kept = view.duplicates().await?.into_iter();
        *duplicates =
            Some(kept.filter_map(|(id, bytes)| Some((id, ioentry::decode(&bytes).ok()?))).collect());
    }
    let off = judged.difference().unsigned_abs();
    for (source, entry) in duplicates.iter().flatten() {
        let Some(id) = entry.entry_id.filter(|_| entry.quantity.unsigned_abs() == off) else { continue };
        if entry.key() == case.key
            && view.counted_in(&entry.product_id, id).await?.iter().any(|other| other != source)
        {
            *cause = Cause::VerdictChanged;
            return Ok(());
        }
    }
    Ok(())
}

fn named(view: &LedgerView, rows: HashMap<i64, (Sum, i64)>) -> BTreeMap<SourceName, (Sum, i64)> {
    let name = |id: i64| view.source_name(id).cloned().unwrap_or_else(|| id.to_string().into());
    rows.into_iter().map(|(id, part)| (name(id), part)).collect()
}

fn lost(again: &HashMap<StockKey, Option<Vec<u8>>>, key: &StockKey, cut: &KeyCut) -> bool {
    again.get(key).is_some_and(|value| judge::forgot(value.as_deref(), cut))
}

/// The stock's cause, as far as the value itself tells.
fn stock_cause(judged: &Judged) -> Cause {
    if !judged.known {
        Cause::StockUnknownKey
    } else if judged.drift != 0 {
        Cause::StockEdited
    } else if judged.nrs < judged.rrs {
        Cause::StockLost
    } else {
        Cause::StockDoubled
    }
}

/// `base + change` of a value that cannot be read exactly, as far as they are integers; else 0.
fn rough(bytes: &[u8]) -> i64 {
    if let Ok(value) = Value::read(bytes) {
        return value.quantity();
    }
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(bytes).unwrap_or_default();
    let number = |name: &str| object.get(name).and_then(serde_json::Value::as_i64).unwrap_or(0);
    number("base").saturating_add(number("change"))
}
