//! The polling thread: the only one that reads. It polls whatever the readers do, so that the group never thinks us
//! dead, and delivers a partition only after seeking to the offset that the stores named.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;
use tokio::sync::oneshot;

use super::Positions;
use super::group::Member;
use super::lane::{Lane, LaneReader, Phase, Probe, Pushed, beyond};
use super::native;
use super::settings::{KafkaSettings, kafka_error, worded};
use super::side::{Ask, owned};
use crate::error::{Code, Error, Result};
use crate::queue::{Bounds, SourceIdentity};

/// Longest wait for a message: how late an order may be heard on an idle topic.
const TICK: Duration = Duration::from_millis(10);
/// How often positions are published.
const PUBLISH: Duration = Duration::from_secs(1);
/// After this long without a way to seek, all partitions are assigned anew at their positions.
const SEEK_PATIENCE: Duration = Duration::from_secs(2);
/// An idle partition whose log seems to go on is looked at this often.
const IDLE_LOOK: Duration = Duration::from_secs(5);
/// Answers in a row that say "beyond the log" before it is believed: a new leader may lag for a moment.
const STRIKES: u32 = 3;

/// What is asked of the polling thread.
pub(super) enum Order {
    /// These sources are ours; nothing else may be opened.
    Named(Vec<SourceIdentity>),
    Open {
        source: SourceIdentity,
        offset: i64,
        reply: oneshot::Sender<Result<LaneReader>>,
    },
    /// Answer to `Ask::Bounds`.
    Bounds {
        partition: i32,
        generation: u64,
        bounds: Result<Bounds>,
    },
    Close,
}

/// The polling thread's own things.
pub(super) struct Poller {
    topic: String,
    consumer: BaseConsumer<Member>,
    orders: Receiver<Order>,
    asks: Sender<Ask>,
    positions: Arc<Positions>,
    named: Vec<SourceIdentity>,
    lanes: HashMap<i32, Lane>,
    generations: u64,
    published: Instant,
}

impl Poller {
    pub(super) fn new(
        settings: &KafkaSettings,
        orders: Receiver<Order>,
        asks: Sender<Ask>,
        positions: Arc<Positions>,
    ) -> Result<Self> {
        let member = Member::new(settings.topic.clone(), asks.clone());
        let made = settings.member().create_with_context(member);
        let consumer: BaseConsumer<Member> = made.map_err(|err| kafka_error("make a consumer", &err))?;
        let subscribed = consumer.subscribe(&[&settings.topic]);
        subscribed.map_err(|err| kafka_error("subscribe to the topic", &err))?;
        Ok(Poller {
            topic: settings.topic.clone(),
            consumer,
            orders,
            asks,
            positions,
            named: Vec::new(),
            lanes: HashMap::new(),
            generations: 0,
            published: Instant::now(),
        })
    }

    pub(super) fn run(mut self) {
        let mut tended = Instant::now();
        while self.obey() {
            let event = self.consumer.poll(TICK).map(|polled| match polled {
                Ok(message) => Ok((message.partition(), owned(&message))),
                Err(err) => Err(err),
            });
            self.follow_the_group();
            match event {
                None => {}
                Some(Ok((partition, message))) => self.deliver(partition, message),
                Some(Err(KafkaError::PartitionEOF(partition))) => self.reached_end(partition),
                Some(Err(err)) => self.failed(&err),
            }
            if tended.elapsed() >= TICK {
                self.tend();
                tended = Instant::now();
            }
        }
        self.publish();
        for (_, lane) in self.lanes.drain() {
            lane.revoke();
        }
    }

