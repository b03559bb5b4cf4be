//! The judge judged: corruption of every kind is planted in a right picture of both stores, made by hand and by
//! the real program, and must be found under its own name. An oracle that finds nothing proves nothing.

use std::collections::BTreeMap;

use tests::feed::{self, Shape};
use tests::oracle::{Rules, judge};
use tests::site::Site;
use tests::snapshot::{Rejected, Row, Snapshot, Source, Table};
use tests::spec::{self, Entry};
use tests::truth::Topic;

/// A queue with good entries, one of them twice, and one line of poison.
fn queue() -> Topic {
    let shape = Shape { products: 3, warehouses: 2, days: 3, with_id: 10, ..Shape::default() };
    let entries = feed::entries(7, 40, &shape);
    let mut payloads: Vec<Vec<u8>> = entries.iter().map(|entry| entry.json().into_bytes()).collect();
    payloads.push(payloads[3].clone());
    payloads.push(b"{\"drcr\":0}".to_vec());
    payloads.push(payloads[5].clone());
    Topic::of(&payloads)
}

/// What a faultless writer leaves: the first day compacted, the others in day tables.
fn picture(topic: &Topic) -> Snapshot {
    let mut picture = Snapshot::default();
    let uuid = "0123456789abcdef0123456789abcdef".to_owned();
    let mut source =
        Source { id: 4, name: "01234567.0".into(), topic: "outbox".into(), uuid, ..Source::default() };
    let mut seen = Vec::new();
    let mut balances: BTreeMap<(i64, String, String), [i64; 3]> = BTreeMap::new();
    let mut totals: BTreeMap<(String, String, String), [i64; 3]> = BTreeMap::new();
    for message in &topic.messages[&0] {
        source.next_offset = message.offset + 1;
        source.last_offset = message.offset;
        source.last_hash = xxhash_rust::xxh3::xxh3_64(&message.payload) as i64;
        let kept = |kind: &str, field: &str| Rejected {
            source: 4,
            offset: message.offset,
            kind: kind.into(),
            field: field.into(),
            reason: "because".into(),
            payload: message.payload.clone(),
        };
        match spec::read(&message.payload) {
            Err(wrong) => picture.rejected.push(kept("invalid", wrong[0])),
            Ok(entry) if seen.contains(&entry.entry_id) => {
                picture.rejected.push(kept("duplicate", "entry_id"))
            }
            Ok(entry) => {
                seen.push(entry.entry_id.clone());
                source.entries += 1;
                source.signed_quantity += entry.signed();
                let digest = tests::digest::of(&entry, message.offset) as i64;
                source.digest = source.digest.wrapping_add(digest);
                let balance =
                    balances.entry((4, entry.warehouse.clone(), entry.product.clone())).or_default();
                *balance = [message.offset, balance[1] + entry.signed(), balance[2] + 1];
                let key = (entry.day().to_owned(), entry.product.clone(), entry.warehouse.clone());
                let total = totals.entry(key).or_default();
                total[usize::from(entry.drcr < 0)] += entry.quantity;
                total[2] += 1;
                place(&mut picture, entry, message.offset);
            }
        }
    }
    source.rejected = picture.rejected.len() as i64;
    for ((_, warehouse, product), [last, sum, _]) in &balances {
        let value = format!("{{\"base\":7,\"change\":{},\"at\":{{\"01234567.0\":[{last},{sum}]}}}}", sum - 7);
        picture.stock.insert(format!("{warehouse}:{product}"), value);
    }
    picture.stock.insert("LASTCHECK".into(), "1".into());
    picture.balances = balances.into_iter().collect();
    picture.totals = totals.into_iter().collect();
    picture.sources.push(source);
    picture
}

fn place(picture: &mut Snapshot, entry: Entry, offset: i64) {
    let day = entry.day().to_owned();
    let compacted = day == "2025-03-10";
    let slug = entry.product.to_lowercase();
    let table = match compacted {
        true => "entries_202503".to_owned(),
        false => format!("t_{slug}_{}", day.replace('-', "")),
    };
    picture.slugs.insert(entry.product.clone(), slug);
    picture.days.insert(day.clone(), if compacted { "compacted" } else { "open" }.into());
    if !picture.tables.iter().any(|known| known.name == table) {
        let (product, first, last) = match compacted {
            true => (None, "2025-03-01".to_owned(), "2025-03-31".to_owned()),
            false => (Some(entry.product.clone()), day.clone(), day.clone()),
        };
        picture.tables.push(Table { name: table.clone(), product, first, last });
    }
    picture.rows.push(Row { table, day: compacted.then_some(day), entry, source: 4, offset });
}

#[test]
fn a_right_picture_has_no_fault() {
    let topic = queue();
    let faults = judge(&topic, &picture(&topic), Rules::drained());
    assert!(faults.is_empty(), "{faults:#?}");
}

/// A way to spoil a picture.
type Spoil = fn(&mut Snapshot);

