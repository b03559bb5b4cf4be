//! A source's stock delivery: in-flight batches (committed in the ledger, not acknowledged by the stock) go out,
//! acknowledgements come back. Repeats until the stock answers, and moves the watermark only past what was answered.
//! Runs beside the ledger, a bounded number of batches behind.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Stores, rules};
use domain::error::Result;
use queue::SourceIdentity;
use stock::{Answer, StockCall};

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
    // Once a parcel was not acknowledged no later one moves the watermark: the ledger was restored, and the next
    // look at it ends this lane.
    let mut acknowledged = true;
    while let Some(parcel) = parcels.recv().await {
        for (number, calls) in parcel.calls.chunks(CALLS).enumerate() {
            if number > 0 {
                crash_points::pass("stock.between_chunks");
            }
            acknowledged &= deliver_until_answered(&stores, calls, &acked).await;
        }
        let answered = rules::Parcel { upto: parcel.upto, acknowledged };
        let upto = rules::watermark(acked.load(Ordering::Acquire), &[answered]);
        crash_points::pass("stock.after");
        acked.store(upto, Ordering::Release);
        stores.board.source(&identity, |view| view.stock_offset = view.stock_offset.max(upto));
    }
}

async fn deliver_until_answered(stores: &Stores, calls: &[StockCall], acked: &AtomicI64) -> bool {
    let mut pause = Duration::from_millis(50);
    loop {
        match deliver(stores, calls, acked.load(Ordering::Acquire)).await {
            Ok(acknowledged) => return acknowledged,
            Err(error) => stores.board.stock_trouble(Some(error)),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Sends calls, then vectors for those the stock has no value of. Tells whether all are acknowledged: a vector that
/// the ledger no longer has, or that ends before the call, stands for nothing.
async fn deliver(stores: &Stores, calls: &[StockCall], acked: i64) -> Result<bool> {
    crash_points::pass("stock.before");
    let answers = stores.stock.apply(calls).await?;
    crash_points::pass("stock.applied");
    let mut absent = Vec::new();
    let (mut damaged, mut forgot) = (0, false);
    for (call, answer) in calls.iter().zip(answers) {
        if !rules::acknowledges(answer) {
            absent.push(call);
        }
        damaged += u64::from(answer == Answer::Damaged);
        forgot |= rules::forgotten(call, answer, acked);
    }
    let mut acknowledged = true;
    if !absent.is_empty() {
        let keys: Vec<_> = absent.iter().map(|call| call.key.clone()).collect();
        let vectors = stores.ledger.vectors(&keys).await?;
        crash_points::pass("stock.absent");
        stores.stock.bring(&vectors).await?;
        crash_points::pass("stock.brought");
        let by_key: HashMap<_, _> = vectors.iter().map(|vector| (&vector.key, vector)).collect();
        acknowledged = absent.iter().all(|call| rules::covers(call, by_key.get(&call.key).copied()));
    }
    if damaged > 0 {
        tracing::warn!(damaged, "values without a readable at: left to the audit");
        stores.board.change(|view| view.damaged += damaged);
    }
    if forgot {
        stores.forgot.notify_one();
    }
    Ok(acknowledged)
}
