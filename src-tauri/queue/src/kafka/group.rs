//! Our membership in the consumer group: what it gives us is taken paused and at the end, where nothing is delivered
//! before somebody opens a partition. Decides nothing; the polling thread and the side thread are told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaRespErr;
use tokio::time::Instant;

use super::orders::Ask;
use super::settings::{KafkaSettings, kafka_error, log};
use domain::error::Result;
use domain::words;

/// First and longest pause before somebody who was thrown out joins again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// A client that joins the group.
pub(super) fn join(settings: &KafkaSettings, asks: &Sender<Ask>) -> Result<BaseConsumer<Member>> {
    let member = Member::new(settings.topic.clone(), asks.clone());
    let made = settings.member().create_with_context(member);
    let consumer: BaseConsumer<Member> =
        made.map_err(|err| kafka_error(words!("do_make_consumer", "make a consumer"), &err))?;
    let subscribed = consumer.subscribe(&[&settings.topic]);
    subscribed.map_err(|err| kafka_error(words!("do_subscribe", "subscribe to the topic"), &err))?;
    Ok(consumer)
}

/// Thrown out for good: after a failover the brokers may take a request of ours that was sent again for that of
/// another process with our name. A new client joins after a pause, which grows while it happens again and again,
/// for there may really be such a process.
pub(super) struct Exile {
    joined: Instant,
    pause: Duration,
    until: Option<Instant>,
}

/// What to do about it now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Member,
    /// Thrown out since the last question.
    Out,
    Waiting,
    /// The pause is over: join again.
    Return,
}

impl Exile {
    pub(super) fn new(now: Instant) -> Self {
        Exile { joined: now, pause: Duration::ZERO, until: None }
    }

    pub(super) fn standing(&mut self, fatal: bool, now: Instant) -> Standing {
        match self.until {
            None if !fatal => Standing::Member,
            None => {
                if now.duration_since(self.joined) > 5 * PAUSES.1 {
                    self.pause = Duration::ZERO;
                }
                self.pause = (self.pause * 2).clamp(PAUSES.0, PAUSES.1);
                self.until = Some(now + self.pause);
                Standing::Out
            }
            Some(until) if now < until => Standing::Waiting,
            Some(_) => {
                *self = Exile { joined: now, until: None, pause: self.pause };
                Standing::Return
            }
        }
    }
}

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

    /// Nothing is ours any more, without a rebalance that would say so.
    pub(super) fn lose_everything(&self) {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.changed.store(true, Ordering::Release);
        let _ = self.asks.send(Ask::Revoked);
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
                let error = kafka_error(words!("do_take_partitions", "take the assigned partitions"), &err);
                let _ = self.asks.send(Ask::Heard(error));
            }
        } else if let Err(err) = consumer.unassign() {
            let error = kafka_error(words!("do_give_back", "give partitions back"), &err);
            let _ = self.asks.send(Ask::Heard(error));
        }
        let ask = if assign { Ask::Granted(granted.clone()) } else { Ask::Revoked };
        *self.granted.lock().unwrap_or_else(PoisonError::into_inner) = granted;
        self.changed.store(true, Ordering::Release);
        let _ = self.asks.send(ask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_while_it_happens_again_and_begin_anew_later() {
        let mut now = Instant::now();
        let mut exile = Exile::new(now);
        assert_eq!(exile.standing(false, now), Standing::Member);
        for seconds in [1, 2, 4, 8] {
            assert_eq!(exile.standing(true, now), Standing::Out);
            assert_eq!(exile.standing(true, now), Standing::Waiting);
            now += Duration::from_secs(seconds);
            assert_eq!(exile.standing(true, now), Standing::Return);
            assert_eq!(exile.standing(false, now), Standing::Member);
        }
        now += Duration::from_secs(400);
        assert_eq!(exile.standing(true, now), Standing::Out);
        assert_eq!(exile.standing(true, now + Duration::from_secs(1)), Standing::Return);
    }
}
