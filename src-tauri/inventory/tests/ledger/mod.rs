//! The ledger's behaviour, said once and demanded of every back end. Rows are looked at through a connection of
//! the test's own, never through the code under test.

pub mod audits;
pub mod batches;
pub mod bodies;
pub mod raw_sums;
pub mod reports;
pub mod reports_edges;
pub mod tiers;

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};
use inventory::domain::entry::{BillId, CompanyId, Direction, Entry, ProductId, WarehouseId, parse_time};
use inventory::ledger::{Batch, Committed, Incoming, Ledger, Limits, SourceCache, SourceRow};
use inventory::queue::SourceIdentity;
use sqlx::{Connection, Executor, MySqlConnection, Row, SqliteConnection, ValueRef};
use uuid::Uuid;

/// Where a test's ledger lies.
#[allow(dead_code)] // each back end's test file makes one of them
pub enum Place {
    /// A file.
    Sqlite(tempfile::TempDir),
    /// A database of its own on the test server.
    Mysql(String),
}

impl Place {
    pub fn ledger(&self, day_tables: usize) -> Ledger {
        let limits = Limits { day_tables, oldest_days: 3660, newest_days: 2 };
        match self {
            Place::Sqlite(folder) => Ledger::open_sqlite(folder.path().join("ledger.db"), limits).unwrap(),
            Place::Mysql(url) => Ledger::open_mysql(url, None, limits).unwrap(),
        }
    }

    pub async fn ready(&self, day_tables: usize) -> Ledger {
        let ledger = self.ledger(day_tables);
        ledger.init().await.unwrap();
        ledger
    }

    /// Rows of any query as text, NULL as "-".
    pub async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        fn text(bytes: Option<Vec<u8>>) -> String {
            bytes.map_or("-".into(), |b| String::from_utf8_lossy(&b).into_owned())
        }
        match self {
            Place::Sqlite(folder) => {
                let url = format!("sqlite://{}", folder.path().join("ledger.db").display());
                let mut conn = SqliteConnection::connect(&url).await.unwrap();
                let rows = conn.fetch_all(sqlx::raw_sql(sql)).await.unwrap();
                rows.iter()
                    .map(|row| {
                        (0..row.len())
                            .map(|at| {
                                let raw = row.try_get_raw(at).unwrap();
                                if raw.is_null() {
                                    return "-".into();
                                }
                                row.try_get::<i64, _>(at).map_or_else(
                                    |_| text(row.try_get_unchecked(at).unwrap()),
                                    |int| int.to_string(),
                                )
                            })
                            .collect()
                    })
                    .collect()
            }
            Place::Mysql(url) => {
                let mut conn = MySqlConnection::connect(url).await.unwrap();
                let rows = conn.fetch_all(sqlx::raw_sql(sql)).await.unwrap();
                rows.iter()
                    .map(|row| (0..row.len()).map(|at| text(row.try_get_unchecked(at).unwrap())).collect())
                    .collect()
            }
        }
    }

    pub async fn one(&self, sql: &str) -> String {
        self.rows(sql).await[0][0].clone()
    }

    pub async fn run(&self, sql: &str) {
        match self {
            Place::Sqlite(folder) => {
                let url = format!("sqlite://{}", folder.path().join("ledger.db").display());
                let mut conn = SqliteConnection::connect(&url).await.unwrap();
                conn.execute(sqlx::raw_sql(sql)).await.unwrap();
            }
            Place::Mysql(url) => {
                let mut conn = MySqlConnection::connect(url).await.unwrap();
                conn.execute(sqlx::raw_sql(sql)).await.unwrap();
            }
        }
    }

    /// Runs what may fail because its object is gone already.
    #[allow(dead_code)] // only a server has such objects
    pub async fn try_run(&self, sql: &str) {
        if let Place::Mysql(url) = self {
            let mut conn = MySqlConnection::connect(url).await.unwrap();
            let _ = conn.execute(sqlx::raw_sql(sql)).await;
        }
    }

    /// Every counted row of both tiers: (source, offset) to its content without place.
    pub async fn counted(&self) -> BTreeMap<(i64, i64), String> {
        let mut found = BTreeMap::new();
        for table in self.rows("SELECT table_name FROM ledger_tables").await {
            let sql = format!(
                "SELECT source_id, source_offset, product_id, quantity, drcr, company_id, warehouse_id, bill_id, \
                 create_time, description, entry_id FROM {}",
                table[0]
            );
            for row in self.rows(&sql).await {
                let key = (row[0].parse().unwrap(), row[1].parse().unwrap());
                assert!(found.insert(key, row[2..].join("|")).is_none(), "row {key:?} is counted twice");
            }
        }
        found
    }
}

pub fn identity(uuid: u128, partition: i32) -> SourceIdentity {
    SourceIdentity { topic: "T".into(), topic_uuid: Uuid::from_u128(uuid), partition }
}

pub fn entry(product: &str, warehouse: &str, quantity: i64, time: &str, id: Option<u128>) -> Entry {
    Entry {
        product_id: ProductId::parse(product).unwrap(),
        quantity: quantity.abs(),
        direction: if quantity > 0 { Direction::In } else { Direction::Out },
        company_id: CompanyId::parse("C1").unwrap(),
        warehouse_id: WarehouseId::parse(warehouse).unwrap(),
        bill_id: BillId::parse("B'\\1").unwrap(),
        create_time: parse_time(time).unwrap(),
        description: Some("入库 \"单据\"\n'; DROP TABLE x; --\\".to_owned()),
        entry_id: id.map(Uuid::from_u128),
    }
}

pub fn message(offset: i64, entry: Entry) -> Incoming {
    Incoming { offset, timestamp_ms: None, payload: format!("{entry:?}").into_bytes(), decoded: Ok(entry) }
}

pub fn stamped(offset: i64, entry: Entry, day: &str) -> Incoming {
    let time: NaiveDateTime = day.parse::<NaiveDate>().unwrap().and_hms_opt(23, 59, 59).unwrap();
    Incoming { timestamp_ms: Some(time.and_utc().timestamp_millis()), ..message(offset, entry) }
}

/// A batch of these messages that ends behind the last one.
pub fn batch(source: &SourceRow, messages: Vec<Incoming>) -> Batch {
    let next = messages.last().map_or(source.next_offset, |message| message.offset + 1);
    Batch { messages, next_offset: next, stock_offset: source.stock_offset }
}

/// Commits as a writer does: retried after re-reading the source.
pub async fn commit(
    ledger: &Ledger,
    source: &mut SourceRow,
    messages: Vec<Incoming>,
    cache: &mut SourceCache,
) -> Committed {
    let batch = batch(source, messages);
    for _ in 0..20 {
        match ledger.commit(source, &batch, cache).await {
            Ok(committed) => {
                *source = committed.source.clone();
                return committed;
            }
            Err(failed) if failed.code.name() == "retry" => {
                *source = ledger.reread(source.id).await.unwrap();
            }
            Err(failed) => panic!("{failed}"),
        }
    }
    panic!("no end of retries");
}
