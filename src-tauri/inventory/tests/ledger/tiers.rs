//! The two tiers: nothing may depend on where a row lies.

use super::batches::mixture;
use super::*;
use inventory::compact::compact_before;
use inventory::domain::entry::StockKey;
use inventory::ledger::MovementCursor;

type Picture = (BTreeMap<(i64, i64), String>, Vec<Vec<String>>, Vec<Vec<String>>, Vec<Vec<String>>);

/// Everything that counts, without places, stamps and table numbers.
async fn picture(place: &Place) -> Picture {
    let totals = "SELECT day, product_id, warehouse_id, in_quantity, out_quantity, entries FROM day_totals \
                  ORDER BY day, product_id, warehouse_id";
    let balances = "SELECT source_id, warehouse_id, product_id, last_offset, quantity, entries FROM balances \
                    ORDER BY source_id, warehouse_id, product_id";
    let sources = "SELECT name, next_offset, entries, rejected, signed_quantity, digest FROM sources";
    (place.counted().await, place.rows(totals).await, place.rows(balances).await, place.rows(sources).await)
}

async fn fill(place: &Place, day_tables: usize) -> Ledger {
    let ledger = place.ready(day_tables).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut cache = SourceCache::default();
    let mut from = 0;
    for count in [1, 30, 7, 200, 62] {
        let mut messages = mixture(from, count, 3, 9);
        from += count + 1;
        // A line of the first batch again, under a new offset.
        let mut again = mixture(0, 1, 3, 9).remove(0);
        again.offset = from - 1;
        messages.push(again);
        commit(&ledger, &mut source, messages, &mut cache).await;
    }
    ledger
}

pub async fn compaction_changes_nothing(places: [&Place; 3]) {
    let mut pictures = Vec::new();
    for (place, day_tables) in places.into_iter().zip([20_000, 5, 0]) {
        let ledger = fill(place, day_tables).await;
        let open = place.one("SELECT COUNT(*) FROM ledger_tables WHERE product_id IS NOT NULL").await;
        assert!(open.parse::<usize>().unwrap() <= day_tables, "{open} day tables of {day_tables}");
        assert_eq!(place.one("SELECT COUNT(*) FROM rejected_entries").await, "5");
        let cards = cards(&ledger).await;
        pictures.push((picture(place).await, cards));
    }
    assert!(pictures[0].0.0.len() == 300);
    assert!(pictures[0] == pictures[1], "day_tables 20000 and 5 differ");
    assert!(pictures[0] == pictures[2], "day_tables 20000 and 0 differ");
    // By hand, over the boundary and to the end.
    let ledger = places[0].ledger(20_000);
    for day in ["2025-03-05", "2025-03-05", "2025-04-01"] {
        compact_before(&ledger, day.parse().unwrap()).await.unwrap();
        assert!(picture(places[0]).await == pictures[0].0);
        assert!(cards(&ledger).await == pictures[0].1);
    }
    assert_eq!(places[0].one("SELECT COUNT(*) FROM ledger_tables").await, "1");
}

/// The stock cards of all keys, read in pages of seven, checked on the way.
async fn cards(ledger: &Ledger) -> Vec<Vec<(i64, i64)>> {
    let mut cards = Vec::new();
    for vector in ledger.scan_vectors(None, 100).await.unwrap() {
        let total: i64 = vector.parts.iter().map(|part| part.2).sum();
        cards.push(card(ledger, &vector.key, total).await);
    }
    cards
}

async fn card(ledger: &Ledger, key: &StockKey, total: i64) -> Vec<(i64, i64)> {
    let mut shown = Vec::new();
    let (mut cursor, mut expected) = (None, total);
    loop {
        let page = ledger.movements(key, cursor.as_ref(), 7).await.unwrap();
        for movement in &page {
            assert_eq!(movement.balance, expected, "{key} at {}", movement.source_offset);
            expected -= movement.entry.signed();
            shown.push((movement.source_offset, movement.balance));
        }
        let Some(last) = page.last() else { break };
        cursor = Some(MovementCursor {
            create_time: last.entry.create_time,
            source_id: last.source_id,
            source_offset: last.source_offset,
        });
    }
    assert_eq!(expected, 0, "{key}: the card does not go back to nothing");
    shown
}

pub async fn an_empty_ledger_takes_history_into_months(place: &Place) {
    let ledger = place.ready(20_000).await;
    compact_before(&ledger, "2025-03-05".parse().unwrap()).await.unwrap();
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    commit(&ledger, &mut source, mixture(0, 100, 2, 9), &mut SourceCache::default()).await;
    let first = place.one("SELECT MIN(first_day) FROM ledger_tables WHERE product_id IS NOT NULL").await;
    assert_eq!(first, "2025-03-05");
    assert_eq!(place.counted().await.len(), 100);
    // Backdated into a month nobody had yet.
    let old = message(100, entry("P0", "W0", 1, "2020-02-29 10:00:00", None));
    commit(&ledger, &mut source, vec![old], &mut SourceCache::default()).await;
    assert_eq!(place.one("SELECT COUNT(*) FROM entries_202002").await, "1");
    // Duplicates are found there, too.
    let again = mixture(0, 1, 2, 9).remove(0);
    let done =
        commit(&ledger, &mut source, vec![Incoming { offset: 101, ..again }], &mut SourceCache::default())
            .await;
    assert_eq!(done.duplicates, 1);
}

