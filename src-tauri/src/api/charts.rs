//! The charts of a report: which, how it looks, and where in the drawn picture each value stands.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ReportChartKind {
    /// In and out per day with the closing line.
    Days,
    /// Products that most of went out.
    Movers,
    /// Which warehouse holds how much at the end.
    Shares,
    /// The balance through time.
    History,
}

/// Colours, `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportColours {
    /// Behind everything.
    pub background: String,
    /// Names and values.
    pub text: String,
    /// Labels of the axes.
    pub muted: String,
    /// Lines behind the values.
    pub grid: String,
    /// In.
    pub inward: String,
    /// Out.
    pub outward: String,
    /// Closing.
    pub closing: String,
    /// One for each share, the greatest first.
    pub shares: Vec<String>,
}

/// Words in the screen's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportWords {
    /// Their language, as a document names it: zh-CN, en.
    pub language: String,
    /// Above the picture; empty: none.
    pub title: String,
    /// "In".
    pub inward: String,
    /// "Out".
    pub outward: String,
    /// "Closing".
    pub closing: String,
    /// "Others".
    pub others: String,
    /// "No category".
    pub nothing: String,
    /// Instead of a picture of nothing.
    pub empty: String,
}

/// How a picture looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportLook {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Colours.
    pub colours: ReportColours,
    /// Words.
    pub words: ReportWords,
    /// With a legend of its own, as a file needs it; else its line is left free for the screen's.
    pub legend: bool,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportPoint {
    /// From the left.
    pub x: i32,
    /// From above.
    pub y: i32,
    /// Day, moment or name.
    pub label: String,
    /// Pieces.
    #[ts(type = "number")]
    pub value: i64,
}

/// Points of one meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportSeries {
    /// Its name.
    pub name: String,
    /// `#rrggbb`.
    pub colour: String,
    /// From left to right, or from top to bottom.
    pub points: Vec<ReportPoint>,
}

/// One line of the chart's table: every value, also those that have no point of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportChartRow {
    /// Day, moment or name.
    pub label: String,
    /// A value for each series; for movers and shares the only one.
    #[ts(type = "Array<number>")]
    pub values: Vec<i64>,
}

/// A drawn chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportChart {
    /// The picture.
    pub svg: String,
    /// Where the values are drawn: x, y, width, height.
    pub area: [i32; 4],
    /// What is drawn.
    pub series: Vec<ReportSeries>,
    /// Its figures as a table.
    pub rows: Vec<ReportChartRow>,
    /// Names without a place of their own in the picture.
    pub left_out: u32,
}

/// A picture as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ReportPicture {
    /// Lines.
    Svg,
    /// Pixels.
    Png,
    /// A page.
    Pdf,
}
