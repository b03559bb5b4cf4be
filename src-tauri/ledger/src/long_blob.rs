//! A row with a blob that may be longer than one statement may be, such as a rejected message's bytes: written in pieces.

use std::fmt::Write;

use crate::dialect::{Dialect, hex};
use crate::sql::Script;

/// A row for [`Script::long_blob`].
pub(crate) struct LongBlob<'a> {
    /// `INSERT INTO table (columns…, column)`.
    pub head: &'a str,
    /// The values before the blob's.
    pub values: &'a str,
    /// Table's name.
    pub table: &'a str,
    /// The blob's column, last in `head`.
    pub column: &'a str,
    /// Condition that finds the row again.
    pub key: &'a str,
    /// The bytes.
    pub blob: &'a [u8],
}

impl Script {
    /// Adds an INSERT of one row whose last column is a long blob, in pieces where the text would be too long.
    /// `head` ends before that column's value; `target` is `column` of `table WHERE key`.
    pub fn long_blob(&mut self, dialect: Dialect, limit: usize, row: LongBlob<'_>) {
        let piece = (limit / 4).max(1024);
        let mut parts = row.blob.chunks(piece);
        let mut text = format!("{} VALUES ({}, ", row.head, row.values);
        hex(&mut text, parts.next().unwrap_or_default());
        text.push(')');
        self.statement(&text);
        for part in parts {
            let mut text = format!("UPDATE {} SET {} = ", row.table, row.column);
            let (open, close) = match dialect {
                Dialect::Mysql => (format!("CONCAT({}, ", row.column), ")"),
                Dialect::Sqlite => (format!("CAST({} || ", row.column), " AS BLOB)"),
            };
            text.push_str(&open);
            hex(&mut text, part);
            let _ = write!(text, "{close} WHERE {}", row.key);
            self.statement(&text);
        }
    }
}
