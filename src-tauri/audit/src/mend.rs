//! What an audit corrects by itself: each call says what must be true, so that it may come twice, late, or from two
//! auditors. A vector for what was forgotten; a drift dropped; a sum or a damaged value replaced, these two only with
//! the ledger's proof of the key from the same snapshot.

use std::collections::BTreeMap;

use super::careful::{Case, What};
use super::words::State;
use domain::error::Result;
use stock::corrections::{self, Corrected, Correction};
use stock::{Answer, Stock, value};

/// Keys corrected by one call.
const CHUNK: usize = 500;

/// What became of a case.
pub struct Mended {
    /// It is right now.
    pub done: bool,
    /// The value moved on while it was corrected: it has to be looked at again before anything is said of it.
    pub moved: bool,
    /// What stands there now.
    pub after: String,
}

/// The corrections of a case, in order; empty for what is brought by its vector, or must not be touched.
pub fn corrections(case: &Case) -> Vec<Correction> {
    match &case.what {
        What::Forgot(_) => Vec::new(),
        What::Deviates(judged, _) => judged.corrections(case.proven()),
        What::Damaged { .. } if case.proven() => {
            let read = case.stored.clone().unwrap_or_default();
            vec![Correction::ReplaceDamaged { read, vector: case.vector.clone() }]
        }
        What::Damaged { .. } => Vec::new(),
    }
}

/// The specification's word for a case.
pub fn state(case: &Case) -> State {
    match &case.what {
        What::Forgot(judged) | What::Deviates(judged, _) => judged.state(),
        // A value without a position proves nothing, so it counts as missing.
        What::Damaged { .. } => State::NrsMissing,
    }
}

/// Whether an audit corrects it without asking.
pub fn at_once(case: &Case, storm: bool) -> bool {
    match case.what {
        What::Forgot(_) => true,
        _ => !storm && state(case).at_once() && !corrections(case).is_empty(),
    }
}

/// What the value would be after its correction, as text.
pub fn preview(case: &Case) -> String {
    let mut stored = case.stored.clone();
    if case.forgot {
        let brought = value::bring(stored.as_deref(), &case.vector).0;
        stored = brought.map(|value| value.print()).or(stored);
    }
    for correction in corrections(case) {
        let next = corrections::correct(stored.as_deref(), &correction).0;
        stored = next.map(|value| value.print()).or(stored);
    }
    text(stored.as_deref())
}

/// A stored value as the log keeps it.
pub fn text(stored: Option<&[u8]>) -> String {
    stored.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

/// Corrects the cases; answers in their order.
pub async fn mend(stock: &dyn Stock, cases: &[&Case]) -> Result<Vec<Mended>> {
    let mut done = Vec::with_capacity(cases.len());
    for chunk in cases.chunks(CHUNK) {
        done.extend(mend_some(stock, chunk).await?);
    }
    Ok(done)
}

async fn mend_some(stock: &dyn Stock, cases: &[&Case]) -> Result<Vec<Mended>> {
    let forgot: Vec<usize> = (0..cases.len()).filter(|place| cases[*place].forgot).collect();
    let mut outcome = vec![true; cases.len()];
    let mut moved = vec![false; cases.len()];
    let vectors: Vec<_> = forgot.iter().map(|place| cases[*place].vector.clone()).collect();
    if !vectors.is_empty() {
        for (place, answer) in forgot.iter().zip(stock.bring(&vectors).await?) {
            outcome[*place] = !matches!(answer, Answer::Damaged | Answer::Absent);
        }
        crash_points::pass("audit.brought");
    }
    // One correction per key and call: a key's second one follows in the next round.
    let mut rounds: BTreeMap<usize, Vec<(usize, Correction)>> = BTreeMap::new();
    for (place, case) in cases.iter().enumerate() {
        for (round, correction) in corrections(case).into_iter().enumerate() {
            rounds.entry(round).or_default().push((place, correction));
        }
    }
    for calls in rounds.into_values() {
        let keyed: Vec<_> =
            calls.iter().map(|(place, correction)| (cases[*place].key.clone(), correction.clone())).collect();
        for ((place, correction), answer) in calls.iter().zip(stock.correct(&keyed).await?) {
            outcome[*place] &= matches!(answer, Corrected::Done | Corrected::Nothing);
            // A drift that is gone is gone; what was to be replaced may stand there by another offset now.
            moved[*place] |= answer != Corrected::Done && *correction != Correction::DropDrift;
        }
        crash_points::pass("audit.replaced");
    }
    let keys: Vec<_> = cases.iter().map(|case| case.key.clone()).collect();
    let after = stock.values(&keys).await?;
    let mended = outcome.into_iter().zip(moved).zip(after);
    let mended = mended.map(|((done, moved), after)| Mended {
        done: done && !moved,
        moved,
        after: text(after.as_deref()),
    });
    Ok(mended.collect())
}
