//! What a queue still holds, read from the side: a reader of its own, in no group, that moves nobody's position and
//! ends nobody else's reading. Two back ends: Kafka (`kafka/history.rs`) and the outbox.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Bounds, Chunk, Message, Reader, SourceIdentity};
use crate::outbox::Outbox;
use domain::error::Result;

/// The past of a queue.
#[async_trait]
pub trait History: Send + Sync {
    /// What the log holds of this source now; `None` when this incarnation of it is gone.
    async fn kept(&self, source: &SourceIdentity) -> Result<Option<Bounds>>;
    /// Reads from `from` on up to `to`, both within `kept`. Whoever reads stops once a chunk ends at `to` or beyond;
    /// until then every message below the chunk's end was handed on, or is invisible for ever.
    async fn open(&self, source: &SourceIdentity, from: i64, to: i64) -> Result<Box<dyn Reader>>;
}

/// The outbox's past: it keeps every entry.
pub struct LocalHistory {
    outbox: Arc<Outbox>,
}

impl LocalHistory {
    /// Over this outbox.
    pub fn new(outbox: Arc<Outbox>) -> Self {
        LocalHistory { outbox }
    }
}

#[async_trait]
impl History for LocalHistory {
    async fn kept(&self, source: &SourceIdentity) -> Result<Option<Bounds>> {
        let same = *source == self.outbox.local_source();
        Ok(same.then(|| Bounds { start: 0, end: self.outbox.end() }))
    }

    async fn open(&self, _source: &SourceIdentity, from: i64, to: i64) -> Result<Box<dyn Reader>> {
        Ok(Box::new(LocalPast { outbox: Arc::clone(&self.outbox), position: from, to }))
    }
}

struct LocalPast {
    outbox: Arc<Outbox>,
    position: i64,
    to: i64,
}

#[async_trait]
impl Reader for LocalPast {
    async fn next(&mut self, max: usize, _patience: Duration) -> Result<Option<Chunk>> {
        let stored = self.outbox.read_from(self.position, max.max(1)).await?;
        let messages: Vec<Message> = stored
            .into_iter()
            .filter(|stored| stored.offset < self.to)
            .map(|stored| Message {
                offset: stored.offset,
                timestamp_ms: Some(stored.saved_ms),
                payload: stored.payload,
            })
            .collect();
        // Fewer than asked for: everything up to the end was read.
        self.position = match messages.last() {
            Some(last) if messages.len() == max.max(1) => last.offset + 1,
            _ => self.to,
        };
        Ok(Some(Chunk { messages, next_offset: self.position }))
    }
}
