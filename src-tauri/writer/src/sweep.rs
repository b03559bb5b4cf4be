//! The sweep: brings forward every key that the stock forgot or lags in, from proven `balances`, and touches
//! nothing else. An eviction, a wipe, a failover and an old snapshot are one case.

use super::rules::lags;
use domain::error::Result;
use ledger::Ledger;
use stock::{Answer, Stock, Vector};

/// Keys compared at a time; bounds memory.
const PAGE: usize = 1_000;

/// Compares all values' `at` with `balances` and sends vectors where the stock is behind. Returns how many keys
/// were changed by it. May run at any time beside any number of writers.
pub async fn sweep(ledger: &Ledger, stock: &dyn Stock) -> Result<u64> {
    let mut after = None;
    let mut brought = 0;
    loop {
        let vectors = ledger.scan_vectors(after.as_ref(), PAGE).await?;
        let Some(last) = vectors.last() else { return Ok(brought) };
        after = Some(last.key.clone());
        let keys: Vec<_> = vectors.iter().map(|vector| vector.key.clone()).collect();
        let values = stock.values(&keys).await?;
        let behind: Vec<Vector> = vectors
            .into_iter()
            .zip(values)
            .filter(|(vector, value)| lags(vector, value.as_deref()))
            .map(|(vector, _)| vector)
            .collect();
        if !behind.is_empty() {
            crash_points::pass("sweep.behind");
            let answers = stock.bring(&behind).await?;
            crash_points::pass("sweep.brought");
            let changed = |answer: &&Answer| matches!(answer, Answer::Created | Answer::Lagged(_));
            brought += answers.iter().filter(changed).count() as u64;
        }
    }
}
