//! The table through which the model takes every decision. `Rules::engine()` is the engine itself; a mutant is the
//! same table with one function replaced, and must be caught.

use inventory::audit::judge::{self, KeyCut, Verdict};
use inventory::stock::corrections::{Correction, correct};
use inventory::stock::value::{self, Value};
use inventory::stock::{Answer, StockCall, Vector};
use inventory::writer::rules::{self, Parcel};

/// A stored value before, a value after (`None`: nothing changes).
pub type Stored<'a> = Option<&'a [u8]>;

/// Every decision that the engine takes on the way of a bill and in an audit.
#[derive(Clone, Copy)]
pub struct Rules {
    pub step: fn(Stored, &StockCall) -> (Option<Value>, Answer),
    pub bring: fn(Stored, &Vector) -> (Option<Value>, Answer),
    pub owed_from: fn(i64, i64) -> Option<i64>,
    pub watermark: fn(i64, &[Parcel]) -> i64,
    pub still_ours: fn(&[u8; 16], Option<&[u8; 16]>) -> bool,
    pub acknowledges: fn(Answer) -> bool,
    pub covers: fn(&StockCall, Option<&Vector>) -> bool,
    pub forgotten: fn(&StockCall, Answer, i64) -> bool,
    pub lags: fn(&Vector, Stored) -> bool,
    pub judge: fn(Stored, &KeyCut) -> Verdict,
    /// What a second reading says of a suspicion; `None`: the suspicion is believed without one.
    pub forgot: Option<fn(Stored, &KeyCut) -> bool>,
    /// Drops a drift; the auditor saw `seen`.
    pub drop_drift: fn(Stored, seen: i64) -> Option<Value>,
    pub replace: fn(Stored, &Correction) -> Option<Value>,
}

impl Rules {
    /// The engine's functions.
    pub fn engine() -> Self {
        Rules {
            step: value::step,
            bring: value::bring,
            owed_from: rules::owed_from,
            watermark: rules::watermark,
            still_ours: rules::still_ours,
            acknowledges: rules::acknowledges,
            covers: rules::covers,
            forgotten: rules::forgotten,
            lags: rules::lags,
            judge: judge::judge,
            forgot: Some(judge::forgot),
            drop_drift: |stored, _| correct(stored, &Correction::DropDrift).0,
            replace: |stored, correction| correct(stored, correction).0,
        }
    }
}

/// The step of the first design: `at` is an offset alone, whatever is beyond it is added, whatever is not is skipped.
pub fn step_at_alone(stored: Stored, call: &StockCall) -> (Option<Value>, Answer) {
    let Some(Ok(value)) = stored.map(Value::read) else { return (None, Answer::Absent) };
    let (offset, counted) = value.entry(&call.source);
    if offset >= call.last {
        return (None, Answer::Seen);
    }
    let mut next = value.clone();
    next.change += call.delta;
    next.at.insert(call.source.clone(), (call.last, counted + call.delta));
    (Some(next), Answer::Applied)
}

/// The audit of the first design: whatever the ledger has beyond `at` is in flight, without limit.
pub fn judge_all_in_flight(stored: Stored, cut: &KeyCut) -> Verdict {
    let mut cut = cut.clone();
    cut.values_mut().for_each(|source| source.stock_offset = 0);
    judge::judge(stored, &cut)
}

/// The audit that takes the ledger for current: what the stock knows beyond it counts as wrong.
pub fn judge_ledger_current(stored: Stored, cut: &KeyCut) -> Verdict {
    let mut cut = cut.clone();
    cut.values_mut().for_each(|source| source.next_offset = i64::MAX);
    judge::judge(stored, &cut)
}

/// A correction by difference: what the auditor saw is subtracted, whatever stands there by now.
pub fn subtract_seen(stored: Stored, seen: i64) -> Option<Value> {
    let mut value = Value::read(stored?).ok()?;
    value.change -= seen;
    Some(value)
}

/// A vector that overwrites what is there.
pub fn bring_over(_: Stored, vector: &Vector) -> (Option<Value>, Answer) {
    value::bring(None, vector)
}
