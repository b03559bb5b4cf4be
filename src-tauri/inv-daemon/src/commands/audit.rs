//! `audit`: proves that the two stores agree, corrects what may be corrected at once, and says what is left; `--log`
//! writes down what all audits said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{Days, NaiveDate};
use inventory::audit::findings::{Deviation, Run, Trigger};
use inventory::audit_print::{self, LogFile};
use inventory::config::Config;
use inventory::domain::error::Result;
use inventory::ledger::AuditSearch;
use inventory::report::Flow;
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
    #[command(flatten)]
    log: Log,
}

/// The log instead of an audit.
#[derive(clap::Args)]
struct Log {
    /// Audit nothing: write the log of all audits into a .csv, .xlsx or .pdf
    #[arg(long, value_name = "FILE", conflicts_with_all = ["full", "dry_run", "correct_storm", "json"])]
    log: Option<PathBuf>,
    /// Only lines of this day and later, YYYY-MM-DD
    #[arg(long, value_name = "D", requires = "log")]
    from: Option<NaiveDate>,
    /// Only lines of this day and earlier, YYYY-MM-DD
    #[arg(long, value_name = "D", requires = "log")]
    to: Option<NaiveDate>,
    /// Only lines of audits whose program, machine or person contains this
    #[arg(long, value_name = "TEXT", requires = "log")]
    who: Option<String>,
    /// Only lines whose key, source or table contains this
    #[arg(long, value_name = "TEXT", requires = "log")]
    subject: Option<String>,
    /// Language of workbook and PDF: en or zh
    #[arg(long, value_name = "TAG", default_value = "en", requires = "log")]
    language: String,
}

impl Log {
    fn search(&self) -> AuditSearch {
        let after = self.to.and_then(|day| day.checked_add_days(Days::new(1)));
        AuditSearch {
            subject: self.subject.clone(),
            who: self.who.clone(),
            from_ms: self.from.map(super::midnight_ms),
            until_ms: after.map(super::midnight_ms),
            ..AuditSearch::default()
        }
    }

    async fn write(&self, config: Config, path: &Path) -> Result<Outcome> {
        audit_print::Form::of(path)?;
        let engine = super::open(config, Parts::Stores).await?;
        engine.ledger().require_ready().await?;
        let (made, language) = (super::clock().wall(), &self.language);
        let file = LogFile { path, language, made, wall: &super::wall_of };
        let rows = audit_print::log(engine.ledger(), &self.search(), &file, |_| Flow::On).await?;
        eprintln!("inv-daemon: {} is written, {} lines", path.display(), rows.unwrap_or(0));
        Ok(Outcome::Clean)
    }
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

/// Audits; exit code 1 when something is left uncorrected, or unread: Ctrl+C cancels at the next step.
pub async fn audit(config: Config, flags: Flags) -> Result<Outcome> {
    if let Some(path) = &flags.log.log {
        return flags.log.write(config, path).await;
    }
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
        tell(&run)?;
    }
    Ok(if run.unfinished() { Outcome::Found } else { Outcome::Clean })
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

fn tell(run: &Run) -> Result<()> {
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
