//! The ground of the promise: programs and stores die at random moments under load, and afterwards every accepted
//! entry is counted exactly once in both stores. Seeds are printed; TWINSTOCK_TEST_SEED repeats a run,
//! TWINSTOCK_TEST_KILLS asks for more kills.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::float_arithmetic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use tests::daemon::Running;
use tests::feed::{self, Seeded, Shape};
use tests::kafka::{TopicClient, Value};
use tests::oracle::Rules;
use tests::processes::MariaDb;
use tests::site::Site;

fn number_of(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().expect(name))
}

/// The seed of this run, printed.
fn seed(test: &str) -> u64 {
    let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = number_of("TWINSTOCK_TEST_SEED", u64::from(moment.subsec_nanos()));
    eprintln!("{test}: TWINSTOCK_TEST_SEED={seed}");
    seed
}

fn millis(dice: &mut Seeded, from: u64, to: u64) -> Duration {
    Duration::from_millis(from + dice.below(to - from))
}

/// A producer in the background: keyed and unkeyed messages, repeats, some poison, until it is told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<usize>>,
}

impl Load {
    fn start(topic: &TopicClient, seed: u64) -> Load {
        let (stop, topic) = (Arc::new(AtomicBool::new(false)), topic.clone());
        let told = stop.clone();
        let thread = std::thread::spawn(move || {
            let (mut dice, mut sent) = (Seeded::new(seed), 0);
            let producer = topic.producer();
            while !told.load(Ordering::Relaxed) {
                let burst = burst(&mut dice);
                sent += burst.len();
                producer.produce(&burst);
                sleep(millis(&mut dice, 5, 80));
            }
            sent
        });
        Load { stop, thread: Some(thread) }
    }

