//! `replay`: the queue read again and compared with both stores; with `--apply` what differs is made right.

use chrono::NaiveDate;
use inventory::Parts;
use inventory::audit::findings::Trigger;
use inventory::audit::replay::{Finding, Report, Request};
use inventory::config::Config;
use inventory::domain::entry::StockKey;
use inventory::domain::error::{Code, Error, Result};
use inventory::domain::words::Words;
use serde::Serialize;

use super::watched::watched;
use crate::{Outcome, output};

/// What the command line asks for.
pub struct Wanted {
    /// `--key W:P`, as often as given.
    pub keys: Vec<String>,
    /// `--from`.
    pub from: Option<NaiveDate>,
    /// `--to`.
    pub to: Option<NaiveDate>,
    /// `--apply`.
    pub apply: bool,
    /// `--json`.
    pub json: bool,
}

#[derive(Serialize)]
struct Found<'a> {
    key: Option<String>,
    bill_id: Option<&'a str>,
    source: Option<&'a str>,
    offset: Option<i64>,
    kind: &'static str,
    store: &'static str,
    cause: &'static str,
    subject: &'a str,
    standing: &'a serde_json::Value,
    wanted: &'a serde_json::Value,
    difference: i64,
    beyond_proof: bool,
    corrected: bool,
}

#[derive(Serialize)]
struct Replayed<'a> {
    outcome: &'static str,
    findings: Vec<Found<'a>>,
    more: u64,
    corrected: u64,
    beyond_proof: u64,
    messages: u64,
    audit: Option<i64>,
}

/// Previews or applies; exit code 1 when something is left uncorrected.
pub async fn replay(config: Config, wanted: Wanted) -> Result<Outcome> {
    let keys = wanted.keys.iter().map(|text| key(text)).collect::<Result<Vec<StockKey>>>()?;
    if let (Some(from), Some(to)) = (wanted.from, wanted.to)
        && from > to
    {
        return Err(Error::new(Code::Config, Words::plain(format!("--from {from} lies after --to {to}"))));
    }
    let engine = &super::open(config, Parts::Stores).await?;
    let request = Request {
        keys,
        from: wanted.from,
        to: wanted.to,
        apply: wanted.apply,
        trigger: Trigger::Command,
        who: engine.auditor().to_owned(),
    };
    let report = watched(|watch| async move { engine.replay(&request, &watch).await }).await?;
    if wanted.json {
        print_json(&report)?
    } else {
        print(&report, wanted.apply)?
    }
    Ok(if report.left() { Outcome::Found } else { Outcome::Clean })
}

fn key(text: &str) -> Result<StockKey> {
    StockKey::parse(text).ok_or_else(|| {
        Error::new(Code::Config, Words::plain(format!("--key {text:?} is not WAREHOUSE:PRODUCT")))
    })
}

fn found(finding: &Finding) -> Found<'_> {
    let [stands, wanted] = finding.quantities;
    Found {
        key: finding.key.as_ref().map(StockKey::to_string),
        bill_id: finding.bill_id.as_deref(),
        source: finding.source.as_deref(),
        offset: finding.offset,
        kind: finding.kind.name(),
        store: finding.cause.store().name(),
        cause: finding.cause.name(),
        subject: &finding.subject,
        standing: &finding.standing,
        wanted: &finding.wanted,
        difference: stands.saturating_sub(wanted),
        beyond_proof: finding.beyond_proof,
        corrected: finding.corrected,
    }
}

fn print_json(report: &Report) -> Result<()> {
    output::json(&Replayed {
        outcome: report.run.outcome.name(),
        findings: report.findings.iter().map(found).collect(),
        more: report.more,
        corrected: report.corrected,
        beyond_proof: report.beyond_proof,
        messages: report.messages,
        audit: (report.run.id > 0).then_some(report.run.id),
    })
}

fn print(report: &Report, apply: bool) -> Result<()> {
    let rows: Vec<Vec<String>> = report.findings.iter().map(cells).collect();
    if !rows.is_empty() {
        let header =
            ["store", "kind", "cause", "what", "bill", "source@offset", "stands", "should be", "action"];
        output::table(&header, &rows, &[6, 7])?;
    }
    let more = match report.more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    output::line(&format!(
        "{} messages replayed, {} rows compared, {} keys judged: {} findings{more}, {} corrected ({})",
        report.messages,
        report.run.rows,
        report.run.keys,
        report.findings.len(),
        report.corrected,
        report.run.outcome.name()
    ))?;
    if report.beyond_proof > 0 {
        output::line(&format!(
            "{} entries lie before the first message that the queue still has: beyond proof, counted as they stand",
            report.beyond_proof
        ))?;
    }
    if !apply && report.left() {
        output::line("Nothing was changed. With --apply what is listed is made right.")?;
    }
    Ok(())
}

fn cells(finding: &Finding) -> Vec<String> {
    let place = match (&finding.source, finding.offset) {
        (Some(source), Some(offset)) => format!("{source}@{offset}"),
        (Some(source), None) => source.to_string(),
        _ => "-".to_owned(),
    };
    let amount = |content: &serde_json::Value, quantity: i64| match content {
        serde_json::Value::Null => "nothing".to_owned(),
        _ => quantity.to_string(),
    };
    let [stands, wanted] = finding.quantities;
    let action = match (finding.corrected, finding.beyond_proof) {
        (true, _) => "corrected",
        (false, true) => "beyond proof",
        (false, false) => "proposed",
    };
    vec![
        finding.cause.store().name().to_owned(),
        finding.kind.name().to_owned(),
        finding.cause.name().to_owned(),
        finding.subject.clone(),
        finding.bill_id.clone().unwrap_or_else(|| "-".to_owned()),
        place,
        amount(&finding.standing, stands),
        amount(&finding.wanted, wanted),
        action.to_owned(),
    ]
}
