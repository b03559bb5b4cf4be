//! Products, warehouses and companies as pickers and lists need them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which list of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CatalogKind {
    /// Goods.
    Product,
    /// Places of goods.
    Warehouse,
    /// Suppliers and customers.
    Company,
}

/// One row of the catalogue. Warehouses and companies use `id`, `name` and `registered` only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CatalogItem {
    /// Which list.
    pub kind: CatalogKind,
    /// Code, as entries carry it.
    pub id: String,
    /// Name shown; the code when unregistered.
    pub name: String,
    /// Barcode, may be empty.
    pub barcode: String,
    /// Unit, may be empty.
    pub unit: String,
    /// Category, may be empty.
    pub category: String,
    /// Minimum stock, 0 = none.
    #[ts(type = "number")]
    pub minimum: i64,
    /// False when only seen in the queue and waiting for a name.
    pub registered: bool,
}

/// What `catalog_save` takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CatalogDraft {
    /// Which list.
    pub kind: CatalogKind,
    /// Code; must not change once it is used.
    pub id: String,
    /// Name; empty = the code.
    pub name: String,
    /// Barcode, may be empty.
    pub barcode: String,
    /// Unit, may be empty.
    pub unit: String,
    /// Category, may be empty.
    pub category: String,
    /// Minimum stock, 0 = none.
    #[ts(type = "number")]
    pub minimum: i64,
}

/// What a scanned code means: the first list that knows it exactly (product by code or barcode, warehouse by
/// code), or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScanHit {
    /// The code as scanned.
    pub code: String,
    /// What it is; null = unknown.
    pub item: Option<CatalogItem>,
}
