//! One open partition on its way from the polling thread to its reader: a bounded channel, a stash for what the
//! channel refused, and the position. The thread writes, the reader drains; a lane never reorders and never skips.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::{Bounds, Chunk, Message, Reader, SourceIdentity};
use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;

/// Most messages between thread and one reader.
const ITEMS: usize = 65_536;
/// Most bytes between the thread and all its readers. Common to all, so that an uneven topic does not keep the
/// thread from reading on.
const BYTES: usize = 24 << 20;
/// What a lane may hold even when the others have filled the rest: nobody starves beside one that is stuck. Of many
/// lanes each has less.
const OWN: usize = 1 << 20;

/// Bytes that lie between the thread and its readers.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: AtomicUsize,
    lanes: AtomicUsize,
}

impl Held {
    /// So many lanes share the room.
    pub(super) fn shared_by(&self, lanes: usize) {
        self.lanes.store(lanes, Ordering::Relaxed);
    }

    /// Whether a lane that holds `own` bytes has room, when all may hold `whole`.
    fn room(&self, own: usize, whole: usize) -> bool {
        let least = OWN.min(BYTES / self.lanes.load(Ordering::Relaxed).max(1) / 4);
        own <= least || self.bytes.load(Ordering::Acquire) <= whole
    }
}

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
#[derive(Debug)]
struct Shared {
    bytes: AtomicUsize,
    held: Arc<Held>,
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
    /// Since when something waits in the stash.
    pub(super) full: Option<Instant>,
    stash: VecDeque<Item>,
    items: mpsc::Sender<Item>,
    shared: Arc<Shared>,
}

/// What became of an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Taken,
    /// Kept in the stash: nothing more of this partition may be read.
    Full,
    /// The reader is gone.
    Closed,
}

impl Shared {
    fn has_room(&self, whole: usize) -> bool {
        self.held.room(self.bytes.load(Ordering::Acquire), whole)
    }

    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        self.held.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    fn take(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.held.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }
}

/// What was not read is no longer held once neither end is there.
impl Drop for Shared {
    fn drop(&mut self) {
        self.held.bytes.fetch_sub(self.bytes.load(Ordering::Acquire), Ordering::AcqRel);
    }
}

impl Lane {
    /// A lane and its reader.
    pub(super) fn new(
        source: SourceIdentity,
        generation: u64,
        next: i64,
        held: &Arc<Held>,
    ) -> (Self, LaneReader) {
        let (items, inbox) = mpsc::channel(ITEMS);
        let shared = Arc::new(Shared {
            bytes: AtomicUsize::new(0),
            held: Arc::clone(held),
            revoked: AtomicBool::new(false),
            failure: Mutex::new(None),
        });
        let reader = LaneReader { inbox, shared: Arc::clone(&shared) };
        let lane = Lane {
            source,
            generation,
            next,
            phase: Phase::Seeking(Instant::now()),
            paused: true,
            idle: false,
            asked: None,
            probe: None,
            strikes: 0,
            full: None,
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
        let pushed = self.flush_stash();
        self.full = match pushed {
            Pushed::Full => self.full.or_else(|| Some(Instant::now())),
            _ => None,
        };
        pushed
    }

    fn flush_stash(&mut self) -> Pushed {
        while let Some(item) = self.stash.pop_front() {
            let weight = item.weight();
            if !self.shared.has_room(BYTES) {
                self.stash.push_front(item);
                return if self.items.is_closed() { Pushed::Closed } else { Pushed::Full };
            }
            self.shared.add(weight);
            match self.items.try_send(item) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(item)) => {
                    self.shared.take(weight);
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
        self.stash.is_empty() && self.items.capacity() >= ITEMS / 2 && self.shared.has_room(BYTES / 2)
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
        failure.unwrap_or_else(|| {
            Error::new(Code::Fenced, words!("partition_went", "The partition went to another reader."))
        })
    }

    fn chunk(&mut self, first: Item, max: usize) -> Chunk {
        let mut chunk = Chunk { messages: Vec::new(), next_offset: 0 };
        let mut item = Some(first);
        while let Some(taken) = item.take() {
            self.shared.take(taken.weight());
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
pub(super) fn beyond(source: &SourceIdentity, next: i64, bounds: Bounds) -> Words {
    let (topic, partition) = (&source.topic, source.partition);
    if next < bounds.start {
        return words!(
            "retention_passed",
            "Retention passed us: partition {partition} of {topic} begins at offset {start}, but the ledger needs {next}. Entries in between are gone from the queue; restore them from another copy, or let `inv-daemon init` accept the loss of a source that was never read.",
            partition,
            topic,
            start = bounds.start,
            next
        );
    }
    words!(
        "log_truncated",
        "Partition {partition} of {topic} was truncated: it ends at offset {end}, but the ledger has read up to {next}. Find out which broker lost its log before anything is written to it.",
        partition,
        topic,
        end = bounds.end,
        next
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn lane() -> (Lane, LaneReader) {
        let source = SourceIdentity { topic: "t".into(), topic_uuid: Uuid::nil(), partition: 0 };
        Lane::new(source, 1, 0, &Arc::new(Held::default()))
    }

    fn message(offset: i64, size: usize) -> Message {
        Message { offset, timestamp_ms: None, payload: vec![0; size] }
    }

    #[tokio::test]
    async fn what_does_not_fit_waits_in_order() {
        let (mut lane, mut reader) = lane();
        let mut full = false;
        for offset in 0..40 {
            full |= lane.message(message(offset, 1 << 20)) == Pushed::Full;
        }
        assert!(full && !lane.drained());
        let mut seen = Vec::new();
        while seen.len() < 40 {
            let chunk = reader.next(3, Duration::from_secs(1)).await.unwrap().unwrap();
            assert_eq!(chunk.next_offset, chunk.messages.last().unwrap().offset + 1);
            seen.extend(chunk.messages.into_iter().map(|m| m.offset));
            lane.flush();
        }
        assert_eq!(seen, (0..40).collect::<Vec<i64>>());
        assert!(lane.drained());
    }

    #[test]
    fn a_full_lane_leaves_the_others_their_own() {
        let source = SourceIdentity { topic: "t".into(), topic_uuid: Uuid::nil(), partition: 0 };
        let held = Arc::new(Held::default());
        held.shared_by(2);
        let (mut first, reader) = Lane::new(source.clone(), 1, 0, &held);
        let (mut second, _other) = Lane::new(source, 2, 0, &held);
        let took = (0..40).take_while(|offset| first.message(message(*offset, 1 << 20)) == Pushed::Taken);
        assert_eq!(took.count(), BYTES >> 20);
        assert_eq!(second.message(message(0, 1 << 19)), Pushed::Taken);
        assert_eq!(second.message(message(1, 1 << 20)), Pushed::Taken);
        assert_eq!(second.message(message(2, 1)), Pushed::Full);
        drop((first, reader));
        assert_eq!(second.flush(), Pushed::Taken, "what a lane held is free when it is gone");
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
        lane.fail(Error::new(Code::Corrupt, Words::plain("gone")));
        assert_eq!(reader.next(1, Duration::from_secs(1)).await.unwrap_err().code, Code::Corrupt);
    }
}
