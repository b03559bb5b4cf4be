//! `compact`: moves days into month tables by hand.

use inventory::Parts;
use inventory::config::Config;
use inventory::domain::error::Result;

use crate::{Outcome, output};

/// Compacts every day before `before`.
pub async fn compact(config: Config, before: chrono::NaiveDate) -> Result<Outcome> {
    let engine = super::open(config, Parts::Stores).await?;
    let done = inventory::compact::compact_before(engine.ledger(), before).await?;
    output::line(&format!(
        "{} days with {} rows moved into month tables, {} day tables dropped; the boundary is {before}",
        done.days, done.rows, done.tables
    ))?;
    Ok(Outcome::Clean)
}
