//! The edges of reports: nothing at all, warehouses that never moved, a ledger older than its roll-ups, somebody who counts
//! without moving versions, a writer in between.

use std::collections::BTreeSet;

use inventory::ledger::{Filter, Period};
use inventory::report::{self, Figures, Group, Request};

use super::batches::mixture;
use super::*;

fn days(first: &str, last: &str) -> Period {
    Period::days(first.parse().unwrap(), last.parse().unwrap()).unwrap()
}

async fn figures(ledger: &Ledger, first: &str, last: &str) -> [i64; 4] {
    let report = report::run(ledger, &Request::new(days(first, last), &[])).await.unwrap();
    let Figures { opening, inward, outward, .. } = report.totals;
    [opening, inward, outward, report.totals.closing()]
}

pub async fn an_empty_ledger_reports_nothing(place: &Place) {
    let ledger = place.ready(20).await;
    for by in [vec![], vec![Group::Product], vec![Group::Company], vec![Group::Day]] {
        let report =
            report::run(&ledger, &Request::new(days("2025-03-01", "2025-03-02"), &by)).await.unwrap();
        assert!(report.rows.is_empty(), "{by:?}: {:?}", report.rows);
        assert_eq!(report.totals, Figures::default());
    }
    let all = Request { all: true, ..Request::new(days("2025-02-27", "2025-03-02"), &[Group::Day]) };
    assert_eq!(report::run(&ledger, &all).await.unwrap().rows.len(), 4);
    assert_eq!(Period::days("2025-03-02".parse().unwrap(), "2025-03-01".parse().unwrap()), None);
    let twice = Request::new(days("2025-03-01", "2025-03-01"), &[Group::Day, Group::Day]);
    assert_eq!(report::run(&ledger, &twice).await.unwrap_err().code.name(), "invalid");
}

/// Both bounds are whole days: the last second of the last day counts, the first of the next does not.
pub async fn the_last_afternoon_counts(place: &Place) {
    let ledger = place.ready(20).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let times = ["2024-02-28 23:59:59", "2024-02-29 00:00:00", "2024-02-29 23:59:59", "2024-03-01 00:00:00"];
    let lines = times.iter().zip(0..).map(|(time, n)| message(n, entry("P", "W", 1 << n, time, None)));
    commit(&ledger, &mut source, lines.collect(), &mut SourceCache::default()).await;
    assert_eq!(figures(&ledger, "2024-02-29", "2024-02-29").await, [1, 6, 0, 7]);
    assert_eq!(figures(&ledger, "2024-02-01", "2024-02-29").await, [0, 7, 0, 7]);
    assert_eq!(figures(&ledger, "2024-03-01", "2024-03-31").await, [7, 8, 0, 15]);
    assert_eq!(figures(&ledger, "2030-01-01", "2030-01-31").await, [15, 0, 0, 15]);
    let moment = parse_time("2024-02-29 12:00:00").unwrap();
    let report = report::as_of(&ledger, moment, &[Group::Product], &Filter::default()).await.unwrap();
    assert_eq!(report.totals.closing(), 3);
    let months = Request::new(days("2024-02-29", "2024-03-31"), &[Group::Month]);
    let rows = report::run(&ledger, &months).await.unwrap().rows;
    let shown: Vec<_> = rows.iter().map(|row| (row.group[0].to_string(), row.figures.closing())).collect();
    assert_eq!(shown, [("2024-02".to_owned(), 7), ("2024-03".to_owned(), 15)]);
}

pub async fn what_never_moved_is_shown_when_asked_for(place: &Place) {
    let ledger = place.ready(20).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    commit(&ledger, &mut source, mixture(0, 40, 2, 5), &mut SourceCache::default()).await;
    let mut idle = ledger.warehouses().await.unwrap().remove(0);
    idle.id = WarehouseId::parse("Idle").unwrap();
    ledger.save_warehouses(&[idle]).await.unwrap();
    let by = [Group::Warehouse, Group::Product];
    let request = Request::new(days("2025-03-01", "2025-03-31"), &by);
    let some = report::run(&ledger, &request).await.unwrap();
    let all = report::run(&ledger, &Request { all: true, ..request.clone() }).await.unwrap();
    assert_eq!((some.rows.len(), all.rows.len()), (6, 8));
    assert_eq!(some.totals, all.totals);
    let idle: Vec<_> = all.rows.iter().filter(|row| row.group[0].as_ref() == "Idle").collect();
    assert!(idle.len() == 2 && idle.iter().all(|row| row.figures == Figures::default()));
}

