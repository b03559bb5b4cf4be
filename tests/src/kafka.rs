//! Kafka as a foreign program sees it: create a topic, produce raw bytes, read everything back from the start.
//! Never joins a group, so that it cannot disturb the daemon under test.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::CommitMode;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

use crate::processes::wait_for;
use crate::sql::RUNTIME;
use crate::truth::{Message, Topic};

const PATIENCE: Duration = Duration::from_secs(60);
/// Room for messages of ten megabytes.
const LARGEST: &str = "12000000";

/// One topic on one cluster.
#[derive(Debug, Clone)]
pub struct TopicClient {
    /// Bootstrap servers.
    pub bootstrap: String,
    /// The topic's name.
    pub name: String,
}

impl TopicClient {
    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("log_level", "2");
        config
    }

    /// Creates the topic by hand, with room for very large messages.
    pub fn create(&self, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let topic = NewTopic::new(&self.name, partitions, TopicReplication::Fixed(1))
            .set("max.message.bytes", LARGEST);
        let made = RUNTIME.block_on(admin.create_topics(&[topic], &AdminOptions::new())).unwrap();
        made.into_iter().for_each(|one| {
            one.expect("the topic is created");
        });
    }

    /// Adds partitions up to `partitions`.
    pub fn grow(&self, partitions: usize) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let more = NewPartitions::new(&self.name, partitions);
        let made = RUNTIME.block_on(admin.create_partitions(&[more], &AdminOptions::new())).unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
    }

    /// Deletes everything below `offset` of a partition, as retention does.
    pub fn expire(&self, partition: i32, offset: i64) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, partition, Offset::Offset(offset)).unwrap();
        let gone = RUNTIME.block_on(admin.delete_records(&list, &AdminOptions::new())).unwrap();
        assert!(gone.elements().iter().all(|one| one.error().is_ok()), "{gone:?}");
    }

    /// Offsets of the first message kept and after the last one.
    pub fn bounds(&self, partition: i32) -> (i64, i64) {
        let consumer: BaseConsumer = self.config().create().unwrap();
        consumer.fetch_watermarks(&self.name, partition, PATIENCE).expect("watermarks")
    }

    /// Sets the offsets of a group without members.
    pub fn set_group_offsets(&self, group: &str, offset: impl Fn(i32) -> i64) {
        let consumer: BaseConsumer = self.config().set("group.id", group).create().unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..self.partitions() as i32 {
            list.add_partition_offset(&self.name, partition, Offset::Offset(offset(partition))).unwrap();
        }
        wait_for("the group has no members", PATIENCE, || consumer.commit(&list, CommitMode::Sync).is_ok());
    }

    /// Deletes a group without members.
    pub fn delete_group(&self, group: &str) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        wait_for("the group is gone", PATIENCE, || {
            let gone = RUNTIME.block_on(admin.delete_groups(&[group], &AdminOptions::new())).unwrap();
            gone.iter().all(Result::is_ok)
        });
    }

    /// A group's state and the ids of its members.
    pub fn group(&self, group: &str) -> (String, Vec<String>) {
        let consumer: BaseConsumer = self.config().create().unwrap();
        let list = consumer.fetch_group_list(Some(group), PATIENCE).expect("Kafka answers");
        let found = list.groups().iter().find(|one| one.name() == group);
        let mut members: Vec<String> = found
            .map_or(Vec::new(), |one| one.members().iter().map(|member| member.id().to_owned()).collect());
        members.sort();
        (found.map_or(String::new(), |one| one.state().to_owned()), members)
    }

    /// Deletes the topic.
    pub fn delete(&self) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let gone = RUNTIME.block_on(admin.delete_topics(&[&self.name], &AdminOptions::new())).unwrap();
        assert!(gone.iter().all(Result::is_ok), "{gone:?}");
    }

    /// A producer of transactions.
    pub fn transactional(&self) -> Producing {
        let mut config = self.config();
        config.set("transactional.id", format!("{}-writer", self.name));
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(PATIENCE).expect("transactions work");
        Producing { producer, topic: self.name.clone() }
    }

    /// How many partitions the topic has; 0 when it does not exist.
    pub fn partitions(&self) -> usize {
        let consumer: BaseConsumer = self.config().create().unwrap();
        let metadata = consumer.fetch_metadata(Some(&self.name), PATIENCE).expect("Kafka answers");
        metadata.topics().first().map_or(0, |topic| topic.partitions().len())
    }

    /// Sends raw values, all acknowledged when it returns. Key and partition are optional.
    pub fn produce(&self, values: &[Value]) {
        self.producer().produce(values);
    }

    /// A producer to be used again and again.
    pub fn producer(&self) -> Producing {
        let mut config = self.config();
        config.set("enable.idempotence", "true").set("message.max.bytes", LARGEST).set("linger.ms", "2");
        Producing { producer: config.create().unwrap(), topic: self.name.clone() }
    }

    /// Reads the whole topic from its start (read_committed).
    pub fn replay(&self) -> Topic {
        let consumer: BaseConsumer = self
            .config()
            .set("group.id", "oracle-without-group")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "false")
            .set("fetch.message.max.bytes", LARGEST)
            .create()
            .unwrap();
        let mut topic = Topic { name: self.name.clone(), ..Topic::default() };
        let mut wanted = TopicPartitionList::new();
        for partition in 0..self.partitions() as i32 {
            let (low, high) = consumer.fetch_watermarks(&self.name, partition, PATIENCE).expect("watermarks");
            topic.ends.insert(partition, high);
            topic.messages.insert(partition, Vec::new());
            if high > low {
                wanted.add_partition_offset(&self.name, partition, Offset::Beginning).unwrap();
            }
        }
        consumer.assign(&wanted).unwrap();
        self.read_to_ends(&consumer, &mut topic, &wanted);
        topic
    }

    fn read_to_ends(&self, consumer: &BaseConsumer, topic: &mut Topic, wanted: &TopicPartitionList) {
        // An hour's traffic takes its time: what must not happen is that nothing comes.
        let mut heard = Instant::now();
        let mut open: Vec<i32> = wanted.elements().iter().map(|one| one.partition()).collect();
        while !open.is_empty() {
            assert!(heard.elapsed() < Duration::from_secs(60), "the topic cannot be read to its end");
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    let partition = message.partition();
                    if message.offset() < topic.ends[&partition] {
                        topic.messages.get_mut(&partition).unwrap().push(Message {
                            offset: message.offset(),
                            timestamp_ms: message.timestamp().to_millis(),
                            payload: message.payload().unwrap_or_default().to_vec(),
                        });
                    }
                }
                Some(Err(error)) => panic!("replay: {error}"),
                None => {}
            }
            let position = consumer.position().unwrap();
            open.retain(|partition| {
                let here = position.find_partition(&self.name, *partition).map(|one| one.offset());
                !matches!(here, Some(Offset::Offset(at)) if at >= topic.ends[partition])
            });
        }
    }
}

/// Partition, key and bytes of one message.
pub type Value = (Option<i32>, Option<String>, Vec<u8>);

/// A connected producer.
pub struct Producing {
    producer: BaseProducer,
    topic: String,
}

impl Producing {
    /// Sends raw values, all acknowledged when it returns.
    pub fn produce(&self, values: &[Value]) {
        for (partition, key, value) in values {
            loop {
                let mut record = BaseRecord::<str, [u8]>::to(&self.topic).payload(value);
                record.partition = *partition;
                record.key = key.as_deref();
                match self.producer.send(record) {
                    Ok(()) => break,
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                        self.producer.poll(Duration::from_millis(20));
                    }
                    Err((error, _)) => panic!("produce: {error}"),
                }
            }
        }
        self.producer.flush(Duration::from_secs(60)).expect("every message is acknowledged");
    }

    /// Sends raw values in one transaction, committed or aborted.
    pub fn transaction(&self, values: &[Value], commit: bool) {
        self.producer.begin_transaction().unwrap();
        self.produce(values);
        match commit {
            true => self.producer.commit_transaction(PATIENCE).unwrap(),
            false => self.producer.abort_transaction(PATIENCE).unwrap(),
        }
    }
}
