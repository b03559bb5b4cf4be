//! What the two stores hold at one moment, read with plain SQL and plain keys into plain structures. Believes
//! nothing and checks nothing: that is `oracle.rs`.

use std::collections::{BTreeMap, BTreeSet};

use crate::spec::Entry;
use crate::sql::{Db, Line};

/// One row of `sources`.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// `sources.id`.
    pub id: i64,
    /// Name in `at`.
    pub name: String,
    /// Topic name.
    pub topic: String,
    /// Topic UUID, 32 hex digits.
    pub uuid: String,
    /// Partition.
    pub partition: i32,
    /// Consumer's position.
    pub next_offset: i64,
    /// Acknowledged by the stock below this.
    pub stock_offset: i64,
    /// Last message taken.
    pub last_offset: i64,
    /// XXH3-64 of its payload.
    pub last_hash: i64,
    /// Rows counted.
    pub entries: i64,
    /// Rows rejected.
    pub rejected: i64,
    /// Σ quantity·drcr.
    pub signed_quantity: i64,
    /// Σ of the rows' digests mod 2^64.
    pub digest: i64,
}

/// One ledger row, wherever it lies.
#[derive(Debug, Clone)]
pub struct Row {
    /// Table it lies in.
    pub table: String,
    /// Column `day` of a month table.
    pub day: Option<String>,
    /// The entry as written there.
    pub entry: Entry,
    /// `source_id`.
    pub source: i64,
    /// `source_offset`.
    pub offset: i64,
}

/// One row of `rejected_entries`.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// `source_id`.
    pub source: i64,
    /// `source_offset`.
    pub offset: i64,
    /// invalid, duplicate, window, overflow.
    pub kind: String,
    /// Field named.
    pub field: String,
    /// Why.
    pub reason: String,
    /// The message's bytes.
    pub payload: Vec<u8>,
}

/// One row of `balances` or `day_totals`, as numbers by key.
pub type Numbers<K> = Vec<(K, [i64; 3])>;

/// One row of `ledger_tables`.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Product of a day table.
    pub product: Option<String>,
    /// First day it holds.
    pub first: String,
    /// Last day it holds.
    pub last: String,
}

/// Both stores.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// `sources`.
    pub sources: Vec<Source>,
    /// All rows of all catalogued tables, but those of day tables whose day is compacted (about to be dropped).
    pub rows: Vec<Row>,
    /// `rejected_entries`.
    pub rejected: Vec<Rejected>,
    /// (source id, warehouse, product) → last_offset, quantity, entries.
    pub balances: Numbers<(i64, String, String)>,
    /// (day, product, warehouse) → in, out, entries.
    pub totals: Numbers<(String, String, String)>,
    /// Product id → slug.
    pub slugs: BTreeMap<String, String>,
    /// Day → state.
    pub days: BTreeMap<String, String>,
    /// Catalogue of tables.
    pub tables: Vec<Table>,
    /// Day tables of compacted days that are still there.
    pub leftovers: Vec<String>,
    /// Stock: key → value's bytes as text.
    pub stock: BTreeMap<String, String>,
}

/// Bytes of a payload that comes with its row; there may be many hundred thousand of them.
const SHORT: i64 = 2_000;
/// Bytes of a longer payload read at a time.
const PIECE: i64 = 4_000_000;
/// Tables per UNION ALL.
const CHUNK: usize = 100;

impl Snapshot {
    /// Reads the ledger in one transaction. The stock is to be read by the caller *before* this, so that the
    /// ledger is never behind it.
    pub fn read(db: &Db, stock: BTreeMap<String, String>) -> Snapshot {
        for _ in 0..100 {
            match Snapshot::at_one_moment(db, stock.clone()) {
                Ok(snapshot) => return snapshot,
                // A table was made, filled or dropped since this transaction began: another moment is taken.
                Err(words) if ["1412", "1146", "no such table"].iter().any(|code| words.contains(code)) => {
                    db.run("ROLLBACK");
                    std::thread::sleep(std::time::Duration::from_millis(30));
                }
                Err(words) => panic!("{words}"),
            }
        }
        panic!("the ledger's tables never stand still");
    }

    fn at_one_moment(db: &Db, stock: BTreeMap<String, String>) -> Result<Snapshot, String> {
        db.run(if db.mysql { "START TRANSACTION WITH CONSISTENT SNAPSHOT" } else { "BEGIN" });
        let mut snapshot = Snapshot { stock, ..Snapshot::default() };
        snapshot.read_sources(db);
        snapshot.read_catalogue(db);
        snapshot.read_totals(db);
        snapshot.read_rejected(db);
        snapshot.read_rows(db)?;
        db.run("COMMIT");
        Ok(snapshot)
    }

    fn read_sources(&mut self, db: &Db) {
        let columns = columns(
            db,
            "id name topic #topic_uuid partition_no next_offset stock_offset last_offset last_hash entries \
             rejected signed_quantity digest",
        );
        for line in db.rows(&format!("SELECT {columns} FROM sources ORDER BY id")) {
            self.sources.push(Source {
                id: number(&line, 0),
                name: text(&line, 1),
                topic: text(&line, 2),
                uuid: text(&line, 3),
                partition: number(&line, 4) as i32,
                next_offset: number(&line, 5),
                stock_offset: number(&line, 6),
                last_offset: number(&line, 7),
                last_hash: number(&line, 8),
                entries: number(&line, 9),
                rejected: number(&line, 10),
                signed_quantity: number(&line, 11),
                digest: number(&line, 12),
            });
        }
    }

