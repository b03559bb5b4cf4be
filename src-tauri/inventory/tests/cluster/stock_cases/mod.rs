//! Random stored values and what is done to them: sound ones, nearly sound ones in every spelling, junk; steps,
//! vectors and corrections, half of them aimed at what stands there.

use inventory::domain::entry::StockKey;
use inventory::stock::corrections::{Corrected, Correction};
use inventory::stock::value::{LIMIT, Value};
use inventory::stock::{Answer, Prev, StockCall, Vector};
use proptest::prelude::*;

pub const SOURCES: [&str; 3] = ["8f3a01c2.3", "8f3a01c2.10", "b7"];

pub fn key(text: &str) -> StockKey {
    StockKey::parse(text).unwrap()
}

/// Numbers around everything that matters, as text: exact, rounded by doubles, and no integers at all.
fn number_text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (-20i64..20).prop_map(|n| n.to_string()),
        2 => any::<i64>().prop_map(|n| n.to_string()),
        3 => (-3i64..=3, any::<bool>()).prop_map(|(n, minus)| {
            let edge = (1i64 << 53) + n;
            (if minus { -edge } else { edge }).to_string()
        }),
        1 => "-?[0-9]{1,40}",
        1 => prop::sample::select(vec![
            "1.0", "-0", "0", "00", "1e3", "1E400", "-1.5", "\"7\"", "null", "true", "NaN", "inf", "0x10", "+1",
            "-", "", "[]", "{}", "9007199254740991", "-9007199254740991", "9007199254740992.0", "1 2", "５",
        ]).prop_map(str::to_owned),
    ]
}

fn source_text() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => prop::sample::select(SOURCES.to_vec()).prop_map(str::to_owned),
        1 => "[a-z0-9._-]{0,70}",
        1 => prop::sample::select(vec!["a b", "é", "a\\u0041", "a\"", "a\\", "a\0"]).prop_map(str::to_owned),
    ]
}

/// Stored bytes: sound values, nearly sound ones in every spelling, and junk.
fn stored_text() -> impl Strategy<Value = Option<Vec<u8>>> {
    let blank = || prop::sample::select(vec!["", "", "", " ", "\n\t", "\r ", "\u{b}", "\u{a0}"]);
    let sound = (
        -50i64..50,
        -50i64..50,
        prop::collection::btree_map(prop::sample::select(SOURCES.to_vec()), (0i64..8, -20i64..20), 0..3),
    );
    let sound = sound.prop_map(|(base, change, at)| {
        let at = at.into_iter().map(|(name, entry)| (name.into(), entry)).collect();
        Value { base, change, at }.print()
    });
    let entries = prop::collection::vec((source_text(), number_text(), number_text()), 0..4);
    let members =
        prop::sample::subsequence(vec!["base", "change", "at", "note", "base"], 2..=4).prop_shuffle();
    let near = (number_text(), number_text(), entries, members, blank(), blank());
    let near = near.prop_map(|(base, change, entries, members, a, b)| {
        let entries =
            entries.iter().map(|(name, o, s)| format!("{a}\"{name}\"{b}:{a}[{b}{o}{a},{b}{s}{a}]{b}"));
        let at = format!("{{{b}{}{a}}}", entries.collect::<Vec<_>>().join(","));
        let members = members.iter().map(|name| match *name {
            "base" => format!("{a}\"base\"{b}:{a}{base}{b}"),
            "change" => format!("\"change\":{b}{change}{a}"),
            "at" => format!("{b}\"at\"{a}:{b}{at}{a}"),
            name => format!("\"{name}\":{{\"at\":{at}}}"),
        });
        format!("{a}{{{}}}{b}", members.collect::<Vec<_>>().join(",")).into_bytes()
    });
    let near = near.boxed();
    let cut = (near.clone(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>());
    let cut = cut.prop_map(|(mut bytes, at, byte, truncate)| {
        if bytes.is_empty() {
            return bytes;
        }
        let at = at.index(bytes.len());
        if truncate {
            bytes.truncate(at);
        } else {
            bytes[at] = byte;
        }
        bytes
    });
    prop_oneof![
        1 => Just(None),
        8 => sound.prop_map(Some),
        6 => near.prop_map(Some),
        3 => cut.prop_map(Some),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Some),
    ]
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![12 => -20i64..20, 1 => -LIMIT..=LIMIT, 1 => Just(LIMIT), 1 => Just(-LIMIT)]
}

/// What is done to a value.
#[derive(Debug, Clone)]
pub enum Call {
    Step(StockCall),
    Bring(Vector),
    Correct(Correction),
}

/// What a call found, in either of its words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found {
    Called(Answer),
    Mended(Corrected),
}

/// A value and what is done to it, under a key of its own.
pub fn case() -> impl Strategy<Value = (Option<Vec<u8>>, Call)> {
    let name = || prop::sample::select(SOURCES.to_vec());
    let prev = prop_oneof![6 => (-1i64..8).prop_map(Prev::At), 1 => Just(Prev::Unknown)];
    let step = (name(), prev, -1i64..9, number(), number()).prop_map(|(source, prev, last, delta, sum)| {
        Call::Step(StockCall { key: key("W:P"), source: source.into(), prev, last, delta, sum })
    });
    let parts = prop::collection::vec((name(), -1i64..9, number()), 0..4);
    let bring = parts.prop_map(|parts| {
        let parts = parts.into_iter().map(|(source, last, sum)| (source.into(), last, sum)).collect();
        Call::Bring(Vector { key: key("W:P"), parts })
    });
    let parts = prop::collection::vec((name(), -1i64..9, number()), 0..4);
    let damaged = (parts, stored_text(), any::<bool>()).prop_map(|(parts, other, same)| {
        let parts = parts.into_iter().map(|(source, last, sum)| (source.into(), last, sum)).collect();
        let read = other.filter(|_| !same).unwrap_or_default();
        Correction::ReplaceDamaged { read, vector: Vector { key: key("W:P"), parts } }
    });
    let entry = (name(), -1i64..8, -20i64..20, number()).prop_map(|(source, offset, wrong, right)| {
        Correction::ReplaceEntry { source: source.into(), offset, wrong, right }
    });
    let correct = prop_oneof![
        1 => Just(Correction::DropDrift),
        1 => number().prop_map(|quantity| Correction::Fold { quantity }),
        2 => entry,
        1 => damaged,
    ];
    let calls = prop_oneof![4 => step, 2 => bring, 3 => correct.prop_map(Call::Correct)];
    (stored_text(), calls, any::<bool>())
        .prop_map(|(stored, call, aimed)| (stored.clone(), aim(call, stored, aimed)))
}

/// Lets half of the corrections name what really stands there.
fn aim(call: Call, stored: Option<Vec<u8>>, aimed: bool) -> Call {
    let Call::Correct(correction) = call else { return call };
    let value = stored.as_deref().and_then(|bytes| Value::read(bytes).ok());
    let first = value.and_then(|value| value.at.into_iter().next());
    Call::Correct(match (correction, first) {
        (Correction::ReplaceEntry { right, .. }, Some((source, (offset, wrong)))) if aimed => {
            Correction::ReplaceEntry { source, offset, wrong, right }
        }
        (Correction::ReplaceDamaged { vector, .. }, _) if aimed => {
            Correction::ReplaceDamaged { read: stored.unwrap_or_default(), vector }
        }
        (correction, _) => correction,
    })
}
