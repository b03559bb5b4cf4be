//! What may happen to Redis under a running daemon: answers lost, calls late, memory lost in every way, no room left,
//! values written by somebody else. The stock is brought forward from the ledger; nothing is counted twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use tests::load::{Load, ends_right, right_so_far, seed};
use tests::oracle::Rules;
use tests::processes::{RedisServer, wait_for};
use tests::proxy::{Fate, Proxy};
use tests::site::Site;

const PATIENCE: Duration = Duration::from_secs(60);

/// A site whose daemon reaches Redis through a proxy; the oracle looks past it.
fn behind_a_proxy(name: &str) -> (Site, Proxy) {
    let mut site = Site::cluster(name);
    let proxy = Proxy::start(site.servers().redis.port());
    site.set("redis", "url", format!("redis://127.0.0.1:{}/0", proxy.port()));
    site.init();
    (site, proxy)
}

fn command(site: &Site, words: &[&str]) {
    redis::cmd(words[0]).arg(&words[1..]).exec(&mut site.servers().redis.connect()).unwrap();
}

/// Our balances: keys with a colon.
fn balances(site: &Site) -> BTreeMap<String, String> {
    site.stock().into_iter().filter(|(key, _)| key.contains(':')).collect()
}

fn trap_each(proxy: &Proxy, fate: Fate, times: u64) {
    for _ in 0..times {
        let before = proxy.sprung();
        proxy.trap("EVALSHA", fate, 1);
        wait_for("a call to the stock meets its fate", PATIENCE, || proxy.sprung() > before);
        sleep(Duration::from_millis(300));
    }
}

/// The script ran, its answer was lost: sent again, skipped by `at`.
#[test]
fn row_03_a_call_without_an_answer_counts_once() {
    let (site, proxy) = behind_a_proxy("unanswered");
    let load = Load::start(&site.servers().topic, seed("row 3"));
    let running = site.daemon.start();
    trap_each(&proxy, Fate::Unanswered, 5);
    right_so_far(&site);
    trap_each(&proxy, Fate::Lost, 3);
    ends_right(&site, load, running);
}

#[test]
fn row_04_scripts_are_loaded_again() {
    let site = Site::cluster("flush");
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 4"));
    let running = site.daemon.start();
    for _ in 0..10 {
        sleep(Duration::from_millis(250));
        command(&site, &["SCRIPT", "FLUSH"]);
    }
    ends_right(&site, load, running);
}

/// The append-only file without what came after `length`: the last second before a power cut.
fn cut_aof(site: &mut Site, length: u64) {
    let file = aof(site);
    let redis = &mut site.cluster.as_mut().unwrap().redis;
    redis.kill();
    let all = std::fs::metadata(&file).unwrap().len();
    assert!(all > length, "nothing would be lost");
    std::fs::File::options().write(true).open(&file).unwrap().set_len(length).unwrap();
    redis.up();
}

fn aof(site: &Site) -> PathBuf {
    let dir = site.servers().redis.home().join("appendonlydir");
    let files = std::fs::read_dir(&dir).unwrap().map(|file| file.unwrap().path());
    files.into_iter().find(|path| path.to_string_lossy().ends_with(".incr.aof")).expect("an AOF")
}

fn aof_length(site: &Site) -> u64 {
    std::fs::metadata(aof(site)).unwrap().len()
}

/// A length of the file that more was written after: what a power cut may take back.
fn a_length_written_past(site: &Site) -> u64 {
    let length = aof_length(site);
    wait_for("the stock writes more", PATIENCE, || aof_length(site) > length);
    length
}

#[test]
fn row_06_a_redis_that_lost_its_last_second() {
    let mut site = Site::cluster("aof");
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 6"));
    let mut running = site.daemon.start();
    for _ in 0..2 {
        sleep(Duration::from_millis(1_500));
        let length = a_length_written_past(&site);
        sleep(Duration::from_secs(1));
        cut_aof(&mut site, length);
        assert_eq!(running.ended(), None, "{}", running.words());
    }
    sleep(Duration::from_secs(1));
    let length = a_length_written_past(&site);
    let sent = load.end();
    site.drain(&running, PATIENCE);
    // Nobody writes any more: only the sentinel can tell.
    cut_aof(&mut site, length);
    site.drain(&running, PATIENCE);
    let load = Load::start(&site.servers().topic, 6);
    let more = load.end();
    tests::load::stops_right(&site, sent + more, running);
}

