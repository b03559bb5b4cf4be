//! The stock's shapes on both sides of the door: the view's rows and questions, and the screen's. Pure.

use chrono::NaiveTime;
use inventory::live::{Column, Labels, LiveRow, ProductLabel, Query};

use crate::api::catalog::CatalogKind;
use crate::api::stock::{StockColumn, StockQuery, StockRow};
use crate::names::Names;

/// Names under which rows are shown and found.
pub(super) fn labels(names: &Names) -> Labels {
    let warehouses = names.all(CatalogKind::Warehouse).into_iter().map(|item| (item.id, item.name));
    let products = names.all(CatalogKind::Product).into_iter().map(|item| {
        let label = ProductLabel {
            name: item.name,
            barcode: item.barcode,
            unit: item.unit,
            category: item.category,
            minimum: item.minimum,
        };
        (item.id, label)
    });
    Labels { warehouses: warehouses.collect(), products: products.collect() }
}

/// A number of rows as the screen counts.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What the screen asks for, in the view's words.
pub(super) fn asked(query: StockQuery) -> Query {
    Query {
        search: query.search,
        warehouses: query.warehouses,
        categories: query.categories,
        below_minimum: query.below_minimum,
        negative: query.negative,
        hide_zero: query.hide_zero,
        sort: match query.sort {
            StockColumn::Warehouse => Column::Warehouse,
            StockColumn::Product => Column::Product,
            StockColumn::ProductName => Column::ProductName,
            StockColumn::Quantity => Column::Quantity,
            StockColumn::Base => Column::Base,
            StockColumn::Change => Column::Change,
            StockColumn::InToday => Column::InToday,
            StockColumn::OutToday => Column::OutToday,
            StockColumn::LastMovement => Column::LastMovement,
        },
        descending: query.descending,
    }
}

/// A row as the screen gets it. Where only the day of the last movement is known, only the day is told.
pub(super) fn row(row: &LiveRow) -> StockRow {
    let moment = row.last_movement.map(|last| match last.time() {
        NaiveTime::MIN => last.format("%Y-%m-%d").to_string(),
        _ => last.format("%Y-%m-%d %H:%M").to_string(),
    });
    StockRow {
        warehouse_id: row.warehouse_id.to_string(),
        warehouse_name: row.warehouse_name.to_string(),
        product_id: row.product_id.to_string(),
        product_name: row.product_name.to_string(),
        unit: row.unit.to_string(),
        category: row.category.to_string(),
        quantity: row.quantity,
        base: row.base,
        change: row.change,
        in_today: row.in_today,
        out_today: row.out_today,
        last_movement: moment,
        minimum: row.minimum,
        low: row.low,
        damaged: row.damaged,
    }
}
