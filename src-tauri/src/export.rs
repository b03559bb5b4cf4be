//! Writes CSV files that spreadsheets open as they are (UTF-8 with its mark): the stock grid's rows, and whatever
//! others add row by row. A half-written file is never left under the name.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use inventory::domain::words;
use inventory::report::part_file::PartFile;
use tauri_plugin_dialog::DialogExt;

use crate::api::Failure;
use crate::api::stock::StockRow;
use crate::state::App;

/// The path given, or the one chosen in a save dialog; `None` when it was closed. `name`: what the file is about;
/// `end`: how its name ends.
pub async fn choose(app: &Arc<App>, path: Option<String>, name: &str, end: &str) -> Option<PathBuf> {
    if let Some(path) = path {
        return Some(PathBuf::from(path));
    }
    let window = app.window.get()?.clone();
    let (tell, told) = tokio::sync::oneshot::channel();
    let day = crate::clock::wall().format("%Y%m%d");
    let dialog = window
        .dialog()
        .file()
        .add_filter(end.to_uppercase(), &[end])
        .set_file_name(format!("{name}-{day}.{end}"));
    dialog.save_file(move |path| {
        let _ = tell.send(path);
    });
    told.await.ok().flatten()?.into_path().ok()
}

/// A CSV file being written, row by row; it gets its name when it is whole.
pub struct Csv {
    path: PathBuf,
    part: PartFile,
    writer: csv::Writer<BufWriter<File>>,
}

impl Csv {
    /// Begins the file with its mark and its heading.
    pub fn create(path: &Path, heading: &[&str]) -> Result<Self, Failure> {
        let part = begun(path)?;
        let mut file = BufWriter::new(part.open()?);
        file.write_all("\u{feff}".as_bytes()).map_err(|error| failed(path, &error))?;
        let mut csv = Csv { path: path.to_owned(), part, writer: csv::Writer::from_writer(file) };
        csv.row(heading)?;
        Ok(csv)
    }

    /// Adds a row.
    pub fn row<T: AsRef<[u8]>>(&mut self, cells: &[T]) -> Result<(), Failure> {
        self.writer.write_record(cells).map_err(|error| failed(&self.path, &error))
    }

    /// Writes what is left and gives the file its name.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|error| failed(&self.path, &error))?;
        Ok(self.part.keep()?)
    }
}

/// A file that has no name until it is whole.
pub fn begun(path: &Path) -> Result<PartFile, Failure> {
    PartFile::create(path).map_err(|error| {
        Failure::new("full", words!("cannot_write_it", "cannot write {what}", what = error.message))
    })
}

/// A file that cannot be written.
pub fn failed(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new("full", words!("cannot_write", "cannot write {path}: {error}", path = path.display(), error))
}

/// Writes all rows of the stock grid, or says why not.
pub fn stock(path: &Path, rows: &[StockRow]) -> Result<(), Failure> {
    let heading = [
        "warehouse_id",
        "warehouse_name",
        "product_id",
        "product_name",
        "unit",
        "category",
        "quantity",
        "base",
        "change",
        "in_today",
        "out_today",
        "last_movement",
        "minimum",
    ];
    let mut csv = Csv::create(path, &heading)?;
    let unknown = String::new();
    for row in rows {
        let [quantity, base, change, in_today, out_today, minimum] =
            [row.quantity, row.base, row.change, row.in_today, row.out_today, row.minimum]
                .map(|n| n.to_string());
        csv.row(&[
            &row.warehouse_id,
            &row.warehouse_name,
            &row.product_id,
            &row.product_name,
            &row.unit,
            &row.category,
            &quantity,
            &base,
            &change,
            &in_today,
            &out_today,
            row.last_movement.as_ref().unwrap_or(&unknown),
            &minimum,
        ])?;
    }
    csv.finish()
}
