//! What a Kafka topic may do under a running daemon: grow by partitions, carry transactions that were aborted,
//! lose its consumer group's offsets, go and come again. The stores alone decide where reading goes on.

use std::time::Duration;

use tests::feed::{self, Shape};
use tests::kafka::Value;
use tests::processes::wait_for;
use tests::site::Site;

fn messages(seed: u64, count: usize, partition: Option<i32>) -> Vec<Value> {
    let entries = feed::entries(seed, count, &Shape::default());
    entries.into_iter().map(|entry| (partition, None, entry.json().into_bytes())).collect()
}

#[test]
fn row_25_new_partitions_are_read_from_their_start() {
    let site = Site::cluster("grow");
    site.init();
    let topic = &site.servers().topic;
    topic.produce(&messages(1, 200, None));
    let running = site.daemon.start();
    site.drain(&running, Duration::from_secs(60));
    topic.grow(5);
    wait_for("the topic has five partitions", Duration::from_secs(60), || topic.partitions() == 5);
    for partition in 0..5 {
        topic.produce(&messages(10 + partition as u64, 40, Some(partition)));
    }
    site.drain(&running, Duration::from_secs(60));
    running.stop(Duration::from_secs(8));
    site.must_be_right();
    assert_eq!(site.snapshot().rows.len(), 400);
}

#[test]
fn row_26_aborted_transactions_are_passed_and_lag_ends_at_zero() {
    let site = Site::cluster("abort");
    site.init();
    let topic = &site.servers().topic;
    let running = site.daemon.start();
    let producer = topic.transactional();
    for round in 0..6 {
        let commit = round % 2 == 0;
        producer.transaction(&messages(20 + round, 30, Some((round % 3) as i32)), commit);
    }
    // The log's last messages are aborted: positions must go past them all the same.
    producer.transaction(&messages(30, 25, Some(0)), false);
    site.drain(&running, Duration::from_secs(60));
    running.stop(Duration::from_secs(8));
    site.must_be_right();
    assert_eq!(site.snapshot().rows.len(), 90);
    let status = site.daemon.call(&["status", "--json"], "").json();
    assert!(status["sources"].as_array().unwrap().iter().all(|source| source["lag"] == 0), "{status}");
}

/// The group's offsets set to the start, to the end, gone with their group, under another name: the stores decide.
#[test]
fn row_21_the_groups_offsets_are_ignored() {
    let mut site = Site::cluster("group");
    site.init();
    let topic = site.servers().topic.clone();
    topic.produce(&messages(1, 300, None));
    site.count_all();
    topic.produce(&messages(2, 100, None));
    topic.set_group_offsets(&topic.name, |_| 0);
    site.count_all();
    topic.produce(&messages(3, 100, None));
    topic.set_group_offsets(&topic.name, |partition| topic.bounds(partition).1);
    site.count_all();
    topic.produce(&messages(4, 100, None));
    topic.delete_group(&topic.name);
    site.count_all();
    site.set("kafka", "group_id", "somebody-else");
    topic.produce(&messages(5, 100, None));
    site.count_all();
    assert_eq!(site.snapshot().rows.len(), 700);
}

/// The topic goes and comes again under its name: new sources from offset 0; what was counted stays.
#[test]
fn row_23_a_recreated_topic_is_another_source() {
    let site = Site::cluster("again");
    site.init();
    let topic = &site.servers().topic;
    topic.produce(&messages(1, 300, None));
    site.count_all();
    topic.delete();
    wait_for("the topic is gone", Duration::from_secs(60), || topic.partitions() == 0);
    site.init();
    topic.produce(&messages(2, 200, None));
    let running = site.daemon.start();
    let db = site.ledger();
    wait_for("both topics are counted", Duration::from_secs(60), || {
        db.number("SELECT CAST(COALESCE(SUM(entries), 0) AS CHAR) FROM sources") == 500
    });
    running.stop(Duration::from_secs(8));
    let snapshot = site.snapshot();
    assert_eq!((snapshot.rows.len(), snapshot.rejected.len()), (500, 0));
    let mut lives: Vec<&String> = snapshot.sources.iter().map(|source| &source.uuid).collect();
    lives.sort();
    lives.dedup();
    assert_eq!(lives.len(), 2, "{:?}", snapshot.sources);
    let counted: i64 = snapshot.rows.iter().map(|row| row.entry.signed()).sum();
    let stock = site.daemon.call(&["stock", "--json"], "").expect(0).json();
    let shown: i64 = stock.as_array().unwrap().iter().map(|row| row["quantity"].as_i64().unwrap()).sum();
    assert_eq!(shown, counted);
}
