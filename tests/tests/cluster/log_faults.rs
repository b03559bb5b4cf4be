//! What may happen to Kafka's log: retention passes us, the log is cut below our position, offsets are used again, a
//! broker of three dies. Doubt stops a partition loudly; nothing is ever skipped in silence.

use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;
use tests::broker::Brokers;
use tests::feed::{self, Shape};
use tests::kafka::Value;
use tests::load::{Load, right_so_far, seed, stops_right};
use tests::processes::wait_for;
use tests::servers;
use tests::site::Site;

const PATIENCE: Duration = Duration::from_secs(90);

fn messages(seed: u64, count: usize, partition: i32) -> Vec<Value> {
    let entries = feed::entries(seed, count, &Shape::default());
    entries.into_iter().map(|entry| (Some(partition), None, entry.json().into_bytes())).collect()
}

fn on_all_partitions(site: &Site, seed: u64, count: usize) {
    for partition in 0..3 {
        site.servers().topic.produce(&messages(seed + partition as u64, count, partition));
    }
}

fn next_offset(site: &Site, partition: i32) -> i64 {
    site.ledger()
        .number(&format!("SELECT CAST(next_offset AS CHAR) FROM sources WHERE partition_no = {partition}"))
}

/// Waits until the log tells of a stop for this reason.
fn stops_loudly(site: &Site, reason: &str) {
    wait_for(&format!("the partition stops: {reason}"), PATIENCE, || {
        site.daemon.log().lines().any(|line| line.contains("source stopped") && line.contains(reason))
    });
}

fn state_of(site: &Site, partition: i32) -> String {
    let status = site.daemon.call(&["status", "--json"], "").json();
    let found =
        status["sources"].as_array().unwrap().iter().find(|one| one["partition"] == partition).cloned();
    let found = found.unwrap_or_else(|| panic!("partition {partition} in {status}"));
    assert_eq!(found["reason"].as_str().unwrap().is_empty(), found["state"] == "running", "{found}");
    found["state"].as_str().unwrap().to_owned()
}

#[test]
fn row_22_retention_has_passed_our_position() {
    let site = Site::cluster("retention");
    site.init();
    on_all_partitions(&site, 1, 100);
    site.count_all();
    on_all_partitions(&site, 10, 100);
    site.servers().topic.expire(1, 150);
    let before = site.queue();
    let running = site.daemon.start();
    stops_loudly(&site, "retention");
    wait_for("the others go on", PATIENCE, || {
        [0, 2].iter().all(|at| next_offset(&site, *at) == before.ends[at])
    });
    sleep(Duration::from_secs(1));
    assert_eq!((next_offset(&site, 1), state_of(&site, 1)), (100, "stopped".into()), "{}", running.words());
    running.stop(Duration::from_secs(8));
}

#[test]
fn row_48_an_idle_topic_whose_whole_log_has_expired() {
    let site = Site::cluster("expired");
    site.init();
    on_all_partitions(&site, 1, 100);
    site.count_all();
    let before = site.queue();
    (0..3).for_each(|partition| site.servers().topic.expire(partition, 100));
    let running = site.daemon.start();
    sleep(Duration::from_secs(2));
    assert_eq!(
        (0..3).map(|at| state_of(&site, at)).collect::<Vec<_>>(),
        ["running"; 3],
        "{}",
        running.words()
    );
    on_all_partitions(&site, 20, 50);
    wait_for("it goes on", PATIENCE, || (0..3).all(|partition| next_offset(&site, partition) == 150));
    wait_for("both stores follow", PATIENCE, || {
        let db = site.ledger();
        db.number("SELECT CAST(SUM(next_offset - stock_offset) AS CHAR) FROM sources") == 0
    });
    running.stop(Duration::from_secs(8));
    site.must_be_right_with(&before);
}

#[test]
fn row_48_a_topic_first_seen_after_its_start_has_gone() {
    let site = Site::cluster("late");
    site.init();
    // The sources are unknown until a daemon runs, or `init` accepts where they begin.
    on_all_partitions(&site, 1, 100);
    site.servers().topic.expire(2, 60);
    let db = site.ledger();
    db.run("DELETE FROM sources");
    let running = site.daemon.start();
    stops_loudly(&site, "init");
    wait_for("the others begin", PATIENCE, || {
        (0..2).all(|at| {
            db.number(&format!(
                "SELECT CAST(COUNT(*) AS CHAR) FROM sources WHERE partition_no = {at} AND next_offset = 100"
            )) == 1
        })
    });
    assert_eq!(db.number("SELECT CAST(COUNT(*) AS CHAR) FROM sources WHERE partition_no = 2"), 0);
    assert_eq!(state_of(&site, 2), "stopped");
    running.stop(Duration::from_secs(8));
    site.init();
    site.count_all();
    assert_eq!(site.snapshot().rows.len(), 240);
}

