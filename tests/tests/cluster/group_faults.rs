//! Several daemons on one topic: rebalances in the middle of a batch, frozen ones that wake up, two that are given
//! the same partition, one entry in two partitions, stores slower than the group's patience.

use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::daemon::TALKATIVE;
use tests::feed::{self, Shape};
use tests::kafka::Value;
use tests::load::{Load, ends_right, long, right_so_far, seed, stops_right};
use tests::processes::wait_for;
use tests::proxy::{Fate, Proxy};
use tests::servers;
use tests::site::Site;

const PATIENCE: Duration = Duration::from_secs(60);

/// A frozen daemon loses its partitions, wakes up and goes on writing: fenced, nothing twice.
#[test]
fn row_13_a_zombie_changes_nothing() {
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
    wait_for("the second daemon takes every partition", PATIENCE, || {
        before.iter().zip(&positions()).all(|(before, after)| after > before)
    });
    sleep(Duration::from_secs(if long() { 60 } else { 2 }));
    right_so_far(&site);
    frozen.signal("CONT");
    sleep(Duration::from_secs(3));
    right_so_far(&site);
    let sent = load.end();
    assert!(sent > 0);
    site.drain(&second, PATIENCE);
    frozen.stop(Duration::from_secs(8));
    site.drain(&second, PATIENCE);
    second.stop(Duration::from_secs(8));
    site.must_be_right();
}

/// Members come and go under load, with and without a word.
#[test]
fn row_13_rebalances_in_the_middle_of_batches() {
    let site = Site::cluster("rebalance");
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 13"));
    let running = site.daemon.start();
    for round in 0..4 {
        let second = site.other_daemon("second", &[]).start();
        sleep(Duration::from_millis(700 + 300 * round));
        let third = site.other_daemon("third", &[]).start();
        sleep(Duration::from_millis(900));
        second.stop(Duration::from_secs(8));
        if round % 2 == 0 {
            third.kill();
        } else {
            third.stop(Duration::from_secs(8));
        }
        right_so_far(&site);
    }
    ends_right(&site, load, running);
}

/// Another group id gives a second daemon the same partitions: of each batch one wins.
#[test]
fn row_14_two_daemons_are_given_the_same_partitions() {
    let site = Site::cluster("forced");
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 14"));
    let running = site.daemon.start_with(&TALKATIVE);
    let other = site.other_daemon("other", &[("kafka", "group_id", "by-force")]);
    let forced = other.start_with(&TALKATIVE);
    let fenced = |log: String| log.lines().filter(|line| line.contains("source taken anew")).count();
    let met = || fenced(site.daemon.log()) + fenced(other.log());
    for _ in 0..5 {
        sleep(Duration::from_secs(1));
        right_so_far(&site);
    }
    wait_for("they meet: else this proves nothing", PATIENCE, || met() > 3);
    right_so_far(&site);
    eprintln!("fenced {} times", met());
    let sent = load.end();
    site.drain(&running, PATIENCE);
    forced.stop(Duration::from_secs(8));
    stops_right(&site, sent, running);
}

/// The ledger does not answer for longer than the group waits for a poll: the member stays, then goes on.
#[test]
fn row_33_a_store_slower_than_max_poll_interval() {
    let mut site = Site::cluster("slow");
    let port: u16 = servers::mysql().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::start(port);
    let url = format!("mysql://root@127.0.0.1:{}/{}", proxy.port(), site.servers().database);
    site.set("mysql", "url", url);
    site.set("kafka", "max.poll.interval.ms", 6_000);
    site.init();
    let topic = &site.servers().topic;
    let load = Load::start(topic, seed("row 33"));
    let mut running = site.daemon.start();
    let db = site.ledger();
    let counted = || db.number("SELECT CAST(COALESCE(SUM(entries), 0) AS CHAR) FROM sources");
    wait_for("it counts", PATIENCE, || counted() > 100);
    let (state, members) = topic.group(&topic.name);
    assert_eq!((state.as_str(), members.len()), ("Stable", 1));
    proxy.hold(true);
    let started = Instant::now();
    // Six seconds without a poll, then six without a heartbeat: a member that does not poll is gone by then.
    while started.elapsed() < Duration::from_secs(14) {
        sleep(Duration::from_millis(500));
        assert_eq!(topic.group(&topic.name), ("Stable".to_owned(), members.clone()));
        assert_eq!(running.ended(), None, "{}", running.words());
    }
    let held = counted();
    proxy.hold(false);
    wait_for("it goes on", PATIENCE, || counted() > held);
    assert_eq!(topic.group(&topic.name), ("Stable".to_owned(), members), "no rebalance");
    ends_right(&site, load, running);
}

/// The same entries in two partitions that two daemons take at the same moment: each counted once. Now and then both hold
/// what they wrote for a while before their COMMIT, so that one meets the other's ids, waits for it, and is refused.
#[test]
fn row_47_one_entry_id_in_two_partitions_at_once() {
    let mut site = Site::cluster("twice");
    site.set("kafka", "partitions", 2);
    let proxy = Proxy::start(servers::mysql().rsplit(':').next().unwrap().parse().unwrap());
    let url = format!("mysql://root@127.0.0.1:{}/{}", proxy.port(), site.servers().database);
    site.set("mysql", "url", url);
    site.init();
    let topic = &site.servers().topic;
    let other = site.second_daemon();
    let (first, second) = (site.daemon.start_with(&TALKATIVE), other.start_with(&TALKATIVE));
    wait_for("both have a partition", PATIENCE, || {
        let (state, members) = topic.group(&topic.name);
        state == "Stable" && members.len() == 2
    });
    let met = || site.daemon.log().matches("1062").count() + other.log().matches("1062").count();
    let shape = Shape { with_id: 10, products: 6, ..Shape::default() };
    let (mut entries, mut sent) = (0, 0);
    let producer = topic.producer();
    for round in 0..60 {
        if round >= 12 && met() > 0 {
            break;
        }
        let lines = feed::entries(round, 100, &shape);
        let both: Vec<Value> = lines
            .iter()
            .flat_map(|entry| (0..2).map(move |at| (Some(at), None, entry.json().into_bytes())))
            .collect();
        if round % 3 == 0 {
            proxy.trap("COMMIT", Fate::Delayed(Duration::from_millis(600)), 2);
        }
        producer.produce(&both);
        entries += lines.len();
        sent += both.len();
        sleep(Duration::from_millis(100));
    }
    site.drain(&first, PATIENCE);
    second.stop(Duration::from_secs(8));
    stops_right(&site, sent, first);
    let snapshot = site.snapshot();
    assert_eq!(snapshot.rows.len(), entries);
    assert!(snapshot.rejected.iter().all(|one| one.kind == "duplicate"));
    assert!(met() > 0, "nobody was refused by 1062; {} COMMITs were held", proxy.sprung());
    eprintln!("1062 was answered {} times", met());
}