/// A replica that lagged becomes the primary: what the old one acknowledged meanwhile is lost.
#[test]
fn row_07_a_failover_that_lost_acknowledged_writes() {
    let (mut site, proxy) = behind_a_proxy("failover");
    let load = Load::start(&site.servers().topic, seed("row 7"));
    let running = site.daemon.start();
    for _ in 0..2 {
        let home = tempfile::tempdir().unwrap().keep();
        let primary = site.servers().redis.port().to_string();
        let replica = RedisServer::start_with(&home, &["--replicaof", "127.0.0.1", &primary]);
        let mut connection = replica.connect();
        wait_for("the replica is in step", PATIENCE, || {
            let info: String = redis::cmd("INFO").arg("replication").query(&mut connection).unwrap();
            info.contains("master_link_status:up")
        });
        sleep(Duration::from_secs(1));
        redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec(&mut connection).unwrap();
        let at_that_moment = balances(&site);
        wait_for("the primary acknowledges more", PATIENCE, || balances(&site) != at_that_moment);
        sleep(Duration::from_secs(1));
        let port = replica.port();
        let mut old = std::mem::replace(&mut site.cluster.as_mut().unwrap().redis, replica);
        old.kill();
        std::fs::remove_dir_all(old.home()).ok();
        proxy.lead_to(port);
        sleep(Duration::from_millis(1_500));
        right_so_far(&site);
    }
    ends_right(&site, load, running);
}

#[test]
fn row_08_a_wiped_stock_is_rebuilt() {
    let site = Site::cluster("wipe");
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 8"));
    let running = site.daemon.start();
    for _ in 0..3 {
        sleep(Duration::from_millis(1_000));
        command(&site, &["FLUSHALL"]);
    }
    let sent = load.end();
    site.drain(&running, PATIENCE);
    command(&site, &["FLUSHALL"]);
    site.drain(&running, PATIENCE);
    tests::load::stops_right(&site, sent, running);
}

/// Puts every fourth key back to what it was first, the next to what it was later, leaves one as it is, drops one.
fn of_different_ages(site: &Site, first: &BTreeMap<String, String>, second: &BTreeMap<String, String>) {
    let now = balances(site);
    command(site, &["FLUSHALL"]);
    command(site, &["SET", "TWINSTOCK_SENTINEL", "1"]);
    for (at, (key, value)) in now.iter().enumerate() {
        let value = match at % 4 {
            0 => first.get(key),
            1 => second.get(key),
            2 => Some(value),
            _ => None,
        };
        if let Some(value) = value {
            command(site, &["SET", key, value]);
        }
    }
}

#[test]
fn row_09_an_old_snapshot_with_keys_of_different_ages() {
    let (site, proxy) = behind_a_proxy("ages");
    let load = Load::start(&site.servers().topic, seed("row 9"));
    let running = site.daemon.start();
    wait_for("there are balances", PATIENCE, || balances(&site).len() > 50);
    let first = balances(&site);
    sleep(Duration::from_millis(1_200));
    let second = balances(&site);
    sleep(Duration::from_millis(1_200));
    proxy.down(true);
    of_different_ages(&site, &first, &second);
    proxy.down(false);
    sleep(Duration::from_millis(1_500));
    right_so_far(&site);
    let sent = load.end();
    site.drain(&running, PATIENCE);
    let right = balances(&site);
    proxy.down(true);
    of_different_ages(&site, &first, &second);
    proxy.down(false);
    site.drain(&running, PATIENCE);
    let again = balances(&site);
    let touched = right.keys().enumerate().filter(|(at, key)| at % 4 == 2 && again[*key] != right[*key]);
    assert_eq!(touched.count(), 0, "a value that is newer than the snapshot stays as it is");
    tests::load::stops_right(&site, sent, running);
}

fn evict_a_third(site: &Site) {
    wait_for("there are balances", PATIENCE, || balances(site).len() > 50);
    let keys: Vec<String> = balances(site).into_keys().collect();
    keys.iter().step_by(3).for_each(|key| command(site, &["DEL", key]));
}

#[test]
fn row_10_evicted_keys_come_back() {
    let site = Site::cluster("evict");
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 10"));
    let running = site.daemon.start();
    for _ in 0..3 {
        evict_a_third(&site);
        sleep(Duration::from_millis(700));
    }
    right_so_far(&site);
    let sent = load.end();
    site.drain(&running, PATIENCE);
    // Without traffic nobody calls for the key: the sweep of the next start finds it.
    running.kill();
    evict_a_third(&site);
    let running = site.daemon.start();
    tests::load::stops_right(&site, sent, running);
}