    fn end(mut self) -> usize {
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

fn burst(dice: &mut Seeded) -> Vec<Value> {
    let count = 1 + dice.below(200) as usize;
    let shape = Shape { products: 25, warehouses: 4, days: 6, ..Shape::default() };
    let entries = feed::entries(dice.next_number(), count, &shape);
    let mut burst = Vec::new();
    for entry in entries {
        let key = (dice.below(3) > 0).then(|| entry.key());
        let line = entry.json().into_bytes();
        if dice.below(12) == 0 {
            burst.push((None, None, line.clone()));
        }
        if dice.below(40) == 0 {
            burst.push((None, None, b"{\"poison\":true}".to_vec()));
        }
        burst.push((None, key, line));
    }
    burst
}

#[track_caller]
fn right_so_far(site: &Site) {
    let faults = site.faults(Rules { drained: false, ..Rules::drained() });
    let shown: Vec<_> = faults.iter().take(10).collect();
    assert!(faults.is_empty(), "{} faults while running: {shown:#?}", faults.len());
}

#[track_caller]
fn ends_right(site: &Site, load: Load, running: Running) {
    let sent = load.end();
    site.drain(&running, Duration::from_secs(60));
    let took = running.stop(Duration::from_secs(6));
    site.must_be_right();
    let snapshot = site.snapshot();
    let acknowledged = snapshot.sources.iter().all(|source| source.stock_offset == source.next_offset);
    assert!(acknowledged, "after a clean stop all is acknowledged by the stock: {:?}", snapshot.sources);
    let (rows, rejected) = (snapshot.rows.len(), snapshot.rejected.len());
    eprintln!("{sent} messages: {rows} counted, {rejected} kept aside; ended {took:.1?} after SIGTERM");
    assert_eq!(rows + rejected, sent);
}

/// accepted_is_counted_once: kill -9 of `run` at random moments.
#[test]
fn killed_daemons_count_everything_once() {
    let seed = seed("killed daemons");
    let mut dice = Seeded::new(seed);
    let site = Site::cluster("kill");
    site.init();
    let load = Load::start(&site.servers().topic, seed);
    let kills = number_of(
        "TWINSTOCK_TEST_KILLS",
        if std::env::var_os("TWINSTOCK_TEST_LONG").is_some() { 100 } else { 26 },
    );
    let (db, mut worked, mut before) = (site.ledger(), 0, 0);
    let taken = "SELECT CAST(COALESCE(SUM(next_offset), 0) AS CHAR) FROM sources";
    for kill in 0..kills {
        let running = site.daemon.start();
        let life = if kill % 3 == 0 { millis(&mut dice, 20, 500) } else { millis(&mut dice, 300, 1_600) };
        sleep(life);
        running.kill();
        let now = db.number(taken);
        worked += u64::from(now > before);
        before = now;
        if kill % 8 == 7 {
            right_so_far(&site);
        }
    }
    eprintln!("{worked} of {kills} daemons had counted something before they were killed");
    assert!(worked * 3 >= kills, "the kills came before anything was done: they prove nothing");
    let running = site.daemon.start();
    ends_right(&site, load, running);
}

/// A killed `send --batch` is simply repeated.
#[test]
fn killed_sends_are_repeated_without_doubling() {
    let seed = seed("killed sends");
    let mut dice = Seeded::new(seed);
    let site = Site::standalone();
    site.init();
    let entries = feed::entries(seed, 12_000, &Shape { with_id: 3, products: 40, ..Shape::default() });
    let input = feed::lines(&entries);
    let file = site.daemon.dir.join("batch.jsonl");
    std::fs::write(&file, &input).unwrap();
    let name = file.display().to_string();
    let args = ["send", &name, "--batch", "autumn"];
    let mut kills = 0;
    for round in 0..12_u64 {
        let life = millis(&mut dice, 10 + 20 * round, 300 + 100 * round);
        kills += usize::from(site.daemon.call_and_kill(&args, "", life).is_none());
    }
    eprintln!("{kills} of 12 sends were killed");
    site.daemon.call(&args, "").expect(0);
    site.must_be_right();
    let snapshot = site.snapshot();
    assert_eq!((snapshot.rows.len(), snapshot.rejected.len()), (entries.len(), 0));
    let sum: i64 = snapshot.rows.iter().map(|row| row.entry.signed()).sum();
    assert_eq!(sum, entries.iter().map(|entry| entry.signed()).sum::<i64>());
}

/// The same through Kafka: a repeat that reached the topic twice is kept as a duplicate, never counted.
#[test]
fn killed_sends_to_kafka_are_repeated_without_doubling() {
    let seed = seed("killed sends to Kafka");
    let mut dice = Seeded::new(seed);
    let site = Site::cluster("sends");
    site.init();
    let entries = feed::entries(seed, 6_000, &Shape { with_id: 3, products: 40, ..Shape::default() });
    let file = site.daemon.dir.join("batch.jsonl");
    std::fs::write(&file, feed::lines(&entries)).unwrap();
    let name = file.display().to_string();
    let args = ["send", &name, "--batch", "autumn"];
    for round in 0..8_u64 {
        let life = millis(&mut dice, 10 + 40 * round, 300 + 150 * round);
        site.daemon.call_and_kill(&args, "", life);
    }
    site.daemon.call(&args, "").expect(0);
    site.count_all();
    let snapshot = site.snapshot();
    assert_eq!(snapshot.rows.len(), entries.len());
    assert!(snapshot.rejected.iter().all(|one| one.kind == "duplicate"));
    eprintln!("{} lines reached the topic twice", snapshot.rejected.len());
    let sum: i64 = snapshot.rows.iter().map(|row| row.entry.signed()).sum();
    assert_eq!(sum, entries.iter().map(|entry| entry.signed()).sum::<i64>());
}

/// The stock is wiped while running, with traffic and without.
#[test]
fn a_wiped_stock_is_rebuilt() {
    let site = Site::cluster("wipe");
    site.init();
    let load = Load::start(&site.servers().topic, seed("wiped stock"));
    let running = site.daemon.start();
    for _ in 0..4 {
        sleep(Duration::from_millis(1_200));
        let mut redis = site.servers().redis.connect();
        redis::cmd("FLUSHALL").exec(&mut redis).unwrap();
    }
    let sent = load.end();
    assert!(sent > 0);
    site.drain(&running, Duration::from_secs(60));
    let mut redis = site.servers().redis.connect();
    redis::cmd("FLUSHALL").exec(&mut redis).unwrap();
    let started = Instant::now();
    site.drain(&running, Duration::from_secs(60));
    eprintln!("an idle wiped stock was whole again after {:.1?}", started.elapsed());
    let keys: Vec<String> = site.stock().into_keys().filter(|key| key.contains(':')).collect();
    for key in keys.iter().step_by(3) {
        redis::cmd("DEL").arg(key).exec(&mut redis).unwrap();
    }
    redis::cmd("SCRIPT").arg("FLUSH").exec(&mut redis).unwrap();
    let load = Load::start(&site.servers().topic, 77);
    sleep(Duration::from_millis(800));
    load.end();
    running.kill();
    let running = site.daemon.start();
    site.drain(&running, Duration::from_secs(60));
    running.stop(Duration::from_secs(6));
}

#[test]
fn a_killed_redis_is_brought_forward() {
    let mut site = Site::cluster("redis");
    site.init();
    let load = Load::start(&site.servers().topic, seed("killed Redis"));
    let mut running = site.daemon.start();
    for down in [100, 2_500] {
        sleep(Duration::from_millis(1_500));
        let cluster = site.cluster.as_mut().unwrap();
        cluster.redis.kill();
        sleep(Duration::from_millis(down));
        assert_eq!(running.ended(), None, "{}", running.words());
        cluster.redis.up();
    }
    sleep(Duration::from_millis(1_000));
    ends_right(&site, load, running);
}

#[test]
fn a_killed_mariadb_is_taken_up_again() {
    let home = tempfile::tempdir().unwrap();
    let mut mariadb = MariaDb::start(home.path());
    let site = Site::cluster_on("maria", &mariadb.url());
    site.init();
    let load = Load::start(&site.servers().topic, seed("killed MariaDB"));
    let mut running = site.daemon.start();
    for down in [100, 3_000] {
        sleep(Duration::from_millis(2_000));
        mariadb.kill();
        sleep(Duration::from_millis(down));
        assert_eq!(running.ended(), None, "{}", running.words());
        mariadb.up();
    }
    sleep(Duration::from_millis(1_000));
    ends_right(&site, load, running);
}

/// A frozen daemon loses its partitions, wakes up and goes on writing: fenced, nothing twice.
#[test]
fn a_zombie_changes_nothing() {
    let site = Site::cluster("zombie");
    site.init();
    let load = Load::start(&site.servers().topic, seed("zombie"));
    let frozen = site.daemon.start();
    sleep(Duration::from_millis(2_000));
    let second = site.second_daemon().start();
    sleep(Duration::from_millis(3_000));
    frozen.signal("STOP");
    let positions = || {
        let db = site.ledger();
        let rows = db.rows("SELECT CAST(next_offset AS CHAR) FROM sources ORDER BY partition_no");
        rows.into_iter().map(|mut row| row.remove(0).unwrap().parse().unwrap()).collect::<Vec<i64>>()
    };
    sleep(Duration::from_secs(1));
    let before = positions();
    sleep(Duration::from_secs(14));
    right_so_far(&site);
    let after = positions();
    let taken_over = before.iter().zip(&after).all(|(before, after)| after > before);
    assert!(taken_over, "the second daemon took every partition: {before:?} {after:?}");
    frozen.signal("CONT");
    sleep(Duration::from_secs(3));
    right_so_far(&site);
    let sent = load.end();
    assert!(sent > 0);
    site.drain(&second, Duration::from_secs(60));
    frozen.stop(Duration::from_secs(8));
    site.drain(&second, Duration::from_secs(30));
    second.stop(Duration::from_secs(8));
    site.must_be_right();
}
