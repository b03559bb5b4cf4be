//! The replay: everything that can be wrong in either store is planted, alone and together; the preview names exactly
//! that and touches nothing; applied, both stores are what the oracle says, and nothing is found any more.

use std::time::Duration;

use serde_json::Value;
use tests::corrupt::{Named, PLANTS, Plant, Victims, findings};
use tests::feed::{self, Seeded, Shape};
use tests::load::{Load, burst, ends_right, seed};
use tests::processes::wait_for;
use tests::site::Site;
use tests::spec::Entry;

const PATIENCE: Duration = Duration::from_secs(90);

fn shape() -> Shape {
    Shape { products: 30, warehouses: 4, days: 3, ..Shape::default() }
}

/// A site with entries, repeats and poison, all counted; some days in month tables where that is asked for.
fn counted(cluster: bool, day_tables: Option<usize>) -> Site {
    let mut site = if cluster { Site::cluster("replay") } else { Site::standalone() };
    if let Some(tables) = day_tables {
        site.set("ledger", "day_tables", tables);
    }
    site.init();
    match cluster {
        true => {
            let mut dice = Seeded::new(seed("replay"));
            let producer = site.servers().topic.producer();
            (0..14).for_each(|_| producer.produce(&burst(&mut dice, &shape(), 200, false)));
            producer.produce(&messages(&feed::entries(7, 700, &shape())));
            site.count_all();
        }
        false => {
            site.send(&feed::lines(&feed::entries(seed("replay"), 1_200, &shape())), 0);
            site.put_raw(&[b"{\"poison\":true}".to_vec(), b"no json".to_vec()]);
            site.count_all();
        }
    }
    site
}

fn messages(entries: &[Entry]) -> Vec<tests::kafka::Value> {
    entries.iter().map(|entry| (None, None, entry.json().into_bytes())).collect()
}

#[track_caller]
fn replay(site: &Site, more: &[&str], code: i32) -> Value {
    let args: Vec<&str> = ["replay", "--json"].into_iter().chain(more.iter().copied()).collect();
    site.daemon.call(&args, "").expect(code).json()
}

#[track_caller]
fn finds(site: &Site, more: &[&str], mut expected: Vec<Named>) -> Value {
    let found = replay(site, more, i32::from(!expected.is_empty()));
    expected.sort();
    assert_eq!(findings(&found), expected, "{found:#}");
    found
}

/// Everything in both stores, for "nothing was touched".
fn image(site: &Site) -> String {
    let mut snapshot = site.snapshot();
    snapshot.stock.retain(|key, _| key.contains(':'));
    snapshot.rows.sort_by_key(|row| (row.table.clone(), row.source, row.offset));
    snapshot.balances.sort();
    snapshot.totals.sort();
    let runs = site.ledger().number("SELECT COUNT(*) FROM audits".replace("COUNT(*)", count(site)).as_str());
    format!("{snapshot:#?} {runs}")
}

fn count(site: &Site) -> &'static str {
    if site.is_cluster() { "CAST(COUNT(*) AS CHAR)" } else { "CAST(COUNT(*) AS TEXT)" }
}

fn number(site: &Site, tail: &str) -> i64 {
    site.ledger().number(&format!("SELECT {} FROM {tail}", count(site)))
}

/// Plants these, previews, applies, and looks again.
fn planted_and_mended(site: &Site, plants: &[Plant]) {
    let mut victims = Victims::of(site);
    let expected: Vec<Named> = plants.iter().flat_map(|plant| victims.plant(site, *plant)).collect();
    let before = image(site);
    finds(site, &[], expected.clone());
    assert_eq!(image(site), before, "{plants:?}: a preview changes nothing");
    let runs = number(site, "audits WHERE kind = 'replay'");
    let applied = replay(site, &["--apply"], 0);
    assert_eq!(applied["corrected"].as_u64(), Some(expected.len() as u64), "{plants:?}: {applied:#}");
    assert_eq!(applied["outcome"], "corrected", "{plants:?}");
    site.must_be_right();
    finds(site, &[], Vec::new());
    let audited = site.daemon.call(&["audit", "--full", "--json"], "").expect(0).json();
    assert_eq!(audited["outcome"], "clean", "{plants:?}: {audited:#}");
    let id = applied["audit"].as_i64().expect("the run is logged");
    assert_eq!(number(site, "audits WHERE kind = 'replay'"), runs + 1, "{plants:?}: one run");
    let lines = number(site, &format!("audit_log WHERE audit_id = {id} AND action = 'corrected'"));
    assert_eq!(lines, expected.len() as i64, "{plants:?}: one line per finding");
    assert_eq!(number(site, &format!("audit_log WHERE audit_id = {id}")), lines);
    assert_eq!(
        number(site, &format!("audits WHERE id = {id} AND kind = 'replay' AND outcome = 'corrected'")),
        1
    );
}

