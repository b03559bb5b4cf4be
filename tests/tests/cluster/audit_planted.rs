//! Row 36 of the fault matrix: corruption of every kind, planted in either store, is found, attributed to the store that
//! is wrong, and either corrected or left for a person; nothing else is touched.

use std::collections::BTreeMap;

use serde_json::json;
use tests::audits::{Told, audit};
use tests::feed::{self, Shape};
use tests::planted::{Backup, edited, put, quantities};
use tests::site::Site;

/// A site with some thousand entries counted, no daemon running.
fn counted(cluster: bool) -> Site {
    let site = if cluster { Site::cluster("planted") } else { Site::standalone() };
    site.init();
    let entries = feed::entries(36, 3_000, &Shape { with_id: 10, ..Shape::default() });
    let mut messages: Vec<Vec<u8>> = entries.iter().map(|entry| entry.json().into_bytes()).collect();
    // A message that is rejected leaves an offset under which no row stands.
    messages.insert(1_500, b"{}".to_vec());
    site.put_raw(&messages);
    site.count_all();
    audit(&site.daemon, &["--full"]).must_be_clean();
    site
}

/// Demands that exactly this was found.
#[track_caller]
fn found(told: &Told, subject: &str, cause: &str, store: &str, action: &str) {
    let line = told.of(subject);
    let seen = [&line["cause"], &line["store"], &line["action"]].map(|text| text.as_str().unwrap());
    assert_eq!(seen, [cause, store, action], "{subject}: {line:#}");
}

