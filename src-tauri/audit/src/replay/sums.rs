//! The stored sums against what the right rows add up to. Where messages that retention has taken would decide, a
//! source's own digest or its other balances must confirm the rows first; else it is beyond proof, and left alone.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::Scope;
use super::findings::{Finding, Kind, Remedy};
use super::found::Found;
use crate::findings::Cause;
use domain::entry::StockKey;
use domain::error::Result;
use ledger::{Counted, SourceSum, Standing, Three};

/// Stored and right numbers of a row that differ.
type Differing<K> = Vec<(K, Option<Three>, Option<Three>)>;

/// Compares all three kinds of sums.
pub(super) async fn compare(standing: &mut Standing, scope: &Scope, found: &mut Found) -> Result<()> {
    let keys = scope.list();
    let mut left = found.right.balances.clone();
    let mut balances: Differing<(i64, StockKey)> = Vec::new();
    standing
        .balances(keys.as_deref(), |place, stands| {
            let right = left.remove(&place);
            if right != Some(stands) {
                balances.push((place, Some(stands), right));
            }
        })
        .await?;
    balances.extend(left.into_iter().map(|(place, right)| (place, None, Some(right))));
    let mut left = found.right.totals.clone();
    let mut totals: Differing<(chrono::NaiveDate, StockKey)> = Vec::new();
    standing
        .totals(keys.as_deref(), |place, stands| {
            let right = left.remove(&place);
            if right != Some(stands) {
                totals.push((place, Some(stands), right));
            }
        })
        .await?;
    totals.extend(left.into_iter().map(|(place, right)| (place, None, Some(right))));
    totals.retain(|((day, _), ..)| scope.day(*day));
    let nothing = [0, 0, 0];
    totals.retain(|(_, stands, right)| stands.unwrap_or(nothing) != nothing || right.is_some());
    balances.sort_by(|a, b| a.0.cmp(&b.0));
    totals.sort_by(|a, b| a.0.cmp(&b.0));
    let unsure = unsure(standing, scope, found, &balances);
    of_balances(found, balances, &unsure);
    of_totals(found, totals);
    if scope.everything() {
        of_sources(standing, found, &unsure);
    }
    Ok(())
}

/// Sources of which neither the digest nor the balances confirm the rows that lie beyond proof.
fn unsure(
    standing: &Standing,
    scope: &Scope,
    found: &Found,
    balances: &Differing<(i64, StockKey)>,
) -> BTreeSet<i64> {
    let differs = |id: i64| balances.iter().any(|((source, _), ..)| *source == id);
    let confirmed = |id: i64| {
        let row = standing.sources().iter().find(|source| source.id == id);
        let right = found.right.sources.get(&id).copied().unwrap_or_default();
        scope.everything() && row.is_some_and(|row| SourceSum::of(row) == right)
    };
    found.suspects.iter().copied().filter(|id| differs(*id) && !confirmed(*id)).collect()
}

fn numbers(names: [&str; 3], numbers: Option<Three>) -> Value {
    match numbers {
        None => Value::Null,
        Some([a, b, c]) => json!({ names[0]: a, names[1]: b, names[2]: c }),
    }
}

fn kind<T>(stands: Option<T>, right: Option<T>) -> Kind {
    match (stands, right) {
        (None, _) => Kind::Missing,
        (_, None) => Kind::Extra,
        _ => Kind::Changed,
    }
}

fn of_balances(found: &mut Found, balances: Differing<(i64, StockKey)>, unsure: &BTreeSet<i64>) {
    for ((source_id, key), stands, right) in balances {
        let beyond_proof = unsure.contains(&source_id);
        if beyond_proof {
            found.blurred.insert(key.clone());
        }
        found.adjust.balances.insert((source_id, key.clone()), [stands, right]);
        let names = ["last_offset", "quantity", "entries"];
        let quantity = |numbers: Option<Three>| numbers.map_or(0, |[_, quantity, _]| quantity);
        let place = Counted::Balance(source_id, key.clone());
        let finding = Finding {
            kind: kind(stands, right),
            cause: Cause::BalancesWrong,
            subject: key.to_string(),
            key: Some(key),
            bill_id: None,
            source: found.names.get(&source_id).cloned(),
            offset: None,
            standing: numbers(names, stands),
            wanted: numbers(names, right),
            quantities: [quantity(stands), quantity(right)],
            beyond_proof,
            corrected: false,
            remedy: if beyond_proof { Remedy::None } else { Remedy::Sum(place) },
        };
        found.add(finding);
    }
}

fn of_totals(found: &mut Found, totals: Differing<(chrono::NaiveDate, StockKey)>) {
    for ((day, key), stands, right) in totals {
        let beyond_proof = found.blurred.contains(&key);
        let names = ["in_quantity", "out_quantity", "entries"];
        let with_day = |numbers: Value| match numbers {
            Value::Object(mut members) => {
                members.insert("day".into(), day.to_string().into());
                Value::Object(members)
            }
            other => other,
        };
        let quantity =
            |numbers: Option<Three>| numbers.map_or(0, |[goods_in, goods_out, _]| goods_in - goods_out);
        let place = Counted::Total(day, key.clone());
        let finding = Finding {
            kind: kind(stands, right),
            cause: Cause::TotalsWrong,
            subject: key.to_string(),
            key: Some(key),
            bill_id: None,
            source: None,
            offset: None,
            standing: with_day(numbers(names, stands)),
            wanted: with_day(numbers(names, right)),
            quantities: [quantity(stands), quantity(right)],
            beyond_proof,
            corrected: false,
            remedy: if beyond_proof { Remedy::None } else { Remedy::Sum(place) },
        };
        found.add(finding);
    }
}

fn of_sources(standing: &Standing, found: &mut Found, unsure: &BTreeSet<i64>) {
    let rights: HashMap<i64, SourceSum> = found.right.sources.clone();
    for row in standing.sources() {
        let right = rights.get(&row.id).copied().unwrap_or_default();
        let stands = SourceSum::of(row);
        if stands == right {
            continue;
        }
        // Rows that nothing proves, and only the digest says that one of them was changed in a field that no sum shows.
        let same_sums = SourceSum { digest: right.digest, ..stands } == right;
        let beyond_proof = unsure.contains(&row.id) || (found.suspects.contains(&row.id) && same_sums);
        let content = |sum: SourceSum| serde_json::from_str(&sum.content()).unwrap_or(Value::Null);
        let finding = Finding {
            kind: Kind::Changed,
            cause: Cause::SourceWrong,
            subject: row.name.to_string(),
            key: None,
            bill_id: None,
            source: Some(row.name.clone()),
            offset: None,
            standing: content(stands),
            wanted: content(right),
            quantities: [stands.signed_quantity, right.signed_quantity],
            beyond_proof,
            corrected: false,
            remedy: if beyond_proof { Remedy::None } else { Remedy::Sum(Counted::Source(row.id)) },
        };
        found.add(finding);
    }
}
