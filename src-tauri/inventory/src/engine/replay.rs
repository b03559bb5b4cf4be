//! The replay with the engine's own stores, history and clock.

use std::sync::Arc;

use super::Engine;
use audit::replay::{Report, Request, Stores, replay};
use audit::watch::Watch;
use domain::error::Result;

impl Engine {
    /// Replays the queue: a preview, or with `apply` the repair.
    pub async fn replay(&self, request: &Request, watch: &Watch) -> Result<Report> {
        self.ledger.require_ready().await?;
        let stores = Stores {
            ledger: Arc::clone(&self.ledger),
            stock: Arc::clone(&self.stock),
            history: self.history()?,
        };
        let clock = Arc::clone(&self.clock);
        let now = move || clock.epoch_ms();
        replay(&stores, request, &now, watch).await
    }
}
