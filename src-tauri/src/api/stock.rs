//! The stock grid: a view held in Rust, its windows and its live patches; and the stock card.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Column a view is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum StockColumn {
    /// Warehouse, then product.
    #[default]
    Warehouse,
    /// Product's code.
    Product,
    /// Product's name.
    ProductName,
    /// Quantity.
    Quantity,
    /// Base.
    Base,
    /// Change.
    Change,
    /// In today.
    InToday,
    /// Out today.
    OutToday,
    /// Last movement.
    LastMovement,
}

/// Search, filters and order of a view.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StockQuery {
    /// Part of code, name, pinyin initials or barcode of product or warehouse.
    pub search: String,
    /// Only these warehouses; empty = all.
    pub warehouses: Vec<String>,
    /// Only these categories; empty = all.
    pub categories: Vec<String>,
    /// Only below minimum.
    pub below_minimum: bool,
    /// Only negative.
    pub negative: bool,
    /// Hide quantity 0.
    pub hide_zero: bool,
    /// Sorted by.
    pub sort: StockColumn,
    /// Largest first.
    pub descending: bool,
}

/// One warehouse x product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StockRow {
    /// Warehouse's code.
    pub warehouse_id: String,
    /// Warehouse's name.
    pub warehouse_name: String,
    /// Product's code.
    pub product_id: String,
    /// Product's name.
    pub product_name: String,
    /// Unit.
    pub unit: String,
    /// Category.
    pub category: String,
    /// base + change.
    #[ts(type = "number")]
    pub quantity: i64,
    /// Base.
    #[ts(type = "number")]
    pub base: i64,
    /// Change since base.
    #[ts(type = "number")]
    pub change: i64,
    /// In today.
    #[ts(type = "number")]
    pub in_today: i64,
    /// Out today.
    #[ts(type = "number")]
    pub out_today: i64,
    /// Time of the last movement, null when not known.
    pub last_movement: Option<String>,
    /// Minimum, 0 = none.
    #[ts(type = "number")]
    pub minimum: i64,
    /// Below its minimum.
    pub low: bool,
    /// The stored value cannot be read; left to the audit; quantity is 0.
    pub damaged: bool,
}

/// Answer of `stock_open`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StockOpened {
    /// Handle for the other stock commands.
    pub view: u32,
    /// Rows that match.
    pub total: u32,
    /// Every warehouse and category there is, for the filters.
    pub warehouses: Vec<String>,
    /// Categories.
    pub categories: Vec<String>,
}

/// A window of a view: rows [start, start + rows.length).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StockWindow {
    /// Index of the first row.
    pub start: u32,
    /// Rows.
    pub rows: Vec<StockRow>,
    /// Rows that match the query, as last applied.
    pub total: u32,
    /// Sum of quantity over all rows that match.
    #[ts(type = "number")]
    pub sum: i64,
    /// `seq` of the last patch that these rows contain.
    #[ts(type = "number")]
    pub seq: u64,
}

/// A row that changed, by its index in the view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StockChange {
    /// Index.
    pub index: u32,
    /// The row now.
    pub row: StockRow,
}

/// One message of the live feed: changes inside the window last asked for. The next one comes only after
/// `stock_ack(view, seq)`. On a gap in `seq`, or `resync`, ask for the window again and acknowledge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StockPatch {
    /// The view it belongs to.
    pub view: u32,
    /// Grows by one with every message.
    #[ts(type = "number")]
    pub seq: u64,
    /// Changed visible rows; their order stays as it was until `stock_apply`.
    pub changes: Vec<StockChange>,
    /// Rows that would appear, vanish or move if the order were made anew ("12 changes, apply").
    pub pending: u32,
    /// Sum of quantity over all rows that match.
    #[ts(type = "number")]
    pub sum: i64,
    /// Ask for the window again.
    pub resync: bool,
    /// The feed has no fresh news from the store: say so.
    pub stale: bool,
}

/// One stock key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyOf {
    /// Warehouse's code.
    pub warehouse_id: String,
    /// Product's code.
    pub product_id: String,
}

/// Quantity beside a bill's line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QuantityOf {
    /// Warehouse's code.
    pub warehouse_id: String,
    /// Product's code.
    pub product_id: String,
    /// Now; 0 when there never was any.
    #[ts(type = "number")]
    pub quantity: i64,
    /// Minimum, 0 = none.
    #[ts(type = "number")]
    pub minimum: i64,
}

/// One movement on the stock card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CardLine {
    /// Time.
    pub create_time: String,
    /// Bill.
    pub bill_id: String,
    /// Company's code.
    pub company_id: String,
    /// Company's name.
    pub company_name: String,
    /// Pieces.
    #[ts(type = "number")]
    pub quantity: i64,
    /// 1 in, -1 out.
    pub drcr: i32,
    /// Balance after it.
    #[ts(type = "number")]
    pub balance: i64,
    /// Description, may be empty.
    pub description: String,
}

/// One page of the stock card, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CardPage {
    /// Movements.
    pub lines: Vec<CardLine>,
    /// Ask with `before` = this for older ones; null at the end.
    pub next: Option<String>,
    /// Name and unit, for the title.
    pub product_name: String,
    /// Unit.
    pub unit: String,
    /// Warehouse's name.
    pub warehouse_name: String,
    /// Balance in the ledger now.
    #[ts(type = "number")]
    pub balance: i64,
}

/// Answer of an export; null path = the dialog was closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Exported {
    /// The file written.
    pub path: Option<String>,
    /// Rows written.
    pub rows: u32,
}
