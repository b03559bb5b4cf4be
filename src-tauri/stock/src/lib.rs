//! The stock store: live quantity per key as `{"base","change","at"}`. Follows the ledger, judges nothing.
//! `value.rs` holds the rules as pure functions; redb calls them, the Redis script is held equal to them.

pub mod corrections;
pub mod redb;
pub mod redis;
pub mod value;

use std::time::Duration;

use async_trait::async_trait;
use corrections::{Corrected, Correction};

use domain::entry::StockKey;
use domain::error::Result;
pub use domain::source::SourceName;
pub use domain::stock_call::{Prev, StockCall, Vector};
use probe::Finding;

/// Counter beside the balances, moved by `pulse`; has no colon, so that it is no balance.
pub const SENTINEL: &str = "TWINSTOCK_SENTINEL";
/// When the last audit began of which every key ended normal or corrected: the specification's name, seconds since
/// the epoch.
pub const LAST_CHECK: &str = "LASTCHECK";
/// Who audits now.
pub const AUDITOR: &str = "TWINSTOCK_AUDITOR";

/// Whether a stored key is a note of ours.
pub fn is_note(key: &str) -> bool {
    key.starts_with(SENTINEL) || key == LAST_CHECK || key == AUDITOR
}

/// What a call found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The delta was added: the normal step.
    Applied,
    /// Already counted; nothing changed.
    Seen,
    /// A gap or another grouping: the sum was taken; carries the offset that stood there (-1: none).
    Lagged(i64),
    /// A vector created the value.
    Created,
    /// No value: the caller sends the vector.
    Absent,
    /// No readable `at`: left to the audit.
    Damaged,
}

/// Where a scan over every key goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The store's own word for it.
    pub at: String,
    /// Keys that the store named already and whose values come next.
    pub named: Vec<String>,
}

/// One page of a scan over every key of the store.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Key text and value bytes, as stored; foreign keys included.
    pub values: Vec<(String, Vec<u8>)>,
    /// Where to go on; `None` at the end. A key may come twice (Redis SCAN).
    pub next: Option<Place>,
}

/// What the sentinel says about the store's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// The counter stands where it should.
    Steady,
    /// The counter is absent or lower than last seen: the store forgot something; sweep.
    Forgot,
}

/// A stock store. Calls may be repeated, late, reordered or concurrent without harm.
#[async_trait]
pub trait Stock: Send + Sync {
    /// Sends normal steps; answers in the same order. An error means that nothing is known of any of them.
    async fn apply(&self, calls: &[StockCall]) -> Result<Vec<Answer>>;
    /// Sends vectors; answers in the same order.
    async fn bring(&self, vectors: &[Vector]) -> Result<Vec<Answer>>;
    /// Runs the audit's corrections, one per key; answers in the same order. Each says what must be true, so a repeat
    /// or a late one does no harm.
    async fn correct(&self, corrections: &[(StockKey, Correction)]) -> Result<Vec<Corrected>>;
    /// Values of keys, in order, as stored.
    async fn values(&self, keys: &[StockKey]) -> Result<Vec<Option<Vec<u8>>>>;
    /// One page of all keys. `from` is the previous page's `next`; `None` starts. About `count` values.
    async fn scan(&self, from: Option<&Place>, count: usize) -> Result<Page>;
    /// Moves the sentinel by one (called about once a second) and says whether the store forgot.
    async fn pulse(&self) -> Result<Pulse>;
    /// Grows with every change that this process made or noticed; a view reads it before it scans again.
    fn version(&self) -> u64;
    /// Makes everything acknowledged durable (redb: a durable commit; Redis: its own policy, nothing to do).
    async fn settle(&self) -> Result<()>;
    /// A text of ours beside the balances, under a name without `:`.
    async fn note(&self, name: &str) -> Result<Option<String>>;
    /// Writes it.
    async fn put_note(&self, name: &str, text: &str) -> Result<()>;
    /// Takes or renews a lease: `None` when it is `holder`'s now, else who has it. It ends by itself after `ttl`, so
    /// it outlives no holder for long; whoever holds it must not rely on being alone.
    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<String>>;
    /// Gives a lease back, if it is still `holder`'s.
    async fn release(&self, name: &str, holder: &str) -> Result<()>;
    /// Tries connection, rights and settings step by step.
    async fn probe(&self) -> Vec<Finding>;
}
