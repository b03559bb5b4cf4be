//! Standalone files that were lost, damaged or put back from an older copy: each store is brought forward from
//! the others, nothing is counted twice and nothing is forgotten.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tests::feed::{self, Shape};
use tests::processes::wait_for;
use tests::site::Site;

/// Files of the data directory whose names begin so (with SQLite's companions).
fn files(site: &Site, begins: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(site.data_dir()).unwrap().map(|name| name.unwrap().path());
    names.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(begins)).collect()
}

fn copy_to(site: &Site, begins: &str, aside: &Path) {
    fs::create_dir_all(aside).unwrap();
    for file in files(site, begins) {
        fs::copy(&file, aside.join(file.file_name().unwrap())).unwrap();
    }
}

fn put_back(site: &Site, begins: &str, aside: &Path) {
    for file in files(site, begins) {
        fs::remove_file(file).unwrap();
    }
    for file in fs::read_dir(aside).unwrap().map(|name| name.unwrap().path()) {
        fs::copy(&file, site.data_dir().join(file.file_name().unwrap())).unwrap();
    }
}

fn send(site: &Site, seed: u64, count: usize) {
    site.send(&feed::lines(&feed::entries(seed, count, &Shape::default())), 0);
}

/// A site with two lots of entries; the copy holds the files as they were after the first.
fn with_copy_of(begins: &str) -> (Site, PathBuf) {
    let site = Site::standalone();
    site.init();
    send(&site, 1, 300);
    let aside = site.daemon.dir.join("aside");
    copy_to(&site, begins, &aside);
    send(&site, 2, 300);
    site.must_be_right();
    (site, aside)
}

#[test]
fn row_08_a_lost_stock_file_is_rebuilt() {
    let (site, _) = with_copy_of("stock");
    for file in files(&site, "stock") {
        fs::remove_file(file).unwrap();
    }
    site.count_all();
}

#[test]
fn a_damaged_stock_file_is_set_aside_and_rebuilt() {
    let (site, _) = with_copy_of("stock");
    let file = site.file("stock");
    fs::write(&file, vec![0x5a; 100_000]).unwrap();
    let running = site.daemon.start();
    wait_for("the damaged file is kept", Duration::from_secs(60), || files(&site, "stock").len() == 2);
    running.stop(Duration::from_secs(8));
    let aside = files(&site, "stock").into_iter().find(|path| *path != file).unwrap();
    fs::remove_file(aside).unwrap();
    site.must_be_right();
}

#[test]
fn row_09_an_older_stock_file_is_brought_forward() {
    let (site, aside) = with_copy_of("stock");
    put_back(&site, "stock", &aside);
    site.count_all();
    put_back(&site, "stock", &aside);
    send(&site, 3, 50);
    site.must_be_right();
}

#[test]
fn row_11_an_older_ledger_takes_what_it_lacks_from_the_queue() {
    let (site, aside) = with_copy_of("ledger");
    put_back(&site, "ledger", &aside);
    site.count_all();
    put_back(&site, "ledger", &aside);
    send(&site, 3, 50);
    site.must_be_right();
}

#[test]
fn row_12_an_older_ledger_and_an_older_stock_of_different_ages() {
    let (site, ledger) = with_copy_of("ledger");
    let stock = site.daemon.dir.join("aside-stock");
    copy_to(&site, "stock", &stock);
    send(&site, 3, 100);
    put_back(&site, "ledger", &ledger);
    put_back(&site, "stock", &stock);
    site.count_all();
    assert_eq!(site.snapshot().rows.len(), 700);
}

#[test]
fn row_44_an_older_outbox_begins_a_new_incarnation() {
    let (site, aside) = with_copy_of("outbox");
    put_back(&site, "outbox", &aside);
    send(&site, 4, 100);
    let snapshot = site.snapshot();
    assert_eq!(snapshot.rows.len(), 700, "what was counted stays, what is new is counted");
    assert_eq!(snapshot.sources.len(), 2);
    let counted: i64 = snapshot.rows.iter().map(|row| row.entry.signed()).sum();
    let stock = site.daemon.call(&["stock", "--json"], "").expect(0).json();
    let shown: i64 = stock.as_array().unwrap().iter().map(|row| row["quantity"].as_i64().unwrap()).sum();
    assert_eq!(shown, counted);
}