const SPOILS: [(&str, Spoil); 25] = [
    ("row_missing", |p| drop(p.rows.remove(11))),
    ("row_doubled", |p| p.rows.push(Row { table: p.rows[0].table.clone(), ..p.rows[2].clone() })),
    ("row_doubled", |p| p.rows.push(Row { offset: 41, ..p.rows[2].clone() })),
    ("row_changed", |p| p.rows[4].entry.quantity += 1),
    ("row_changed", |p| p.rows[4].entry.description = Some("other".into())),
    ("row_foreign", |p| p.rows.push(Row { offset: 977, ..p.rows[2].clone() })),
    ("row_misplaced", |p| p.rows[6].table.push('9')),
    ("rejected_doubled", |p| p.rejected.push(p.rejected[0].clone())),
    ("rejected_changed", |p| p.rejected[0].payload.push(b' ')),
    ("verdict_wrong", |p| p.rejected[0].kind = "window".into()),
    ("row_foreign", |p| p.rejected[0].offset = 5_000),
    ("verdict_wrong", |p| {
        let row = p.rows.remove(0);
        p.rejected.push(Rejected { offset: row.offset, kind: "duplicate".into(), ..p.rejected[0].clone() });
    }),
    ("totals_wrong", |p| p.totals[1].1[0] += 1),
    ("totals_wrong", |p| drop(p.totals.remove(2))),
    ("balances_wrong", |p| p.balances[1].1[1] -= 1),
    ("balances_wrong", |p| p.balances.push(p.balances[1].clone())),
    ("source_wrong", |p| p.sources[0].entries += 1),
    ("source_wrong", |p| p.sources[0].signed_quantity += 1),
    ("source_wrong", |p| p.sources[0].last_hash += 1),
    ("source_wrong", |p| p.sources[0].digest += 1),
    ("position_wrong", |p| p.sources[0].next_offset -= 1),
    ("stock_missing", |p| drop(p.stock.remove("W0:P1"))),
    ("stock_unknown_key", |p| drop(p.stock.insert("W9:P1".into(), "{}".into()))),
    ("table_misnamed", |p| p.tables[0].name.push('x')),
    ("table_left", |p| p.leftovers.push("t_p0_20250310".into())),
];

#[test]
fn every_planted_fault_is_found_by_name() {
    let topic = queue();
    for (number, (kind, spoil)) in SPOILS.iter().enumerate() {
        let mut spoilt = picture(&topic);
        spoil(&mut spoilt);
        let faults = judge(&topic, &spoilt, Rules::drained());
        assert!(faults.iter().any(|fault| fault.kind == *kind), "{number} {kind}: {faults:#?}");
    }
}

#[test]
fn every_spoilt_stock_value_is_found() {
    let topic = queue();
    let right = picture(&topic);
    let value: serde_json::Value = serde_json::from_str(&right.stock["W0:P1"]).unwrap();
    let [offset, sum] = [0, 1].map(|at| value["at"]["01234567.0"][at].as_i64().unwrap());
    let of =
        |base: i64, change: i64, at: String| format!("{{\"base\":{base},\"change\":{change},\"at\":{at}}}");
    let at = |offset: i64, sum: i64| format!("{{\"01234567.0\":[{offset},{sum}]}}");
    let spoilt = [
        of(7, sum - 6, at(offset, sum)),
        of(7, sum - 8, at(offset, sum)),
        of(7, sum - 6, at(offset, sum + 1)),
        of(7, sum - 7, at(offset - 1, sum)),
        of(7, sum - 7, at(offset + 900, sum)),
        of(0, 0, "{}".into()),
        of(7, sum - 7, "{\"ffffffff.0\":[1,1]}".into()),
        format!("{{\"base\":7,\"change\":{}}}", sum - 7),
        format!("{{\"base\":7.0,\"change\":{},\"at\":{}}}", sum - 7, at(offset, sum)),
        "nonsense".into(),
    ];
    for value in spoilt {
        let mut picture = right.clone();
        picture.stock.insert("W0:P1".into(), value.clone());
        let faults = judge(&topic, &picture, Rules::drained());
        assert!(faults.iter().any(|fault| fault.kind == "stock_wrong"), "{value}: {faults:#?}");
    }
    let running = Rules { drained: false, ..Rules::drained() };
    let mut behind = right.clone();
    behind.stock.clear();
    assert!(
        judge(&topic, &behind, running).is_empty(),
        "a stock that follows later is no fault while running"
    );
}

/// The same on what the real program wrote, through the real files and SQL.
#[test]
fn planted_faults_are_found_in_real_stores() {
    let mut site = Site::standalone();
    site.set("ledger", "day_tables", 20);
    site.init();
    site.send(&feed::lines(&feed::entries(3, 300, &Shape::default())), 0);
    site.must_be_right();
    let db = site.ledger();
    let table = &db.rows("SELECT table_name FROM ledger_tables ORDER BY first_day DESC")[0][0];
    let table = table.clone().unwrap();
    let row = format!("rowid = (SELECT MIN(rowid) FROM {table})");
    let spoils = [
        ("row_missing", format!("DELETE FROM {table} WHERE {row}")),
        ("row_changed", format!("UPDATE {table} SET quantity = quantity + 1 WHERE {row}")),
        ("row_changed", format!("UPDATE {table} SET bill_id = 'x' WHERE {row}")),
        ("totals_wrong", "UPDATE day_totals SET in_quantity = in_quantity + 1".into()),
        ("balances_wrong", "UPDATE balances SET quantity = quantity - 1 WHERE product_id = 'P3'".into()),
        ("source_wrong", "UPDATE sources SET entries = entries + 1".into()),
        ("row_misplaced", "UPDATE ledger_days SET state = 'open'".into()),
    ];
    db.close();
    let ledger = site.file("ledger");
    let aside = site.daemon.dir.join("aside.sqlite");
    for (kind, sql) in spoils {
        std::fs::copy(&ledger, &aside).unwrap();
        let db = site.ledger();
        db.run(&sql);
        db.run("PRAGMA wal_checkpoint(TRUNCATE)");
        db.close();
        let faults = site.faults(Rules::drained());
        assert!(faults.iter().any(|fault| fault.kind == kind), "{kind} by {sql}: {faults:#?}");
        std::fs::copy(&aside, &ledger).unwrap();
    }
    site.must_be_right();
}
