//! The rule of unusual days by hand: where it begins, what it leaves alone, what does not move it.

use super::*;

/// A Monday.
fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 2).unwrap() + Days::new(number)
}

/// One out a day, from that Monday on; nothing on a day with 0.
fn outs(pieces: &[i64]) -> Vec<(NaiveDate, i64)> {
    (0..).zip(pieces).filter(|(_, out)| **out > 0).map(|(number, out)| (day(number), *out)).collect()
}

/// Pieces out, usual and ordinary of the days found.
fn found(pieces: &[i64]) -> Vec<(i64, i64, i64)> {
    let outs = outs(pieces);
    let found = unusual_days(&outs, day(0), &RULE).into_iter();
    found.map(|(at, measure)| (outs[at].1, measure.usual, measure.ordinary)).collect()
}

/// `usual` with `spike` in its midst.
fn with(usual: &[i64], spike: i64) -> Vec<i64> {
    let mut pieces = usual.to_vec();
    pieces[usual.len() / 2] = spike;
    pieces
}

#[test]
fn three_times_what_is_usual_is_ordinary_and_a_piece_more_is_not() {
    assert_eq!(found(&with(&[10; 21], 30)), []);
    assert_eq!(found(&with(&[10; 21], 31)), [(31, 10, 30)]);
}

#[test]
fn where_the_days_differ_the_spread_decides() {
    // The median is 12, half of the days lie 8 or more from it: 12 + 10 · 8 pieces are ordinary.
    let wild: Vec<i64> = [4, 12, 20].into_iter().cycle().take(42).collect();
    assert_eq!(found(&with(&wild, 92)), []);
    assert_eq!(found(&with(&wild, 93)), [(93, 12, 92)]);
}

#[test]
fn little_goods_and_little_known_goods_are_left_alone() {
    assert_eq!(found(&with(&[1; 21], 20)), []);
    assert_eq!(found(&with(&[1; 21], 21)), [(21, 1, 20)]);
    assert_eq!(found(&with(&[10; 14], 500)), []);
    assert_eq!(found(&with(&[10; 15], 500)), [(500, 10, 30)]);
    assert_eq!(found(&[]), []);
}

#[test]
fn steady_growing_and_falling_goods_have_no_unusual_day() {
    assert_eq!(found(&[40; 120]), []);
    let grow: Vec<i64> = (0..120).map(|at| 20 + at).collect();
    let fall: Vec<i64> = grow.iter().rev().copied().collect();
    assert_eq!((found(&grow), found(&fall)), (vec![], vec![]));
}

#[test]
fn what_comes_back_every_week_is_usual_and_more_of_it_is_not() {
    let week = [10, 12, 9, 11, 90, 0, 0];
    let weeks: Vec<i64> = week.into_iter().cycle().take(7 * 8).collect();
    assert_eq!(found(&weeks), []);
    let mut greater = weeks.clone();
    // A Friday, then a Monday: the same quantity is ordinary on the one and not on the other.
    greater[4 + 7 * 3] = 271;
    assert_eq!(found(&greater), [(271, 90, 270)]);
    greater[7 * 5] = 90;
    assert_eq!(found(&greater), [(271, 90, 270), (90, 11, 33)]);
}

#[test]
fn great_days_do_not_hide_each_other_and_many_of_them_are_a_habit() {
    let mut pieces = [10; 60];
    for at in [7, 18, 29, 40, 51, 58] {
        pieces[at] = 500;
    }
    assert_eq!(found(&pieces), [(500, 10, 30); 6]);
    pieces[33] = 500;
    assert_eq!(found(&pieces), []);
    // A new custom, not thirty exceptions.
    let mut level = vec![10; 60];
    level.extend([80; 30]);
    assert_eq!(found(&level), []);
}

#[test]
fn days_before_the_judged_ones_only_tell_what_is_usual() {
    let pieces = with(&[10; 41], 500);
    let outs = outs(&pieces);
    assert_eq!(unusual_days(&outs, day(20), &RULE).len(), 1);
    assert_eq!(unusual_days(&outs, day(21), &RULE), []);
}

#[test]
fn great_quantities_do_not_overflow() {
    let most = i64::MAX / 2;
    assert_eq!(found(&[most; 30]), []);
    assert_eq!(found(&with(&[most; 30], i64::MAX)), []);
    let key = StockKey {
        warehouse: domain::entry::WarehouseId::stored("W"),
        product: domain::entry::ProductId::stored("P"),
    };
    let measure = Measure { usual: 2, ordinary: 7 };
    let one = Unusual { key, day: day(1), direction: Direction::Out, quantity: i64::MAX, measure };
    assert_eq!(one.hundredths(), i128::from(i64::MAX) * 100 / 7);
}

#[test]
fn keys_that_moved_little_are_forgotten_and_parts_of_a_day_are_one() {
    let sum = |product: &str, in_quantity, out_quantity| Moved {
        day: None,
        product: Some(domain::entry::ProductId::stored(product)),
        warehouse: Some(domain::entry::WarehouseId::stored("W")),
        company: None,
        in_quantity,
        out_quantity,
        entries: 1,
    };
    let mut histories = Histories::default();
    for (product, inward, outward) in [("A", 0, 15), ("A", 0, 6), ("B", 20, 20), ("C", 21, 1)] {
        histories.add(day(90), sum(product, inward, outward), true);
    }
    histories.settle(20);
    for product in ["A", "B", "C", "D"] {
        histories.add(day(89), sum(product, 7, 8), false);
    }
    let mut kept: Vec<_> =
        histories.0.into_iter().map(|(key, moves)| (key.product.to_string(), moves)).collect();
    kept.sort();
    let expected = [
        ("A".to_owned(), [vec![], vec![(day(90), 21), (day(89), 8)]]),
        ("C".to_owned(), [vec![(day(90), 21), (day(89), 7)], vec![]]),
    ];
    assert_eq!(kept, expected);
}
