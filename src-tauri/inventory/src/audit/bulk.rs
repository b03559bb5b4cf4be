//! The first reading: every value of the stock, then one snapshot of the ledger, compared in key order. What is
//! exactly as the ledger says is done with (and folded); everything else is only suspected here, for at full load
//! values move between the two readings, and is judged by a second, careful one.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

use super::findings::{Kind, Phase};
use super::proof::Accounts;
use super::rows::{DayFault, Rows};
use super::verdicts::MOST_KEYS;
use super::watch::Watch;
use crate::crash;
use crate::entry::{ProductId, StockKey, WarehouseId};
use crate::error::Result;
use crate::ledger::{KeyState, Ledger, LedgerView, SourceRow, StatesInOrder, Sum};
use crate::stock::corrections::Correction;
use crate::stock::value::Value;
use crate::stock::{SourceName, Stock, is_note};

/// Keys of the stock that are held at a time: about 150 MB. A larger store is read in several rounds.
const HELD: u64 = 1_000_000;
/// Values of one page of the stock.
const PAGE: usize = 2_000;
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

/// Reads everything once. `fold`: whether equal keys are folded. `Retry`: tables changed under the snapshot. A store of
/// many keys is read in rounds, all against the same snapshot: what moved since is only suspected, as ever.
pub async fn read(ledger: &Ledger, stock: &dyn Stock, kind: Kind, fold: bool, watch: &Watch) -> Result<Bulk> {
    // Never fewer than the keys. Telling keys apart costs a part of the reading: only where it decides the rounds.
    let balances = ledger.balance_rows().await?;
    let keys = if balances > HELD { ledger.summary().await?.keys.unsigned_abs() } else { balances };
    let rounds = keys.div_ceil(HELD).max(1);
    watch.begin(Phase::Keys, keys);
    let mut bulk = Bulk::default();
    let mut held = values(stock, Share { round: 0, rounds }, &mut bulk, watch).await?;
    crash::point("audit.stock_read");
    let mut view = ledger.view().await?;
    bulk.sources = source_sums(&mut view).await?;
    if kind == Kind::Full {
        bulk.rows = Some(Rows::read(&mut view, watch).await?);
        watch.begin(Phase::Keys, keys);
    }
    for round in 0..rounds {
        let share = Share { round, rounds };
        if round > 0 {
            held = values(stock, share, &mut bulk, watch).await?;
        }
        let mut comparison = Comparison { bulk: &mut bulk, stock, fold, share, folds: Vec::new() };
        comparison.run(&mut view, std::mem::take(&mut held), watch).await?;
        if watch.is_cancelled() {
            return Ok(bulk);
        }
        if round + 1 == rounds {
            comparison.rows_without_books(&view);
        }
    }
    view.close().await?;
    Ok(bulk)
}

/// The keys of one round.
#[derive(Clone, Copy)]
struct Share {
    round: u64,
    rounds: u64,
}

impl Share {
    fn has(self, number: u128) -> bool {
        self.rounds == 1 || number % u128::from(self.rounds) == u128::from(self.round)
    }

    fn has_key(self, key: &StockKey) -> bool {
        self.rounds == 1 || self.has(number_of(key))
    }
}

type Held = (StockKey, Box<[u8]>);

/// All values of this round, in key order. The first round counts what is no key of ours.
async fn values(stock: &dyn Stock, share: Share, bulk: &mut Bulk, watch: &Watch) -> Result<Vec<Held>> {
    let mut held: Vec<Held> = Vec::new();
    let mut from = None;
    loop {
        let page = stock.scan(from.as_deref(), PAGE).await?;
        for (text, bytes) in page.values {
            match StockKey::parse(&text) {
                Some(key) if share.has_key(&key) => held.push((key, bytes.into_boxed_slice())),
                Some(_) => {}
                None if share.round == 0 && !is_note(&text) => bulk.foreign += 1,
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

/// Totals over all days of a round's keys, each under a number made of its key (128 bits: no two keys meet).
#[derive(Default)]
struct Totals(HashMap<u128, Sum>);

impl Totals {
    async fn read(view: &mut LedgerView, share: Share) -> Result<Totals> {
        let mut totals = HashMap::new();
        view.pass_day_sums(|warehouse, product, sum| {
            let number = number(warehouse, product);
            if share.has(number) {
                totals.insert(number, sum);
            }
        })
        .await?;
        Ok(Totals(totals))
    }

    fn take(&mut self, key: &StockKey) -> Sum {
        self.0.remove(&number_of(key)).unwrap_or_default()
    }

    /// The keys that nobody took, with their totals.
    async fn left(self, view: &mut LedgerView) -> Result<Vec<(StockKey, Sum)>> {
        let mut left = Vec::new();
        if !self.0.is_empty() {
            view.pass_day_sums(|warehouse, product, sum| {
                if self.0.contains_key(&number(warehouse, product)) {
                    let (warehouse, product) = (WarehouseId::stored(warehouse), ProductId::stored(product));
                    left.push((StockKey { warehouse, product }, sum));
                }
            })
            .await?;
        }
        Ok(left)
    }
}

fn number_of(key: &StockKey) -> u128 {
    number(key.warehouse.as_str(), key.product.as_str())
}

/// A key's number. No id holds the byte 0, so it keeps `a` `bc` and `ab` `c` apart.
fn number(warehouse: &str, product: &str) -> u128 {
    let mut bytes = Vec::with_capacity(warehouse.len() + product.len() + 1);
    bytes.extend_from_slice(warehouse.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(product.as_bytes());
    xxh3_128(&bytes)
}

struct Comparison<'a> {
    bulk: &'a mut Bulk,
    stock: &'a dyn Stock,
    fold: bool,
    share: Share,
    folds: Vec<(StockKey, Correction)>,
}

impl Comparison<'_> {
    async fn run(&mut self, view: &mut LedgerView, values: Vec<Held>, watch: &Watch) -> Result<()> {
        let mut totals = Totals::read(view, self.share).await?;
        let mut states = StatesInOrder::new(view);
        let mut values = values.into_iter().peekable();
        let mut done = 0_u64;
        while let Some(state) = states.next(view).await? {
            if !self.share.has_key(&state.key) {
                continue;
            }
            let total = totals.take(&state.key);
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
        let unbooked = totals.left(view).await?;
        self.unbooked(view, unbooked);
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
        if self.bulk.rows.is_none() && state.sum() == totals {
            return true;
        }
        let mut accounts = Accounts::of(&state.parts, totals);
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
