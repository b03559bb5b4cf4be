//! The writer over the embedded stores, in one process: aborted anywhere, doubled, its stock lost. The expected
//! quantities come from the test's own sums, never from the engine.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use inventory::domain::entry::{Entry, StockKey};
use inventory::domain::ioentry;
use inventory::ledger::{Ledger, Limits};
use inventory::queue::local::LocalQueue;
use inventory::queue::outbox::{Outbox, Saved};
use inventory::stock::Stock;
use inventory::stock::redb::Redb;
use inventory::stock::value::Value;
use inventory::writer::Writer;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

const NOW_MS: i64 = 1_741_900_000_000;

/// A small deterministic source of chance; the seed is printed by the caller.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

struct House {
    folder: TempDir,
    outbox: Arc<Outbox>,
    ledger: Arc<Ledger>,
    stock: Arc<dyn Stock>,
}

async fn ledger(folder: &Path) -> Arc<Ledger> {
    let limits = Limits { day_tables: 20, oldest_days: 3660, newest_days: 2 };
    let ledger = Ledger::open_sqlite(folder.join("ledger.db"), limits).unwrap();
    ledger.init().await.unwrap();
    Arc::new(ledger)
}

impl House {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Arc::new(Outbox::open(&folder.path().join("outbox.db"), NOW_MS).await.unwrap());
        let stock = Arc::new(Redb::open(&folder.path().join("stock.redb")).unwrap());
        House { ledger: ledger(folder.path()).await, folder, outbox, stock }
    }

    fn writer(&self) -> Writer {
        let queue = Arc::new(LocalQueue::new(Arc::clone(&self.outbox)));
        Writer::new(queue, Arc::clone(&self.ledger), Arc::clone(&self.stock))
    }

    fn run(&self) -> (watch::Sender<bool>, JoinHandle<()>) {
        let (stop, stopped) = watch::channel(false);
        let writer = self.writer();
        (stop, tokio::spawn(async move { writer.run(stopped).await }))
    }

    /// Appends random entries and adds them to what is expected.
    async fn post(&self, dice: &mut Dice, count: u64, expected: &mut HashMap<StockKey, i64>) {
        let entries: Vec<Saved> = (0..count).map(|_| saved(random_entry(dice))).collect();
        for saved in &entries {
            *expected.entry(saved.entry.key()).or_default() += saved.entry.signed();
        }
        self.outbox.append(entries, None, NOW_MS).await.unwrap();
    }

    /// Runs a writer until everything is in both stores.
    async fn drain(&self) {
        let (stop, task) = self.run();
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let row = self.ledger.source(&self.outbox.local_source()).await.unwrap();
            if row.is_some_and(|row| row.stock_offset == self.outbox.end()) {
                stop.send_replace(true);
                task.await.unwrap();
                return;
            }
        }
        panic!("not drained within 30 s");
    }

    async fn values(&self) -> HashMap<StockKey, Value> {
        let page = self.stock.scan(None, 100_000).await.unwrap();
        let known = page.values.into_iter().filter_map(|(key, bytes)| Some((StockKey::parse(&key)?, bytes)));
        known.map(|(key, bytes)| (key, Value::read(&bytes).unwrap())).collect()
    }

    async fn agree_with(&self, expected: &HashMap<StockKey, i64>) {
        let values = self.values().await;
        let quantities: HashMap<StockKey, i64> =
            values.iter().map(|(key, value)| (key.clone(), value.quantity())).collect();
        assert_eq!(&quantities, expected, "stock");
        assert!(values.values().all(|value| value.drift() == 0));
        let vectors = self.ledger.scan_vectors(None, 100_000).await.unwrap();
        let balances: HashMap<StockKey, i64> = vectors
            .into_iter()
            .map(|vector| (vector.key, vector.parts.iter().map(|(_, _, sum)| sum).sum()))
            .collect();
        assert_eq!(&balances, expected, "ledger");
        let row = self.ledger.source(&self.outbox.local_source()).await.unwrap().unwrap();
        assert_eq!(row.entries + row.rejected, self.outbox.end(), "every message is counted or kept");
        assert_eq!(row.signed_quantity, expected.values().sum::<i64>());
    }
}

