//! Tests of the keys and what is said of them.

use super::*;

const ALL: Share = Share { round: 0, rounds: 1 };

fn key(text: &str) -> StockKey {
    StockKey::parse(text).unwrap()
}

fn row(last_offset: i64, quantity: i64, entries: i64) -> PassingBalance<'static> {
    PassingBalance { source_id: 1, warehouse: "W", product: "P", last_offset, sum: Sum { quantity, entries } }
}

/// One key: its value, its balances (source, last, quantity, entries), its totals.
fn cell_of(value: &str, balances: &[(&str, i64, i64, i64)], totals: &[(i64, i64)]) -> Keys {
    let mut keys = Keys::of(ALL, 1);
    keys.store(&key("W:P"), value.as_bytes());
    for (quantity, entries) in totals {
        keys.total("W", "P", Sum { quantity: *quantity, entries: *entries });
    }
    for (source, last, quantity, entries) in balances {
        let source = keys.source(&(*source).into());
        assert!(keys.book(&row(*last, *quantity, *entries), source, false));
    }
    keys.settle();
    assert_eq!(keys.cells().len(), 1);
    assert_eq!(keys.key(&keys.cells()[0]), key("W:P"));
    keys
}

#[test]
fn a_value_is_exact_only_with_all_its_sources_at_their_offsets() {
    let one = r#"{"base":3,"change":2,"at":{"a.0":[7,5]}}"#;
    let two = r#"{"base":0,"change":9,"at":{"a.0":[7,5],"b.1":[2,4]}}"#;
    let exact =
        |value: &str, balances: &[(&str, i64, i64, i64)]| cell_of(value, balances, &[]).cells()[0].is_exact();
    assert!(exact(one, &[("a.0", 7, 5, 1)]));
    assert!(exact(two, &[("b.1", 2, 4, 1), ("a.0", 7, 5, 1)]));
    for balances in [
        &[("a.0", 8, 5, 1)][..],
        &[("a.0", 7, 6, 1)],
        &[("b.1", 7, 5, 1)],
        &[("a.0", 7, 5, 1), ("b.1", 2, 4, 1)],
        &[],
    ] {
        assert!(!exact(one, balances), "{balances:?}");
    }
    assert!(!exact(two, &[("a.0", 7, 5, 1)]));
    assert!(!exact(r#"{"base":4,"change":2,"at":{"a.0":[7,5]}}"#, &[("a.0", 7, 5, 1)]), "a drift");
    assert!(!exact("7", &[("a.0", 7, 5, 1)]), "nothing that can be read");
}

#[test]
fn the_books_agree_when_all_days_come_to_all_sources() {
    let agree = |totals: &[(i64, i64)]| {
        cell_of("7", &[("a.0", 7, 5, 2), ("b.1", 2, -4, 1)], totals).cells()[0].books_agree()
    };
    assert!(agree(&[(6, 2), (-5, 1)]));
    assert!(!agree(&[(6, 2), (-4, 1)]), "another quantity");
    assert!(!agree(&[(1, 2)]), "another number of entries");
    assert!(!agree(&[]));
}

#[test]
fn every_key_is_of_one_round_and_told_apart() {
    let names: Vec<String> = (0..1_000).map(|n| format!("W{}:P{}", n % 7, n)).collect();
    let mut seen = Vec::new();
    for round in 0..3 {
        let mut keys = Keys::of(Share { round, rounds: 3 }, 0);
        for name in names.iter().chain(&names) {
            keys.store(&key(name), b"7");
        }
        keys.settle();
        seen.extend(keys.cells().iter().map(|cell| keys.key(cell).to_string()));
    }
    let mut names = names;
    names.sort();
    seen.sort();
    assert_eq!(seen, names);
    let mut keys = Keys::of(ALL, 1);
    keys.total("a", "bc", Sum::default());
    keys.total("ab", "c", Sum::default());
    keys.settle();
    assert_eq!(keys.cells().len(), 2);
}
