//! The first reading: every value of the stock, then one snapshot of the ledger, whose books pass by. What is exactly
//! as the ledger says is done with (and folded); everything else is only suspected here, for at full load values move
//! between the two readings, and is judged by a second, careful one.

use std::collections::HashMap;

use super::findings::{Kind, MOST_KEYS, Phase};
use super::keys::{Cell, Keys, Share};
use super::proof::Accounts;
use super::rows::{DayFault, Rows};
use super::watch::Watch;
use domain::entry::{ProductId, StockKey, WarehouseId};
use domain::error::{Code, Error, Result};
use domain::words;
use ledger::{KeyState, Ledger, LedgerView, PassingBalance, SourceRow, Sum};
use stock::corrections::Correction;
use stock::{Page, Stock, is_note};

/// Keys that are held at a time: about 100 MB. A larger store is read in several rounds.
const HELD: u64 = 1_000_000;
/// Values of one page of the stock.
const PAGE: usize = 2_000;
/// Folds sent at a time.
const FOLDS: usize = 1_000;
/// Keys whose books are asked for at a time.
const ASKED: usize = 1_000;
/// Rows between two looks at the cancel button.
const LOOK: u64 = 1_000;

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

/// A source, and what `balances` says of it.
pub struct Booked {
    /// As it stands in the snapshot.
    pub source: SourceRow,
    /// Σ `balances`.
    pub sum: Sum,
    /// Its first keys, to name them where only the source is known.
    pub keys: Vec<StockKey>,
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
    /// The sources in the snapshot, each with what its balances come to.
    pub sources: Vec<Booked>,
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
    let mut share = Share { round: 0, rounds };
    let expected = usize::try_from(keys / rounds).unwrap_or_default();
    let mut held = values(stock, Keys::of(share, expected), &mut bulk, watch).await?;
    crash_points::pass("audit.stock_read");
    let mut view = ledger.view().await?;
    bulk.sources = view.sources().iter().cloned().map(Booked::nothing).collect();
    if kind == Kind::Full {
        bulk.rows = Some(Rows::read(&mut view, watch).await?);
        watch.begin(Phase::Keys, keys);
    }
    loop {
        let mut comparison = Comparison { bulk: &mut bulk, stock, fold, watch };
        match comparison.run(&mut view, held).await {
            Err(_) if watch.is_cancelled() => return Ok(bulk),
            done => done?,
        }
        share.round += 1;
        if share.round == rounds {
            comparison.rows_without_books();
            break;
        }
        held = values(stock, Keys::of(share, expected), &mut bulk, watch).await?;
    }
    view.close().await?;
    bulk.suspects.sort_unstable();
    bulk.faults.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    watch.tell(|progress| progress.done = progress.total);
    Ok(bulk)
}

/// The stock's values of this round. The first round counts what is no key of ours. While a page is looked through,
/// the store has the next one in hand.
async fn values(stock: &dyn Stock, mut keys: Keys, bulk: &mut Bulk, watch: &Watch) -> Result<Keys> {
    let first = keys.share.round == 0;
    let mut page = stock.scan(None, PAGE).await?;
    loop {
        let Page { values, next } = page;
        let further = async {
            match &next {
                Some(from) if !watch.is_cancelled() => stock.scan(Some(from), PAGE).await.map(Some),
                _ => Ok(None),
            }
        };
        let hold = async {
            for (text, bytes) in values {
                match StockKey::parse(&text) {
                    Some(key) => keys.store(&key, &bytes),
                    None => bulk.foreign += u64::from(first && !is_note(&text)),
                }
            }
        };
        // In this order: the first is under way when the second begins.
        let (further, ()) = futures::join!(further, hold);
        match further? {
            Some(further) => page = further,
            None => return Ok(keys),
        }
    }
}

impl Booked {
    fn nothing(source: SourceRow) -> Self {
        Booked { source, sum: Sum::default(), keys: Vec::new() }
    }

    fn add(&mut self, row: &PassingBalance<'_>) {
        self.sum.add(row.sum);
        if self.keys.len() < MOST_KEYS {
            let (warehouse, product) = (WarehouseId::stored(row.warehouse), ProductId::stored(row.product));
            self.keys.push(StockKey { warehouse, product });
        }
    }
}

struct Comparison<'a> {
    bulk: &'a mut Bulk,
    stock: &'a dyn Stock,
    fold: bool,
    watch: &'a Watch,
}

