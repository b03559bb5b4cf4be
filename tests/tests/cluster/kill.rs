//! The ground of the promise: programs die at random moments under load, and afterwards every accepted entry is
//! counted exactly once in both stores. Seeds are printed; TWINSTOCK_TEST_SEED repeats a run,
//! TWINSTOCK_TEST_KILLS asks for more kills.

use std::thread::sleep;
use std::time::Duration;

use tests::feed::{self, Seeded, Shape};
use tests::load::{Load, ends_right, long, millis, number_of, right_so_far, seed};
use tests::processes::wait_for;
use tests::site::Site;

/// accepted_is_counted_once: kill -9 of `run` at random moments.
#[test]
fn row_01_killed_daemons_count_everything_once() {
    let seed = seed("killed daemons");
    let mut dice = Seeded::new(seed);
    let site = Site::cluster("kill");
    site.init();
    let load = Load::start(&site.servers().topic, seed);
    let kills = number_of("TWINSTOCK_TEST_KILLS", if long() { 100 } else { 26 });
    let (db, mut worked, mut before) = (site.ledger(), 0, 0);
    let taken = "SELECT CAST(COALESCE(SUM(next_offset), 0) AS CHAR) FROM sources";
    for kill in 0..kills {
        let running = site.daemon.start();
        // One in three has begun to count when it is killed, however slow the machine is.
        if kill % 3 == 2 {
            wait_for("the daemon counts", Duration::from_secs(60), || db.number(taken) > before);
        }
        sleep(if kill % 3 == 1 { millis(&mut dice, 300, 1_600) } else { millis(&mut dice, 20, 500) });
        running.kill();
        let now = db.number(taken);
        worked += u64::from(now > before);
        before = now;
        if kill % 8 == 7 {
            right_so_far(&site);
        }
    }
    eprintln!("{worked} of {kills} daemons had counted something before they were killed");
    assert!(worked >= kills / 3, "the kills came before anything was done: they prove nothing");
    let running = site.daemon.start();
    ends_right(&site, load, running);
}

/// A killed `send --batch` is simply repeated.
#[test]
fn row_20_killed_sends_are_repeated_without_doubling() {
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
fn row_20_killed_sends_to_kafka_are_repeated_without_doubling() {
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
