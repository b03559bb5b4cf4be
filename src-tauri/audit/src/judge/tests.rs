//! Each way in which a value and the ledger's snapshot may stand to each other, by DESIGN §4's own numbers.

use super::*;

const A: &str = "8f3a01c2.0";
const B: &str = "8f3a01c2.1";

fn cut(next_offset: i64, stock_offset: i64, balance: (i64, i64), beyond: &[(i64, i64)]) -> SourceCut {
    SourceCut { next_offset, stock_offset, balance: Some(balance), beyond: beyond.to_vec() }
}

fn ledger(cuts: &[(&str, SourceCut)]) -> KeyCut {
    cuts.iter().map(|(name, cut)| ((*name).into(), cut.clone())).collect()
}

fn judged(text: &str, cut: &KeyCut) -> Judged {
    match judge(Some(text.as_bytes()), cut) {
        Verdict::Judged(judged) => judged,
        other => panic!("{text}: {other:?}"),
    }
}

fn part(judged: &Judged, source: &str) -> Part {
    judged.parts[source]
}

#[test]
fn equal_at_its_own_offset() {
    let ledger = ledger(&[(A, cut(10, 10, (9, 7), &[]))]);
    let judged = judged(r#"{"base":5,"change":2,"at":{"8f3a01c2.0":[9,7]}}"#, &ledger);
    assert_eq!((judged.rrs, judged.nrs, judged.difference()), (7, 7, 0));
    assert_eq!((part(&judged, A), judged.state()), (Part::Equal, State::Normal));
    assert!(judged.corrections(true).is_empty());
}

#[test]
fn what_lies_beyond_is_in_flight_or_forgotten() {
    let text = r#"{"base":0,"change":3,"at":{"8f3a01c2.0":[4,3]}}"#;
    let flight = ledger(&[(A, cut(10, 6, (9, 7), &[(7, 1), (9, 3)]))]);
    assert_eq!(rows_wanted(Some(text.as_bytes()), &flight), [(A.into(), 4)]);
    let judged_flight = judged(text, &flight);
    assert_eq!((part(&judged_flight, A), judged_flight.state()), (Part::InFlight, State::Normal));
    assert_eq!((judged_flight.rrs, judged_flight.nrs), (3, 3), "shown at the value's own cut");
    let lost = ledger(&[(A, cut(10, 8, (9, 7), &[(7, 1), (9, 3)]))]);
    let judged_lost = judged(text, &lost);
    assert_eq!((part(&judged_lost, A), judged_lost.state()), (Part::Forgot, State::NrsMissing));
    assert_eq!((judged_lost.rrs, judged_lost.nrs), (4, 3));
    assert!(judged_lost.corrections(true).is_empty(), "brought, not corrected");
    assert!(forgot(Some(text.as_bytes()), &lost));
    let caught_up = br#"{"base":0,"change":4,"at":{"8f3a01c2.0":[7,4]}}"#;
    assert!(!forgot(Some(caught_up), &lost), "acknowledged between the two readings");
}

#[test]
fn an_absent_value_is_offset_minus_one_everywhere() {
    let ledger = ledger(&[(A, cut(10, 10, (9, 7), &[(9, 7)])), (B, cut(3, 0, (2, 1), &[(2, 1)]))]);
    assert_eq!(rows_wanted(None, &ledger), [(A.into(), -1), (B.into(), -1)]);
    let Verdict::Judged(judged) = judge(None, &ledger) else { panic!() };
    assert_eq!((part(&judged, A), part(&judged, B)), (Part::Forgot, Part::InFlight));
    assert!(forgot(None, &ledger));
    let key = StockKey::parse("W:P").unwrap();
    assert_eq!(vector(&key, &ledger).parts, [(A.into(), 9, 7), (B.into(), 2, 1)]);
}

#[test]
fn a_ledger_that_is_behind_judges_nothing() {
    let behind = ledger(&[(A, cut(10, 10, (9, 7), &[]))]);
    for text in [
        r#"{"base":0,"change":7,"at":{"8f3a01c2.0":[10,7]}}"#,
        r#"{"base":0,"change":12,"at":{"8f3a01c2.0":[9,7],"8f3a01c2.7":[0,5]}}"#,
        r#"{"base":0,"change":99,"at":{"8f3a01c2.0":[10,7]}}"#,
    ] {
        let judged = judged(text, &behind);
        assert!(judged.pending() && !judged.deviates(), "{text}");
        assert!(judged.corrections(true).is_empty(), "{text}");
        assert_eq!(judged.state(), State::Normal);
    }
}

#[test]
fn a_drift_convicts_the_stock_and_its_sign_says_who_agrees() {
    let ledger = ledger(&[(A, cut(10, 10, (9, 7), &[]))]);
    let less = judged(r#"{"base":0,"change":-57,"at":{"8f3a01c2.0":[9,7]}}"#, &ledger);
    assert_eq!((less.drift, less.difference(), less.state()), (-64, -64, State::NrsMissing));
    assert!(less.state().at_once());
    let more = judged(r#"{"base":0,"change":71,"at":{"8f3a01c2.0":[9,7]}}"#, &ledger);
    assert_eq!((more.drift, more.state()), (64, State::Doubled));
    assert!(!more.state().at_once());
    assert_eq!(more.corrections(false), [Correction::DropDrift], "needs no proof of the ledger");
}

#[test]
fn another_sum_is_replaced_if_the_ledger_is_proven() {
    let ledger = ledger(&[(A, cut(10, 10, (9, 7), &[]))]);
    let edited = judged(r#"{"base":0,"change":9,"at":{"8f3a01c2.0":[9,9]}}"#, &ledger);
    assert_eq!(part(&edited, A), Part::Differs { offset: 9, wrong: 9, right: 7 });
    let replace = Correction::ReplaceEntry { source: A.into(), offset: 9, wrong: 9, right: 7 };
    assert_eq!(edited.corrections(true), [replace]);
    assert!(edited.corrections(false).is_empty());
    let even = judged(r#"{"base":0,"change":7,"at":{"8f3a01c2.0":[9,9]}}"#, &ledger);
    assert_eq!((even.difference(), even.state()), (0, State::Doubled), "equal, with parts that disagree");
    let uncounted = judged(r#"{"base":0,"change":7,"at":{"8f3a01c2.0":[9,7],"8f3a01c2.1":[0,0]}}"#, &{
        let mut with_b = ledger.clone();
        with_b.insert(B.into(), SourceCut { next_offset: 1, stock_offset: 1, ..SourceCut::default() });
        with_b
    });
    assert_eq!(part(&uncounted, B), Part::Equal, "an entry whose verdict is now duplicate adds nothing");
}

#[test]
fn only_balances_are_judged() {
    let none = ledger(&[(A, SourceCut { next_offset: 10, stock_offset: 10, ..SourceCut::default() })]);
    let some = ledger(&[(A, cut(10, 10, (9, 7), &[]))]);
    assert_eq!(judge(Some(b"hello"), &none), Verdict::Foreign);
    assert_eq!(judge(Some(br#"{"base":1}"#), &none), Verdict::Foreign);
    assert_eq!(judge(None, &none), Verdict::Foreign);
    for text in [&b"hello"[..], br#"{"base":1,"change":2}"#] {
        assert_eq!(judge(Some(text), &some), Verdict::Damaged { read: text.to_vec() });
    }
    assert!(matches!(judge(Some(br#"{"change":2,"base":1}"#), &none), Verdict::Damaged { .. }));
    let unknown = judged(r#"{"base":5,"change":0,"at":{}}"#, &none);
    assert!(!unknown.known && unknown.deviates());
    assert_eq!(unknown.corrections(true), [Correction::DropDrift]);
}