fn each_and_all(cluster: bool) {
    let site = counted(cluster, None);
    finds(&site, &[], Vec::new());
    for plant in PLANTS {
        planted_and_mended(&site, &[plant]);
    }
    planted_and_mended(&site, &PLANTS);
    assert_eq!(replay(&site, &["--apply"], 0)["outcome"], "clean");
}

#[test]
fn row_36_whatever_is_planted_is_named_and_mended_standalone() {
    each_and_all(false);
}

#[test]
fn row_36_whatever_is_planted_is_named_and_mended_cluster() {
    each_and_all(true);
}

/// The same where older days lie in month tables.
#[test]
fn row_36_across_both_tiers() {
    for cluster in [false, true] {
        let site = counted(cluster, Some(45));
        assert!(site.snapshot().rows.iter().any(|row| row.day.is_some()), "something is compacted");
        assert!(site.snapshot().rows.iter().any(|row| row.day.is_none()), "something is not");
        planted_and_mended(&site, &PLANTS);
    }
}

/// What leaves a table is kept in the log, word for word.
#[test]
fn what_is_removed_is_kept_in_the_log() {
    let site = counted(false, None);
    let mut victims = Victims::of(&site);
    victims.plant(&site, Plant::RowInvented);
    let id = replay(&site, &["--apply"], 0)["audit"].as_i64().unwrap();
    let rows = site.ledger().rows(&format!("SELECT before_text FROM audit_log WHERE audit_id = {id}"));
    let before: Value = serde_json::from_str(rows[0][0].as_deref().unwrap()).unwrap();
    assert_eq!(before["stands"]["bill_id"], "nobody-sent-this");
    for column in
        ["product_id", "quantity", "drcr", "company_id", "warehouse_id", "create_time", "source_offset"]
    {
        assert!(!before["stands"][column].is_null(), "{column} in {before}");
    }
}

/// Of two damaged keys only the one that was asked for is shown and mended; days likewise.
#[test]
fn only_the_keys_and_days_asked_for() {
    for cluster in [false, true] {
        let site = counted(cluster, None);
        let mut victims = Victims::of(&site);
        let first = victims.plant(&site, Plant::RowInDeleted);
        let second = victims.plant(&site, Plant::QuantityChanged);
        let edited = victims.plant(&site, Plant::StockRaised);
        let key = first[0].3.clone();
        finds(&site, &["--key", &key], first.clone());
        assert_eq!(replay(&site, &["--key", &key, "--apply"], 0)["corrected"], 1);
        let left: Vec<Named> = second.iter().chain(&edited).cloned().collect();
        finds(&site, &[], left);
        finds(&site, &["--to", "2025-03-09"], edited.clone());
        assert_eq!(replay(&site, &["--to", "2025-03-09", "--apply"], 0)["corrected"], 1);
        finds(&site, &["--from", "2025-03-10", "--to", "2025-03-12"], second);
        replay(&site, &["--apply"], 0);
        site.must_be_right();
    }
}

#[test]
fn wrong_words_are_refused() {
    let site = Site::standalone();
    site.init();
    site.daemon.call(&["replay", "--key", "nocolon"], "").expect(2);
    site.daemon.call(&["replay", "--from", "2025-03-02", "--to", "2025-03-01"], "").expect(2);
    assert_eq!(replay(&site, &[], 0)["findings"], serde_json::json!([]));
}

/// People read a table: bills, amounts, what was done.
#[test]
fn the_table_names_bills_and_amounts() {
    let site = counted(false, None);
    let mut victims = Victims::of(&site);
    let named = victims.plant(&site, Plant::QuantityChanged);
    let shown = site.daemon.call(&["replay"], "").expect(1).stdout;
    assert!(
        shown.contains(&named[0].4) && shown.contains(&named[0].3) && shown.contains("--apply"),
        "{shown}"
    );
    let shown = site.daemon.call(&["replay", "--apply"], "").expect(0).stdout;
    assert!(shown.contains("corrected") && !shown.contains("--apply"), "{shown}");
}

