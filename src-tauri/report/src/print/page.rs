//! A page that is being printed from above downwards: its margins, its colours, how high a row is.

use super::Paper;
use crate::pdf::{Drawing, Line, Rgb};

/// Free paper at all edges but the lower one, and at that, where the foot stands.
const MARGIN: i32 = 400;
const FOOT: i32 = 480;
/// Free room above and below the letters of a row.
const AIR: i32 = 28;

/// The colours of ui/src/tokens.css on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    Text,
    Muted,
    Title,
    Accent,
    Rule,
    Strong,
}

/// Behind titles, totals and figures.
const BAND: Rgb = (0xf1, 0xf4, 0xf9);

impl Ink {
    pub fn colour(self) -> Rgb {
        match self {
            Ink::Text => (0x1b, 0x23, 0x33),
            Ink::Muted => (0x5b, 0x65, 0x78),
            Ink::Title => (0x3a, 0x45, 0x5a),
            Ink::Accent => (0x2f, 0x5b, 0xd7),
            Ink::Rule => (0xe3, 0xe7, 0xee),
            Ink::Strong => (0xb4, 0xbd, 0xcc),
        }
    }
}

impl Paper {
    /// Width and height of A4 in points.
    pub(super) fn points(self) -> (i32, i32) {
        if self.landscape { (842, 595) } else { (595, 842) }
    }

    pub(super) fn width(self) -> i32 {
        self.points().0 * 10
    }

    pub(super) fn height(self) -> i32 {
        self.points().1 * 10
    }

    pub(super) fn left(self) -> i32 {
        MARGIN
    }

    pub(super) fn right(self) -> i32 {
        self.width() - MARGIN
    }

    /// From the left margin to the right one.
    pub(super) fn room(self) -> i32 {
        self.right() - self.left()
    }

    /// Lines of a size that a row has at most: it must stand on one page, below the titles.
    pub(super) fn lines(self, size: i32) -> usize {
        let room = self.height() - MARGIN - FOOT - 3 * row_height(size, 3);
        usize::try_from(room / leading(size)).unwrap_or(1).max(1)
    }
}

/// From one line of letters to the next.
fn leading(size: i32) -> i32 {
    size * 4 / 3
}

/// The height of a row with so many lines.
pub fn row_height(size: i32, lines: usize) -> i32 {
    2 * AIR + leading(size) * i32::try_from(lines).unwrap_or(1)
}

/// Where the letters of a line stand, from the row's upper edge.
pub fn base_line(size: i32, line: i32) -> i32 {
    AIR + size + leading(size) * line
}

/// A page.
pub struct Page {
    pub(super) drawing: Drawing,
    pub(super) paper: Paper,
    y: i32,
}

impl Page {
    pub fn new(paper: Paper) -> Self {
        Page { drawing: Drawing::new(paper.height()), paper, y: MARGIN }
    }

    /// How far down it is printed.
    pub fn y(&self) -> i32 {
        self.y
    }

    /// Goes down.
    pub fn leave(&mut self, room: i32) {
        self.y += room;
    }

    pub fn has_room(&self, height: i32) -> bool {
        self.y + height <= self.paper.height() - FOOT
    }

    /// A band from margin to margin.
    pub fn band(&mut self, height: i32) {
        let (left, room) = (self.paper.left(), self.paper.room());
        self.drawing.fill((left, self.y), (room, height), BAND);
    }

    /// A thin line from margin to margin.
    pub fn rule(&mut self, ink: Ink) {
        let (left, room) = (self.paper.left(), self.paper.room());
        self.drawing.fill((left, self.y - 2), (room, 4), ink.colour());
    }

    /// Words that begin there, counted from the left edge of the paper and from where the page has come to.
    pub fn words(&mut self, line: &Line, (x, down): (i32, i32), size: i32, ink: Ink) {
        self.drawing.text(line, (x, self.y + down), size, ink.colour());
    }

    /// Words that end there.
    pub fn words_before(&mut self, line: &Line, (x, down): (i32, i32), size: i32, ink: Ink) {
        self.drawing.text_before(line, (x, self.y + down), size, ink.colour());
    }

    /// What was drawn so far, as a part of its own; the page goes on below it.
    pub fn cut(&mut self) -> Drawing {
        std::mem::replace(&mut self.drawing, Drawing::new(self.paper.height()))
    }

    pub fn finish(self) -> Drawing {
        self.drawing
    }
}
