//! An entry's day is the wall-clock day that it names: whatever the daemon's time zone, however far it lies back,
//! and never beyond the window that keeps tables from exploding.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tests::daemon::finish;
use tests::feed::{self, Shape};
use tests::processes::wait_for;
use tests::site::Site;
use tests::snapshot::Snapshot;
use tests::spec::{Entry, day_number, day_text};

const PATIENCE: Duration = Duration::from_secs(60);

fn model() -> Entry {
    Entry { entry_id: None, ..feed::entries(1, 1, &Shape::default()).remove(0) }
}

fn seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// Sends entries and counts them.
fn count(site: &Site, entries: &[Entry]) {
    site.send(&feed::lines(entries), 0);
    if site.is_cluster() {
        site.count_all();
    }
}

#[test]
fn row_27_days_far_away_make_no_tables_standalone() {
    days_far_away(&Site::standalone());
}

#[test]
fn row_27_days_far_away_make_no_tables_cluster() {
    days_far_away(&Site::cluster("window"));
}

fn days_far_away(site: &Site) {
    site.init();
    let today = day_number("1970-01-01") + seconds() / 86_400;
    let beyond = (0..150).flat_map(|n| [today + 5 + 7 * n, today - 3_665 - 7 * n]);
    let mut entries: Vec<Entry> = beyond
        .enumerate()
        .map(|(n, day)| Entry {
            product: format!("P{n}"),
            time: format!("{} 12:00:00", day_text(day)),
            ..model()
        })
        .collect();
    let within = [today - 3_650, today, today + 1];
    entries.extend(within.map(|day| Entry { time: format!("{} 12:00:00", day_text(day)), ..model() }));
    count(site, &entries);
    site.must_be_right();
    let snapshot = site.snapshot();
    assert_eq!((snapshot.rows.len(), snapshot.rejected.len()), (3, 300));
    assert!(snapshot.rejected.iter().all(|one| one.kind == "window" && one.field == "create_time"));
    assert_eq!((snapshot.tables.len(), snapshot.days.len(), snapshot.slugs.len()), (3, 3, 1));
}

#[test]
fn row_28_backdated_entries_change_their_own_day_standalone() {
    backdated(&Site::standalone());
}

#[test]
fn row_28_backdated_entries_change_their_own_day_cluster() {
    backdated(&Site::cluster("backdated"));
}

type Totals = BTreeMap<(String, String, String), [i64; 3]>;

/// Rows by table, and the totals.
fn picture(snapshot: Snapshot) -> (BTreeMap<String, usize>, Totals) {
    let mut tables = BTreeMap::new();
    for row in &snapshot.rows {
        *tables.entry(row.table.clone()).or_default() += 1;
    }
    (tables, snapshot.totals.into_iter().collect())
}

fn backdated(site: &Site) {
    site.init();
    count(site, &feed::entries(7, 500, &Shape { days: 6, ..Shape::default() }));
    site.daemon.call(&["compact", "--before", "2025-03-12"], "").expect(0);
    let into = [
        ("2025-03-14", "t_p3_20250314"),
        ("2025-03-10", "entries_202503"),
        ("2024-11-30", "entries_202411"),
        ("2025-03-20", "t_p3_20250320"),
    ];
    for (day, table) in into {
        let (mut tables, mut totals) = picture(site.snapshot());
        let entry = Entry {
            product: "P3".into(),
            warehouse: "W1".into(),
            quantity: 17,
            drcr: -1,
            time: format!("{day} 09:00:00"),
            ..model()
        };
        count(site, &[entry]);
        *tables.entry(table.to_owned()).or_default() += 1;
        let total = totals.entry((day.into(), "P3".into(), "W1".into())).or_default();
        *total = [total[0], total[1] + 17, total[2] + 1];
        assert_eq!(picture(site.snapshot()), (tables, totals), "{day}: its own table and totals, no other");
        site.must_be_right();
    }
}

/// Zones with and without daylight saving, on both sides of the date line; written out, so that no zone file counts.
const ZONES: [&str; 5] =
    ["CST-8", "EST5EDT,M3.2.0,M11.1.0", "LINT-14", "AOE12", "CET-1CEST,M3.5.0,M10.5.0/3"];

/// Around midnight, and in hours that a change of clocks skips or repeats in some of the zones.
const MOMENTS: [&str; 12] = [
    "2025-03-08 23:59:59",
    "2025-03-09 00:00:00",
    "2025-03-09 02:30:00",
    "2025-11-02 01:30:00",
    "2025-11-02 00:00:00",
    "2025-03-30 02:30:00",
    "2025-10-26 02:30:00",
    "2024-12-31 23:59:59",
    "2025-01-01 00:00:00",
    "2024-02-29 23:59:59",
    "2024-03-01 00:00:00",
    "2025-06-15 12:00:00",
];

fn at_all_moments(zone: usize) -> Vec<Entry> {
    let one = |time: &&str| Entry { bill: format!("Zone{zone}"), time: (*time).to_owned(), ..model() };
    MOMENTS.iter().map(one).collect()
}

fn as_it_was_sent(site: &Site) {
    site.must_be_right();
    let mut found: Vec<(String, String)> =
        site.snapshot().rows.into_iter().map(|row| (row.entry.bill, row.entry.time)).collect();
    let mut sent: Vec<(String, String)> =
        (0..ZONES.len()).flat_map(at_all_moments).map(|entry| (entry.bill, entry.time)).collect();
    found.sort();
    sent.sort();
    assert_eq!(found, sent);
}

#[test]
fn row_29_the_zone_of_the_daemon_changes_no_day_standalone() {
    let site = Site::standalone();
    site.init();
    for (at, zone) in ZONES.iter().enumerate() {
        let mut command = site.daemon.command(&["send", "-"]);
        command.env("TZ", zone);
        finish(command, feed::lines(&at_all_moments(at)).as_bytes(), PATIENCE).expect(0);
    }
    as_it_was_sent(&site);
}

#[test]
fn row_29_the_zone_of_the_daemon_changes_no_day_cluster() {
    let site = Site::cluster("zones");
    site.init();
    for (at, zone) in ZONES.iter().enumerate() {
        let values: Vec<_> =
            at_all_moments(at).iter().map(|entry| (None, None, entry.json().into_bytes())).collect();
        site.servers().topic.produce(&values);
        let running = site.daemon.start_with(&[("TZ", zone)]);
        site.drain(&running, PATIENCE);
        running.stop(Duration::from_secs(8));
    }
    as_it_was_sent(&site);
}

/// Tomorrow's tables are made in the evening of the warehouse's own clock, which is set here to eleven.
#[test]
fn row_29_tomorrow_is_the_wall_clocks() {
    let site = Site::cluster("midnight");
    site.init();
    let hour = seconds() / 3_600 % 24;
    // Hours east of Greenwich, from -11 to 12.
    let east = (23 - hour + 11).rem_euclid(24) - 11;
    let today = day_number("1970-01-01") + (seconds() + 3_600 * east).div_euclid(86_400);
    let entry = Entry { product: "apple".into(), time: format!("{} 22:59:00", day_text(today)), ..model() };
    count(&site, &[entry]);
    let zone = format!("WALL{}", -east);
    let running = site.daemon.start_with(&[("TZ", &zone)]);
    let tomorrow = format!("t_apple_{}", day_text(today + 1).replace('-', ""));
    wait_for("tomorrow's table is made", PATIENCE, || {
        site.snapshot().tables.iter().any(|table| table.name == tomorrow)
    });
    running.stop(Duration::from_secs(8));
    site.must_be_right();
}
