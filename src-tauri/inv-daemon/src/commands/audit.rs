//! `audit`: proves that the two stores agree, corrects what may be corrected at once, and says what is left.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use inventory::audit::findings::{Deviation, Phase, Run, Trigger};
use inventory::audit::watch::Watch;
use inventory::config::Config;
use inventory::error::Result;
use inventory::{AuditRequest, Engine, Parts};
use serde::Serialize;

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
    let engine = super::open(config, Parts::Stores).await?;
    let request = AuditRequest {
        full: flags.full,
        dry_run: flags.dry_run,
        correct_storm: flags.correct_storm,
        trigger: Trigger::Command,
        who: engine.auditor().to_owned(),
    };
    let run = watched(&engine, request).await?;
    if flags.json {
        output::json(&told(&run))?;
    } else {
        print(&run)?;
    }
    Ok(if run.left() { Outcome::Found } else { Outcome::Clean })
}

async fn watched(engine: &Engine, request: AuditRequest) -> Result<Run> {
    let watch = Watch::new();
    let bar = progress_bar();
    let mut progress = watch.progress();
    let audit = engine.audit(request, &watch);
    tokio::pin!(audit);
    let run = loop {
        tokio::select! {
            run = &mut audit => break run,
            _ = tokio::signal::ctrl_c(), if !watch.is_cancelled() => watch.cancel(),
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                let now = *progress.borrow_and_update();
                bar.set_length(now.total);
                bar.set_position(now.done);
                bar.set_message(words(now.phase));
            }
        }
    };
    bar.finish_and_clear();
    run
}

/// A bar on a terminal, nothing elsewhere.
pub fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg:<22} {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// What a phase does, in words.
pub fn words(phase: Phase) -> &'static str {
    match phase {
        Phase::Waiting => "waiting",
        Phase::Keys => "comparing keys",
        Phase::Tables => "reading tables",
        Phase::Confirming => "looking again",
        Phase::Correcting => "correcting",
        Phase::Queue => "reading the queue",
    }
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
