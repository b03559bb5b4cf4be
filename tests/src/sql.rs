//! One connection to a ledger or an outbox, read as plain text columns, so that both dialects give the same
//! shape. Blocking on purpose: tests are straight lines. Knows no table of Twinstock.

use std::path::Path;
use std::sync::{LazyLock, Mutex};

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor, Row};
use tokio::runtime::Runtime;

/// The tests' one runtime for clients that only speak async.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

/// One row: every column as text, NULL as `None`.
pub type Line = Vec<Option<String>>;

enum Conn {
    MySql(MySqlConnection),
    Lite(SqliteConnection),
}

/// A connection of our own.
pub struct Db {
    conn: Mutex<Conn>,
    /// Is it MySQL/MariaDB? (else SQLite)
    pub mysql: bool,
}

impl Db {
    /// Connects to MySQL/MariaDB.
    pub fn mysql(url: &str) -> Db {
        let options: MySqlConnectOptions = url.parse().expect("a mysql:// URL");
        let conn = RUNTIME.block_on(options.disable_statement_logging().connect());
        Db { conn: Mutex::new(Conn::MySql(conn.expect("the test MariaDB answers"))), mysql: true }
    }

    /// Opens an SQLite file that exists.
    pub fn sqlite(file: &Path) -> Db {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(false)
            .busy_timeout(std::time::Duration::from_secs(20))
            .disable_statement_logging();
        let conn = RUNTIME.block_on(options.connect());
        Db {
            conn: Mutex::new(Conn::Lite(conn.unwrap_or_else(|e| panic!("{}: {e}", file.display())))),
            mysql: false,
        }
    }

    /// Runs a query whose columns are all text (see [`Db::text`], [`Db::hex`]).
    pub fn rows(&self, sql: &str) -> Vec<Line> {
        self.try_rows(sql).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Runs a query that may be refused.
    pub fn try_rows(&self, sql: &str) -> Result<Vec<Line>, String> {
        let mut conn = self.conn.lock().unwrap();
        let refused = |e: sqlx::Error| format!("{e}: {sql:.300}");
        RUNTIME.block_on(async {
            match &mut *conn {
                Conn::MySql(conn) => {
                    let rows = sqlx::raw_sql(sql).fetch_all(conn).await.map_err(refused)?;
                    Ok(rows.iter().map(|row| lines(row.len(), |at| mysql_text(row, at))).collect())
                }
                Conn::Lite(conn) => {
                    let rows = sqlx::raw_sql(sql).fetch_all(conn).await.map_err(refused)?;
                    let text = |row: &sqlx::sqlite::SqliteRow| {
                        lines(row.len(), |at| row.try_get_unchecked(at).unwrap())
                    };
                    Ok(rows.iter().map(text).collect())
                }
            }
        })
    }

    /// The first column of the only row, as a number.
    pub fn number(&self, sql: &str) -> i64 {
        let rows = self.rows(sql);
        rows[0][0].as_deref().unwrap_or("0").parse().unwrap_or_else(|e| panic!("{e}: {sql}"))
    }

    /// Runs a statement; panics when the server refuses it. Returns the rows touched.
    pub fn run(&self, sql: &str) -> u64 {
        self.try_run(sql).unwrap_or_else(|e| panic!("{e}: {sql:.300}"))
    }

    /// Runs a statement that may be refused.
    pub fn try_run(&self, sql: &str) -> Result<u64, String> {
        let mut conn = self.conn.lock().unwrap();
        RUNTIME.block_on(async {
            match &mut *conn {
                Conn::MySql(conn) => conn.execute(sql).await.map(|d| d.rows_affected()),
                Conn::Lite(conn) => conn.execute(sql).await.map(|d| d.rows_affected()),
            }
            .map_err(|e| e.to_string())
        })
    }

    /// Inserts one blob by its bytes: `sql` has exactly one `?`.
    pub fn put_bytes(&self, sql: &str, bytes: &[u8]) -> Result<u64, String> {
        let mut conn = self.conn.lock().unwrap();
        RUNTIME.block_on(async {
            match &mut *conn {
                Conn::MySql(conn) => {
                    sqlx::query(sql).bind(bytes).execute(conn).await.map(|d| d.rows_affected())
                }
                Conn::Lite(conn) => {
                    sqlx::query(sql).bind(bytes).execute(conn).await.map(|d| d.rows_affected())
                }
            }
            .map_err(|e| e.to_string())
        })
    }

    /// SQL expression: the column as text.
    pub fn text(&self, column: &str) -> String {
        if self.mysql {
            format!("CAST({column} AS CHAR CHARACTER SET utf8mb4)")
        } else {
            format!("CAST({column} AS TEXT)")
        }
    }

    /// SQL expression: the column's bytes as lower-case hex.
    pub fn hex(&self, column: &str) -> String {
        format!("LOWER(HEX({column}))")
    }

    /// Names of all tables that exist.
    pub fn tables(&self) -> Vec<String> {
        let sql = if self.mysql {
            format!(
                "SELECT {} FROM information_schema.tables WHERE table_schema = DATABASE()",
                self.text("table_name")
            )
        } else {
            "SELECT name FROM sqlite_master WHERE type = 'table'".to_owned()
        };
        self.rows(&sql).into_iter().filter_map(|mut row| row.remove(0)).collect()
    }

    /// Ends the connection (SQLite: the file is free afterwards).
    pub fn close(self) {
        let conn = self.conn.into_inner().unwrap();
        RUNTIME.block_on(async {
            match conn {
                Conn::MySql(conn) => conn.close().await.ok(),
                Conn::Lite(conn) => conn.close().await.ok(),
            }
        });
    }
}

fn lines(columns: usize, cell: impl Fn(usize) -> Option<String>) -> Line {
    (0..columns).map(cell).collect()
}

fn mysql_text(row: &sqlx::mysql::MySqlRow, at: usize) -> Option<String> {
    let bytes: Option<Vec<u8>> = row.try_get_unchecked(at).unwrap();
    bytes.map(|bytes| String::from_utf8(bytes).expect("text columns are UTF-8"))
}