/// A product is listed under its own category and under no other, though each combination is asked for.
pub async fn every_product_stands_under_its_own_category(place: &Place) {
    let ledger = place.ready(20).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    commit(&ledger, &mut source, mixture(0, 40, 2, 5), &mut SourceCache::default()).await;
    let mut products = ledger.products().await.unwrap();
    assert_eq!(products.len(), 2);
    products[0].category = "Fruit".to_owned();
    let mut bare = products[0].clone();
    bare.id = ProductId::parse("Z-idle").unwrap();
    bare.category = "Tools".to_owned();
    products.push(bare);
    ledger.save_products(&products).await.unwrap();
    let wanted: BTreeSet<(String, String)> =
        products.iter().map(|product| (product.id.as_str().to_owned(), product.category.clone())).collect();
    for by in [[Group::Product, Group::Category], [Group::Category, Group::Product]] {
        let request = Request { all: true, ..Request::new(days("2025-03-01", "2025-03-31"), &by) };
        let report = report::run(&ledger, &request).await.unwrap();
        let at = usize::from(by[0] == Group::Category);
        let rows = report.rows.iter();
        let shown: Vec<(String, String)> =
            rows.map(|row| (row.group[at].to_string(), row.group[1 - at].to_string())).collect();
        assert_eq!(shown.len(), wanted.len(), "{shown:?}");
        assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), wanted);
    }
}

/// Each key by its own measure, the strongest first, the filter's keys alone; days before the period are searched, days
/// long past are not.
pub async fn unusual_days_are_told_by_key(place: &Place) {
    let ledger = place.ready(20).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut moved = Vec::new();
    for day in 1..=20 {
        moved.extend([("W1", 10), ("W2", 40), ("W3", 10), ("W4", 5), ("W4", 5)].map(|out| (2025, day, out)));
    }
    // W1 in two entries; W2 takes what is ordinary; W5 has too few days that are not long past.
    moved.extend([(2025, 21, ("W1", 20)), (2025, 21, ("W1", 11)), (2025, 21, ("W2", 120))]);
    moved.extend([(2025, 22, ("W3", 500)), (2025, 1, ("W4", 500))]);
    moved.extend((1..=20).map(|day| (2024, day, ("W5", 10))));
    moved.extend((1..=13).map(|day| (2025, day, ("W5", 10))).chain([(2025, 14, ("W5", 900))]));
    // What comes in is measured by itself: W1 got 200 once, and sends out less every day.
    moved.extend((1..=20).map(|day| (2025, day, ("W1", -40))).chain([(2025, 24, ("W1", -200))]));
    moved.sort_unstable();
    let lines = (0..).zip(moved).map(|(at, (year, day, (warehouse, out)))| {
        message(at, entry("P", warehouse, -out, &format!("{year}-03-{day:02} 12:00:00"), None))
    });
    commit(&ledger, &mut source, lines.collect(), &mut SourceCache::default()).await;
    let period = days("2025-03-06", "2025-03-31");
    let found = report::unusual(&ledger, period, &Filter::default(), &report::RULE).await.unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|one| {
            let report::Measure { usual, ordinary } = one.measure;
            let (warehouse, day) = (one.key.warehouse.as_str(), one.day.to_string());
            let pieces = if one.direction == Direction::In { one.quantity } else { -one.quantity };
            (warehouse, day, pieces, usual, ordinary, one.hundredths())
        })
        .collect();
    let expected = [
        ("W3", "2025-03-22".to_owned(), -500, 10, 30, 1666),
        ("W1", "2025-03-24".to_owned(), 200, 40, 120, 166),
        ("W1", "2025-03-21".to_owned(), -31, 10, 30, 103),
    ];
    assert_eq!(shown, expected);
    let other = Filter { warehouses: Some(vec![WarehouseId::parse("W2").unwrap()]), ..Filter::default() };
    assert!(report::unusual(&ledger, period, &other, &report::RULE).await.unwrap().is_empty());
    let month = days("2025-03-01", "2025-03-31");
    let all = report::unusual(&ledger, month, &Filter::default(), &report::RULE).await.unwrap();
    assert_eq!(all.len(), 4, "W4's first day is judged now");
    // A period that ends amid a day judges what moved up to there; by company the entries themselves are read.
    let cut = Period { end: "2025-03-22T12:00:00".parse().unwrap(), ..month };
    let told = report::unusual(&ledger, cut, &Filter::default(), &report::RULE).await.unwrap();
    assert_eq!(told.iter().map(|one| one.day.to_string()).collect::<Vec<_>>(), ["2025-03-01", "2025-03-21"]);
    let company = Filter { companies: Some(vec![CompanyId::stored("C1")]), ..Filter::default() };
    assert_eq!(report::unusual(&ledger, month, &company, &report::RULE).await.unwrap(), all);
    let sort = report::Sort { order: report::Order::Entries, descending: true };
    let request = Request { sort, ..Request::new(month, &[Group::Warehouse]) };
    let rows = report::run(&ledger, &request).await.unwrap().rows;
    let entries: Vec<_> = rows.iter().map(|row| (row.group[0].to_string(), row.figures.entries)).collect();
    let expected = [("W1", 43), ("W4", 41), ("W2", 21), ("W3", 21), ("W5", 14)];
    assert_eq!(entries, expected.map(|(warehouse, entries)| (warehouse.to_owned(), entries)));
}

