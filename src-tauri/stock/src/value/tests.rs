//! The value's grammar, and the holes of the first design (EXACTNESS) closed by step and vector.
//! Quantities 1, 2, 4 stand at offsets 0, 1, 2 of one key, as in the traces there.

use super::*;
use domain::entry::StockKey;
use proptest::prelude::*;

const SOURCE: &str = "8f3a01c2.3";
const OTHER: &str = "8f3a01c2.4";

fn key() -> StockKey {
    StockKey::parse("W001:123").unwrap()
}

fn call(source: &str, prev: Prev, last: i64, delta: i64, sum: i64) -> StockCall {
    StockCall { key: key(), source: source.into(), prev, last, delta, sum }
}

fn vector(parts: &[(&str, i64, i64)]) -> Vector {
    Vector {
        key: key(),
        parts: parts.iter().map(|(name, last, sum)| ((*name).into(), *last, *sum)).collect(),
    }
}

/// A store of one key.
#[derive(Default)]
struct Shelf(Option<Vec<u8>>);

impl Shelf {
    fn step(&mut self, call: &StockCall) -> Answer {
        let (next, answer) = step(self.0.as_deref(), call);
        self.keep(next, answer)
    }

    fn bring(&mut self, vector: &Vector) -> Answer {
        let (next, answer) = bring(self.0.as_deref(), vector);
        self.keep(next, answer)
    }

    fn keep(&mut self, next: Option<Value>, answer: Answer) -> Answer {
        let writes = matches!(answer, Answer::Applied | Answer::Lagged(_) | Answer::Created);
        assert_eq!(next.is_some(), writes);
        if let Some(next) = next {
            self.0 = Some(next.print());
        }
        answer
    }

    fn value(&self) -> Value {
        Value::read(self.0.as_deref().unwrap()).unwrap()
    }
}

/// The shelf after offset 0 was seeded.
fn seeded() -> Shelf {
    let mut shelf = Shelf::default();
    assert_eq!(shelf.bring(&vector(&[(SOURCE, 0, 1)])), Answer::Created);
    shelf
}

#[test]
fn value_prints_as_the_spec_reads_it() {
    let text = r#"{"base":100,"change":20,"at":{"8f3a01c2.3":[1234,120]}}"#;
    let value = Value::read(text.as_bytes()).unwrap();
    assert_eq!((value.quantity(), value.drift()), (120, 0));
    assert_eq!(value.print(), text.as_bytes());
    let json: serde_json::Value = serde_json::from_slice(&value.print()).unwrap();
    assert_eq!(json["base"].as_i64().unwrap() + json["change"].as_i64().unwrap(), 120);
}

#[test]
fn foreign_spelling_is_read_and_its_edit_is_drift() {
    // As Python's json.dumps writes it back after `change += 7`.
    let text = br#" {"at": {"a.0": [3, 5], "b.1": [0, -2]}, "change": 10, "base": 0} "#;
    let value = Value::read(text).unwrap();
    assert_eq!((value.quantity(), value.drift()), (10, 7));
    let (next, answer) = step(Some(text), &call("a.0", Prev::At(3), 9, 4, 9));
    assert_eq!(answer, Answer::Applied);
    assert_eq!(next.unwrap().drift(), 7, "a call of ours conserves drift");
}

