//! What MySQL and SQLite write differently: literals, upserts, locks, table definitions, migrations.
//! Every literal is written so that nothing needs escaping; no text of a user is ever pasted in as it is.

use std::fmt::Write;

use chrono::NaiveDate;
use uuid::Uuid;

/// The SQL dialect of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// MySQL, MariaDB and what speaks their protocol.
    Mysql,
    /// SQLite.
    Sqlite,
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes `x'…'`.
pub(crate) fn hex(out: &mut String, bytes: &[u8]) {
    out.reserve(bytes.len() * 2 + 3);
    out.push_str("x'");
    for byte in bytes {
        out.push(HEX[usize::from(byte >> 4)] as char);
        out.push(HEX[usize::from(byte & 15)] as char);
    }
    out.push('\'');
}

/// Writes an entry's id as bytes, or NULL.
pub(crate) fn entry_id(out: &mut String, id: Option<Uuid>) {
    let Some(id) = id else { return out.push_str("NULL") };
    out.push_str("x'");
    out.push_str(id.simple().encode_lower(&mut [0; uuid::fmt::Simple::LENGTH]));
    out.push('\'');
}

/// Writes an integer.
pub(crate) fn integer(out: &mut String, value: i64) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// Text that is the same between quotes in every SQL mode: nothing in it could end or change a literal.
fn plain(text: &str) -> bool {
    text.bytes().all(|byte| byte < 0x80 && unquoted(byte))
}

/// Neither ends a literal nor begins an escape nor is a control character. Bytes of longer UTF-8 characters are such.
fn unquoted(byte: u8) -> bool {
    byte >= b' ' && byte != b'\'' && byte != b'\\' && byte != 0x7f
}

fn quoted(out: &mut String, text: &str) {
    out.push('\'');
    out.push_str(text);
    out.push('\'');
}

impl Dialect {
    /// A literal for a text column (VARCHAR).
    pub fn text(self, out: &mut String, text: &str) {
        match self {
            // Every connection speaks UTF-8, in which no byte of a longer character is a quote. A charset before each text
            // would be looked up in a list by its name, once for each row.
            _ if text.bytes().all(unquoted) => quoted(out, text),
            Dialect::Mysql => {
                out.push_str("_utf8mb4 ");
                hex(out, text.as_bytes());
            }
            Dialect::Sqlite if text.contains('\0') => {
                out.push_str("CAST(");
                hex(out, text.as_bytes());
                out.push_str(" AS TEXT)");
            }
            Dialect::Sqlite => {
                out.push('\'');
                for c in text.chars() {
                    if c == '\'' {
                        out.push('\'');
                    }
                    out.push(c);
                }
                out.push('\'');
            }
        }
    }

    /// A literal for an id column of the fixed tables (VARBINARY; text in SQLite).
    pub fn id(self, out: &mut String, text: &str) {
        match self {
            Dialect::Mysql if !plain(text) => hex(out, text.as_bytes()),
            _ => self.text(out, text),
        }
    }

    /// An id literal of its own.
    pub fn id_of(self, text: &str) -> String {
        let mut out = String::new();
        self.id(&mut out, text);
        out
    }

    /// A text literal of its own.
    pub fn text_of(self, text: &str) -> String {
        let mut out = String::new();
        self.text(&mut out, text);
        out
    }

    /// The end of an INSERT that adds `sums` and replaces `sets` where a row with `keys` stands already.
    pub fn upsert(self, keys: &str, sums: &[&str], sets: &[&str]) -> String {
        let mut out = match self {
            Dialect::Mysql => " ON DUPLICATE KEY UPDATE ".to_owned(),
            Dialect::Sqlite => format!(" ON CONFLICT ({keys}) DO UPDATE SET "),
        };
        let new = |column: &str| match self {
            Dialect::Mysql => format!("VALUES({column})"),
            Dialect::Sqlite => format!("excluded.{column}"),
        };
        let sums = sums.iter().map(|column| format!("{column} = {column} + {}", new(column)));
        let sets = sets.iter().map(|column| format!("{column} = {}", new(column)));
        let all: Vec<String> = sums.chain(sets).collect();
        out.push_str(&all.join(", "));
        out
    }

    /// The end of an INSERT that leaves a row with the same `key` column as it is.
    pub fn keep(self, key: &str) -> String {
        match self {
            Dialect::Mysql => format!(" ON DUPLICATE KEY UPDATE {key} = {key}"),
            Dialect::Sqlite => " ON CONFLICT DO NOTHING".to_owned(),
        }
    }

    /// The first day of a day's month.
    pub fn month_start(self, column: &str) -> String {
        match self {
            Dialect::Mysql => format!("CAST(DATE_FORMAT({column}, '%Y-%m-01') AS DATE)"),
            Dialect::Sqlite => format!("substr({column}, 1, 8) || '01'"),
        }
    }

    /// Condition: the column contains this text, byte by byte.
    pub fn contains(self, column: &str, text: &str) -> String {
        match self {
            Dialect::Mysql => format!("LOCATE({}, {column}) > 0", self.text_of(text)),
            Dialect::Sqlite => format!("INSTR({column}, {}) > 0", self.text_of(text)),
        }
    }

