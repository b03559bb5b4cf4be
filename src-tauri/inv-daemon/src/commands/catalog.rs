//! `catalog import|export`: products, warehouses and companies as CSV.

use std::path::Path;

use clap::ValueEnum;
use inventory::Parts;
use inventory::config::Config;
use inventory::domain::catalogue::{self, File};
use inventory::domain::error::{Code, Error, Result};
use inventory::domain::words::Words;

use crate::{Outcome, output};

/// What an export writes.
#[derive(Clone, Copy, ValueEnum)]
pub enum Kind {
    /// product_id,name,barcode,unit,category,minimum
    Products,
    /// warehouse_id,name
    Warehouses,
    /// company_id,name
    Companies,
}

/// Imports a CSV, all or nothing; every error of the file is told in one pass.
pub async fn import(config: Config, path: &Path) -> Result<Outcome> {
    let input = std::fs::File::open(path).map_err(|error| super::file_error(path, &error))?;
    let file = catalogue::read_csv(input).map_err(|errors| {
        for error in &errors {
            eprintln!("{}: {error}", path.display());
        }
        Error::new(Code::Invalid, Words::plain(format!("{} errors; nothing was imported", errors.len())))
    })?;
    let engine = super::open(config, Parts::Stores).await?;
    let rows = engine.import_catalog(&file).await?;
    output::line(&format!("{rows} rows imported"))?;
    Ok(Outcome::Clean)
}

/// Exports one kind.
pub async fn export(config: Config, path: &Path, kind: Kind) -> Result<Outcome> {
    let engine = super::open(config, Parts::Stores).await?;
    let file = match kind {
        Kind::Products => File::Products(engine.export_products().await?),
        Kind::Warehouses => File::Warehouses(engine.export_warehouses().await?),
        Kind::Companies => File::Companies(engine.export_companies().await?),
    };
    if path == Path::new("-") {
        catalogue::write_csv(&file, std::io::stdout().lock())?;
    } else {
        let out = std::fs::File::create(path).map_err(|error| super::file_error(path, &error))?;
        catalogue::write_csv(&file, out)?;
    }
    Ok(Outcome::Clean)
}
