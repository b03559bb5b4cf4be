//! Our membership in the consumer group: what it gives us is taken paused and at the end, where nothing is delivered
//! before somebody opens a partition. Decides nothing; the polling thread and the side thread are told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaRespErr;

use super::settings::{kafka_error, log};
use super::side::Ask;

/// Takes assignments: paused and at the end, where nothing is delivered before somebody opens a partition.
pub(super) struct Member {
    topic: String,
    asks: Sender<Ask>,
    /// What the group gave us.
    granted: Mutex<Vec<i32>>,
    /// It has changed since the thread looked.
    changed: AtomicBool,
}

impl Member {
    pub(super) fn new(topic: String, asks: Sender<Ask>) -> Self {
        Member { topic, asks, granted: Mutex::new(Vec::new()), changed: AtomicBool::new(false) }
    }

    /// Whether there was a rebalance since the last call.
    pub(super) fn changed(&self) -> bool {
        self.changed.swap(false, Ordering::AcqRel)
    }

    /// The partitions that are ours now.
    pub(super) fn granted(&self) -> Vec<i32> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason, "consumer");
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, err: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let assign = err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let mut granted = Vec::new();
        if assign {
            for place in list.elements_for_topic(&self.topic) {
                granted.push(place.partition());
            }
            granted.sort_unstable();
            // Never the end: that is asked of the broker, and an answer that comes late overrides the seek to the
            // stores' position; everything up to the end would be skipped. What lies below the position is only
            // read for nothing.
            let _ = list.set_all_offsets(Offset::Beginning);
            if let Err(err) = consumer.assign(list).and_then(|()| consumer.pause(list)) {
                let error = kafka_error("take the assigned partitions", &err);
                let _ = self.asks.send(Ask::Heard(error));
            }
        } else if let Err(err) = consumer.unassign() {
            let error = kafka_error("give partitions back", &err);
            let _ = self.asks.send(Ask::Heard(error));
        }
        let ask = if assign { Ask::Granted(granted.clone()) } else { Ask::Revoked };
        *self.granted.lock().unwrap_or_else(PoisonError::into_inner) = granted;
        self.changed.store(true, Ordering::Release);
        let _ = self.asks.send(ask);
    }
}
