//! The Reports screen: periods and their figures, what stands behind a row, movers, what a manager should look at, and
//! exports. A day is a whole day of the warehouse's wall clock; both ends of a period are included.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::stock::StockRow;

/// By what rows are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ReportGroup {
    /// Product.
    Product,
    /// Warehouse.
    Warehouse,
    /// Company.
    Company,
    /// The product's category.
    Category,
    /// Day.
    Day,
    /// ISO week.
    Week,
    /// Month.
    Month,
}

/// Column that the rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ReportSort {
    /// The groups, in their order.
    #[default]
    Groups,
    /// Opening.
    Opening,
    /// In.
    In,
    /// Out.
    Out,
    /// Closing.
    Closing,
    /// Entries.
    Entries,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportQuery {
    /// First day, `YYYY-MM-DD`, or first second, `YYYY-MM-DD HH:MM:SS`; null = as of `to`: its day until then.
    pub from: Option<String>,
    /// Last day or last second, included.
    pub to: String,
    /// Groups, in this order; none = one row.
    pub by: Vec<ReportGroup>,
    /// Only these products; empty = all.
    pub products: Vec<String>,
    /// Only these warehouses; empty = all.
    pub warehouses: Vec<String>,
    /// Only these companies; empty = all.
    pub companies: Vec<String>,
    /// Only products of these categories; empty = all, an empty name = those without one.
    pub categories: Vec<String>,
    /// Groups with neither balance nor movement, too.
    pub all: bool,
    /// Sorted by.
    pub sort: ReportSort,
    /// Largest first.
    pub descending: bool,
}

/// Figures of a row or of the whole, in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportFigures {
    /// Everything before the period.
    #[ts(type = "number")]
    pub opening: i64,
    /// In.
    #[ts(type = "number")]
    pub inward: i64,
    /// Out.
    #[ts(type = "number")]
    pub outward: i64,
    /// Opening + in − out.
    #[ts(type = "number")]
    pub closing: i64,
    /// Entries in the period.
    #[ts(type = "number")]
    pub entries: i64,
}

/// Answer of `report_open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportOpened {
    /// Handle for its rows.
    pub report: u32,
    /// How many rows there are.
    pub found: u32,
    /// Over all rows.
    pub totals: ReportFigures,
    /// First second.
    pub from: String,
    /// Last second.
    pub to: String,
    /// What `report_version` answered before it was made.
    pub version: String,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportRow {
    /// Values of the groups: codes, categories, 2026-03-10, 2026-W11, 2026-03.
    pub group: Vec<String>,
    /// The name beside each, empty where the value has none.
    pub names: Vec<String>,
    /// Its figures.
    pub figures: ReportFigures,
}

/// What the filters offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportChoices {
    /// Every warehouse.
    pub warehouses: Vec<String>,
    /// Every category; the empty one where a product has none.
    pub categories: Vec<String>,
}

/// One movement behind a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportEntry {
    /// Time.
    pub create_time: String,
    /// Bill.
    pub bill_id: String,
    /// Warehouse's code.
    pub warehouse_id: String,
    /// Warehouse's name.
    pub warehouse_name: String,
    /// Product's code.
    pub product_id: String,
    /// Product's name.
    pub product_name: String,
    /// Company's code.
    pub company_id: String,
    /// Company's name.
    pub company_name: String,
    /// Pieces.
    #[ts(type = "number")]
    pub quantity: i64,
    /// 1 in, -1 out.
    pub drcr: i32,
    /// Description, may be empty.
    pub description: String,
}

/// A page of movements, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportEntries {
    /// Movements.
    pub entries: Vec<ReportEntry>,
    /// Ask with `after` = this for older ones; null at the end.
    pub next: Option<String>,
}

/// How fast a product moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportMover {
    /// Product's code.
    pub product_id: String,
    /// Product's name.
    pub product_name: String,
    /// Unit.
    pub unit: String,
    /// Its figures.
    pub figures: ReportFigures,
    /// Out, divided by what lay there on average, in hundredths; null where nothing lay there.
    #[ts(type = "number | null")]
    pub turnover: Option<i64>,
    /// Days that the closing quantity lasts at this pace; null where nothing went out.
    #[ts(type = "number | null")]
    pub lasts: Option<i64>,
    /// The last day with an out.
    pub last_out: Option<String>,
}

/// Products by how fast they move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportMovers {
    /// The first of them.
    pub movers: Vec<ReportMover>,
    /// How many there are.
    pub found: u32,
}

/// A day on which far more came in or went out than is usual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportUnusual {
    /// Warehouse's code.
    pub warehouse_id: String,
    /// Warehouse's name.
    pub warehouse_name: String,
    /// Product's code.
    pub product_id: String,
    /// Product's name.
    pub product_name: String,
    /// The day.
    pub day: String,
    /// Pieces on that day.
    #[ts(type = "number")]
    pub quantity: i64,
    /// 1 in, -1 out.
    pub drcr: i32,
    /// Pieces that are usual on such a day.
    #[ts(type = "number")]
    pub usual: i64,
    /// The most that would not be unusual.
    #[ts(type = "number")]
    pub ordinary: i64,
    /// Pieces, divided by that, in hundredths.
    #[ts(type = "number")]
    pub hundredths: i64,
}

/// What a manager should look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportAlerts {
    /// Below their minimum now, those that lack most first.
    pub low: Vec<StockRow>,
    /// How many there are.
    pub low_found: u32,
    /// Unusual days of the period, those that stand out most first.
    pub unusual: Vec<ReportUnusual>,
    /// How many there are.
    pub unusual_found: u32,
    /// The rule: more than so many times what is usual …
    #[ts(type = "number")]
    pub times: i64,
    /// … and so many spreads above it …
    #[ts(type = "number")]
    pub spreads: i64,
    /// … and so many pieces …
    #[ts(type = "number")]
    pub least: i64,
    /// … of goods with at least so many days that moved …
    pub known: u32,
    /// … within so many last days of the period.
    pub judged: u32,
}

/// A report as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ReportFile {
    /// Text.
    Csv,
    /// Workbook.
    Xlsx,
    /// Pages, with the chart of the days.
    Pdf,
}

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportProgress {
    /// Groups done.
    pub done: u32,
    /// Groups in all.
    pub total: u32,
    /// Rows written.
    pub rows: u32,
}
