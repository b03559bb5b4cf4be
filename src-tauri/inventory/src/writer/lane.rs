//! A source's way into the stock: committed calls in, acknowledgements out. Repeats until the stock answers;
//! moves the watermark only past what was answered. Runs beside the ledger, a bounded number of batches behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Stores;
use crate::error::Result;
use crate::queue::SourceIdentity;
use crate::stock::{Answer, Prev, StockCall};

/// Batches that the ledger may be ahead of the stock.
const AHEAD: usize = 4;
/// Calls of one batch sent at a time.
const CALLS: usize = 4_000;

/// The calls of one committed batch.
struct Parcel {
    calls: Vec<StockCall>,
    upto: i64,
}

/// The lane of one taken source. Dropping it drops what was not acknowledged: whoever takes the source next
/// sends that again from `balances`.
pub(super) struct Lane {
    parcels: Option<mpsc::Sender<Parcel>>,
    acked: Arc<AtomicI64>,
    task: JoinHandle<()>,
}

impl Lane {
    /// A lane whose watermark stands at `acked`.
    pub(super) fn open(stores: Stores, identity: SourceIdentity, acked: i64) -> Self {
        let watermark = Arc::new(AtomicI64::new(acked));
        let (parcels, receiver) = mpsc::channel(AHEAD);
        let task = tokio::spawn(deliver_all(stores, identity, receiver, Arc::clone(&watermark)));
        Lane { parcels: Some(parcels), acked: watermark, task }
    }

    /// Everything below it is acknowledged.
    pub(super) fn acked(&self) -> i64 {
        self.acked.load(Ordering::Acquire)
    }

    /// Hands a batch over; waits while the lane is full. Once it is acknowledged everything below `upto` is.
    pub(super) async fn send(&self, calls: Vec<StockCall>, upto: i64) {
        if let Some(parcels) = &self.parcels {
            // The task ends only when this sender is dropped, so sending cannot fail.
            let _ = parcels.send(Parcel { calls, upto }).await;
        }
    }

    /// Waits until everything handed over is acknowledged.
    pub(super) async fn drain(&mut self) {
        self.parcels = None;
        // Ends when the last parcel is acknowledged; a panic inside leaves the watermark where it was.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn deliver_all(
    stores: Stores,
    identity: SourceIdentity,
    mut parcels: mpsc::Receiver<Parcel>,
    acked: Arc<AtomicI64>,
) {
    while let Some(parcel) = parcels.recv().await {
        for calls in parcel.calls.chunks(CALLS) {
            let mut pause = Duration::from_millis(50);
            while let Err(error) = deliver(&stores, calls, acked.load(Ordering::Acquire)).await {
                stores.board.stock_trouble(Some(error));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
        }
        acked.fetch_max(parcel.upto, Ordering::AcqRel);
        stores.board.source(&identity, |view| view.stock_offset = view.stock_offset.max(parcel.upto));
    }
}

/// Sends calls, then vectors for those the stock has no value of. No error means: all are acknowledged.
async fn deliver(stores: &Stores, calls: &[StockCall], acked: i64) -> Result<()> {
    let answers = stores.stock.apply(calls).await?;
    let mut absent = Vec::new();
    let (mut damaged, mut forgot) = (0, false);
    for (call, answer) in calls.iter().zip(answers) {
        match answer {
            Answer::Absent => absent.push(call.key.clone()),
            Answer::Damaged => damaged += 1,
            Answer::Applied | Answer::Seen | Answer::Created | Answer::Lagged(_) => {}
        }
        forgot |= forgotten(call, answer, acked);
    }
    if !absent.is_empty() {
        let vectors = stores.ledger.vectors(&absent).await?;
        stores.stock.bring(&vectors).await?;
    }
    if damaged > 0 {
        tracing::warn!(damaged, "values without a readable at: left to the audit");
        stores.board.change(|view| view.damaged += damaged);
    }
    if forgot {
        stores.forgot.notify_one();
    }
    Ok(())
}

/// Whether this answer shows that the stock lost something it had acknowledged: the key's previous entry lies
/// below the watermark and yet the value does not know it.
fn forgotten(call: &StockCall, answer: Answer, acked: i64) -> bool {
    let Prev::At(prev) = call.prev else { return false };
    let known = match answer {
        Answer::Absent => -1,
        Answer::Lagged(offset) => offset,
        _ => return false,
    };
    known < prev && prev < acked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::StockKey;

    #[test]
    fn only_acknowledged_entries_can_be_forgotten() {
        let call = |prev| StockCall {
            key: StockKey::parse("W:P").unwrap(),
            source: "s.0".into(),
            prev,
            last: 9,
            delta: 1,
            sum: 1,
        };
        assert!(forgotten(&call(Prev::At(5)), Answer::Absent, 6));
        assert!(forgotten(&call(Prev::At(5)), Answer::Lagged(3), 6));
        assert!(!forgotten(&call(Prev::At(5)), Answer::Lagged(3), 5), "in flight");
        assert!(!forgotten(&call(Prev::At(-1)), Answer::Absent, 6), "new key");
        assert!(!forgotten(&call(Prev::Unknown), Answer::Lagged(3), 6), "sent again");
    }
}
