//! The polling thread: the only one that reads. It polls whatever the readers do, so that the group never thinks us
//! dead, and delivers a partition only after seeking to the offset that the stores named.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::Duration;

use rdkafka::Message as _;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;
use tokio::time::Instant;

use super::Positions;
use super::group::{self, Exile, Member};
use super::lane::{Held, Lane, LaneReader, Phase, Probe, Pushed, beyond};
use super::native;
use super::orders::{Ask, Order};
use super::settings::{KafkaSettings, worded};
use super::side::owned;
use crate::{Bounds, SourceIdentity};
use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;

/// Longest wait for a message: how late an order may be heard on an idle topic.
const TICK: Duration = Duration::from_millis(10);
/// How often a full lane is looked at.
const ROOM_LOOK: Duration = Duration::from_millis(1);
/// Most messages between two looks at orders and lanes.
const RUN: usize = 256;
/// Answers in a row that say "beyond the log" before it is believed: a new leader may lag for a moment.
const STRIKES: u32 = 3;

/// The polling thread's own things.
pub(super) struct Poller {
    pub(super) topic: String,
    pub(super) settings: KafkaSettings,
    pub(super) consumer: BaseConsumer<Member>,
    pub(super) exile: Exile,
    orders: Receiver<Order>,
    pub(super) asks: Sender<Ask>,
    pub(super) positions: Arc<Positions>,
    pub(super) named: Vec<SourceIdentity>,
    pub(super) lanes: HashMap<i32, Lane>,
    generations: u64,
    held: Arc<Held>,
    pub(super) published: Instant,
}

impl Poller {
    pub(super) fn new(
        settings: &KafkaSettings,
        orders: Receiver<Order>,
        asks: Sender<Ask>,
        positions: Arc<Positions>,
    ) -> Result<Self> {
        Ok(Poller {
            topic: settings.topic.clone(),
            settings: settings.clone(),
            consumer: group::join(settings, &asks)?,
            exile: Exile::new(Instant::now()),
            orders,
            asks,
            positions,
            named: Vec::new(),
            lanes: HashMap::new(),
            generations: 0,
            held: Arc::default(),
            published: Instant::now(),
        })
    }

    pub(super) fn run(mut self) {
        let mut tended = Instant::now();
        while self.obey() {
            if self.room_is_near() {
                std::thread::sleep(ROOM_LOOK);
            } else {
                self.read();
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

    /// What the client library has, up to the first that finds no room and to `RUN` messages: looking at every lane and
    /// every order costs more than one message does.
    fn read(&mut self) {
        for _ in 0..RUN {
            if !self.read_one() {
                return;
            }
        }
    }

    /// One message or event of the client library. Tells whether a message was handed on.
    fn read_one(&mut self) -> bool {
        let event = self.consumer.poll(TICK).map(|polled| match polled {
            Ok(message) => Ok((message.partition(), owned(&message))),
            Err(err) => Err(err),
        });
        self.follow_the_group();
        match event {
            None => {}
            Some(Ok((partition, message))) => return self.deliver(partition, message),
            Some(Err(KafkaError::PartitionEOF(partition))) => self.reached_end(partition),
            Some(Err(err)) => self.failed(&err),
        }
        false
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
            let words = words!(
                "partition_not_ours",
                "Partition {partition} is not ours now.",
                partition = source.partition
            );
            return Err(Error::new(Code::Fenced, words));
        }
        let partition = source.partition;
        if let Some(before) = self.lanes.remove(&partition) {
            before.revoke();
        }
        self.pause(&[partition]);
        self.generations += 1;
        let (lane, reader) = Lane::new(source, self.generations, offset.max(0), &self.held);
        self.lanes.insert(partition, lane);
        self.held.shared_by(self.lanes.len());
        self.seek(partition);
        Ok(reader)
    }

    /// Tries to bring the partition to its lane's position; what came before is outdated from then on.
    pub(super) fn seek(&mut self, partition: i32) {
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

    pub(super) fn pause(&mut self, partitions: &[i32]) {
        if partitions.is_empty() {
            return;
        }
        if let Err(err) = self.consumer.pause(&self.list(partitions)) {
            tracing::debug!(?partitions, %err, "cannot pause");
        }
    }

    pub(super) fn resume(&mut self, partition: i32) {
        match self.consumer.resume(&self.list(&[partition])) {
            Ok(()) => {
                if let Some(lane) = self.lanes.get_mut(&partition) {
                    lane.paused = false;
                }
            }
            Err(err) => tracing::debug!(partition, %err, "cannot resume"),
        }
    }

    /// False when the message found no room, or nobody who waits for it.
    fn deliver(&mut self, partition: i32, message: crate::Message) -> bool {
        let pushed = match self.lanes.get_mut(&partition) {
            Some(lane) if lane.phase == Phase::Flowing => lane.message(message),
            Some(_) => return false,
            None => {
                self.pause(&[partition]);
                return false;
            }
        };
        self.after(partition, &pushed);
        pushed == Pushed::Taken
    }

    pub(super) fn after(&mut self, partition: i32, pushed: &Pushed) {
        if *pushed == Pushed::Closed {
            self.abandon(partition);
        }
    }

    pub(super) fn abandon(&mut self, partition: i32) {
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
            self.after(partition, &pushed);
        }
        self.ask_beyond(partition);
    }

    pub(super) fn ask_beyond(&mut self, partition: i32) {
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
                let _ = self.asks.send(Ask::Heard(worded(code, Words::plain(err))));
            }
        }
    }
}
