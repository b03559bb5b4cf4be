//! The replay: a look first; the correction only when the screen says that a person has agreed.

use std::sync::Arc;

use chrono::NaiveDate;
use inventory::audit::findings::{Action, Store, Trigger};
use inventory::audit::replay::{self, Finding, Report, Request};
use inventory::domain::entry::{ProductId, StockKey, WarehouseId};
use inventory::domain::words;
use tauri::ipc::Channel;

use crate::api::Failure;
use crate::api::audit::AuditProgress;
use crate::api::catalog::CatalogKind;
use crate::api::replay::{ReplayFinding, ReplayQuery, ReplayResult};
use crate::api::stock::KeyOf;
use crate::auditing::{self, followed, shown_key, shown_run};
use crate::names::Names;
use crate::state::App;

/// Most findings that go to the screen; the rest is counted.
const SHOWN: usize = 5_000;

/// Looks, or corrects what it finds; answers when it is done.
pub async fn replay_start(
    app: &Arc<App>,
    query: ReplayQuery,
    feed: Channel<AuditProgress>,
) -> Result<ReplayResult, Failure> {
    let live = app.live().await?;
    let request = Request {
        keys: query.keys.iter().map(wanted_key).collect::<Result<_, _>>()?,
        from: query.from.as_deref().map(day).transpose()?,
        to: query.to.as_deref().map(day).transpose()?,
        apply: query.apply,
        trigger: Trigger::Click,
        who: auditing::who(&live),
    };
    let tell = |progress| {
        let _ = feed.send(progress);
    };
    let engine = &live.engine;
    let report = followed(&live, tell, async |watch| engine.replay(&request, &watch).await).await?;
    Ok(shown(report, &live.names))
}

fn wanted_key(key: &KeyOf) -> Result<StockKey, Failure> {
    let refused = |refusal| Failure::from(inventory::domain::error::Error::from(refusal));
    Ok(StockKey {
        warehouse: WarehouseId::parse(&key.warehouse_id).map_err(refused)?,
        product: ProductId::parse(&key.product_id).map_err(refused)?,
    })
}

fn day(text: &str) -> Result<NaiveDate, Failure> {
    let refused = |_| {
        Failure::new(
            "invalid",
            words!("no_day_text", "{text} is no day; write it as YYYY-MM-DD", text = format!("{text:?}")),
        )
    };
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(refused)
}

fn shown(report: Report, names: &Names) -> ReplayResult {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    // The run has a line for each finding, in the same order.
    let actions = report.run.deviations.iter().map(|line| line.action);
    let pairs: Vec<(&Finding, Action)> = report.findings.iter().zip(actions).collect();
    let mendable = |store: Store| {
        let wanted = |(finding, action): &&(&Finding, Action)| {
            finding.cause.store() == store && *action == Action::Proposed
        };
        count(pairs.iter().filter(wanted).count())
    };
    ReplayResult {
        total: count(report.findings.len()).saturating_add(report.more),
        keys: count(replay::keys_of(&report.findings).len()),
        in_stock: mendable(Store::Stock),
        // Sums and stock are compared only once every row is right, so that what did not fit is of the ledger.
        in_ledger: mendable(Store::Ledger).saturating_add(report.more),
        corrected: report.corrected,
        beyond_proof: report.beyond_proof,
        messages: report.messages,
        run: shown_run(&report.run, i64::try_from(report.run.deviations.len()).unwrap_or(i64::MAX)),
        findings: pairs
            .iter()
            .take(SHOWN)
            .map(|(finding, action)| shown_finding(finding, *action, names))
            .collect(),
    }
}

fn shown_finding(finding: &Finding, action: Action, names: &Names) -> ReplayFinding {
    let [standing, wanted] = finding.quantities;
    let text = |value: &serde_json::Value| if value.is_null() { String::new() } else { value.to_string() };
    let place = finding.source.as_ref().zip(finding.offset);
    let [warehouse_name, product_name] = match &finding.key {
        Some(key) => [
            names.name(CatalogKind::Warehouse, key.warehouse.as_str()),
            names.name(CatalogKind::Product, key.product.as_str()),
        ],
        None => [String::new(), String::new()],
    };
    ReplayFinding {
        subject: finding.subject.clone(),
        key: finding.key.as_ref().map(shown_key),
        warehouse_name,
        product_name,
        bill_id: finding.bill_id.clone().unwrap_or_default(),
        place: place.map(|(source, offset)| format!("{source}:{offset}")).unwrap_or_default(),
        kind: finding.kind.into(),
        cause: finding.cause.into(),
        store: finding.cause.store().into(),
        wanted: (!finding.wanted.is_null()).then_some(wanted),
        standing: (!finding.standing.is_null()).then_some(standing),
        wanted_text: text(&finding.wanted),
        standing_text: text(&finding.standing),
        beyond_proof: finding.beyond_proof,
        action: action.into(),
    }
}
