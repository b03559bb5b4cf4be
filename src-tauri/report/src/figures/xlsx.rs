//! A report as a workbook: typed cells, a frozen header, totals, written row by row so that its length costs no memory.

use std::fs::File;

use rust_xlsxwriter::{Format, FormatAlign, Workbook, Worksheet, XlsxError};

use super::export::write_error;
use super::{Cell, Table};
use domain::error::{Code, Error, Result};
use domain::words;

/// Rows of a sheet; what does not fit goes on in the next one.
const LONGEST_SHEET: u32 = 1_048_576;
/// Signs of a cell.
const LONGEST_TEXT: usize = 32_767;
/// Beyond it a spreadsheet would round a whole number: it is written as text then.
const EXACT: i64 = 1 << 53;

/// A workbook that is being written.
pub struct XlsxTable {
    workbook: Workbook,
    name: String,
    titles: Vec<String>,
    bold: Format,
    number: Format,
    total: Format,
    sheets: u32,
    row: u32,
}

impl XlsxTable {
    /// Begins a workbook; `name` is its sheet's.
    pub fn new(name: &str) -> Self {
        XlsxTable {
            workbook: Workbook::new(),
            name: name.to_owned(),
            titles: Vec::new(),
            bold: Format::new().set_bold(),
            number: Format::new().set_num_format("#,##0"),
            total: Format::new().set_bold().set_num_format("#,##0").set_align(FormatAlign::Right),
            sheets: 0,
            row: 0,
        }
    }

    /// Writes it into an open file.
    pub fn save(mut self, file: File) -> Result<()> {
        self.workbook.save_to_writer(file).map_err(write_error)
    }

    fn begin_sheet(&mut self) -> Result<()> {
        self.sheets += 1;
        let name =
            if self.sheets == 1 { self.name.clone() } else { format!("{} {}", self.name, self.sheets) };
        let sheet = self.workbook.add_worksheet_with_constant_memory().map_err(refused)?;
        sheet.set_name(&name).map_err(refused)?;
        sheet.set_freeze_panes(1, 0).map_err(refused)?;
        for (column, title) in (0..).zip(&self.titles) {
            sheet.set_column_width(column, if title.len() > 12 { 24 } else { 16 }).map_err(refused)?;
        }
        for (column, title) in (0..).zip(&self.titles) {
            sheet.write_string_with_format(0, column, title, &self.bold).map_err(refused)?;
        }
        self.row = 1;
        Ok(())
    }

    fn write(&mut self, cells: &[Cell<'_>], totals: bool) -> Result<()> {
        if self.row == LONGEST_SHEET {
            self.begin_sheet()?;
        }
        let row = self.row;
        self.row += 1;
        let (text, number) =
            if totals { (&self.bold, &self.total) } else { (&Format::default(), &self.number) };
        let at = usize::try_from(self.sheets - 1).unwrap_or(0);
        let sheet = self.workbook.worksheet_from_index(at).map_err(refused)?;
        for (column, cell) in (0..).zip(cells) {
            put(sheet, row, column, *cell, text, number).map_err(refused)?;
        }
        Ok(())
    }
}

fn put(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: Cell<'_>,
    text: &Format,
    number: &Format,
) -> std::result::Result<(), XlsxError> {
    match cell {
        Cell::Text(value) if value.chars().nth(LONGEST_TEXT).is_some() => {
            let kept: String = value.chars().take(LONGEST_TEXT - 1).chain(['…']).collect();
            sheet.write_string_with_format(row, column, kept, text)?
        }
        Cell::Text(value) => sheet.write_string_with_format(row, column, value, text)?,
        Cell::Number(value) if value.abs() <= EXACT => {
            sheet.write_number_with_format(row, column, value as f64, number)?
        }
        Cell::Number(value) => sheet.write_string_with_format(row, column, value.to_string(), text)?,
    };
    Ok(())
}

fn refused(error: XlsxError) -> Error {
    Error::new(Code::Full, words!("workbook_not_written", "The workbook cannot be written: {error}.", error))
}

impl Table for XlsxTable {
    fn header(&mut self, titles: &[String]) -> Result<()> {
        self.titles = titles.to_vec();
        self.begin_sheet()
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        self.write(cells, false)
    }

    fn totals(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        self.write(cells, true)
    }
}