/// A site with a Kafka of one broker of its own.
fn with_its_own_broker(name: &str) -> (TempDir, Brokers, Site) {
    let home = tempfile::tempdir().unwrap();
    let brokers = Brokers::start(home.path(), 1);
    let site = Site::cluster_of(name, &servers::mysql(), &brokers.bootstrap());
    site.init();
    (home, brokers, site)
}

/// A broker comes back with an older disk: its log ends below what we have counted. The daemon runs on meanwhile.
#[test]
fn row_24_a_log_truncated_below_our_position() {
    let (home, mut brokers, site) = with_its_own_broker("truncated");
    on_all_partitions(&site, 1, 100);
    site.count_all();
    let aside = home.path().join("aside");
    brokers.stop(0);
    brokers.keep_copy(0, &aside);
    brokers.up(0);
    on_all_partitions(&site, 10, 80);
    let before = site.queue();
    let running = site.daemon.start();
    site.drain(&running, PATIENCE);
    brokers.kill(0);
    brokers.put_back(0, &aside);
    brokers.up(0);
    stops_loudly(&site, "truncated");
    assert_eq!((0..3).map(|at| next_offset(&site, at)).collect::<Vec<_>>(), [180; 3], "{}", running.words());
    assert_eq!(state_of(&site, 0), "stopped");
    running.stop(Duration::from_secs(8));
    // Another start does not think otherwise, and what was counted stays counted.
    let running = site.daemon.start();
    wait_for("it says the same", PATIENCE, || state_of(&site, 1) == "stopped");
    sleep(Duration::from_secs(4));
    assert_eq!(state_of(&site, 1), "stopped");
    running.stop(Duration::from_secs(8));
    site.must_be_right_with(&before);
}

/// The same, and refilled beyond our position before anybody looked: only the last message tells.
#[test]
fn row_44_offsets_used_again_under_one_topic_uuid() {
    let (home, mut brokers, site) = with_its_own_broker("reused");
    on_all_partitions(&site, 1, 100);
    site.count_all();
    let aside = home.path().join("aside");
    brokers.stop(0);
    brokers.keep_copy(0, &aside);
    brokers.up(0);
    on_all_partitions(&site, 10, 80);
    site.count_all();
    let before = site.queue();
    brokers.kill(0);
    brokers.put_back(0, &aside);
    brokers.up(0);
    for partition in 0..2 {
        site.servers().topic.produce(&messages(50 + partition as u64, 300, partition));
    }
    // The third gets back what was lost: there nothing speaks against going on.
    let lost = before.messages[&2][100..].iter().map(|message| (Some(2), None, message.payload.clone()));
    site.servers().topic.produce(&lost.collect::<Vec<_>>());
    site.servers().topic.produce(&messages(60, 40, 2));
    let running = site.daemon.start();
    stops_loudly(&site, "offsets were reused");
    wait_for("the mended partition goes on", PATIENCE, || next_offset(&site, 2) == 220);
    sleep(Duration::from_secs(2));
    assert_eq!((next_offset(&site, 0), next_offset(&site, 1)), (180, 180), "{}", running.words());
    let reused = |line: &&str| line.contains("source stopped") && line.contains("offsets were reused");
    let log = site.daemon.log();
    for partition in ["partition=0", "partition=1"] {
        assert!(log.lines().filter(reused).any(|line| line.contains(partition)), "{}", running.words());
    }
    assert!(!log.lines().filter(reused).any(|line| line.contains("partition=2")), "{}", running.words());
    // Whoever asks from outside is told the same.
    let states = [0, 1, 2].map(|partition| state_of(&site, partition));
    assert_eq!(states, ["stopped", "stopped", "running"]);
    running.stop(Duration::from_secs(8));
}

/// acks=all on three brokers: one killed, then another; entries by `send` and by a foreign producer.
#[test]
fn row_39_three_brokers_two_of_them_killed_in_turn() {
    let home = tempfile::tempdir().unwrap();
    let mut brokers = Brokers::start(home.path(), 3);
    let mut site = Site::cluster_of("three", &servers::mysql(), &brokers.bootstrap());
    site.set("kafka", "replication_factor", 3);
    site.init();
    let topic = site.servers().topic.clone();
    let load = Load::start(&topic, seed("row 39"));
    let mut running = site.daemon.start();
    let mut sent = 0;
    for round in 0..2_u64 {
        sleep(Duration::from_secs(2));
        let victim = brokers.leader(&topic.name, 0).expect("partition 0 has a leader");
        brokers.kill(victim);
        let lines = feed::lines(&feed::entries(900 + round, 200, &Shape::default()));
        site.send(&lines, 0);
        sent += 200;
        wait_for("another leads", PATIENCE, || {
            brokers.leader(&topic.name, 0).is_some_and(|leader| leader != victim)
        });
        assert_eq!(running.ended(), None, "{}", running.words());
        brokers.up(victim);
    }
    right_so_far(&site);
    eprintln!("{sent} entries by send while a broker was dead");
    let sent = load.end() + sent;
    stops_right(&site, sent, running);
}
