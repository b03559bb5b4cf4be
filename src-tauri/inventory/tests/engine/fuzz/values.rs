//! Stored stock values: sound ones broken in every way, against a second reading of the rules; what is read prints
//! as any JSON reader understands it; no call or correction panics on any bytes.

use std::collections::BTreeMap;

use inventory::domain::entry::StockKey;
use inventory::stock::corrections::{Correction, correct};
use inventory::stock::value::{Value, bring, step};
use inventory::stock::{Prev, StockCall, Vector};

use super::dice::Dice;
use super::json::{self, Json};

const LIMIT: i64 = 9_007_199_254_740_991;

type Read = (i64, i64, BTreeMap<String, (i64, i64)>);

fn integer(value: &Json) -> Option<i64> {
    let Json::Number(raw) = value else { return None };
    let number: i64 = raw.parse().ok()?;
    (number.to_string() == *raw && number.abs() <= LIMIT).then_some(number)
}

fn judge(bytes: &[u8]) -> Option<Read> {
    let Json::Map(members) = json::read(bytes)? else { return None };
    let named = |name: &str| -> Option<&Json> {
        let mut found = members.iter().filter(|(known, _)| *known == Json::Text(Some(name.into()), true));
        found.next().filter(|_| members.len() == 3).map(|(_, value)| value)
    };
    let Json::Map(entries) = named("at")? else { return None };
    let mut at = BTreeMap::new();
    for (name, entry) in entries {
        let Json::Text(Some(name), true) = name else { return None };
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let Json::List(pair) = entry else { return None };
        let [offset, sum] = &pair[..] else { return None };
        let (offset, sum) = (integer(offset).filter(|offset| *offset >= 0)?, integer(sum)?);
        if !plain || name.is_empty() || name.len() > 64 || at.insert(name.clone(), (offset, sum)).is_some() {
            return None;
        }
    }
    Some((integer(named("base")?)?, integer(named("change")?)?, at))
}

fn input(dice: &mut Dice) -> Vec<u8> {
    if dice.once_in(20) {
        return dice.noise();
    }
    let number = |dice: &mut Dice| {
        if dice.once_in(12) { dice.number() } else { (dice.roll(200) as i64 - 100).to_string() }
    };
    let mut entries = Vec::new();
    for _ in 0..dice.roll(4) {
        let name = if dice.once_in(12) { dice.text() } else { format!("8f3a01c2.{}", dice.roll(9)) };
        let offset = if dice.once_in(12) { dice.number() } else { dice.roll(100).to_string() };
        entries.push(format!("\"{name}\"{}:[{offset}, {}]", dice.pick(&["", " "]), number(dice)));
    }
    let mut members = vec![
        format!("\"base\":{}", number(dice)),
        format!("\"change\" : {}", number(dice)),
        format!("\"at\":{{{}}}", entries.join(",")),
    ];
    if dice.once_in(2) {
        members.rotate_left(1);
    }
    if dice.once_in(30) {
        members.push("\"note\":1".into());
    }
    let mut bytes = format!("{{{}}}{}", members.join(","), dice.pick(&["", "", " ", "\n"])).into_bytes();
    if dice.once_in(2) {
        let words = [
            "{", "}", "[", "]", ",", ":", "\"", "\\u0061", "-", "0", ".", "e", "1", " ", "null", "\u{a0}",
            "\0",
        ];
        dice.mutate(&mut bytes, &words);
    }
    bytes
}

fn any_call(dice: &mut Dice) -> (StockCall, Vector, Correction) {
    let key = StockKey::parse("W:P").unwrap();
    let mut number = || match dice.roll(6) {
        0 => LIMIT,
        1 => -LIMIT,
        _ => dice.roll(100) as i64 - 50,
    };
    let source = "8f3a01c2.3";
    let (last, delta, sum) = (number(), number(), number());
    let call =
        StockCall { key: key.clone(), source: source.into(), prev: Prev::At(number()), last, delta, sum };
    let vector = Vector { key, parts: vec![(source.into(), number(), number())] };
    let correction = match number().rem_euclid(3) {
        0 => Correction::DropDrift,
        1 => Correction::Fold { quantity: sum },
        _ => Correction::ReplaceEntry { source: source.into(), offset: last, wrong: delta, right: sum },
    };
    (call, vector, correction)
}

#[test]
fn stock_values() {
    super::run("stock values", 300_000, |dice| {
        let bytes = input(dice);
        let shown = String::from_utf8_lossy(&bytes);
        let read = Value::read(&bytes).ok();
        let plain = read.as_ref().map(|value| {
            let at = value.at.iter().map(|(name, entry)| (name.to_string(), *entry)).collect();
            (value.base, value.change, at)
        });
        assert_eq!(plain, judge(&bytes), "{shown}");
        if let Some(value) = &read {
            let printed = value.print();
            assert_eq!(Value::read(&printed).as_ref(), Ok(value), "{shown}");
            assert_eq!(judge(&printed), plain, "{shown}");
            let drift =
                value.at.values().fold(value.quantity(), |drift, (_, sum)| drift.saturating_sub(*sum));
            assert_eq!(value.drift(), drift, "{shown}");
        }
        let (call, vector, correction) = any_call(dice);
        let nexts = [
            step(Some(&bytes), &call).0,
            bring(Some(&bytes), &vector).0,
            correct(Some(&bytes), &correction).0,
        ];
        for (place, next) in nexts.into_iter().enumerate() {
            let Some(next) = next else { continue };
            // Never a value that nobody can read back; and nothing but a correction moves the drift. A vector or a
            // step with a negative offset is sent by no ledger.
            if call.last >= 0 && vector.parts[0].1 >= 0 {
                assert_eq!(
                    Value::read(&next.print()).as_ref(),
                    Ok(&next),
                    "{shown} {call:?} {vector:?} {correction:?}"
                );
            }
            let before = read.as_ref().map(Value::drift);
            assert!(place == 2 || before == Some(next.drift()), "{shown} {call:?} {vector:?}");
        }
    });
}
