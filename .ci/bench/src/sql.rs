//! A plain connection to MariaDB: texts in, texts out. As foreign to the engine as any other client.

use anyhow::{Context, Result};
use futures::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{ConnectOptions, Executor, Row};
use tokio::runtime::{Handle, Runtime};

/// One connection. Used from one thread at a time, never from inside the runtime.
pub struct Db {
    connection: MySqlConnection,
    runtime: Handle,
}

impl Db {
    pub fn connect(runtime: &Runtime, url: &str) -> Result<Db> {
        let options: MySqlConnectOptions = url.parse().with_context(|| format!("no MySQL URL: {url}"))?;
        let options = options.charset("utf8mb4").collation("utf8mb4_bin").disable_statement_logging();
        let connection = runtime.block_on(options.connect()).context("MariaDB does not answer")?;
        Ok(Db { connection, runtime: runtime.handle().clone() })
    }

    /// Runs one text of any number of statements.
    pub fn run(&mut self, sql: &str) -> Result<()> {
        let done = self.runtime.block_on(self.connection.execute(sqlx::raw_sql(sql)));
        done.map(drop).with_context(|| format!("{sql:.200}"))
    }

    /// Reads all rows as they come and keeps none; tells how many.
    pub fn stream(&mut self, sql: &str) -> Result<u64> {
        let Db { connection, runtime } = self;
        let count = runtime.block_on(async {
            let mut rows = connection.fetch(sqlx::raw_sql(sql));
            let mut count = 0;
            while rows.try_next().await?.is_some() {
                count += 1;
            }
            Ok::<_, sqlx::Error>(count)
        });
        count.with_context(|| format!("{sql:.200}"))
    }

    /// All rows, every column as text.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let rows = self.runtime.block_on(self.connection.fetch_all(sqlx::raw_sql(sql)));
        let rows = rows.with_context(|| format!("{sql:.200}"))?;
        let cell = |row: &sqlx::mysql::MySqlRow, at: usize| -> Result<Option<String>> {
            let bytes: Option<Vec<u8>> = row.try_get_unchecked(at)?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        rows.iter().map(|row| (0..row.len()).map(|at| cell(row, at)).collect()).collect()
    }

    /// The first cell as a number; 0 where it is NULL or there is no row.
    pub fn number(&mut self, sql: &str) -> Result<u64> {
        let rows = self.rows(sql)?;
        let cell = rows.first().and_then(|row| row.first()).and_then(Option::as_deref).unwrap_or("0");
        cell.parse().with_context(|| format!("{cell} is no number: {sql:.200}"))
    }
}
