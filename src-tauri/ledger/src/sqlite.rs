//! SQLite behind the ledger: one file in WAL mode, one writing connection, a few reading ones.
//! The writing connection is never shared: who holds its lock owns the transaction.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Executor, Row as _, TypeInfo, ValueRef};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::dialect::Dialect;
use super::sql::{Cell, Database, Each, Kind, Passing, Row, Session, Sql, SqlError};
use domain::error::{Code, Error};
use domain::words;
use domain::words::Words;
use probe::{Step, Stopped, Trail};

/// Pages after which the WAL is brought into the file, 32 MB: a batch of a thousand products touches some three
/// thousand pages, the same ones again and again, and each bringing writes and syncs them once more.
const WAL_PAGES: &str = "8192";

/// The write connection, opened on first use, and whether a transaction was left open in it.
#[derive(Default)]
struct Slot {
    conn: Option<SqliteConnection>,
    dirty: bool,
}

/// A ledger file.
pub(crate) struct SqliteDatabase {
    path: PathBuf,
    options: SqliteConnectOptions,
    writer: Arc<Mutex<Slot>>,
    readers: SqlitePool,
}

impl SqliteDatabase {
    /// Prepares the file's connections; nothing is opened yet.
    pub fn new(path: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(false)
            .pragma("cache_size", "-32768")
            .pragma("temp_store", "MEMORY")
            .pragma("wal_autocheckpoint", WAL_PAGES)
            .statement_cache_capacity(8)
            .disable_statement_logging();
        let readers = SqlitePoolOptions::new()
            .min_connections(0)
            .max_connections(3)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone());
        SqliteDatabase { path: path.to_owned(), options, writer: Arc::default(), readers }
    }
}

impl SqliteDatabase {
    fn absent(&self) -> Words {
        words!("no_ledger_yet", "There is no ledger at {path} yet.", path = self.path.display())
    }
}

fn fault(error: sqlx::Error) -> SqlError {
    let number = match &error {
        sqlx::Error::Database(db) => db.code().and_then(|code| code.parse::<i64>().ok()).unwrap_or(1),
        _ => 0,
    };
    let missing = number == 1 && error.to_string().contains("no such table");
    let (kind, code, cure) = match (number, number & 0xff) {
        (1555 | 2067, _) => (
            Kind::Duplicate,
            Code::Retry,
            words!("cure_transaction_again", "The transaction is tried again."),
        ),
        (_, 5 | 6) => (
            Kind::Other,
            Code::Retry,
            words!("cure_sqlite_held", "Another process holds the file; it is tried again."),
        ),
        // 4874: no room for the shared memory of a WAL.
        (4874, _) | (_, 13) => {
            (Kind::Other, Code::Full, words!("cure_sqlite_space", "Free space on the ledger's disk."))
        }
        (_, 8 | 23 | 3) => (
            Kind::Other,
            Code::Refused,
            words!("cure_sqlite_rights", "Give this user the right to write the ledger's folder."),
        ),
        (_, 11 | 26) => (
            Kind::Other,
            Code::Corrupt,
            words!("cure_sqlite_damaged", "The ledger's file is damaged; restore it from a backup."),
        ),
        (_, 10 | 14) => (
            Kind::Other,
            Code::Unreachable,
            words!("cure_sqlite_disk", "Check that the ledger's disk is there and healthy."),
        ),
        (0, _) => (Kind::Other, Code::Unreachable, words!("cure_sqlite_file", "Check the ledger's file.")),
        _ if missing => (Kind::NoTable, Code::Retry, words!("cure_created_again", "It is created again.")),
        _ => (Kind::Other, Code::Internal, words!("cure_report_this", "Please report this.")),
    };
    SqlError {
        kind,
        error: Error::new(
            code,
            words!("sqlite_failed", "The SQLite ledger failed: {error}. {cure}", error, cure),
        ),
    }
}

fn row(row: SqliteRow) -> Sql<Row> {
    let mut cells = Vec::with_capacity(row.len());
    for at in 0..row.len() {
        let raw = row.try_get_raw(at).map_err(fault)?;
        let kind = raw.type_info();
        cells.push(if raw.is_null() {
            Cell::Null
        } else if kind.name() == "INTEGER" {
            Cell::Int(row.try_get_unchecked(at).map_err(fault)?)
        } else {
            Cell::Bytes(row.try_get_unchecked(at).map_err(fault)?)
        });
    }
    Ok(Row(cells))
}

impl Passing for SqliteRow {
    fn bytes(&self, at: usize) -> Option<&[u8]> {
        self.try_get_unchecked(at).ok().flatten()
    }

    fn number(&self, at: usize) -> Option<i64> {
        self.try_get_unchecked(at).ok().flatten()
    }
}

enum Held {
    Write(OwnedMutexGuard<Slot>),
    Read(PoolConnection<sqlx::Sqlite>),
}

struct SqliteSession {
    held: Option<Held>,
    open: bool,
}

