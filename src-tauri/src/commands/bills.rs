//! Drafts, posting, and posted bills.

use std::sync::Arc;
use std::time::Duration;

use inventory::domain::bill;
use inventory::ledger::rejected;
use tauri::ipc::Channel;
use uuid::Uuid;

use crate::api::Failure;
use crate::api::bills::{
    Bill, BillKind, BillPage, BillQuery, Draft, Imported, PostResult, RejectedEntry, Reversed, SavedDraft,
};
use crate::state::{App, Live};
use crate::{bills, clock, drafts, import, post};

/// Shortest time between two messages of a watch.
const QUICK: Duration = Duration::from_millis(50);
/// How often a watched bill is looked at when nothing is heard of the writer.
const SLOW: Duration = Duration::from_millis(500);
/// Most rejected entries of one answer.
const REJECTED: u32 = 1_000;

/// Saves a draft; durable when it answers.
pub async fn draft_save(app: &Arc<App>, draft: Draft) -> Result<SavedDraft, Failure> {
    let live = app.live().await?;
    let kept = live.drafts.save(live.engine.outbox()?, &draft).await?;
    Ok(SavedDraft { draft: kept.draft, saved_at: kept.saved_at })
}

/// All drafts, the last saved first.
pub async fn draft_list(app: &Arc<App>) -> Result<Vec<SavedDraft>, Failure> {
    drafts::list(app.live().await?.engine.outbox()?).await
}

/// Throws a draft away.
pub async fn draft_delete(app: &Arc<App>, draft_id: String) -> Result<(), Failure> {
    let live = app.live().await?;
    live.drafts.delete(live.engine.outbox()?, &draft_id).await
}

/// A free number.
pub async fn bill_number(_app: &Arc<App>, kind: BillKind) -> Result<String, Failure> {
    Ok(bill::number(post::direction(kind), clock::wall(), Uuid::new_v4()))
}

/// Posts a draft, or says everything that is wrong with it.
pub async fn bill_post(app: &Arc<App>, draft: Draft) -> Result<PostResult, Failure> {
    let live = app.live().await?;
    let preferences = app.preferences.get();
    let result = post::post(&live, &preferences, &draft).await?;
    if let PostResult::Posted { .. } = result {
        let next = crate::api::settings::Preferences {
            last_company: draft.company_id.trim().into(),
            last_warehouse: draft.warehouse_id.trim().into(),
            first_run: false,
            ..app.preferences.get()
        };
        if let Err(error) = app.preferences.set(next) {
            tracing::warn!(%error, "the last company and warehouse are not remembered");
        }
    }
    Ok(result)
}

/// One page of posted bills.
pub async fn bill_search(app: &Arc<App>, query: BillQuery) -> Result<BillPage, Failure> {
    bills::search(app.live().await?.as_ref(), &query).await
}

/// One bill, whole.
pub async fn bill_get(app: &Arc<App>, bill_id: String) -> Result<Bill, Failure> {
    let live = app.live().await?;
    bills::shown(&live, &bills::found(&live, &bill_id).await?).await
}

/// Sends the bill now and at every change until all its lines are at their end.
pub async fn bill_watch(app: &Arc<App>, bill_id: String, feed: Channel<Bill>) -> Result<(), Failure> {
    let live = app.live().await?;
    bills::found(&live, &bill_id).await?;
    tauri::async_runtime::spawn(async move {
        if let Err(failure) = watch(&live, &bill_id, &feed).await {
            tracing::warn!(bill_id, code = failure.code, "{}", failure.message.english);
        }
    });
    Ok(())
}

async fn watch(live: &Live, bill_id: &str, feed: &Channel<Bill>) -> Result<(), Failure> {
    let mut board = live.board.as_ref().map(|board| board.watch());
    let mut told = None;
    loop {
        let bill = bills::shown(live, &bills::found(live, bill_id).await?).await?;
        let end = bill.lines.iter().all(|line| line.state.is_end());
        if told.as_ref() != Some(&bill) {
            if feed.send(bill.clone()).is_err() {
                return Ok(());
            }
            told = Some(bill);
        }
        if end || live.closing() {
            return Ok(());
        }
        tokio::time::sleep(QUICK).await;
        if let Some(board) = &mut board {
            // Woken by the writer or after a while; either way the bill is looked at again.
            let _ = tokio::time::timeout(SLOW, board.changed()).await;
        } else {
            tokio::time::sleep(SLOW).await;
        }
    }
}

/// Posts the opposite of a bill.
pub async fn bill_reverse(app: &Arc<App>, bill_id: String) -> Result<Reversed, Failure> {
    post::reverse(app.live().await?.as_ref(), &bill_id).await
}

/// A draft like a posted bill.
pub async fn bill_copy(app: &Arc<App>, bill_id: String) -> Result<Draft, Failure> {
    bills::copy(app.live().await?.as_ref(), &bill_id).await
}

/// Rejected entries, newest first within each source.
pub async fn rejected_list(app: &Arc<App>, limit: u32) -> Result<Vec<RejectedEntry>, Failure> {
    let rows = app.live().await?.engine.ledger().rejected(limit.min(REJECTED) as usize, None).await?;
    let shown = rows.into_iter().map(|row| RejectedEntry {
        source: row.source.to_string(),
        offset: row.offset,
        reason: (&rejected::reason(&row.kind, &row.reason, Some(&row.payload))).into(),
        kind: row.kind,
        field: row.field,
        payload: String::from_utf8_lossy(&row.payload).chars().take(20_000).collect(),
        entry_id: row.entry_id.map(|id| id.to_string()),
        resubmitted_as: row.resubmitted_as.map(|id| id.to_string()),
    });
    Ok(shown.collect())
}

/// Sends a corrected entry in place of a rejected one.
pub async fn rejected_resubmit(
    app: &Arc<App>,
    source: String,
    offset: i64,
    entry: String,
) -> Result<PostResult, Failure> {
    post::resubmit(app.live().await?.as_ref(), &source, offset, &entry).await
}

/// Reads pasted lines.
pub async fn import_lines(app: &Arc<App>, text: String) -> Result<Imported, Failure> {
    Ok(import::lines(&app.live().await?.names, &text))
}
