//! `stock`: live quantities as they stand in the stock store.

use std::collections::BTreeMap;

use inventory::Parts;
use inventory::config::Config;
use inventory::domain::entry::StockKey;
use inventory::domain::error::Result;
use inventory::stock::value::Value;
use serde::Serialize;

use crate::{Outcome, output};

#[derive(Serialize)]
struct Row {
    warehouse_id: String,
    product_id: String,
    base: i64,
    change: i64,
    quantity: i64,
}

/// Prints the quantities, sorted by warehouse and product. Damaged values are told on standard error and make
/// the exit code 1.
pub async fn stock(
    config: Config,
    warehouse: Option<&str>,
    product: Option<&str>,
    json: bool,
) -> Result<Outcome> {
    let engine = super::open(config, Parts::Stores).await?;
    let mut rows: BTreeMap<StockKey, Row> = BTreeMap::new();
    let (mut from, mut damaged) = (None, 0);
    loop {
        let page = engine.stock().scan(from.as_ref(), 1_000).await?;
        for (text, bytes) in page.values {
            let Some(key) = StockKey::parse(&text) else { continue };
            if warehouse.is_some_and(|w| w != key.warehouse.as_str())
                || product.is_some_and(|p| p != key.product.as_str())
            {
                continue;
            }
            match Value::read(&bytes) {
                Ok(value) => {
                    rows.insert(
                        key.clone(),
                        Row {
                            warehouse_id: key.warehouse.to_string(),
                            product_id: key.product.to_string(),
                            base: value.base,
                            change: value.change,
                            quantity: value.quantity(),
                        },
                    );
                }
                Err(_) => {
                    damaged += 1;
                    eprintln!("inv-daemon: the value of {key} is damaged; an audit mends it");
                }
            }
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    let rows: Vec<Row> = rows.into_values().collect();
    if json {
        output::json(&rows)?;
    } else {
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let numbers = [row.base, row.change, row.quantity].map(|n| n.to_string());
                [row.warehouse_id.clone(), row.product_id.clone()].into_iter().chain(numbers).collect()
            })
            .collect();
        output::table(&["warehouse", "product", "base", "change", "quantity"], &cells, &[2, 3, 4])?;
    }
    Ok(if damaged == 0 { Outcome::Clean } else { Outcome::Found })
}
