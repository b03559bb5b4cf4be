//! The way of a message through the model: taken, committed, sent, answered, saved, fenced; calls that come late.
//! Each step is one thing that happens at once; whatever a real writer does in between may be done by others.

use std::sync::Arc;

use inventory::domain::entry::StockKey;
use inventory::ledger::BalanceRow;
use inventory::stock::corrections::Correction;
use inventory::stock::value::Value;
use inventory::stock::{Answer, Prev, SourceName, StockCall, Vector};
use inventory::writer::rules;

use super::rules::Rules;
use super::state::{Auditor, Budget, Bytes, FRESH, Hold, Ledger, Parcel, Row, SOURCES, Sent, State, Waiting};

/// One message of the queue.
#[derive(Debug, Clone, Copy)]
pub struct Message {
    pub key: u8,
    pub quantity: i16,
    /// Entries with the same id are counted once.
    pub id: Option<u8>,
}

/// One run's bounds.
#[derive(Clone)]
pub struct World {
    pub name: &'static str,
    /// Per source, in offset order.
    pub queues: Vec<Vec<Message>>,
    pub keys: usize,
    /// Per source, how many writers may hold it at once: two = one of them is a zombie.
    pub writers: Vec<usize>,
    /// Most messages of one commit.
    pub batch: i16,
    /// Batches that the ledger may be ahead of the stock.
    pub ahead: usize,
    /// All of them are sent at once, or one after the other.
    pub pipelined: bool,
    pub faults: Budget,
    pub auditors: usize,
    /// What a foreign hand adds to the first key.
    pub planted: i16,
    /// At rest a sweep, or an audit, comes before both stores are compared.
    pub final_sweep: bool,
    pub final_audit: bool,
    /// Verdicts may change after a restore: only rest is judged.
    pub only_rest: bool,
    pub rules: Rules,
    pub sources: Vec<SourceName>,
    pub stock_keys: Vec<StockKey>,
}

/// What happens next. Numbers are places: source, holder, parcel, call, key, auditor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Take(usize),
    Owed(usize, usize),
    Commit(usize, usize, i16),
    Answer(usize, usize, usize, usize),
    Timeout(usize, usize, usize, usize),
    Save(usize, usize),
    Fence(usize, usize),
    Crash(usize, usize),
    Late(Sent),
    Wipe,
    Evict(usize),
    Snapshot,
    RestoreStock,
    FallBack(usize),
    Backup,
    RestoreLedger,
    SweepRead(usize),
    SweepSend(usize),
    Plant,
    AuditRead(usize, usize),
    AuditJudge(usize),
    AuditAgain(usize),
}

impl World {
    /// Before anything happened.
    pub fn begin(&self) -> State {
        State {
            ledger: [Row::default(); SOURCES],
            backup: None,
            stock: vec![None; self.keys],
            snapshot: None,
            holds: vec![Vec::new(); self.queues.len()],
            flying: Vec::new(),
            sweeping: vec![None; self.keys],
            auditors: vec![Auditor::Idle; self.auditors],
            left: self.faults,
            lost: false,
            false_alarm: false,
            needless: false,
        }
    }

    /// The ledger's `balances` row of a key in a source.
    pub fn balance(&self, ledger: &Ledger, source: usize, key: u8) -> Option<(i16, i16)> {
        let rows = self.rows(ledger, source, key);
        rows.fold(None, |sum, (offset, quantity)| Some((offset, sum.map_or(0, |(_, sum)| sum) + quantity)))
    }

