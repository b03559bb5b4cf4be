//! MySQL, MariaDB and what speaks their protocol, behind the ledger. Everything travels as text protocol with
//! inline literals: one round trip per batch, no prepared statements to run out of. Never DDL in a transaction.

mod mysql_check;

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::mysql::{
    MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlPool, MySqlPoolOptions, MySqlRow,
};
use sqlx::pool::PoolConnection;
use sqlx::{ConnectOptions, Connection, Executor, Row as _, ValueRef};
use tokio::sync::OnceCell;

use super::dialect::Dialect;
use super::sql::{Cell, Database, Each, Kind, Passing, Row, Session, Sql, SqlError};
use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;
use probe::{Step, Stopped, Trail};

/// Set on every connection. `lock_wait_timeout` bounds waiting for a table that somebody reads for long. A process
/// that is frozen in the middle of a transaction would keep its source's row locked as long as it sleeps: MariaDB
/// ends such a transaction, MySQL (which knows no such limit) the silent connection; the pool makes a new one.
const SETTINGS: &str = "SET NAMES utf8mb4 COLLATE utf8mb4_bin, \
    SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE', \
    SESSION innodb_lock_wait_timeout = 5, SESSION lock_wait_timeout = 10, SESSION autocommit = 1 \
    /*M!100300 , SESSION idle_write_transaction_timeout = 5 */ /*!80000 , SESSION wait_timeout = 8 */; \
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// A ledger server.
pub(crate) struct MysqlDatabase {
    /// Where, for words: never with the password.
    place: String,
    name: String,
    without_database: MySqlConnectOptions,
    pool: MySqlPool,
    packet: OnceCell<usize>,
}

impl MysqlDatabase {
    /// Reads the URL; nothing is opened yet. `password` goes before the one in the URL.
    pub fn new(url: &str, password: Option<String>) -> Result<Self> {
        let wrong = |why: Words| {
            Error::new(
                Code::Config,
                words!(
                    "mysql_url_wrong",
                    "[mysql] url is wrong: {why}. Write it as mysql://user@host:3306/database.",
                    why
                ),
            )
        };
        let (head, tail) = url.split_once('?').map_or((url, None), |(head, tail)| (head, Some(tail)));
        let (scheme, rest) =
            head.split_once("://").ok_or_else(|| wrong(words!("url_no_scheme", "it has no scheme")))?;
        let (server, name) =
            rest.split_once('/').ok_or_else(|| wrong(words!("url_no_database", "it names no database")))?;
        if !matches!(scheme, "mysql" | "mariadb") {
            return Err(wrong(words!(
                "url_not_mysql",
                "the scheme {scheme} is not mysql",
                scheme = format!("{scheme:?}")
            )));
        }
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(wrong(words!(
                "url_database_name",
                "the database's name must be of letters, digits, _ and -"
            )));
        }
        let query = tail.map(|tail| format!("?{tail}")).unwrap_or_default();
        let bare = format!("mysql://{server}/{query}");
        let mut options = MySqlConnectOptions::from_str(&bare)
            .map_err(|error| wrong(Words::plain(error)))?
            .charset("utf8mb4")
            .collation("utf8mb4_bin")
            .set_names(false)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None)
            .statement_cache_capacity(1)
            .disable_statement_logging();
        if let Some(password) = password {
            options = options.password(&password);
        }
        let place = format!("{}:{}/{name}", options.get_host(), options.get_port());
        let pool = MySqlPoolOptions::new()
            .min_connections(0)
            .max_connections(24)
            .acquire_timeout(Duration::from_secs(5))
            .idle_timeout(Duration::from_secs(300))
            .after_connect(|conn, _| {
                Box::pin(async move { conn.execute(sqlx::raw_sql(SETTINGS)).await.map(drop) })
            })
            .connect_lazy_with(options.clone().database(name));
        Ok(MysqlDatabase {
            place,
            name: name.to_owned(),
            without_database: options,
            pool,
            packet: OnceCell::new(),
        })
    }

    fn fault(&self, error: sqlx::Error) -> SqlError {
        fault(error).at(&self.place)
    }

    async fn acquire(&self) -> Sql<Box<dyn Session>> {
        let conn = self.pool.acquire().await.map_err(|error| self.fault(error))?;
        Ok(Box::new(MysqlSession { conn: Some(conn), open: false, place: self.place.clone() }))
    }

    async fn packet(&self) -> Sql<i64> {
        let mut session = self.acquire().await?;
        let rows = session.query("SELECT @@max_allowed_packet").await?;
        Ok(rows.first().map(|row| row.int(0)).transpose()?.unwrap_or(1 << 20))
    }
}

impl SqlError {
    fn at(mut self, place: &str) -> Self {
        self.error = self.error.at(words!("ledger_place", "ledger {place}", place));
        self
    }
}

