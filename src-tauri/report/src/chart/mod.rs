//! Charts of the reports as SVG, and where in them each value stands, so that a screen can lay hover and a read-out of
//! the keyboard over them without measuring the picture. Pure: figures, words and colours come from the caller. Counts
//! in whole pixels throughout: no quantity ever becomes a float.

mod canvas;
mod days;
mod history;
mod look;
mod movers;
mod pdf;
mod png;
mod scale;
mod shares;
mod text;

use serde::Serialize;

pub use crate::fonts::Fonts;
pub use days::{Day, days};
pub use history::{History, Moment, history};
pub use look::{Colour, Look, Theme, Words};
pub use movers::movers;
pub use pdf::pdf;
pub use png::png;
pub use shares::shares;

/// A name and its quantity: a product that moved, a warehouse's stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As shown; cut where it is too long.
    pub name: String,
    /// In pieces.
    pub value: i64,
}

/// A drawn chart. All places are in the units of the SVG's `viewBox`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chart {
    /// The picture, a whole document.
    pub svg: String,
    /// Where the values are drawn.
    pub area: Area,
    /// What is drawn, in the order of the legend.
    pub series: Vec<Series>,
    /// Names of the input that have no place of their own in the picture.
    pub left_out: usize,
}

/// A rectangle; points may lie on its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Area {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// To the right edge.
    pub width: i32,
    /// To the lower edge.
    pub height: i32,
}

/// Points of one meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Series {
    /// In the caller's words.
    pub name: String,
    /// `#rrggbb`.
    pub colour: String,
    /// From left to right, of bars that lie from top to bottom.
    pub points: Vec<Point>,
}

/// A value and its place: a bar's end, a line's corner, the middle of a share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// From the left.
    pub x: i32,
    /// From above.
    pub y: i32,
    /// Day, moment or name, uncut.
    pub label: String,
    /// In pieces, exact.
    pub value: i64,
}

impl Area {
    fn right(&self) -> i32 {
        self.x + self.width
    }

    fn bottom(&self) -> i32 {
        self.y + self.height
    }
}
