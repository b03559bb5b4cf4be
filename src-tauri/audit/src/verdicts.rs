//! From what was read to who is guilty: the deviations of the ledger by its own proof, those of the stock by the careful
//! reading. Pure. Must never convict the stock of what the ledger did, nor the ledger by a sign.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::json;

use super::bulk::{Booked, Bulk, KeyFault};
use super::careful::{Case, What};
use super::findings::{Action, Cause, Deviation, MOST_KEYS, Store, can_be_replayed};
use super::mend;
use super::proof::Accounts;
use super::rows::Oddity;
use super::words::State;
use domain::entry::StockKey;
use ledger::{SourceRow, Sum};

/// What the ledger has to answer for.
pub fn of_ledger(bulk: &Bulk) -> Vec<Deviation> {
    let mut found: Vec<Deviation> = bulk.rows.iter().flat_map(|rows| &rows.odd).map(of_oddity).collect();
    // Rows that are gone with their table, or count for nobody, are missing in their source's digest too.
    let rows_named =
        found.iter().any(|deviation| matches!(deviation.cause, Cause::TableMissing | Cause::RowForeign));
    found.extend(bulk.faults.iter().filter_map(of_fault));
    let explained: BTreeSet<&str> = explained(bulk);
    for booked in &bulk.sources {
        let source = &booked.source;
        if !(explained.contains(&*source.name) && aside_fits(bulk, source))
            && let Some(deviation) = of_source(bulk, booked, rows_named)
        {
            found.push(deviation);
        }
    }
    found
}

/// Names of sources whose sums are off because of keys that are convicted already.
fn explained(bulk: &Bulk) -> BTreeSet<&str> {
    let rows_or_books = |fault: &&KeyFault| {
        !matches!(cause_of(fault), None | Some(Cause::TotalsWrong))
            || (fault.accounts.rows.is_none() && fault.accounts.guilty().is_some())
    };
    let faults = bulk.faults.iter().filter(rows_or_books);
    faults
        .flat_map(|fault| differing(&fault.accounts))
        .map(|name| {
            let booked = bulk.sources.iter().find(|booked| *booked.source.name == *name);
            booked.map_or("", |booked| &*booked.source.name)
        })
        .collect()
}

/// Sources in which rows and books differ; all of the key's where rows were not read.
fn differing(accounts: &Accounts) -> Vec<String> {
    let mut names: BTreeSet<&str> = accounts.balances.keys().map(|name| &**name).collect();
    let Some(rows) = &accounts.rows else { return names.into_iter().map(str::to_owned).collect() };
    names.extend(rows.keys().map(|name| &**name));
    let differs = |name: &&str| accounts.balances.get(*name) != rows.get(*name);
    names.into_iter().filter(differs).map(str::to_owned).collect()
}

fn of_oddity(odd: &Oddity) -> Deviation {
    Deviation {
        id: 0,
        subject: odd.subject.clone(),
        key: None,
        keys: odd.keys.iter().take(MOST_KEYS).cloned().collect(),
        state: State::Doubled,
        reviewed: false,
        rrs: 0,
        nrs: 0,
        cause: odd.cause,
        action: action_of(odd.cause),
        before: odd.before.clone(),
        after: String::new(),
    }
}

fn action_of(cause: Cause) -> Action {
    if can_be_replayed(cause) { Action::Proposed } else { Action::None }
}

/// Why a key's books disagree; none when a table that is gone explains it.
fn cause_of(fault: &KeyFault) -> Option<Cause> {
    let Some(rows) = &fault.accounts.rows else { return fault.accounts.guilty() };
    if fault.lost.entries > 0 {
        let counted = rows.values().fold(fault.lost, |mut all, (sum, _)| {
            all.add(*sum);
            all
        });
        if counted == fault.accounts.booked() && counted == fault.accounts.totals {
            return None;
        }
    }
    fault.accounts.guilty().or((!fault.days.is_empty()).then_some(Cause::TotalsWrong))
}

fn of_fault(fault: &KeyFault) -> Option<Deviation> {
    let cause = cause_of(fault)?;
    let accounts = &fault.accounts;
    let rrs = accounts.quantity();
    let nrs = fault.nrs.unwrap_or(rrs);
    let days: Vec<_> = fault
        .days
        .iter()
        .take(50)
        .map(|day| json!({ "day": day.day.to_string(), "told": day.told, "counted": day.counted }))
        .collect();
    let before = json!({
        "balances": parts(&accounts.balances),
        "day_totals": [accounts.totals.quantity, accounts.totals.entries],
        "rows": accounts.rows.as_ref().map(parts),
        "days": days,
    });
    Some(Deviation {
        id: 0,
        subject: fault.key.to_string(),
        key: Some(fault.key.clone()),
        keys: Vec::new(),
        state: State::of(rrs, nrs, true, false),
        reviewed: false,
        rrs,
        nrs,
        cause,
        action: Action::Proposed,
        before: before.to_string(),
        after: String::new(),
    })
}

