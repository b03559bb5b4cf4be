//! The disk under the embedded stores is full: a clear word or a pause, and afterwards nothing is lost or doubled.

use std::thread::sleep;
use std::time::Duration;

use tests::feed::{self, Shape};
use tests::processes::wait_for;
use tests::site::Site;
use tests::small_disk::SmallDisk;

const PATIENCE: Duration = Duration::from_secs(60);

/// A standalone site whose data directory is a disk of its own.
fn on_a_disk(megabytes: usize) -> (SmallDisk, Site) {
    let disk = SmallDisk::mount(megabytes);
    let site = Site::standalone();
    std::os::unix::fs::symlink(disk.path(), site.data_dir()).unwrap();
    site.init();
    (disk, site)
}

/// `send` meets the end of the disk in the outbox, in the ledger or in the stock, as the room left decides.
#[test]
fn row_31_a_full_disk_under_send() {
    let (disk, site) = on_a_disk(48);
    site.send(&feed::lines(&feed::entries(1, 50, &Shape::default())), 0);
    let (mut sent, mut refused) = (50, 0);
    for (round, spare) in [0, 40, 200, 600, 1_500, 3_000].into_iter().enumerate() {
        disk.fill(spare);
        let shape = Shape { with_id: 0, days: 3, ..Shape::default() };
        let lines = feed::lines(&feed::entries(10 + round as u64, 2_000, &shape));
        let name = format!("round {round}");
        let batch = ["send", "-", "--batch", &name];
        let said = site.daemon.call(&batch, &lines);
        if said.code != Some(0) {
            refused += 1;
            let words = said.stderr.to_lowercase();
            assert!(words.contains("space") || words.contains("full"), "{spare} KB left: {}", said.stderr);
        }
        disk.free();
        site.daemon.call(&batch, &lines).expect(0);
        sent += 2_000;
        site.must_be_right();
        assert_eq!(site.snapshot().rows.len(), sent, "{spare} KB left");
    }
    assert!(refused >= 3, "the disk was full {refused} times");
}

/// The stock's file alone has a disk that is full: what it cannot make durable it forgets and gets again, by itself,
/// when there is room.
#[test]
fn row_31_a_full_disk_under_the_embedded_stock() {
    let disk = SmallDisk::mount(6);
    let site = Site::standalone();
    std::fs::create_dir_all(site.data_dir()).unwrap();
    std::os::unix::fs::symlink(disk.path().join("stock.redb"), site.data_dir().join("stock.redb")).unwrap();
    site.init();
    for round in 0..2 {
        let shape = Shape { products: 100, warehouses: 40, days: 1, ..Shape::default() };
        let entries = feed::entries(30 + round, 6_000, &shape);
        let payloads: Vec<Vec<u8>> = entries.iter().map(|entry| entry.json().into_bytes()).collect();
        site.send(&feed::lines(&feed::entries(40 + round, 5, &shape)), 0);
        site.put_raw(&payloads);
        let mut running = site.daemon.start();
        let before = site.daemon.log().len();
        disk.fill(0);
        wait_for("it says that the stock is in trouble", PATIENCE, || {
            site.daemon.log()[before..].contains("in trouble")
        });
        sleep(Duration::from_secs(2));
        assert_eq!(running.ended(), None, "{}", running.words());
        disk.free();
        let freed = site.daemon.log().len();
        wait_for("it goes on by itself", PATIENCE, || site.daemon.log()[freed..].contains("answers again"));
        let (db, ends) = (site.ledger(), site.queue().ends[&0]);
        wait_for("the stock has everything", PATIENCE, || {
            db.number("SELECT CAST(MIN(stock_offset) AS TEXT) FROM sources") == ends
        });
        sleep(Duration::from_secs(2));
        assert!(!site.daemon.log()[freed..].contains("in trouble"), "{}", running.words());
        running.stop(Duration::from_secs(8));
        site.must_be_right();
    }
}

/// A running daemon pauses and goes on by itself when there is room again.
#[test]
fn row_31_a_full_disk_under_a_running_daemon() {
    let (disk, site) = on_a_disk(64);
    site.send(&feed::lines(&feed::entries(1, 50, &Shape::default())), 0);
    for (round, spare) in [0, 300, 1_500].into_iter().enumerate() {
        let entries = feed::entries(20 + round as u64, 8_000, &Shape { days: 3, ..Shape::default() });
        let payloads: Vec<Vec<u8>> = entries.iter().map(|entry| entry.json().into_bytes()).collect();
        site.put_raw(&payloads);
        let before = site.daemon.log().len();
        disk.fill(spare);
        let mut running = site.daemon.start();
        wait_for("it says that the disk is full, or ends", PATIENCE, || {
            let log = site.daemon.log()[before..].to_lowercase();
            log.contains("full") || log.contains("space")
        });
        sleep(Duration::from_secs(1));
        disk.free();
        if let Some(code) = running.ended() {
            // It could not even open its files: a clear end, and the next start works.
            assert_ne!(code, 0);
            site.count_all();
            continue;
        }
        let db = site.ledger();
        let ends = site.queue().ends[&0];
        wait_for("it goes on by itself", PATIENCE, || {
            db.number("SELECT CAST(MIN(stock_offset) AS TEXT) FROM sources") == ends
        });
        db.close();
        running.stop(Duration::from_secs(8));
        site.must_be_right();
    }
}