pub async fn row_49_a_writer_and_a_compaction_on_the_same_day(place: &Place) {
    let ledger = place.ready(20_000).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let writer = tokio::spawn({
        let ledger = place.ledger(20_000);
        async move {
            let mut cache = SourceCache::default();
            for n in 0..30 {
                commit(&ledger, &mut source, mixture(n * 20, 20, 4, 9), &mut cache).await;
            }
        }
    });
    for day in 2..=10 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let day = NaiveDate::from_ymd_opt(2025, 3, day).unwrap();
        while let Err(failed) = compact_before(&ledger, day).await {
            assert_eq!(failed.code.name(), "retry", "{failed}");
        }
    }
    writer.await.unwrap();
    assert_eq!(place.counted().await.len(), 600);
    compact_before(&ledger, "2025-04-01".parse().unwrap()).await.unwrap();
    assert_eq!(place.one("SELECT COUNT(*) FROM ledger_tables WHERE product_id IS NOT NULL").await, "0");
    assert_eq!(place.one("SELECT COUNT(*) FROM entries_202503").await, "600");
}

pub async fn row_17_a_lost_day_table_is_made_again(place: &Place) {
    let ledger = place.ready(20_000).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut cache = SourceCache::default();
    commit(&ledger, &mut source, mixture(0, 10, 1, 1), &mut cache).await;
    place.run("DROP TABLE t_p0_20250301").await;
    commit(&ledger, &mut source, mixture(10, 10, 1, 1), &mut cache).await;
    assert_eq!(place.one("SELECT COUNT(*) FROM t_p0_20250301").await, "10");
    assert_eq!(place.one("SELECT SUM(entries) FROM balances").await, "20");
}

pub async fn row_16_many_sources_make_tables_at_once(place: &Place) {
    let ledger = place.ready(25).await;
    let mut tasks = Vec::new();
    for partition in 0..4 {
        let ledger = ledger.clone();
        tasks.push(tokio::spawn(async move {
            let mut source = ledger.register_source(&identity(1 << 96, partition), 0).await.unwrap();
            let mut cache = SourceCache::default();
            for n in 0..10_i64 {
                let time = format!("2025-03-{:02} 10:00:00", n + 1);
                let lines = (0..5).map(|at| {
                    let product = format!("P{}", (n + at) * 4 + i64::from(partition));
                    message(n * 5 + at, entry(&product, "W", 1, &time, None))
                });
                commit(&ledger, &mut source, lines.collect(), &mut cache).await;
                let next = format!("2025-04-{:02}", n + 1).parse().unwrap();
                let _ = ledger.prepare_day(next, &[ProductId::parse("P1").unwrap()]).await;
            }
        }));
    }
    for task in tasks {
        tokio::time::timeout(std::time::Duration::from_secs(60), task).await.unwrap().unwrap();
    }
    assert_eq!(place.counted().await.len(), 200);
    let open = place.one("SELECT COUNT(*) FROM ledger_tables WHERE product_id IS NOT NULL").await;
    assert!(open.parse::<usize>().unwrap() <= 25);
}

/// Killed between the compaction's commit and its drops: the day's tables still stand, with rows that count no
/// more. Nobody reads them, and the next start drops them.
pub async fn row_49_a_compaction_cut_short_is_finished_at_the_next_start(place: &Place) {
    let ledger = place.ready(20_000).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut cache = SourceCache::default();
    commit(&ledger, &mut source, mixture(0, 50, 1, 1), &mut cache).await;
    compact_before(&ledger, "2025-03-02".parse().unwrap()).await.unwrap();
    let before = cards(&ledger).await;
    let left = "CREATE TABLE t_p0_20250301 AS SELECT * FROM entries_202503; \
                INSERT INTO ledger_tables (table_name, product_id, first_day, last_day) \
                VALUES ('t_p0_20250301', 'P0', '2025-03-01', '2025-03-01')";
    place.run(left).await;
    assert!(cards(&ledger).await == before);
    commit(&ledger, &mut source, mixture(50, 10, 1, 1), &mut cache).await;
    let again = place.ledger(20_000);
    assert_eq!(again.init().await.unwrap(), ["dropped 1 compacted day tables"]);
    assert_eq!(place.counted().await.len(), 60);
    assert!(again.init().await.unwrap().is_empty());
}