fn fault(error: sqlx::Error) -> SqlError {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        let words =
            words!("mysql_silent", "The server does not answer. Check that it runs and can be reached.");
        return Error::new(Code::Unreachable, words).into();
    }
    let number = match &error {
        sqlx::Error::Database(db) => {
            db.try_downcast_ref::<MySqlDatabaseError>().map_or(1, MySqlDatabaseError::number)
        }
        _ => 0,
    };
    let (kind, code, cure) = match number {
        1062 | 1586 => (
            Kind::Duplicate,
            Code::Retry,
            words!("cure_transaction_again", "The transaction is tried again."),
        ),
        1146 | 1412 | 1051 => (Kind::NoTable, Code::Retry, words!("cure_again", "It is tried again.")),
        1205 | 1213 | 1020 | 3572 => {
            (Kind::Other, Code::Retry, words!("cure_transaction_again", "The transaction is tried again."))
        }
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1698 => (
            Kind::Other,
            Code::Refused,
            words!("cure_mysql_login", "Check user, password and grants of the ledger's server."),
        ),
        1049 => (
            Kind::Other,
            Code::Refused,
            words!("cure_init_database", "Run `inv-daemon init` to create the database."),
        ),
        1021 | 1114 | 1041 | 3675 => {
            (Kind::Other, Code::Full, words!("cure_mysql_space", "Free space on the ledger's server."))
        }
        1290 | 1836 | 3100 => (
            Kind::Other,
            Code::Full,
            words!("cure_mysql_read_only", "The server is read-only; make it writable."),
        ),
        1153 => (
            Kind::Other,
            Code::Config,
            words!("cure_mysql_packet", "Raise max_allowed_packet on the ledger's server."),
        ),
        // 3169 and 4031 are MySQL's words for a session that was killed, or was silent for longer than wait_timeout.
        0 | 1040 | 1053 | 1077 | 1129 | 1203 | 1317 | 1927 | 2006 | 2013 | 3169 | 4031 => (
            Kind::Other,
            Code::Unreachable,
            words!("cure_mysql_reach", "Check that the ledger's server runs and can be reached."),
        ),
        _ => (Kind::Other, Code::Internal, words!("cure_report_this", "Please report this.")),
    };
    SqlError {
        kind,
        error: Error::new(
            code,
            words!("statement_failed", "The statement failed: {error}. {cure}", error, cure),
        ),
    }
}

fn row(row: MySqlRow) -> Sql<Row> {
    let mut cells = Vec::with_capacity(row.len());
    for at in 0..row.len() {
        let null = row.try_get_raw(at).map_err(fault)?.is_null();
        cells.push(if null { Cell::Null } else { Cell::Bytes(row.try_get_unchecked(at).map_err(fault)?) });
    }
    Ok(Row(cells))
}

impl Passing for MySqlRow {
    fn bytes(&self, at: usize) -> Option<&[u8]> {
        self.try_get_unchecked(at).ok().flatten()
    }

    fn number(&self, at: usize) -> Option<i64> {
        std::str::from_utf8(Passing::bytes(self, at)?).ok()?.parse().ok()
    }
}

struct MysqlSession {
    conn: Option<PoolConnection<sqlx::MySql>>,
    open: bool,
    place: String,
}

impl MysqlSession {
    fn conn(&mut self) -> Sql<&mut MySqlConnection> {
        match &mut self.conn {
            Some(conn) => Ok(&mut **conn),
            None => {
                Err(Error::new(Code::Internal, words!("session_closed", "The session is closed.")).into())
            }
        }
    }
}

impl Drop for MysqlSession {
    fn drop(&mut self) {
        // A connection left in a transaction must not serve anybody else: closing it rolls back.
        if self.open
            && let Some(conn) = self.conn.take()
        {
            drop(conn.detach());
        }
    }
}

#[async_trait]
impl Session for MysqlSession {
    async fn exec(&mut self, sql: &str) -> Sql<u64> {
        let done = self.conn()?.execute(sqlx::raw_sql(sql)).await;
        done.map(|done| done.rows_affected()).map_err(|error| fault(error).at(&self.place))
    }

    async fn query(&mut self, sql: &str) -> Sql<Vec<Row>> {
        let rows = self.conn()?.fetch_all(sqlx::raw_sql(sql)).await;
        rows.map_err(|error| fault(error).at(&self.place))?.into_iter().map(row).collect()
    }

    async fn each(&mut self, sql: &str, each: &mut Each<'_>) -> Sql<()> {
        let place = self.place.clone();
        let mut rows = self.conn()?.fetch(sqlx::raw_sql(sql));
        while let Some(row) = rows.try_next().await.map_err(|error| fault(error).at(&place))? {
            each(&row)?;
        }
        Ok(())
    }

    async fn begin(&mut self) -> Sql<()> {
        self.open = true;
        self.exec("START TRANSACTION").await.map(drop)
    }

    async fn begin_snapshot(&mut self) -> Sql<()> {
        self.open = true;
        self.exec(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
             START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        )
        .await
        .map(drop)
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
impl Database for MysqlDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    async fn writer(&self) -> Sql<Box<dyn Session>> {
        self.acquire().await
    }

    async fn reader(&self) -> Sql<Box<dyn Session>> {
        self.acquire().await
    }

    async fn ddl(&self, sql: &str) -> Sql<()> {
        self.acquire().await?.exec(sql).await.map(drop)
    }

    async fn longest_text(&self) -> Sql<usize> {
        let packet = self.packet.get_or_try_init(|| async {
            let packet = usize::try_from(self.packet().await?).unwrap_or(1 << 20);
            Ok::<_, SqlError>((packet.saturating_sub(packet / 8)).clamp(64 << 10, 1 << 20))
        });
        packet.await.copied()
    }

    async fn create(&self) -> Sql<bool> {
        match self.pool.acquire().await {
            Ok(_) => return Ok(false),
            Err(sqlx::Error::Database(db))
                if db.try_downcast_ref::<MySqlDatabaseError>().is_some_and(|db| db.number() == 1049) => {}
            Err(error) => return Err(self.fault(error)),
        }
        let mut conn = self.without_database.connect().await.map_err(|error| self.fault(error))?;
        let sql = format!(
            "CREATE DATABASE IF NOT EXISTS `{}` DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            self.name
        );
        conn.execute(sqlx::raw_sql(&sql)).await.map_err(|error| self.fault(error))?;
        let _ = conn.close().await;
        Ok(true)
    }

    fn steps(&self) -> &'static [Step] {
        super::CLUSTER_STEPS
    }

    async fn probe(&self, trail: &mut Trail) -> Result<(), Stopped> {
        self.walk(trail).await
    }
}
