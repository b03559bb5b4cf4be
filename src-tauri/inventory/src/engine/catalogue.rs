//! The catalogue's import and export, for both shells.

use super::Engine;
use domain::catalogue::{File, Product};
use domain::entry::{CompanyId, WarehouseId};
use domain::error::Result;
use ledger::{PlaceRow, ProductRow};

impl Engine {
    /// Writes a whole catalogue file in one transaction; rows that exist are renamed. Returns the number of rows.
    pub async fn import_catalog(&self, file: &File) -> Result<usize> {
        match file {
            File::Products(products) => {
                let rows: Vec<ProductRow> = products.iter().map(row).collect();
                self.ledger.save_products(&rows).await?;
            }
            File::Warehouses(rows) => self.ledger.save_warehouses(&places(rows)).await?,
            File::Companies(rows) => self.ledger.save_companies(&places(rows)).await?,
        }
        Ok(match file {
            File::Products(rows) => rows.len(),
            File::Warehouses(rows) => rows.len(),
            File::Companies(rows) => rows.len(),
        })
    }

    /// All products, unregistered ones under their id.
    pub async fn export_products(&self) -> Result<Vec<Product>> {
        let rows = self.ledger.products().await?;
        Ok(rows
            .into_iter()
            .map(|row| Product {
                id: row.id,
                name: row.name,
                barcode: row.barcode,
                unit: row.unit,
                category: row.category,
                minimum: row.minimum,
            })
            .collect())
    }

    /// All warehouses.
    pub async fn export_warehouses(&self) -> Result<Vec<(WarehouseId, String)>> {
        Ok(named(self.ledger.warehouses().await?))
    }

    /// All companies.
    pub async fn export_companies(&self) -> Result<Vec<(CompanyId, String)>> {
        Ok(named(self.ledger.companies().await?))
    }
}

fn named<Id>(rows: Vec<PlaceRow<Id>>) -> Vec<(Id, String)> {
    rows.into_iter().map(|row| (row.id, row.name)).collect()
}

/// The slug is the ledger's to give.
fn row(product: &Product) -> ProductRow {
    ProductRow {
        id: product.id.clone(),
        name: product.name.clone(),
        slug: String::new(),
        barcode: product.barcode.clone(),
        unit: product.unit.clone(),
        category: product.category.clone(),
        minimum: product.minimum,
        registered: true,
    }
}

fn places<Id: Clone>(rows: &[(Id, String)]) -> Vec<PlaceRow<Id>> {
    rows.iter().map(|(id, name)| PlaceRow { id: id.clone(), name: name.clone(), registered: true }).collect()
}