/// A ledger from before the versions, and one beside which an older program goes on counting.
pub async fn entries_counted_without_versions_are_reported_all_the_same(place: &Place) {
    let ledger = place.ready(200).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut cache = SourceCache::default();
    commit(&ledger, &mut source, mixture(0, 300, 3, 9), &mut cache).await;
    let right = figures(&ledger, "2025-03-04", "2025-03-07").await;
    place.run("DELETE FROM ledger_versions").await;
    place.run("UPDATE rolled_warehouses SET in_quantity = in_quantity + 1").await;
    assert_eq!(figures(&ledger, "2025-03-04", "2025-03-07").await, right, "nothing can be trusted");
    ledger.init().await.unwrap();
    let counted = place.one("SELECT SUM(entries) FROM ledger_versions WHERE grain = 'month'").await;
    assert_eq!(counted, "300");
    commit(&ledger, &mut source, mixture(300, 70, 3, 9), &mut cache).await;
    let counted = place.one("SELECT SUM(entries) FROM ledger_versions WHERE grain = 'day'").await;
    assert_eq!(counted, "370");
    place
        .run("UPDATE ledger_versions SET entries = entries - 5 WHERE source_id <> 0 AND grain = 'month'")
        .await;
    assert!(ledger.init().await.unwrap().iter().any(|words| words.contains("for the reports")));
    assert!(ledger.init().await.unwrap().is_empty());
    let sums = "SELECT SUM(in_quantity), SUM(out_quantity) FROM day_totals WHERE day BETWEEN '2025-03-04' AND '2025-03-07'";
    let raw = place.rows(sums).await.remove(0);
    let now = figures(&ledger, "2025-03-04", "2025-03-07").await;
    assert_eq!([now[1].to_string(), now[2].to_string()], raw[..]);
}

/// Whoever follows a report asks again only for what its period can hold: before it, within it, but not after it.
pub async fn a_version_stands_for_what_a_period_holds(place: &Place) {
    let ledger = place.ready(200).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut cache = SourceCache::default();
    let period = days("2025-03-03", "2025-03-10");
    let mut versions = vec![report::version(&ledger, period).await.unwrap()];
    let touching =
        ["2025-03-05 10:00:00", "2025-03-10 23:59:59", "2025-02-28 00:00:00", "2019-01-01 12:00:00"];
    let beside = ["2025-03-11 00:00:00", "2025-04-01 00:00:00", "2026-01-01 00:00:00"];
    for (offset, time) in (0..).zip(touching.iter().chain(&beside)) {
        commit(&ledger, &mut source, vec![message(offset, entry("P", "W", 7, time, None))], &mut cache).await;
        let now = report::version(&ledger, period).await.unwrap();
        assert_eq!(versions.contains(&now), beside.contains(time), "{time}: {now} after {versions:?}");
        versions.push(now);
    }
    // Somebody counts without moving versions.
    place.run("UPDATE ledger_versions SET entries = entries - 1 WHERE first_day = '2019-01-01'").await;
    assert!(!versions.contains(&report::version(&ledger, period).await.unwrap()));
}

