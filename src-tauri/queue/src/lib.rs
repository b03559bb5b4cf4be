//! The queue: what happened, in order, per partition. Two back ends: Kafka, and the local outbox.
//! A reader starts where the stores say, never where the queue remembers us to be.

pub mod history;
pub mod kafka;
pub mod local;
pub mod outbox;

use std::time::Duration;

use async_trait::async_trait;
use domain::error::{Error, Result};
pub use domain::source::SourceIdentity;

/// One message as it lies in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Offset in its partition.
    pub offset: i64,
    /// Kafka timestamp, milliseconds since the epoch, if the message has one.
    pub timestamp_ms: Option<i64>,
    /// Raw value; empty for a tombstone.
    pub payload: Vec<u8>,
}

/// What a reader hands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Messages in offset order; may be empty when only the position moved (markers, aborted messages).
    pub messages: Vec<Message>,
    /// Position after this chunk: everything below it was handed on or is invisible for ever.
    pub next_offset: i64,
}

/// Where a partition's log begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// First retained offset.
    pub start: i64,
    /// Offset after the last visible message (last stable offset).
    pub end: i64,
}

/// What became of our share of the partitions.
#[derive(Debug, Clone)]
pub enum Event {
    /// These are ours from now on; each is to be opened from the stores' offset.
    Assigned(Vec<SourceIdentity>),
    /// These are no longer ours; their readers end.
    Revoked(Vec<SourceIdentity>),
    /// The queue is out of reach or back again; reading goes on by itself. `None` = back.
    Trouble(Option<Error>),
}

/// Reads one partition. Dropping it stops delivery for that partition.
#[async_trait]
pub trait Reader: Send {
    /// Waits up to `patience` for messages and returns what is there: at least one message or a moved
    /// position, at most `max` messages. `None`: nothing came. Error `Fenced`: the partition was revoked.
    /// Cancel-safe: a dropped call loses nothing.
    async fn next(&mut self, max: usize, patience: Duration) -> Result<Option<Chunk>>;
}

/// A queue that this process consumes.
#[async_trait]
pub trait Queue: Send + Sync {
    /// The next change of our assignment; waits. `None` after `close`.
    async fn event(&self) -> Option<Event>;
    /// Delivers the partition from `offset` on; an earlier reader of it ends.
    async fn open(&self, source: &SourceIdentity, offset: i64) -> Result<Box<dyn Reader>>;
    /// The partition's bounds now.
    async fn bounds(&self, source: &SourceIdentity) -> Result<Bounds>;
    /// Reads the one message at `offset`, on a connection of its own; `None` if retention has taken it or it
    /// is a marker.
    async fn message_at(&self, source: &SourceIdentity, offset: i64) -> Result<Option<Message>>;
    /// All partitions of the topic as they are now, ours or not.
    async fn partitions(&self) -> Result<Vec<SourceIdentity>>;
    /// Tells the group how far we are, for display only.
    fn publish_position(&self, source: &SourceIdentity, next_offset: i64);
    /// Leaves the group and ends all readers.
    async fn close(&self);
}
