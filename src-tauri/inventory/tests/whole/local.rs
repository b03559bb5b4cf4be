//! The embedded place: the outbox is the queue, SQLite the ledger, redb the stock. A restored store is another file.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use inventory::domain::entry::{BillId, CompanyId, Direction, Entry, ProductId, WarehouseId, parse_time};
use inventory::ledger::{Ledger, Limits};
use inventory::queue::local::LocalQueue;
use inventory::queue::outbox::{Outbox, Saved};
use inventory::queue::{Queue, SourceIdentity};
use inventory::stock::Stock;
use inventory::stock::redb::Redb;
use redb::{Database, TableDefinition};
use sqlx::{Connection, Executor, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

use super::replay::Log;
use super::site::{Kept, Posted, Site};

const NOW_MS: i64 = 1_741_900_000_000;

pub struct LocalSite {
    folder: TempDir,
    limits: Limits,
    outbox: Arc<Outbox>,
    ledger_file: PathBuf,
    ledger: Arc<Ledger>,
    kept_ledger: Option<PathBuf>,
    stock: Arc<dyn Stock>,
    files: usize,
}

impl LocalSite {
    pub async fn open(day_tables: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { day_tables, oldest_days: 3660, newest_days: 2 };
        let ledger_file = folder.path().join("ledger.db");
        let ledger = Ledger::open_sqlite(&ledger_file, limits).unwrap();
        ledger.init().await.unwrap();
        LocalSite {
            outbox: Arc::new(Outbox::open(&folder.path().join("outbox.db"), NOW_MS).await.unwrap()),
            stock: Arc::new(Redb::open(&folder.path().join("stock.redb")).unwrap()),
            ledger: Arc::new(ledger),
            ledger_file,
            kept_ledger: None,
            limits,
            folder,
            files: 0,
        }
    }

    fn file(&mut self, kind: &str) -> PathBuf {
        self.files += 1;
        self.folder.path().join(format!("{kind}-{}", self.files))
    }
}

/// What the outbox keeps beside the bytes; no writer reads it.
fn saved(payload: Vec<u8>) -> Saved {
    let entry = Entry {
        product_id: ProductId::stored("P"),
        quantity: 1,
        direction: Direction::In,
        company_id: CompanyId::stored("C"),
        warehouse_id: WarehouseId::stored("W"),
        bill_id: BillId::stored("B"),
        create_time: parse_time("2025-03-13 12:00:00").unwrap(),
        description: None,
        entry_id: None,
    };
    Saved { entry_id: Uuid::new_v4(), entry, payload }
}

#[async_trait]
impl Site for LocalSite {
    fn mark(&self) -> &str {
        "L"
    }

    async fn post(&mut self, lines: Vec<Posted>) {
        let saved = lines.into_iter().map(|line| saved(line.payload)).collect();
        self.outbox.append(saved, None, NOW_MS).await.unwrap();
    }

    async fn logs(&self) -> Vec<(SourceIdentity, Log)> {
        let stored = self.outbox.read_from(0, 1_000_000).await.unwrap();
        let log = stored.into_iter().map(|message| (message.offset, message.payload)).collect();
        vec![(self.outbox.local_source(), log)]
    }

    fn queue(&self) -> Arc<dyn Queue> {
        Arc::new(LocalQueue::new(Arc::clone(&self.outbox)))
    }

    fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    fn stock(&self) -> Arc<dyn Stock> {
        Arc::clone(&self.stock)
    }

    async fn fill_stock(&mut self, kept: &Kept) {
        let path = self.file("stock");
        let database = Database::create(&path).unwrap();
        let writing = database.begin_write().unwrap();
        {
            let mut table = writing.open_table(TableDefinition::<&str, &[u8]>::new("stock")).unwrap();
            for (key, value) in kept {
                table.insert(key.as_str(), value.as_slice()).unwrap();
            }
        }
        writing.commit().unwrap();
        drop(database);
        self.stock = Arc::new(Redb::open(&path).unwrap());
    }

    async fn keep_ledger(&mut self) {
        let path = self.file("kept");
        let from = format!("sqlite://{}", self.ledger_file.display());
        let mut connection = SqliteConnection::connect(&from).await.unwrap();
        connection.execute(sqlx::raw_sql(&format!("VACUUM INTO '{}'", path.display()))).await.unwrap();
        connection.close().await.unwrap();
        self.kept_ledger = Some(path);
    }

    async fn restore_ledger(&mut self) {
        let Some(kept) = self.kept_ledger.clone() else { return };
        self.ledger_file = self.file("ledger");
        std::fs::copy(kept, &self.ledger_file).unwrap();
        self.ledger = Arc::new(Ledger::open_sqlite(&self.ledger_file, self.limits).unwrap());
    }

    async fn end(&mut self) {
        self.outbox.close().await;
    }
}
