//! The first reading: every value of the stock, then one snapshot of the ledger, compared in key order. What is
//! exactly as the ledger says is done with (and folded); everything else is only suspected here, for at full load
//! values move between the two readings, and is judged by a second, careful one.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::findings::{Kind, Phase};
use super::proof::Accounts;
use super::rows::{DayFault, Rows};
use super::verdicts::MOST_KEYS;
use super::watch::Watch;
use crate::crash;
use crate::entry::StockKey;
use crate::error::Result;
use crate::ledger::{KeyState, Ledger, LedgerView, SourceRow, StatesInOrder, Sum};
use crate::stock::corrections::Correction;
use crate::stock::value::Value;
use crate::stock::{SourceName, Stock, is_note};

/// Keys of the stock that are held at a time: about 150 MB. A larger store is read in several rounds.
const HELD: u64 = 1_000_000;
/// Values of one page of the stock.
const PAGE: usize = 2_000;
/// Keys whose totals are fetched at a time.
const TOTALS: usize = 5_000;
/// Folds sent at a time.
const FOLDS: usize = 1_000;

/// A key whose books do not agree with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFault {
    /// The key.
    pub key: StockKey,
    /// The three accounts.
    pub accounts: Accounts,
    /// What is known of the loss by a table that is gone.
    pub lost: Sum,
    /// Days whose totals are wrong.
    pub days: Vec<DayFault>,
    /// The stock's quantity, where it can be read.
    pub nrs: Option<i64>,
}

/// What the first reading found.
#[derive(Default)]
pub struct Bulk {
    /// Keys that are exactly as the ledger says.
    pub equal: u64,
    /// Values that are no stock.
    pub foreign: u64,
    /// Keys that have to be looked at again.
    pub suspects: Vec<StockKey>,
    /// Keys whose books disagree.
    pub faults: Vec<KeyFault>,
    /// Those of them whose value is as the books say: nobody looks at them again.
    pub convicted_only: u64,
    /// The first keys of every source, to name them where only the source is known.
    pub keys: HashMap<SourceName, Vec<StockKey>>,
    /// The sources in the snapshot, each with Σ `balances`.
    pub sources: Vec<(SourceRow, Sum)>,
    /// The rows (full audit).
    pub rows: Option<Rows>,
}

/// Reads everything once. `fold`: whether equal keys are folded. `Retry`: tables changed under the snapshot.
pub async fn read(ledger: &Ledger, stock: &dyn Stock, kind: Kind, fold: bool, watch: &Watch) -> Result<Bulk> {
    let keys = ledger.summary().await?.keys.unsigned_abs();
    let rounds = keys.div_ceil(HELD).max(1);
    watch.begin(Phase::Keys, keys);
    let mut bulk = Bulk::default();
    for round in 0..rounds {
        let mine = |key: &StockKey| rounds == 1 || share(key, rounds) == round;
        let values = values(stock, mine, &mut bulk, round == 0, watch).await?;
        crash::point("audit.stock_read");
        let mut view = ledger.view().await?;
        if round == 0 {
            bulk.sources = source_sums(&mut view).await?;
            if kind == Kind::Full {
                bulk.rows = Some(Rows::read(&mut view, watch).await?);
                watch.begin(Phase::Keys, keys);
            }
        }
        let mut comparison = Comparison::new(&mut bulk, stock, fold);
        comparison.run(&mut view, values, mine, watch).await?;
        if round + 1 == rounds && !watch.is_cancelled() {
            comparison.rows_without_books(&view);
        }
        view.close().await?;
        if watch.is_cancelled() {
            break;
        }
    }
    Ok(bulk)
}

/// Which round a key belongs to.
fn share(key: &StockKey, rounds: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish() % rounds
}

type Held = (StockKey, Box<[u8]>);

/// All values of this round, in key order. Counts what is no key of ours when asked to.
async fn values(
    stock: &dyn Stock,
    mine: impl Fn(&StockKey) -> bool,
    bulk: &mut Bulk,
    count_foreign: bool,
    watch: &Watch,
) -> Result<Vec<Held>> {
    let mut held: Vec<Held> = Vec::new();
    let mut from = None;
    loop {
        let page = stock.scan(from.as_deref(), PAGE).await?;
        for (text, bytes) in page.values {
            match StockKey::parse(&text) {
                Some(key) if mine(&key) => held.push((key, bytes.into_boxed_slice())),
                Some(_) => {}
                None if count_foreign && !is_note(&text) => bulk.foreign += 1,
                None => {}
            }
        }
        from = page.next;
        if from.is_none() || watch.is_cancelled() {
            break;
        }
    }
    // A scan may tell a key twice; the later reading counts.
    held.sort_by(|(a, _), (b, _)| a.cmp(b));
    held.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
    Ok(held)
}

async fn source_sums(view: &mut LedgerView) -> Result<Vec<(SourceRow, Sum)>> {
    let mut sums = view.balance_sums().await?;
    let with_sum = |source: &SourceRow| (source.clone(), sums.remove(&source.id).unwrap_or_default());
    Ok(view.sources().iter().map(with_sum).collect())
}

/// Totals of all days in key order, a page at a time.
#[derive(Default)]
struct Totals {
    page: VecDeque<(StockKey, Sum)>,
    last: Option<StockKey>,
    done: bool,
}

