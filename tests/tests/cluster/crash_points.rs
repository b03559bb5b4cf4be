//! Row 1 of the fault matrix, step by step: the engine is killed at every named point between "read" and "both
//! counted", once each, and afterwards every message is counted once. A point that is not reached fails the test.

use std::time::{Duration, Instant};

use tests::daemon::finish;
use tests::feed::{self, Shape};
use tests::kafka::Value;
use tests::load::{long, right_so_far};
use tests::points;
use tests::processes::wait_for;
use tests::site::Site;
use tests::spec::{Entry, day_number, day_text};

/// Few enough that every burst compacts the days of the burst before.
const DAY_TABLES: usize = 30;
const FIRST: &str = "2023-01-01";
const PATIENCE: Duration = Duration::from_secs(60);

/// What has to happen so that a point is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The very first `init`.
    Init,
    /// A source that the ledger does not know yet.
    First,
    /// `send`.
    Send,
    /// More keys in one batch than one call to the stock carries.
    Large,
    /// A start with a watermark that was left behind.
    Behind,
    /// A start with a stock that forgot some keys.
    Forgot,
    /// New entries.
    Entries,
}

fn stage(point: &str) -> Stage {
    match point {
        "init.migrated" => Stage::Init,
        "source.unknown" | "source.registered" => Stage::First,
        "stock.between_chunks" => Stage::Large,
        "take.before_send_again" | "take.sent_again" => Stage::Behind,
        "sweep.behind" | "sweep.brought" => Stage::Forgot,
        _ if point.starts_with("outbox.") || point.starts_with("sender.") => Stage::Send,
        _ => Stage::Entries,
    }
}

/// Entries that no burst before had: new days, more day tables than may stay open, a new product.
fn burst(number: usize) -> Vec<Entry> {
    let shape = Shape { products: 12, warehouses: 3, ..Shape::default() };
    let mut entries = feed::entries(number as u64, 110, &shape);
    for (at, entry) in entries.iter_mut().enumerate() {
        let day = day_text(day_number(FIRST) + (4 * number + at / 28) as i64);
        entry.time.replace_range(..10, &day);
    }
    entries[0].product = format!("New{number}");
    entries
}

/// One day, few products, a great many warehouses: ten thousand keys.
fn many_keys() -> Vec<Entry> {
    let model = burst(0).remove(0);
    let one = |n: usize| Entry {
        product: format!("P{}", n % 25),
        warehouse: format!("W{}", n / 25),
        entry_id: None,
        ..model.clone()
    };
    (0..10_000).map(one).collect()
}

fn messages(entries: &[Entry], partition: Option<i32>) -> Vec<Value> {
    entries.iter().map(|entry| (partition, None, entry.json().into_bytes())).collect()
}

fn forget_some_keys(site: &Site) {
    if !site.is_cluster() {
        return std::fs::remove_file(site.file("stock")).unwrap();
    }
    let mut redis = site.servers().redis.connect();
    let keys: Vec<String> = site.stock().into_keys().filter(|key| key.contains(':')).collect();
    assert!(!keys.is_empty());
    for key in keys.iter().step_by(2) {
        redis::cmd("DEL").arg(key).exec(&mut redis).unwrap();
    }
}

/// Runs a command that must die at the point.
#[track_caller]
fn dies_in(site: &Site, point: &str, args: &[&str], input: &str) {
    let mut command = site.daemon.command(args);
    command.env("TWINSTOCK_CRASH", point);
    let output = finish(command, input.as_bytes(), PATIENCE);
    assert_eq!(
        output.code, None,
        "{point} is never reached by {args:?}: {} {}",
        output.stdout, output.stderr
    );
    assert!(output.stderr.contains(point), "{point}: {}", output.stderr);
}

