//! A report as a table of cells, row by row into a file: all rows, never all at once. CSV carries the names of the JSON
//! fields, for programs; a sheet carries words and names, for people.

use std::io::Write;

use super::stream::stream_beside;
use super::{Flow, Group, Names, Progress, Request, Row, Words};
use domain::error::{Code, Error, Result};
use domain::words;
use ledger::Ledger;

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// An id, a name, a span of time.
    Text(&'a str),
    /// Pieces.
    Number(i64),
}

/// A cell that outlives its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnedCell {
    /// Words.
    Text(String),
    /// A figure.
    Number(i64),
}

impl From<&Cell<'_>> for OwnedCell {
    fn from(cell: &Cell<'_>) -> Self {
        match cell {
            Cell::Text(text) => OwnedCell::Text((*text).to_owned()),
            Cell::Number(number) => OwnedCell::Number(*number),
        }
    }
}

impl<'a> From<&'a OwnedCell> for Cell<'a> {
    fn from(cell: &'a OwnedCell) -> Self {
        match cell {
            OwnedCell::Text(text) => Cell::Text(text),
            OwnedCell::Number(number) => Cell::Number(*number),
        }
    }
}

/// A file that takes rows.
pub trait Table: Send {
    /// The first row.
    fn header(&mut self, titles: &[String]) -> Result<()>;
    /// Whether it shows the report's days beside its rows.
    fn wants_days(&self) -> bool {
        false
    }
    /// In, out and closing of every day of the period, before the first row.
    fn days(&mut self, _rows: &[Row]) -> Result<()> {
        Ok(())
    }
    /// One more row.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()>;
    /// The last row, where the file has one.
    fn totals(&mut self, cells: &[Cell<'_>]) -> Result<()>;
}

/// What the columns are called.
#[derive(Debug, Clone, Copy)]
pub enum Sheet<'a> {
    /// As the fields in JSON.
    Fields,
    /// As a person reads them, with the names beside the ids.
    Words(&'a Words, &'a Names),
}

impl Sheet<'_> {
    fn titles(&self, by: &[Group]) -> Vec<String> {
        let mut titles = Vec::new();
        for group in by {
            match self {
                Sheet::Fields => titles.push(group.field().to_owned()),
                Sheet::Words(words, names) => {
                    titles.push(words.group(*group).to_owned());
                    titles.extend(names.name(*group, "").map(|_| words.name_of(*group)));
                }
            }
        }
        match self {
            Sheet::Fields => titles.extend(["opening", "in", "out", "closing"].map(str::to_owned)),
            Sheet::Words(words, _) => titles.extend(words.figures.map(str::to_owned)),
        }
        titles
    }

    fn cells<'r>(&'r self, by: &[Group], row: &'r Row) -> Vec<Cell<'r>> {
        let mut cells = Vec::with_capacity(by.len() + 6);
        for (group, value) in by.iter().zip(&row.group) {
            cells.push(Cell::Text(value));
            if let Sheet::Words(_, names) = self {
                cells.extend(names.name(*group, value).map(Cell::Text));
            }
        }
        let figures = row.figures;
        cells.extend([figures.opening, figures.inward, figures.outward, figures.closing()].map(Cell::Number));
        cells
    }
}

/// Writes all rows of a report and its totals. `watch` is told after each chunk and may stop it: then the file ends
/// early and the answer is false.
pub async fn export(
    ledger: &Ledger,
    request: &Request,
    sheet: Sheet<'_>,
    table: &mut dyn Table,
    mut watch: impl FnMut(Progress) -> Flow,
) -> Result<bool> {
    let titles = sheet.titles(&request.by);
    table.header(&titles)?;
    let days = table.wants_days().then(|| {
        let filter = request.filter.clone();
        Request { filter, all: true, ..Request::new(request.period, &[Group::Day]) }
    });
    let totals = stream_beside(ledger, request, days.as_ref(), |beside, rows, progress| {
        if let Some(days) = beside {
            table.days(&days.rows)?;
        }
        for row in rows {
            table.row(&sheet.cells(&request.by, row))?;
        }
        Ok(watch(progress))
    })
    .await?;
    let Some(totals) = totals else { return Ok(false) };
    let mut cells = vec![Cell::Text(""); titles.len() - 4];
    if let (Some(first), Sheet::Words(words, _)) = (cells.first_mut(), sheet) {
        *first = Cell::Text(words.total);
    }
    cells.extend([totals.opening, totals.inward, totals.outward, totals.closing()].map(Cell::Number));
    table.totals(&cells)?;
    Ok(true)
}

/// A CSV in UTF-8 with a byte order mark, so that a spreadsheet does not mistake its Chinese. No row of totals: whoever
/// adds up the column would count it.
pub struct CsvTable<W: Write>(csv::Writer<W>);

impl<W: Write + Send> CsvTable<W> {
    /// Begins the file.
    pub fn new(mut out: W) -> Result<Self> {
        out.write_all("\u{feff}".as_bytes()).map_err(write_error)?;
        Ok(CsvTable(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out)))
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<()> {
        self.0.flush().map_err(write_error)
    }
}

pub(super) fn write_error(error: impl std::fmt::Display) -> Error {
    Error::new(Code::Full, words!("the_file_not_written", "The file cannot be written: {error}.", error))
}

impl<W: Write + Send> Table for CsvTable<W> {
    fn header(&mut self, titles: &[String]) -> Result<()> {
        self.0.write_record(titles).map_err(write_error)
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        for cell in cells {
            match cell {
                Cell::Text(text) => self.0.write_field(text),
                Cell::Number(number) => self.0.write_field(number.to_string()),
            }
            .map_err(write_error)?;
        }
        self.0.write_record(None::<&[u8]>).map_err(write_error)
    }

    fn totals(&mut self, _cells: &[Cell<'_>]) -> Result<()> {
        Ok(())
    }
}