impl SqliteSession {
    fn conn(&mut self) -> Sql<&mut SqliteConnection> {
        let conn = match &mut self.held {
            Some(Held::Write(slot)) => slot.conn.as_mut(),
            Some(Held::Read(conn)) => Some(&mut **conn),
            None => None,
        };
        conn.ok_or_else(|| {
            SqlError::from(Error::new(Code::Internal, words!("session_closed", "The session is closed.")))
        })
    }
}

impl Drop for SqliteSession {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        match self.held.take() {
            Some(Held::Write(mut slot)) => slot.dirty = true,
            Some(Held::Read(conn)) => drop(conn.detach()),
            None => {}
        }
    }
}

#[async_trait]
impl Session for SqliteSession {
    async fn exec(&mut self, sql: &str) -> Sql<u64> {
        let done = self.conn()?.execute(sqlx::raw_sql(sql)).await.map_err(fault)?;
        Ok(done.rows_affected())
    }

    async fn query(&mut self, sql: &str) -> Sql<Vec<Row>> {
        let rows = self.conn()?.fetch_all(sqlx::raw_sql(sql)).await.map_err(fault)?;
        rows.into_iter().map(row).collect()
    }

    async fn each(&mut self, sql: &str, each: &mut Each<'_>) -> Sql<()> {
        let mut rows = self.conn()?.fetch(sqlx::raw_sql(sql));
        while let Some(row) = rows.try_next().await.map_err(fault)? {
            each(&row)?;
        }
        Ok(())
    }

    async fn begin(&mut self) -> Sql<()> {
        self.open = true;
        self.exec("BEGIN IMMEDIATE").await.map(drop)
    }

    async fn begin_snapshot(&mut self) -> Sql<()> {
        self.open = true;
        self.exec("BEGIN").await?;
        // The snapshot is taken by the first read, not by BEGIN.
        self.query("SELECT 1 FROM sqlite_schema LIMIT 1").await.map(drop)
    }

    async fn commit(&mut self) -> Sql<()> {
        self.exec("COMMIT").await?;
        self.open = false;
        Ok(())
    }

    async fn rollback(&mut self) -> Sql<()> {
        self.exec("ROLLBACK").await?;
        self.open = false;
        Ok(())
    }
}

#[async_trait]
impl Database for SqliteDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn writer(&self) -> Sql<Box<dyn Session>> {
        let mut slot = Arc::clone(&self.writer).lock_owned().await;
        if slot.dirty {
            // Somebody left in mid-transaction: closing the connection rolls it back.
            slot.conn = None;
            slot.dirty = false;
        }
        if slot.conn.is_none() {
            slot.conn = Some(self.options.connect().await.map_err(fault)?);
        }
        Ok(Box::new(SqliteSession { held: Some(Held::Write(slot)), open: false }))
    }

    async fn reader(&self) -> Sql<Box<dyn Session>> {
        if !self.path.exists() {
            return Err(Error::new(Code::Config, self.absent()).into());
        }
        let conn = self.readers.acquire().await.map_err(fault)?;
        Ok(Box::new(SqliteSession { held: Some(Held::Read(conn)), open: false }))
    }

    async fn ddl(&self, sql: &str) -> Sql<()> {
        let mut session = self.writer().await?;
        session.begin().await?;
        session.exec(sql).await?;
        session.commit().await
    }

    /// SQLite copies all that is left of a text before each of its statements: texts of about one statement cost one copy.
    async fn longest_text(&self) -> Sql<usize> {
        Ok(120 << 10)
    }

    async fn create(&self) -> Sql<bool> {
        let new = !self.path.exists();
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                let words = words!(
                    "folder_not_made",
                    "The folder {path} cannot be made: {error}.",
                    path = folder.display(),
                    error
                );
                SqlError::from(Error::new(Code::Refused, words))
            })?;
        }
        drop(self.writer().await?);
        Ok(new)
    }

    fn steps(&self) -> &'static [Step] {
        &[Step::Store, Step::Tables]
    }

    async fn probe(&self, trail: &mut Trail) -> Result<(), Stopped> {
        if !self.path.exists() {
            trail.fault(
                Step::Store,
                Code::Config,
                self.absent(),
                words!("cure_init", "Run `inv-daemon init`"),
            );
            return Err(Stopped);
        }
        let asked = async { self.reader().await?.query("PRAGMA journal_mode").await }.await;
        let mode = asked.map_err(|failed| trail.stop(Step::Store, failed.error))?;
        let place = self.path.display();
        match mode.first().and_then(|row| row.text(0).ok()) {
            Some("wal") => {
                trail.fine(Step::Store, words!("place_opens", "{place} opens and can be read", place))
            }
            _ => trail.fault(
                Step::Store,
                Code::Refused,
                words!("not_wal", "The ledger {place} is not in WAL mode", place),
                words!("cure_local_disk", "Put the data folder on a local disk"),
            ),
        }
        Ok(())
    }
}
