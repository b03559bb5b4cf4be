//! What the polling thread does by time: lanes that wait for room, for a seek or for another look, and the group's
//! idea of our positions. Nothing here reads a message.

use std::sync::PoisonError;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::topic_partition_list::Offset;
use tokio::time::Instant;

use super::group::{self, Standing};
use super::lane::Phase;
use super::orders::Ask;
use super::poll::Poller;

/// How long reading waits for one full lane before its partition is paused. To pause is dear: the client library
/// throws away what it has fetched of the partition. Not to read costs nothing, but the other partitions wait too.
const ROOM_PATIENCE: Duration = Duration::from_millis(500);
/// How often positions are published.
const PUBLISH: Duration = Duration::from_secs(1);
/// After this long without a way to seek, all partitions are assigned anew at their positions.
const SEEK_PATIENCE: Duration = Duration::from_secs(2);
/// An idle partition whose log seems to go on is looked at this often.
const IDLE_LOOK: Duration = Duration::from_secs(5);

impl Poller {
    /// Whether a lane is full that will soon have room again; one that has waited for long is paused.
    pub(super) fn room_is_near(&mut self) -> bool {
        let mut near = false;
        let full = self.lanes.iter().filter(|(_, lane)| lane.full.is_some() && !lane.paused);
        for partition in full.map(|(partition, _)| *partition).collect::<Vec<i32>>() {
            let Some(lane) = self.lanes.get_mut(&partition) else { continue };
            let pushed = lane.flush();
            match lane.full {
                Some(since) if since.elapsed() < ROOM_PATIENCE => near = true,
                Some(_) => {
                    tracing::debug!(partition, "the reader is slow: the partition is paused");
                    lane.paused = true;
                    self.pause(&[partition]);
                }
                None => self.after(partition, &pushed),
            }
        }
        near
    }

    /// Everything that waits for room, for a seek or for another look.
    pub(super) fn tend(&mut self) {
        let now = Instant::now();
        let mut stuck = false;
        for partition in self.lanes.keys().copied().collect::<Vec<i32>>() {
            let Some(lane) = self.lanes.get_mut(&partition) else { continue };
            if lane.abandoned() {
                self.abandon(partition);
                continue;
            }
            if let Some(asked) = lane.asked
                && now.duration_since(asked) >= IDLE_LOOK
            {
                lane.asked = None;
            }
            if let Phase::Seeking(since) = lane.phase {
                stuck |= now.duration_since(since) >= SEEK_PATIENCE;
                self.seek(partition);
                continue;
            }
            let pushed = lane.flush();
            if lane.paused && lane.drained() {
                self.resume(partition);
            } else if lane.idle && !lane.paused {
                self.ask_beyond(partition);
            }
            self.after(partition, &pushed);
        }
        if stuck {
            self.assign_anew(now);
        }
        if now.duration_since(self.published) >= PUBLISH {
            self.publish();
            self.published = now;
            self.stay_a_member(now);
        }
    }

    /// A client that the brokers threw out for good is replaced by a new one.
    fn stay_a_member(&mut self, now: Instant) {
        match self.exile.standing(self.consumer.client().fatal_error().is_some(), now) {
            Standing::Member | Standing::Waiting => {}
            Standing::Out => self.consumer.context().lose_everything(),
            Standing::Return => match group::join(&self.settings, &self.asks) {
                Ok(consumer) => self.consumer = consumer,
                Err(error) => drop(self.asks.send(Ask::Heard(error))),
            },
        }
    }

    /// Assigns all partitions again, the open ones at their positions: the way out of states in which the client
    /// library takes no seek.
    pub(super) fn assign_anew(&mut self, now: Instant) {
        let granted = self.consumer.context().granted();
        let mut list = TopicPartitionList::new();
        let mut still = Vec::new();
        for partition in granted {
            let lane = self.lanes.get_mut(&partition);
            let at = lane.as_ref().map_or(Offset::Beginning, |lane| Offset::Offset(lane.next));
            match lane {
                Some(lane) => lane.phase = Phase::Seeking(now),
                None => still.push(partition),
            }
            let _ = list.add_partition_offset(&self.topic, partition, at);
        }
        if let Err(err) = self.consumer.assign(&list) {
            tracing::debug!(%err, "cannot assign anew");
        }
        self.pause(&still);
    }

    /// Commits positions to the group, for whoever looks at its lag.
    pub(super) fn publish(&mut self) {
        let taken = std::mem::take(&mut *self.positions.lock().unwrap_or_else(PoisonError::into_inner));
        let mut list = TopicPartitionList::new();
        for (partition, next) in taken {
            if self.named.iter().any(|source| source.partition == partition) {
                let _ = list.add_partition_offset(&self.topic, partition, Offset::Offset(next));
            }
        }
        if list.count() > 0 {
            let _ = self.consumer.commit(&list, CommitMode::Async);
        }
    }
}
