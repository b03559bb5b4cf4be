//! The queue in Kafka: the topic of entries read by a member of the consumer group, at offsets that the stores name.
//! The group's own offsets are written for display and never read.
//!
//! Two threads of their own: `poll` keeps calling the client library whatever the readers do, `side` asks the
//! servers what may take a while (the topic's identity, the log's bounds). Neither ever waits for a reader.

mod admin;
mod asker;
mod group;
mod history;
mod kafka_check;
mod lane;
mod murmur;
mod native;
mod orders;
mod poll;
mod raw;
mod sender;
mod settings;
mod side;
mod tend;

use std::collections::HashMap;
use std::sync::mpsc::Sender as Orders;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::{Bounds, Event, Message, Queue, Reader, SourceIdentity};
use domain::error::{Code, Error, Result};
use domain::words;

pub use admin::{bounds_when_ready, ensure_topic};
pub use asker::Asker;
pub use history::KafkaHistory;
pub use kafka_check::probe;
pub use sender::{Sender, SenderStatus};
pub use settings::KafkaSettings;

use orders::{Ask, Order};
use side::Aside;

/// A member of the consumer group.
pub struct KafkaQueue {
    topic: String,
    aside: Arc<Aside>,
    orders: Orders<Order>,
    asks: Orders<Ask>,
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>,
    positions: Arc<Positions>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Latest positions to publish, by partition.
type Positions = Mutex<HashMap<i32, i64>>;

impl KafkaQueue {
    /// Joins the group. Does not wait for the servers: what keeps them away comes as `Event::Trouble`.
    /// Errors: `Config` for settings that the client library refuses.
    pub fn start(settings: KafkaSettings) -> Result<Self> {
        let (orders, order_box) = std::sync::mpsc::channel();
        let (asks, ask_box) = std::sync::mpsc::channel();
        let (tell, events) = mpsc::unbounded_channel();
        let aside = Arc::new(Aside::new(settings.clone())?);
        let positions = Arc::new(Positions::default());
        let poller = poll::Poller::new(&settings, order_box, asks.clone(), Arc::clone(&positions))?;
        let side = side::Side::new(Arc::clone(&aside), ask_box, orders.clone(), tell);
        let threads =
            vec![spawn("kafka-poll", move || poller.run())?, spawn("kafka-side", move || side.run())?];
        Ok(KafkaQueue {
            topic: settings.topic,
            aside,
            orders,
            asks,
            events: tokio::sync::Mutex::new(events),
            positions,
            threads: Mutex::new(threads),
        })
    }

    /// Runs a question that blocks where blocking is allowed.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Aside) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let aside = Arc::clone(&self.aside);
        let asked = tokio::task::spawn_blocking(move || question(&aside)).await;
        asked.map_err(|err| {
            Error::new(
                Code::Internal,
                words!("kafka_question_ended", "a question to Kafka ended: {err}", err),
            )
        })?
    }

    fn stop(&self) -> Vec<JoinHandle<()>> {
        let _ = self.orders.send(Order::Close);
        let _ = self.asks.send(Ask::Close);
        std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let spawned = std::thread::Builder::new().name(name.into()).spawn(work);
    spawned.map_err(|err| {
        Error::new(
            Code::Internal,
            words!("thread_not_started", "cannot start the thread {name}: {err}", name, err),
        )
    })
}

impl Drop for KafkaQueue {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

#[async_trait]
impl Queue for KafkaQueue {
    async fn event(&self) -> Option<Event> {
        self.events.lock().await.recv().await
    }

    async fn open(&self, source: &SourceIdentity, offset: i64) -> Result<Box<dyn Reader>> {
        let closed = |_| Error::new(Code::Fenced, words!("queue_closed", "The queue was closed."));
        let (reply, answer) = oneshot::channel();
        let order = Order::Open { source: source.clone(), offset, reply };
        self.orders
            .send(order)
            .map_err(|_| Error::new(Code::Fenced, words!("queue_closed", "The queue was closed.")))?;
        let reader = answer.await.map_err(closed)??;
        Ok(Box::new(reader))
    }

    async fn bounds(&self, source: &SourceIdentity) -> Result<Bounds> {
        let source = source.clone();
        self.ask(move |aside| aside.bounds(&source)).await
    }

    async fn message_at(&self, source: &SourceIdentity, offset: i64) -> Result<Option<Message>> {
        let source = source.clone();
        self.ask(move |aside| aside.message_at(&source, offset)).await
    }

    async fn partitions(&self) -> Result<Vec<SourceIdentity>> {
        self.ask(|aside| aside.sources()).await
    }

    fn publish_position(&self, source: &SourceIdentity, next_offset: i64) {
        if source.topic == self.topic {
            let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
            positions.insert(source.partition, next_offset);
        }
    }

    async fn close(&self) {
        let threads = self.stop();
        let _ = tokio::task::spawn_blocking(move || {
            for thread in threads {
                let _ = thread.join();
            }
        })
        .await;
    }
}
