//! Group commit: one task owns the writing connection; changes that callers hand in at the same time are made
//! durable by one transaction. An answer is given only after the commit, and one caller's refused change never
//! takes another's with it.

use std::collections::HashMap;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::bills::Draft;
use super::schema::{sql_error, uuid};
use super::{Appended, BillHead, Mark, Saved, Tail};
use domain::entry::format_time;
use domain::error::{Code, Error, Result};
use domain::words;

/// Most changes in one transaction; more wait for the next.
const GROUP: usize = 256;
/// Rows in one INSERT.
const ROWS: usize = 50;

/// One change to be made durable.
#[derive(Debug)]
pub(super) enum Change {
    Append { entries: Vec<Saved>, bill: Option<BillHead>, now_ms: i64 },
    Marks(Vec<Mark>),
    Partitions { topic_uuid: Uuid, chosen: Vec<(i64, i32)> },
    Reversal { original: String, reversal: String },
    DraftSave(Draft),
    DraftDelete(String),
    NewIncarnation,
    Close,
}

/// What a change answers.
#[derive(Debug)]
pub(super) enum Done {
    Appended(Vec<Appended>),
    Incarnation(Uuid),
    Nothing,
}

struct Job {
    change: Change,
    reply: oneshot::Sender<Result<Done>>,
}

/// Handle to the committing task.
#[derive(Debug)]
pub(super) struct Committer {
    jobs: mpsc::Sender<Job>,
    tail: watch::Receiver<Tail>,
}

impl Committer {
    pub(super) fn start(writer: SqliteConnection, end: i64, incarnation: Uuid) -> Self {
        let (jobs, inbox) = mpsc::channel(GROUP * 4);
        let (tell, tail) = watch::channel(Tail { end, incarnation });
        tokio::spawn(run(writer, inbox, tell));
        Committer { jobs, tail }
    }

    pub(super) fn watch(&self) -> watch::Receiver<Tail> {
        self.tail.clone()
    }

    /// Makes the change durable. A caller that goes away does not undo it.
    pub(super) async fn commit(&self, change: Change) -> Result<Done> {
        let closed = || {
            Error::new(
                Code::Internal,
                words!("outbox_closed_restart", "The outbox is closed. Start the program again."),
            )
        };
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { change, reply }).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Waits until the task has ended. Changes handed in afterwards are refused.
    pub(super) async fn close(&self) {
        let _ = self.commit(Change::Close).await;
    }
}

async fn run(mut writer: SqliteConnection, mut inbox: mpsc::Receiver<Job>, tell: watch::Sender<Tail>) {
    let mut jobs = Vec::with_capacity(GROUP);
    let mut closing = None;
    while closing.is_none() && inbox.recv_many(&mut jobs, GROUP).await > 0 {
        if let Some(at) = jobs.iter().position(|job| matches!(job.change, Change::Close)) {
            closing = Some(jobs.swap_remove(at).reply);
        }
        let mut tail = *tell.borrow();
        let (changes, replies): (Vec<Change>, Vec<_>) =
            jobs.drain(..).map(|job| (job.change, job.reply)).unzip();
        match group(&mut writer, changes, &mut tail).await {
            Ok(answers) => {
                tell.send_if_modified(|told| std::mem::replace(told, tail) != tail);
                for (reply, answer) in replies.into_iter().zip(answers) {
                    let _ = reply.send(answer);
                }
            }
            Err(err) => {
                for reply in replies {
                    let _ = reply.send(Err(err.clone()));
                }
            }
        }
    }
    let _ = writer.close().await;
    if let Some(reply) = closing {
        let _ = reply.send(Ok(Done::Nothing));
    }
}

/// One transaction of many changes, each under a savepoint of its own.
async fn group(
    writer: &mut SqliteConnection,
    changes: Vec<Change>,
    tail: &mut Tail,
) -> Result<Vec<Result<Done>>> {
    let mut work = writer.begin_with("BEGIN IMMEDIATE").await.map_err(sql_error)?;
    let mut answers = Vec::with_capacity(changes.len());
    for change in changes {
        let mut point = work.begin().await.map_err(sql_error)?;
        let before = *tail;
        match apply(&mut point, change, tail).await {
            Ok(done) => {
                point.commit().await.map_err(sql_error)?;
                answers.push(Ok(done));
            }
            Err(refused) if refused.code == Code::Invalid => {
                *tail = before;
                point.rollback().await.map_err(sql_error)?;
                answers.push(Err(refused));
            }
            // A failing disk concerns all of them: nothing of this group is durable.
            Err(failed) => return Err(failed),
        }
    }
    crash_points::pass("outbox.inserted");
    work.commit().await.map_err(sql_error)?;
    crash_points::pass("outbox.committed");
    Ok(answers)
}