    /// Carries out what was asked; false at the end.
    fn obey(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Named(sources)) => {
                    self.drop_lanes();
                    self.named = sources;
                }
                Ok(Order::Open { source, offset, reply }) => {
                    let _ = reply.send(self.open(source, offset));
                }
                Ok(Order::Bounds { partition, generation, bounds }) => {
                    self.learned(partition, generation, bounds);
                }
                Ok(Order::Close) | Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }

    /// After a rebalance nothing that was open stays open: whoever is still the owner opens it again.
    fn follow_the_group(&mut self) {
        if self.consumer.context().changed() {
            self.drop_lanes();
            self.named.clear();
        }
    }

    fn drop_lanes(&mut self) {
        let gone: Vec<i32> = self.lanes.keys().copied().collect();
        for (_, lane) in self.lanes.drain() {
            lane.revoke();
        }
        self.pause(&gone);
    }

    fn open(&mut self, source: SourceIdentity, offset: i64) -> Result<LaneReader> {
        if !self.named.contains(&source) {
            let words = format!("Partition {} is not ours now.", source.partition);
            return Err(Error::new(Code::Fenced, words));
        }
        let partition = source.partition;
        if let Some(before) = self.lanes.remove(&partition) {
            before.revoke();
        }
        self.pause(&[partition]);
        self.generations += 1;
        let (lane, reader) = Lane::new(source, self.generations, offset.max(0), Instant::now());
        self.lanes.insert(partition, lane);
        self.seek(partition);
        Ok(reader)
    }

    /// Tries to bring the partition to its lane's position; what came before is outdated from then on.
    fn seek(&mut self, partition: i32) {
        let Some(lane) = self.lanes.get_mut(&partition) else { return };
        let target = Offset::Offset(lane.next);
        match self.consumer.seek(&self.topic, partition, target, Duration::from_secs(1)) {
            Ok(()) => {
                lane.phase = Phase::Flowing;
                lane.idle = false;
                if lane.paused {
                    self.resume(partition);
                }
            }
            // Just assigned, or stopped by an error: `tend` tries again.
            Err(err) => tracing::debug!(partition, %err, "cannot seek yet"),
        }
    }

    fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, *partition);
        }
        list
    }

    fn pause(&mut self, partitions: &[i32]) {
        if partitions.is_empty() {
            return;
        }
        if let Err(err) = self.consumer.pause(&self.list(partitions)) {
            tracing::debug!(?partitions, %err, "cannot pause");
        }
    }

    fn resume(&mut self, partition: i32) {
        match self.consumer.resume(&self.list(&[partition])) {
            Ok(()) => {
                if let Some(lane) = self.lanes.get_mut(&partition) {
                    lane.paused = false;
                }
            }
            Err(err) => tracing::debug!(partition, %err, "cannot resume"),
        }
    }

    fn deliver(&mut self, partition: i32, message: crate::queue::Message) {
        let pushed = match self.lanes.get_mut(&partition) {
            Some(lane) if lane.phase == Phase::Flowing => lane.message(message),
            Some(_) => return,
            None => return self.pause(&[partition]),
        };
        self.after(partition, pushed);
    }

    fn after(&mut self, partition: i32, pushed: Pushed) {
        match pushed {
            Pushed::Taken => {}
            Pushed::Full => {
                if let Some(lane) = self.lanes.get_mut(&partition).filter(|lane| !lane.paused) {
                    lane.paused = true;
                    self.pause(&[partition]);
                }
            }
            Pushed::Closed => self.abandon(partition),
        }
    }

    fn abandon(&mut self, partition: i32) {
        self.lanes.remove(&partition);
        self.pause(&[partition]);
    }

    /// The end was reached. If this was the second reading of a stretch, what lies in it is invisible for ever; if
    /// the log goes on beyond our position, such a reading is prepared by asking for the last stable offset.
    fn reached_end(&mut self, partition: i32) {
        let Some(lane) = self.lanes.get_mut(&partition) else { return };
        if lane.phase != Phase::Flowing {
            return;
        }
        lane.idle = true;
        lane.strikes = 0;
        lane.asked = None;
        if let Some(probe) = lane.probe.take() {
            let pushed = lane.skip_to(probe.end);
            self.after(partition, pushed);
        }
        self.ask_beyond(partition);
    }

    fn ask_beyond(&mut self, partition: i32) {
        let Some(lane) = self.lanes.get_mut(&partition) else { return };
        let seen = native::seen_end(self.consumer.client(), &self.topic, partition);
        if seen > lane.next && lane.asked.is_none() && lane.probe.is_none() {
            lane.asked = Some(Instant::now());
            let _ = self.asks.send(Ask::Bounds { partition, generation: lane.generation });
        }
    }

    /// The log's bounds, asked while the partition was idle or after it was told to be out of range.
    fn learned(&mut self, partition: i32, generation: u64, bounds: Result<Bounds>) {
        let Some(lane) = self.lanes.get_mut(&partition).filter(|lane| lane.generation == generation) else {
            return;
        };
        let Ok(bounds) = bounds else {
            return;
        };
        if lane.next < bounds.start || lane.next > bounds.end {
            lane.strikes += 1;
            if lane.strikes < STRIKES && lane.next > bounds.end {
                return;
            }
            let words = beyond(&lane.source, lane.next, bounds);
            if let Some(lane) = self.lanes.remove(&partition) {
                lane.fail(Error::new(Code::Corrupt, words));
            }
            return self.pause(&[partition]);
        }
        if lane.idle && !lane.paused && bounds.end > lane.next {
            lane.asked = None;
            lane.probe = Some(Probe { end: bounds.end });
            lane.phase = Phase::Seeking(Instant::now());
            self.seek(partition);
        }
    }

    fn failed(&mut self, err: &KafkaError) {
        use RDKafkaErrorCode as K;
        match err.rdkafka_error_code() {
            // The client does not tell which partition: each is asked, and stands until it is answered.
            Some(K::AutoOffsetReset | K::OffsetOutOfRange | K::LogTruncation) => {
                tracing::debug!(%err, "a position lies beyond the log");
                let now = Instant::now();
                for lane in self.lanes.values_mut() {
                    lane.phase = Phase::Seeking(now);
                    lane.asked = Some(now);
                    let ask = Ask::Bounds { partition: lane.source.partition, generation: lane.generation };
                    let _ = self.asks.send(ask);
                }
            }
            code => {
                let _ = self.asks.send(Ask::Heard(worded(code, &err.to_string())));
            }
        }
    }

    /// Everything that waits for room, for a seek or for another look.
    fn tend(&mut self) {
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
            self.after(partition, pushed);
        }
        if stuck {
            self.assign_anew(now);
        }
        if now.duration_since(self.published) >= PUBLISH {
            self.publish();
            self.published = now;
        }
    }

    /// Assigns all partitions again, the open ones at their positions: the way out of states in which the client
    /// library takes no seek.
    fn assign_anew(&mut self, now: Instant) {
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
    fn publish(&mut self) {
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
