//! Writes the stock grid's rows to a CSV file that spreadsheets open as it is (UTF-8 with its mark).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tauri_plugin_dialog::DialogExt;

use crate::api::Failure;
use crate::api::stock::StockRow;
use crate::state::App;

/// The path given, or the one chosen in a save dialog; `None` when it was closed.
pub async fn choose(app: &Arc<App>, path: Option<String>) -> Option<PathBuf> {
    if let Some(path) = path {
        return Some(PathBuf::from(path));
    }
    let window = app.window.get()?.clone();
    let (tell, told) = tokio::sync::oneshot::channel();
    let day = crate::clock::wall().format("%Y%m%d");
    let dialog = window.dialog().file().add_filter("CSV", &["csv"]).set_file_name(format!("stock-{day}.csv"));
    dialog.save_file(move |path| {
        let _ = tell.send(path);
    });
    told.await.ok().flatten()?.into_path().ok()
}

/// Writes all rows, or says why not; a half-written file is not left under the name.
pub fn csv(path: &Path, rows: &[StockRow]) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new("full", format!("cannot write {}: {error}", path.display()))
    };
    let new = path.with_extension("csv.new");
    let file = std::fs::File::create(&new).map_err(|error| failed(&error))?;
    let mut file = std::io::BufWriter::new(file);
    file.write_all("\u{feff}".as_bytes()).map_err(|error| failed(&error))?;
    let mut writer = csv::Writer::from_writer(file);
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
    writer.write_record(heading).map_err(|error| failed(&error))?;
    let unknown = String::new();
    for row in rows {
        let [quantity, base, change, in_today, out_today, minimum] =
            [row.quantity, row.base, row.change, row.in_today, row.out_today, row.minimum]
                .map(|n| n.to_string());
        let record = [
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
        ];
        writer.write_record(record).map_err(|error| failed(&error))?;
    }
    let file = writer.into_inner().map_err(|error| failed(&error.error()))?;
    let file = file.into_inner().map_err(|error| failed(error.error()))?;
    file.sync_all().map_err(|error| failed(&error))?;
    std::fs::rename(&new, path).map_err(|error| failed(&error))
}