/// Runs the daemon, which must die at the point.
#[track_caller]
fn dies_running(site: &Site, point: &str) {
    let mut running = site.daemon.start_with(&[("TWINSTOCK_CRASH", point)]);
    let started = Instant::now();
    while running.ended().is_none() {
        assert!(started.elapsed() < PATIENCE, "{point} is never reached\n{}", running.words());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(running.words().contains(point), "died of something else than {point}:\n{}", running.words());
}

fn new_site(cluster: bool) -> Site {
    let mut site = if cluster { Site::cluster("crash") } else { Site::standalone() };
    site.set("ledger", "day_tables", DAY_TABLES);
    site
}

/// In a cluster: messages in the topic, the daemon dies, another one takes up.
fn crash_the_cluster(site: &Site, point: &str, number: usize) {
    let topic = &site.servers().topic;
    let lines = feed::lines(&burst(number));
    let batch = ["send", "-", "--batch", point];
    match stage(point) {
        Stage::Init => {
            dies_in(site, point, &["init"], "");
            site.init();
            topic.produce(&messages(&burst(number), None));
            return drained(site);
        }
        Stage::Send => {
            dies_in(site, point, &batch, &lines);
            site.daemon.call(&batch, &lines).expect(0);
            return drained(site);
        }
        Stage::First => site.init(),
        Stage::Large => {
            site.init();
            topic.produce(&messages(&many_keys(), Some(0)));
        }
        Stage::Behind => {
            site.ledger().run("UPDATE sources SET stock_offset = 0");
        }
        Stage::Forgot => forget_some_keys(site),
        Stage::Entries => {}
    }
    topic.produce(&messages(&burst(number), None));
    dies_running(site, point);
    right_so_far(site);
}

fn drained(site: &Site) {
    let running = site.daemon.start();
    site.drain(&running, PATIENCE);
    running.kill();
    site.must_be_right();
}

/// Standalone: `send` is killed and simply repeated.
fn crash_standalone(site: &Site, point: &str, number: usize) {
    let batch = ["send", "-", "--batch", point];
    let mut lines = feed::lines(&burst(number));
    match stage(point) {
        Stage::Large => lines = feed::lines(&many_keys()),
        Stage::Behind => {
            site.ledger().run("UPDATE sources SET stock_offset = 0");
        }
        Stage::Forgot => forget_some_keys(site),
        _ => {}
    }
    dies_in(site, point, &batch, &lines);
    if stage(point) != Stage::Init {
        right_so_far(site);
    }
    site.daemon.call(&batch, &lines).expect(0);
    site.must_be_right();
}

/// Points that need a site to which nothing has happened yet.
fn first_of_all(point: &str) -> bool {
    matches!(stage(point), Stage::Init | Stage::First | Stage::Large)
}

/// The points are dealt out to this many tests, which run side by side: each has a site of its own.
const SHARES: usize = 4;

fn crash_at_every(cluster: bool, share: usize, wanted: impl Fn(&str) -> bool) {
    let all = points::listed().into_iter().filter(|point| wanted(point)).enumerate();
    let points: Vec<String> = all.filter(|(at, _)| at % SHARES == share).map(|(_, point)| point).collect();
    assert!(!points.is_empty());
    let site = new_site(cluster);
    site.init();
    if cluster {
        site.servers().topic.produce(&messages(&burst(0), None));
        drained(&site);
    } else {
        site.send(&feed::lines(&burst(0)), 0);
    }
    let crash = |site: &Site, point: &str, number: usize| match cluster {
        true => crash_the_cluster(site, point, number),
        false => crash_standalone(site, point, number),
    };
    for (at, point) in points.iter().enumerate() {
        let started = Instant::now();
        if first_of_all(point) {
            let fresh = new_site(cluster);
            crash(&fresh, point, 0);
            if cluster {
                drained(&fresh);
            }
        } else {
            crash(&site, point, at + 1);
            // The next daemon takes up what this one left; that it does is looked at now and then, and at the end.
            if cluster && (long() || at % 4 == 3) {
                drained(&site);
            }
        }
        eprintln!("{point}: {:.1?}", started.elapsed());
    }
    if cluster {
        drained(&site);
    }
}

fn of_a_compaction(point: &str) -> bool {
    point.starts_with("compact.") || point.starts_with("months.")
}

/// Those of a replay are met by `replay_crash.rs`, those of an audit by `audit_faults.rs`.
fn of_a_repair(point: &str) -> bool {
    point.starts_with("replay.") || point.starts_with("audit.")
}

fn of_counting(point: &str) -> bool {
    !of_a_compaction(point) && !of_a_repair(point)
}

/// Nothing is sent anywhere.
fn of_counting_alone(point: &str) -> bool {
    of_counting(point) && !point.starts_with("sender.")
}

macro_rules! dealt_out {
    ($name:ident: $cluster:expr, $wanted:path) => {
        mod $name {
            #[test]
            fn first_share() {
                super::crash_at_every($cluster, 0, $wanted);
            }

            #[test]
            fn second_share() {
                super::crash_at_every($cluster, 1, $wanted);
            }

            #[test]
            fn third_share() {
                super::crash_at_every($cluster, 2, $wanted);
            }

            #[test]
            fn fourth_share() {
                super::crash_at_every($cluster, 3, $wanted);
            }
        }
    };
}

dealt_out!(row_01_killed_at_every_point_cluster: true, super::of_counting);
dealt_out!(row_01_killed_at_every_point_standalone: false, super::of_counting_alone);
dealt_out!(row_49_killed_at_every_step_of_a_compaction_cluster: true, super::of_a_compaction);
dealt_out!(row_49_killed_at_every_step_of_a_compaction_standalone: false, super::of_a_compaction);

/// By hand, beside a daemon that writes into the very days that are compacted, and killed on the way.
#[test]
fn row_49_compacted_under_a_writer() {
    let site = Site::cluster("beside");
    site.init();
    let topic = &site.servers().topic;
    topic.produce(&messages(&burst(0), None));
    let running = site.daemon.start();
    let day = |after: usize| day_text(day_number(FIRST) + after as i64);
    for (round, point) in
        ["compact.copied", "compact.committed", "compact.dropped", ""].into_iter().enumerate()
    {
        site.drain(&running, PATIENCE);
        topic.produce(&messages(&burst(0), None));
        let before = day(round + 1);
        let args = ["compact", "--before", &before];
        if !point.is_empty() {
            dies_in(&site, point, &args, "");
        }
        wait_for("the compaction goes through", PATIENCE, || site.daemon.call(&args, "").code == Some(0));
        right_so_far(&site);
    }
    site.drain(&running, PATIENCE);
    running.stop(Duration::from_secs(8));
    let compacted = site.snapshot().days.values().filter(|state| *state == "compacted").count();
    assert_eq!(compacted, 4, "the burst's four days are compacted");
    site.must_be_right();
}