/// What is rolled up is read: a figure that was changed there shows. And a later entry of the day makes it stale.
pub async fn a_roll_up_is_used_until_its_version_moves(place: &Place) {
    let ledger = place.ready(200).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut cache = SourceCache::default();
    commit(&ledger, &mut source, mixture(0, 300, 3, 9), &mut cache).await;
    let by_day = Request::new(days("2025-03-01", "2025-03-09"), &[Group::Day]);
    let before = report::run(&ledger, &by_day).await.unwrap();
    let rolled = "SELECT COUNT(*) FROM rolled_spans WHERE face = 'warehouses' AND grain = 'day'";
    assert_eq!(place.one(rolled).await, "8", "all but the newest day");
    place
        .run("UPDATE rolled_warehouses SET in_quantity = in_quantity + 1000 WHERE first_day = '2025-03-03'")
        .await;
    let changed = report::run(&ledger, &by_day).await.unwrap();
    assert!(changed.totals.inward > before.totals.inward + 900);
    let late = entry("P0", "W0", 7, "2025-03-03 08:00:00", None);
    commit(&ledger, &mut source, vec![message(300, late)], &mut cache).await;
    let after = report::run(&ledger, &by_day).await.unwrap();
    assert_eq!(after.totals.inward, before.totals.inward + 7);
}

/// 28 days: of each as many pieces as its number in the morning, and one in the evening.
async fn four_weeks(ledger: &Ledger) -> (SourceRow, SourceCache) {
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut cache = SourceCache::default();
    let of = |day: i64| {
        [(day, "08:00:00"), (1, "20:00:00")].map(|(pieces, time)| {
            let time = format!("2025-03-{day:02} {time}");
            entry(["P", "Q"][day as usize % 2], "W", pieces, &time, None)
        })
    };
    let lines = (0..).zip((1..=28).flat_map(of)).map(|(at, line)| message(at, line)).collect();
    commit(ledger, &mut source, lines, &mut cache).await;
    (source, cache)
}

/// Stock as of a moment by product and warehouse: everything before a day amid a month is kept for the next time, for
/// some days, and as long as nothing before it moves.
pub async fn what_lies_before_a_day_is_kept_for_some_days(place: &Place) {
    let ledger = place.ready(200).await;
    let (mut source, mut cache) = four_weeks(&ledger).await;
    let as_of = async |day: i64| {
        let noon = parse_time(&format!("2025-03-{day:02} 12:00:00")).unwrap();
        let by = [Group::Product, Group::Warehouse];
        report::as_of(&ledger, noon, &by, &Filter::default()).await.unwrap().totals.closing()
    };
    let right = |day: i64| (1..=day).sum::<i64>() + day - 1;
    assert_eq!((as_of(20).await, as_of(20).await), (right(20), right(20)));
    let rows = "rolled_keys WHERE grain = 'before' AND first_day = '2025-03-20'";
    assert_eq!(place.one(&format!("SELECT COUNT(*) FROM {rows}")).await, "2");
    let change = "UPDATE rolled_keys SET in_quantity = in_quantity + 1000";
    place
        .run(&format!("{change} WHERE grain = 'before' AND first_day = '2025-03-20' AND product_id = 'P'"))
        .await;
    assert_eq!(as_of(20).await, right(20) + 1000, "it is read");
    let late =
        |at, day: i64| vec![message(at, entry("P", "W", 7, &format!("2025-03-{day:02} 11:00:00"), None))];
    commit(&ledger, &mut source, late(56, 20), &mut cache).await;
    assert_eq!(as_of(20).await, right(20) + 1007, "what comes on the day itself is not before it");
    commit(&ledger, &mut source, late(57, 5), &mut cache).await;
    assert_eq!(as_of(20).await, right(20) + 14, "an entry before it, and it is made anew");
    for day in 6..=26 {
        let late = if day < 20 { 7 } else { 14 };
        assert_eq!((as_of(day).await, as_of(day).await), (right(day) + late, right(day) + late), "{day}");
    }
    let kept = "face = 'keys' AND grain = 'before' AND first_day <> '2025-03-01'";
    assert_eq!(place.one(&format!("SELECT COUNT(*) FROM rolled_spans WHERE {kept}")).await, "16");
    let days = "SELECT COUNT(DISTINCT first_day) FROM rolled_keys WHERE grain = 'before'";
    assert_eq!(place.one(days).await, "16", "the others' rows went with them");
}

