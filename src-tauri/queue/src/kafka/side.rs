//! Questions to the servers that may take a while, asked beside the polling thread: who the topic is now, where a
//! partition's log begins and ends, one message again. Decides which sources are announced to the engine.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::Message as _;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer, ProducerContext};
use rdkafka::topic_partition_list::Offset;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use uuid::Uuid;

use super::native::{self, Described};
use super::orders::{Ask, Order};
use super::settings::{Ears, KafkaSettings, PATIENCE, kafka_error};
use crate::{Bounds, Event, Message, SourceIdentity};
use domain::error::{Code, Error, Result};
use domain::words;

/// How often the topic's identity is looked at: a topic that was deleted and made anew is another source.
const LOOK: Duration = Duration::from_secs(1);

impl ConsumerContext for Ears {}

impl ProducerContext for Ears {
    type DeliveryOpaque = ();

    fn delivery(&self, _result: &DeliveryResult<'_>, _opaque: ()) {}
}

/// A client for questions. It is a producer that never sends: only to producers does the client library tell the
/// reason of a failure ("connection refused") beside its code.
pub(super) struct Aside {
    settings: KafkaSettings,
    client: BaseProducer<Ears>,
    /// The topic as last described.
    known: Mutex<Option<(Uuid, Vec<i32>)>>,
}

impl Aside {
    pub(super) fn new(settings: KafkaSettings) -> Result<Self> {
        let made = settings.admin().create_with_context(Ears::default());
        let client = made.map_err(|err| kafka_error(words!("do_make_client", "make a client"), &err))?;
        Ok(Aside { settings, client, known: Mutex::new(None) })
    }

    fn ears(&self) -> &Ears {
        self.client.client().context()
    }

    /// Lets the client tell what it has to complain of.
    fn listen(&self) {
        self.client.poll(Duration::from_millis(1));
    }

    /// The topic's identity and partitions now.
    pub(super) fn describe(&self) -> Result<(Uuid, Vec<i32>)> {
        let asked = native::describe_topic(self.client.client(), &self.settings.topic, PATIENCE, false);
        self.listen();
        let described = asked.map_err(|err| self.ears().explain(err))?;
        self.ears().forget();
        let Some(described) = described else {
            let topic = &self.settings.topic;
            let words = words!(
                "no_topic_run_init",
                "Kafka has no topic {topic}: run `inv-daemon init` or correct [kafka] topic.",
                topic = format!("{topic:?}")
            );
            return Err(Error::new(Code::Refused, words));
        };
        let found = (self.uuid(&described)?, described.partitions);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }

    /// The topic's UUID; where the broker tells none, one made of the cluster's id and the topic's name.
    fn uuid(&self, described: &Described) -> Result<Uuid> {
        if let Some(uuid) = described.uuid {
            return Ok(uuid);
        }
        let cluster = self.client.client().fetch_cluster_id(PATIENCE).ok_or_else(|| {
            Error::new(
                Code::Unreachable,
                words!("kafka_no_identity", "Kafka tells neither the topic's UUID nor the cluster's id."),
            )
        })?;
        let name = format!("{cluster}/{}", self.settings.topic);
        let first = self.known.lock().unwrap_or_else(PoisonError::into_inner).is_none();
        if first {
            tracing::warn!(
                topic = %self.settings.topic,
                "the broker tells no topic UUID: a topic that is deleted and made anew cannot be told from the old one"
            );
        }
        Ok(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
    }

    /// All partitions as they are now.
    pub(super) fn sources(&self) -> Result<Vec<SourceIdentity>> {
        let (uuid, partitions) = self.describe()?;
        Ok(partitions.into_iter().map(|partition| self.source(uuid, partition)).collect())
    }

    fn source(&self, topic_uuid: Uuid, partition: i32) -> SourceIdentity {
        SourceIdentity { topic: self.settings.topic.clone(), topic_uuid, partition }
    }

    /// The source must be of the topic's present life.
    fn check(&self, source: &SourceIdentity) -> Result<()> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (uuid, partitions) = match known {
            Some(known) => known,
            None => self.describe()?,
        };
        if uuid == source.topic_uuid && partitions.contains(&source.partition) {
            return Ok(());
        }
        let words = words!(
            "partition_gone",
            "Topic {topic} with UUID {uuid} has no partition {partition} any more.",
            topic = format!("{:?}", source.topic),
            uuid = source.topic_uuid,
            partition = source.partition
        );
        Err(Error::new(Code::NotFound, words))
    }

    /// Log start and last stable offset (isolation.level is read_committed by default, for questions too).
    pub(super) fn bounds(&self, source: &SourceIdentity) -> Result<Bounds> {
        self.check(source)?;
        self.watermarks(source.partition)
    }

    pub(super) fn watermarks(&self, partition: i32) -> Result<Bounds> {
        let asked = self.client.client().fetch_watermarks(&self.settings.topic, partition, PATIENCE);
        self.listen();
        let (start, end) = asked.map_err(|err| {
            self.ears().explain(kafka_error(words!("do_ask_bounds", "ask for the log's bounds"), &err))
        })?;
        Ok(Bounds { start, end })
    }

    /// Members of a consumer group.
    pub(super) fn members(&self, group: &str) -> Result<usize> {
        let asked = self.client.client().fetch_group_list(Some(group), PATIENCE);
        self.listen();
        let list = asked.map_err(|err| {
            self.ears().explain(kafka_error(words!("do_ask_group", "ask for the group"), &err))
        })?;
        Ok(list
            .groups()
            .iter()
            .filter(|found| found.name() == group)
            .map(|found| found.members().len())
            .sum())
    }

