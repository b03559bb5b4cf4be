//! Memory for batches under way. A source waits for room before it takes its batch from the queue and gives it back
//! once that is committed; so many partitions with a long backlog take turns instead of growing together, and what
//! they are handed is all that has come meanwhile. Small batches of a quiet hour never wait for each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use domain::error::Result;
use queue::{Chunk, Reader};

/// Room for each core, in KiB: some five large batches on two cores, so that a few are at work while others wait for
/// the ledger's disk.
const EACH_CORE: usize = 32 << 10;
/// Room that a common message needs, with what becomes of it, in bytes.
const COMMON: usize = 1_100;
/// What a message needs besides its bytes, in bytes: the entry and its place in the sums.
const EACH_MESSAGE: usize = 512;
/// How often a message's bytes exist at one time: as received, and written as SQL.
const COPIES: usize = 3;
/// Most messages of one transaction. Statements and commits cost, not rows: a backlog is taken in large batches,
/// a quiet hour entry by entry, since a reader hands on what is there at once.
const BATCH: usize = 12_000;
/// The same for a source that is the only one of its process and so has all the room, and for one whose entries lie so
/// widely that each statement carries few of them.
const LARGE_BATCH: usize = 24_000;
/// A batch of more days of products than this lies widely. Twice as many entries of that kind need hardly more
/// statements; of entries that lie together fewer sources would be at work at a time for nothing.
const WIDE: usize = 500;

/// Room for the batches of one process.
#[derive(Debug)]
pub(crate) struct Room {
    whole: usize,
    free: Semaphore,
    sources: AtomicUsize,
}

/// A source that takes batches; dropped when it is given back.
#[derive(Debug)]
pub(crate) struct Guest {
    room: Arc<Room>,
    wide: AtomicBool,
}

/// A batch's room, free again when this is dropped.
pub(crate) type Taken<'a> = Option<SemaphorePermit<'a>>;

impl Drop for Guest {
    fn drop(&mut self) {
        self.room.sources.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Guest {
    /// The last batch lay in so many days of products.
    pub(crate) fn wrote_to(&self, places: usize) {
        self.wide.store(places > WIDE, Ordering::Relaxed);
    }

    fn most(&self) -> usize {
        let lone = self.room.sources.load(Ordering::Relaxed) <= 1;
        if lone || self.wide.load(Ordering::Relaxed) { LARGE_BATCH } else { BATCH }
    }

    /// The reader's next batch and its room. `None`: nothing came. Dropped in between it loses nothing but what the
    /// reader gave: the source is then read anew from the ledger's position.
    pub(crate) async fn next(
        &self,
        reader: &mut dyn Reader,
        patience: Duration,
    ) -> Result<Option<(Chunk, Taken<'_>)>> {
        // Whoever has nothing to write holds no room.
        let Some(mut chunk) = reader.next(1, patience).await? else { return Ok(None) };
        let most = self.most();
        let turn = self.room.take(most * COMMON / 1024).await;
        let more = most.saturating_sub(chunk.messages.len());
        if let Some(more) = reader.next(more.max(1), Duration::ZERO).await? {
            chunk.messages.extend(more.messages);
            chunk.next_offset = more.next_offset;
        }
        let room = self.room.fit(turn, needed(&chunk)).await;
        Ok(Some((chunk, room)))
    }
}

impl Room {
    /// As much as this machine's cores can make use of.
    pub(crate) fn of_this_machine() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Room::new(EACH_CORE * cores.max(2))
    }

    fn new(whole: usize) -> Self {
        Room { whole, free: Semaphore::new(whole), sources: AtomicUsize::new(0) }
    }

    /// One more source takes batches from now on.
    pub(crate) fn enter(self: &Arc<Self>) -> Guest {
        self.sources.fetch_add(1, Ordering::Relaxed);
        Guest { room: Arc::clone(self), wide: AtomicBool::new(false) }
    }

    /// Waits until there is so much room; in the order of asking. More than all the room is all of it.
    async fn take(&self, needed: usize) -> Taken<'_> {
        let permits = u32::try_from(needed.min(self.whole)).unwrap_or(u32::MAX);
        // Nobody closes the semaphore.
        self.free.acquire_many(permits).await.ok()
    }

