//! Compaction by hand: what the limit on day tables would do by itself, done for all days before a given one.
//! Every day is a transaction of its own, so that a stop in the middle leaves nothing half done.

use chrono::NaiveDate;

use domain::error::Result;
use ledger::Ledger;

/// What a compaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Days moved into month tables.
    pub days: usize,
    /// Rows moved.
    pub rows: u64,
    /// Day tables dropped.
    pub tables: usize,
}

/// Compacts every open day before `day`, oldest first, and moves the boundary up to it. On an empty ledger
/// that is all it does: imported history then goes straight into month tables.
pub async fn compact_before(ledger: &Ledger, day: NaiveDate) -> Result<Compacted> {
    let mut done = Compacted { tables: ledger.finish_drops().await?, ..Compacted::default() };
    for open in ledger.open_days_before(day).await? {
        let (rows, tables) = ledger.compact_one(open).await?;
        done.days += 1;
        done.rows += rows;
        done.tables += tables;
    }
    ledger.set_boundary(day).await?;
    Ok(done)
}
