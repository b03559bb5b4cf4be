//! The ledger: every detail, what counts. One SQL layer over two dialects (MySQL/MariaDB and SQLite).
//! Its rows are never changed or removed by the way of a bill; a correction is a new entry.

mod audits;
mod catalogue;
mod commit;
mod dialect;
mod digest;
mod duplicate;
mod listed;
mod long_blob;
mod mend;
mod mysql;
mod read;
mod register;
pub mod rejected;
mod row_sums;
mod rows;
mod setup;
mod sources;
mod sql;
mod sqlite;
mod standing;
mod stock_card;
mod sums;
mod tables;
mod tiers;
mod verdict;
mod view;
mod view_rows;
mod view_scan;
mod window;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::NaiveDate;
use tokio::sync::Mutex;
use uuid::Uuid;

pub use audits::{AuditLine, AuditRow, AuditRunSearch, AuditSearch};
pub use commit::SourceCache;
pub use digest::{payload_hash, row_digest};
pub use listed::Table;
pub use mend::{Counted, RowMend, SumMend};
pub use read::Summary;
pub use row_sums::{RowSums, SourceSum, Three};
pub use standing::{Standing, StandingRow, entry_content};
pub use stock_card::MovementCursor;
pub use sums::{Ask, Columns, Detail, EntryCursor, Filter, Moved, Period, Sums};
pub use view::{KeyState, LedgerView, Part, Sum};
pub use view_rows::Beyond;
pub use view_scan::PassingBalance;
pub use view_scan::PassingRow;

use domain::entry::{CompanyId, Entry, ProductId, Refusal, StockKey, WarehouseId};
use domain::source::SourceIdentity;
use domain::source::SourceName;
use domain::stock_call::StockCall;
use probe::Step;

/// What is tried of a ledger on a server, in order.
pub const CLUSTER_STEPS: &[Step] = &[
    Step::Address,
    Step::Dns,
    Step::Tcp,
    Step::Protocol,
    Step::Tls,
    Step::Login,
    Step::Database,
    Step::Tables,
    Step::Grant,
    Step::Policy,
];

/// What the ledger keeps out and where it stops making tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most day tables that stay open; 0 = none at all.
    pub day_tables: usize,
    /// Oldest accepted `create_time`, in whole days before the message's own day.
    pub oldest_days: i64,
    /// Newest accepted `create_time`, in whole days after the message's own day.
    pub newest_days: i64,
}

/// The ledger. Cheap to clone; every clone is the same ledger.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    db: Box<dyn sql::Database>,
    limits: Limits,
    /// Read and written between awaits only, never held across one.
    known: RwLock<tables::Known>,
    /// Held while tables are made or days compacted; never waited for inside a transaction.
    making: Mutex<()>,
    /// What reports asked for lately.
    asked: sums::Asked,
}

impl Inner {
    fn known(&self) -> RwLockReadGuard<'_, tables::Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self) -> RwLockWriteGuard<'_, tables::Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One row of `sources`: a partition of one incarnation of a topic, with the writer's position in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Key inside this ledger only.
    pub id: i64,
    /// The name that stands in `at`.
    pub name: SourceName,
    /// Which partition this is.
    pub identity: SourceIdentity,
    /// Position of the consumer.
    pub next_offset: i64,
    /// Everything below it has been acknowledged by the stock.
    pub stock_offset: i64,
    /// New with every transaction that touches the source.
    pub stamp: [u8; 16],
    /// Last message taken, -1 if none.
    pub last_offset: i64,
    /// XXH3-64 of that message's payload.
    pub last_hash: i64,
    /// Rows counted.
    pub entries: i64,
    /// Rows rejected (all kinds).
    pub rejected: i64,
    /// Signed sum of all counted rows.
    pub signed_quantity: i64,
    /// Sum mod 2^64 of the counted rows' digests, two's complement.
    pub digest: i64,
}

/// A message with its decoding, ready to be judged.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Offset in its source.
    pub offset: i64,
    /// The message's own timestamp (milliseconds, UTC); decides the window.
    pub timestamp_ms: Option<i64>,
    /// Raw bytes, kept when rejected.
    pub payload: Vec<u8>,
    /// The entry, or why it is none.
    pub decoded: Result<Entry, Refusal>,
}

/// One batch of one source, for one transaction.
#[derive(Debug)]
pub struct Batch {
    /// Messages in offset order; may be empty when only positions move.
    pub messages: Vec<Incoming>,
    /// Position after the batch.
    pub next_offset: i64,
    /// Everything below it is acknowledged by the stock; rides along.
    pub stock_offset: i64,
}

/// What a committed batch did.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The source as it stands now.
    pub source: SourceRow,
    /// The stock's normal steps, one per key, sorted by key.
    pub calls: Vec<StockCall>,
    /// Entries counted.
    pub counted: usize,
    /// Entries kept as duplicates.
    pub duplicates: usize,
    /// Messages rejected for other reasons.
    pub rejected: usize,
    /// Days of products that the counted entries lie in.
    pub places: usize,
}

/// One row of `balances`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceRow {
    /// Stock key.
    pub key: StockKey,
    /// Offset of the key's last counted entry in the source.
    pub last_offset: i64,
    /// Signed sum of all its entries of the source.
    pub quantity: i64,
}

/// One row of `rejected_entries`, for display and correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Source name.
    pub source: SourceName,
    /// Offset in it.
    pub offset: i64,
    /// invalid, duplicate, window or overflow.
    pub kind: String,
    /// Field concerned, may be empty.
    pub field: String,
    /// Why, English.
    pub reason: String,
    /// The message's bytes.
    pub payload: Vec<u8>,
    /// Its entry id, if it has one.
    pub entry_id: Option<Uuid>,
    /// The entry that replaced it.
    pub resubmitted_as: Option<Uuid>,
}

/// One movement of a key, for the stock card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// The entry as counted.
    pub entry: Entry,
    /// Source and offset: where it came from.
    pub source_id: i64,
    /// Offset in it.
    pub source_offset: i64,
    /// Balance of the key after it, in the order shown (create_time, source, offset).
    pub balance: i64,
}

/// Product as the catalogue knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRow {
    /// Id in entries.
    pub id: ProductId,
    /// Name shown; the id when unregistered.
    pub name: String,
    /// Table name part; assigned once.
    pub slug: String,
    /// Barcode, may be empty.
    pub barcode: String,
    /// Unit, may be empty.
    pub unit: String,
    /// Category, may be empty.
    pub category: String,
    /// Minimum stock, 0 = none.
    pub minimum: i64,
    /// False when only seen in the queue.
    pub registered: bool,
}

/// Warehouse or company as the catalogue knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceRow<Id> {
    /// Id in entries.
    pub id: Id,
    /// Name shown; the id when unregistered.
    pub name: String,
    /// False when only seen in the queue.
    pub registered: bool,
}

/// A warehouse.
pub type WarehouseRow = PlaceRow<WarehouseId>;
/// A company.
pub type CompanyRow = PlaceRow<CompanyId>;

/// In and out of one key on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayTotal {
    /// Wall-clock day.
    pub day: NaiveDate,
    /// Stock key.
    pub key: StockKey,
    /// Pieces in.
    pub in_quantity: i64,
    /// Pieces out.
    pub out_quantity: i64,
    /// Number of entries.
    pub entries: i64,
}
