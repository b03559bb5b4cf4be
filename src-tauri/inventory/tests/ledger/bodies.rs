//! Verdicts, duplicates, fencing, catalogue, reading.

use super::*;
use inventory::domain::entry::{Refusal, Rule, StockKey};
use inventory::ledger::{ProductRow, row_digest};
use inventory::stock::Prev;

pub async fn init_is_idempotent(place: &Place) {
    let ledger = place.ledger(20);
    assert!(ledger.require_ready().await.is_err());
    assert!(!ledger.init().await.unwrap().is_empty());
    assert!(ledger.init().await.unwrap().is_empty());
    ledger.require_ready().await.unwrap();
    let found = ledger.probe().await;
    assert!(found.iter().all(|one| one.state == inventory::probe::State::Ok), "{found:#?}");
}

pub async fn rows_totals_and_balances(place: &Place) {
    let ledger = place.ready(20).await;
    let mut source = ledger.register_source(&identity(0x8f3a01c2 << 96, 3), 5).await.unwrap();
    assert_eq!((&*source.name, source.next_offset, source.stock_offset), ("8f3a01c2.3", 5, 5));
    assert_eq!(ledger.register_source(&source.identity, 9).await.unwrap(), source);
    let mut cache = SourceCache::default();
    let first = entry("苹果", "W'1", 10, "2025-03-13 12:00:00", None);
    let second = entry("苹果", "W'1", -3, "2025-03-14 00:00:00", Some(7));
    let done =
        commit(&ledger, &mut source, vec![message(5, first.clone()), message(8, second.clone())], &mut cache)
            .await;
    assert_eq!((done.counted, done.duplicates, done.rejected), (2, 0, 0));
    let call = &done.calls[0];
    assert_eq!((call.prev, call.last, call.delta, call.sum), (Prev::At(-1), 8, 7, 7));
    assert_eq!((source.entries, source.signed_quantity, source.last_offset), (2, 7, 8));
    let digest = row_digest(&first, 5).wrapping_add(row_digest(&second, 8)) as i64;
    assert_eq!(source.digest, digest);
    assert_eq!(ledger.reread(source.id).await.unwrap(), source);
    // With and without the cache, the next step goes on from there.
    for offset in [9, 10] {
        let mut more = entry("苹果", "W'1", 2, "2025-03-13 12:00:01", None);
        more.description = None;
        let done = commit(&ledger, &mut source, vec![message(offset, more)], &mut cache).await;
        let prev = if offset == 9 { 8 } else { 9 };
        assert_eq!((done.calls[0].prev, done.calls[0].sum), (Prev::At(prev), 7 + 2 * (offset - 8)));
        cache.forget();
    }
    let table = "t_pingguo_20250313";
    let rows =
        place.rows(&format!("SELECT product_id, quantity, description FROM {table} ORDER BY id")).await;
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0], vec!["苹果", "10", first.description.as_deref().unwrap()]);
    assert_eq!(rows[2], vec!["苹果", "2", "-"]);
    let totals = "SELECT in_quantity, out_quantity, entries FROM day_totals ORDER BY day";
    assert_eq!(place.rows(totals).await, vec![vec!["14", "0", "3"], vec!["0", "3", "1"]]);
    assert_eq!(place.rows("SELECT last_offset, quantity, entries FROM balances").await, [["10", "11", "4"]]);
    let key = first.key();
    let vectors = ledger.vectors(std::slice::from_ref(&key)).await.unwrap();
    assert_eq!(vectors[0].parts, vec![(source.name.clone(), 10, 11)]);
    assert_eq!(ledger.balances_from(source.id, 10).await.unwrap().len(), 1);
    assert_eq!(ledger.balances_from(source.id, 11).await.unwrap().len(), 0);
    let source = ledger.acknowledge(&source, 11).await.unwrap();
    assert_eq!(ledger.positions().await.unwrap()[&source.name], (11, 11));
    assert_eq!(ledger.last_movements(&[key]).await.unwrap().len(), 1);
    assert_eq!(ledger.summary().await.unwrap().entries, 4);
}

