//! What may happen to MariaDB under a running daemon: connections lost in the middle of a COMMIT, restarts, locks held
//! by others, backups put back, a disk or a packet too small. The next compare-and-set decides; the queue gives back.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;
use tests::daemon::{Running, TALKATIVE};
use tests::feed::{self, Shape};
use tests::kafka::Value;
use tests::load::{Load, ends_right, right_so_far, seed, stops_right};
use tests::processes::{MariaDb, copy_dir, wait_for};
use tests::proxy::{Fate, Proxy};
use tests::servers;
use tests::site::Site;
use tests::sql::Db;

const PATIENCE: Duration = Duration::from_secs(60);

fn messages(seed: u64, count: usize, partition: Option<i32>) -> Vec<Value> {
    let entries = feed::entries(seed, count, &Shape::default());
    entries.into_iter().map(|entry| (partition, None, entry.json().into_bytes())).collect()
}

/// A site with a MariaDB of its own.
fn with_its_own(name: &str, extra: &[&str]) -> (TempDir, MariaDb, Site) {
    let home = tempfile::tempdir().unwrap();
    let mariadb = MariaDb::start_with(home.path(), extra);
    let site = Site::cluster_on(name, &mariadb.url());
    site.init();
    (home, mariadb, site)
}

/// The answer to COMMIT is lost, or the COMMIT itself, or it lands when its connection is long dead.
#[test]
fn row_02_a_commit_whose_outcome_is_unknown() {
    let mut site = Site::cluster("commit");
    let port: u16 = servers::mysql().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::start(port);
    let url = format!("mysql://root@127.0.0.1:{}/{}", proxy.port(), site.servers().database);
    site.set("mysql", "url", url);
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 2"));
    let running = site.daemon.start();
    for fate in [Fate::Lost, Fate::Unanswered, Fate::Late(Duration::from_millis(1_200))] {
        for _ in 0..3 {
            let before = proxy.sprung();
            proxy.trap("COMMIT", fate, 1);
            wait_for("a COMMIT meets its fate", PATIENCE, || proxy.sprung() > before);
            sleep(Duration::from_millis(400));
        }
        right_so_far(&site);
    }
    proxy.cut();
    ends_right(&site, load, running);
}

#[test]
fn row_05_a_killed_or_restarted_mariadb_is_taken_up_again() {
    let (_home, mut mariadb, site) = with_its_own("maria", &[]);
    let topic = &site.servers().topic;
    let load = Load::start(topic, seed("row 5"));
    let mut running = site.daemon.start();
    wait_for("the daemon is the group's only member", PATIENCE, || {
        let (state, members) = topic.group(&topic.name);
        (state.as_str(), members.len()) == ("Stable", 1)
    });
    let members = topic.group(&topic.name).1;
    for (orderly, down) in [(false, 100), (false, 3_000), (true, 500)] {
        sleep(Duration::from_millis(1_000));
        if orderly {
            mariadb.stop();
        } else {
            mariadb.kill();
        }
        sleep(Duration::from_millis(down));
        assert_eq!(running.ended(), None, "{}", running.words());
        assert_eq!(topic.group(&topic.name), ("Stable".to_owned(), members.clone()), "it polls on");
        mariadb.up();
    }
    sleep(Duration::from_millis(1_000));
    assert_eq!(topic.group(&topic.name), ("Stable".to_owned(), members), "nobody left and came again");
    ends_right(&site, load, running);
}

fn copy_of(mariadb: &mut MariaDb, aside: &Path) {
    mariadb.stop();
    copy_dir(&mariadb.data(), aside);
    mariadb.up();
}

fn put_back(mariadb: &mut MariaDb, aside: &Path) {
    mariadb.kill();
    std::fs::remove_dir_all(mariadb.data()).unwrap();
    copy_dir(aside, &mariadb.data());
    mariadb.up();
}

fn next_offset(site: &Site, partition: i32) -> i64 {
    site.ledger()
        .number(&format!("SELECT CAST(next_offset AS CHAR) FROM sources WHERE partition_no = {partition}"))
}

