//! What the writer decides, as pure functions: whether a position fits the log, what is sent again, how far the
//! watermark may move, what an answer means, which keys a sweep sends. Knows no store and no clock. The running
//! writer calls these, and the model in `inventory/tests/engine/model` explores these very functions.

use ledger::{BalanceRow, SourceRow};
use queue::Bounds;
use stock::value::Value;
use stock::{Answer, Prev, SourceName, StockCall, Vector};

/// How a source's position in the ledger fits its log (DESIGN §3 rules 8 and 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The ledger does not know the source and its log begins at 0: it is registered there.
    New,
    /// The ledger does not know the source and its first message is gone: only `init` may accept that.
    StartGone,
    /// Retention has taken messages that were not counted yet.
    RetentionPassed,
    /// The log ends below the position: truncated, or a new leader that lags for a moment.
    EndsBefore,
    /// The position fits if the message at this offset still is the one that was counted.
    IfSame(i64),
    /// It fits; the last message counted is gone by retention, so there is nothing to compare.
    Fits,
}

/// Compares the ledger's row with the log's bounds. Nothing is ever skipped: what does not fit stops the source.
pub fn fit(row: Option<&SourceRow>, bounds: Bounds) -> Fit {
    let Some(row) = row else {
        return if bounds.start > 0 { Fit::StartGone } else { Fit::New };
    };
    if row.next_offset < bounds.start {
        Fit::RetentionPassed
    } else if row.next_offset > bounds.end {
        Fit::EndsBefore
    } else if row.last_offset < bounds.start {
        Fit::Fits
    } else {
        Fit::IfSame(row.last_offset)
    }
}

/// Whether the ledger's row still is the one that this writer holds. Another stamp means that somebody else moved
/// it, or that the ledger was restored: the source is taken anew.
pub fn still_ours(ours: &[u8; 16], now: Option<&[u8; 16]>) -> bool {
    now == Some(ours)
}

/// Rule 6: every `balances` row from this offset on is sent again when a source is taken; `None`: the stock has
/// acknowledged everything.
pub fn owed_from(next_offset: i64, stock_offset: i64) -> Option<i64> {
    (stock_offset < next_offset).then_some(stock_offset)
}

/// Rule 6: the call that brings one of these rows to the stock.
pub fn again(source: &SourceName, balance: BalanceRow) -> StockCall {
    StockCall::again(balance.key, source.clone(), balance.last_offset, balance.quantity)
}

/// Calls that were handed over together: the end of their batch, and whether the stock has answered all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parcel {
    /// Position after the batch.
    pub upto: i64,
    /// Every call of it is acknowledged.
    pub acknowledged: bool,
}

/// Rule 5: the lowest offset that is not acknowledged. `parcels` are those handed over since the watermark stood at
/// `acked`, in their order; they may be answered in any order.
pub fn watermark(acked: i64, parcels: &[Parcel]) -> i64 {
    let answered = parcels.iter().take_while(|parcel| parcel.acknowledged);
    answered.fold(acked, |acked, parcel| acked.max(parcel.upto))
}

/// Rule 5: whether this answer means that the call is in the stock, or is left to the audit. Otherwise the key's
/// vector is sent.
pub fn acknowledges(answer: Answer) -> bool {
    answer != Answer::Absent
}

/// Rules 4 and 5: whether the key's vector, sent in place of a call that found no value, says as much as the call. A
/// ledger that was restored meanwhile may have none, or an older one: then nothing is acknowledged.
pub fn covers(call: &StockCall, vector: Option<&Vector>) -> bool {
    let mut parts = vector.iter().flat_map(|vector| &vector.parts);
    parts.any(|(source, last, _)| *source == call.source && *last >= call.last)
}

/// Rule 7: whether this answer shows that the stock lost something it had acknowledged: the key's previous entry
/// lies below the watermark and yet the value does not know it.
pub fn forgotten(call: &StockCall, answer: Answer, acked: i64) -> bool {
    let Prev::At(prev) = call.prev else { return false };
    let known = match answer {
        Answer::Absent => -1,
        Answer::Lagged(offset) => offset,
        _ => return false,
    };
    known < prev && prev < acked
}

/// Rule 7: whether a sweep sends this vector: the value is absent, or some source's offset is behind. A damaged
/// value is left to the audit.
pub fn lags(vector: &Vector, value: Option<&[u8]>) -> bool {
    let Some(bytes) = value else { return true };
    let Ok(value) = Value::read(bytes) else { return false };
    vector.parts.iter().any(|(source, last, _)| value.at.get(source).is_none_or(|(offset, _)| offset < last))
}

#[cfg(test)]
mod tests;
