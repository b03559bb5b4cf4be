//! One value against one snapshot of the ledger, and what makes it right. The value is read first and the snapshot
//! afterwards, so the value can only be behind what the snapshot knows, unless the ledger itself is behind.

use std::collections::BTreeMap;

use crate::words::State;
use domain::entry::StockKey;
use stock::corrections::Correction;
use stock::value::Value;
use stock::{SourceName, Vector};

/// What the ledger's snapshot says of one source with regard to one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceCut {
    /// `sources.next_offset`: everything below is in the ledger.
    pub next_offset: i64,
    /// `sources.stock_offset`: everything below was acknowledged by the stock.
    pub stock_offset: i64,
    /// `balances`: offset of the key's last counted entry and its signed sum; `None`: no row.
    pub balance: Option<(i64, i64)>,
    /// The key's rows of this source beyond the offset that `rows_wanted` named: (offset, signed quantity).
    pub beyond: Vec<(i64, i64)>,
}

/// What the snapshot says of one key: every source that the ledger knows, with or without entries of the key.
pub type KeyCut = BTreeMap<SourceName, SourceCut>;

/// One entry of `at`, judged alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The sum fits, and nothing lies beyond it.
    Equal,
    /// The sum fits; what lies beyond is still on its way.
    InFlight,
    /// The sum fits, but acknowledged rows lie beyond it: the stock forgot them, provided that the value still lacks
    /// them when it is read again (`forgot`). Cured by the vector.
    Forgot,
    /// The stock is ahead of this ledger (source unknown, or offset beyond its position): nothing can be said.
    LedgerBehind,
    /// At this very offset the ledger has another sum.
    Differs {
        /// Offset that stands in the value.
        offset: i64,
        /// Sum that stands there.
        wrong: i64,
        /// The ledger's sum up to there.
        right: i64,
    },
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Neither a balance by its form nor a key of the ledger: counted in one line, never judged.
    Foreign,
    /// Looks like a balance (or stands where one belongs) and cannot be read exactly.
    Damaged {
        /// The bytes as read.
        read: Vec<u8>,
    },
    /// Readable, or absent although the ledger knows the key.
    Judged(Judged),
}

/// A readable (or absent) value, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The ledger's quantity at the value's own cut, acknowledged rows that it lacks included.
    pub rrs: i64,
    /// The stock's quantity, base + change.
    pub nrs: i64,
    /// nrs − Σ sums: what somebody else wrote.
    pub drift: i64,
    /// Every source of `at` and every source in which the ledger has entries of the key.
    pub parts: BTreeMap<SourceName, Part>,
    /// Whether the ledger has any entry of the key; a value without one is `stock_unknown_key`.
    pub known: bool,
}

impl Judged {
    /// The ledger is behind the stock: pending, never corrected, and LASTCHECK does not move.
    pub fn pending(&self) -> bool {
        self.parts.values().any(|part| *part == Part::LedgerBehind)
    }

    /// Acknowledged rows are missing, by this reading.
    pub fn forgot(&self) -> bool {
        !self.pending() && self.parts.values().any(|part| *part == Part::Forgot)
    }

    /// Something in it is wrong: a drift, or a sum that is not the ledger's. Never while the ledger is behind.
    pub fn deviates(&self) -> bool {
        let differs = self.parts.values().any(|part| matches!(part, Part::Differs { .. }));
        !self.pending() && (self.drift != 0 || differs)
    }

    /// nrs − rrs, as it is shown.
    pub fn difference(&self) -> i64 {
        self.nrs.saturating_sub(self.rrs)
    }

    /// The specification's word for it.
    pub fn state(&self) -> State {
        State::of(self.rrs, self.nrs, self.deviates(), self.forgot())
    }

    /// What makes the value right. Replacing entries needs the ledger's own proof in the same snapshot; a drift
    /// convicts the stock whatever the ledger says. What was forgotten is not corrected but brought (`vector`).
    pub fn corrections(&self, proven: bool) -> Vec<Correction> {
        if self.pending() {
            return Vec::new();
        }
        let mut corrections = Vec::new();
        if self.drift != 0 {
            corrections.push(Correction::DropDrift);
        }
        for (source, part) in &self.parts {
            if let (Part::Differs { offset, wrong, right }, true) = (*part, proven) {
                corrections.push(Correction::ReplaceEntry { source: source.clone(), offset, wrong, right });
            }
        }
        corrections
    }
}

