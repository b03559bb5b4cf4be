//! The audit log as a CSV file, page by page however long it is. The columns that the owner's specification names
//! stand under its names, with its words.

use std::path::Path;

use inventory::audit::findings::Run;
use inventory::audit::log::{self, Logged};
use inventory::entry::StockKey;
use inventory::ledger::{AuditSearch, Ledger};

use crate::api::Failure;
use crate::api::catalog::CatalogKind;
use crate::clock;
use crate::export::Csv;
use crate::names::Names;

/// Lines read at once.
const PAGE: usize = 1_000;
const HEADING: [&str; 22] = [
    "audit_id",
    "time",
    "kind",
    "trigger",
    "who",
    "subject",
    "warehouse_id",
    "warehouse_name",
    "product_id",
    "product_name",
    "keys",
    "STATE",
    "FLAG",
    "DESCRIPTION",
    "RRS",
    "NRS",
    "difference",
    "cause",
    "store",
    "action",
    "before",
    "after",
];

/// Writes every line that fits, newest first; answers how many.
pub async fn write(
    path: &Path,
    ledger: &Ledger,
    mut search: AuditSearch,
    names: &Names,
) -> Result<u32, Failure> {
    let mut file = Csv::create(path, &HEADING)?;
    let (mut rows, mut run): (u32, Option<Run>) = (0, None);
    loop {
        let lines = log::lines(ledger, &search, PAGE).await?;
        let Some(last) = lines.last() else { break };
        search.before_id = Some(last.deviation.id);
        for line in &lines {
            if run.as_ref().is_none_or(|run| run.id != line.audit_id) {
                let newest = log::runs(ledger, Some(line.audit_id.saturating_add(1)), 1).await?;
                run = newest.into_iter().map(|(run, _)| run).find(|run| run.id == line.audit_id);
            }
            file.row(&record(line, run.as_ref(), names))?;
            rows = rows.saturating_add(1);
        }
    }
    file.finish()?;
    Ok(rows)
}

fn record(line: &Logged, run: Option<&Run>, names: &Names) -> [String; HEADING.len()] {
    let found = &line.deviation;
    let key = found.key.as_ref();
    let [warehouse, product] = match key {
        Some(key) => [key.warehouse.to_string(), key.product.to_string()],
        None => [String::new(), String::new()],
    };
    let name = |kind, id: &str| if id.is_empty() { String::new() } else { names.name(kind, id) };
    let keys: Vec<String> = found.keys.iter().map(StockKey::to_string).collect();
    [
        line.audit_id.to_string(),
        clock::wall_of(line.at_ms),
        run.map(|run| run.kind.name().to_owned()).unwrap_or_default(),
        run.map(|run| run.trigger.name().to_owned()).unwrap_or_default(),
        run.map(|run| run.who.clone()).unwrap_or_default(),
        found.subject.clone(),
        warehouse.clone(),
        name(CatalogKind::Warehouse, &warehouse),
        product.clone(),
        name(CatalogKind::Product, &product),
        keys.join(" "),
        found.state.words().into(),
        found.flag().into(),
        found.description().into(),
        found.rrs.to_string(),
        found.nrs.to_string(),
        found.difference().to_string(),
        found.cause.name().into(),
        found.cause.store().name().into(),
        found.action.name().into(),
        found.before.clone(),
        found.after.clone(),
    ]
}
