//! Runs and deviations as the ledger keeps them, and back. Kept for ever; read by history, search and export.

use std::collections::BTreeMap;

use super::findings::{Action, Cause, Deviation, Kind, Outcome, Run, Trigger};
use super::words::State;
use domain::entry::StockKey;
use domain::error::{Code, Error, Result};
use domain::words;
use ledger::{AuditLine, AuditRow, AuditRunSearch, AuditSearch, Ledger};

/// A line of the log with its run and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The run.
    pub audit_id: i64,
    /// When it was written, milliseconds since the epoch.
    pub at_ms: i64,
    /// What was found.
    pub deviation: Deviation,
}

/// Writes a run with its deviations and numbers it; one that has a number already is written anew.
pub async fn write(ledger: &Ledger, run: &mut Run) -> Result<()> {
    let lines: Vec<AuditLine> =
        run.deviations.iter().map(|deviation| line(run.ended_ms, deviation)).collect();
    run.id = ledger.log_audit(&row(run), &lines).await?;
    Ok(())
}

/// Runs without their deviations, newest first; each with the number of its log's lines.
pub async fn runs(ledger: &Ledger, search: &AuditRunSearch, limit: usize) -> Result<Vec<(Run, i64)>> {
    let rows = ledger.audits(search, limit).await?;
    rows.into_iter().map(|row| Ok((run(&row)?, row.lines))).collect()
}

/// One run without its deviations.
pub async fn one(ledger: &Ledger, id: i64) -> Result<Option<Run>> {
    ledger.audit(id).await?.map(|row| run(&row)).transpose()
}

/// Lines of the log, newest first.
pub async fn lines(ledger: &Ledger, search: &AuditSearch, limit: usize) -> Result<Vec<Logged>> {
    let lines = ledger.audit_lines(search, limit).await?;
    lines.into_iter().map(logged).collect()
}

/// A run as the ledger keeps it.
pub(crate) fn row(run: &Run) -> AuditRow {
    let counts = [run.keys, run.equal, run.pending, run.foreign, run.rows, run.tables, run.brought];
    let cut: BTreeMap<&str, i64> = run.cut.iter().map(|(source, offset)| (&**source, *offset)).collect();
    AuditRow {
        id: run.id,
        started_ms: run.started_ms,
        ended_ms: run.ended_ms,
        kind: run.kind.name().into(),
        triggered_by: run.trigger.name().into(),
        who: run.who.clone(),
        outcome: run.outcome.name().into(),
        counts: counts.map(|count| i64::try_from(count).unwrap_or(i64::MAX)),
        cut: serde_json::to_string(&cut).unwrap_or_default(),
        lines: 0,
    }
}

/// A deviation as the ledger keeps it.
pub(crate) fn line(at_ms: i64, deviation: &Deviation) -> AuditLine {
    let keys: Vec<String> = deviation.keys.iter().map(ToString::to_string).collect();
    AuditLine {
        id: 0,
        audit_id: 0,
        at_ms,
        subject: deviation.subject.clone(),
        key: deviation.key.clone(),
        concerned: serde_json::to_string(&keys).unwrap_or_default(),
        state: deviation.state.words().into(),
        flag: deviation.flag().into(),
        description: deviation.description().into(),
        quantities: [deviation.rrs, deviation.nrs],
        words: [
            deviation.cause.name().into(),
            deviation.cause.store().name().into(),
            deviation.action.name().into(),
        ],
        before: deviation.before.clone(),
        after: deviation.after.clone(),
    }
}

fn run(row: &AuditRow) -> Result<Run> {
    let count = |at: usize| row.counts[at].unsigned_abs();
    let cut: BTreeMap<String, i64> = serde_json::from_str(&row.cut).map_err(|_| odd("cut", &row.cut))?;
    Ok(Run {
        id: row.id,
        started_ms: row.started_ms,
        ended_ms: row.ended_ms,
        kind: Kind::of(&row.kind).ok_or_else(|| odd("kind", &row.kind))?,
        trigger: Trigger::of(&row.triggered_by).ok_or_else(|| odd("trigger", &row.triggered_by))?,
        who: row.who.clone(),
        outcome: Outcome::of(&row.outcome).ok_or_else(|| odd("outcome", &row.outcome))?,
        keys: count(0),
        equal: count(1),
        pending: count(2),
        foreign: count(3),
        rows: count(4),
        tables: count(5),
        brought: count(6),
        cut: cut.into_iter().map(|(source, offset)| (source.into(), offset)).collect(),
        deviations: Vec::new(),
    })
}

fn logged(line: AuditLine) -> Result<Logged> {
    let keys: Vec<String> =
        serde_json::from_str(&line.concerned).map_err(|_| odd("concerned", &line.concerned))?;
    let [cause, _, action] = &line.words;
    let [rrs, nrs] = line.quantities;
    let deviation = Deviation {
        id: line.id,
        subject: line.subject,
        key: line.key,
        keys: keys.iter().filter_map(|key| StockKey::parse(key)).collect(),
        state: State::of_words(&line.state).ok_or_else(|| odd("state", &line.state))?,
        reviewed: line.flag == "T",
        rrs,
        nrs,
        cause: Cause::of(cause).ok_or_else(|| odd("cause", cause))?,
        action: Action::of(action).ok_or_else(|| odd("action", action))?,
        before: line.before,
        after: line.after,
    };
    Ok(Logged { audit_id: line.audit_id, at_ms: line.at_ms, deviation })
}

fn odd(what: &str, found: &str) -> Error {
    let words = words!(
        "audit_log_unknown",
        "The audit's log has the unknown {what} {found}; it was written by a newer program.",
        what,
        found = format!("{found:?}")
    );
    Error::new(Code::Corrupt, words)
}