async fn apply(work: &mut SqliteConnection, change: Change, tail: &mut Tail) -> Result<Done> {
    match change {
        Change::Append { entries, bill, now_ms } => {
            let answers = append(work, &entries, bill, now_ms).await?;
            let last = answers.iter().map(|answer| answer.seq()).max().unwrap_or(0);
            tail.end = tail.end.max(last);
            return Ok(Done::Appended(answers));
        }
        Change::NewIncarnation => {
            let life = Uuid::new_v4();
            let query = sqlx::query("UPDATE meta SET value = ?1 WHERE name = 'incarnation'")
                .bind(life.as_bytes().as_slice());
            query.execute(work).await.map_err(sql_error)?;
            tail.incarnation = life;
            return Ok(Done::Incarnation(life));
        }
        Change::Marks(marks) => mark(work, &marks).await.map_err(sql_error)?,
        Change::Partitions { topic_uuid, chosen } => {
            for (seq, partition) in chosen {
                sqlx::query(
                    "UPDATE outbox SET partition = ?2, sent_topic_uuid = ?3
                     WHERE seq = ?1 AND acked = 0 AND (partition IS NULL OR sent_topic_uuid IS NOT ?3)",
                )
                .bind(seq)
                .bind(partition)
                .bind(topic_uuid.as_bytes().as_slice())
                .execute(&mut *work)
                .await
                .map_err(sql_error)?;
            }
        }
        Change::Close => {}
        Change::Reversal { original, reversal } => link(work, &original, &reversal).await?,
        Change::DraftSave(draft) => {
            sqlx::query("INSERT OR REPLACE INTO drafts(id, json, updated_ms) VALUES (?1, ?2, ?3)")
                .bind(draft.id)
                .bind(draft.json)
                .bind(draft.updated_ms)
                .execute(work)
                .await
                .map_err(sql_error)?;
        }
        Change::DraftDelete(id) => {
            sqlx::query("DELETE FROM drafts WHERE id = ?1")
                .bind(id)
                .execute(work)
                .await
                .map_err(sql_error)?;
        }
    }
    Ok(Done::Nothing)
}

async fn append(
    work: &mut SqliteConnection,
    entries: &[Saved],
    bill: Option<BillHead>,
    now_ms: i64,
) -> Result<Vec<Appended>> {
    let bill_row = match &bill {
        Some(head) => Some(bill_row(work, head, entries, now_ms).await?),
        None => None,
    };
    let mut answers = Vec::with_capacity(entries.len());
    for rows in entries.chunks(ROWS) {
        let mut saved = insert(work, rows, bill_row, now_ms).await.map_err(sql_error)?;
        for row in rows {
            let answer = match saved.remove(&row.entry_id) {
                Some(seq) => Appended::Saved(seq),
                None => Appended::AlreadyThere(seq_of(work, row.entry_id).await.map_err(sql_error)?),
            };
            answers.push(answer);
        }
    }
    if let Some(head) = bill {
        if let Some(original) = &head.reverses {
            link(work, original.as_str(), head.bill_id.as_str()).await?;
        }
        if let Some(id) = head.draft {
            sqlx::query("DELETE FROM drafts WHERE id = ?1")
                .bind(id)
                .execute(work)
                .await
                .map_err(sql_error)?;
        }
    }
    Ok(answers)
}

/// Inserts the rows whose ids are new; tells their numbers.
async fn insert(
    work: &mut SqliteConnection,
    rows: &[Saved],
    bill: Option<i64>,
    now_ms: i64,
) -> Result<HashMap<Uuid, i64>, sqlx::Error> {
    let values = vec!["(?,?,?,?,?,?,?,?,?,?)"; rows.len()].join(",");
    let text = format!(
        "INSERT INTO outbox(entry_id, key, payload, bill, bill_id, product_id, quantity, drcr, description,
         saved_ms) VALUES {values} ON CONFLICT(entry_id) DO NOTHING RETURNING entry_id, seq"
    );
    let mut query = sqlx::query(&text).persistent(rows.len() == ROWS || rows.len() == 1);
    for row in rows {
        query = query
            .bind(row.entry_id.as_bytes().as_slice())
            .bind(row.entry.key().to_string())
            .bind(row.payload.as_slice())
            .bind(bill)
            .bind(row.entry.bill_id.as_str())
            .bind(row.entry.product_id.as_str())
            .bind(row.entry.quantity)
            .bind(row.entry.direction.drcr())
            .bind(row.entry.description.as_deref())
            .bind(now_ms);
    }
    let saved = query.fetch_all(work).await?;
    Ok(saved.iter().filter_map(|row| Some((uuid(row, "entry_id")?, row.get("seq")))).collect())
}

