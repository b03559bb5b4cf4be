//! A place where stories happen: a queue, a ledger and a stock, each of which can be kept, lost and restored; and
//! the writers that run there. Judges what stands in the stores by the replay alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use inventory::domain::entry::StockKey;
use inventory::domain::error::Result;
use inventory::ledger::Ledger;
use inventory::queue::{Bounds, Chunk, Event, Message, Queue, Reader, SourceIdentity};
use inventory::stock::Stock;
use inventory::stock::value::Value;
use inventory::writer::{Writer, sweep};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;

use super::replay::{Log, Replay, replay};

/// One line of a bill, as it goes into the queue: its key and its bytes.
pub struct Posted {
    pub key: String,
    pub payload: Vec<u8>,
}

/// Stored keys and values.
pub type Kept = Vec<(String, Vec<u8>)>;

/// What differs between the embedded stores and a cluster.
#[async_trait]
pub trait Site: Send {
    /// Begins the warehouses' ids of this place, and so its keys.
    fn mark(&self) -> &str;
    /// Appends to the queue.
    async fn post(&mut self, lines: Vec<Posted>);
    /// Every source with its whole log.
    async fn logs(&self) -> Vec<(SourceIdentity, Log)>;
    fn queue(&self) -> Arc<dyn Queue>;
    fn ledger(&self) -> Arc<Ledger>;
    fn stock(&self) -> Arc<dyn Stock>;
    /// The stock is from now on exactly this.
    async fn fill_stock(&mut self, kept: &Kept);
    /// Copies the ledger aside.
    async fn keep_ledger(&mut self);
    /// The ledger is from now on that copy; without one, nothing happens.
    async fn restore_ledger(&mut self);
    /// Ends the place.
    async fn end(&mut self);
}

/// The queue as one writer sees it: what is its own is told by the story, batches have at most `most` messages, and
/// closing it ends nothing for the next one.
struct Grouped {
    queue: Arc<dyn Queue>,
    events: Mutex<mpsc::UnboundedReceiver<Event>>,
    most: usize,
}

/// A writer at work.
pub struct Working {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    events: mpsc::UnboundedSender<Event>,
}

impl Working {
    /// Tells it what became of its share of the partitions.
    pub fn tell(&self, event: Event) {
        self.events.send(event).unwrap();
    }

    /// Ends it in peace.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }

    /// Ends it wherever it is.
    pub async fn abort(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

struct GroupedReader(Box<dyn Reader>, usize);

#[async_trait]
impl Reader for GroupedReader {
    async fn next(&mut self, max: usize, patience: Duration) -> Result<Option<Chunk>> {
        // A short patience, so that a drained writer soon writes down where it is.
        self.0.next(max.min(self.1), patience.min(Duration::from_millis(100))).await
    }
}

#[async_trait]
impl Queue for Grouped {
    async fn event(&self) -> Option<Event> {
        self.events.lock().await.recv().await
    }
    async fn open(&self, source: &SourceIdentity, offset: i64) -> Result<Box<dyn Reader>> {
        Ok(Box::new(GroupedReader(self.queue.open(source, offset).await?, self.most)))
    }
    async fn bounds(&self, source: &SourceIdentity) -> Result<Bounds> {
        self.queue.bounds(source).await
    }
    async fn message_at(&self, source: &SourceIdentity, offset: i64) -> Result<Option<Message>> {
        self.queue.message_at(source, offset).await
    }
    async fn partitions(&self) -> Result<Vec<SourceIdentity>> {
        self.queue.partitions().await
    }
    fn publish_position(&self, _: &SourceIdentity, _: i64) {}
    async fn close(&self) {}
}

/// Every source.
pub async fn sources(site: &dyn Site) -> Vec<SourceIdentity> {
    site.logs().await.into_iter().map(|(source, _)| source).collect()
}

/// A writer that is given every source.
pub async fn start(site: &dyn Site, most: usize) -> Working {
    let working = idle(site, most);
    working.tell(Event::Assigned(sources(site).await));
    working
}

/// A writer that is given nothing yet; batches have at most `most` messages.
pub fn idle(site: &dyn Site, most: usize) -> Working {
    let (events, told) = mpsc::unbounded_channel();
    let queue = Arc::new(Grouped { queue: site.queue(), events: Mutex::new(told), most });
    let writer = Writer::new(queue, site.ledger(), site.stock());
    let (stop, stopped) = watch::channel(false);
    Working { stop, task: tokio::spawn(async move { writer.run(stopped).await }), events }
}

/// Runs a writer until everything is in both stores, then a sweep.
pub async fn drain(site: &dyn Site, most: usize) {
    let working = start(site, most).await;
    let logs = site.logs().await;
    let mut waited = 0;
    for (source, log) in &logs {
        let end = log.last().map_or(0, |(offset, _)| offset + 1);
        while site.ledger().source(source).await.unwrap().is_none_or(|row| row.stock_offset < end) {
            waited += 1;
            assert!(waited < 6_000, "not drained within two minutes");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    working.stop().await;
    sweep(&site.ledger(), site.stock().as_ref()).await.unwrap();
}

/// Everything that lies in the stock, as stored.
pub async fn kept(site: &dyn Site) -> Kept {
    let (mut from, mut kept) = (None, BTreeMap::new());
    loop {
        let page = site.stock().scan(from.as_ref(), 1_000).await.unwrap();
        kept.extend(page.values);
        from = page.next;
        if from.is_none() {
            return kept.into_iter().collect();
        }
    }
}

/// The name of a source in `at`.
fn name(source: &SourceIdentity) -> String {
    format!("{}.{}", &source.topic_uuid.simple().to_string()[..8], source.partition)
}

pub async fn replays(site: &dyn Site) -> BTreeMap<String, Replay> {
    site.logs().await.iter().map(|(source, log)| (name(source), replay(log))).collect()
}

async fn values(site: &dyn Site) -> BTreeMap<String, Value> {
    let stored = kept(site)
        .await
        .into_iter()
        .filter(|(key, _)| key.starts_with(site.mark()) && StockKey::parse(key).is_some());
    stored.map(|(key, bytes)| (key, Value::read(&bytes).unwrap())).collect()
}

/// `value_equals_replay_at_its_own_at`.
pub async fn own_at(site: &dyn Site) {
    let values = values(site).await;
    let replays = replays(site).await;
    for (key, value) in &values {
        assert_eq!(value.drift(), 0, "{key}");
        for (source, (offset, sum)) in &value.at {
            assert_eq!(*sum, replays[source.as_ref()].sum(key, *offset), "{key} in {source} at {offset}");
        }
    }
}

/// `stores_agree_when_drained`, and every message is counted or kept.
pub async fn agree(site: &dyn Site) {
    let replays = replays(site).await;
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for replay in replays.values() {
        for key in replay.rows.keys() {
            *expected.entry(key.clone()).or_default() += replay.sum(key, i64::MAX);
        }
    }
    let stock: BTreeMap<String, i64> =
        values(site).await.into_iter().map(|(key, value)| (key, value.quantity())).collect();
    assert_eq!(stock, expected, "stock");
    let vectors = site.ledger().scan_vectors(None, 100_000).await.unwrap();
    let ledger: BTreeMap<String, i64> = vectors
        .iter()
        .map(|vector| (vector.key.to_string(), vector.parts.iter().map(|(_, _, sum)| sum).sum()))
        .collect();
    assert_eq!(ledger, expected, "ledger");
    let days = site.ledger().summary().await.unwrap();
    for row in site.ledger().sources().await.unwrap() {
        let replay = &replays[row.name.as_ref()];
        assert_eq!((row.entries, row.rejected), (replay.counted, replay.rejected), "{}", row.name);
        let signed: i64 = replay.rows.values().flatten().map(|(_, signed)| signed).sum();
        assert_eq!(row.signed_quantity, signed, "{}", row.name);
    }
    let counted: i64 = replays.values().map(|replay| replay.counted).sum();
    assert_eq!(days.entries, counted);
}