pub async fn verdicts(place: &Place) {
    let ledger = place.ready(20).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut cache = SourceCache::default();
    let refused = Incoming {
        offset: 0,
        timestamp_ms: None,
        payload: vec![0, 0xff, b'\''],
        decoded: Err(Refusal::new("drcr", 2, Rule::Drcr)),
    };
    let day = "2025-03-13";
    let at = |offset, time: &str| stamped(offset, entry("P", "W", 1, time, None), day);
    let messages = vec![
        refused,
        at(1, "2025-03-15 23:59:59"),
        at(2, "2025-03-16 00:00:00"),
        at(3, "2015-03-06 00:00:00"),
        at(4, "2015-03-05 00:00:00"),
        message(5, entry("P", "W", 1, "2035-03-13 00:00:00", None)),
    ];
    let done = commit(&ledger, &mut source, messages, &mut cache).await;
    assert_eq!((done.counted, done.rejected), (3, 3));
    let rejected = ledger.rejected(10, None).await.unwrap();
    let kinds: Vec<_> = rejected.iter().map(|row| (row.offset, row.kind.as_str())).collect();
    assert_eq!(kinds, [(4, "window"), (2, "window"), (0, "invalid")]);
    assert_eq!(rejected[2].payload, vec![0, 0xff, b'\'']);
    assert!(rejected[0].reason.contains("2015-03-05"), "{}", rejected[0].reason);
    let page = ledger.rejected(10, Some((&source.name, 2))).await.unwrap();
    assert_eq!(page.len(), 1);
    let found = ledger.rejected_at(&source.name, &[0, 1, 2]).await.unwrap();
    assert_eq!(found.len(), 2);
    ledger.mark_resubmitted(&source.name, 0, Uuid::from_u128(9)).await.unwrap();
    assert!(ledger.mark_resubmitted(&source.name, 0, Uuid::from_u128(8)).await.is_err());
    assert!(ledger.mark_resubmitted(&source.name, 1, Uuid::from_u128(8)).await.is_err());
}

pub async fn overflow(place: &Place) {
    let ledger = place.ready(20).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut cache = SourceCache::default();
    let time = "2025-03-13 12:00:00";
    let one = entry("P", "W", 1, time, None);
    commit(&ledger, &mut source, vec![message(0, one.clone())], &mut cache).await;
    place.run(&format!("UPDATE balances SET quantity = {}", (1_i64 << 49) - 2)).await;
    cache.forget();
    let messages = vec![message(1, one.clone()), message(2, entry("P", "W", 2, time, None)), message(3, one)];
    let done = commit(&ledger, &mut source, messages, &mut cache).await;
    assert_eq!((done.counted, done.rejected), (2, 1));
    assert_eq!(done.calls[0].sum, 1 << 49);
    assert_eq!(ledger.rejected(10, None).await.unwrap()[0].kind, "overflow");
}

pub async fn row_20_duplicates(place: &Place) {
    let ledger = place.ready(20).await;
    let mut one = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut two = ledger.register_source(&identity(1 << 96, 1), 0).await.unwrap();
    let (mut cache_one, mut cache_two) = (SourceCache::default(), SourceCache::default());
    let time = "2025-03-13 12:00:00";
    let same = |offset| message(offset, entry("P", "W", 5, time, Some(1)));
    let done = commit(&ledger, &mut one, vec![same(0), same(1)], &mut cache_one).await;
    assert_eq!((done.counted, done.duplicates), (1, 1));
    let done = commit(&ledger, &mut one, vec![same(2)], &mut cache_one).await;
    assert_eq!((done.counted, done.duplicates, done.calls.len()), (0, 1, 0));
    let other_day = message(1, entry("P", "W", 5, "2025-03-14 12:00:00", Some(1)));
    let other_product = message(2, entry("Q", "W", 5, time, Some(1)));
    let none = message(3, entry("P", "W", 5, time, None));
    let done = commit(&ledger, &mut two, vec![same(0), other_day, other_product, none], &mut cache_two).await;
    assert_eq!((done.counted, done.duplicates), (3, 1));
    let rejected = ledger.rejected(10, None).await.unwrap();
    assert!(rejected.iter().all(|row| row.kind == "duplicate" && row.entry_id == Some(Uuid::from_u128(1))));
    assert!(rejected[2].reason.ends_with(&format!("offset 0 of source {}", one.name)), "{rejected:?}");
    assert_eq!(ledger.rejected_ids(&[Uuid::from_u128(1)]).await.unwrap().len(), 1);
    assert_eq!(place.counted().await.len(), 4);
}