impl Comparison<'_> {
    /// Fails when it is cancelled: the snapshot then stands in the middle of an answer.
    async fn run(&mut self, view: &mut LedgerView, mut keys: Keys) -> Result<()> {
        self.totals(view, &mut keys).await?;
        self.balances(view, &mut keys).await?;
        keys.settle();
        let (mut folds, mut faulty) = (Vec::new(), Vec::new());
        for cell in keys.cells() {
            if !self.is_sound(&keys, cell) {
                faulty.push(cell);
            } else if self.compared(&keys, cell) {
                folds.push(cell);
            }
        }
        for some in faulty.chunks(ASKED) {
            self.ask(view, &keys, some).await?;
        }
        for some in folds.chunks(FOLDS) {
            if self.watch.is_cancelled() {
                break;
            }
            let fold = |cell: &&Cell| Some((keys.key(cell), Correction::Fold { quantity: cell.quantity()? }));
            self.stock.correct(&some.iter().filter_map(fold).collect::<Vec<_>>()).await?;
            crash_points::pass("audit.folded");
        }
        Ok(())
    }

    async fn totals(&self, view: &mut LedgerView, keys: &mut Keys) -> Result<()> {
        let mut seen = 0;
        view.pass_day_totals(|warehouse, product, sum| {
            keys.total(warehouse, product, sum);
            seen += 1;
            look(self.watch, seen)
        })
        .await
    }

    async fn balances(&mut self, view: &mut LedgerView, keys: &mut Keys) -> Result<()> {
        let place =
            |(at, booked): (usize, &Booked)| (booked.source.id, (at, keys.source(&booked.source.name)));
        let places: HashMap<i64, (usize, u32)> = self.bulk.sources.iter().enumerate().map(place).collect();
        let Bulk { sources, rows, .. } = &mut *self.bulk;
        let (watch, mut seen) = (self.watch, 0);
        view.pass_balances(|row| {
            // Of a source that the ledger does not know: nothing of it counts.
            let Some((at, source)) = places.get(&row.source_id) else { return Ok(()) };
            let same_rows = rows.as_ref().is_some_and(|rows| rows.come_to(&row));
            if keys.book(&row, *source, same_rows) {
                sources[*at].add(&row);
                seen += 1;
                if seen % LOOK == 0 {
                    watch.tell(|progress| progress.done = (progress.done + LOOK).min(progress.total));
                }
            }
            look(watch, seen)
        })
        .await
    }

    /// Whether the key's books agree with each other, and with its rows where they were read.
    fn is_sound(&mut self, keys: &Keys, cell: &Cell) -> bool {
        let Some(rows) = self.bulk.rows.as_mut().filter(|_| cell.is_booked() || cell.is_totalled()) else {
            return cell.books_agree();
        };
        let key = keys.key(cell);
        let sound = cell.books_agree()
            && cell.same_rows() == Some(rows.parts_of(&key))
            && !rows.days.contains_key(&key);
        if sound {
            rows.take(&key);
        }
        sound
    }

    /// Counts a key whose books are sound; whether it is to be folded.
    fn compared(&mut self, keys: &Keys, cell: &Cell) -> bool {
        if cell.is_booked() && cell.is_exact() {
            self.bulk.equal += 1;
            return self.fold && cell.is_unfolded();
        }
        if cell.is_booked() || cell.is_stored() {
            self.bulk.suspects.push(keys.key(cell));
        }
        false
    }

    /// Asks the books again for keys that did not come out: what they say of each source, to name what is wrong.
    async fn ask(&mut self, view: &mut LedgerView, keys: &Keys, faulty: &[&Cell]) -> Result<()> {
        let named: Vec<StockKey> = faulty.iter().map(|cell| keys.key(cell)).collect();
        let mut states = view.states(&named).await?;
        let totals = view.day_sums(&named).await?;
        for (key, cell) in named.into_iter().zip(faulty) {
            let totals = totals.get(&key).copied().unwrap_or_default();
            let state = states.remove(&key).unwrap_or_else(|| KeyState { key, parts: Vec::new() });
            let right = cell.is_booked() && cell.is_exact();
            let sound = self.books(&state, totals, cell.quantity().filter(|_| cell.is_booked()));
            if right && !sound {
                self.bulk.convicted_only += 1;
            } else {
                self.compared(keys, cell);
            }
        }
        Ok(())
    }

    /// Compares the key's books with each other; false when they disagree.
    fn books(&mut self, state: &KeyState, totals: Sum, nrs: Option<i64>) -> bool {
        if self.bulk.rows.is_none() && state.sum() == totals {
            return true;
        }
        let mut accounts = Accounts::of(&state.parts, totals);
        let (mut lost, mut days) = (Sum::default(), Vec::new());
        if let Some(rows) = &mut self.bulk.rows {
            accounts.rows = Some(rows.take(&state.key));
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
    fn rows_without_books(&mut self) {
        for key in self.bulk.rows.as_ref().map(Rows::left).unwrap_or_default() {
            self.books(&KeyState { key, parts: Vec::new() }, Sum::default(), None);
        }
    }
}

/// Fails now and then once the run is cancelled.
fn look(watch: &Watch, seen: u64) -> Result<()> {
    match seen.is_multiple_of(LOOK) && watch.is_cancelled() {
        true => Err(Error::new(Code::Internal, words!("audit_cancelled", "The audit was cancelled."))),
        false => Ok(()),
    }
}
