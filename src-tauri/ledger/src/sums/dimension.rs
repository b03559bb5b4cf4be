//! The dimension by which sums are rolled up (the column `face`): which of them answers a question of a report.

use super::{Ask, Columns, Filter};

/// By what sums are rolled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Face {
    /// Product and warehouse: `day_totals` itself, by month.
    Keys,
    /// Product.
    Products,
    /// Warehouse.
    Warehouses,
    /// Company; `day_totals` does not know it.
    Companies,
}

impl Face {
    /// The coarsest that answers; `None` where only the rows do.
    pub fn of(ask: &Ask) -> Option<Self> {
        let Filter { products, warehouses, companies, categories } = &ask.filter;
        let product = ask.columns.product || products.is_some() || categories.is_some();
        let warehouse = ask.columns.warehouse || warehouses.is_some();
        let company = ask.columns.company || companies.is_some();
        match (company, product, warehouse) {
            (true, false, false) => Some(Face::Companies),
            (true, ..) => None,
            (false, true, true) => Some(Face::Keys),
            (false, true, false) => Some(Face::Products),
            (false, false, _) => Some(Face::Warehouses),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Face::Keys => "keys",
            Face::Products => "products",
            Face::Warehouses => "warehouses",
            Face::Companies => "companies",
        }
    }

    pub fn columns(self) -> Columns {
        Columns {
            product: matches!(self, Face::Keys | Face::Products),
            warehouse: matches!(self, Face::Keys | Face::Warehouses),
            company: self == Face::Companies,
        }
    }
}
