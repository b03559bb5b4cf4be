//! What must hold, computed from the queue alone: (a) every value is the replay at its own `at`, (b) at rest ledger,
//! stock and whole replay agree, (c) nobody alarms on a value that is right, (d) nobody sees a loss where none was.

use inventory::audit::judge::Verdict;
use inventory::stock::value::Value;

use super::state::{Bytes, Ledger, SOURCES, Sent, State};
use super::steps::World;

pub const A: &str = "(a) every value is the replay at its own at";
pub const B: &str = "(b) at rest ledger, stock and whole replay agree";
pub const C: &str = "(c) no alarm on a value that is right";
pub const D: &str = "(d) no answer is taken for a loss where nothing was lost";
pub const REST: &str = "rest is reached";

impl World {
    /// Whether a value is the replay at its own `at`, plus one of these drifts.
    pub fn replayed(&self, key: u8, value: &Bytes, drifts: &[i64]) -> bool {
        let Some(bytes) = value else { return true };
        let Ok(value) = Value::read(bytes) else { return false };
        let sums = value.at.iter().all(|(name, (offset, sum))| {
            let Some(source) = self.sources.iter().position(|source| source == name) else { return false };
            let upto = self.queues[source].iter().take((*offset + 1) as usize);
            let replay: i64 =
                upto.filter(|message| message.key == key).map(|message| i64::from(message.quantity)).sum();
            replay == *sum
        });
        sums && drifts.contains(&value.drift())
    }

    pub fn values_are_replays(&self, state: &State) -> bool {
        let planted = state.left.plant < self.faults.plant;
        let drifts: &[i64] = if planted { &[0, i64::from(self.planted)] } else { &[0] };
        let keys = state.stock.iter().enumerate();
        self.only_rest || keys.into_iter().all(|(key, value)| self.replayed(key as u8, value, drifts))
    }

    /// Everything is consumed, and whoever holds a source has an answer to all that it sent. Late calls may still
    /// come, and a zombie may still wait.
    pub fn at_rest(&self, state: &State) -> bool {
        state.holds.iter().enumerate().all(|(source, holds)| {
            let row = &state.ledger[source];
            row.next as usize == self.queues[source].len()
                && holds
                    .iter()
                    .any(|hold| hold.stamp == row.stamp && hold.owed.is_none() && hold.parcels.is_empty())
        })
    }

    pub fn agrees_at_rest(&self, state: &State) -> bool {
        if !self.at_rest(state) {
            return true;
        }
        let mut stock = state.stock.clone();
        if self.final_sweep {
            self.sweep(&mut stock, &state.ledger);
        }
        if self.final_audit {
            self.audited(&mut stock, &state.ledger);
        }
        (0..self.keys as u8).all(|key| self.agrees(&state.ledger, &stock, key))
    }

    fn agrees(&self, ledger: &Ledger, stock: &[Bytes], key: u8) -> bool {
        let value = match stock[key as usize].as_deref().map(Value::read) {
            None => Value::default(),
            Some(Ok(value)) => value,
            Some(Err(_)) => return false,
        };
        let mut whole = 0;
        let mut seen: u64 = 0;
        for message in self.queues.iter().flatten().filter(|message| message.key == key) {
            let bit = message.id.map_or(0, |id| 1 << id);
            if seen & bit == 0 {
                whole += i64::from(message.quantity);
            }
            seen |= bit;
        }
        let sources = 0..self.queues.len();
        let counted: i64 = sources
            .clone()
            .filter_map(|source| self.balance(ledger, source, key))
            .map(|(_, sum)| i64::from(sum))
            .sum();
        let parts = sources.into_iter().all(|source| match self.balance(ledger, source, key) {
            Some((_, sum)) => value.entry(&self.sources[source]).1 == i64::from(sum),
            None => value.entry(&self.sources[source]).1 == 0,
        });
        value.quantity() == whole && counted == whole && parts
    }

    pub fn lags(&self, vector: &Sent, value: &Bytes) -> bool {
        let Sent::Vector { key, parts } = vector else { return false };
        (self.rules.lags)(&self.vector_call(*key, parts), value.as_deref())
    }

    /// A sweep over everything, at once.
    pub fn sweep(&self, stock: &mut [Bytes], ledger: &Ledger) {
        for key in 0..self.keys as u8 {
            let vector = self.vector(ledger, key);
            let known = matches!(vector, Sent::Vector { parts, .. } if parts != [None; SOURCES]);
            if known && self.lags(&vector, &stock[key as usize]) {
                self.execute(stock, &vector);
            }
        }
    }

    /// An audit of everything, at once, with a person who agrees.
    pub fn audited(&self, stock: &mut [Bytes], ledger: &Ledger) {
        for key in 0..self.keys as u8 {
            let value = stock[key as usize].clone();
            let cut = self.cut(ledger, key, value.as_deref());
            let Verdict::Judged(judged) = (self.rules.judge)(value.as_deref(), &cut) else { continue };
            for call in self.corrections(key, &judged) {
                self.execute(stock, &call);
            }
            if judged.forgot() {
                self.execute(stock, &self.vector(ledger, key));
            }
        }
    }
}
