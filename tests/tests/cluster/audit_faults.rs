//! What may happen to an audit and around it: full load, rebalances, compaction, crashes at every step, a frozen auditor,
//! a ledger that is behind, a stock that lost everything, a storm. Never a false alarm, never a wrong repair.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::audits::{Told, audit};
use tests::daemon::finish;
use tests::feed::{self, Shape};
use tests::load::{Load, ends_right, long, seed, stops_right};
use tests::planted::{Backup, edited, put, quantities};
use tests::points;
use tests::processes::wait_for;
use tests::site::Site;
use tests::spec::{Entry, day_number, day_text};

const PATIENCE: Duration = Duration::from_secs(60);

fn counted(cluster: bool, count: usize, shape: &Shape) -> Site {
    let site = if cluster { Site::cluster("audited") } else { Site::standalone() };
    site.init();
    more(&site, 1, count, shape);
    site
}

fn more(site: &Site, number: u64, count: usize, shape: &Shape) {
    let entries: Vec<Entry> = feed::entries(number, count, shape);
    site.put_raw(&entries.iter().map(|entry| entry.json().into_bytes()).collect::<Vec<_>>());
    site.count_all();
}

fn last_check(site: &Site) -> Option<String> {
    site.stock().get("LASTCHECK").cloned()
}

/// Audits back to back, quick and full, beside writers that come and go, new tables, and days that are compacted.
#[test]
fn row_34_no_false_alarm_under_load() {
    let mut site = Site::cluster("alarm");
    site.set("ledger", "day_tables", 60);
    site.init();
    let seed = seed("row 34");
    let load = Load::keyed(&site.servers().topic, seed);
    let running = site.daemon.start();
    let second = site.second_daemon();
    let length = Duration::from_secs(if long() { 3_600 } else { 60 });
    let (started, mut rounds, mut other) = (Instant::now(), 0, None);
    let mut judged = 0;
    while started.elapsed() < length {
        let told = audit(&site.daemon, if rounds % 3 == 2 { &["--full"] } else { &[] });
        assert_eq!(told.deviations().len(), 0, "round {rounds}: {:#}", told.0);
        assert_eq!((told.outcome(), told.count("pending")), ("clean", 0), "round {rounds}");
        judged += told.count("keys");
        // A second writer comes and goes: rebalances.
        if rounds % 8 == 3 {
            other = Some(second.start());
        } else if rounds % 8 == 7
            && let Some(other) = other.take()
        {
            other.stop(Duration::from_secs(8));
        }
        if rounds % 10 == 5 {
            let before = day_text(day_number("2025-03-10") + 1 + rounds / 10 % 4);
            site.daemon.call(&["compact", "--before", &before], "").expect(0);
        }
        rounds += 1;
    }
    eprintln!("{rounds} audits, {judged} keys judged");
    assert!(rounds > 5, "{rounds}");
    audited_beside_a_waiting_drop(&site, &[]);
    audited_beside_a_waiting_drop(&site, &["--full"]);
    if let Some(other) = other {
        other.stop(Duration::from_secs(8));
    }
    ends_right(&site, load, running);
    audit(&site.daemon, &["--full"]).must_be_clean();
}

