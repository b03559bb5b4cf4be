//! `audit`: proves that the two stores agree, corrects what may be corrected at once, and says what is left.

use std::collections::BTreeMap;

use inventory::audit::findings::{Deviation, Run, Trigger};
use inventory::config::Config;
use inventory::error::Result;
use inventory::{AuditRequest, Parts};
use serde::Serialize;

use super::watched::watched;
use crate::{Outcome, output};

/// The command's flags.
#[derive(clap::Args)]
pub struct Flags {
    /// Read every row of every table too
    #[arg(long)]
    full: bool,
    /// Look and tell only: corrects nothing, writes nothing
    #[arg(long)]
    dry_run: bool,
    /// Correct even where so much deviates that it would rather ask
    #[arg(long)]
    correct_storm: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    subject: &'a str,
    key: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<String>,
    state: &'static str,
    flag: &'static str,
    description: &'static str,
    rrs: i64,
    nrs: i64,
    difference: i64,
    cause: &'static str,
    store: &'static str,
    action: &'static str,
    before: &'a str,
    after: &'a str,
}

#[derive(Serialize)]
struct Told<'a> {
    outcome: &'static str,
    kind: &'static str,
    keys: u64,
    equal: u64,
    pending: u64,
    foreign: u64,
    brought: u64,
    rows: u64,
    tables: u64,
    milliseconds: i64,
    cut: BTreeMap<&'a str, i64>,
    deviations: Vec<Line<'a>>,
}

/// Audits; exit code 1 when something is left uncorrected. Ctrl+C cancels at the next step.
pub async fn audit(config: Config, flags: Flags) -> Result<Outcome> {
    let engine = &super::open(config, Parts::Stores).await?;
    let request = AuditRequest {
        full: flags.full,
        dry_run: flags.dry_run,
        correct_storm: flags.correct_storm,
        trigger: Trigger::Command,
        who: engine.auditor().to_owned(),
    };
    let run = watched(|watch| async move { engine.audit(request, &watch).await }).await?;
    if flags.json {
        output::json(&told(&run))?;
    } else {
        print(&run)?;
    }
    Ok(if run.left() { Outcome::Found } else { Outcome::Clean })
}

fn line(deviation: &Deviation) -> Line<'_> {
    Line {
        subject: &deviation.subject,
        key: deviation.key.as_ref().map(ToString::to_string),
        keys: deviation.keys.iter().map(ToString::to_string).collect(),
        state: deviation.state.words(),
        flag: deviation.flag(),
        description: deviation.description(),
        rrs: deviation.rrs,
        nrs: deviation.nrs,
        difference: deviation.difference(),
        cause: deviation.cause.name(),
        store: deviation.cause.store().name(),
        action: deviation.action.name(),
        before: &deviation.before,
        after: &deviation.after,
    }
}

fn told(run: &Run) -> Told<'_> {
    Told {
        outcome: run.outcome.name(),
        kind: run.kind.name(),
        keys: run.keys,
        equal: run.equal,
        pending: run.pending,
        foreign: run.foreign,
        brought: run.brought,
        rows: run.rows,
        tables: run.tables,
        milliseconds: run.ended_ms - run.started_ms,
        cut: run.cut.iter().map(|(source, offset)| (&**source, *offset)).collect(),
        deviations: run.deviations.iter().map(line).collect(),
    }
}

fn print(run: &Run) -> Result<()> {
    let took = run.ended_ms - run.started_ms;
    let rows = match run.tables {
        0 => String::new(),
        tables => format!(" · {} rows of {tables} tables", run.rows),
    };
    output::line(&format!(
        "{}: {} of {} keys equal · {} pending · {} foreign{rows} · {}.{:03} s",
        run.outcome.name(),
        run.equal,
        run.keys,
        run.pending,
        run.foreign,
        took / 1000,
        took % 1000
    ))?;
    let at: Vec<String> = run.cut.iter().map(|(source, offset)| format!("{source}:{offset}")).collect();
    output::line(&format!("at {}", at.join(" ")))?;
    if run.deviations.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = run
        .deviations
        .iter()
        .map(|d| {
            vec![
                d.subject.clone(),
                d.state.words().to_owned(),
                d.rrs.to_string(),
                d.nrs.to_string(),
                d.difference().to_string(),
                d.cause.name().to_owned(),
                d.cause.store().name().to_owned(),
                d.action.name().to_owned(),
            ]
        })
        .collect();
    let header = ["subject", "state", "RRS", "NRS", "difference", "cause", "store", "action"];
    output::table(&header, &rows, &[2, 3, 4])?;
    if run.left() {
        output::line(
            "What is proposed waits for you: inv-daemon replay shows it bill by bill, --apply agrees",
        )?;
    }
    Ok(())
}
