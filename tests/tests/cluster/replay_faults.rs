//! The replay beside everything that goes on at the same time: traffic, compaction, another replay, a log with markers
//! and aborted messages, a topic made anew, more loss than one look holds. Never a false finding; nothing done twice.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tests::corrupt::{PLANTS, Plant, Victims, findings};
use tests::daemon::Running;
use tests::feed::{self, Shape};
use tests::load::{Load, seed};
use tests::processes::wait_for;
use tests::site::Site;
use tests::spec::Entry;

const PATIENCE: Duration = Duration::from_secs(90);

#[track_caller]
fn replay(site: &Site, more: &[&str], code: i32) -> Value {
    let args: Vec<&str> = ["replay", "--json"].into_iter().chain(more.iter().copied()).collect();
    site.daemon.call(&args, "").expect(code).json()
}

fn values(entries: &[Entry], partition: Option<i32>) -> Vec<tests::kafka::Value> {
    entries.iter().map(|entry| (partition, None, entry.json().into_bytes())).collect()
}

fn entries(seed: u64, count: usize) -> Vec<Entry> {
    let shape = Shape { products: 30, warehouses: 4, days: 3, ..Shape::default() };
    feed::entries(seed, count, &shape)
}

/// A table is dropped under a daemon that goes on writing into it: made again by whoever needs it first, and what was
/// lost comes back from the queue.
#[test]
fn row_17_a_table_dropped_under_traffic_is_restored() {
    let site = Site::cluster("dropped");
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 17, replay"));
    let running = site.daemon.start();
    let counted = || site.ledger().number("SELECT CAST(COALESCE(SUM(entries), 0) AS CHAR) FROM sources");
    wait_for("it counts", PATIENCE, || counted() > 2_000);
    let before = site.snapshot();
    let mut tables: Vec<&String> = before.rows.iter().map(|row| &row.table).collect();
    tables.sort();
    tables.dedup();
    let dropped: BTreeSet<&String> = tables.into_iter().step_by(20).collect();
    for table in &dropped {
        site.ledger().run(&format!("DROP TABLE {table}"));
    }
    let lost: BTreeSet<(String, i64)> = before
        .rows
        .iter()
        .filter(|row| dropped.contains(&row.table))
        .map(|row| {
            let source = before.sources.iter().find(|source| source.id == row.source).unwrap();
            (source.name.clone(), row.offset)
        })
        .collect();
    let found = replay(&site, &[], 1);
    let named: BTreeSet<(String, i64)> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["kind"] == "missing" && finding["offset"].is_i64())
        .map(|finding| (finding["source"].as_str().unwrap().to_owned(), finding["offset"].as_i64().unwrap()))
        .collect();
    let missed: Vec<_> = lost.difference(&named).collect();
    assert!(missed.is_empty(), "not named: {missed:?}");
    let applied = replay(&site, &["--apply"], 0);
    assert!(applied["corrected"].as_u64().unwrap() >= lost.len() as u64, "{applied:#}");
    ends_counted(&site, load, running);
    assert_eq!(replay(&site, &[], 0)["findings"], json!([]));
}

/// Ends load and daemon; everything is counted once. A source that a replay has just given a new stamp may be given back
/// before its watermark is saved again: the next start sends a little more, and nothing is counted twice.
#[track_caller]
fn ends_counted(site: &Site, load: Load, running: Running) {
    load.end();
    site.drain(&running, Duration::from_secs(90));
    running.stop(Duration::from_secs(8));
    site.must_be_right();
}

/// Days are compacted while the queue is replayed, in both directions across the boundary.
#[test]
fn row_49_replays_across_a_boundary_that_moves() {
    let mut site = Site::cluster("boundary");
    site.set("ledger", "day_tables", 60);
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 49, replay"));
    let running = site.daemon.start();
    wait_for("it counts", PATIENCE, || site.snapshot().rows.len() > 1_000);
    for day in ["2025-03-11", "2025-03-12", "2025-03-13", "2025-03-14"] {
        let mut beside = site.daemon.start_command(&["compact", "--before", day], &[]);
        for _ in 0..3 {
            assert_eq!(replay(&site, &[], 0)["findings"], json!([]), "while days before {day} are compacted");
        }
        wait_for("the compaction ends", PATIENCE, || beside.ended().is_some());
        assert_eq!(beside.ended(), Some(0), "compacting the days before {day}:\n{}", beside.words());
        let days = site.snapshot().days;
        let open: Vec<_> =
            days.iter().filter(|(of, state)| of.as_str() < day && *state != "compacted").collect();
        assert!(open.is_empty(), "before {day}: {open:?}");
    }
    let mut victims = Victims::of(&site);
    let planted = victims.plant(&site, Plant::RowInDeleted);
    assert!(findings(&replay(&site, &[], 1)).contains(&planted[0]));
    replay(&site, &["--apply"], 0);
    ends_counted(&site, load, running);
}

