//! Audits by click, their history, review and export.

use std::sync::Arc;

use inventory::AuditRequest;
use inventory::audit::findings::Trigger;
use inventory::audit::log;
use inventory::audit_print::{self, LogFile};
use inventory::ledger;
use inventory::report::Flow;
use tauri::ipc::Channel;

use crate::api::Failure;
use crate::api::audit::{
    AuditForm, AuditLine, AuditOverview, AuditProgress, AuditRun, AuditRunQuery, AuditSearch, DaySpan,
};
use crate::api::stock::Exported;
use crate::auditing::{self, followed, shown_line, shown_run};
use crate::state::App;
use crate::{clock, export};

/// Most runs or lines of one answer.
const PAGE: u32 = 500;

/// Schedule and last run.
pub async fn audit_overview(app: &Arc<App>) -> Result<AuditOverview, Failure> {
    let live = app.live().await?;
    auditing::overview(&live).await
}

/// Audits now; answers when it is done.
pub async fn audit_start(
    app: &Arc<App>,
    full: bool,
    correct_storm: bool,
    feed: Channel<AuditProgress>,
) -> Result<AuditRun, Failure> {
    let live = app.live().await?;
    let request = AuditRequest {
        full,
        dry_run: false,
        correct_storm,
        trigger: Trigger::Click,
        who: auditing::who(&live),
    };
    let tell = |progress| {
        let _ = feed.send(progress);
    };
    let engine = &live.engine;
    let run = followed(&live, tell, async |watch| engine.audit(request, &watch).await).await;
    let run = match run {
        Err(failure) if failure.code == "locked" => return Err(by_whom(engine, failure).await),
        other => other?,
    };
    Ok(shown_run(&run, i64::try_from(run.deviations.len()).unwrap_or(i64::MAX)))
}

/// Another audit is under way: the failure's field says whose it is, as far as that is known.
async fn by_whom(engine: &inventory::Engine, failure: Failure) -> Failure {
    let who = engine.auditing_now().await.ok().flatten();
    Failure { field: who, ..failure }
}

/// Asks the audit or replay that was started here to end.
pub async fn audit_cancel(app: &Arc<App>) -> Result<(), Failure> {
    app.live().await?.auditing.cancel();
    Ok(())
}

/// Runs, newest first.
pub async fn audit_runs(app: &Arc<App>, query: AuditRunQuery) -> Result<Vec<AuditRun>, Failure> {
    let live = app.live().await?;
    let limit = query.limit.clamp(1, PAGE) as usize;
    let days = query.days.as_ref().map(DaySpan::ms).unwrap_or_default();
    let search = ledger::AuditRunSearch {
        who: given(&query.who),
        from_ms: days.0,
        until_ms: days.1,
        before_id: query.before,
    };
    let runs = log::runs(live.engine.ledger(), &search, limit).await?;
    Ok(runs.iter().map(|(run, lines)| shown_run(run, *lines)).collect())
}

/// Lines of the log, newest first.
pub async fn audit_lines(app: &Arc<App>, search: AuditSearch, limit: u32) -> Result<Vec<AuditLine>, Failure> {
    let live = app.live().await?;
    let limit = limit.clamp(1, PAGE) as usize;
    let lines = log::lines(live.engine.ledger(), &wanted(search), limit).await?;
    Ok(lines.into_iter().map(|line| shown_line(line, &live.names)).collect())
}

fn wanted(search: AuditSearch) -> ledger::AuditSearch {
    let days = search.days.as_ref().map(DaySpan::ms).unwrap_or_default();
    ledger::AuditSearch {
        audit_id: search.audit_id,
        key: None,
        subject: given(&search.subject),
        cause: search.cause.and_then(|cause| cause.engine()).map(|cause| cause.name().to_owned()),
        who: given(&search.who),
        from_ms: days.0,
        until_ms: days.1,
        before_id: search.before,
    }
}

fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Sets or takes back the specification's FLAG of one line.
pub async fn audit_review(app: &Arc<App>, id: i64, reviewed: bool) -> Result<(), Failure> {
    Ok(app.live().await?.engine.ledger().review_audit_line(id, reviewed).await?)
}

/// Writes every line that fits into a file, page by page: CSV, workbook or printed, as its name ends.
pub async fn audit_export(
    app: &Arc<App>,
    search: AuditSearch,
    form: AuditForm,
    language: String,
    path: Option<String>,
) -> Result<Exported, Failure> {
    let live = app.live().await?;
    let Some(path) = export::choose(app, path, "audit-log", form.end()).await else {
        return Ok(Exported { path: None, rows: 0 });
    };
    let file = LogFile { path: &path, language: &language, made: clock::wall(), wall: &clock::wall_of };
    let rows = audit_print::log(live.engine.ledger(), &wanted(search), &file, |_| Flow::On).await?;
    let rows = rows.and_then(|rows| u32::try_from(rows).ok()).unwrap_or(u32::MAX);
    Ok(Exported { path: Some(path.display().to_string()), rows })
}
