//! The outbox: every entry of ours is durable here before anything is sent. In standalone mode it is the queue
//! itself, in cluster mode what waits for Kafka. It must never lose, renumber or delete an entry.

mod bills;
mod commit;
mod lock;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;

use chrono::NaiveDateTime;
use sqlx::{Row, SqlitePool};
use tokio::sync::watch;
use uuid::Uuid;

use domain::entry::{BillId, CompanyId, Direction, Entry, WarehouseId};
use domain::error::Result;
use domain::source::SourceIdentity;

pub use bills::{Bill, BillFilter, BillLine, BillSummary, Draft};
pub use lock::DataDir;
pub use rows::{Pending, Stored};

use commit::{Change, Committer, Done};

/// Topic name of the local queue's one source.
pub const LOCAL_TOPIC: &str = "outbox";

/// One entry to be saved: what it says, and the JSON that will travel.
#[derive(Debug, Clone)]
pub struct Saved {
    /// Made when the line was first saved; saving it again is harmless.
    pub entry_id: Uuid,
    /// The entry, for search and for the message key.
    pub entry: Entry,
    /// The message's value, byte by byte.
    pub payload: Vec<u8>,
}

/// The head of a posted bill.
#[derive(Debug, Clone)]
pub struct BillHead {
    /// Number; unique in this outbox.
    pub bill_id: BillId,
    /// In or out.
    pub direction: Direction,
    /// Supplier or customer.
    pub company_id: CompanyId,
    /// Warehouse.
    pub warehouse_id: WarehouseId,
    /// Wall-clock moment of the bill.
    pub create_time: NaiveDateTime,
    /// The bill that this one takes back; it is linked in the same transaction.
    pub reverses: Option<BillId>,
    /// The draft it was written in; it goes in the same transaction.
    pub draft: Option<String>,
}

/// What became of one entry of an `append`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Durable under this number.
    Saved(i64),
    /// Its id was saved before, under this number; nothing was changed.
    AlreadyThere(i64),
}

impl Appended {
    /// The entry's number in the outbox.
    pub fn seq(self) -> i64 {
        match self {
            Appended::Saved(seq) | Appended::AlreadyThere(seq) => seq,
        }
    }
}

/// Where an entry came to lie in Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The entry's number here.
    pub seq: i64,
    /// UUID of the topic that acknowledged it.
    pub topic_uuid: Uuid,
    /// Partition.
    pub partition: i32,
    /// Offset told by the broker.
    pub offset: i64,
}

/// The file `outbox.db`, open in this process alone (see `DataDir`).
#[derive(Debug)]
pub struct Outbox {
    pool: SqlitePool,
    committer: Committer,
}

impl Outbox {
    /// Opens or creates the file. `now_ms` is kept as its time of birth.
    pub async fn open(path: &Path, now_ms: i64) -> Result<Self> {
        let writer = schema::open_writer(path, now_ms).await?;
        let pool = schema::open_readers(path).await?;
        let incarnation = schema::incarnation(&pool).await?;
        let row = sqlx::query("SELECT coalesce(max(seq), 0) AS seq FROM outbox").fetch_one(&pool).await;
        let end: i64 = row.map_err(schema::sql_error)?.get("seq");
        Ok(Outbox { pool, committer: Committer::start(writer, end, incarnation) })
    }

    /// Saves entries, and with a head the bill they make, in one durable transaction. The answers stand in the
    /// order of `entries`. Posting the same bill again changes nothing; another bill's number is refused
    /// (`Invalid`), and so is a reversal of a bill that another one reversed already.
    pub async fn append(
        &self,
        entries: Vec<Saved>,
        bill: Option<BillHead>,
        now_ms: i64,
    ) -> Result<Vec<Appended>> {
        match self.committer.commit(Change::Append { entries, bill, now_ms }).await? {
            Done::Appended(answers) => Ok(answers),
            _ => Ok(Vec::new()),
        }
    }

    /// Entries that no broker has acknowledged. In standalone mode this is all of them: ask the ledger there.
    pub async fn waiting(&self) -> Result<i64> {
        let row = sqlx::query("SELECT count(*) AS n FROM outbox WHERE acked = 0").fetch_one(&self.pool).await;
        Ok(row.map_err(schema::sql_error)?.get("n"))
    }

    /// Entries that wait in the outbox of a data directory that may belong to another process; `None` where there
    /// is no outbox. Reads only.
    pub async fn waiting_beside(data_dir: &Path) -> Result<Option<u64>> {
        let file = data_dir.join("outbox.db");
        if !file.is_file() {
            return Ok(None);
        }
        let pool = schema::open_readers(&file).await?;
        let row = sqlx::query("SELECT count(*) AS n FROM outbox WHERE acked = 0").fetch_one(&pool).await;
        let waiting: i64 = row.map_err(schema::sql_error)?.get("n");
        pool.close().await;
        Ok(Some(waiting.unsigned_abs()))
    }

