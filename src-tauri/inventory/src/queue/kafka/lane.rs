//! One open partition on its way from the polling thread to its reader: a bounded channel, a stash for what the
//! channel refused, and the position. The thread writes, the reader drains; a lane never reorders and never skips.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::error::{Code, Error, Result};
use crate::queue::{Bounds, Chunk, Message, Reader, SourceIdentity};

/// Most messages between thread and reader.
const ITEMS: usize = 16_384;
/// Most bytes between thread and reader.
const BYTES: usize = 16 << 20;

/// What travels.
#[derive(Debug)]
pub(super) enum Item {
    Message(Message),
    /// Everything below is invisible for ever.
    Position(i64),
}

impl Item {
    fn weight(&self) -> usize {
        match self {
            Item::Message(message) => message.payload.len() + 64,
            Item::Position(_) => 64,
        }
    }
}

/// What both ends see.
#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicUsize,
    revoked: AtomicBool,
    failure: Mutex<Option<Error>>,
}

/// Where a lane stands with the client library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not yet at its position; whatever comes is of an earlier reader.
    Seeking(Instant),
    /// Messages that come are the next ones.
    Flowing,
}

/// A second reading of an idle stretch that is thought to hold only invisible messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    /// Last stable offset, asked before the second reading began.
    pub(super) end: i64,
}

/// The thread's end.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) source: SourceIdentity,
    /// Tells this opening of the partition from every other.
    pub(super) generation: u64,
    /// Next offset to hand on.
    pub(super) next: i64,
    pub(super) phase: Phase,
    /// Paused in the client library.
    pub(super) paused: bool,
    /// The end was reached and nothing came since.
    pub(super) idle: bool,
    /// A question about the log's end is under way since then.
    pub(super) asked: Option<Instant>,
    pub(super) probe: Option<Probe>,
    /// How often the log's bounds said that our position lies beyond them.
    pub(super) strikes: u32,
    stash: VecDeque<Item>,
    items: mpsc::Sender<Item>,
    shared: Arc<Shared>,
}

/// What became of an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Taken,
    /// Kept in the stash: the partition is to be paused.
    Full,
    /// The reader is gone.
    Closed,
}

impl Lane {
    /// A lane and its reader.
    pub(super) fn new(
        source: SourceIdentity,
        generation: u64,
        next: i64,
        now: Instant,
    ) -> (Self, LaneReader) {
        let (items, inbox) = mpsc::channel(ITEMS);
        let shared = Arc::new(Shared::default());
        let reader = LaneReader { inbox, shared: Arc::clone(&shared) };
        let lane = Lane {
            source,
            generation,
            next,
            phase: Phase::Seeking(now),
            paused: true,
            idle: false,
            asked: None,
            probe: None,
            strikes: 0,
            stash: VecDeque::new(),
            items,
            shared,
        };
        (lane, reader)
    }

    /// Hands a message on. One below the position was handed on before (the client may begin inside a batch).
    pub(super) fn message(&mut self, message: Message) -> Pushed {
        if message.offset < self.next {
            return Pushed::Taken;
        }
        self.next = message.offset + 1;
        self.idle = false;
        self.probe = None;
        self.strikes = 0;
        self.push(Item::Message(message))
    }

    /// Moves the position over what is invisible.
    pub(super) fn skip_to(&mut self, next: i64) -> Pushed {
        if next <= self.next {
            return Pushed::Taken;
        }
        self.next = next;
        self.push(Item::Position(next))
    }

    fn push(&mut self, item: Item) -> Pushed {
        self.stash.push_back(item);
        self.flush()
    }

    /// Moves the stash into the channel as far as there is room.
    pub(super) fn flush(&mut self) -> Pushed {
        while let Some(item) = self.stash.pop_front() {
            let weight = item.weight();
            if self.shared.bytes.load(Ordering::Acquire) > BYTES {
                self.stash.push_front(item);
                return if self.items.is_closed() { Pushed::Closed } else { Pushed::Full };
            }
            self.shared.bytes.fetch_add(weight, Ordering::AcqRel);
            match self.items.try_send(item) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(item)) => {
                    self.shared.bytes.fetch_sub(weight, Ordering::AcqRel);
                    self.stash.push_front(item);
                    return Pushed::Full;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => return Pushed::Closed,
            }
        }
        Pushed::Taken
    }

    /// Half of the room is free again.
    pub(super) fn drained(&self) -> bool {
        self.stash.is_empty()
            && self.items.capacity() >= ITEMS / 2
            && self.shared.bytes.load(Ordering::Acquire) <= BYTES / 2
    }

    /// The reader was dropped.
    pub(super) fn abandoned(&self) -> bool {
        self.items.is_closed()
    }

    /// Ends the reader with an error, after what it has not read yet.
    pub(super) fn fail(self, error: Error) {
        *self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// Ends the reader at once: the partition is no longer ours.
    pub(super) fn revoke(self) {
        self.shared.revoked.store(true, Ordering::Release);
    }
}