#[test]
fn row_11_a_mariadb_restored_from_an_old_backup() {
    let (home, mut mariadb, site) = with_its_own("backup", &[]);
    let topic = &site.servers().topic;
    topic.produce(&(0..3).flat_map(|at| messages(10 + at as u64, 100, Some(at))).collect::<Vec<_>>());
    site.count_all();
    let aside = home.path().join("aside");
    copy_of(&mut mariadb, &aside);
    let load = Load::keyed(topic, seed("row 11"));
    let running = site.daemon.start();
    sleep(Duration::from_secs(2));
    put_back(&mut mariadb, &aside);
    // The stock is ahead of the ledger now and stays as it is, until the ledger has taken what it lacks.
    sleep(Duration::from_secs(2));
    let sent = 300 + load.end();
    stops_right(&site, sent, running);
    // Again without traffic, and with one partition whose messages are gone meanwhile.
    let all = site.queue();
    assert!(topic.bounds(0).1 > 150);
    topic.expire(0, 150);
    let running = site.daemon.start();
    sleep(Duration::from_secs(1));
    put_back(&mut mariadb, &aside);
    wait_for("the other partitions take what they lack", PATIENCE, || {
        (1..3).all(|partition| next_offset(&site, partition) == all.ends[&partition])
    });
    wait_for("the partition that cannot stops and says so", PATIENCE, || {
        site.daemon.log().contains("source stopped") && site.daemon.log().contains("etention")
    });
    assert_eq!(next_offset(&site, 0), 100, "nothing is skipped in silence: {}", running.words());
    let status = site.daemon.call(&["status", "--json"], "").json();
    let source =
        status["sources"].as_array().unwrap().iter().find(|source| source["partition"] == 0).unwrap();
    assert_eq!(source["state"], "stopped", "{source}");
    running.stop(Duration::from_secs(8));
}

#[test]
fn row_12_both_stores_restored_to_different_points() {
    let (home, mut mariadb, mut site) = with_its_own("both", &[]);
    let aside = |name: &str| home.path().join(name);
    let mut sent = 0;
    for round in ["one", "two"] {
        let burst = messages(sent as u64, 300, None);
        sent += burst.len();
        site.servers().topic.produce(&burst);
        site.count_all();
        let redis = &mut site.cluster.as_mut().unwrap().redis;
        redis.kill();
        copy_dir(&redis.home().join("appendonlydir"), &aside(&format!("redis-{round}")));
        redis.up();
        copy_of(&mut mariadb, &aside(&format!("maria-{round}")));
    }
    let load = Load::keyed(&site.servers().topic, seed("row 12"));
    let running = site.daemon.start();
    for (ledger, stock) in [("one", "two"), ("two", "one")] {
        sleep(Duration::from_millis(1_500));
        let redis = &mut site.cluster.as_mut().unwrap().redis;
        redis.kill();
        std::fs::remove_dir_all(redis.home().join("appendonlydir")).unwrap();
        copy_dir(&aside(&format!("redis-{stock}")), &redis.home().join("appendonlydir"));
        put_back(&mut mariadb, &aside(&format!("maria-{ledger}")));
        site.cluster.as_mut().unwrap().redis.up();
    }
    sleep(Duration::from_secs(1));
    let more = load.end();
    stops_right(&site, sent + more, running);
}

/// Transactions of this database that wait for a lock now. The server renews its list only when nobody has read it for
/// a tenth of a second: whoever asks more often sees the same for ever.
fn waiting(db: &Db) -> i64 {
    sleep(Duration::from_millis(150));
    db.number(
        "SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.innodb_trx t \
         JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
         WHERE p.db = DATABASE() AND t.trx_state = 'LOCK WAIT'",
    )
}

fn said(site: &Site, running: &Running, number: &str) {
    wait_for(&format!("the daemon says {number}\n{}", running.words()), PATIENCE, || {
        site.daemon.log().contains(number)
    });
}