pub async fn row_47_two_sources_one_id_at_once(place: &Place) {
    let ledger = place.ready(20).await;
    let mut tasks = Vec::new();
    for partition in 0..4 {
        let ledger = ledger.clone();
        tasks.push(tokio::spawn(async move {
            let mut source = ledger.register_source(&identity(1 << 96, partition), 0).await.unwrap();
            let mut cache = SourceCache::default();
            for offset in 0..20 {
                let same = entry("P", "W", 5, "2025-03-13 12:00:00", Some(offset as u128 + 1));
                commit(&ledger, &mut source, vec![message(offset, same)], &mut cache).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(place.counted().await.len(), 20);
    assert_eq!(place.one("SELECT COUNT(*) FROM rejected_entries WHERE kind = 'duplicate'").await, "60");
    assert_eq!(place.one("SELECT SUM(quantity) FROM balances").await, "100");
    assert_eq!(place.one("SELECT SUM(in_quantity) FROM day_totals").await, "100");
}

/// What was delivered before is skipped, however it is grouped the second time.
pub async fn row_19_offsets_again_and_regrouped(place: &Place) {
    let ledger = place.ready(20).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut cache = SourceCache::default();
    let counted = |done: Committed| (done.counted, done.duplicates, done.rejected);
    let groups = [(0, 10, 10), (5, 10, 5), (0, 15, 0), (14, 1, 0), (3, 20, 8)];
    for (round, (from, count, new)) in groups.into_iter().enumerate() {
        let before = source.clone();
        let mut again = batch(&source, batches::mixture(from, count, 3, 3));
        again.next_offset = again.next_offset.max(source.next_offset);
        let done = ledger.commit(&source, &again, &mut cache).await.unwrap();
        source = done.source.clone();
        assert_eq!(counted(done), (new, 0, 0), "round {round}");
        assert_eq!(source.next_offset, before.next_offset + new as i64);
    }
    assert_eq!(place.counted().await.len(), 23);
    assert_eq!(place.one("SELECT SUM(entries) FROM balances").await, "23");
    assert_eq!(place.one("SELECT SUM(entries) FROM day_totals").await, "23");
}

pub async fn row_13_the_compare_and_set_fences(place: &Place) {
    let ledger = place.ready(20).await;
    let old = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let mut source = old.clone();
    let mut cache = SourceCache::default();
    let one = entry("P", "W", 5, "2025-03-13 12:00:00", None);
    commit(&ledger, &mut source, vec![message(0, one.clone())], &mut cache).await;
    let zombie = ledger.commit(&old, &batch(&old, vec![message(0, one.clone())]), &mut cache).await;
    assert_eq!(zombie.unwrap_err().code.name(), "fenced");
    // Same offset, other stamp: still fenced.
    let touched = ledger.acknowledge(&source, 1).await.unwrap();
    let zombie = ledger.commit(&source, &batch(&source, vec![message(1, one.clone())]), &mut cache).await;
    assert_eq!(zombie.unwrap_err().code.name(), "fenced");
    assert_eq!(ledger.acknowledge(&source, 1).await.unwrap_err().code.name(), "fenced");
    assert_eq!(ledger.reread(source.id).await.unwrap(), touched);
    assert_eq!(place.counted().await.len(), 1);
    // A position that was set back by hand: the rows beyond it are found.
    place.run("UPDATE sources SET next_offset = 0").await;
    let back = ledger.reread(source.id).await.unwrap();
    let again = batch(&back, vec![message(0, one)]);
    assert_eq!(ledger.commit(&back, &again, &mut cache).await.unwrap_err().code.name(), "retry");
    let failed = ledger.commit(&back, &again, &mut cache).await.unwrap_err();
    assert_eq!(failed.code.name(), "corrupt");
    assert_eq!(place.counted().await.len(), 1);
}

pub async fn row_30_slugs_never_collide_and_never_move(place: &Place) {
    let ledger = place.ready(50).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let ids = ["A-1", "A_1", "苹果", "平果", "a-1", "A-1 ", "P:1", "P_1_2", "***"];
    let time = "2025-03-13 12:00:00";
    let ids: Vec<&str> = ids.iter().map(|id| id.trim()).collect();
    let messages = ids.iter().enumerate();
    let messages =
        messages.map(|(offset, id)| message(offset as i64, entry(id, "W", 1, time, None))).collect();
    commit(&ledger, &mut source, messages, &mut SourceCache::default()).await;
    let products = ledger.products().await.unwrap();
    let mut slugs: Vec<&str> = products.iter().map(|product| product.slug.as_str()).collect();
    slugs.sort_unstable();
    slugs.dedup();
    assert_eq!((products.len(), slugs.len()), (8, 8));
    assert!(products.iter().all(|product| !product.registered && product.name == product.id.as_str()));
    let mut apple: ProductRow =
        products.iter().find(|product| product.id.as_str() == "苹果").unwrap().clone();
    let before = apple.slug.clone();
    assert!(before.starts_with("pingguo"));
    apple.name = "Pear".into();
    apple.minimum = 3;
    let mut new = apple.clone();
    new.id = ProductId::parse("new").unwrap();
    ledger.save_products(&[apple, new]).await.unwrap();
    let products = ledger.products().await.unwrap();
    let slug = |id: &str| products.iter().find(|product| product.id.as_str() == id).unwrap().slug.clone();
    assert_eq!((slug("苹果"), slug("new")), (before, "pear".into()));
    let warehouse = ledger.warehouses().await.unwrap().remove(0);
    assert!(!warehouse.registered);
    ledger.save_warehouses(&[warehouse]).await.unwrap();
    assert!(ledger.warehouses().await.unwrap()[0].registered);
    assert_eq!(ledger.companies().await.unwrap().len(), 1);
}

pub async fn row_16_two_daemons_create_the_same_tables(place: &Place) {
    place.ready(1000).await;
    let mut tasks = Vec::new();
    for partition in 0..4 {
        let ledger = place.ledger(1000);
        tasks.push(tokio::spawn(async move {
            let mut source = ledger.register_source(&identity(1 << 96, partition), 0).await.unwrap();
            let names = (0..40).map(|n| if n % 2 == 0 { format!("N-{n}") } else { format!("N_{}", n - 1) });
            let messages = names.enumerate().map(|(offset, name)| {
                message(offset as i64, entry(&name, "W", 1, "2025-03-13 12:00:00", None))
            });
            let messages = messages.collect();
            commit(&ledger, &mut source, messages, &mut SourceCache::default()).await;
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(place.counted().await.len(), 160);
    assert_eq!(place.one("SELECT COUNT(*) FROM ledger_tables").await, "40");
}

pub async fn row_42_ids_are_bytes(place: &Place) {
    let ledger = place.ready(100).await;
    let mut source = ledger.register_source(&identity(1 << 96, 0), 0).await.unwrap();
    let ids = ["a", "A", "á", "Ａ", "ａ"];
    let time = "2025-03-13 12:00:00";
    let messages =
        ids.iter().enumerate().map(|(at, id)| message(at as i64, entry(id, id, 1, time, None))).collect();
    let done = commit(&ledger, &mut source, messages, &mut SourceCache::default()).await;
    assert_eq!(done.calls.len(), 5);
    assert_eq!(place.one("SELECT COUNT(*) FROM balances").await, "5");
    assert_eq!(place.one("SELECT COUNT(*) FROM day_totals").await, "5");
    let mut seen: Vec<StockKey> = Vec::new();
    while let Some(vector) = ledger.scan_vectors(seen.last(), 1).await.unwrap().pop() {
        seen.push(vector.key);
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted());
}
