//! Drafts: the bill as typed, in the outbox's file, saved on every change with the entry ids of its lines. An id
//! is made when its line is first saved and never changes, so that posting again counts once.

use std::collections::{BTreeMap, HashSet};

use inventory::domain::words;
use inventory::queue::outbox::Outbox;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::api::Failure;
use crate::api::bills::{Draft, SavedDraft};
use crate::clock;

/// A draft as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// As typed.
    pub draft: Draft,
    /// Entry ids by `line_id`.
    pub ids: BTreeMap<u32, Uuid>,
    /// Wall clock.
    pub saved_at: String,
}

/// The drafts of this desktop. One change at a time; a draft that was posted or thrown away stays gone, however
/// late the screen's last save of it arrives.
#[derive(Debug, Default)]
pub struct Drafts {
    gone: tokio::sync::Mutex<HashSet<String>>,
}

fn unreadable(error: serde_json::Error) -> Failure {
    Failure::new("internal", words!("draft_unread", "a saved draft cannot be read: {error}", error))
}

impl Drafts {
    /// Saves a draft durably.
    pub async fn save(&self, outbox: &Outbox, draft: &Draft) -> Result<Kept, Failure> {
        let gone = self.gone.lock().await;
        if gone.contains(&draft.draft_id) {
            return Ok(Kept { draft: draft.clone(), ids: BTreeMap::new(), saved_at: String::new() });
        }
        keep(outbox, draft).await
    }

    /// Saves a draft and hands it to `post`; when that succeeds the draft is gone.
    pub async fn post<T>(
        &self,
        outbox: &Outbox,
        draft: &Draft,
        post: impl AsyncFnOnce(Kept) -> Result<Option<T>, Failure>,
    ) -> Result<Option<T>, Failure> {
        let mut gone = self.gone.lock().await;
        if gone.contains(&draft.draft_id) {
            return Err(Failure::new("invalid", words!("draft_posted", "this draft was posted already")));
        }
        let posted = post(keep(outbox, draft).await?).await?;
        if posted.is_some() {
            gone.insert(draft.draft_id.clone());
        }
        Ok(posted)
    }

    /// Throws a draft away.
    pub async fn delete(&self, outbox: &Outbox, draft_id: &str) -> Result<(), Failure> {
        let mut gone = self.gone.lock().await;
        outbox.draft_delete(draft_id).await?;
        gone.insert(draft_id.to_string());
        Ok(())
    }
}

async fn keep(outbox: &Outbox, draft: &Draft) -> Result<Kept, Failure> {
    let mut ids = match outbox.draft(&draft.draft_id).await? {
        Some(before) => serde_json::from_str::<Kept>(&before.json).map_err(unreadable)?.ids,
        None => BTreeMap::new(),
    };
    for line in &draft.lines {
        ids.entry(line.line_id).or_insert_with(Uuid::now_v7);
    }
    let saved_at = inventory::domain::entry::format_time(clock::wall());
    let kept = Kept { draft: draft.clone(), ids, saved_at };
    let json = serde_json::to_string(&kept).map_err(unreadable)?;
    outbox.draft_save(&draft.draft_id, &json, clock::epoch_ms()).await?;
    Ok(kept)
}

/// All drafts, the last saved first. One that cannot be read is left where it is and not shown.
pub async fn list(outbox: &Outbox) -> Result<Vec<SavedDraft>, Failure> {
    let rows = outbox.drafts().await?;
    let kept = rows.iter().filter_map(|row| match serde_json::from_str::<Kept>(&row.json) {
        Ok(kept) => Some(SavedDraft { draft: kept.draft, saved_at: kept.saved_at }),
        Err(error) => {
            tracing::error!(draft = row.id, %error, "a saved draft cannot be read");
            None
        }
    });
    Ok(kept.collect())
}
