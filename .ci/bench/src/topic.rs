//! The topic that everything reads: made, filled once for each shape, and read alone.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::data::{Line, PARTITIONS};
use crate::place::Place;
use crate::usage::{Usage, Watch};

const PATIENCE: Duration = Duration::from_secs(60);

fn client(place: &Place) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &place.kafka).set("log_level", "3");
    config
}

/// Makes an empty topic, in place of one of the same name.
pub fn create(place: &Place, name: &str) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = client(place).create()?;
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    place.runtime.block_on(admin.delete_topics(&[name], &options))?;
    let topic = NewTopic::new(name, PARTITIONS as i32, TopicReplication::Fixed(1));
    let begun = Instant::now();
    loop {
        let made = place.runtime.block_on(admin.create_topics([&topic], &options))?;
        match made.into_iter().next() {
            Some(Ok(_)) => break,
            // A topic goes in its own time.
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(100));
            }
            other => bail!("the topic {name} cannot be made: {other:?}"),
        }
    }
    let consumer: BaseConsumer = client(place).create()?;
    let ready = |consumer: &BaseConsumer| -> bool {
        let Ok(metadata) = consumer.fetch_metadata(Some(name), Duration::from_secs(5)) else { return false };
        let partitions = metadata.topics().first().map(|topic| topic.partitions()).unwrap_or_default();
        partitions.len() as u64 == PARTITIONS && partitions.iter().all(|one| one.leader() >= 0)
    };
    while !ready(&consumer) {
        ensure!(begun.elapsed() < PATIENCE, "the topic {name} has no leaders");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The topic goes.
pub fn delete(place: &Place, name: &str) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = client(place).create()?;
    place.runtime.block_on(admin.delete_topics(&[name], &AdminOptions::new()))?;
    Ok(())
}

/// A producer that keeps order and doubles nothing; `linger` in milliseconds. Twinstock's own compresses by lz4, the
/// specification's (and its reader's library) by nothing.
pub fn producer(place: &Place, linger: &str, compression: &str) -> Result<BaseProducer> {
    let mut config = client(place);
    config
        .set("enable.idempotence", "true")
        .set("compression.type", compression)
        .set("linger.ms", linger)
        .set("batch.size", "1000000")
        .set("queue.buffering.max.messages", "200000");
    Ok(config.create()?)
}

/// Sends one entry into its own partition.
pub fn send(producer: &BaseProducer, topic: &str, line: &Line) -> Result<()> {
    let (key, json) = (line.stock_key(), line.json());
    let mut record = BaseRecord::to(topic).partition(line.partition as i32).key(&key).payload(&json);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                producer.poll(Duration::from_millis(20));
                record = again;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}

/// Fills the topic and proves that every entry lies at the offset that it was made with.
pub fn fill(place: &Place, name: &str, compression: &str, lines: impl Iterator<Item = Line>) -> Result<()> {
    create(place, name)?;
    let producer = producer(place, "20", compression)?;
    let mut counts = [0_i64; PARTITIONS as usize];
    for (number, line) in lines.enumerate() {
        send(&producer, name, &line)?;
        counts[line.partition as usize] += 1;
        if number % 1_000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(PATIENCE)?;
    let consumer: BaseConsumer = client(place).create()?;
    for (partition, count) in counts.iter().enumerate() {
        let (low, high) = consumer.fetch_watermarks(name, partition as i32, PATIENCE)?;
        ensure!(low == 0 && high == *count, "partition {partition} holds {low} to {high}, sent were {count}");
    }
    Ok(())
}

/// Reads the whole topic and does nothing with it. Returns its bytes and the cost.
pub fn consume(place: &Place, name: &str, entries: u64) -> Result<(u64, Usage)> {
    let mut config = client(place);
    config
        .set("group.id", "path-bench-alone")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", "read_committed")
        .set("fetch.queue.backoff.ms", "10");
    let watch = Watch::start(&place.pids)?;
    let consumer: BaseConsumer = config.create()?;
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        all.add_partition_offset(name, partition as i32, Offset::Beginning)?;
    }
    consumer.assign(&all)?;
    let (mut read, mut bytes) = (0, 0);
    while read < entries {
        let message = consumer.poll(PATIENCE).ok_or_else(|| anyhow!("Kafka stopped at {read} entries"))??;
        bytes += message.payload_len() as u64;
        read += 1;
    }
    Ok((bytes, watch.usage()?))
}