/// The reader's end.
#[derive(Debug)]
pub(super) struct LaneReader {
    inbox: mpsc::Receiver<Item>,
    shared: Arc<Shared>,
}

impl LaneReader {
    fn ended(&self) -> Error {
        let failure = self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        failure.unwrap_or_else(|| Error::new(Code::Fenced, "The partition went to another reader."))
    }

    fn chunk(&mut self, first: Item, max: usize) -> Chunk {
        let mut chunk = Chunk { messages: Vec::new(), next_offset: 0 };
        let mut item = Some(first);
        while let Some(taken) = item.take() {
            self.shared.bytes.fetch_sub(taken.weight(), Ordering::AcqRel);
            match taken {
                Item::Message(message) => {
                    chunk.next_offset = message.offset + 1;
                    chunk.messages.push(message);
                }
                Item::Position(next) => chunk.next_offset = next,
            }
            if chunk.messages.len() < max.max(1) {
                item = self.inbox.try_recv().ok();
            }
        }
        chunk
    }
}

#[async_trait]
impl Reader for LaneReader {
    async fn next(&mut self, max: usize, patience: Duration) -> Result<Option<Chunk>> {
        if self.shared.revoked.load(Ordering::Acquire) {
            return Err(self.ended());
        }
        // Taking from the channel is cancel-safe, and nothing waits between taking and answering.
        match tokio::time::timeout(patience, self.inbox.recv()).await {
            Err(_) => Ok(None),
            Ok(Some(_)) if self.shared.revoked.load(Ordering::Acquire) => Err(self.ended()),
            Ok(Some(first)) => Ok(Some(self.chunk(first, max))),
            Ok(None) => Err(self.ended()),
        }
    }
}

/// Why a position lies beyond its log, in words.
pub(super) fn beyond(source: &SourceIdentity, next: i64, bounds: Bounds) -> String {
    let (topic, partition) = (&source.topic, source.partition);
    if next < bounds.start {
        return format!(
            "Retention passed us: partition {partition} of {topic} begins at offset {}, but the ledger needs {next}. \
             Entries in between are gone from the queue; restore them from another copy, or let `inv-daemon init` \
             accept the loss of a source that was never read.",
            bounds.start
        );
    }
    format!(
        "Partition {partition} of {topic} was truncated: it ends at offset {}, but the ledger has read up to {next}. \
         Find out which broker lost its log before anything is written to it.",
        bounds.end
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn lane() -> (Lane, LaneReader) {
        let source = SourceIdentity { topic: "t".into(), topic_uuid: Uuid::nil(), partition: 0 };
        Lane::new(source, 1, 0, Instant::now())
    }

    fn message(offset: i64, size: usize) -> Message {
        Message { offset, timestamp_ms: None, payload: vec![0; size] }
    }

    #[tokio::test]
    async fn what_does_not_fit_waits_in_order() {
        let (mut lane, mut reader) = lane();
        let mut full = false;
        for offset in 0..20 {
            full |= lane.message(message(offset, 1 << 20)) == Pushed::Full;
        }
        assert!(full && !lane.drained());
        let mut seen = Vec::new();
        while seen.len() < 20 {
            let chunk = reader.next(3, Duration::from_secs(1)).await.unwrap().unwrap();
            assert_eq!(chunk.next_offset, chunk.messages.last().unwrap().offset + 1);
            seen.extend(chunk.messages.into_iter().map(|m| m.offset));
            lane.flush();
        }
        assert_eq!(seen, (0..20).collect::<Vec<i64>>());
        assert!(lane.drained());
    }

    #[tokio::test]
    async fn old_offsets_are_dropped_and_positions_move() {
        let (mut lane, mut reader) = lane();
        lane.message(message(4, 1));
        lane.message(message(4, 1));
        lane.message(message(2, 1));
        lane.skip_to(9);
        let chunk = reader.next(10, Duration::from_secs(1)).await.unwrap().unwrap();
        assert_eq!((chunk.messages.len(), chunk.next_offset), (1, 9));
        lane.fail(Error::new(Code::Corrupt, "gone"));
        assert_eq!(reader.next(1, Duration::from_secs(1)).await.unwrap_err().code, Code::Corrupt);
    }
}