/// A day is compacted while somebody reads one of its tables: the rows have moved, the DROP waits for the reader, and
/// an audit comes in between. It is met on purpose, for by chance it takes many minutes.
fn audited_beside_a_waiting_drop(site: &Site, flags: &[&str]) {
    let (reader, look) = (site.ledger(), site.ledger());
    let open = format!(
        "SELECT {}, {} FROM ledger_tables t JOIN ledger_days d ON d.day = t.first_day \
         WHERE t.product_id IS NOT NULL AND d.state = 'open' ORDER BY t.first_day, t.table_name LIMIT 1",
        look.text("t.table_name"),
        look.text("t.first_day")
    );
    let mut day = String::new();
    wait_for("a day table that is read", PATIENCE, || {
        // The daemon itself compacts days and may be first.
        let Some([Some(table), Some(first)]) =
            look.rows(&open).pop().as_deref().map(|row| [row[0].clone(), row[1].clone()])
        else {
            return false;
        };
        day = first;
        reader.run("START TRANSACTION");
        let read = reader.try_rows(&format!("SELECT {} FROM {table} LIMIT 1", reader.text("quantity")));
        if read.is_err() {
            reader.run("ROLLBACK");
        }
        read.is_ok()
    });
    let before = day_text(day_number(&day) + 1);
    let mut compacting = site.daemon.start_command(&["compact", "--before", &before], &[]);
    wait_for("its DROP waits for the reader", PATIENCE, || {
        look.number(
            "SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.processlist WHERE db = DATABASE() \
             AND info LIKE 'DROP TABLE%' AND state LIKE 'Waiting for table metadata lock%'",
        ) > 0
    });
    let told = audit(&site.daemon, flags);
    assert_eq!((told.outcome(), told.count("pending")), ("clean", 0), "beside a DROP: {:#}", told.0);
    reader.run("ROLLBACK");
    wait_for("the compaction ends", PATIENCE, || compacting.ended().is_some());
    // A DROP that waited too long is told, and done the next time.
    if compacting.ended() != Some(0) {
        site.daemon.call(&["compact", "--before", &before], "").expect(0);
    }
    audit(&site.daemon, flags).must_be_clean();
}

/// What is planted under load is found and corrected, and nothing else is.
#[test]
fn row_36_planted_under_load() {
    let site = Site::cluster("under");
    site.init();
    more(&site, 7, 3_000, &Shape::default());
    let still: Vec<String> = quantities(&site).into_keys().collect();
    let load = Load::keyed(&site.servers().topic, seed("row 36 under load"));
    let running = site.daemon.start();
    for round in 0..6 {
        let key = &still[round * 3 % still.len()];
        // A read and a write of somebody who knows nothing of the writers: what they count in between is lost as well.
        put(&site, key, Some(&edited(&site, key, -11, false)));
        let told = audit(&site.daemon, &[]);
        assert_eq!(told.outcome(), "corrected", "round {round}: {:#}", told.0);
        let line = told.of(key);
        assert_eq!((&line["action"], &line["store"]), (&json!("corrected"), &json!("stock")), "{line:#}");
        assert_eq!(told.deviations().len(), 1, "round {round}: {:#}", told.0);
        audit(&site.daemon, &["--full"]).must_be_clean();
    }
    stops_right(&site, load.end() + 3_000, running);
}

