//! Reading entries back: what waits for the broker, what the local queue delivers, which ids are known.
//! Reads only; never sees rows of an unfinished transaction.

use std::collections::HashSet;

use futures::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use uuid::Uuid;

use super::schema::{sql_error, uuid};
use domain::error::Result;

/// An entry that waits for a broker's acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Number in the outbox.
    pub seq: i64,
    /// Message key `{warehouse_id}:{product_id}`.
    pub key: String,
    /// Message value.
    pub payload: Vec<u8>,
    /// When it was saved, milliseconds since the epoch.
    pub saved_ms: i64,
    /// The partition first chosen, and in which life of the topic.
    pub chosen: Option<(Uuid, i32)>,
}

impl Pending {
    /// The partition that was chosen for it in this life of the topic.
    pub fn partition_in(&self, topic_uuid: Uuid) -> Option<i32> {
        self.chosen.filter(|(uuid, _)| *uuid == topic_uuid).map(|(_, partition)| partition)
    }
}

/// An entry as the local queue delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// seq - 1.
    pub offset: i64,
    /// When it was saved, milliseconds since the epoch.
    pub saved_ms: i64,
    /// Message value.
    pub payload: Vec<u8>,
}

pub(super) async fn next_unsent(pool: &SqlitePool, after_seq: i64, limit: usize) -> Result<Vec<Pending>> {
    let query = sqlx::query(
        "SELECT seq, key, payload, saved_ms, partition, sent_topic_uuid FROM outbox
         WHERE acked = 0 AND seq > ?1 ORDER BY seq LIMIT ?2",
    );
    let rows = query.bind(after_seq).bind(limit as i64).fetch_all(pool).await.map_err(sql_error)?;
    Ok(rows.into_iter().map(pending).collect())
}

fn pending(row: SqliteRow) -> Pending {
    Pending {
        seq: row.get("seq"),
        key: row.get("key"),
        payload: row.get("payload"),
        saved_ms: row.get("saved_ms"),
        chosen: uuid(&row, "sent_topic_uuid").zip(row.get("partition")),
    }
}

pub(super) async fn read_from(pool: &SqlitePool, offset: i64, max: usize) -> Result<Vec<Stored>> {
    let query = sqlx::query("SELECT seq, saved_ms, payload FROM outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut rows = query.bind(offset).bind(max as i64).fetch(pool);
    let mut stored = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(sql_error)? {
        stored.push(Stored { offset: row.get::<i64, _>(0) - 1, saved_ms: row.get(1), payload: row.get(2) });
    }
    Ok(stored)
}

pub(super) async fn saved_ids(pool: &SqlitePool, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let mut found = HashSet::new();
    for chunk in ids.chunks(500) {
        let marks = vec!["?"; chunk.len()].join(",");
        let text = format!("SELECT entry_id FROM outbox WHERE entry_id IN ({marks})");
        let mut query = sqlx::query(&text).persistent(chunk.len() == 500);
        for id in chunk {
            query = query.bind(id.as_bytes().as_slice());
        }
        let rows = query.fetch_all(pool).await.map_err(sql_error)?;
        found.extend(rows.iter().filter_map(|row| uuid(row, "entry_id")));
    }
    Ok(found)
}
