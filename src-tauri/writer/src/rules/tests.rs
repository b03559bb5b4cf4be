//! The writer's rules one by one; what they do together is explored by the model.

use super::*;
use domain::entry::StockKey;
use domain::source::SourceIdentity;
use uuid::Uuid;

fn row(next_offset: i64, last_offset: i64) -> SourceRow {
    SourceRow {
        id: 1,
        name: "8f3a01c2.0".into(),
        identity: SourceIdentity { topic: "t".into(), topic_uuid: Uuid::nil(), partition: 0 },
        next_offset,
        stock_offset: 0,
        stamp: [0; 16],
        last_offset,
        last_hash: 0,
        entries: 0,
        rejected: 0,
        signed_quantity: 0,
        digest: 0,
    }
}

fn call(prev: Prev) -> StockCall {
    let key = StockKey::parse("W:P").unwrap();
    StockCall { key, source: "s.0".into(), prev, last: 9, delta: 1, sum: 1 }
}

#[test]
fn a_position_that_does_not_fit_stops_the_source() {
    let log = |start, end| Bounds { start, end };
    assert_eq!(fit(None, log(0, 9)), Fit::New);
    assert_eq!(fit(None, log(3, 9)), Fit::StartGone);
    assert_eq!(fit(Some(&row(2, 1)), log(3, 9)), Fit::RetentionPassed);
    assert_eq!(fit(Some(&row(10, 9)), log(0, 9)), Fit::EndsBefore);
    assert_eq!(fit(Some(&row(9, 8)), log(0, 9)), Fit::IfSame(8));
    assert_eq!(fit(Some(&row(9, 8)), log(9, 9)), Fit::Fits, "an idle log that has expired as a whole");
    assert_eq!(fit(Some(&row(0, -1)), log(0, 9)), Fit::Fits);
}

#[test]
fn another_stamp_is_another_holder() {
    assert!(still_ours(&[1; 16], Some(&[1; 16])));
    assert!(!still_ours(&[1; 16], Some(&[2; 16])) && !still_ours(&[1; 16], None));
}

#[test]
fn the_watermark_stops_at_the_first_parcel_without_an_answer() {
    let parcel = |upto, acknowledged| Parcel { upto, acknowledged };
    assert_eq!(watermark(4, &[]), 4);
    assert_eq!(watermark(4, &[parcel(6, true), parcel(9, false), parcel(12, true)]), 6);
    assert_eq!(watermark(4, &[parcel(6, false), parcel(9, true)]), 4);
    assert_eq!(watermark(4, &[parcel(6, true), parcel(9, true)]), 9);
    assert_eq!((owed_from(9, 6), owed_from(9, 9)), (Some(6), None));
}

#[test]
fn a_vector_stands_for_a_call_only_if_it_reaches_as_far() {
    let vector = |parts: &[(&str, i64, i64)]| Vector {
        key: call(Prev::Unknown).key,
        parts: parts.iter().map(|(name, last, sum)| ((*name).into(), *last, *sum)).collect(),
    };
    let call = call(Prev::At(-1));
    assert!(
        covers(&call, Some(&vector(&[("s.0", 9, 1)]))) && covers(&call, Some(&vector(&[("s.0", 12, 1)])))
    );
    assert!(!covers(&call, Some(&vector(&[("s.0", 8, 1), ("s.1", 9, 1)]))), "an older ledger");
    assert!(!covers(&call, None), "a ledger that does not know the key");
}

#[test]
fn only_acknowledged_entries_can_be_forgotten() {
    assert!(forgotten(&call(Prev::At(5)), Answer::Absent, 6));
    assert!(forgotten(&call(Prev::At(5)), Answer::Lagged(3), 6));
    assert!(!forgotten(&call(Prev::At(5)), Answer::Lagged(3), 5), "in flight");
    assert!(!forgotten(&call(Prev::At(-1)), Answer::Absent, 6), "new key");
    assert!(!forgotten(&call(Prev::Unknown), Answer::Lagged(3), 6), "sent again");
}

#[test]
fn a_sweep_sends_what_is_absent_or_behind_and_nothing_else() {
    let vector =
        Vector { key: call(Prev::Unknown).key, parts: vec![("a.0".into(), 3, 5), ("a.1".into(), 0, 2)] };
    let value = |text: &str| lags(&vector, Some(text.as_bytes()));
    assert!(lags(&vector, None));
    assert!(value(r#"{"base":0,"change":5,"at":{"a.0":[3,5]}}"#));
    assert!(value(r#"{"base":0,"change":6,"at":{"a.0":[2,4],"a.1":[0,2]}}"#));
    assert!(!value(r#"{"base":0,"change":9,"at":{"a.0":[4,7],"a.1":[0,2]}}"#));
    assert!(!value(r#"{"base":0,"change":9}"#), "damaged: left to the audit");
}
