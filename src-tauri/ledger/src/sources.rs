//! The `sources` rows: one per partition of one incarnation of a topic, with the position and the fencing token (column
//! `stamp`). A row is moved only by compare-and-set on both, so that a writer whose token is old is fenced off.

use uuid::Uuid;

use super::dialect::hex;
use super::sql::{Kind, Row, Session, Sql, conclude};
use super::{Ledger, SourceRow};
use domain::error::{Code, Error, Result};
use domain::source::SourceIdentity;
use domain::words;

const COLUMNS: &str = "id, name, topic, topic_uuid, partition_no, next_offset, stock_offset, stamp, \
                       last_offset, last_hash, entries, rejected, signed_quantity, digest";

fn source_row(row: &Row) -> Result<SourceRow> {
    Ok(SourceRow {
        id: row.int(0)?,
        name: row.text(1)?.into(),
        identity: SourceIdentity {
            topic: row.text(2)?.to_owned(),
            topic_uuid: Uuid::from_bytes(row.sixteen(3)?),
            partition: i32::try_from(row.int(4)?).map_err(|_| {
                Error::new(
                    Code::Corrupt,
                    words!("partition_no_odd", "sources.partition_no is no partition number."),
                )
            })?,
        },
        next_offset: row.int(5)?,
        stock_offset: row.int(6)?,
        stamp: row.sixteen(7)?,
        last_offset: row.int(8)?,
        last_hash: row.int(9)?,
        entries: row.int(10)?,
        rejected: row.int(11)?,
        signed_quantity: row.int(12)?,
        digest: row.int(13)?,
    })
}

/// A literal of sixteen bytes.
pub(crate) fn stamp_literal(stamp: &[u8]) -> String {
    let mut out = String::new();
    hex(&mut out, stamp);
    out
}

/// A stamp nobody had before.
pub(crate) fn new_stamp() -> [u8; 16] {
    Uuid::new_v4().into_bytes()
}

/// A fixed table that is missing is no day table to be made again: `init` was never run here.
fn fixed<T>(outcome: Sql<T>) -> Sql<T> {
    outcome.map_err(|failed| match failed.kind {
        Kind::NoTable => Error::new(
            Code::Config,
            words!("tables_missing_init", "The ledger's tables are missing. Run `inv-daemon init`."),
        )
        .into(),
        _ => failed,
    })
}

/// The compare-and-set (DESIGN §3 rule 1). `Fenced` when somebody else moved the source.
pub(crate) async fn take(
    session: &mut dyn Session,
    source: &SourceRow,
    next_offset: i64,
    stock_offset: i64,
    stamp: &[u8; 16],
) -> Sql<()> {
    let sql = format!(
        "UPDATE sources SET next_offset = {next_offset}, stock_offset = {stock_offset}, stamp = {} \
         WHERE id = {} AND next_offset = {} AND stamp = {}",
        stamp_literal(stamp),
        source.id,
        source.next_offset,
        stamp_literal(&source.stamp)
    );
    if fixed(session.exec(&sql).await)? == 1 {
        return Ok(());
    }
    Err(Error::new(
        Code::Fenced,
        words!(
            "source_moved",
            "Source {source} was moved by another writer; it is taken anew from where that one left it.",
            source = source.name
        ),
    )
    .into())
}

/// All sources, within a session of the caller.
pub(crate) async fn all(session: &mut dyn Session) -> Sql<Vec<SourceRow>> {
    let rows = fixed(session.query(&format!("SELECT {COLUMNS} FROM sources ORDER BY id")).await)?;
    rows.iter().map(|row| source_row(row).map_err(Into::into)).collect()
}

impl Ledger {
    /// All sources, oldest first.
    pub async fn sources(&self) -> Result<Vec<SourceRow>> {
        let mut session = self.inner.db.reader().await?;
        Ok(all(&mut *session).await?)
    }

    /// The source of this partition, if the ledger knows it.
    pub async fn source(&self, identity: &SourceIdentity) -> Result<Option<SourceRow>> {
        let mut session = self.inner.db.writer().await?;
        self.find_source(&mut *session, identity).await
    }

    async fn find_source(
        &self,
        session: &mut dyn Session,
        identity: &SourceIdentity,
    ) -> Result<Option<SourceRow>> {
        let topic = self.inner.db.dialect().text_of(&identity.topic);
        let sql = format!(
            "SELECT {COLUMNS} FROM sources WHERE topic_uuid = {} AND partition_no = {} AND topic = {topic}",
            stamp_literal(identity.topic_uuid.as_bytes()),
            identity.partition
        );
        fixed(session.query(&sql).await)?.first().map(source_row).transpose()
    }

    /// The source as it stands now. `NotFound` when the ledger no longer has it.
    pub async fn reread(&self, id: i64) -> Result<SourceRow> {
        let mut session = self.inner.db.writer().await?;
        let rows = session.query(&format!("SELECT {COLUMNS} FROM sources WHERE id = {id}")).await?;
        let row = rows.first().ok_or_else(|| {
            Error::new(
                Code::NotFound,
                words!("no_source", "The ledger has no source {id}; it was restored or replaced.", id),
            )
        })?;
        source_row(row)
    }

    /// Makes the partition known, beginning at `start_offset`; an already known one is answered as it stands.
    pub async fn register_source(&self, identity: &SourceIdentity, start_offset: i64) -> Result<SourceRow> {
        let mut session = self.inner.db.writer().await?;
        let uuid = identity.topic_uuid.simple().to_string();
        // The name alone leaves the ledger, so a second incarnation must not share it: it gets more digits.
        for digits in [8, 12, 16, 32] {
            if let Some(row) = self.find_source(&mut *session, identity).await? {
                return Ok(row);
            }
            let name = format!("{}.{}", &uuid[..digits], identity.partition);
            let sql = format!(
                "INSERT INTO sources (name, topic, topic_uuid, partition_no, next_offset, stock_offset, stamp, \
                 last_offset, last_hash, entries, rejected, signed_quantity, digest) \
                 VALUES ('{name}', {}, {}, {}, {start_offset}, {start_offset}, {}, -1, 0, 0, 0, 0, 0)",
                self.inner.db.dialect().text_of(&identity.topic),
                stamp_literal(identity.topic_uuid.as_bytes()),
                identity.partition,
                stamp_literal(&new_stamp())
            );
            match session.exec(&sql).await {
                Ok(_) => crash_points::pass("source.registered"),
                Err(failed) if failed.kind == Kind::Duplicate => {}
                Err(failed) => return Err(failed.error),
            }
        }
        self.find_source(&mut *session, identity).await?.ok_or_else(|| {
            Error::new(
                Code::Corrupt,
                words!(
                    "topics_same_uuid",
                    "Two topics of this ledger have the same UUID; recreate one of them."
                ),
            )
        })
    }

    /// Writes down that everything below `stock_offset` is acknowledged, in a transaction of its own.
    pub async fn acknowledge(&self, source: &SourceRow, stock_offset: i64) -> Result<SourceRow> {
        let stamp = new_stamp();
        let mut session = self.inner.db.writer().await?;
        session.begin().await?;
        crash_points::pass("watermark.before");
        let taken = take(&mut *session, source, source.next_offset, stock_offset, &stamp).await;
        crash_points::pass("watermark.taken");
        conclude(&mut *session, taken).await?;
        crash_points::pass("watermark.saved");
        Ok(SourceRow { stock_offset, stamp, ..source.clone() })
    }
}
