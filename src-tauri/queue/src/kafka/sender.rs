//! Drains the outbox into Kafka: in the order of saving, each entry into the partition that was chosen for it first,
//! until the broker acknowledged it. Network loss only makes entries wait; nothing is ever given up or reordered.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use super::murmur;
use super::settings::{Ears, KafkaSettings, kafka_error, worded};
use super::side::Aside;
use crate::outbox::{Mark, Outbox, Pending};
use domain::error::{Code, Error, Result};
use domain::words;

/// Most entries on their way at once.
const IN_FLIGHT: usize = 10_000;
/// Entries read, and marked, together.
const BATCH: usize = 1_000;
/// How long after a failure the next try begins.
const BACK_OFF: Duration = Duration::from_secs(1);
/// How often a running session looks whether the topic is still the same and how many partitions it has.
const LOOK: Duration = Duration::from_secs(10);
/// How often the producer's complaints are heard.
const LISTEN: Duration = Duration::from_secs(1);
/// How long a stopping sender waits for what is on its way.
const LAST_CALL: Duration = Duration::from_secs(2);

/// How the sender is getting on.
#[derive(Debug, Clone, Default)]
pub struct SenderStatus {
    /// Entries that no broker has acknowledged.
    pub waiting: i64,
    /// Entries acknowledged since the start.
    pub sent: u64,
    /// What keeps entries waiting.
    pub trouble: Option<Error>,
}

/// The running sender.
pub struct Sender {
    outbox: Arc<Outbox>,
    status: watch::Receiver<SenderStatus>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Sender {
    /// Starts sending. Does not wait for the servers. Errors: `Config` for settings that the client refuses.
    pub fn start(outbox: Arc<Outbox>, settings: KafkaSettings) -> Result<Self> {
        drop(producer(&settings, &Ears::default())?);
        let aside = Arc::new(Aside::new(settings.clone())?);
        let (tell, status) = watch::channel(SenderStatus::default());
        let (stop, stopped) = watch::channel(false);
        let work = Work { outbox: Arc::clone(&outbox), settings, aside, tell, stopped };
        Ok(Sender { outbox, status, stop, task: Mutex::new(Some(tokio::spawn(work.run()))) })
    }

    /// Follows how it is getting on.
    pub fn status(&self) -> watch::Receiver<SenderStatus> {
        self.status.clone()
    }

    /// What keeps entries waiting, if anything does.
    pub fn trouble(&self) -> Option<Error> {
        self.status.borrow().trouble.clone()
    }

    /// Waits until everything saved up to now is acknowledged; `Unreachable` (or what is in the way) when the
    /// deadline passes first. Nothing is lost then: it waits for the next time.
    pub async fn flush(&self, deadline: Duration) -> Result<()> {
        let until = self.outbox.end();
        let mut status = self.status.clone();
        let give_up = Instant::now() + deadline;
        loop {
            status.borrow_and_update();
            let waiting = self.outbox.waiting_until(until).await?;
            if waiting == 0 {
                return Ok(());
            }
            if Instant::now() >= give_up {
                let late = || {
                    Error::new(
                        Code::Unreachable,
                        words!("entries_wait", "{waiting} entries still wait for Kafka.", waiting),
                    )
                };
                return Err(self.trouble().unwrap_or_else(late));
            }
            let soon = (Instant::now() + Duration::from_millis(200)).min(give_up);
            let _ = tokio::time::timeout_at(soon, status.changed()).await;
        }
    }

    /// Stops: what is on its way gets a moment to be acknowledged, the rest waits in the outbox.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

/// Waits for the order to stop.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

fn producer(settings: &KafkaSettings, ears: &Ears) -> Result<FutureProducer<Ears>> {
    let made = settings.producer().create_with_context(ears.clone());
    made.map_err(|err| kafka_error(words!("do_make_producer", "make a producer"), &err))
}

struct Work {
    outbox: Arc<Outbox>,
    settings: KafkaSettings,
    aside: Arc<Aside>,
    tell: watch::Sender<SenderStatus>,
    stopped: watch::Receiver<bool>,
}

impl Work {
    async fn run(self) {
        while !*self.stopped.borrow() {
            let Err(error) = self.session().await else { return };
            self.report(0, Some(error)).await;
            let mut stopped = self.stopped.clone();
            let _ = tokio::time::timeout(BACK_OFF, told(&mut stopped)).await;
        }
    }

    /// Who the topic is and how many partitions it has.
    async fn look(&self) -> Result<(Uuid, i32)> {
        let aside = Arc::clone(&self.aside);
        let asked = tokio::task::spawn_blocking(move || aside.describe()).await;
        let asked = asked.map_err(|err| {
            Error::new(
                Code::Internal,
                words!("kafka_question_ended", "a question to Kafka ended: {err}", err),
            )
        })?;
        asked.map(|(uuid, partitions)| (uuid, partitions.len() as i32))
    }

    /// One producer's life: ends with `Ok` when told to stop, with an error when a new producer is needed. A new one
    /// begins with the first entry that is not acknowledged, so the order stays.
    async fn session(&self) -> Result<()> {
        let topic = self.look().await?;
        let ears = Ears::default();
        let mut session = Session {
            work: self,
            producer: producer(&self.settings, &ears)?,
            ears,
            topic,
            after: 0,
            flying: FuturesOrdered::new(),
        };
        self.report(0, None).await;
        session.run().await
    }

    async fn report(&self, sent: u64, trouble: Option<Error>) {
        let waiting = self.outbox.waiting().await;
        self.tell.send_modify(|status| {
            status.waiting = waiting.unwrap_or(status.waiting);
            status.sent += sent;
            status.trouble = trouble;
        });
    }
}

/// An entry on its way: its number and the broker's answer to come.
type Flying = std::pin::Pin<Box<dyn Future<Output = (i64, Answer)> + Send>>;
type Answer = <DeliveryFuture as Future>::Output;

struct Session<'a> {
    work: &'a Work,
    producer: FutureProducer<Ears>,
    ears: Ears,
    topic: (Uuid, i32),
    after: i64,
    flying: FuturesOrdered<Flying>,
}

impl Session<'_> {
    async fn run(&mut self) -> Result<()> {
        let mut stopped = self.work.stopped.clone();
        let mut tail = self.work.outbox.watch();
        let mut look = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
        let mut listen = tokio::time::interval(LISTEN);
        loop {
            tail.borrow_and_update();
            let more = self.fill().await?;
            tokio::select! {
                biased;
                () = told(&mut stopped) => return self.last_call().await,
                Some((seq, answer)) = self.flying.next() => self.landed(seq, answer).await?,
                _ = look.tick() => self.look_again().await?,
                _ = listen.tick(), if !self.flying.is_empty() => self.listen().await,
                _ = tail.changed(), if !more => {}
                () = std::future::ready(()), if more && self.flying.len() + BATCH <= IN_FLIGHT => {}
            }
        }
    }