async fn seq_of(work: &mut SqliteConnection, entry_id: Uuid) -> Result<i64, sqlx::Error> {
    let query =
        sqlx::query("SELECT seq FROM outbox WHERE entry_id = ?1").bind(entry_id.as_bytes().as_slice());
    Ok(query.fetch_one(work).await?.get("seq"))
}

/// The bill's row: the one it had when it was posted before, or a new one.
async fn bill_row(
    work: &mut SqliteConnection,
    head: &BillHead,
    entries: &[Saved],
    now_ms: i64,
) -> Result<i64> {
    let known = sqlx::query("SELECT id FROM bills WHERE bill_id = ?1").bind(head.bill_id.as_str());
    if let Some(row) = known.fetch_optional(&mut *work).await.map_err(sql_error)? {
        let id: i64 = row.get("id");
        for entry in entries {
            let query = sqlx::query("SELECT 1 FROM outbox WHERE entry_id = ?1 AND bill = ?2");
            let same =
                query.bind(entry.entry_id.as_bytes().as_slice()).bind(id).fetch_optional(&mut *work).await;
            if same.map_err(sql_error)?.is_none() {
                let words = words!(
                    "bill_id_taken",
                    "bill_id {bill} belongs to another bill. Choose another number.",
                    bill = format!("{:?}", head.bill_id.as_str())
                );
                return Err(Error::new(Code::Invalid, words));
            }
        }
        return Ok(id);
    }
    let made = sqlx::query(
        "INSERT INTO bills(bill_id, drcr, company_id, warehouse_id, create_time, posted_ms, reverses, lines,
         quantity) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
    )
    .bind(head.bill_id.as_str())
    .bind(head.direction.drcr())
    .bind(head.company_id.as_str())
    .bind(head.warehouse_id.as_str())
    .bind(format_time(head.create_time))
    .bind(now_ms)
    .bind(head.reverses.as_ref().map(|id| id.as_str().to_owned()))
    .bind(entries.len() as i64)
    .bind(entries.iter().map(|saved| saved.entry.quantity).sum::<i64>())
    .fetch_one(work)
    .await
    .map_err(sql_error)?;
    Ok(made.get("id"))
}

async fn link(work: &mut SqliteConnection, original: &str, reversal: &str) -> Result<()> {
    let query = sqlx::query("SELECT reversed_by FROM bills WHERE bill_id = ?1").bind(original);
    // A bill that was posted elsewhere has no row here to be linked.
    let Some(row) = query.fetch_optional(&mut *work).await.map_err(sql_error)? else {
        return Ok(());
    };
    match row.get::<Option<String>, _>("reversed_by") {
        Some(by) if by != reversal => {
            let words = words!(
                "bill_reversed",
                "Bill {original} was reversed by {by} already. Open that bill instead.",
                original = format!("{original:?}"),
                by = format!("{by:?}")
            );
            Err(Error::new(Code::Invalid, words))
        }
        _ => {
            let query = sqlx::query("UPDATE bills SET reversed_by = ?2 WHERE bill_id = ?1");
            query.bind(original).bind(reversal).execute(work).await.map_err(sql_error)?;
            Ok(())
        }
    }
}

async fn mark(work: &mut SqliteConnection, marks: &[Mark]) -> Result<(), sqlx::Error> {
    for mark in marks {
        let text = "UPDATE outbox SET acked = 1, sent_topic_uuid = ?2, partition = ?3, sent_offset = ?4
                    WHERE seq = ?1 AND acked = 0";
        let query = sqlx::query(text).bind(mark.seq).bind(mark.topic_uuid.as_bytes().as_slice());
        query.bind(mark.partition).bind(mark.offset).execute(&mut *work).await?;
    }
    Ok(())
}