    /// One message again, over a client of its own.
    pub(super) fn message_at(&self, source: &SourceIdentity, offset: i64) -> Result<Option<Message>> {
        let bounds = self.bounds(source)?;
        if offset < bounds.start || offset >= bounds.end {
            return Ok(None);
        }
        Ok(self.messages_at(&[(source.partition, offset)])?.remove(&source.partition))
    }

    /// One message of each of these partitions, over one client; left out where none stands at its offset, which must
    /// lie within the log.
    pub(super) fn messages_at(&self, places: &[(i32, i64)]) -> Result<HashMap<i32, Message>> {
        let words = |err: KafkaError| kafka_error(words!("do_read_again", "read one message again"), &err);
        let made = self.settings.aside().create_with_context(Ears::default());
        let client: BaseConsumer<Ears> = made.map_err(words)?;
        let mut list = TopicPartitionList::new();
        for (partition, offset) in places {
            let added = list.add_partition_offset(&self.settings.topic, *partition, Offset::Offset(*offset));
            added.map_err(words)?;
        }
        client.assign(&list).map_err(words)?;
        let mut left: HashMap<i32, i64> = places.iter().copied().collect();
        let mut found = HashMap::new();
        let begun = Instant::now();
        while !left.is_empty() && begun.elapsed() < 3 * PATIENCE {
            match client.poll(Duration::from_millis(100)) {
                None => {}
                Some(Ok(message)) => {
                    let partition = message.partition();
                    let Some(offset) = left.get(&partition).copied() else { continue };
                    if message.offset() >= offset {
                        left.remove(&partition);
                    }
                    if message.offset() == offset {
                        found.insert(partition, owned(&message));
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(left.remove(&partition)),
                Some(Err(err)) => {
                    client.client().context().hear(&err, &err.to_string());
                }
            }
        }
        if left.is_empty() {
            return Ok(found);
        }
        let late = Error::new(
            Code::Unreachable,
            words!("kafka_no_message", "Kafka gave no message in time. Check that the servers run."),
        );
        Err(client.client().context().explain(late))
    }
}

/// Copies a message out of the client.
pub(super) fn owned(message: &rdkafka::message::BorrowedMessage<'_>) -> Message {
    Message {
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        payload: message.payload().unwrap_or_default().to_vec(),
    }
}

/// The side thread.
pub(super) struct Side {
    aside: Arc<Aside>,
    asks: Receiver<Ask>,
    orders: Sender<Order>,
    tell: UnboundedSender<Event>,
    granted: Vec<i32>,
    announced: Vec<SourceIdentity>,
    troubled: Option<Code>,
    /// Why the group does not want us; until it gives us something.
    refused: Option<Error>,
}

impl Side {
    pub(super) fn new(
        aside: Arc<Aside>,
        asks: Receiver<Ask>,
        orders: Sender<Order>,
        tell: UnboundedSender<Event>,
    ) -> Self {
        Side {
            aside,
            asks,
            orders,
            tell,
            granted: Vec::new(),
            announced: Vec::new(),
            troubled: None,
            refused: None,
        }
    }

    pub(super) fn run(mut self) {
        let mut looked = Instant::now();
        self.look();
        loop {
            let wait = LOOK.saturating_sub(looked.elapsed());
            match self.asks.recv_timeout(wait) {
                Ok(Ask::Close) | Err(RecvTimeoutError::Disconnected) => return self.revoke(),
                Ok(Ask::Granted(partitions)) => {
                    self.revoke();
                    self.granted = partitions;
                    self.refused = None;
                    self.look();
                    looked = Instant::now();
                }
                Ok(Ask::Revoked) => {
                    self.granted.clear();
                    self.revoke();
                }
                Ok(Ask::Bounds { partition, generation }) => {
                    let bounds = self.aside.watermarks(partition);
                    let _ = self.orders.send(Order::Bounds { partition, generation, bounds });
                }
                Ok(Ask::Heard(error)) => self.heard(error),
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    looked = Instant::now();
                }
            }
        }
    }

    /// Looks who the topic is and announces what has changed.
    fn look(&mut self) {
        match self.aside.describe() {
            Ok((uuid, _)) => {
                self.trouble(self.refused.clone());
                self.announce(uuid);
            }
            Err(error) => self.trouble(Some(error)),
        }
    }

    fn announce(&mut self, uuid: Uuid) {
        let ours: Vec<SourceIdentity> =
            self.granted.iter().map(|partition| self.aside.source(uuid, *partition)).collect();
        if ours == self.announced {
            return;
        }
        self.revoke();
        let _ = self.orders.send(Order::Named(ours.clone()));
        if !ours.is_empty() {
            let _ = self.tell.send(Event::Assigned(ours.clone()));
        }
        self.announced = ours;
    }

    fn revoke(&mut self) {
        if self.announced.is_empty() {
            return;
        }
        let gone = std::mem::take(&mut self.announced);
        let _ = self.orders.send(Order::Named(Vec::new()));
        let _ = self.tell.send(Event::Revoked(gone));
    }

    /// An unreachable server is told by `look`, in better words; a refusal only the member hears of.
    fn heard(&mut self, error: Error) {
        match error.code {
            Code::Unreachable => {}
            Code::Refused | Code::Locked => {
                self.refused = Some(error.clone());
                self.trouble(Some(error));
            }
            _ => tracing::warn!(%error, "the consumer complains"),
        }
    }

    /// Tells of a trouble when it begins, changes its kind or ends; never again and again.
    fn trouble(&mut self, error: Option<Error>) {
        let code = error.as_ref().map(|error| error.code);
        if code != self.troubled {
            self.troubled = code;
            let _ = self.tell.send(Event::Trouble(error));
        }
    }
}