    /// Entries that no broker has acknowledged, up to the number `seq` included.
    pub async fn waiting_until(&self, seq: i64) -> Result<i64> {
        let query = sqlx::query("SELECT count(*) AS n FROM outbox WHERE acked = 0 AND seq <= ?1").bind(seq);
        Ok(query.fetch_one(&self.pool).await.map_err(schema::sql_error)?.get("n"))
    }

    /// The next entries after `after_seq` that no broker has acknowledged, in order.
    pub async fn next_unsent(&self, after_seq: i64, limit: usize) -> Result<Vec<Pending>> {
        rows::next_unsent(&self.pool, after_seq, limit).await
    }

    /// Notes the acknowledgements of a broker, all in one transaction.
    pub async fn mark_sent(&self, marks: Vec<Mark>) -> Result<()> {
        self.committer.commit(Change::Marks(marks)).await.map(drop)
    }

    /// Keeps the partition chosen for each entry (seq, partition) in this life of the topic. One that was chosen
    /// earlier stays: the caller reads it from `Pending::partition_in` and must use it.
    pub async fn choose_partitions(&self, topic_uuid: Uuid, chosen: Vec<(i64, i32)>) -> Result<()> {
        self.committer.commit(Change::Partitions { topic_uuid, chosen }).await.map(drop)
    }

    /// Entries from `offset` (= seq - 1) on, for the local queue.
    pub async fn read_from(&self, offset: i64, max: usize) -> Result<Vec<Stored>> {
        rows::read_from(&self.pool, offset, max).await
    }

    /// Offset after the last durable entry.
    pub fn end(&self) -> i64 {
        self.committer.watch().borrow().end
    }

    /// Follows end and incarnation; told after each commit.
    pub fn watch(&self) -> watch::Receiver<Tail> {
        self.committer.watch()
    }

    /// UUID of this file's life; a file restored from a copy gets a new one.
    pub fn incarnation(&self) -> Uuid {
        self.committer.watch().borrow().incarnation
    }

    /// The one source of the local queue.
    pub fn local_source(&self) -> SourceIdentity {
        SourceIdentity { topic: LOCAL_TOPIC.into(), topic_uuid: self.incarnation(), partition: 0 }
    }

    /// Called when the ledger's position lies beyond the end: this file is an older copy. The same offsets would
    /// come to mean other entries, so the source changes its name; what both lives share is recognised by entry id.
    pub async fn begin_new_incarnation(&self) -> Result<Uuid> {
        match self.committer.commit(Change::NewIncarnation).await? {
            Done::Incarnation(uuid) => Ok(uuid),
            _ => Ok(self.incarnation()),
        }
    }

    /// Which of these ids are saved already.
    pub async fn saved_ids(&self, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
        rows::saved_ids(&self.pool, ids).await
    }

    /// Bills posted here, newest first. `before`: `row` of the last one seen.
    pub async fn bills_search(
        &self,
        filter: &BillFilter,
        limit: usize,
        before: Option<i64>,
    ) -> Result<Vec<BillSummary>> {
        bills::search(&self.pool, filter, limit, before).await
    }

    /// One bill with its lines, if it was posted here.
    pub async fn bill(&self, bill_id: &str) -> Result<Option<Bill>> {
        bills::bill(&self.pool, bill_id).await
    }

    /// Notes that `reversal` takes `original` back. Repeating it is harmless; a second reversal is refused.
    pub async fn link_reversal(&self, original: &str, reversal: &str) -> Result<()> {
        let change = Change::Reversal { original: original.into(), reversal: reversal.into() };
        self.committer.commit(change).await.map(drop)
    }

    /// Saves a draft durably; the newest text wins.
    pub async fn draft_save(&self, id: &str, json: &str, now_ms: i64) -> Result<()> {
        let draft = Draft { id: id.into(), json: json.into(), updated_ms: now_ms };
        self.committer.commit(Change::DraftSave(draft)).await.map(drop)
    }

    /// One draft.
    pub async fn draft(&self, id: &str) -> Result<Option<Draft>> {
        bills::draft(&self.pool, id).await
    }

    /// All drafts, newest first.
    pub async fn drafts(&self) -> Result<Vec<Draft>> {
        bills::drafts(&self.pool).await
    }

    /// Throws a draft away.
    pub async fn draft_delete(&self, id: &str) -> Result<()> {
        self.committer.commit(Change::DraftDelete(id.into())).await.map(drop)
    }

    /// Closes the file; whatever was answered is durable already.
    pub async fn close(&self) {
        self.committer.close().await;
        self.pool.close().await;
    }
}

/// Where the outbox ends, and in which life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Offset after the last durable entry.
    pub end: i64,
    /// UUID of the file's life.
    pub incarnation: Uuid,
}