/// The newest day, its month, and a day up to a moment are kept when they are asked for again and nothing was counted in
/// them, and not read any more once something is.
pub async fn what_is_asked_for_again_is_kept(place: &Place) {
    let ledger = place.ready(200).await;
    let (mut source, mut cache) = four_weeks(&ledger).await;
    let day = |day: i64| format!("2025-03-{day:02}").parse().unwrap();
    let goods = async |first: i64, last: i64| {
        let request = Request::new(Period::days(day(first), day(last)).unwrap(), &[Group::Product]);
        report::run(&ledger, &request).await.unwrap().totals.inward
    };
    let until_noon = async |day: i64, minute: i64| {
        let moment = parse_time(&format!("2025-03-{day:02} 11:{minute:02}:59")).unwrap();
        let by = [Group::Product];
        report::as_of(&ledger, moment, &by, &Filter::default()).await.unwrap().totals.inward
    };
    let kept = async |grain: &str| {
        let sql =
            format!("SELECT COUNT(*) FROM rolled_spans WHERE face = 'products' AND grain LIKE '{grain}'");
        place.one(&sql).await.parse::<i64>().unwrap()
    };
    let change = async |grain: &str, first: &str| {
        let these = format!("grain = '{grain}' AND first_day = '{first}' AND product_id = 'P'");
        place
            .run(&format!("UPDATE rolled_products SET in_quantity = in_quantity + 1000 WHERE {these}"))
            .await;
    };
    let all = (1..=28).sum::<i64>() + 28;
    assert_eq!((goods(1, 31).await, kept("month").await, kept("day").await), (all, 0, 27));
    assert_eq!((goods(1, 31).await, kept("month").await, kept("day").await), (all, 1, 27));
    change("month", "2025-03-01").await;
    assert_eq!(goods(1, 31).await, all + 1000, "the month is read");
    assert_eq!((goods(28, 28).await, kept("day").await), (29, 27));
    assert_eq!((goods(28, 28).await, kept("day").await), (29, 28));
    change("day", "2025-03-28").await;
    assert_eq!(goods(28, 28).await, 1029, "the newest day is read");
    let one = |at, day: i64| vec![message(at, entry("P", "W", 7, &format!("2025-03-{day} 11:00:00"), None))];
    commit(&ledger, &mut source, one(56, 28), &mut cache).await;
    assert_eq!((goods(1, 31).await, goods(28, 28).await), (all + 7, 36), "neither is read any more");
    assert_eq!((goods(1, 31).await, goods(28, 28).await), (all + 7, 36), "both are made anew");
    assert_eq!((goods(1, 31).await, goods(28, 28).await), (all + 7, 36));

    assert_eq!((until_noon(20, 0).await, kept("u%").await), (20, 0));
    assert_eq!((until_noon(20, 0).await, kept("u%").await), (20, 1));
    change("u110100", "2025-03-20").await;
    assert_eq!(until_noon(20, 0).await, 1020, "the morning is read");
    assert_eq!(until_noon(20, 1).await, 20, "and no other one");
    commit(&ledger, &mut source, one(57, 20), &mut cache).await;
    for minute in [0, 0, 0].into_iter().chain((1..=20).flat_map(|minute| [minute, minute])) {
        assert_eq!(until_noon(20, minute).await, 27, "{minute}");
    }
    assert_eq!(kept("u%").await, 16);
    assert_eq!(
        place.one("SELECT COUNT(DISTINCT grain) FROM rolled_products WHERE grain LIKE 'u%'").await,
        "16"
    );
}

/// Reports while a writer writes: each shows one state, in which opening + in − out is what the balances held.
pub async fn reports_beside_a_writer_show_one_state(place: &Place) {
    let ledger = place.ready(20).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let writer = tokio::spawn({
        let ledger = place.ledger(20);
        async move {
            let mut cache = SourceCache::default();
            for n in 0..25 {
                // Each batch is its own counterweight: any state between two batches sums to nothing.
                let there = mixture(n * 40, 20, 4, 9);
                let back = there.iter().map(|message| {
                    let line = message.decoded.clone().unwrap();
                    let offset = message.offset + 20;
                    super::message(
                        offset,
                        Entry { direction: line.direction.opposite(), entry_id: None, ..line },
                    )
                });
                let lines = there.iter().cloned().chain(back).collect();
                commit(&ledger, &mut source, lines, &mut cache).await;
            }
        }
    });
    let mut asked = 0;
    while !writer.is_finished() || asked < 5 {
        for by in [
            vec![Group::Product],
            vec![Group::Company],
            vec![Group::Day],
            vec![Group::Product, Group::Warehouse],
        ] {
            let request = Request::new(days("2025-03-04", "2025-03-31"), &by);
            let report = report::run(&ledger, &request).await.unwrap();
            assert_eq!(report.totals.closing(), 0, "{by:?}: {report:?}");
            asked += 1;
        }
    }
    writer.await.unwrap();
    let last = report::run(&ledger, &Request::new(days("2025-03-01", "2025-03-31"), &[])).await.unwrap();
    assert_eq!((last.totals.entries, last.totals.closing()), (1000, 0));
}