/// Somebody holds rows for longer than anybody waits; somebody locks them in the other order.
#[test]
fn row_15_deadlocks_and_lock_timeouts_are_tried_again() {
    let site = Site::cluster("locks");
    site.init();
    let load = Load::start(&site.servers().topic, seed("row 15"));
    let running = site.daemon.start_with(&TALKATIVE);
    let db = site.ledger();
    wait_for("it counts", PATIENCE, || db.number("SELECT CAST(COUNT(*) AS CHAR) FROM balances") > 50);
    for table in ["sources", "ledger_days"] {
        db.run("BEGIN");
        db.rows(&format!(
            "SELECT {} FROM {table} LIMIT 1 FOR UPDATE",
            if table == "sources" { "name" } else { "state" }
        ));
        if table == "sources" {
            said(&site, &running, "1205");
        } else {
            sleep(Duration::from_millis(6_500));
        }
        db.run("ROLLBACK");
    }
    // Whoever changed more is spared: a heavy transaction makes the daemon's the victim.
    db.run("CREATE TABLE heavy (n INT PRIMARY KEY)");
    db.run(
        "INSERT INTO heavy WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 150) \
         SELECT n FROM r",
    );
    db.run("INSERT INTO heavy SELECT a.n * 1000 + b.n FROM heavy a JOIN heavy b");
    for _ in 0..2 {
        db.run("BEGIN");
        db.run("UPDATE heavy SET n = n + 10000000");
        db.rows("SELECT CAST(quantity AS CHAR) FROM balances FOR UPDATE");
        wait_for("the daemon waits for a balance", PATIENCE, || waiting(&db) > 0);
        db.rows("SELECT name FROM sources FOR UPDATE");
        db.run("ROLLBACK");
        sleep(Duration::from_millis(500));
    }
    said(&site, &running, "1213");
    db.run("DROP TABLE heavy");
    right_so_far(&site);
    ends_right(&site, load, running);
}

/// A batch that no packet could carry as one text, and a message that no packet could carry at all.
#[test]
fn row_32_batches_beyond_max_allowed_packet_are_split() {
    let (_home, mariadb, site) = with_its_own("packet", &["--max-allowed-packet=1M"]);
    let topic = &site.servers().topic;
    let long = "单据".repeat(256);
    let mut entries = feed::entries(1, 2_500, &Shape::default());
    entries.iter_mut().for_each(|entry| entry.description = Some(long.clone()));
    let mut values: Vec<Value> =
        entries.iter().map(|entry| (Some(0), None, entry.json().into_bytes())).collect();
    values.insert(1_000, (Some(0), None, vec![b'x'; 900_000]));
    topic.produce(&values);
    let running = site.daemon.start();
    wait_for("everything is counted", PATIENCE, || {
        site.ledger().number("SELECT CAST(COALESCE(SUM(next_offset), 0) AS CHAR) FROM sources") == 2_501
    });
    // The oracle reads with larger packets.
    mariadb.connect().run("SET GLOBAL max_allowed_packet = 64 * 1024 * 1024");
    stops_right(&site, values.len(), running);
    assert_eq!(site.snapshot().rejected.len(), 1);
}

/// A disk of its own for MariaDB, filled up: the sources pause and go on.
#[test]
fn row_31_a_full_disk_under_mariadb() {
    let disk = tests::small_disk::SmallDisk::mount(260);
    let mut mariadb = MariaDb::start_with(&disk.path().join("maria"), &["--innodb-log-file-size=8M"]);
    let mut site = Site::cluster_on("mariadisk", &mariadb.url());
    // Enough tables that new ones are wanted all the time.
    site.set("ledger", "day_tables", 20_000);
    site.init();
    let shape = Shape { products: 40, warehouses: 4, days: 400, first_day: "2024-01-01", ..Shape::default() };
    let load = Load::of(&site.servers().topic, seed("row 31, MariaDB"), shape, 40);
    let mut running = site.daemon.start();
    let db = site.ledger();
    let counted = || db.number("SELECT CAST(COALESCE(SUM(entries), 0) AS CHAR) FROM sources");
    wait_for("it counts", PATIENCE, || counted() > 50);
    disk.fill(0);
    wait_for("the daemon says that it is full", PATIENCE, || site.daemon.log().contains("source paused"));
    sleep(Duration::from_secs(2));
    assert_eq!(running.ended(), None, "{}", running.words());
    let sent = load.end();
    let before = counted();
    disk.free();
    wait_for("it goes on", PATIENCE, || counted() > before);
    stops_right(&site, sent, running);
    mariadb.stop();
}