/// Markers and aborted messages leave gaps that no row may be missed for.
#[test]
fn row_26_gaps_in_the_log_prove_nothing() {
    let site = Site::cluster("gaps");
    site.init();
    let producer = site.servers().topic.transactional();
    for round in 0..6 {
        producer.transaction(&values(&entries(round, 40), Some(0)), round % 2 == 0);
        producer.transaction(&values(&entries(100 + round, 40), Some(1)), round % 2 == 1);
    }
    site.count_all();
    let clean = replay(&site, &[], 0);
    assert_eq!((&clean["findings"], &clean["messages"]), (&json!([]), &json!(240)));
    let mut victims = Victims::of(&site);
    let planted = victims.plant(&site, Plant::RowOutDeleted);
    assert_eq!(findings(&replay(&site, &[], 1)), planted);
    // A row where an aborted message lies is no entry: the queue shows none there.
    let row = victims.row(|row| row.offset < 40 && row.day.is_none());
    let gap = 50;
    site.ledger().run(&format!(
        "UPDATE {} SET source_offset = {gap}, entry_id = NULL WHERE source_id = {} AND source_offset = {}",
        row.table, row.source, row.offset
    ));
    let found = replay(&site, &["--apply"], 0);
    assert!(found["corrected"].as_u64() == Some(3), "{found:#}");
    site.must_be_right();
}

/// A topic made anew: what the old one held is beyond proof, the new one is proven.
#[test]
fn row_23_a_topic_made_anew() {
    let site = Site::cluster("anew");
    site.init();
    let topic = &site.servers().topic;
    topic.produce(&values(&entries(1, 300), None));
    site.count_all();
    topic.delete();
    wait_for("the topic is gone", PATIENCE, || topic.partitions() == 0);
    site.init();
    topic.produce(&values(&entries(2, 300), None));
    let running = site.daemon.start();
    wait_for("the new topic is counted", PATIENCE, || site.snapshot().rows.len() == 600);
    running.stop(Duration::from_secs(8));
    let found = replay(&site, &[], 0);
    assert_eq!(found["beyond_proof"], 300, "{found:#}");
    let new: BTreeSet<i64> =
        site.snapshot().sources.iter().filter(|source| source.id > 3).map(|source| source.id).collect();
    let mut victims = Victims::of(&site);
    let row = victims.row(|row| new.contains(&row.source));
    site.ledger().run(&format!(
        "DELETE FROM {} WHERE source_id = {} AND source_offset = {}",
        row.table, row.source, row.offset
    ));
    assert_eq!(replay(&site, &["--apply"], 0)["corrected"], 1);
    assert_eq!(site.snapshot().rows.len(), 600);
    assert_eq!(replay(&site, &[], 0)["findings"], json!([]));
}

/// Two people agree at once: every correction says what must be true, so it is done once.
#[test]
fn row_45_two_replays_at_once() {
    let site = Site::cluster("twice");
    site.init();
    let topic = &site.servers().topic;
    let mut all = values(&entries(45, 1_500), None);
    all.extend((0..9).map(|_| (None, None, b"poison".to_vec())));
    topic.produce(&all);
    site.count_all();
    for _ in 0..3 {
        let mut victims = Victims::of(&site);
        PLANTS.iter().for_each(|plant| drop(victims.plant(&site, *plant)));
        let other = site.second_daemon();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| site.daemon.call(&["replay", "--apply", "--json"], ""));
            let second = scope.spawn(|| other.call(&["replay", "--apply", "--json"], ""));
            let codes = [first.join().unwrap(), second.join().unwrap()];
            for output in &codes {
                assert!(matches!(output.code, Some(0 | 1)), "{} {}", output.stdout, output.stderr);
            }
        });
        site.must_be_right();
        assert_eq!(replay(&site, &[], 0)["findings"], json!([]));
    }
}

/// More rows lost than one look keeps: told, and mended round by round.
#[test]
fn more_loss_than_one_look_holds() {
    let site = Site::standalone();
    site.init();
    let shape = Shape { products: 2, warehouses: 3, days: 1, ..Shape::default() };
    site.send(&feed::lines(&feed::entries(3, 45_000, &shape)), 0);
    let tables: BTreeSet<String> = site.snapshot().rows.into_iter().map(|row| row.table).collect();
    let db = site.ledger();
    for table in &tables {
        db.run(&format!("DROP TABLE {table}"));
    }
    db.close();
    let found = replay(&site, &[], 1);
    let shown = found["findings"].as_array().unwrap().len() as u64;
    assert_eq!(shown + found["more"].as_u64().unwrap(), 45_000 + tables.len() as u64);
    let applied = replay(&site, &["--apply"], 0);
    assert_eq!(applied["corrected"].as_u64(), Some(45_000 + tables.len() as u64));
    site.must_be_right();
}