    /// Room as the batch turned out. Whoever needs more than it has gives that back first: else two could wait for
    /// each other.
    async fn fit<'a>(&'a self, turn: Taken<'a>, needed: usize) -> Taken<'a> {
        let mut turn = turn?;
        if turn.num_permits() >= needed.min(self.whole) {
            let fits = turn.split(needed.min(self.whole));
            drop(turn);
            return fits;
        }
        drop(turn);
        self.take(needed).await
    }
}

/// KiB that a batch needs until it is committed.
fn needed(chunk: &Chunk) -> usize {
    let bytes: usize = chunk.messages.iter().map(|message| message.payload.len()).sum();
    (chunk.messages.len() * EACH_MESSAGE + bytes * COPIES) / 1024 + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use futures::FutureExt;
    use queue::Message;

    /// So many messages of so many bytes, one after the other.
    struct Backlog {
        next: i64,
        left: usize,
        size: usize,
    }

    #[async_trait]
    impl Reader for Backlog {
        async fn next(&mut self, max: usize, _: Duration) -> Result<Option<Chunk>> {
            let count = max.min(self.left);
            let offsets = self.next..self.next + count as i64;
            self.left -= count;
            self.next = offsets.end;
            let message = |offset| Message { offset, timestamp_ms: None, payload: vec![0; self.size] };
            let chunk = Chunk { messages: offsets.map(message).collect(), next_offset: self.next };
            Ok((count > 0).then_some(chunk))
        }
    }

    fn backlog(left: usize, size: usize) -> Backlog {
        Backlog { next: 0, left, size }
    }

    /// What a large batch waits for, in KiB.
    const TURN: usize = BATCH * COMMON / 1024;

    #[tokio::test]
    async fn large_batches_take_turns_and_small_ones_pass() {
        let room = Arc::new(Room::new(2 * TURN));
        let guests = [room.enter(), room.enter()];
        let (mut first, mut second) = (backlog(100_000, 2_000), backlog(100_000, 2_000));
        let (chunk, large) = guests[0].next(&mut first, Duration::ZERO).await.unwrap().unwrap();
        assert_eq!((chunk.messages.len(), chunk.next_offset), (BATCH, BATCH as i64));
        assert!(large.is_some());
        assert!(guests[1].next(&mut second, Duration::ZERO).now_or_never().is_none());
        drop(large);
        let (chunk, _large) = guests[1].next(&mut second, Duration::ZERO).await.unwrap().unwrap();
        assert_eq!(chunk.messages.first().unwrap().offset, 1, "what a dropped call was given is read anew");

        let room = Arc::new(Room::new(2 * TURN));
        let guests = [room.enter(), room.enter()];
        let mut held = Vec::new();
        for _ in 0..40 {
            let mut small = backlog(10, 100);
            let taken = guests[0].next(&mut small, Duration::ZERO).now_or_never();
            held.push(taken.unwrap().unwrap().unwrap());
        }
        assert!(held.iter().all(|(chunk, room)| chunk.messages.len() == 10 && room.is_some()));
    }

    #[tokio::test]
    async fn a_lone_source_takes_larger_batches_and_a_huge_message_is_taken_alone() {
        let room = Arc::new(Room::new(2 * TURN));
        let guest = room.enter();
        let mut reader = backlog(100_000, 10);
        let lone = guest.next(&mut reader, Duration::ZERO).await.unwrap().unwrap();
        assert_eq!(lone.0.messages.len(), LARGE_BATCH);
        drop(lone);
        let mut reader = backlog(1, 100 << 20);
        let huge = guest.next(&mut reader, Duration::ZERO).now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(huge.1.as_ref().unwrap().num_permits(), room.whole);
        let mut other = backlog(1, 1);
        assert!(guest.next(&mut other, Duration::ZERO).now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_source_whose_entries_lie_widely_takes_larger_batches_while_they_do() {
        let room = Arc::new(Room::new(4 * TURN));
        let guests = [room.enter(), room.enter()];
        let mut reader = backlog(100_000, 10);
        for (places, most) in [(0, BATCH), (WIDE, BATCH), (WIDE + 1, LARGE_BATCH), (1, BATCH)] {
            guests[0].wrote_to(places);
            let taken = guests[0].next(&mut reader, Duration::ZERO).await.unwrap().unwrap();
            assert_eq!(taken.0.messages.len(), most);
        }
    }
}