/// Per source: sum, entries, last offset.
fn parts(parts: &BTreeMap<stock::SourceName, (Sum, i64)>) -> serde_json::Value {
    let part = |(sum, last): &(Sum, i64)| json!([sum.quantity, sum.entries, last]);
    parts
        .iter()
        .map(|(name, value)| (name.to_string(), part(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// How many messages of a source are kept aside; `None`: not read (a quick audit).
fn kept_aside(bulk: &Bulk, source: &SourceRow) -> Option<i64> {
    bulk.rows.as_ref().map(|rows| rows.rejected.get(&source.id).copied().unwrap_or(0))
}

fn aside_fits(bulk: &Bulk, source: &SourceRow) -> bool {
    kept_aside(bulk, source).is_none_or(|rejected| rejected == source.rejected)
}

/// A source whose own counters are not what its rows (or, unread, its books) come to.
fn of_source(bulk: &Bulk, booked: &Booked, rows_named: bool) -> Option<Deviation> {
    let Booked { source, sum, keys } = booked;
    let told = Sum { quantity: source.signed_quantity, entries: source.entries };
    let (counted, digest) = match &bulk.rows {
        // With a whole table gone nothing can be said of the sums; the table is named already.
        Some(rows) if !rows.lost.is_empty() => (*sum, None),
        Some(rows) => {
            let sum = rows.sources.get(&source.id).copied().unwrap_or_default();
            (sum.sum, Some(sum.digest))
        }
        None => (*sum, None),
    };
    let digest_fits = digest.is_none_or(|digest| digest == source.digest as u64);
    let rejected = kept_aside(bulk, source);
    if counted == told && (digest_fits || rows_named) && aside_fits(bulk, source) {
        return None;
    }
    let before = json!({ "entries": source.entries, "signed_quantity": source.signed_quantity,
        "rejected": source.rejected, "digest": format!("{:016x}", source.digest as u64) });
    let after = json!({ "entries": counted.entries, "signed_quantity": counted.quantity,
        "rejected": rejected, "digest": digest.map(|digest| format!("{digest:016x}")) });
    Some(Deviation {
        id: 0,
        subject: source.name.to_string(),
        key: None,
        keys: keys.clone(),
        state: State::of(counted.quantity, told.quantity, true, false),
        reviewed: false,
        rrs: counted.quantity,
        nrs: told.quantity,
        cause: Cause::SourceWrong,
        action: Action::Proposed,
        before: before.to_string(),
        after: after.to_string(),
    })
}

/// The cases that are the stock's own: where the ledger is convicted for the key, a sum of the stock that differs from
/// its books is no second deviation. A drift is the stock's whatever the ledger did.
pub fn not_explained(cases: Vec<Case>, ledger: &[Deviation]) -> Vec<Case> {
    let convicted: HashSet<&StockKey> =
        ledger.iter().filter_map(|deviation| deviation.key.as_ref()).collect();
    let own = |case: &Case| match &case.what {
        What::Deviates(judged, _) => judged.drift != 0 || !convicted.contains(&case.key),
        _ => true,
    };
    cases.into_iter().filter(own).collect()
}

/// One key of the careful reading.
pub fn of_case(case: &Case) -> Deviation {
    let (rrs, nrs, cause) = match &case.what {
        What::Forgot(judged) => (judged.rrs, judged.nrs, Cause::StockLost),
        What::Deviates(judged, cause) => (judged.rrs, judged.nrs, guilty(case, *cause)),
        What::Damaged { nrs } => (case.accounts.quantity(), *nrs, Cause::StockDamaged),
    };
    let before = if cause.store() == Store::Ledger && cause != Cause::VerdictChanged {
        json!({ "balances": parts(&case.accounts.balances),
            "day_totals": [case.accounts.totals.quantity, case.accounts.totals.entries],
            "rows": case.accounts.rows.as_ref().map(parts) })
        .to_string()
    } else {
        mend::text(case.stored.as_deref())
    };
    Deviation {
        id: 0,
        subject: case.key.to_string(),
        key: Some(case.key.clone()),
        keys: Vec::new(),
        state: mend::state(case),
        reviewed: false,
        rrs,
        nrs,
        cause,
        action: Action::Proposed,
        before,
        after: mend::preview(case),
    }
}

/// Without a drift it is the ledger's if its three accounts disagree.
fn guilty(case: &Case, stock: Cause) -> Cause {
    match (stock, case.accounts.guilty()) {
        (Cause::StockLost | Cause::StockDoubled, Some(ledger)) => ledger,
        _ => stock,
    }
}