    fn read_catalogue(&mut self, db: &Db) {
        let columns_of_days = columns(db, "day state");
        for line in db.rows(&format!("SELECT {columns_of_days} FROM ledger_days")) {
            self.days.insert(text(&line, 0), text(&line, 1));
        }
        let columns_of_tables = columns(db, "table_name product_id first_day last_day");
        for line in db.rows(&format!("SELECT {columns_of_tables} FROM ledger_tables ORDER BY table_name")) {
            let product = line[1].clone().filter(|id| !id.is_empty());
            let table = Table { name: text(&line, 0), product, first: text(&line, 2), last: text(&line, 3) };
            self.tables.push(table);
        }
        let columns_of_products = columns(db, "id slug");
        for line in db.rows(&format!("SELECT {columns_of_products} FROM products")) {
            self.slugs.insert(text(&line, 0), text(&line, 1));
        }
    }

    fn read_totals(&mut self, db: &Db) {
        let columns_of_balances =
            columns(db, "source_id warehouse_id product_id last_offset quantity entries");
        for line in db.rows(&format!("SELECT {columns_of_balances} FROM balances")) {
            let key = (number(&line, 0), text(&line, 1), text(&line, 2));
            self.balances.push((key, [number(&line, 3), number(&line, 4), number(&line, 5)]));
        }
        let columns_of_totals = columns(db, "day product_id warehouse_id in_quantity out_quantity entries");
        for line in db.rows(&format!("SELECT {columns_of_totals} FROM day_totals")) {
            let key = (text(&line, 0), text(&line, 1), text(&line, 2));
            self.totals.push((key, [number(&line, 3), number(&line, 4), number(&line, 5)]));
        }
    }

    fn read_rejected(&mut self, db: &Db) {
        let columns = columns(db, "source_id source_offset kind field reason LENGTH(payload)");
        let short = format!("CASE WHEN LENGTH(payload) <= {SHORT} THEN {} END", db.hex("payload"));
        for line in db.rows(&format!("SELECT {columns}, {short} FROM rejected_entries")) {
            let (source, offset) = (number(&line, 0), number(&line, 1));
            self.rejected.push(Rejected {
                source,
                offset,
                kind: text(&line, 2),
                field: line[3].clone().unwrap_or_default(),
                reason: text(&line, 4),
                payload: match &line[6] {
                    Some(hex) => bytes(hex),
                    None => payload(db, source, offset, number(&line, 5)),
                },
            });
        }
    }

    fn read_rows(&mut self, db: &Db) -> Result<(), String> {
        let spec = columns(
            db,
            "product_id quantity drcr company_id warehouse_id bill_id create_time description #entry_id \
             source_id source_offset",
        );
        // The catalogue comes first, the table second: one that is not there yet holds nothing. Rows that are lost
        // with their table are missing all the same.
        let there: BTreeSet<String> = db.tables().into_iter().collect();
        let mut parts = Vec::new();
        for table in self.tables.iter().filter(|table| there.contains(&table.name)) {
            let compacted = self.days.get(&table.first).is_some_and(|state| state != "open");
            let day = match &table.product {
                Some(_) if compacted => {
                    self.leftovers.push(table.name.clone());
                    continue;
                }
                Some(_) => "NULL".to_owned(),
                None => db.text("day"),
            };
            parts.push(format!("SELECT '{0}', {day}, {spec} FROM {0}", table.name));
        }
        for chunk in parts.chunks(CHUNK) {
            self.rows.extend(db.try_rows(&chunk.join(" UNION ALL "))?.iter().map(row));
        }
        Ok(())
    }
}

/// A payload piece by piece: a server's answer is bounded, a message may be longer.
fn payload(db: &Db, source: i64, offset: i64, length: i64) -> Vec<u8> {
    let piece = |from: i64| {
        let part = db.hex(&format!("SUBSTR(payload, {}, {PIECE})", from + 1));
        let place = format!("source_id = {source} AND source_offset = {offset}");
        let rows = db.rows(&format!("SELECT {part} FROM rejected_entries WHERE {place}"));
        bytes(rows[0][0].as_deref().unwrap_or_default())
    };
    (0..length).step_by(PIECE as usize).flat_map(piece).collect()
}

fn row(line: &Line) -> Row {
    let entry = Entry {
        product: text(line, 2),
        quantity: number(line, 3),
        drcr: number(line, 4),
        company: text(line, 5),
        warehouse: text(line, 6),
        bill: text(line, 7),
        time: text(line, 8),
        description: line[9].clone(),
        entry_id: line[10].clone().filter(|id| !id.is_empty()),
    };
    Row {
        table: text(line, 0),
        day: line[1].clone(),
        entry,
        source: number(line, 11),
        offset: number(line, 12),
    }
}

/// Columns by name as text expressions; `#` asks for hex.
fn columns(db: &Db, names: &str) -> String {
    let one = |name: &str| match name.strip_prefix('#') {
        Some(name) => db.hex(name),
        None => db.text(name),
    };
    names.split_whitespace().map(one).collect::<Vec<_>>().join(", ")
}

fn text(line: &Line, at: usize) -> String {
    line[at].clone().unwrap_or_else(|| panic!("column {at} is NULL in {line:?}"))
}

fn number(line: &Line, at: usize) -> i64 {
    text(line, at).parse().unwrap_or_else(|e| panic!("column {at} of {line:?}: {e}"))
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}