/// With a daemon that goes on counting beside it.
#[test]
fn row_36_under_traffic() {
    let site = Site::cluster("traffic");
    site.init();
    let load = Load::start(&site.servers().topic, seed("replay under traffic"));
    let running = site.daemon.start();
    wait_for("it counts", PATIENCE, || number(&site, "balances") > 60);
    // There is to be a victim of every kind.
    let poison = "rejected_entries WHERE kind <> 'duplicate'";
    wait_for("it keeps poison aside", PATIENCE, || number(&site, poison) > 0);
    assert_eq!(replay(&site, &[], 0)["findings"], serde_json::json!([]), "nothing is wrong under load");
    for _ in 0..2 {
        let mut victims = Victims::of(&site);
        // The writer itself heals a source's counters and a stock value that it next touches: they may be gone before
        // anybody looks.
        let healed = [Plant::SourceChanged, Plant::StockDeleted];
        healed.iter().for_each(|plant| drop(victims.plant(&site, *plant)));
        let plants = [
            Plant::RowInDeleted,
            Plant::RowOutDeleted,
            Plant::RowDoubled,
            Plant::QuantityChanged,
            Plant::SignChanged,
            Plant::TotalsChanged,
            Plant::BalancesChanged,
            Plant::RejectedDeleted,
            Plant::StockRaised,
        ];
        let expected: Vec<Named> = plants.iter().flat_map(|plant| victims.plant(&site, *plant)).collect();
        let found = findings(&replay(&site, &[], 1));
        let missed: Vec<&Named> = expected.iter().filter(|named| !found.contains(named)).collect();
        assert!(missed.is_empty(), "not found: {missed:#?} in {found:#?}");
        assert!(found.len() <= expected.len() + healed.len(), "nothing else is wrong: {found:#?}");
        let applied = replay(&site, &["--apply"], 0);
        assert!(applied["corrected"].as_u64().unwrap() >= expected.len() as u64, "{applied:#}");
        assert_eq!(replay(&site, &[], 0)["findings"], serde_json::json!([]), "all is mended under load");
    }
    ends_right(&site, load, running);
}

/// What retention has taken proves nothing: it is told, and left alone.
#[test]
fn what_retention_has_taken_is_beyond_proof() {
    let site = counted(true, None);
    let before = site.queue();
    let topic = &site.servers().topic;
    topic.expire(0, 100);
    let source = site.snapshot().sources.iter().find(|source| source.partition == 0).unwrap().clone();
    let found = finds(&site, &[], Vec::new());
    let old = |offset: i64, id: i64| id == source.id && offset < 100;
    let snapshot = site.snapshot();
    let rows = snapshot.rows.iter().filter(|row| old(row.offset, row.source)).count();
    let kept = snapshot.rejected.iter().filter(|one| old(one.offset, one.source)).count();
    assert_eq!(found["beyond_proof"].as_u64(), Some((rows + kept) as u64));
    // Wrong sums are put right where the rows are proven by the source's own digest.
    let mut victims = Victims::of(&site);
    let named = victims.plant(&site, Plant::BalancesChanged);
    finds(&site, &[], named);
    replay(&site, &["--apply"], 0);
    site.must_be_right_with(&before);
    // A row lost where nothing proves it: shown, never guessed. Above it all is mended as ever.
    let row = victims.row(|row| old(row.offset, row.source));
    let at = format!("WHERE source_id = {} AND source_offset = {}", row.source, row.offset);
    let sums = site.snapshot();
    site.ledger().run(&format!("DELETE FROM {} {at}", row.table));
    let provable = victims.plant(&site, Plant::RowInDeleted);
    let applied = replay(&site, &["--apply"], 1);
    assert_eq!(applied["corrected"].as_u64(), Some(provable.len() as u64), "{applied:#}");
    let left: Vec<&Value> = applied["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["corrected"] == false)
        .collect();
    assert!(!left.is_empty() && left.iter().all(|finding| finding["beyond_proof"] == true), "{applied:#}");
    let now = site.snapshot();
    assert_eq!((now.balances.len(), now.rows.len()), (sums.balances.len(), sums.rows.len() - 1));
    assert!(
        sums.balances.iter().all(|balance| now.balances.contains(balance)),
        "the balances stay as they were"
    );
}
