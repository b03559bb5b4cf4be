//! Products, warehouses and companies as people know them. Renaming never changes a slug; naming an
//! unregistered id registers it.

use super::dialect::Dialect;
use super::register::NewProduct;
use super::sql::{Row, Script, conclude};
use super::{CompanyRow, Ledger, PlaceRow, ProductRow, WarehouseRow};
use domain::entry::{CompanyId, ProductId, WarehouseId};
use domain::error::Result;

fn product_row(row: &Row) -> Result<ProductRow> {
    Ok(ProductRow {
        id: ProductId::stored(row.text(0)?),
        name: row.text(1)?.to_owned(),
        slug: row.text(2)?.to_owned(),
        barcode: row.text(3)?.to_owned(),
        unit: row.text(4)?.to_owned(),
        category: row.text(5)?.to_owned(),
        minimum: row.int(6)?,
        registered: row.int(7)? != 0,
    })
}

fn product_update(dialect: Dialect, product: &ProductRow) -> String {
    format!(
        "UPDATE products SET name = {}, barcode = {}, unit = {}, category = {}, minimum = {}, registered = 1 \
         WHERE id = {}",
        dialect.text_of(&product.name),
        dialect.text_of(&product.barcode),
        dialect.text_of(&product.unit),
        dialect.text_of(&product.category),
        product.minimum,
        dialect.id_of(product.id.as_str())
    )
}

impl Ledger {
    /// All products, by id.
    pub async fn products(&self) -> Result<Vec<ProductRow>> {
        let sql =
            "SELECT id, name, slug, barcode, unit, category, minimum, registered FROM products ORDER BY id";
        let rows = self.inner.db.reader().await?.query(sql).await?;
        rows.iter().map(product_row).collect()
    }

    /// Names products: new ones are added with a slug of their name, known ones keep their slug. The rows'
    /// `slug` and `registered` are not looked at. All or none.
    pub async fn save_products(&self, products: &[ProductRow]) -> Result<()> {
        let new: Vec<NewProduct> = products
            .iter()
            .map(|product| NewProduct { id: product.id.clone(), name: product.name.clone() })
            .collect();
        self.ensure_products(&new, false).await?;
        let mut script = Script::new(self.inner.db.longest_text().await?);
        for product in products {
            script.statement(&product_update(self.inner.db.dialect(), product));
        }
        self.run(script).await
    }

    async fn run(&self, script: Script) -> Result<()> {
        let mut session = self.inner.db.writer().await?;
        session.begin().await?;
        let done = script.run(&mut *session).await;
        Ok(conclude(&mut *session, done).await?)
    }

    /// All warehouses, by id.
    pub async fn warehouses(&self) -> Result<Vec<WarehouseRow>> {
        self.places("warehouses", WarehouseId::stored).await
    }

    /// All companies, by id.
    pub async fn companies(&self) -> Result<Vec<CompanyRow>> {
        self.places("companies", CompanyId::stored).await
    }

    /// Names warehouses. All or none.
    pub async fn save_warehouses(&self, rows: &[WarehouseRow]) -> Result<()> {
        self.save_places("warehouses", rows.iter().map(|row| (row.id.as_str(), row.name.as_str()))).await
    }

    /// Names companies. All or none.
    pub async fn save_companies(&self, rows: &[CompanyRow]) -> Result<()> {
        self.save_places("companies", rows.iter().map(|row| (row.id.as_str(), row.name.as_str()))).await
    }

    async fn places<Id>(&self, table: &str, id: fn(&str) -> Id) -> Result<Vec<PlaceRow<Id>>> {
        let sql = format!("SELECT id, name, registered FROM {table} ORDER BY id");
        let rows = self.inner.db.reader().await?.query(&sql).await?;
        rows.iter()
            .map(|row| {
                Ok(PlaceRow {
                    id: id(row.text(0)?),
                    name: row.text(1)?.to_owned(),
                    registered: row.int(2)? != 0,
                })
            })
            .collect()
    }

    async fn save_places<'a>(
        &self,
        table: &str,
        rows: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<()> {
        let dialect = self.inner.db.dialect();
        let mut script = Script::new(self.inner.db.longest_text().await?);
        let head = format!("INSERT INTO {table} (id, name, registered)");
        script.rows(&head, &dialect.upsert("id", &[], &["name", "registered"]), rows, |out, (id, name)| {
            out.push('(');
            dialect.id(out, id);
            out.push(',');
            dialect.text(out, name);
            out.push_str(",1)");
        });
        self.run(script).await
    }
}