fn in_the_stock(cluster: bool) {
    let site = counted(cluster);
    let right = quantities(&site);
    let keys: Vec<&String> = right.keys().collect();
    let plant = |at: usize, value: Option<String>| put(&site, keys[at], value.as_deref());
    plant(0, Some(edited(&site, keys[0], 7, false)));
    plant(1, Some(edited(&site, keys[1], -7, false)));
    plant(2, None);
    plant(3, Some(edited(&site, keys[3], 5, true)));
    plant(4, Some(edited(&site, keys[4], -5, true)));
    plant(5, Some(json!({ "base": right[keys[5]].0, "change": 0 }).to_string()));
    plant(6, Some("a hand was here".into()));
    plant(7, Some(json!({ "base": 10, "change": 1, "at": {} }).to_string()));
    put(&site, "W9:Nowhere", Some(r#"{"base":5,"change":0,"at":{}}"#));
    put(&site, "W9:Negative", Some(r#"{"base":-5,"change":0,"at":{}}"#));
    put(&site, "W9:list", Some("[1,2]"));
    put(&site, "somebody-else", Some("x"));

    let dry = audit(&site.daemon, &["--dry-run"]);
    assert!(dry.deviations().iter().all(|line| line["action"] == "proposed"), "{:#}", dry.0);
    assert_eq!(dry.deviations().len(), 10, "{:#}", dry.0);
    assert_eq!(quantities(&site)[keys[1]].0, right[keys[1]].0 - 7, "a dry run touches nothing");

    let told = audit(&site.daemon, &[]);
    assert_eq!(told.outcome(), "deviations");
    found(&told, keys[0], "stock_edited", "stock", "proposed");
    found(&told, keys[1], "stock_edited", "stock", "corrected");
    found(&told, keys[2], "stock_lost", "stock", "corrected");
    found(&told, keys[3], "stock_doubled", "stock", "proposed");
    found(&told, keys[4], "stock_lost", "stock", "corrected");
    found(&told, keys[5], "stock_damaged", "stock", "corrected");
    found(&told, keys[6], "stock_damaged", "stock", "corrected");
    found(&told, keys[7], "stock_edited", "stock", "corrected");
    found(&told, "W9:Nowhere", "stock_unknown_key", "stock", "proposed");
    found(&told, "W9:Negative", "stock_unknown_key", "stock", "corrected");
    assert_eq!(told.count("foreign"), 2, "{:#}", told.0);
    let line = told.of(keys[1]);
    assert_eq!(
        (&line["state"], &line["difference"], &line["flag"]),
        (&json!("NRS缺失"), &json!(-7), &json!("F"))
    );
    assert_eq!(line["description"], "已用关系数据库数据进行校正");
    let line = told.of(keys[0]);
    assert_eq!((&line["state"], &line["difference"]), (&json!("RRS或NRS重复"), &json!(7)));
    assert_eq!(line["rrs"].as_i64(), Some(right[keys[0]].0));
    assert_eq!(line["description"], "需要人工回放消息队列给予比对矫正");

    let mut now = quantities(&site);
    assert_eq!(now.remove("W9:Negative").unwrap().0, 0);
    assert_eq!(now.remove("W9:Nowhere").unwrap().0, 5, "a positive drift waits for a person");
    now.remove("W9:list");
    let off: Vec<_> = right.iter().filter(|(key, value)| now[*key] != **value).map(|(key, _)| key).collect();
    assert_eq!(off, vec![keys[0], keys[3]], "only what waits for a person is still off");
    let again = audit(&site.daemon, &["--full"]);
    let subjects: Vec<String> = again.lines().into_iter().map(|(subject, ..)| subject).collect();
    assert_eq!(subjects, vec!["W9:Nowhere".to_owned(), keys[0].clone(), keys[3].clone()].sorted());
}

trait Sorted {
    fn sorted(self) -> Self;
}

impl Sorted for Vec<String> {
    fn sorted(mut self) -> Self {
        self.sort();
        self
    }
}

#[test]
fn row_36_planted_in_the_stock_cluster() {
    in_the_stock(true);
}

#[test]
fn row_36_planted_in_the_stock_standalone() {
    in_the_stock(false);
}

/// One corruption of the ledger at a time: what to run, and (subject, cause) of what must be found. `{t0}`, `{t1}`: two
/// day tables, of the products `{p0}`, `{p1}`.
const LEDGER: &[(&str, &str, &str, &str)] = &[
    ("a row deleted", "DELETE FROM {t0} WHERE id = {r0}", "{k0}", "row_missing"),
    ("a quantity changed", "UPDATE {t0} SET quantity = quantity + 9 WHERE id = {r0}", "{k0}", "row_changed"),
    ("a sign changed", "UPDATE {t0} SET drcr = -drcr WHERE id = {r0}", "{k0}", "row_changed"),
    ("a sign that is none", "UPDATE {t0} SET drcr = 0 WHERE id = {r0}", "{k0}", "row_changed"),
    ("a bill changed", "UPDATE {t0} SET bill_id = 'other' WHERE id = {r0}", "{s0}", "source_wrong"),
    (
        "a row doubled",
        "INSERT INTO {t0} (product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, source_id, \
         source_offset) SELECT product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, source_id, \
         1500 FROM {t0} WHERE id = {r0}",
        "{k0}",
        "row_doubled",
    ),
    ("a row of no source", "UPDATE {t0} SET source_id = 999 WHERE id = {r0}", "{t0}", "row_foreign"),
    ("a row of tomorrow", "UPDATE {t0} SET source_offset = 999999 WHERE id = {r0}", "{t0}", "row_foreign"),
    ("a table dropped", "DROP TABLE {t0}", "{t0}", "table_missing"),
    (
        "a day's total changed",
        "UPDATE day_totals SET in_quantity = in_quantity + 1 WHERE {wk0} AND day = '{d0}'",
        "{k0}",
        "totals_wrong",
    ),
    ("a day's total deleted", "DELETE FROM day_totals WHERE {wk0} AND day = '{d0}'", "{k0}", "totals_wrong"),
    (
        "a balance changed",
        "UPDATE balances SET quantity = quantity - 3 WHERE {wk0}",
        "{k0}",
        "balances_wrong",
    ),
    ("a balance deleted", "DELETE FROM balances WHERE {wk0}", "{k0}", "balances_wrong"),
    (
        "a balance's offset",
        "UPDATE balances SET last_offset = last_offset - 1 WHERE {wk0}",
        "{k0}",
        "balances_wrong",
    ),
    ("a source's entries", "UPDATE sources SET entries = entries + 1", "{s0}", "source_wrong"),
    ("a source's sum", "UPDATE sources SET signed_quantity = signed_quantity - 4", "{s0}", "source_wrong"),
    ("a source's digest", "UPDATE sources SET digest = digest + 1", "{s0}", "source_wrong"),
    (
        "one id in two rows",
        "UPDATE {t1} SET entry_id = (SELECT entry_id FROM {t0} WHERE id = {r0}) WHERE id = {r1}",
        "{t1}",
        "entry_id_reused",
    ),
];

/// What the placeholders stand for.
fn places(site: &Site) -> BTreeMap<&'static str, String> {
    let db = site.ledger();
    let product = db.text("product_id");
    let tables = db.rows(&format!(
        "SELECT table_name, {product}, {} FROM ledger_tables WHERE product_id IS NOT NULL ORDER BY table_name",
        db.text("first_day")
    ));
    let cell = |row: &[Option<String>], at: usize| row[at].clone().unwrap();
    let mut places = BTreeMap::new();
    let names = [["t0", "r0", "k0", "wk0", "d0"], ["t1", "r1", "k1", "wk1", "d1"]];
    for (at, [table, row, key, condition, day]) in names.into_iter().enumerate() {
        let (name, product) = (cell(&tables[at * 5], 0), cell(&tables[at * 5], 1));
        let found = db.rows(&format!(
            "SELECT {}, {} FROM {name} ORDER BY id LIMIT 1",
            db.text("id"),
            db.text("warehouse_id")
        ));
        let warehouse = cell(&found[0], 1);
        places.insert(table, name);
        places.insert(row, cell(&found[0], 0));
        places.insert(key, format!("{warehouse}:{product}"));
        places.insert(condition, format!("warehouse_id = '{warehouse}' AND product_id = '{product}'"));
        places.insert(day, cell(&tables[at * 5], 2));
    }
    let sources = db.rows(&format!("SELECT {} FROM sources ORDER BY entries DESC", db.text("name")));
    places.insert("s0", cell(&sources[0], 0));
    db.close();
    places
}

fn in_the_ledger(cluster: bool) {
    let site = counted(cluster);
    let places = places(&site);
    let fill = |text: &str| {
        places.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    };
    let untouched = quantities(&site);
    for (what, sql, subject, cause) in LEDGER {
        let backup = Backup::take(&site);
        let db = site.ledger();
        db.run(&fill(sql));
        db.close();
        let told = audit(&site.daemon, &["--full"]);
        let subject = fill(subject);
        eprintln!("{what}: {:?}", told.lines());
        let expected = if *cause == "entry_id_reused" { "none" } else { "proposed" };
        found(&told, &subject, cause, "ledger", expected);
        let others: Vec<_> = told.lines().into_iter().filter(|(_, _, store, _)| store == "stock").collect();
        assert_eq!(others, vec![], "{what}: the stock is not to blame");
        assert_eq!(quantities(&site), untouched, "{what}: nothing of the ledger's loss goes into the stock");
        backup.put_back(&site);
        audit(&site.daemon, &["--full"]).must_be_clean();
    }
}

#[test]
fn row_36_planted_in_the_ledger_cluster() {
    in_the_ledger(true);
}

#[test]
fn row_36_planted_in_the_ledger_standalone() {
    in_the_ledger(false);
}