    /// Asks for the number of the row that this session inserted last.
    pub fn last_id(self) -> &'static str {
        match self {
            Dialect::Mysql => "SELECT LAST_INSERT_ID()",
            Dialect::Sqlite => "SELECT last_insert_rowid()",
        }
    }

    /// The end of a SELECT that keeps others from changing its rows.
    pub fn share(self) -> &'static str {
        match self {
            Dialect::Mysql => " LOCK IN SHARE MODE",
            Dialect::Sqlite => "",
        }
    }

    /// The end of a SELECT that keeps others from its rows.
    pub fn exclusive(self) -> &'static str {
        match self {
            Dialect::Mysql => " FOR UPDATE",
            Dialect::Sqlite => "",
        }
    }

    fn table_end(self) -> &'static str {
        match self {
            Dialect::Mysql => {
                ") ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
            }
            Dialect::Sqlite => ")",
        }
    }

    /// `id` to `description` are the spec's columns, in its order and types; then ours.
    fn columns(self) -> &'static str {
        match self {
            Dialect::Mysql => {
                "id INT AUTO_INCREMENT PRIMARY KEY, product_id VARCHAR(255) NOT NULL, quantity INT NOT NULL, \
                 drcr INT NOT NULL, company_id VARCHAR(255) NOT NULL, warehouse_id VARCHAR(255) NOT NULL, \
                 bill_id VARCHAR(255) NOT NULL, create_time DATETIME NOT NULL, description VARCHAR(512), \
                 entry_id BINARY(16) NULL, source_id INT NOT NULL, source_offset BIGINT NOT NULL"
            }
            Dialect::Sqlite => {
                "id INTEGER PRIMARY KEY, product_id VARCHAR(255) NOT NULL, quantity INT NOT NULL, \
                 drcr INT NOT NULL, company_id VARCHAR(255) NOT NULL, warehouse_id VARCHAR(255) NOT NULL, \
                 bill_id VARCHAR(255) NOT NULL, create_time DATETIME NOT NULL, description VARCHAR(512), \
                 entry_id BLOB NULL, source_id INT NOT NULL, source_offset BIGINT NOT NULL"
            }
        }
    }

    /// Asks which of these tables there are; `list` is their names in quotes.
    pub fn standing_tables(self, list: &str) -> String {
        match self {
            Dialect::Mysql => format!(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() \
                 AND table_name IN ({list})"
            ),
            Dialect::Sqlite => {
                format!("SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ({list})")
            }
        }
    }

    /// Adds the definition of one product's table of one day.
    pub fn day_table(self, script: &mut String, name: &str) {
        let (columns, end) = (self.columns(), self.table_end());
        let _ = writeln!(
            script,
            "CREATE TABLE IF NOT EXISTS {name} ({columns}, UNIQUE (source_id, source_offset), UNIQUE (entry_id){end};"
        );
    }

    /// Adds the definition of one month's table of all products.
    pub fn month_table(self, script: &mut String, name: &str) {
        let (columns, end) = (self.columns(), self.table_end());
        let columns = match self {
            Dialect::Mysql => columns.replacen("id INT AUTO", "id BIGINT AUTO", 1),
            Dialect::Sqlite => columns.to_owned(),
        };
        let index = match self {
            Dialect::Mysql => ", KEY product_time (product_id, create_time)",
            Dialect::Sqlite => "",
        };
        let _ = writeln!(
            script,
            "CREATE TABLE IF NOT EXISTS {name} ({columns}, day DATE NOT NULL, \
             UNIQUE (source_id, source_offset), UNIQUE (day, product_id, entry_id){index}{end};"
        );
        if self == Dialect::Sqlite {
            let _ = writeln!(
                script,
                "CREATE INDEX IF NOT EXISTS {name}_product_time ON {name} (product_id, create_time);"
            );
        }
    }

    /// The migrations: version, name, text. Append-only.
    pub fn migrations(self) -> &'static [(i64, &'static str, &'static str)] {
        match self {
            Dialect::Mysql => &[
                (1, "0001_ledger", include_str!("../../../migrations/mysql/0001_ledger.sql")),
                (2, "0002_audits", include_str!("../../../migrations/mysql/0002_audits.sql")),
                (3, "0003_rolled", include_str!("../../../migrations/mysql/0003_rolled.sql")),
            ],
            Dialect::Sqlite => &[
                (1, "0001_ledger", include_str!("../../../migrations/sqlite/0001_ledger.sql")),
                (2, "0002_audits", include_str!("../../../migrations/sqlite/0002_audits.sql")),
                (3, "0003_rolled", include_str!("../../../migrations/sqlite/0003_rolled.sql")),
            ],
        }
    }

    /// The table of applied migrations.
    pub fn version_table(self) -> String {
        let end = self.table_end();
        format!(
            "CREATE TABLE IF NOT EXISTS schema_version (version INT NOT NULL PRIMARY KEY, name VARCHAR(64) NOT NULL{end};"
        )
    }
}

/// Name of a product's table of one day.
pub(crate) fn day_table_name(slug: &str, day: NaiveDate) -> String {
    format!("t_{slug}_{}", day.format("%Y%m%d"))
}

/// Name of a month's table.
pub(crate) fn month_table_name(day: NaiveDate) -> String {
    format!("entries_{}", day.format("%Y%m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_need_no_escaping() {
        assert_eq!(Dialect::Mysql.text_of("a b"), "'a b'");
        assert_eq!(Dialect::Mysql.text_of("a'b"), "_utf8mb4 x'612762'");
        assert_eq!(Dialect::Mysql.text_of("入库\u{7f}"), "_utf8mb4 x'e585a5e5ba937f'");
        assert_eq!(Dialect::Mysql.text_of("入库单据"), "'入库单据'");
        assert_eq!(Dialect::Mysql.id_of("苹"), "x'e88bb9'");
        assert_eq!(Dialect::Mysql.id_of("a\\"), "x'615c'");
        assert_eq!(Dialect::Sqlite.text_of("a'b"), "'a''b'");
        assert_eq!(Dialect::Sqlite.text_of("a\0"), "CAST(x'6100' AS TEXT)");
    }
}
