//! Rejected entries, the dead letters of the ledger: messages that were kept but not counted, with their reason. They are
//! shown, corrected and sent again as new entries, and never removed.

use std::collections::HashMap;

use uuid::Uuid;

use super::dialect::hex;
use super::sql::Row;
use super::{Ledger, RejectedRow, duplicate, window};
use domain::error::{Code, Error, Result};
use domain::ioentry;
use domain::words;
use domain::words::Words;

const COLUMNS: &str =
    "s.name, r.source_offset, r.kind, r.field, r.reason, r.payload, r.entry_id, r.resubmitted_as";

fn rejected_row(row: &Row) -> Result<RejectedRow> {
    Ok(RejectedRow {
        source: row.text(0)?.into(),
        offset: row.int(1)?,
        kind: row.text(2)?.to_owned(),
        field: row.text(3)?.to_owned(),
        reason: row.text(4)?.to_owned(),
        payload: row.bytes(5)?.to_owned(),
        entry_id: row.opt_uuid(6)?,
        resubmitted_as: row.opt_uuid(7)?,
    })
}

/// Why a message is not counted, in words again: the ledger keeps its kind, and the English text of it.
pub fn reason(kind: &str, text: &str, payload: Option<&[u8]>) -> Words {
    let told = text.to_owned();
    let refusal = || ioentry::decode(payload?).err();
    match kind {
        "duplicate" => duplicate::told(text),
        "window" => window::told(text),
        "overflow" => words!("rejected_overflow", told told;),
        _ => refusal().map_or_else(|| words!("rejected_invalid", told told;), |refusal| refusal.words()),
    }
}

impl Ledger {
    /// Rejected messages, source by source, newest first; `before` is the last row of the previous page
    /// (source name, offset).
    pub async fn rejected(&self, limit: usize, before: Option<(&str, i64)>) -> Result<Vec<RejectedRow>> {
        let from = before.map_or_else(String::new, |(source, offset)| {
            let source = self.inner.db.dialect().text_of(source);
            format!("WHERE (s.name > {source} OR (s.name = {source} AND r.source_offset < {offset}))")
        });
        let sql = format!(
            "SELECT {COLUMNS} FROM rejected_entries r JOIN sources s ON s.id = r.source_id {from} \
             ORDER BY s.name, r.source_offset DESC LIMIT {limit}"
        );
        let rows = self.inner.db.reader().await?.query(&sql).await?;
        rows.iter().map(rejected_row).collect()
    }

    /// One rejected message.
    pub async fn rejected_one(&self, source: &str, offset: i64) -> Result<Option<RejectedRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM rejected_entries r JOIN sources s ON s.id = r.source_id \
             WHERE s.name = {} AND r.source_offset = {offset}",
            self.inner.db.dialect().text_of(source)
        );
        self.inner.db.reader().await?.query(&sql).await?.first().map(rejected_row).transpose()
    }

    /// Which of these offsets of a source were rejected, with kind and reason. An offset below the source's
    /// `next_offset` that is not among them was counted.
    pub async fn rejected_at(&self, source: &str, offsets: &[i64]) -> Result<HashMap<i64, (String, String)>> {
        let mut session = self.inner.db.reader().await?;
        let mut found = HashMap::new();
        for chunk in offsets.chunks(500) {
            let list: Vec<String> = chunk.iter().map(i64::to_string).collect();
            let sql = format!(
                "SELECT r.source_offset, r.kind, r.reason FROM rejected_entries r \
                 JOIN sources s ON s.id = r.source_id WHERE s.name = {} AND r.source_offset IN ({})",
                self.inner.db.dialect().text_of(source),
                list.join(",")
            );
            for row in session.query(&sql).await? {
                found.insert(row.int(0)?, (row.text(1)?.to_owned(), row.text(2)?.to_owned()));
            }
        }
        Ok(found)
    }

    /// Rejected messages that carry one of these entry ids: (source name, offset, kind) per id.
    pub async fn rejected_ids(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, (String, i64, String)>> {
        let mut session = self.inner.db.reader().await?;
        let mut found = HashMap::new();
        for chunk in ids.chunks(500) {
            let list: Vec<String> = chunk.iter().map(|id| format!("x'{}'", id.simple())).collect();
            let sql = format!(
                "SELECT r.entry_id, s.name, r.source_offset, r.kind FROM rejected_entries r \
                 JOIN sources s ON s.id = r.source_id WHERE r.entry_id IN ({})",
                list.join(",")
            );
            for row in session.query(&sql).await? {
                let Some(id) = row.opt_uuid(0)? else { continue };
                found.insert(id, (row.text(1)?.to_owned(), row.int(2)?, row.text(3)?.to_owned()));
            }
        }
        Ok(found)
    }

    /// Writes down which entry replaced a rejected message. Refused when another one did already.
    pub async fn mark_resubmitted(&self, source: &str, offset: i64, entry_id: Uuid) -> Result<()> {
        let mut id = String::new();
        hex(&mut id, entry_id.as_bytes());
        let sql = format!(
            "UPDATE rejected_entries SET resubmitted_as = {id} WHERE source_offset = {offset} \
             AND source_id = (SELECT id FROM sources WHERE name = {}) \
             AND (resubmitted_as IS NULL OR resubmitted_as = {id})",
            self.inner.db.dialect().text_of(source)
        );
        if self.inner.db.writer().await?.exec(&sql).await? == 1 {
            return Ok(());
        }
        Err(Error::new(
            Code::NotFound,
            words!(
                "not_waiting_again",
                "Offset {offset} of source {source} is not waiting to be sent again.",
                offset,
                source
            ),
        ))
    }
}
