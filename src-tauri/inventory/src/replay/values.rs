//! The stock's values, judged by what the queue makes of the ledger (`audit::judge`): value first, ledger afterwards,
//! each source's part at its own offset. While the ledger is still wrong, what is known to be wrong in it is put right
//! in the numbers before they are used.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value as Json, json};

use super::findings::{Finding, Kind, Remedy};
use super::found::{Adjust, Found};
use super::{Scope, advance};
use crate::audit::findings::{Cause, Phase};
use crate::audit::judge::{self, Judged, KeyCut, Part, SourceCut, Verdict};
use crate::audit::watch::Watch;
use crate::entry::StockKey;
use crate::error::Result;
use crate::ledger::{KeyAsk, KeyStanding, Ledger, SourceStanding};
use crate::stock::Stock;
use crate::stock::value::Value;

/// Values judged at a time.
const PAGE: usize = 500;

/// A key's value as it was read.
pub(super) type Read = (StockKey, Option<Vec<u8>>);

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
        let mut from = None::<String>;
        loop {
            let page = stock.scan(from.as_deref(), PAGE).await?;
            let mut reads = Vec::new();
            for (text, bytes) in page.values {
                let Some(key) = StockKey::parse(&text) else { continue };
                if seen.insert(key.clone()) {
                    reads.push((key, Some(bytes)));
                }
            }
            page_of(ledger, stock, found, reads).await?;
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
        let reads = chunk.iter().cloned().zip(values).collect();
        page_of(ledger, stock, found, reads).await?;
        advance(watch, chunk.len() as u64, found);
        if watch.is_cancelled() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is asked of the ledger about a value that was read.
pub(super) fn ask((key, bytes): &Read, look: bool) -> KeyAsk {
    let value = bytes.as_deref().and_then(|bytes| Value::read(bytes).ok()).unwrap_or_default();
    let offsets = value.at.iter().map(|(source, (offset, _))| (source.clone(), *offset)).collect();
    KeyAsk { key: key.clone(), offsets, look }
}

async fn page_of(ledger: &Ledger, stock: &dyn Stock, found: &mut Found, reads: Vec<Read>) -> Result<()> {
    let wrong: HashSet<&StockKey> = found.adjust.keys().collect();
    let asks: Vec<KeyAsk> = reads.iter().map(|read| ask(read, wrong.contains(&read.0))).collect();
    let states = ledger.key_states(&asks, &found.gone).await?;
    let mut forgotten = Vec::new();
    for ((key, bytes), (state, ask)) in reads.into_iter().zip(states.iter().zip(&asks)) {
        let cut = cut(state, ask, &found.adjust, &found.cut);
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

impl Adjust {
    /// Keys of which the ledger says something wrong.
    fn keys(&self) -> impl Iterator<Item = &StockKey> {
        let rows = self.removed.keys().chain(self.restored.keys());
        self.balances.keys().chain(rows).map(|(_, key)| key)
    }
}

/// What the ledger would say of the key if it were right.
pub(super) fn cut(state: &KeyStanding, ask: &KeyAsk, adjust: &Adjust, at: &BTreeMap<i64, i64>) -> KeyCut {
    let mut cut = KeyCut::new();
    for source in &state.sources {
        let offset = ask.offsets.get(&source.name).copied().unwrap_or(-1);
        cut.insert(source.name.clone(), source_cut(&state.key, source, offset, adjust, at));
    }
    cut
}

fn source_cut(
    key: &StockKey,
    source: &SourceStanding,
    offset: i64,
    adjust: &Adjust,
    at: &BTreeMap<i64, i64>,
) -> SourceCut {
    let place = (source.id, key.clone());
    let mut balance = source.balance.map(|[last, quantity, _]| (last, quantity));
    if let Some([stood, right]) = adjust.balances.get(&place) {
        let right = right.map(|[last, quantity, _]| (last, quantity));
        balance = match (stood, source.balance) {
            // Moved since: what came in since is added to what is right.
            (_, Some([last, quantity, _])) if last >= at.get(&source.id).copied().unwrap_or(0) => {
                let before = stood.map_or(0, |[_, quantity, _]| quantity);
                Some((last, quantity - before + right.map_or(0, |(_, quantity)| quantity)))
            }
            _ => right,
        };
    }
    let mut beyond = source.beyond;
    let mut put = |rows: &HashMap<(i64, StockKey), Vec<(i64, i64)>>, sign: i64| {
        for (row, signed) in rows.get(&place).into_iter().flatten() {
            if *row > offset && *row < source.next_offset {
                let half = usize::from(*row >= source.stock_offset);
                let last = if sign > 0 { *row } else { 0 };
                beyond[half].add(last, sign * signed, sign);
            }
        }
    };
    put(&adjust.removed, -1);
    put(&adjust.restored, 1);
    // The offset at which a half ends only says on which side of the watermark it lies.
    let beyond = beyond.iter().filter(|half| half.rows > 0).map(|half| (half.last, half.signed)).collect();
    SourceCut { next_offset: source.next_offset, stock_offset: source.stock_offset, balance, beyond }
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
