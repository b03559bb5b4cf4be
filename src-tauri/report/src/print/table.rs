//! A table on paper, page by page as its rows come: the head of the columns again on every page, figures to the right,
//! "page n of m". Whole files alone get the name that was asked for: one that is given up leaves nothing behind.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use pdf_writer::Ref;

use super::columns::{Column, Columns, PAD, fit};
use super::frame::{cards, foot};
use super::page::{Ink, Page, base_line, row_height};
use super::{Heading, Paper, frame};
use crate::figures::{Cell, OwnedCell, Row, Table};
use crate::fonts::Fonts;
use crate::part_file::PartFile;
use crate::pdf::{Document, Drawing, Info, Line, grouped};
use domain::error::Result;

/// Rows on which the columns are measured.
const MEASURED: usize = 400;

/// What kind of row it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Titles,
    Plain,
    Totals,
}

/// The first page's part for the figures that only the end tells.
struct Cards {
    /// What stands above it.
    head: Ref,
    part: Ref,
    y: i32,
    drawn: bool,
}

/// A printed table that is being written.
pub struct PdfTable {
    document: Document<BufWriter<File>>,
    file: PartFile,
    paper: Paper,
    heading: Heading,
    charted: bool,
    picture: Option<String>,
    titles: Vec<String>,
    waiting: Vec<Vec<OwnedCell>>,
    columns: Columns,
    page: Option<Page>,
    cards: Option<Cards>,
    feet: Vec<Ref>,
    rows: u64,
}

impl PdfTable {
    /// Begins a file; it gets its name when it is finished.
    pub fn create(path: &Path, paper: Paper, heading: Heading, fonts: &Fonts) -> Result<Self> {
        let file = PartFile::create(path)?;
        let document = Document::new(BufWriter::new(file.open()?), fonts)?;
        Ok(PdfTable {
            document,
            file,
            paper,
            heading,
            charted: false,
            picture: None,
            titles: Vec::new(),
            waiting: Vec::new(),
            columns: Columns::default(),
            page: None,
            cards: None,
            feet: Vec::new(),
            rows: 0,
        })
    }

    /// With a chart of the days between the head and the table.
    pub fn with_chart(self) -> Self {
        PdfTable { charted: true, ..self }
    }

    /// Ends the file and gives it its name.
    pub fn finish(mut self) -> Result<()> {
        self.settle(None)?;
        if self.rows == 0 {
            self.nothing()?;
        }
        self.turn()?;
        if let Some(Cards { part, drawn: false, .. }) = self.cards {
            self.document.drawn(part, Drawing::new(self.paper.height()))?;
        }
        let feet = std::mem::take(&mut self.feet);
        for (at, part) in feet.iter().enumerate() {
            let glyphs = &mut self.document.glyphs;
            let drawing = foot(glyphs, self.paper, &self.heading, (at + 1, feet.len()))?;
            self.document.drawn(*part, drawing)?;
        }
        let Heading { title, words, made, .. } = &self.heading;
        self.document.finish(&Info { title, language: words.tag, made: *made })?;
        self.file.keep()
    }

    /// Fixes the columns and prints what waited for it. The totals are measured with the rows where they are known.
    fn settle(&mut self, totals: Option<&[OwnedCell]>) -> Result<()> {
        if self.page.is_some() {
            return Ok(());
        }
        let rows = self.waiting.iter().map(Vec::as_slice).chain(totals);
        let room = (self.paper.left(), self.paper.room());
        self.columns = fit(&mut self.document.glyphs, &self.titles, &rows.collect::<Vec<_>>(), room)?;
        let mut page = Page::new(self.paper);
        frame::heading(&mut page, &mut self.document.glyphs, &self.heading)?;
        if !self.heading.figures.is_empty() {
            // Whoever reads a page aloud comes to the figures between head and table.
            let [head, part] = [(); 2].map(|()| self.document.reserve());
            self.document.drawn(head, page.cut())?;
            self.cards = Some(Cards { head, part, y: page.y(), drawn: false });
            page.leave(frame::CARDS);
        }
        if let Some(svg) = self.picture.take() {
            frame::picture(&mut page, &mut self.document.glyphs, &self.heading, &svg)?;
        }
        self.page = Some(page);
        self.titles_again()?;
        for row in std::mem::take(&mut self.waiting) {
            self.print(&row, Kind::Plain)?;
        }
        Ok(())
    }

    fn nothing(&mut self) -> Result<()> {
        let words = self.document.glyphs.line(self.heading.words.nothing, false)?;
        if let Some(page) = &mut self.page {
            page.words(&words, (self.paper.left() + PAD, base_line(self.columns.size, 0)), 85, Ink::Muted);
            page.leave(row_height(self.columns.size, 1));
        }
        Ok(())
    }

