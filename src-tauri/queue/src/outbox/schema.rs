//! The outbox's file: its tables, how it is opened, and what SQLite's failures mean. The tables here only ever
//! grow; AUTOINCREMENT keeps a number from being given twice, whatever happens to rows.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row, SqlitePool};
use uuid::Uuid;

use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;

/// Version of the tables below, kept in `PRAGMA user_version`.
const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE bills(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bill_id TEXT NOT NULL UNIQUE,
    drcr INTEGER NOT NULL,
    company_id TEXT NOT NULL,
    warehouse_id TEXT NOT NULL,
    create_time TEXT NOT NULL,
    posted_ms INTEGER NOT NULL,
    reverses TEXT NULL,
    reversed_by TEXT NULL,
    lines INTEGER NOT NULL,
    quantity INTEGER NOT NULL);
CREATE INDEX bills_time ON bills(create_time);
CREATE TABLE outbox(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id BLOB NOT NULL UNIQUE,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    bill INTEGER NULL REFERENCES bills(id),
    bill_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    drcr INTEGER NOT NULL,
    description TEXT NULL,
    saved_ms INTEGER NOT NULL,
    partition INTEGER NULL,
    sent_topic_uuid BLOB NULL,
    sent_offset INTEGER NULL,
    acked INTEGER NOT NULL DEFAULT 0);
CREATE INDEX outbox_bill ON outbox(bill) WHERE bill IS NOT NULL;
CREATE INDEX outbox_waiting ON outbox(seq) WHERE acked = 0;
CREATE TABLE drafts(id TEXT PRIMARY KEY, json TEXT NOT NULL, updated_ms INTEGER NOT NULL);
";

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .disable_statement_logging()
}

/// Opens the one writing connection and brings the tables into being.
pub(super) async fn open_writer(path: &Path, now_ms: i64) -> Result<SqliteConnection> {
    let opened = options(path).create_if_missing(true).connect().await;
    let mut writer = opened.map_err(|err| sql_error(err).at(Words::plain(path.display())))?;
    let row = sqlx::query("PRAGMA user_version").fetch_one(&mut writer).await.map_err(sql_error)?;
    match row.get::<i64, _>(0) {
        VERSION => {}
        0 => create(&mut writer, now_ms).await.map_err(sql_error)?,
        other => {
            return Err(Error::new(
                Code::Config,
                words!(
                    "outbox_newer",
                    "{path} was written by a newer Twinstock (version {other} of its tables). Update this program.",
                    path = path.display(),
                    other
                ),
            ));
        }
    }
    Ok(writer)
}

async fn create(writer: &mut SqliteConnection, now_ms: i64) -> Result<(), sqlx::Error> {
    let mut work = writer.begin().await?;
    sqlx::raw_sql(TABLES).execute(&mut *work).await?;
    sqlx::query("INSERT INTO meta(name, value) VALUES ('incarnation', ?1), ('created_ms', ?2)")
        .bind(Uuid::new_v4().as_bytes().as_slice())
        .bind(now_ms)
        .execute(&mut *work)
        .await?;
    sqlx::raw_sql("PRAGMA user_version = 1").execute(&mut *work).await?;
    work.commit().await
}

/// Opens the reading connections; WAL lets them read while the writer commits.
pub(super) async fn open_readers(path: &Path) -> Result<SqlitePool> {
    let pool = SqlitePoolOptions::new().min_connections(1).max_connections(3);
    pool.connect_with(options(path).read_only(true)).await.map_err(sql_error)
}

/// UUID of the file's life.
pub(super) async fn incarnation(pool: &SqlitePool) -> Result<Uuid> {
    let row = sqlx::query("SELECT value FROM meta WHERE name = 'incarnation'").fetch_one(pool).await;
    Ok(uuid(&row.map_err(sql_error)?, "value").unwrap_or_default())
}

/// The UUID in that column, if there is one.
pub(super) fn uuid(row: &SqliteRow, column: &str) -> Option<Uuid> {
    Uuid::from_slice(&row.get::<Option<Vec<u8>>, _>(column)?).ok()
}

/// SQLITE_IOERR_SHMSIZE.
const NO_ROOM_FOR_SHM: i64 = 4874;

/// SQLite's failure in the engine's words.
pub(super) fn sql_error(err: sqlx::Error) -> Error {
    let code = err.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<i64>().ok());
    // No room for the shared memory of a WAL is no room either.
    let code = code.map(|code| if code == NO_ROOM_FOR_SHM { 13 } else { code & 0xff });
    match code {
        Some(13) => {
            let words = words!(
                "outbox_disk_full",
                "The disk is full: nothing more can be saved. Free some space; what was saved is safe."
            );
            Error::new(Code::Full, words)
        }
        Some(10) => Error::new(
            Code::Full,
            words!(
                "outbox_not_written",
                "The outbox cannot be written ({err}). Check the disk; what was saved is safe.",
                err
            ),
        ),
        Some(5 | 6) => Error::new(
            Code::Retry,
            words!("outbox_held", "The outbox is held by another connection ({err}). Try again.", err),
        ),
        Some(8 | 14) => Error::new(
            Code::Refused,
            words!(
                "outbox_not_opened",
                "The outbox cannot be opened for writing ({err}). Check its folder's rights.",
                err
            ),
        ),
        Some(11 | 26) => Error::new(
            Code::Corrupt,
            words!(
                "outbox_damaged",
                "The outbox's file is damaged ({err}). Restore it from a copy; the ledger recognises what it has.",
                err
            ),
        ),
        _ => Error::new(Code::Internal, words!("outbox_failed", "outbox: {err}", err)),
    }
}
