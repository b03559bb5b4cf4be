//! A producer in the background and the questions asked while it runs. Seeds are printed; TWINSTOCK_TEST_SEED repeats
//! a run. Sends what a careless world sends: keyed and unkeyed messages, repeats, some poison.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use crate::daemon::Running;
use crate::feed::{self, Seeded, Shape};
use crate::kafka::{TopicClient, Value};
use crate::oracle::Rules;
use crate::site::Site;

/// A number from the environment.
pub fn number_of(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().expect(name))
}

/// The long form of the tests (`cargo xtask test --long`) or the short one.
pub fn long() -> bool {
    std::env::var_os("TWINSTOCK_TEST_LONG").is_some()
}

/// The seed of this run, printed.
pub fn seed(test: &str) -> u64 {
    let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = number_of("TWINSTOCK_TEST_SEED", u64::from(moment.subsec_nanos()));
    eprintln!("{test}: TWINSTOCK_TEST_SEED={seed}");
    seed
}

/// A duration between two numbers of milliseconds.
pub fn millis(dice: &mut Seeded, from: u64, to: u64) -> Duration {
    Duration::from_millis(from + dice.below(to - from))
}

/// A producer in the background, until it is told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<usize>>,
}

impl Load {
    /// Bursts of up to 200 messages with short pauses between them.
    pub fn start(topic: &TopicClient, seed: u64) -> Load {
        let shape = Shape { products: 25, warehouses: 4, days: 6, ..Shape::default() };
        Load::of(topic, seed, shape, 200)
    }

    /// The same, every message under its stock key, as our own producer sends it. Then a repeat lies in the partition of
    /// what it repeats, and which of both counts does not change when a restored ledger reads them again. (Where it
    /// does, the value keeps the verdict of its time until an audit mends it.)
    pub fn keyed(topic: &TopicClient, seed: u64) -> Load {
        let shape = Shape { products: 25, warehouses: 4, days: 6, ..Shape::default() };
        Load::run(topic, seed, shape, 200, true)
    }

    /// Bursts of up to `most` messages of this shape.
    pub fn of(topic: &TopicClient, seed: u64, shape: Shape, most: u64) -> Load {
        Load::run(topic, seed, shape, most, false)
    }

    fn run(topic: &TopicClient, seed: u64, shape: Shape, most: u64, keyed: bool) -> Load {
        let (stop, topic) = (Arc::new(AtomicBool::new(false)), topic.clone());
        let told = stop.clone();
        let thread = std::thread::spawn(move || {
            let (mut dice, mut sent) = (Seeded::new(seed), 0);
            let producer = topic.producer();
            while !told.load(Ordering::Relaxed) {
                let burst = burst(&mut dice, &shape, most, keyed);
                sent += burst.len();
                producer.produce(&burst);
                sleep(millis(&mut dice, 5, 80));
            }
            sent
        });
        Load { stop, thread: Some(thread) }
    }

    /// So many messages a second, each made by `next`: what is due is sent, and where the machine cannot keep up, less.
    pub fn paced(
        topic: &TopicClient,
        rate: u64,
        mut next: impl FnMut(usize) -> Vec<Value> + Send + 'static,
    ) -> Load {
        let (stop, topic) = (Arc::new(AtomicBool::new(false)), topic.clone());
        let told = stop.clone();
        let thread = std::thread::spawn(move || {
            let producer = topic.producer();
            let (mut sent, mut last) = (0, Instant::now());
            while !told.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(20));
                let due = last.elapsed().as_millis() as u64 * rate / 1_000;
                last = Instant::now();
                let values = next(due.min(rate) as usize);
                sent += values.len();
                producer.produce(&values);
            }
            sent
        });
        Load { stop, thread: Some(thread) }
    }

    /// Stops it; tells how many messages it sent.
    pub fn end(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

/// A burst of up to `most` entries with repeats and poison between them; `keyed`: each under its stock key.
pub fn burst(dice: &mut Seeded, shape: &Shape, most: u64, keyed: bool) -> Vec<Value> {
    let count = 1 + dice.below(most) as usize;
    let entries = feed::entries(dice.next_number(), count, shape);
    let mut burst = Vec::new();
    for entry in entries {
        let key = (dice.below(3) > 0 || keyed).then(|| entry.key());
        let line = entry.json().into_bytes();
        if dice.below(12) == 0 {
            burst.push((None, key.clone().filter(|_| keyed), line.clone()));
        }
        if dice.below(40) == 0 {
            burst.push((None, None, b"{\"poison\":true}".to_vec()));
        }
        burst.push((None, key, line));
    }
    burst
}

/// Demands that nothing is wrong at this moment, whatever is still under way.
#[track_caller]
pub fn right_so_far(site: &Site) {
    let faults = site.faults(Rules { drained: false, ..Rules::drained() });
    let shown: Vec<_> = faults.iter().take(10).collect();
    assert!(faults.is_empty(), "{} faults while running: {shown:#?}", faults.len());
}

/// Ends the load, drains the daemon, stops it, and demands that every message sent is counted or kept aside.
#[track_caller]
pub fn ends_right(site: &Site, load: Load, running: Running) {
    let sent = load.end();
    stops_right(site, sent, running);
}

/// Drains the daemon, stops it, and demands that `sent` messages are counted or kept aside.
#[track_caller]
pub fn stops_right(site: &Site, sent: usize, running: Running) {
    site.drain(&running, Duration::from_secs(90));
    let took = running.stop(Duration::from_secs(8));
    site.must_be_right();
    let snapshot = site.snapshot();
    let acknowledged = snapshot.sources.iter().all(|source| source.stock_offset == source.next_offset);
    assert!(acknowledged, "after a clean stop all is acknowledged by the stock: {:?}", snapshot.sources);
    let (rows, rejected) = (snapshot.rows.len(), snapshot.rejected.len());
    eprintln!("{sent} messages: {rows} counted, {rejected} kept aside; ended {took:.1?} after SIGTERM");
    assert_eq!(rows + rejected, sent);
}
