//! A table on paper, page by page as its rows come: the head of the columns again on every page, figures to the right,
//! "page n of m". Whole files alone get the name that was asked for: one that is given up leaves nothing behind.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use pdf_writer::Ref;
use tempfile::NamedTempFile;

use super::columns::{Column, Columns, PAD, fit};
use super::frame::{cards, foot};
use super::page::{Ink, Page, base_line, row_height};
use super::{Heading, Paper, frame};
use crate::error::{Code, Error, Result};
use crate::fonts::Fonts;
use crate::pdf::{Document, Drawing, Info, Line, grouped};
use crate::report::{Cell, Row, Table};

/// Rows on which the columns are measured.
const MEASURED: usize = 400;

/// A cell that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(i64),
}

impl From<&Cell<'_>> for Value {
    fn from(cell: &Cell<'_>) -> Self {
        match cell {
            Cell::Text(text) => Value::Text((*text).to_owned()),
            Cell::Number(number) => Value::Number(*number),
        }
    }
}

/// What kind of row it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Titles,
    Plain,
    Totals,
}

/// The first page's part for the figures that only the end tells.
struct Cards {
    part: Ref,
    y: i32,
    drawn: bool,
}

/// A file that only its maker knows until it gets its name, and that may be read then by whom the folder's owner lets.
fn unfinished() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".twinstock-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// A printed table that is being written.
pub struct PdfTable {
    document: Document<BufWriter<NamedTempFile>>,
    path: PathBuf,
    paper: Paper,
    heading: Heading,
    charted: bool,
    picture: Option<String>,
    titles: Vec<String>,
    waiting: Vec<Vec<Value>>,
    columns: Columns,
    page: Option<Page>,
    cards: Option<Cards>,
    feet: Vec<Ref>,
    rows: u64,
}

impl PdfTable {
    /// Begins a file; it gets its name when it is finished.
    pub fn create(path: &Path, paper: Paper, heading: Heading, fonts: &Fonts) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let unfit = |error: std::io::Error| Error::new(Code::Config, format!("{}: {error}", path.display()));
        let file = unfinished().tempfile_in(folder).map_err(unfit)?;
        let document = Document::new(BufWriter::new(file), fonts)?;
        Ok(PdfTable {
            document,
            path: path.to_owned(),
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
        let out = self.document.finish(&Info { title, language: words.tag, made: *made })?;
        let path = &self.path;
        let failed =
            |error: &dyn std::fmt::Display| Error::new(Code::Full, format!("{}: {error}", path.display()));
        let file = out.into_inner().map_err(|error| failed(error.error()))?;
        file.persist(path).map_err(|error| failed(&error.error))?;
        Ok(())
    }

    /// Fixes the columns and prints what waited for it. The totals are measured with the rows where they are known.
    fn settle(&mut self, totals: Option<&[Value]>) -> Result<()> {
        if self.page.is_some() {
            return Ok(());
        }
        let rows = self.waiting.iter().map(Vec::as_slice).chain(totals);
        let room = (self.paper.left(), self.paper.room());
        self.columns = fit(&mut self.document.glyphs, &self.titles, &rows.collect::<Vec<_>>(), room)?;
        let mut page = Page::new(self.paper);
        frame::heading(&mut page, &mut self.document.glyphs, &self.heading)?;
        if !self.heading.figures.is_empty() {
            let part = self.document.reserve();
            self.cards = Some(Cards { part, y: page.y(), drawn: false });
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
        let titles: Vec<Value> = self.titles.iter().cloned().map(Value::Text).collect();
        self.place(&titles, Kind::Titles)
    }

    /// Ends the page.
    fn turn(&mut self) -> Result<()> {
        let Some(page) = self.page.take() else { return Ok(()) };
        let (body, foot) = (self.document.reserve(), self.document.reserve());
        self.document.drawn(body, page.finish())?;
        let mut parts = vec![body, foot];
        if self.feet.is_empty() {
            parts.extend(self.cards.as_ref().map(|cards| cards.part));
        }
        self.feet.push(foot);
        self.document.page(self.paper.points(), &parts)
    }

    fn print(&mut self, row: &[Value], kind: Kind) -> Result<()> {
        self.rows += 1;
        self.place(row, kind)
    }

    /// One row, on a new page where this one has no room for it.
    fn place(&mut self, row: &[Value], kind: Kind) -> Result<()> {
        let bold = kind != Kind::Plain;
        let size = self.columns.size;
        let lines = self.paper.lines(size);
        let mut cells = Vec::with_capacity(row.len());
        for (value, column) in row.iter().zip(&self.columns.list) {
            let most = (column.inner() * 1000 / size.max(1)).max(1000);
            cells.push(match value {
                Value::Text(text) => self.document.glyphs.wrapped(text, bold, most, lines)?,
                Value::Number(number) => {
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
        let row: Vec<Value> = cells.iter().map(Value::from).collect();
        if self.page.is_some() {
            return self.print(&row, Kind::Plain);
        }
        self.waiting.push(row);
        if self.waiting.len() == MEASURED { self.settle(None) } else { Ok(()) }
    }

    fn totals(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        let row: Vec<Value> = cells.iter().map(Value::from).collect();
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
