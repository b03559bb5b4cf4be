//! Corrections of one value (DESIGN §4): each says what must be true, never "add the difference", so that a repeat, a
//! late one or a second auditor's does no harm. Pure, beside step and bring in `value.rs`.
//! Must never touch a value that is not what the auditor saw, nor move a source's position forward.

use super::value::{Value, bring, check, exact, sound_vectors};
use super::{Answer, SourceName, Vector};
use domain::entry::StockKey;
use domain::error::Result;

/// What the audit, or a person by its proposal, does to one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Correction {
    /// `change` becomes Σ sums − base, computed when it runs: a drift is gone whoever made it, and a value without
    /// one stays as it is. On a key without goods this leaves a value of 0.
    DropDrift,
    /// A source's sum at exactly this offset is `right`, not `wrong`; the quantity follows. Needs the ledger's proof.
    ReplaceEntry {
        /// Name in `at`.
        source: SourceName,
        /// The offset that stands there.
        offset: i64,
        /// The sum that stands there.
        wrong: i64,
        /// The ledger's sum up to that offset.
        right: i64,
    },
    /// These very bytes are no readable value: in their place comes what the vector says. Needs the ledger's proof.
    ReplaceDamaged {
        /// The bytes as the auditor read them.
        read: Vec<u8>,
        /// The key's whole state in the ledger.
        vector: Vector,
    },
    /// `base` becomes the audited quantity and `change` keeps the rest; the sum of both, and so the drift, stays.
    Fold {
        /// The audited quantity.
        quantity: i64,
    },
}

/// What a correction found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corrected {
    /// Done; the value was changed.
    Done,
    /// Nothing to do: what must be true is true, or the value is no longer the one that the auditor saw.
    Nothing,
    /// No value.
    Absent,
    /// No readable `at`, or a number would lose exactness.
    Damaged,
}

/// Applies a correction to stored bytes. The new value is `None` where nothing changes.
pub fn correct(stored: Option<&[u8]>, correction: &Correction) -> (Option<Value>, Corrected) {
    let Some(bytes) = stored else { return (None, Corrected::Absent) };
    let value = Value::read(bytes).ok();
    if let Correction::ReplaceDamaged { read, vector } = correction {
        if value.is_some() || read != bytes {
            return (None, Corrected::Nothing);
        }
        return done(None, replaced(vector));
    }
    let Some(value) = value else { return (None, Corrected::Damaged) };
    let next = match correction {
        Correction::DropDrift => dropped(&value),
        Correction::ReplaceEntry { source, offset, wrong, right } => {
            if value.at.get(source) != Some(&(*offset, *wrong)) {
                return (None, Corrected::Nothing);
            }
            entry_replaced(&value, source, *offset, *right)
        }
        Correction::Fold { quantity } => folded(&value, *quantity),
        Correction::ReplaceDamaged { .. } => None,
    };
    done(Some(&value), next)
}

fn done(before: Option<&Value>, next: Option<Value>) -> (Option<Value>, Corrected) {
    match next {
        Some(next) if Some(&next) == before => (None, Corrected::Nothing),
        Some(next) => (Some(next), Corrected::Done),
        None => (None, Corrected::Damaged),
    }
}

fn dropped(value: &Value) -> Option<Value> {
    let sums: i128 = value.at.values().map(|(_, sum)| i128::from(*sum)).sum();
    let change = i64::try_from(sums - i128::from(value.base)).ok().and_then(exact)?;
    Some(Value { change, ..value.clone() })
}

fn entry_replaced(value: &Value, source: &SourceName, offset: i64, right: i64) -> Option<Value> {
    let (_, wrong) = value.entry(source);
    let delta = exact(right.checked_sub(wrong)?)?;
    let mut next = value.clone();
    next.change = exact(value.change.checked_add(delta)?)?;
    next.at.insert(source.clone(), (offset, exact(right)?));
    Some(next)
}

/// What the vector makes of nothing; a key without goods gets a value of 0.
fn replaced(vector: &Vector) -> Option<Value> {
    match bring(None, vector) {
        (None, Answer::Absent) => Some(Value::default()),
        (next, _) => next,
    }
}

fn folded(value: &Value, quantity: i64) -> Option<Value> {
    let change = exact(exact(value.quantity())?.checked_sub(quantity)?)?;
    Some(Value { base: exact(quantity)?, change, at: value.at.clone() })
}

/// Refuses corrections that no sound ledger leads to, before any of them is executed.
pub fn sound_corrections(corrections: &[(StockKey, Correction)]) -> Result<()> {
    for (key, correction) in corrections {
        match correction {
            Correction::DropDrift => {}
            Correction::ReplaceEntry { source, offset, wrong, right } => {
                check(source, &[*offset, *wrong, *right], key)?;
            }
            Correction::ReplaceDamaged { vector, .. } => sound_vectors(std::slice::from_ref(vector))?,
            Correction::Fold { quantity } => check("fold", &[*quantity], key)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
