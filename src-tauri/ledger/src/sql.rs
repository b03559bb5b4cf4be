//! The thin floor under the ledger's logic: sessions that run SQL texts, and the rows they answer with.
//! Two back ends stand behind it (MySQL/MariaDB and SQLite). Nothing here knows what a ledger is.

use async_trait::async_trait;
use chrono::{NaiveDate, NaiveDateTime};
use uuid::Uuid;

use super::dialect::Dialect;
use domain::entry::parse_time;
use domain::error::{Code, Error, Result};
use domain::words;
use probe::{Step, Stopped, Trail};

/// What a failed statement means for the transaction around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A unique key is taken: somebody else was first, or a duplicate stands there already.
    Duplicate,
    /// A table is missing or was changed under a snapshot.
    NoTable,
    /// Everything else; the error's code says what to do.
    Other,
}

/// A failed statement: its kind for the ledger's own decisions, its error for the caller.
#[derive(Debug, Clone)]
pub(crate) struct SqlError {
    /// What it means here.
    pub kind: Kind,
    /// What the caller is told.
    pub error: Error,
}

/// Result of a statement.
pub(crate) type Sql<T> = std::result::Result<T, SqlError>;

impl From<Error> for SqlError {
    fn from(error: Error) -> Self {
        SqlError { kind: Kind::Other, error }
    }
}

impl From<SqlError> for Error {
    fn from(fault: SqlError) -> Self {
        fault.error
    }
}

/// One cell of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Bytes(Vec<u8>),
}

/// One row of an answer; read by position.
#[derive(Debug, Clone)]
pub(crate) struct Row(pub Vec<Cell>);

fn odd(at: usize, what: &str) -> Error {
    Error::new(
        Code::Corrupt,
        words!("ledger_column_odd", "The ledger answered column {at} that is no {what}.", at, what),
    )
}

impl Row {
    fn cell(&self, at: usize) -> &Cell {
        self.0.get(at).unwrap_or(&Cell::Null)
    }

    /// An integer; the text protocol's digits are read as such.
    pub fn int(&self, at: usize) -> Result<i64> {
        self.opt_int(at)?.ok_or_else(|| odd(at, "integer"))
    }