#[test]
fn what_cannot_be_read_exactly_is_damaged() {
    let bad = [
        "",
        "null",
        "{}",
        "[1]",
        r#"{"base":1,"change":2}"#,
        r#"{"base":1,"at":{}}"#,
        r#"{"base":1,"change":2,"at":null}"#,
        r#"{"base":1,"change":2,"at":[]}"#,
        r#"{"base":1,"change":2,"at":{"a":[1]}}"#,
        r#"{"base":1,"change":2,"at":{"a":[1,2,3]}}"#,
        r#"{"base":1,"change":2,"at":{"a":[-1,0]}}"#,
        r#"{"base":1,"change":2,"at":{"a":[1,2],"a":[1,2]}}"#,
        r#"{"base":1,"change":2,"at":{"a":[1,2],}}"#,
        r#"{"base":1,"change":2,"at":{"":[1,2]}}"#,
        r#"{"base":1,"change":2,"at":{"a b":[1,2]}}"#,
        r#"{"base":1,"change":2,"change":2,"at":{}}"#,
        r#"{"base":1,"change":2,"at":{},"note":"x"}"#,
        r#"{"base":1.0,"change":2,"at":{}}"#,
        r#"{"base":1e3,"change":2,"at":{}}"#,
        r#"{"base":"1","change":2,"at":{}}"#,
        r#"{"base":01,"change":2,"at":{}}"#,
        r#"{"base":-0,"change":2,"at":{}}"#,
        r#"{"base":+1,"change":2,"at":{}}"#,
        r#"{"base":1 2,"change":2,"at":{}}"#,
        r#"{"base":9007199254740992,"change":2,"at":{}}"#,
        r#"{"base":-9007199254740992,"change":2,"at":{}}"#,
        r#"{"base":99999999999999999999999,"change":2,"at":{}}"#,
        r#"{"base":1,"change":2,"at":{}} x"#,
        "\u{feff}{\"base\":1,\"change\":2,\"at\":{}}",
        "{\"base\":1,\"change\":2,\"at\":{}}\0",
    ];
    for text in bad {
        assert_eq!(Value::read(text.as_bytes()), Err(Damaged), "{text}");
    }
    assert!(Value::read(br#"{"base":9007199254740991,"change":-9007199254740991,"at":{}}"#).is_ok());
}

#[test]
fn hole_1_resent_balances_close_the_gap_of_a_crash() {
    let mut shelf = seeded();
    assert_eq!(shelf.step(&call(SOURCE, Prev::Unknown, 2, 0, 7)), Answer::Lagged(0));
    assert_eq!((shelf.value().quantity(), shelf.value().drift()), (7, 0));
}

#[test]
fn hole_2_and_3_late_call_finds_itself_seen() {
    let mut shelf = seeded();
    assert_eq!(shelf.step(&call(SOURCE, Prev::At(1), 2, 4, 7)), Answer::Lagged(0));
    assert_eq!(shelf.step(&call(SOURCE, Prev::At(0), 1, 2, 3)), Answer::Seen);
    assert_eq!(shelf.value().quantity(), 7);
}

#[test]
fn hole_4_forgotten_write_is_made_good_by_the_next_entry() {
    let mut shelf = seeded();
    let before = shelf.0.clone();
    assert_eq!(shelf.step(&call(SOURCE, Prev::At(0), 1, 2, 3)), Answer::Applied);
    shelf.0 = before;
    assert_eq!(shelf.step(&call(SOURCE, Prev::At(1), 2, 4, 7)), Answer::Lagged(0));
    assert_eq!(shelf.value().quantity(), 7);
}

#[test]
fn hole_5_old_seed_lags_but_never_hides_an_entry() {
    let mut shelf = Shelf::default();
    let old_seed = vector(&[(SOURCE, 0, 1)]);
    assert_eq!(shelf.bring(&vector(&[(SOURCE, 0, 1), (OTHER, 0, 4)])), Answer::Created);
    shelf.0 = None;
    assert_eq!(shelf.bring(&old_seed), Answer::Created);
    assert_eq!(shelf.step(&call(OTHER, Prev::At(0), 1, 8, 12)), Answer::Lagged(-1));
    assert_eq!((shelf.value().quantity(), shelf.value().drift()), (13, 0));
}

#[test]
fn hole_6_positions_carry_names_not_ledger_ids() {
    let mut shelf = seeded();
    assert_eq!(shelf.step(&call(OTHER, Prev::At(-1), 0, 4, 4)), Answer::Applied);
    assert_eq!(shelf.value().at.len(), 2);
    assert!(sound_calls(&[call("no name", Prev::Unknown, 0, 0, 0)]).is_err());
}

#[test]
fn hole_18_foreign_set_without_at_is_left_alone() {
    let mut shelf = Shelf(Some(br#"{"base": 120, "change": 0}"#.to_vec()));
    assert_eq!(shelf.step(&call(SOURCE, Prev::At(-1), 0, 1, 1)), Answer::Damaged);
    assert_eq!(shelf.bring(&vector(&[(SOURCE, 0, 1)])), Answer::Damaged);
}

#[test]
fn vector_never_overwrites_and_creates_nothing_from_nothing() {
    let mut shelf = Shelf::default();
    assert_eq!(shelf.bring(&vector(&[])), Answer::Absent);
    assert_eq!(shelf.step(&call(SOURCE, Prev::At(-1), 0, 1, 1)), Answer::Absent);
    let mut shelf = seeded();
    shelf.step(&call(SOURCE, Prev::At(0), 2, 6, 7));
    assert_eq!(shelf.bring(&vector(&[(SOURCE, 1, 3)])), Answer::Seen);
    assert_eq!(shelf.value().quantity(), 7);
}

#[test]
fn no_call_takes_a_number_beyond_what_readers_hold() {
    let full = format!(r#"{{"base":0,"change":{LIMIT},"at":{{}}}}"#).into_bytes();
    assert_eq!(step(Some(&full), &call(SOURCE, Prev::At(-1), 0, 1, 1)), (None, Answer::Damaged));
    assert_eq!(bring(Some(&full), &vector(&[(SOURCE, 0, 1)])), (None, Answer::Damaged));
    let apart = format!(r#"{{"base":0,"change":0,"at":{{"{SOURCE}":[0,-{LIMIT}]}}}}"#).into_bytes();
    assert_eq!(step(Some(&apart), &call(SOURCE, Prev::Unknown, 1, 0, 1)), (None, Answer::Damaged));
}

/// One thing that may reach the key: a regrouped step, a step sent again, a vector of any age, or a loss.
#[derive(Debug, Clone)]
enum Event {
    Step { source: usize, first: usize, last: usize },
    Again { source: usize, last: usize },
    Bring(Vec<usize>),
    Wipe,
}

fn event(lengths: [usize; 3]) -> impl Strategy<Value = Event> {
    let place = (0..3usize, any::<prop::sample::Index>(), any::<prop::sample::Index>());
    prop_oneof![
        6 => place.clone().prop_map(move |(source, a, b)| {
            let (a, b) = (a.index(lengths[source]), b.index(lengths[source]));
            Event::Step { source, first: a.min(b), last: a.max(b) }
        }),
        1 => place.prop_map(move |(source, a, _)| Event::Again { source, last: a.index(lengths[source]) }),
        2 => (0..=lengths[0], 0..=lengths[1], 0..=lengths[2]).prop_map(|(a, b, c)| Event::Bring(vec![a, b, c])),
        1 => Just(Event::Wipe),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn value_equals_replay_at_its_own_at(
        quantities in prop::collection::vec(prop::collection::vec(-9i64..9, 6), 3),
        events in prop::collection::vec(event([6, 6, 6]), 1..40),
    ) {
        let names = ["a.0", "a.1", "b.0"];
        // Offsets leave gaps, as transaction markers and other keys do.
        let offset = |index: usize| index as i64 * 3 + 1;
        let total = |source: usize, upto: usize| quantities[source][..upto].iter().sum::<i64>();
        let mut shelf = Shelf::default();
        for event in events {
            match event {
                Event::Step { source, first, last } => {
                    let prev = Prev::At(if first == 0 { -1 } else { offset(first - 1) });
                    let sum = total(source, last + 1);
                    shelf.step(&call(names[source], prev, offset(last), sum - total(source, first), sum));
                }
                Event::Again { source, last } => {
                    shelf.step(&call(names[source], Prev::Unknown, offset(last), 0, total(source, last + 1)));
                }
                Event::Bring(ends) => {
                    let parts = ends.iter().enumerate().filter(|(_, end)| **end > 0);
                    let parts = parts.map(|(s, end)| (names[s], offset(end - 1), total(s, *end)));
                    shelf.bring(&vector(&parts.collect::<Vec<_>>()));
                }
                Event::Wipe => shelf.0 = None,
            }
            let Some(bytes) = &shelf.0 else { continue };
            let value = Value::read(bytes).unwrap();
            prop_assert_eq!(value.drift(), 0);
            for (source, name) in names.iter().enumerate() {
                let (at, sum) = value.entry(name);
                let replay: i64 = (0..6).filter(|i| offset(*i) <= at).map(|i| quantities[source][i]).sum();
                prop_assert_eq!(sum, replay);
            }
        }
    }

    #[test]
    fn printing_and_reading_are_inverse(base in -LIMIT..=LIMIT, change in -LIMIT..=LIMIT,
        at in prop::collection::btree_map("[0-9a-f]{8}\\.[0-9]{1,3}", (0..=LIMIT, -LIMIT..=LIMIT), 0..5)) {
        let at = at.into_iter().map(|(name, entry)| (SourceName::from(name), entry)).collect();
        let value = Value { base, change, at };
        prop_assert_eq!(Value::read(&value.print()), Ok(value));
    }
}
