//! Row 36 of the fault matrix under real traffic: some 500 entries a second (in the long form 5,000) are counted while
//! corruption of every kind is planted in random mixtures, in keys under that traffic and in keys at rest. Each is found,
//! held against the store that is wrong and made right; nothing else is touched; at the end both stores are what the
//! oracle says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::audits::{Told, audit};
use tests::daemon::Running;
use tests::feed::Seeded;
use tests::ground::{Ground, PARTITIONS, busy_partition, busy_shape};
use tests::load::{Load, burst, long, number_of, right_so_far, seed};
use tests::plants::{Expected, KINDS, Kind};
use tests::processes::wait_for;
use tests::site::Site;

const PATIENCE: Duration = Duration::from_secs(300);

/// Traffic on the busy partitions, with repeats and poison, every message in its key's partition.
fn traffic(site: &Site, seed: u64, rate: u64) -> Load {
    let (mut dice, shape) = (Seeded::new(seed), busy_shape());
    Load::paced(&site.servers().topic, rate, move |due| {
        let mut values = Vec::with_capacity(due + 200);
        while values.len() < due {
            values.extend(burst(&mut dice, &shape, 200, true));
        }
        values.truncate(due);
        for (partition, key, _) in &mut values {
            *partition = Some(key.as_deref().map_or(0, busy_partition));
        }
        values
    })
}

/// All kinds in a random order, `size` of them together.
fn mixtures(dice: &mut Seeded, size: usize) -> Vec<Vec<Kind>> {
    let mut kinds = KINDS.to_vec();
    for place in (1..kinds.len()).rev() {
        kinds.swap(place, dice.below(place as u64 + 1) as usize);
    }
    kinds.chunks(size).map(<[Kind]>::to_vec).collect()
}

/// Demands that the audit named each of them rightly, and nothing else.
fn audited_rightly(told: &Told, planted: &[Expected]) {
    let lines = told.lines();
    for one in planted {
        if let Some(dropped) = &one.dropped {
            dropped.must_be_told(one, &lines);
            continue;
        }
        let named =
            lines.iter().find(|(subject, cause, ..)| one.subjects.contains(subject) && cause == one.cause);
        let Some((_, _, store, action)) = named else {
            assert!(one.hidden_by(planted), "not found: {one:?} in {lines:#?}");
            continue;
        };
        assert_eq!(store, one.store(), "{one:?}: {:#}", told.0);
        assert!(one.actions.contains(&action.as_str()), "{one:?}: {action}");
    }
    let known = |subject: &String| {
        planted.iter().any(|one| one.subjects.contains(subject) || one.also.contains(subject))
    };
    let strange: Vec<_> = lines.iter().filter(|(subject, ..)| !known(subject)).collect();
    assert!(strange.is_empty(), "nobody did this: {strange:#?} beside {planted:#?}: {:#}", told.0);
}

/// Demands that the replay mended everything that the audit left to it, and nothing else.
fn replayed_rightly(replayed: &Value, told: &Told, planted: &[Expected]) {
    let left = told.outcome() == "deviations";
    assert_eq!(replayed["outcome"], if left { "corrected" } else { "clean" }, "{replayed:#}");
    let findings = replayed["findings"].as_array().unwrap();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    for one in planted.iter().filter(|one| one.store() == "ledger") {
        let named = findings.iter().any(|finding| {
            let subject = text(finding, "subject");
            finding["store"] == "ledger" && (one.subjects.contains(&subject) || one.also.contains(&subject))
        });
        assert!(named, "not found by the replay: {one:?} in {replayed:#}");
    }
    let known = |subject: String| {
        planted.iter().any(|one| one.subjects.contains(&subject) || one.also.contains(&subject))
    };
    let strange: Vec<_> = findings.iter().filter(|finding| !known(text(finding, "subject"))).collect();
    assert!(strange.is_empty(), "nobody did this: {strange:#?} beside {planted:#?}");
}

/// Keys at rest that nobody touched are to the byte as they were, but for the fold.
fn untouched_stays(site: &Site, before: &BTreeMap<String, String>) {
    let now = site.stock();
    let content = |text: &String| {
        let value: Value = serde_json::from_str(text).unwrap();
        (value["base"].as_i64().unwrap() + value["change"].as_i64().unwrap(), value["at"].clone())
    };
    for (key, value) in before {
        assert_eq!(content(&now[key]), content(value), "{key} was touched");
    }
}

/// Demands that what was lost with tables stands again, and that neither store has a fault beside the traffic.
fn tables_are_back(site: &Site, planted: &[Expected]) {
    let mut dropped = planted.iter().filter_map(|one| one.dropped.as_ref()).peekable();
    if dropped.peek().is_none() {
        return;
    }
    let db = site.ledger();
    dropped.for_each(|table| table.must_be_back(&db));
    db.close();
    right_so_far(site);
}

fn position(site: &Site) -> i64 {
    let db = site.ledger();
    let sum = db.number(&format!("SELECT {} FROM sources", db.text("SUM(next_offset)")));
    db.close();
    sum
}

/// Ends the traffic, waits until all of it is counted, and judges both stores by the whole queue.
fn ends_right(site: &Site, load: Load, running: Running) -> usize {
    let sent = load.end();
    let ends: i64 = site.queue().ends.values().sum();
    wait_for("all is counted", PATIENCE, || position(site) == ends);
    site.drain(&running, PATIENCE);
    running.stop(Duration::from_secs(20));
    site.must_be_right();
    sent
}

#[test]
fn row_36_every_corruption_under_full_traffic() {
    let rate = number_of("TWINSTOCK_TEST_RATE", if long() { 5_000 } else { 500 });
    let mut site = Site::cluster("planted");
    site.set("kafka", "partitions", PARTITIONS);
    site.init();
    let seed = seed("row 36 under full traffic");
    let mut dice = Seeded::new(seed);
    let mut ground = Ground::lay(&site, dice.next_number());
    let running = site.daemon.start();
    let begun = position(&site);
    let load = traffic(&site, dice.next_number(), rate);
    let started = Instant::now();
    wait_for("the traffic is counted", PATIENCE, || position(&site) > begun + rate as i64);
    let mut named = 0;
    let turns = if long() { 4 } else { 1 };
    for mixture in (0..turns).flat_map(|_| mixtures(&mut dice, 9)) {
        let counted = position(&site);
        let planted: Vec<Expected> = mixture.iter().map(|kind| ground.plant(&site, *kind)).collect();
        let told = audit(&site.daemon, &["--full"]);
        audited_rightly(&told, &planted);
        let replayed = site.daemon.call(&["replay", "--apply", "--json"], "").expect(0).json();
        replayed_rightly(&replayed, &told, &planted);
        tables_are_back(&site, &planted);
        untouched_stays(&site, &ground.untouched());
        audit(&site.daemon, &["--full"]).must_be_clean();
        assert!(position(&site) > counted, "the traffic went on meanwhile");
        named += planted.len();
        eprintln!("{:>6.1?}: {named} planted, found and mended; {mixture:?}", started.elapsed());
    }
    let (took, counted) = (started.elapsed().as_millis().max(1), position(&site) - begun);
    let sent = ends_right(&site, load, running);
    audit(&site.daemon, &["--full"]).must_be_clean();
    eprintln!(
        "{named} of {} kinds beside {} entries/s asked, {} counted ({sent} sent)",
        KINDS.len(),
        rate,
        i128::from(counted) * 1_000 / took as i128
    );
}
