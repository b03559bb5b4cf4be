//! Pickers and the catalogue's rows.

use std::sync::Arc;

use inventory::domain::catalogue::short;
use inventory::domain::entry::{CompanyId, ProductId, WarehouseId};
use inventory::domain::words;
use inventory::ledger::{CompanyRow, ProductRow, WarehouseRow};

use crate::api::Failure;
use crate::api::catalog::{CatalogDraft, CatalogItem, CatalogKind, ScanHit};
use crate::state::App;

/// Most rows of one answer.
const MOST: u32 = 1_000;

/// Rows that fit a text, best first.
pub async fn catalog_search(
    app: &Arc<App>,
    kind: CatalogKind,
    text: String,
    limit: u32,
) -> Result<Vec<CatalogItem>, Failure> {
    Ok(app.live().await?.names.search(kind, &text, limit.min(MOST) as usize))
}

/// One row by its code.
pub async fn catalog_get(
    app: &Arc<App>,
    kind: CatalogKind,
    id: String,
) -> Result<Option<CatalogItem>, Failure> {
    Ok(app.live().await?.names.get(kind, &id))
}

/// What a scanned code means.
pub async fn catalog_scan(app: &Arc<App>, code: String) -> Result<ScanHit, Failure> {
    let names = &app.live().await?.names;
    let item =
        names.exact(CatalogKind::Product, &code).or_else(|| names.exact(CatalogKind::Warehouse, &code));
    Ok(ScanHit { code, item })
}

/// Adds or changes a row.
pub async fn catalog_save(app: &Arc<App>, item: CatalogDraft) -> Result<CatalogItem, Failure> {
    let live = app.live().await?;
    let ledger = live.engine.ledger();
    let id = item.id.trim();
    let name = match item.name.trim() {
        "" => id.to_string(),
        name => checked("name", name)?,
    };
    let registered = true;
    let refused = |refusal: inventory::domain::entry::Refusal| Failure {
        field: Some("id".into()),
        ..Failure::from(inventory::domain::error::Error::from(refusal))
    };
    match item.kind {
        CatalogKind::Product => {
            if item.minimum < 0 {
                let failure =
                    Failure::new("invalid", words!("minimum_negative", "the minimum must be 0 or more"));
                return Err(Failure { field: Some("minimum".into()), ..failure });
            }
            let row = ProductRow {
                id: ProductId::parse(id).map_err(refused)?,
                name,
                slug: String::new(),
                barcode: checked("barcode", item.barcode.trim())?,
                unit: checked("unit", item.unit.trim())?,
                category: checked("category", item.category.trim())?,
                minimum: item.minimum,
                registered,
            };
            ledger.save_products(&[row]).await?;
        }
        CatalogKind::Warehouse => {
            let row = WarehouseRow { id: WarehouseId::parse(id).map_err(refused)?, name, registered };
            ledger.save_warehouses(&[row]).await?;
        }
        CatalogKind::Company => {
            let row = CompanyRow { id: CompanyId::parse(id).map_err(refused)?, name, registered };
            ledger.save_companies(&[row]).await?;
        }
    }
    live.names.read().await?;
    let saved = live.names.get(item.kind, id);
    saved.ok_or_else(|| {
        Failure::new(
            "internal",
            words!("saved_not_there", "{id} was saved and is not there", id = format!("{id:?}")),
        )
    })
}

fn checked(field: &str, text: &str) -> Result<String, Failure> {
    short(field, text).map_err(|error| Failure { field: Some(field.into()), ..Failure::from(error) })
}