fn random_entry(dice: &mut Dice) -> Entry {
    let json = format!(
        r#"{{"product_id":"P{}","quantity":{},"drcr":{},"company_id":"C","warehouse_id":"W{}","bill_id":"B","create_time":"2025-03-{:02} 12:00:00"}}"#,
        dice.roll(9),
        dice.roll(50) + 1,
        if dice.roll(3) == 0 { -1 } else { 1 },
        dice.roll(3),
        dice.roll(13) + 1,
    );
    ioentry::decode(json.as_bytes()).unwrap()
}

fn saved(mut entry: Entry) -> Saved {
    let id = Uuid::now_v7();
    entry.entry_id = Some(id);
    Saved { entry_id: id, payload: ioentry::encode(&entry).into_bytes(), entry }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepted_is_counted_once() {
    let house = House::open().await;
    let seed = 20_250_313;
    println!("seed {seed}");
    let (mut dice, mut expected) = (Dice(seed), HashMap::new());
    for _ in 0..40 {
        house.post(&mut dice, 300, &mut expected).await;
        let (_stop, task) = house.run();
        tokio::time::sleep(Duration::from_millis(dice.roll(60))).await;
        // Aborted wherever it is: between commit and stock call, in the middle of a chunk, before anything.
        task.abort();
        let _ = task.await;
    }
    house.drain().await;
    house.agree_with(&expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_on_one_source_are_fenced() {
    let house = House::open().await;
    let (mut dice, mut expected) = (Dice(7), HashMap::new());
    let (first, second) = (house.run(), house.run());
    for _ in 0..60 {
        house.post(&mut dice, 20, &mut expected).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for (stop, task) in [first, second] {
        stop.send_replace(true);
        task.await.unwrap();
    }
    house.drain().await;
    house.agree_with(&expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_stock_is_rebuilt_from_balances() {
    let mut house = House::open().await;
    let (mut dice, mut expected) = (Dice(11), HashMap::new());
    house.post(&mut dice, 500, &mut expected).await;
    house.drain().await;
    house.stock = Arc::new(Redb::open(&house.folder.path().join("other.redb")).unwrap());
    house.post(&mut dice, 100, &mut expected).await;
    house.drain().await;
    // The sweep runs beside the writer; a drained writer may end before it. The next start finishes it.
    let vectors = house.ledger.scan_vectors(None, 10_000).await.unwrap().len();
    for _ in 0..50 {
        if house.values().await.len() == vectors {
            break;
        }
        house.drain().await;
    }
    house.agree_with(&expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn value_equals_replay_at_its_own_at() {
    let house = House::open().await;
    let (mut dice, mut expected) = (Dice(13), HashMap::new());
    let (stop, task) = house.run();
    for _ in 0..40 {
        house.post(&mut dice, 100, &mut expected).await;
        let values = house.values().await;
        let messages = house.outbox.read_from(0, 100_000).await.unwrap();
        let entries: Vec<Entry> =
            messages.iter().map(|message| ioentry::decode(&message.payload).unwrap()).collect();
        for (key, value) in values {
            let (offset, sum) = value.at.values().next().copied().unwrap_or((-1, 0));
            let upto = usize::try_from(offset + 1).unwrap();
            let replayed: i64 =
                entries[..upto].iter().filter(|entry| entry.key() == key).map(Entry::signed).sum();
            assert_eq!((value.quantity(), sum), (replayed, replayed), "{key} at {offset}");
        }
    }
    stop.send_replace(true);
    task.await.unwrap();
    house.drain().await;
    house.agree_with(&expected).await;
}