/// Per source, the offset beyond which the key's rows must be in the cut: where the value stands. Sources whose
/// last entry it has are left out, for nothing lies beyond.
pub fn rows_wanted(stored: Option<&[u8]>, cut: &KeyCut) -> Vec<(SourceName, i64)> {
    let value = stored.and_then(|bytes| Value::read(bytes).ok()).unwrap_or_default();
    let behind = cut.iter().filter_map(|(source, cut)| {
        let (offset, _) = value.entry(source);
        cut.balance.filter(|(last, _)| *last > offset).map(|_| (source.clone(), offset))
    });
    behind.collect()
}

/// Judges a value that was read before the snapshot was taken.
pub fn judge(stored: Option<&[u8]>, cut: &KeyCut) -> Verdict {
    let known = cut.values().any(|source| source.balance.is_some());
    let value = match stored.map(|bytes| (bytes, Value::read(bytes))) {
        None if !known => return Verdict::Foreign,
        None => Value::default(),
        Some((_, Ok(value))) => value,
        Some((bytes, Err(_))) if known || is_balance(bytes) => {
            return Verdict::Damaged { read: bytes.to_vec() };
        }
        Some(_) => return Verdict::Foreign,
    };
    let mut judged =
        Judged { rrs: 0, nrs: value.quantity(), drift: value.drift(), parts: BTreeMap::new(), known };
    for (source, entry) in &value.at {
        judged.look(source, *entry, cut.get(source));
    }
    for (source, source_cut) in cut {
        if source_cut.balance.is_some() && !value.at.contains_key(source) {
            judged.look(source, (-1, 0), Some(source_cut));
        }
    }
    Verdict::Judged(judged)
}

impl Judged {
    fn look(&mut self, source: &SourceName, (offset, sum): (i64, i64), cut: Option<&SourceCut>) {
        let Some(cut) = cut.filter(|cut| offset < cut.next_offset) else {
            self.rrs = self.rrs.saturating_add(sum);
            self.parts.insert(source.clone(), Part::LedgerBehind);
            return;
        };
        let (_, quantity) = cut.balance.unwrap_or((-1, 0));
        let beyond = cut.beyond.iter().filter(|(row, _)| *row > offset);
        let right = quantity - beyond.clone().map(|(_, signed)| signed).sum::<i64>();
        let lost = beyond.filter(|(row, _)| *row < cut.stock_offset).map(|(_, signed)| signed).sum::<i64>();
        let last = cut.balance.map_or(-1, |(last, _)| last);
        let part = if sum != right {
            Part::Differs { offset, wrong: sum, right }
        } else if lacks(offset, cut) {
            Part::Forgot
        } else if last > offset {
            Part::InFlight
        } else {
            Part::Equal
        };
        self.rrs = self.rrs.saturating_add(right).saturating_add(lost);
        self.parts.insert(source.clone(), part);
    }
}

/// Whether a row that the stock acknowledged lies beyond this offset.
fn lacks(offset: i64, cut: &SourceCut) -> bool {
    cut.beyond.iter().any(|(row, _)| *row > offset && *row < cut.stock_offset)
}

/// Whether the stock forgot, judged by a value that was read again after the snapshot. The first reading is older
/// than the snapshot's `stock_offset`: what it lacked may have been acknowledged in between. A value read afterwards
/// that lacks it still has lost it. A damaged one says nothing.
pub fn forgot(again: Option<&[u8]>, cut: &KeyCut) -> bool {
    let Ok(value) = again.map_or_else(|| Ok(Value::default()), Value::read) else { return false };
    cut.iter().any(|(source, cut)| lacks(value.entry(source).0, cut))
}

/// The key's whole state in the snapshot: what brings it forward, and what replaces a damaged value.
pub fn vector(key: &StockKey, cut: &KeyCut) -> Vector {
    let parts =
        cut.iter().filter_map(|(source, cut)| cut.balance.map(|(last, sum)| (source.clone(), last, sum)));
    Vector { key: key.clone(), parts: parts.collect() }
}

/// An object with the specification's two members, whatever else is wrong with it.
fn is_balance(bytes: &[u8]) -> bool {
    let object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes);
    object.is_ok_and(|members| members.contains_key("base") && members.contains_key("change"))
}

#[cfg(test)]
mod tests;
