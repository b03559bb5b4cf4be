//! Memory for batches under way. A batch takes room by its size before it is decoded and gives it back once it is
//! committed; so many partitions with a long backlog take turns instead of growing together, while small batches
//! of a quiet hour never wait for each other.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::queue::Chunk;

/// Room for each core, in KiB. A core that waits for the ledger needs no second large batch.
const EACH_CORE: usize = 16 << 10;
/// What a message needs besides its bytes, in bytes: the entry and its place in the sums.
const EACH_MESSAGE: usize = 512;
/// How often a message's bytes exist at one time: as received, and written as SQL.
const COPIES: usize = 3;

/// Room for the batches of one process.
#[derive(Debug)]
pub(crate) struct Room {
    whole: usize,
    free: Semaphore,
}

impl Room {
    /// As much as this machine's cores can make use of.
    pub(crate) fn of_this_machine() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Room::new(EACH_CORE * cores.max(2))
    }

    fn new(whole: usize) -> Self {
        Room { whole, free: Semaphore::new(whole) }
    }

    /// Waits until there is room for the batch; in the order of asking. One that is larger than all the room has it
    /// alone. The room is free again when the answer is dropped.
    pub(crate) async fn take(&self, chunk: &Chunk) -> Option<SemaphorePermit<'_>> {
        let bytes: usize = chunk.messages.iter().map(|message| message.payload.len()).sum();
        let needed = (chunk.messages.len() * EACH_MESSAGE + bytes * COPIES) / 1024 + 1;
        let permits = u32::try_from(needed.min(self.whole)).unwrap_or(u32::MAX);
        // Nobody closes the semaphore.
        self.free.acquire_many(permits).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Message;
    use futures::FutureExt;

    fn chunk(messages: usize, size: usize) -> Chunk {
        let message = |offset| Message { offset: offset as i64, timestamp_ms: None, payload: vec![0; size] };
        Chunk { messages: (0..messages).map(message).collect(), next_offset: messages as i64 }
    }

    #[tokio::test]
    async fn large_batches_take_turns_and_small_ones_pass() {
        let room = Room::new(1000);
        let large = room.take(&chunk(1200, 10)).await;
        assert!(room.take(&chunk(1200, 10)).now_or_never().is_none());
        assert!(room.take(&chunk(10, 100)).now_or_never().is_some());
        drop(large);
        assert!(room.take(&chunk(1200, 10)).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_message_larger_than_all_the_room_is_taken_alone() {
        let room = Room::new(1000);
        let huge = room.take(&chunk(1, 10 << 20)).now_or_never();
        assert!(huge.is_some());
        assert!(room.take(&chunk(1, 1)).now_or_never().is_none());
    }
}
