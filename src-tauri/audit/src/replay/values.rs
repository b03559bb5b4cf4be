//! The stock's values, judged by what the queue makes of the ledger (`audit::judge`): value first, ledger afterwards,
//! each source's part at its own offset. While the ledger is still wrong, what is known to be wrong in it is put right
//! in the numbers before they are used.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value as Json, json};

use super::findings::{Finding, Kind, Remedy};
use super::found::{Adjust, Found, Place};
use super::retry::again;
use super::{Scope, advance};
use crate::cuts;
use crate::findings::{Cause, Phase};
use crate::judge::{self, Judged, KeyCut, Part, Verdict};
use crate::watch::Watch;
use domain::entry::StockKey;
use domain::error::Result;
use ledger::{Beyond, Ledger, Part as KeyPart, SourceRow, Three};
use stock::{SourceName, Stock};

/// Values judged at a time.
const PAGE: usize = 500;

/// Judges every value in scope and every key that should have one. False: cancelled.
pub(super) async fn compare(
    ledger: &Ledger,
    stock: &dyn Stock,
    scope: &Scope,
    watch: &Watch,
    found: &mut Found,
) -> Result<bool> {
    let keys: HashSet<StockKey> = found.right.balances.keys().map(|(_, key)| key.clone()).collect();
    watch.begin(Phase::Keys, keys.len() as u64);
    let mut seen = HashSet::new();
    if scope.list().is_none() {
        let mut from = None;
        loop {
            let page = stock.scan(from.as_ref(), PAGE).await?;
            let (mut keys, mut values) = (Vec::new(), Vec::new());
            for (text, bytes) in page.values {
                let Some(key) = StockKey::parse(&text) else { continue };
                if seen.insert(key.clone()) {
                    keys.push(key);
                    values.push(Some(bytes));
                }
            }
            page_of(ledger, stock, found, keys, values).await?;
            advance(watch, PAGE as u64, found);
            from = page.next;
            if watch.is_cancelled() {
                return Ok(false);
            }
            if from.is_none() {
                break;
            }
        }
    }
    let mut others: Vec<StockKey> = scope.list().unwrap_or_else(|| keys.into_iter().collect());
    others.retain(|key| !seen.contains(key));
    for chunk in others.chunks(PAGE) {
        let values = stock.values(chunk).await?;
        page_of(ledger, stock, found, chunk.to_vec(), values).await?;
        advance(watch, chunk.len() as u64, found);
        if watch.is_cancelled() {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn page_of(
    ledger: &Ledger,
    stock: &dyn Stock,
    found: &mut Found,
    keys: Vec<StockKey>,
    values: Vec<Option<Vec<u8>>>,
) -> Result<()> {
    let cuts = again(|| cuts(ledger, &keys, &values, &found.adjust, &found.cut)).await?;
    let mut forgotten = Vec::new();
    for ((key, bytes), cut) in keys.into_iter().zip(values).zip(cuts) {
        match judge::judge(bytes.as_deref(), &cut) {
            Verdict::Foreign => found.values[3] += 1,
            Verdict::Damaged { read } => {
                found.values[0] += 1;
                found.add(damaged(&key, &read, &cut));
            }
            Verdict::Judged(judged) => {
                found.values[0] += 1;
                let blurred = found.blurred.contains(&key);
                let wrong = deviating(&key, &judged, bytes.as_deref(), blurred);
                match (judged.pending(), wrong.is_empty(), judged.forgot()) {
                    (true, ..) => found.values[2] += 1,
                    (_, true, true) => forgotten.push((key, cut, judged)),
                    (_, true, false) => found.values[1] += 1,
                    _ => wrong.into_iter().for_each(|finding| found.add(finding)),
                }
            }
        }
    }
    let keys: Vec<StockKey> = forgotten.iter().map(|(key, ..)| key.clone()).collect();
    let again = stock.values(&keys).await?;
    for ((key, cut, judged), value) in forgotten.into_iter().zip(again) {
        match judge::forgot(value.as_deref(), &cut) {
            true => found.add(of_value(&key, Kind::Missing, Cause::StockLost, value.as_deref(), &judged)),
            false => found.values[1] += 1,
        }
    }
    Ok(())
}

/// What the ledger would say of these keys if it were right, in one snapshot that was taken after their values were
/// read. `Retry`: tables changed under it.
pub(super) async fn cuts(
    ledger: &Ledger,
    keys: &[StockKey],
    values: &[Option<Vec<u8>>],
    adjust: &Adjust,
    at: &BTreeMap<i64, i64>,
) -> Result<Vec<KeyCut>> {
    let mut view = ledger.view().await?;
    let states = view.states(keys).await?;
    let sources: HashMap<SourceName, SourceRow> =
        view.sources().iter().map(|source| (source.name.clone(), source.clone())).collect();
    let mut cuts = Vec::with_capacity(keys.len());
    for key in keys {
        let mut cut = cuts::cut(&view, states.get(key));
        let parts = states.get(key).map(|state| state.parts.as_slice()).unwrap_or_default();
        for (name, source_cut) in &mut cut {
            let Some(id) = sources.get(name).map(|source| source.id) else { continue };
            let Some(balances) = adjust.balances.get(&(id, key.clone())) else { continue };
            let stands = parts.iter().find(|part| part.source == *name);
            source_cut.balance = right_balance(stands, balances, at.get(&id).copied().unwrap_or(0));
        }
        cuts.push(cut);
    }
    let right = |key: &StockKey, name: &SourceName, offset: i64, beyond: &mut [Beyond; 2]| {
        if let Some(source) = sources.get(name) {
            right_beyond(&(source.id, key.clone()), source, offset, adjust, beyond);
        }
    };
    cuts::add_beyond(&mut view, keys, values, &mut cuts, right).await?;
    view.close().await?;
    Ok(cuts)
}

/// The balance that should stand there: last offset and quantity.
fn right_balance(
    stands: Option<&KeyPart>,
    [stood, right]: &[Option<Three>; 2],
    at: i64,
) -> Option<(i64, i64)> {
    let right = right.map(|[last, quantity, _]| (last, quantity));
    match stands {
        // Moved since: what came in since is added to what is right.
        Some(part) if part.last_offset >= at => {
            let before = stood.map_or(0, |[_, quantity, _]| quantity);
            Some((part.last_offset, part.quantity - before + right.map_or(0, |(_, quantity)| quantity)))
        }
        _ => right,
    }
}

/// Takes out what is no entry, and adds what is missing.
fn right_beyond(place: &Place, source: &SourceRow, offset: i64, adjust: &Adjust, beyond: &mut [Beyond; 2]) {
    for (rows, sign) in [(&adjust.removed, -1), (&adjust.restored, 1)] {
        for (row, signed) in rows.get(place).into_iter().flatten() {
            if *row > offset && *row < source.next_offset {
                let half = usize::from(*row >= source.stock_offset);
                let last = if sign > 0 { *row } else { 0 };
                beyond[half].add(last, sign * signed, sign);
            }
        }
    }
}

fn text(bytes: Option<&[u8]>) -> Json {
    match bytes {
        None => Json::Null,
        Some(bytes) => {
            serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
        }
    }
}

/// The value that should stand there, by what the ledger knows at the value's own cut.
fn of_value(key: &StockKey, kind: Kind, cause: Cause, bytes: Option<&[u8]>, judged: &Judged) -> Finding {
    Finding {
        kind,
        cause,
        subject: key.to_string(),
        key: Some(key.clone()),
        bill_id: None,
        source: None,
        offset: None,
        standing: text(bytes),
        wanted: json!({ "quantity": judged.rrs }),
        quantities: [judged.nrs, judged.rrs],
        beyond_proof: false,
        corrected: false,
        remedy: Remedy::Stock(key.clone()),
    }
}

/// A finding for a drift and for each source's part that differs.
fn deviating(key: &StockKey, judged: &Judged, bytes: Option<&[u8]>, blurred: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if judged.pending() {
        return findings;
    }
    if judged.drift != 0 {
        let (kind, cause) = match judged.known {
            true => (Kind::Changed, Cause::StockEdited),
            false => (Kind::Extra, Cause::StockUnknownKey),
        };
        findings.push(of_value(key, kind, cause, bytes, judged));
    }
    for (source, part) in &judged.parts {
        if let (Part::Differs { offset, wrong, right }, false) = (part, blurred) {
            let (kind, cause) = match wrong < right {
                true => (Kind::Missing, Cause::StockLost),
                false => (Kind::Doubled, Cause::StockDoubled),
            };
            let finding = of_value(key, kind, cause, bytes, judged);
            findings.push(Finding {
                source: Some(source.clone()),
                offset: Some(*offset),
                wanted: json!({ "quantity": judged.rrs, "sum": right }),
                ..finding
            });
        }
    }
    findings
}

fn damaged(key: &StockKey, read: &[u8], cut: &KeyCut) -> Finding {
    let right: i64 = cut.values().filter_map(|source| source.balance).map(|(_, quantity)| quantity).sum();
    Finding {
        kind: Kind::Changed,
        cause: Cause::StockDamaged,
        subject: key.to_string(),
        key: Some(key.clone()),
        bill_id: None,
        source: None,
        offset: None,
        standing: text(Some(read)),
        wanted: json!({ "quantity": right }),
        quantities: [0, right],
        beyond_proof: false,
        corrected: false,
        remedy: Remedy::Stock(key.clone()),
    }
}