    fn titles_again(&mut self) -> Result<()> {
        let titles: Vec<OwnedCell> = self.titles.iter().cloned().map(OwnedCell::Text).collect();
        self.place(&titles, Kind::Titles)
    }

    /// Ends the page.
    fn turn(&mut self) -> Result<()> {
        let Some(page) = self.page.take() else { return Ok(()) };
        let (body, foot) = (self.document.reserve(), self.document.reserve());
        self.document.drawn(body, page.finish())?;
        let mut parts = Vec::with_capacity(4);
        if let Some(cards) = self.cards.as_ref().filter(|_| self.feet.is_empty()) {
            parts.extend([cards.head, cards.part]);
        }
        parts.extend([body, foot]);
        self.feet.push(foot);
        self.document.page(self.paper.points(), &parts)
    }

    fn print(&mut self, row: &[OwnedCell], kind: Kind) -> Result<()> {
        self.rows += 1;
        self.place(row, kind)
    }

    /// One row, on a new page where this one has no room for it.
    fn place(&mut self, row: &[OwnedCell], kind: Kind) -> Result<()> {
        let bold = kind != Kind::Plain;
        let size = self.columns.size;
        let lines = self.paper.lines(size);
        let mut cells = Vec::with_capacity(row.len());
        for (value, column) in row.iter().zip(&self.columns.list) {
            let most = (column.inner() * 1000 / size.max(1)).max(1000);
            cells.push(match value {
                OwnedCell::Text(text) => self.document.glyphs.wrapped(text, bold, most, lines)?,
                OwnedCell::Number(number) => {
                    vec![self.document.glyphs.line(&grouped(i128::from(*number)), bold)?]
                }
            });
        }
        let high = cells.iter().map(Vec::len).max().unwrap_or(1);
        let height = row_height(size, high);
        if self.page.as_ref().is_some_and(|page| !page.has_room(height)) && kind != Kind::Titles {
            self.turn()?;
            self.page = Some(Page::new(self.paper));
            self.titles_again()?;
        }
        let Some(page) = &mut self.page else { return Ok(()) };
        if bold {
            page.band(height);
        }
        for (lines, column) in cells.iter().zip(&self.columns.list) {
            let ink = if kind == Kind::Titles { Ink::Title } else { Ink::Text };
            put(page, lines, column, size, ink);
        }
        page.leave(height);
        page.rule(if kind == Kind::Plain { Ink::Rule } else { Ink::Strong });
        Ok(())
    }
}

fn put(page: &mut Page, lines: &[Line], column: &Column, size: i32, ink: Ink) {
    for (at, line) in (0..).zip(lines) {
        let down = base_line(size, at);
        match column.figure {
            false => page.words(line, (column.x + PAD, down), size, ink),
            true => {
                // A number that is wider than its column is set smaller.
                let wide = line.at(size).max(1);
                let size = if wide > column.inner() { size * column.inner() / wide } else { size };
                page.words_before(line, (column.x + column.width - PAD, down), size, ink);
            }
        }
    }
}

impl Table for PdfTable {
    fn header(&mut self, titles: &[String]) -> Result<()> {
        self.titles = titles.to_vec();
        Ok(())
    }

    fn wants_days(&self) -> bool {
        self.charted
    }

    fn days(&mut self, rows: &[Row]) -> Result<()> {
        self.picture = Some(frame::chart(rows, self.paper, &self.heading)?);
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        let row: Vec<OwnedCell> = cells.iter().map(OwnedCell::from).collect();
        if self.page.is_some() {
            return self.print(&row, Kind::Plain);
        }
        self.waiting.push(row);
        if self.waiting.len() == MEASURED { self.settle(None) } else { Ok(()) }
    }

    fn totals(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        let row: Vec<OwnedCell> = cells.iter().map(OwnedCell::from).collect();
        self.settle(Some(&row))?;
        if self.rows == 0 {
            self.nothing()?;
        }
        if let Some(shown) = &mut self.cards {
            shown.drawn = true;
            let values: Vec<i64> = cells.iter().filter_map(figure).collect();
            let values = &values[values.len().saturating_sub(self.heading.figures.len())..];
            let place = (self.paper, shown.y);
            let drawing = cards(&mut self.document.glyphs, place, &self.heading, values)?;
            self.document.drawn(shown.part, drawing)?;
        }
        self.print(&row, Kind::Totals)
    }
}

fn figure(cell: &Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Number(number) => Some(*number),
        Cell::Text(_) => None,
    }
}