#[test]
fn row_32_a_full_redis_pauses_and_evicts_nothing() {
    let site = Site::cluster("maxmemory");
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 32"));
    let mut running = site.daemon.start();
    wait_for("there are balances", PATIENCE, || balances(&site).len() > 50);
    for _ in 0..2 {
        command(&site, &["CONFIG", "SET", "maxmemory", "1mb"]);
        // Calls under way when the limit came may still have passed.
        sleep(Duration::from_millis(300));
        let full = balances(&site);
        sleep(Duration::from_millis(1_500));
        assert_eq!(balances(&site), full, "nothing is written and nothing evicted");
        assert_eq!(running.ended(), None, "{}", running.words());
        right_so_far(&site);
        command(&site, &["CONFIG", "SET", "maxmemory", "0"]);
        wait_for("it goes on", PATIENCE, || balances(&site) != full);
    }
    ends_right(&site, load, running);
}

/// Calls that arrive after newer ones, twice, or after the next owner of the source has begun.
#[test]
fn row_41_late_repeated_and_reordered_calls() {
    let (site, proxy) = behind_a_proxy("late");
    let load = Load::start(&site.servers().topic, seed("row 41"));
    let running = site.daemon.start();
    trap_each(&proxy, Fate::Late(Duration::from_millis(900)), 4);
    right_so_far(&site);
    proxy.delay(Duration::from_millis(150));
    trap_each(&proxy, Fate::Unanswered, 2);
    right_so_far(&site);
    // The last call of this daemon arrives when the next one has taken its sources.
    proxy.trap("EVALSHA", Fate::Late(Duration::from_secs(3)), 1);
    let before = proxy.sprung();
    wait_for("a last call is held back", PATIENCE, || proxy.sprung() > before);
    running.kill();
    proxy.delay(Duration::ZERO);
    let running = site.daemon.start();
    for _ in 0..4 {
        sleep(Duration::from_secs(1));
        right_so_far(&site);
    }
    ends_right(&site, load, running);
}

/// The spec's own audit program writes values without `at`.
#[test]
fn row_43_a_foreign_value_is_reported_and_left_alone() {
    let site = Site::cluster("foreign");
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 43"));
    let running = site.daemon.start();
    wait_for("there are balances", PATIENCE, || balances(&site).len() > 50);
    let key = balances(&site).into_keys().next().unwrap();
    let foreign = r#"{"base": 5, "change": 0}"#;
    command(&site, &["SET", &key, foreign]);
    sleep(Duration::from_millis(1_500));
    let sent = load.end();
    wait_for("all but the foreign value is right", PATIENCE, || {
        let faults = site.faults(Rules::drained());
        faults.len() == 1 && faults[0].kind == "stock_wrong" && faults[0].what.starts_with(&key)
    });
    assert_eq!(balances(&site)[&key], foreign, "writers leave it alone");
    assert!(site.daemon.log().contains("without a readable at"), "{}", running.words());
    running.kill();
    let running = site.daemon.start();
    sleep(Duration::from_secs(1));
    assert_eq!(balances(&site)[&key], foreign, "the sweep leaves it alone");
    running.kill();
    command(&site, &["DEL", &key]);
    let running = site.daemon.start();
    tests::load::stops_right(&site, sent, running);
}

/// Redis killed while it is written to; what it had acknowledged lies in its file.
#[test]
fn row_06_a_killed_redis_is_waited_for() {
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

/// A disk of its own for Redis, filled up: MISCONF, and nothing is lost.
#[test]
fn row_31_a_full_disk_under_redis() {
    let disk = tests::small_disk::SmallDisk::mount(24);
    let mut site = Site::cluster("aofdisk");
    let home: &Path = &disk.path().join("redis");
    let redis = RedisServer::start(home);
    site.set("redis", "url", redis.url());
    let old = std::mem::replace(&mut site.cluster.as_mut().unwrap().redis, redis);
    std::fs::remove_dir_all(old.home()).ok();
    drop(old);
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 31, Redis"));
    let mut running = site.daemon.start();
    wait_for("there are balances", PATIENCE, || balances(&site).len() > 50);
    for _ in 0..2 {
        disk.fill(0);
        sleep(Duration::from_secs(3));
        assert_eq!(running.ended(), None, "{}", running.words());
        disk.free();
        sleep(Duration::from_secs(1));
    }
    ends_right(&site, load, running);
}
