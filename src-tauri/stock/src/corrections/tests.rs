//! Corrections repeated, late, in any order and among traffic: right once, and right for ever.

use super::*;
use crate::value::{LIMIT, step};
use crate::{Prev, StockCall};
use proptest::prelude::*;

const SOURCE: &str = "8f3a01c2.3";

fn value(text: &str) -> Value {
    Value::read(text.as_bytes()).unwrap()
}

fn after(text: &str, correction: &Correction) -> (Option<String>, Corrected) {
    let (next, corrected) = correct(Some(text.as_bytes()), correction);
    (next.map(|next| String::from_utf8(next.print()).unwrap()), corrected)
}

fn entry(offset: i64, wrong: i64, right: i64) -> Correction {
    Correction::ReplaceEntry { source: SOURCE.into(), offset, wrong, right }
}

fn vector(parts: &[(&str, i64, i64)]) -> Vector {
    let key = StockKey::parse("W:P").unwrap();
    Vector { key, parts: parts.iter().map(|(name, last, sum)| ((*name).into(), *last, *sum)).collect() }
}

#[test]
fn a_drift_is_dropped_once_and_never_again() {
    let (next, corrected) =
        after(r#"{"base":100,"change":84,"at":{"8f3a01c2.3":[4,120]}}"#, &Correction::DropDrift);
    assert_eq!(corrected, Corrected::Done);
    let next = next.unwrap();
    assert_eq!(next, r#"{"base":100,"change":20,"at":{"8f3a01c2.3":[4,120]}}"#);
    assert_eq!(after(&next, &Correction::DropDrift), (None, Corrected::Nothing));
    let goods = after(r#"{"base":0,"change":-7,"at":{}}"#, &Correction::DropDrift).0.unwrap();
    assert_eq!(goods, r#"{"base":0,"change":0,"at":{}}"#, "a value of 0, not a deleted key");
}

#[test]
fn an_entry_is_replaced_only_while_it_is_exactly_that() {
    let text = r#"{"base":0,"change":9,"at":{"8f3a01c2.3":[4,9]}}"#;
    let (next, corrected) = after(text, &entry(4, 9, 7));
    assert_eq!(
        (next.as_deref(), corrected),
        (Some(r#"{"base":0,"change":7,"at":{"8f3a01c2.3":[4,7]}}"#), Corrected::Done)
    );
    for other in [entry(3, 9, 7), entry(4, 8, 7), entry(5, 9, 7)] {
        assert_eq!(after(text, &other), (None, Corrected::Nothing));
    }
    assert_eq!(after(&next.unwrap(), &entry(4, 9, 7)), (None, Corrected::Nothing), "sent twice");
}

#[test]
fn damaged_bytes_are_replaced_only_while_they_are_those_read() {
    let read = br#"{"base": 120, "change": 0}"#.to_vec();
    let correction = Correction::ReplaceDamaged { read: read.clone(), vector: vector(&[(SOURCE, 4, 9)]) };
    let (next, corrected) = correct(Some(&read), &correction);
    let mended = next.unwrap();
    assert_eq!((corrected, mended.quantity(), mended.drift()), (Corrected::Done, 9, 0));
    assert_eq!(correct(Some(&mended.print()), &correction), (None, Corrected::Nothing));
    assert_eq!(correct(Some(b"other damage"), &correction), (None, Corrected::Nothing));
    assert_eq!(correct(None, &correction), (None, Corrected::Absent));
    assert_eq!(correct(Some(&read), &Correction::DropDrift), (None, Corrected::Damaged));
}

#[test]
fn a_fold_moves_no_quantity() {
    let text = r#"{"base":0,"change":9,"at":{"8f3a01c2.3":[4,9]}}"#;
    let (next, _) = after(text, &Correction::Fold { quantity: 7 });
    assert_eq!(next.as_deref(), Some(r#"{"base":7,"change":2,"at":{"8f3a01c2.3":[4,9]}}"#));
    assert_eq!(after(&next.unwrap(), &Correction::Fold { quantity: 7 }), (None, Corrected::Nothing));
}

#[test]
fn no_correction_takes_a_number_beyond_what_readers_hold() {
    let full = format!(r#"{{"base":{LIMIT},"change":0,"at":{{"a":[0,-{LIMIT}]}}}}"#);
    assert_eq!(after(&full, &Correction::DropDrift), (None, Corrected::Damaged));
    assert_eq!(after(&full, &Correction::Fold { quantity: -1 }), (None, Corrected::Damaged));
    let high = format!(r#"{{"base":0,"change":{LIMIT},"at":{{"{SOURCE}":[0,0]}}}}"#);
    assert_eq!(after(&high, &entry(0, 0, 1)), (None, Corrected::Damaged));
}

/// What may reach a key with a planted drift: traffic, an auditor's corrections at any time and as often as it
/// likes, a restore of an older value.
#[derive(Debug, Clone)]
enum Event {
    Step(usize),
    Vector(usize),
    Drop,
    Entry(usize, i64),
    Fold(i64),
    Keep,
    Restore,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..6usize).prop_map(Event::Step),
        1 => (0..6usize).prop_map(Event::Vector),
        2 => Just(Event::Drop),
        1 => (0..6usize, -3i64..3).prop_map(|(at, wrong)| Event::Entry(at, wrong)),
        1 => (-9i64..9).prop_map(Event::Fold),
        1 => Just(Event::Keep),
        1 => Just(Event::Restore),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn corrections_among_traffic_never_harm(
        quantities in prop::collection::vec(-9i64..9, 6),
        planted in -64i64..64,
        events in prop::collection::vec(event(), 1..40),
    ) {
        let total = |upto: usize| quantities[..upto].iter().sum::<i64>();
        let key = StockKey::parse("W:P").unwrap();
        let mut stored = format!(r#"{{"base":0,"change":{planted},"at":{{}}}}"#).into_bytes();
        let mut kept = stored.clone();
        for event in events {
            let next = match event {
                Event::Step(at) => {
                    let call = StockCall {
                        key: key.clone(), source: SOURCE.into(), prev: Prev::At(at as i64 - 1), last: at as i64,
                        delta: quantities[at], sum: total(at + 1),
                    };
                    let (next, answer) = step(Some(&stored), &call);
                    prop_assert_ne!(answer, Answer::Damaged);
                    next
                }
                Event::Vector(at) => bring(Some(&stored), &vector(&[(SOURCE, at as i64, total(at + 1))])).0,
                Event::Drop => correct(Some(&stored), &Correction::DropDrift).0,
                Event::Entry(at, wrong) => {
                    let right = total(at + 1);
                    correct(Some(&stored), &entry(at as i64, right + wrong, right)).0
                }
                Event::Fold(quantity) => correct(Some(&stored), &Correction::Fold { quantity }).0,
                Event::Keep => { kept = stored.clone(); None }
                Event::Restore => { stored = kept.clone(); None }
            };
            if let Some(next) = next {
                stored = next.print();
            }
            let now = Value::read(&stored).unwrap();
            let (offset, sum) = now.entry(SOURCE);
            prop_assert_eq!(sum, total((offset + 1) as usize), "the sum is the replay at its own offset");
            prop_assert!(now.drift() == planted || now.drift() == 0, "a drift is the planted one or gone");
        }
        let dropped = correct(Some(&stored), &Correction::DropDrift).0;
        let last = dropped.unwrap_or_else(|| value(std::str::from_utf8(&stored).unwrap()));
        prop_assert_eq!(last.quantity(), last.entry(SOURCE).1);
    }
}