impl Totals {
    /// The key's totals; what lies before it is handed to `other`: totals of keys without any balance.
    async fn of(
        &mut self,
        view: &mut LedgerView,
        key: Option<&StockKey>,
        mut other: impl FnMut(StockKey, Sum),
    ) -> Result<Sum> {
        loop {
            if self.page.is_empty() && !self.done {
                let page = view.day_sums_after(self.last.as_ref(), TOTALS).await?;
                self.done = page.len() < TOTALS;
                self.last = page.last().map(|(key, _)| key.clone()).or(self.last.take());
                self.page.extend(page);
            }
            let Some((front, _)) = self.page.front() else { return Ok(Sum::default()) };
            if key.is_some_and(|key| front > key) {
                return Ok(Sum::default());
            }
            let Some((found, sum)) = self.page.pop_front() else { return Ok(Sum::default()) };
            if Some(&found) == key {
                return Ok(sum);
            }
            other(found, sum);
        }
    }
}

struct Comparison<'a> {
    bulk: &'a mut Bulk,
    stock: &'a dyn Stock,
    fold: bool,
    folds: Vec<(StockKey, Correction)>,
}

impl<'a> Comparison<'a> {
    fn new(bulk: &'a mut Bulk, stock: &'a dyn Stock, fold: bool) -> Self {
        Comparison { bulk, stock, fold, folds: Vec::new() }
    }

    async fn run(
        &mut self,
        view: &mut LedgerView,
        values: Vec<Held>,
        mine: impl Fn(&StockKey) -> bool,
        watch: &Watch,
    ) -> Result<()> {
        let mut states = StatesInOrder::new(view);
        let mut totals = Totals::default();
        let mut values = values.into_iter().peekable();
        let mut unbooked = Vec::new();
        let mut done = 0_u64;
        while let Some(state) = states.next(view).await? {
            let total = totals.of(view, Some(&state.key), |key, sum| unbooked.push((key, sum))).await?;
            if !mine(&state.key) {
                continue;
            }
            while let Some((key, _)) = values.next_if(|(key, _)| *key < state.key) {
                self.bulk.suspects.push(key);
            }
            let value = values.next_if(|(key, _)| *key == state.key).map(|(_, bytes)| bytes);
            self.key(view, state, total, value.as_deref());
            done += 1;
            if done.is_multiple_of(1_000) {
                watch.tell(|progress| progress.done += 1_000);
                self.send_folds(FOLDS).await?;
                if watch.is_cancelled() {
                    return Ok(());
                }
            }
        }
        self.bulk.suspects.extend(values.map(|(key, _)| key));
        totals.of(view, None, |key, sum| unbooked.push((key, sum))).await?;
        self.unbooked(view, unbooked.into_iter().filter(|(key, _)| mine(key)).collect());
        watch.tell(|progress| progress.done = progress.total);
        self.send_folds(1).await
    }

    /// One key of the ledger.
    fn key(&mut self, view: &LedgerView, state: KeyState, totals: Sum, stored: Option<&[u8]>) {
        let value = stored.and_then(|bytes| Value::read(bytes).ok());
        let nrs = value.as_ref().map(Value::quantity);
        let exact = value.as_ref().is_some_and(|value| is_exactly(value, &state));
        let sound = self.books(view, &state, totals, nrs);
        for part in &state.parts {
            let keys = self.bulk.keys.entry(part.source.clone()).or_default();
            if keys.len() < MOST_KEYS {
                keys.push(state.key.clone());
            }
        }
        if !exact {
            self.bulk.suspects.push(state.key);
        } else if !sound {
            self.bulk.convicted_only += 1;
        } else {
            self.bulk.equal += 1;
            if let Some(value) = value.filter(|value| self.fold && value.change != 0) {
                self.folds.push((state.key, Correction::Fold { quantity: value.quantity() }));
            }
        }
    }

    /// Compares the key's books with each other; false when they disagree.
    fn books(&mut self, view: &LedgerView, state: &KeyState, totals: Sum, nrs: Option<i64>) -> bool {
        let balances = state.parts.iter().map(|part| {
            let sum = Sum { quantity: part.quantity, entries: part.entries };
            (part.source.clone(), (sum, part.last_offset))
        });
        let mut accounts = Accounts { balances: balances.collect(), totals, rows: None };
        let (mut lost, mut days) = (Sum::default(), Vec::new());
        if let Some(rows) = &mut self.bulk.rows {
            accounts.rows = Some(rows.take(view, &state.key));
            lost = rows.lost.get(&state.key).copied().unwrap_or_default();
            days = rows.days.remove(&state.key).unwrap_or_default();
        }
        let sound = accounts.guilty().is_none() && days.is_empty();
        if !sound {
            let key = state.key.clone();
            self.bulk.faults.push(KeyFault { key, accounts, lost, days, nrs });
        }
        sound
    }

    /// Keys that have rows, but neither balance nor totals.
    fn rows_without_books(&mut self, view: &LedgerView) {
        let left = self.bulk.rows.as_ref().map(Rows::left).unwrap_or_default();
        self.unbooked(view, left.into_iter().map(|key| (key, Sum::default())).collect());
    }

    /// Keys that have totals, but no balance.
    fn unbooked(&mut self, view: &LedgerView, totals: Vec<(StockKey, Sum)>) {
        for (key, totals) in totals {
            self.books(view, &KeyState { key, parts: Vec::new() }, totals, None);
        }
    }

    async fn send_folds(&mut self, at_least: usize) -> Result<()> {
        if self.folds.len() < at_least {
            return Ok(());
        }
        let folds = std::mem::take(&mut self.folds);
        for some in folds.chunks(FOLDS) {
            self.stock.correct(some).await?;
            crash::point("audit.folded");
        }
        Ok(())
    }
}

/// Whether the value is what the ledger says, to the last offset: nothing more, nothing less, no drift.
fn is_exactly(value: &Value, state: &KeyState) -> bool {
    value.drift() == 0
        && value.at.len() == state.parts.len()
        && state
            .parts
            .iter()
            .all(|part| value.at.get(&part.source) == Some(&(part.last_offset, part.quantity)))
}