    /// The key's counted rows of a source.
    pub fn rows<'a>(
        &'a self,
        ledger: &Ledger,
        source: usize,
        key: u8,
    ) -> impl Iterator<Item = (i16, i16)> + Clone + use<'a> {
        let Row { next, counted, .. } = ledger[source];
        let counted = move |offset: i16| offset < next && counted & (1 << offset) != 0;
        let messages = self.queues[source].iter().enumerate().map(|(at, message)| (at as i16, message));
        messages
            .filter(move |(offset, message)| message.key == key && counted(*offset))
            .map(|(offset, message)| (offset, message.quantity))
    }

    /// The key's whole state in the ledger.
    pub fn vector(&self, ledger: &Ledger, key: u8) -> Sent {
        let mut parts = [None; SOURCES];
        for (source, part) in parts.iter_mut().enumerate().take(self.queues.len()) {
            *part = self.balance(ledger, source, key);
        }
        Sent::Vector { key, parts }
    }

    /// The engine's shape of a vector.
    pub fn vector_call(&self, key: u8, parts: &[Option<(i16, i16)>]) -> Vector {
        let parts = parts.iter().enumerate().filter_map(|(source, part)| {
            part.map(|(last, sum)| (self.sources[source].clone(), i64::from(last), i64::from(sum)))
        });
        Vector { key: self.stock_keys[key as usize].clone(), parts: parts.collect() }
    }

    fn step_call(&self, sent: &Sent) -> Option<StockCall> {
        let Sent::Step { key, source, prev, last, delta, sum } = *sent else { return None };
        Some(StockCall {
            key: self.stock_keys[key as usize].clone(),
            source: self.sources[source as usize].clone(),
            prev: prev.map_or(Prev::Unknown, |prev| Prev::At(i64::from(prev))),
            last: i64::from(last),
            delta: i64::from(delta),
            sum: i64::from(sum),
        })
    }

    fn sent(&self, call: &StockCall, key: u8, source: usize) -> Sent {
        let small = |number: i64| i16::try_from(number).unwrap();
        let prev = match call.prev {
            Prev::At(prev) => Some(small(prev)),
            Prev::Unknown => None,
        };
        let (last, delta, sum) = (small(call.last), small(call.delta), small(call.sum));
        Sent::Step { key, source: source as u8, prev, last, delta, sum }
    }

    /// The stock executes a call.
    pub fn execute(&self, stock: &mut [Bytes], sent: &Sent) -> Answer {
        let (Sent::Step { key, .. }
        | Sent::Vector { key, .. }
        | Sent::Drop { key, .. }
        | Sent::Replace { key, .. }) = *sent;
        let stored = stock[key as usize].as_deref();
        let (next, answer): (Option<Value>, Answer) = match sent {
            Sent::Step { .. } => {
                let call = self.step_call(sent).unwrap();
                (self.rules.step)(stored, &call)
            }
            Sent::Vector { parts, .. } => (self.rules.bring)(stored, &self.vector_call(key, parts)),
            Sent::Drop { seen, .. } => ((self.rules.drop_drift)(stored, i64::from(*seen)), Answer::Seen),
            Sent::Replace { source, offset, wrong, right, .. } => {
                let correction = Correction::ReplaceEntry {
                    source: self.sources[*source as usize].clone(),
                    offset: i64::from(*offset),
                    wrong: i64::from(*wrong),
                    right: i64::from(*right),
                };
                ((self.rules.replace)(stored, &correction), Answer::Seen)
            }
        };
        if let Some(next) = next {
            stock[key as usize] = Some(Arc::from(next.print()));
        }
        answer
    }

    pub(super) fn take(&self, state: &mut State, source: usize) {
        let Row { next, stock, stamp, .. } = state.ledger[source];
        let owed = (self.rules.owed_from)(i64::from(next), i64::from(stock)).map(|from| from as i16);
        state.holds[source].push(Hold { stamp, next, saved: stock, acked: stock, owed, parcels: Vec::new() });
    }

    /// Rule 6: the balances are read after the row, so another writer may have moved them meanwhile.
    pub(super) fn owed(&self, state: &mut State, source: usize, holder: usize) {
        let Some(from) = state.holds[source][holder].owed.take() else { return };
        let mut calls = Vec::new();
        for key in 0..self.keys as u8 {
            let Some((last, sum)) =
                self.balance(&state.ledger, source, key).filter(|(last, _)| *last >= from)
            else {
                continue;
            };
            let balance = BalanceRow {
                key: self.stock_keys[key as usize].clone(),
                last_offset: i64::from(last),
                quantity: i64::from(sum),
            };
            calls.push(self.sent(&rules::again(&self.sources[source], balance), key, source));
        }
        let upto = state.holds[source][holder].next;
        self.hand_over(state, source, holder, upto, calls);
    }

    /// One transaction: compare-and-set, verdicts, rows, balances, watermark. Its calls are handed over.
    pub(super) fn commit(&self, state: &mut State, source: usize, holder: usize, count: i16) {
        let (from, acked) = (state.holds[source][holder].next, state.holds[source][holder].acked);
        let before = state.ledger;
        let to = from + count;
        let mut after = before;
        for offset in from..to {
            let id = self.queues[source][offset as usize].id;
            if id.is_none_or(|id| !self.counted(&after, id)) {
                after[source].counted |= 1 << offset;
            }
            after[source].next = offset + 1;
        }
        after[source] = Row { stock: acked, stamp: FRESH, ..after[source] };
        state.ledger = after;
        let mut calls = Vec::new();
        for key in 0..self.keys as u8 {
            let of = |ledger| {
                let (last, sum) = self.balance(ledger, source, key).unwrap_or((-1, 0));
                (i64::from(last), i64::from(sum))
            };
            if of(&before) != of(&after) {
                let (key_name, name) = (self.stock_keys[key as usize].clone(), self.sources[source].clone());
                let call = StockCall::counted(key_name, name, of(&before), of(&after));
                calls.push(self.sent(&call, key, source));
            }
        }
        let hold = &mut state.holds[source][holder];
        hold.next = to;
        hold.stamp = FRESH;
        hold.saved = acked;
        self.hand_over(state, source, holder, to, calls);
    }

    /// Whether an entry with this id is counted already, in any source.
    pub fn counted(&self, ledger: &Ledger, id: u8) -> bool {
        let with_id = |source: usize| {
            let messages = self.queues[source].iter().enumerate();
            messages
                .filter(move |(_, message)| message.id == Some(id))
                .map(move |(offset, _)| (source, offset))
        };
        let mut all = (0..self.queues.len()).flat_map(with_id);
        all.any(|(source, offset)| ledger[source].counted & (1 << offset) != 0)
    }

    fn hand_over(&self, state: &mut State, source: usize, holder: usize, upto: i16, calls: Vec<Sent>) {
        let waiting = calls.into_iter().map(|call| Waiting { call, vector: None }).collect();
        state.holds[source][holder].parcels.push(Parcel { upto, waiting, void: false });
        self.advance(state, source, holder);
    }

    /// The parcels whose calls are under way.
    pub(super) fn sending(&self, hold: &Hold) -> std::ops::Range<usize> {
        let all = hold.parcels.len();
        let first = hold.parcels.iter().position(|parcel| !parcel.waiting.is_empty()).unwrap_or(all);
        if self.pipelined { 0..all } else { first..all.min(first + 1) }
    }

    /// Moves the watermark past what is answered, and sends what may be sent now.
    fn advance(&self, state: &mut State, source: usize, holder: usize) {
        let hold = &mut state.holds[source][holder];
        let parcels: Vec<rules::Parcel> = hold
            .parcels
            .iter()
            .map(|parcel| rules::Parcel { upto: i64::from(parcel.upto), acknowledged: parcel.acknowledged() })
            .collect();
        hold.acked = (self.rules.watermark)(i64::from(hold.acked), &parcels) as i16;
        let answered = hold.parcels.iter().take_while(|parcel| parcel.acknowledged()).count();
        hold.parcels.drain(..answered);
        let sent = self.sending(hold);
        let parcels = sent.map(|parcel| &hold.parcels[parcel]);
        let calls: Vec<Sent> =
            parcels.flat_map(|parcel| &parcel.waiting).map(|waiting| waiting.call).collect();
        calls.into_iter().for_each(|call| state.send(call));
    }

    /// The stock executes what a writer waits for, and the answer arrives.
    pub(super) fn answer(&self, state: &mut State, place: (usize, usize, usize, usize)) {
        let (source, holder, parcel, at) = place;
        let waiting = state.holds[source][holder].parcels[parcel].waiting[at];
        let Some(vector) = waiting.vector else {
            let answer = self.execute(&mut state.stock, &waiting.call);
            let acked = i64::from(state.holds[source][holder].acked);
            let call = self.step_call(&waiting.call).unwrap();
            state.needless |= !state.lost && (self.rules.forgotten)(&call, answer, acked);
            let Sent::Step { key, .. } = waiting.call else { return };
            let vector = self.vector(&state.ledger, key);
            if (self.rules.acknowledges)(answer) {
                self.done(state, place);
                return;
            }
            let Sent::Vector { parts, .. } = vector else { return };
            let known = parts != [None; SOURCES];
            let parcel = &mut state.holds[source][holder].parcels[parcel];
            if !(self.rules.covers)(&call, known.then(|| self.vector_call(key, &parts)).as_ref()) {
                // The ledger was restored: whatever is answered, the watermark stays where it is.
                parcel.void = true;
            }
            if known {
                parcel.waiting[at].vector = Some(vector);
                state.send(vector);
            } else {
                self.done(state, place);
            }
            return;
        };
        self.execute(&mut state.stock, &vector);
        self.done(state, place);
    }

    fn done(&self, state: &mut State, (source, holder, parcel, at): (usize, usize, usize, usize)) {
        state.holds[source][holder].parcels[parcel].waiting.remove(at);
        self.advance(state, source, holder);
    }

    /// The watermark is written down by itself.
    pub(super) fn save(&self, state: &mut State, source: usize, holder: usize) {
        let hold = &mut state.holds[source][holder];
        hold.saved = hold.acked;
        hold.stamp = FRESH;
        state.ledger[source] = Row { stock: hold.acked, stamp: FRESH, ..state.ledger[source] };
    }
}