    /// An integer or NULL.
    pub fn opt_int(&self, at: usize) -> Result<Option<i64>> {
        match self.cell(at) {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(*value)),
            Cell::Bytes(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(|_| odd(at, "integer"))?;
                text.parse().map(Some).map_err(|_| odd(at, "integer"))
            }
        }
    }

    /// Bytes or NULL.
    pub fn opt_bytes(&self, at: usize) -> Option<&[u8]> {
        match self.cell(at) {
            Cell::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Bytes.
    pub fn bytes(&self, at: usize) -> Result<&[u8]> {
        self.opt_bytes(at).ok_or_else(|| odd(at, "bytes"))
    }

    /// Text.
    pub fn text(&self, at: usize) -> Result<&str> {
        std::str::from_utf8(self.bytes(at)?).map_err(|_| odd(at, "UTF-8 text"))
    }

    /// Text or NULL.
    pub fn opt_text(&self, at: usize) -> Result<Option<&str>> {
        match self.opt_bytes(at) {
            None => Ok(None),
            Some(bytes) => std::str::from_utf8(bytes).map(Some).map_err(|_| odd(at, "UTF-8 text")),
        }
    }

    /// Sixteen bytes.
    pub fn sixteen(&self, at: usize) -> Result<[u8; 16]> {
        self.bytes(at)?.try_into().map_err(|_| odd(at, "16 bytes"))
    }

    /// A UUID or NULL.
    pub fn opt_uuid(&self, at: usize) -> Result<Option<Uuid>> {
        match self.cell(at) {
            Cell::Null => Ok(None),
            _ => Ok(Some(Uuid::from_bytes(self.sixteen(at)?))),
        }
    }

    /// A day written YYYY-MM-DD.
    pub fn day(&self, at: usize) -> Result<NaiveDate> {
        self.text(at)?.parse().map_err(|_| odd(at, "day"))
    }

    /// A day or NULL.
    pub fn opt_day(&self, at: usize) -> Result<Option<NaiveDate>> {
        match self.cell(at) {
            Cell::Null => Ok(None),
            _ => self.day(at).map(Some),
        }
    }

    /// A moment written YYYY-MM-DD HH:MM:SS.
    pub fn time(&self, at: usize) -> Result<NaiveDateTime> {
        parse_time(self.text(at)?).ok_or_else(|| odd(at, "moment"))
    }
}

/// One row while it passes by: nothing of it is copied.
pub(crate) trait Passing {
    /// Bytes of a cell; `None`: NULL. SQLite's numbers are their digits.
    fn bytes(&self, at: usize) -> Option<&[u8]>;
    /// A cell's integer; `None`: NULL or none.
    fn number(&self, at: usize) -> Option<i64>;

    /// A cell's text.
    fn text(&self, at: usize) -> Result<&str> {
        let bytes = self.bytes(at).ok_or_else(|| odd(at, "text"))?;
        std::str::from_utf8(bytes).map_err(|_| odd(at, "UTF-8 text"))
    }

    /// A cell's integer, which must be there.
    fn int(&self, at: usize) -> Result<i64> {
        self.number(at).ok_or_else(|| odd(at, "integer"))
    }
}

/// What is done with each row that passes by.
pub(crate) type Each<'a> = dyn FnMut(&dyn Passing) -> Result<()> + Send + 'a;

/// One connection for one purpose. Dropped inside a transaction it is rolled back, never reused as it is.
#[async_trait]
pub(crate) trait Session: Send {
    /// Runs one text of one or more statements; answers the rows affected by all of them.
    async fn exec(&mut self, sql: &str) -> Sql<u64>;
    /// Runs one query; answers all its rows.
    async fn query(&mut self, sql: &str) -> Sql<Vec<Row>>;
    /// Runs one query and hands its rows on as they come: the server goes on while they are worked on.
    async fn each(&mut self, sql: &str, each: &mut Each<'_>) -> Sql<()>;
    /// Opens a writing transaction (SQLite takes the write lock at once).
    async fn begin(&mut self) -> Sql<()>;
    /// Opens a reading transaction that sees one state of the whole ledger.
    async fn begin_snapshot(&mut self) -> Sql<()>;
    /// Commits. An error means that the outcome is unknown.
    async fn commit(&mut self) -> Sql<()>;
    /// Rolls back.
    async fn rollback(&mut self) -> Sql<()>;
}

/// Ends a transaction: commits what went well, rolls back what did not.
pub(crate) async fn conclude<T>(session: &mut dyn Session, outcome: Sql<T>) -> Sql<T> {
    match outcome {
        Ok(value) => {
            session.commit().await?;
            Ok(value)
        }
        Err(failed) => {
            // If this fails too, the session stays open and is closed when dropped, which rolls back.
            let _ = session.rollback().await;
            Err(failed)
        }
    }
}

/// A ledger's server or file.
#[async_trait]
pub(crate) trait Database: Send + Sync {
    /// How this database writes what both understand.
    fn dialect(&self) -> Dialect;
    /// A session that may write.
    async fn writer(&self) -> Sql<Box<dyn Session>>;
    /// A session that reads.
    async fn reader(&self) -> Sql<Box<dyn Session>>;
    /// Creates or drops tables: outside any transaction of the caller, and idempotent texts only.
    async fn ddl(&self, sql: &str) -> Sql<()>;
    /// Longest text for one `exec`, in bytes.
    async fn longest_text(&self) -> Sql<usize>;
    /// Creates the database itself if it is missing; true when it did.
    async fn create(&self) -> Sql<bool>;
    /// What `probe` tries, and the fixed tables, in order.
    fn steps(&self) -> &'static [Step];
    /// Tries every step but the fixed tables.
    async fn probe(&self, trail: &mut Trail) -> Result<(), Stopped>;
}

/// Gathers statements into texts that stay below the server's limit.
pub(crate) struct Script {
    limit: usize,
    texts: Vec<String>,
    text: String,
}

impl Script {
    /// Texts of at most `limit` bytes, as far as single rows allow.
    pub fn new(limit: usize) -> Self {
        Script { limit, texts: Vec::new(), text: String::new() }
    }

    /// Adds a whole statement.
    pub fn statement(&mut self, sql: &str) {
        if !self.text.is_empty() && self.text.len() + sql.len() + 2 > self.limit {
            self.texts.push(std::mem::take(&mut self.text));
        }
        self.text.push_str(sql);
        self.text.push_str(";\n");
    }

    /// Adds `head VALUES row, row, … tail`, as often as the limit demands.
    pub fn rows<T>(
        &mut self,
        head: &str,
        tail: &str,
        rows: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut String, T),
    ) {
        // Each statement costs as much as several rows: a large batch takes few of them.
        const ROWS: usize = 2_000;
        let mut open = 0;
        let mut row = String::new();
        for item in rows {
            row.clear();
            write(&mut row, item);
            if open > 0 && (open == ROWS || self.text.len() + row.len() + tail.len() + 8 > self.limit) {
                self.close(tail);
                open = 0;
            }
            if open == 0 {
                let needed = head.len() + row.len() + tail.len() + 16;
                if !self.text.is_empty() && self.text.len() + needed > self.limit {
                    self.texts.push(std::mem::take(&mut self.text));
                }
                self.text.push_str(head);
                self.text.push_str(" VALUES ");
            } else {
                self.text.push(',');
            }
            self.text.push_str(&row);
            open += 1;
        }
        if open > 0 {
            self.close(tail);
        }
    }

    fn close(&mut self, tail: &str) {
        self.text.push_str(tail);
        self.text.push_str(";\n");
    }

    /// Runs everything in order.
    pub async fn run(mut self, session: &mut dyn Session) -> Sql<()> {
        if !self.text.is_empty() {
            self.texts.push(std::mem::take(&mut self.text));
        }
        for text in &self.texts {
            session.exec(text).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_stays_below_its_limit() {
        let mut script = Script::new(100);
        script.rows("INSERT INTO t (a)", " ON CONFLICT DO NOTHING", 0..50, |out, n| {
            out.push_str(&format!("({n})"));
        });
        script.texts.push(std::mem::take(&mut script.text));
        assert!(script.texts.len() > 3);
        assert!(script.texts.iter().all(|text| text.len() <= 100 && text.ends_with(";\n")));
    }
}