/// The three things that an audit corrects at once: a drift, a forgotten key, a damaged value.
fn plant(site: &Site) -> Vec<String> {
    let keys: Vec<String> = quantities(site).into_keys().collect();
    put(site, &keys[0], Some(&edited(site, &keys[0], -9, false)));
    put(site, &keys[1], None);
    put(site, &keys[2], Some(r#"{"base":1,"change":0}"#));
    keys[..3].to_vec()
}

fn killed_at_every_step(cluster: bool) {
    let site = counted(cluster, 2_000, &Shape::default());
    let points: Vec<String> =
        points::listed().into_iter().filter(|point| point.starts_with("audit.")).collect();
    assert!(points.len() > 8, "{points:?}");
    for (round, point) in points.iter().enumerate() {
        // New entries leave something to fold.
        more(&site, round as u64 + 2, 50, &Shape::default());
        let planted = plant(&site);
        let mut command = site.daemon.command(&["audit", "--json"]);
        // A corrected run is clean and moves LASTCHECK; so do all points come on the way of this one.
        command.env("TWINSTOCK_CRASH", point);
        let output = finish(command, b"", PATIENCE);
        assert_eq!(output.code, None, "{point} is never reached: {}{}", output.stdout, output.stderr);
        assert!(output.stderr.contains(point.as_str()), "{point}: {}", output.stderr);
        if cluster {
            // The lease of the dead one ends by itself; nobody waits for it in this test.
            redis::cmd("DEL").arg("TWINSTOCK_AUDITOR").exec(&mut site.servers().redis.connect()).unwrap();
        }
        let told = audit(&site.daemon, &["--full"]);
        assert!(matches!(told.outcome(), "clean" | "corrected"), "{point}: {:#}", told.0);
        let known = |subject: &str| planted.iter().any(|key| key == subject);
        assert!(told.lines().iter().all(|(subject, ..)| known(subject)), "{point}: {:#}", told.0);
        site.must_be_right();
        audit(&site.daemon, &[]).must_be_clean();
    }
}

#[test]
fn row_35_killed_at_every_step_of_an_audit_cluster() {
    killed_at_every_step(true);
}

#[test]
fn row_35_killed_at_every_step_of_an_audit_standalone() {
    killed_at_every_step(false);
}

/// A wiped stock, without any traffic and without a daemon: everything is brought back, and that is no storm.
#[test]
fn row_08_an_audit_brings_a_wiped_stock_back() {
    let site = counted(true, 4_000, &Shape { warehouses: 20, ..Shape::default() });
    let before = quantities(&site);
    redis::cmd("FLUSHALL").exec(&mut site.servers().redis.connect()).unwrap();
    let dry = audit(&site.daemon, &["--dry-run"]);
    assert_eq!((dry.outcome(), dry.deviations().len()), ("deviations", before.len()), "it is told, not done");
    assert_eq!(site.stock().keys().filter(|key| key.contains(':')).count(), 0);
    let told = audit(&site.daemon, &[]);
    assert_eq!((told.outcome(), told.count("brought")), ("corrected", before.len() as u64), "{:#}", told.0);
    assert_eq!(quantities(&site), before);
    site.must_be_right();
    assert!(last_check(&site).is_some(), "every key ended corrected");
}

/// So much deviates that something greater must be wrong: nothing is touched until a person agrees.
#[test]
fn a_storm_asks_first() {
    let site = counted(true, 4_000, &Shape { warehouses: 20, ..Shape::default() });
    let before = quantities(&site);
    for key in before.keys().take(130) {
        put(&site, key, Some(&edited(&site, key, -3, false)));
    }
    let planted = quantities(&site);
    let told = audit(&site.daemon, &[]);
    assert_eq!((told.outcome(), told.deviations().len()), ("storm", 130), "{:#}", told.0);
    assert!(told.deviations().iter().all(|line| line["action"] == "proposed"));
    assert_eq!(quantities(&site), planted, "nothing is touched");
    assert_eq!(last_check(&site), None);
    let told = audit(&site.daemon, &["--correct-storm"]);
    assert_eq!(told.outcome(), "corrected", "{:#}", told.0);
    assert_eq!(quantities(&site), before);
    site.must_be_right();
}

/// A ledger that was restored from a backup knows less than the stock: nothing can be said, nothing is corrected.
#[test]
fn row_46_a_ledger_behind_the_stock_is_pending() {
    let site = counted(true, 1_500, &Shape::default());
    let backup = Backup::take(&site);
    more(&site, 46, 60, &Shape::default());
    let stock = quantities(&site);
    backup.put_back(&site);
    let told = audit(&site.daemon, &["--full"]);
    assert_eq!((told.outcome(), told.deviations().len()), ("clean", 0), "{:#}", told.0);
    assert!(told.count("pending") > 10, "{:#}", told.0);
    assert_eq!(told.count("equal") + told.count("pending"), told.count("keys"));
    assert_eq!((quantities(&site), last_check(&site)), (stock, None));
    // The writer takes from the queue what the ledger lacks; then everything is as it was.
    site.count_all();
    audit(&site.daemon, &["--full"]).must_be_clean();
    assert!(last_check(&site).is_some());
}

/// One at a time by a lease; a frozen auditor that goes on after another one has done its work does no harm.
#[test]
fn row_45_a_frozen_auditor_and_a_second_one() {
    let site = counted(true, 12_000, &Shape { products: 60, warehouses: 40, ..Shape::default() });
    let mut redis = site.servers().redis.connect();
    let mut held = || redis::cmd("EXISTS").arg("TWINSTOCK_AUDITOR").query::<i64>(&mut redis).unwrap() == 1;
    let begun = Instant::now();
    let (planted, mut frozen) = loop {
        let planted = plant(&site);
        let mut auditor = site.daemon.start_command(&["audit", "--json"], &[]);
        while !held() && auditor.ended().is_none() {
            sleep(Duration::from_millis(1));
        }
        if auditor.ended().is_none() {
            auditor.signal("STOP");
            if held() {
                break (planted, auditor);
            }
        }
        // It was faster than we are.
        assert!(begun.elapsed() < PATIENCE, "no audit was met at work");
    };
    let refused = site.daemon.call(&["audit"], "").expect(2).stderr;
    assert!(refused.contains("under way"), "{refused}");
    wait_for("the lease ends by itself", PATIENCE, || !held());
    let told = audit(&site.daemon, &[]);
    assert_eq!(told.outcome(), "corrected", "{:#}", told.0);
    assert!(told.lines().iter().all(|(subject, ..)| planted.contains(subject)));
    frozen.signal("CONT");
    wait_for("the frozen one ends", PATIENCE, || frozen.ended().is_some());
    site.must_be_right();
    audit(&site.daemon, &["--full"]).must_be_clean();
}

/// The daemon audits by itself when the time has come; LASTCHECK moves only when nothing is left.
#[test]
fn audits_by_time() {
    let mut site = counted(true, 1_000, &Shape::default());
    site.set("audit", "expiration", 1);
    let keys: Vec<String> = quantities(&site).into_keys().collect();
    put(&site, &keys[0], Some(&edited(&site, &keys[0], -4, false)));
    let running = site.daemon.start();
    wait_for("the daemon audits", PATIENCE, || last_check(&site).is_some());
    assert_eq!(quantities(&site)[&keys[0]], site_right(&site, &keys[0]), "it corrected");
    let first = last_check(&site).unwrap();
    let seconds = first.split_once('.').unwrap().0.parse::<u64>().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(seconds) < 120, "{first} is seconds since the epoch");
    wait_for("and again", PATIENCE, || last_check(&site).unwrap() != first);
    put(&site, &keys[1], Some(&edited(&site, &keys[1], 4, false)));
    wait_for("a positive drift is told", PATIENCE, || running.words().contains("wait for a person"));
    let stays = last_check(&site).unwrap();
    sleep(Duration::from_secs(12));
    assert_eq!(last_check(&site).unwrap(), stays, "LASTCHECK does not move while something is left");
    let status = site.daemon.call(&["status", "--json"], "").json();
    assert_eq!(status["last_audit"]["outcome"], "deviations", "{status:#}");
    running.stop(Duration::from_secs(8));
}

fn site_right(site: &Site, key: &str) -> (i64, serde_json::Value) {
    let now = quantities(site)[key].clone();
    let sums: i64 = now.1.as_object().unwrap().values().map(|entry| entry[1].as_i64().unwrap()).sum();
    (sums, now.1)
}

/// The log keeps what was found, corrected and by whom.
#[test]
fn every_run_is_in_the_log() {
    for cluster in [true, false] {
        let site = counted(cluster, 1_000, &Shape::default());
        let planted = plant(&site);
        let told: Told = audit(&site.daemon, &["--full"]);
        assert_eq!(told.outcome(), "corrected");
        let db = site.ledger();
        let text = |name: &str| db.text(name);
        let runs = db.rows(&format!(
            "SELECT {}, {}, {}, {} FROM audits ORDER BY id DESC LIMIT 1",
            text("kind"),
            text("outcome"),
            text("triggered_by"),
            text("judged")
        ));
        let cell = |at: usize| runs[0][at].clone().unwrap();
        assert_eq!((cell(0), cell(1), cell(2)), ("full".into(), "corrected".into(), "command".into()));
        assert_eq!(cell(3).parse::<u64>().unwrap(), told.count("keys"));
        let lines = db.rows(&format!(
            "SELECT {}, {}, {}, {} FROM audit_log WHERE audit_id = (SELECT MAX(id) FROM audits) ORDER BY subject",
            text("subject"),
            text("state"),
            text("action"),
            text("before_text")
        ));
        db.close();
        let subjects: Vec<String> = lines.iter().map(|line| line[0].clone().unwrap()).collect();
        assert_eq!(subjects, planted);
        assert!(lines.iter().all(|line| line[2].as_deref() == Some("corrected")), "{lines:?}");
        assert!(
            lines[2][3].as_deref().unwrap().contains("\"base\":1"),
            "what stood there is kept: {lines:?}"
        );
    }
}