    /// Sends what waits as far as there is room; true when there may be more.
    async fn fill(&mut self) -> Result<bool> {
        let room = IN_FLIGHT.saturating_sub(self.flying.len());
        if room < BATCH {
            return Ok(true);
        }
        let batch = self.work.outbox.next_unsent(self.after, BATCH).await?;
        let more = batch.len() == BATCH;
        let (uuid, partitions) = self.topic;
        let mut chosen = Vec::new();
        let mut placed: Vec<(Pending, i32)> = Vec::with_capacity(batch.len());
        for entry in batch {
            let partition = entry.partition_in(uuid).unwrap_or_else(|| {
                let partition = murmur::partition(entry.key.as_bytes(), partitions);
                chosen.push((entry.seq, partition));
                partition
            });
            placed.push((entry, partition));
        }
        // The choice is durable before anything leaves, so that a retry after a crash goes the same way.
        if !chosen.is_empty() {
            self.work.outbox.choose_partitions(uuid, chosen).await?;
            crash_points::pass("sender.placed");
        }
        for (entry, partition) in placed {
            self.send(&entry, partition)?;
            self.after = entry.seq;
        }
        Ok(more)
    }

    fn send(&mut self, entry: &Pending, partition: i32) -> Result<()> {
        let record = FutureRecord::to(&self.work.settings.topic)
            .partition(partition)
            .key(&entry.key)
            .payload(&entry.payload);
        let sent = self
            .producer
            .send_result(record)
            .map_err(|(err, _)| kafka_error(words!("do_send", "send an entry"), &err))?;
        let seq = entry.seq;
        self.flying.push_back(Box::pin(async move { (seq, sent.await) }));
        Ok(())
    }

    /// Notes the answers that are there, in order; a refusal ends the session before anything later is noted.
    async fn landed(&mut self, seq: i64, answer: Answer) -> Result<()> {
        let mut marks = Vec::new();
        let mut failure = self.take(seq, answer, &mut marks).err();
        while failure.is_none()
            && marks.len() < BATCH
            && let Some(Some((seq, answer))) = futures::FutureExt::now_or_never(self.flying.next())
        {
            failure = self.take(seq, answer, &mut marks).err();
        }
        let sent = marks.len() as u64;
        crash_points::pass("sender.acknowledged");
        self.work.outbox.mark_sent(marks).await?;
        crash_points::pass("sender.marked");
        self.ears.forget();
        match failure {
            None => self.work.report(sent, None).await,
            Some(error) => return Err(error),
        }
        Ok(())
    }

    fn take(&self, seq: i64, answer: Answer, marks: &mut Vec<Mark>) -> Result<()> {
        match answer {
            Ok(Ok(delivery)) => {
                let (topic_uuid, _) = self.topic;
                marks.push(Mark { seq, topic_uuid, partition: delivery.partition, offset: delivery.offset });
                Ok(())
            }
            Ok(Err((err, _))) => Err(worded(
                err.rdkafka_error_code(),
                words!("entry_not_taken", "an entry was not taken: {err}", err),
            )),
            Err(_) => Err(Error::new(
                Code::Internal,
                words!("kafka_client_gone", "Kafka's client went away with an entry."),
            )),
        }
    }

    /// The topic may have been made anew, or have more partitions by now; the servers may be away.
    async fn look_again(&mut self) -> Result<()> {
        match self.work.look().await {
            Ok(topic) if topic.0 == self.topic.0 => self.topic = topic,
            Ok(_) => {
                return Err(Error::new(
                    Code::Retry,
                    words!("topic_made_anew", "Kafka: the topic was made anew; sending begins again."),
                ));
            }
            Err(error) if error.code == Code::Unreachable => self.work.report(0, Some(error)).await,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Tells what the producer complains of while entries are on their way.
    async fn listen(&mut self) {
        if let Some(complaint) = self.ears.complaint() {
            self.work.report(0, Some(complaint)).await;
        }
    }

    async fn last_call(&mut self) -> Result<()> {
        let until = Instant::now() + LAST_CALL;
        while let Ok(Some((seq, answer))) = tokio::time::timeout_at(until, self.flying.next()).await {
            self.landed(seq, answer).await?;
        }
        Ok(())
    }
}
