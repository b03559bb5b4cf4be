//! The topic's past: one partition after the other, assigned by hand from an explicit offset, by a client of its own
//! that joins no group and commits nothing. What is invisible (markers, aborted messages) is passed over as the
//! consumer passes it.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;
use tokio::time::Instant;

use super::settings::{Ears, KafkaSettings, PATIENCE, kafka_error};
use super::side::{Aside, owned};
use crate::history::History;
use crate::{Bounds, Chunk, Message, Reader, SourceIdentity};
use domain::error::{Code, Error, Result};
use domain::words;

/// Without a sign of the servers for this long the reading is given up.
const SILENCE: Duration = Duration::from_secs(30);
/// Bytes of messages in one chunk: a few messages of ten megabytes are enough.
const BYTES: usize = 32 << 20;

/// The topic's past.
pub struct KafkaHistory {
    settings: KafkaSettings,
    aside: Arc<Aside>,
}

impl KafkaHistory {
    /// Connects when it is first asked. Errors: `Config` for settings that the client library refuses.
    pub fn new(settings: KafkaSettings) -> Result<Self> {
        Ok(KafkaHistory { aside: Arc::new(Aside::new(settings.clone())?), settings })
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|err| {
        Error::new(Code::Internal, words!("kafka_reading_ended", "a reading of Kafka ended: {err}", err))
    })?
}

#[async_trait]
impl History for KafkaHistory {
    async fn kept(&self, source: &SourceIdentity) -> Result<Option<Bounds>> {
        let (aside, source) = (Arc::clone(&self.aside), source.clone());
        blocking(move || {
            let living = aside.sources()?;
            living.contains(&source).then(|| aside.watermarks(source.partition)).transpose()
        })
        .await
    }

    async fn open(&self, source: &SourceIdentity, from: i64, to: i64) -> Result<Box<dyn Reader>> {
        let (settings, source) = (self.settings.clone(), source.clone());
        let past = blocking(move || Past::open(&settings, &source, from, to)).await?;
        Ok(Box::new(KafkaPast(Arc::new(Mutex::new(past)))))
    }
}

struct KafkaPast(Arc<Mutex<Past>>);

#[async_trait]
impl Reader for KafkaPast {
    async fn next(&mut self, max: usize, patience: Duration) -> Result<Option<Chunk>> {
        let past = Arc::clone(&self.0);
        blocking(move || past.lock().unwrap_or_else(PoisonError::into_inner).next(max.max(1), patience)).await
    }
}

struct Past {
    client: BaseConsumer<Ears>,
    topic: String,
    partition: i32,
    position: i64,
    to: i64,
    /// The log's end was told once, and the stretch before it is read a second time: a new leader may lag.
    ended: bool,
    /// When the servers were last heard of.
    heard: Instant,
}

impl Past {
    fn open(settings: &KafkaSettings, source: &SourceIdentity, from: i64, to: i64) -> Result<Self> {
        let words = |err: KafkaError| kafka_error(words!("do_read_past", "read the topic's past"), &err);
        let made = settings.past().create_with_context(Ears::default());
        let client: BaseConsumer<Ears> = made.map_err(words)?;
        let mut place = TopicPartitionList::new();
        let added = place.add_partition_offset(&settings.topic, source.partition, Offset::Offset(from));
        added.map_err(words)?;
        client.assign(&place).map_err(words)?;
        let (topic, partition) = (settings.topic.clone(), source.partition);
        Ok(Past { client, topic, partition, position: from, to, ended: false, heard: Instant::now() })
    }

    fn next(&mut self, max: usize, patience: Duration) -> Result<Option<Chunk>> {
        let until = Instant::now() + patience;
        let (mut messages, mut bytes): (Vec<Message>, usize) = (Vec::new(), 0);
        while self.position < self.to && messages.len() < max && bytes < BYTES {
            match self.client.poll(until.saturating_duration_since(Instant::now())) {
                None => break,
                Some(Ok(message)) => {
                    self.heard = Instant::now();
                    let message = owned(&message);
                    self.position = message.offset + 1;
                    // One beyond the end proves that everything below was seen.
                    if message.offset < self.to {
                        bytes += message.payload.len();
                        messages.push(message);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => self.reached_end()?,
                Some(Err(err)) => self.failed(&err)?,
            }
        }
        if messages.is_empty() && self.position < self.to {
            return match self.heard.elapsed() < SILENCE {
                true => Ok(None),
                false => Err(self.silent()),
            };
        }
        Ok(Some(Chunk { messages, next_offset: self.position }))
    }

    /// The end is believed when it lies where it must and nothing comes in a second reading: a message that was not
    /// read would be taken for one that never was.
    fn reached_end(&mut self) -> Result<()> {
        if self.ended {
            self.position = self.to;
            return Ok(());
        }
        let words = |err: KafkaError| kafka_error(words!("do_read_past", "read the topic's past"), &err);
        let (_, end) = self.client.fetch_watermarks(&self.topic, self.partition, PATIENCE).map_err(words)?;
        if end >= self.to {
            self.heard = Instant::now();
            self.ended = true;
            let place = Offset::Offset(self.position);
            self.client.seek(&self.topic, self.partition, place, PATIENCE).map_err(words)?;
        }
        Ok(())
    }

    fn silent(&self) -> Error {
        let words = words!(
            "kafka_no_message_for",
            "Kafka gave no message for {seconds} seconds.",
            seconds = SILENCE.as_secs()
        );
        self.client.client().context().explain(Error::new(Code::Unreachable, words))
    }

    fn failed(&self, err: &KafkaError) -> Result<()> {
        use RDKafkaErrorCode as K;
        match err.rdkafka_error_code() {
            Some(K::AutoOffsetReset | K::OffsetOutOfRange | K::LogTruncation) => Err(Error::new(
                Code::Retry,
                words!(
                    "log_cut",
                    "The log was cut while it was read, at offset {offset}; replay again.",
                    offset = self.position
                ),
            )),
            _ => {
                self.client.client().context().hear(err, &err.to_string());
                Ok(())
            }
        }
    }
}
