//! The replay on the Audit screen: what of the queue's entries the stores have wrong, bill by bill.

use inventory::audit::replay::Kind;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::audit::{AuditAction, AuditCause, AuditRun, AuditStore};
use super::stock::KeyOf;

/// In which way something is not as the queue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ReplayKind {
    /// To be counted, and not there.
    Missing,
    /// There, and no message stands for it.
    Extra,
    /// There a second time.
    Doubled,
    /// There, and something else.
    Changed,
}

impl From<Kind> for ReplayKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Missing => ReplayKind::Missing,
            Kind::Extra => ReplayKind::Extra,
            Kind::Doubled => ReplayKind::Doubled,
            Kind::Changed => ReplayKind::Changed,
        }
    }
}

/// What is replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReplayQuery {
    /// Only these keys; empty = all.
    pub keys: Vec<KeyOf>,
    /// Only entries of this day and later, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// Only entries of this day and earlier.
    pub to: Option<String>,
    /// A person has agreed: correct what is found.
    pub apply: bool,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReplayFinding {
    /// Key, source or table.
    pub subject: String,
    /// The key, where one is concerned.
    pub key: Option<KeyOf>,
    /// Name of the key's warehouse, else empty.
    pub warehouse_name: String,
    /// Name of the key's product, else empty.
    pub product_name: String,
    /// The bill, else empty.
    pub bill_id: String,
    /// Source and offset as text, else empty.
    pub place: String,
    /// In which way it is wrong.
    pub kind: ReplayKind,
    /// The proven cause.
    pub cause: AuditCause,
    /// In which store.
    pub store: AuditStore,
    /// Signed quantity as the queue says; null: nothing should be there.
    #[ts(type = "number | null")]
    pub wanted: Option<i64>,
    /// Signed quantity as it stands; null: nothing is there.
    #[ts(type = "number | null")]
    pub standing: Option<i64>,
    /// What should be there, whole, as JSON text; empty: nothing.
    pub wanted_text: String,
    /// What is there.
    pub standing_text: String,
    /// What would decide is no longer in the queue: nothing is proposed.
    pub beyond_proof: bool,
    /// What was done, or would be.
    pub action: AuditAction,
}

/// What a replay found, and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReplayResult {
    /// The run; its number is 0 after a preview.
    pub run: AuditRun,
    /// Findings, as many as a screen can use.
    pub findings: Vec<ReplayFinding>,
    /// All findings.
    #[ts(type = "number")]
    pub total: u64,
    /// Keys that they concern.
    #[ts(type = "number")]
    pub keys: u64,
    /// Findings in the stock that would be corrected.
    #[ts(type = "number")]
    pub in_stock: u64,
    /// Findings in the ledger that would be corrected.
    #[ts(type = "number")]
    pub in_ledger: u64,
    /// Findings that were corrected.
    #[ts(type = "number")]
    pub corrected: u64,
    /// Entries of the ledger whose messages the queue no longer has.
    #[ts(type = "number")]
    pub beyond_proof: u64,
    /// Messages read.
    #[ts(type = "number")]
    pub messages: u64,
}
