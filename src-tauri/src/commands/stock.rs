//! The stock grid's views, quantities beside lines, the stock card and the export.

use std::sync::Arc;

use inventory::domain::entry::{Direction, ProductId, StockKey, WarehouseId, format_time};
use inventory::stock::value::Value;
use tauri::ipc::Channel;

use crate::api::Failure;
use crate::api::catalog::CatalogKind;
use crate::api::stock::{
    CardLine, CardPage, Exported, KeyOf, QuantityOf, StockOpened, StockPatch, StockQuery, StockWindow,
};
use crate::state::App;
use crate::{cursor, export};

/// Most movements of one page.
const CARD: u32 = 500;

/// Opens a view and its feed.
pub async fn stock_open(
    app: &Arc<App>,
    query: StockQuery,
    feed: Channel<StockPatch>,
) -> Result<StockOpened, Failure> {
    app.live().await?.views.open(query, Box::new(move |patch| feed.send(patch).is_ok())).await
}

/// Changes search, filters and order.
pub async fn stock_query(app: &Arc<App>, view: u32, query: StockQuery) -> Result<StockWindow, Failure> {
    app.live().await?.views.query(view, query)
}

/// Rows [start, end); patches follow this window from now on.
pub async fn stock_window(app: &Arc<App>, view: u32, start: u32, end: u32) -> Result<StockWindow, Failure> {
    app.live().await?.views.window(view, start, end)
}

/// Makes the order anew.
pub async fn stock_apply(app: &Arc<App>, view: u32) -> Result<StockWindow, Failure> {
    app.live().await?.views.apply(view)
}

/// The screen has taken the patch; the next may come.
pub async fn stock_ack(app: &Arc<App>, view: u32, seq: u64) -> Result<(), Failure> {
    app.live().await?.views.ack(view, seq)
}

/// Stops the feed while nobody looks.
pub async fn stock_hidden(app: &Arc<App>, view: u32, hidden: bool) -> Result<(), Failure> {
    app.live().await?.views.hidden(view, hidden)
}

/// Ends a view.
pub async fn stock_close(app: &Arc<App>, view: u32) -> Result<(), Failure> {
    app.live().await?.views.close(view);
    Ok(())
}

/// Live quantities of keys; a key that is no key has none.
pub async fn stock_of(app: &Arc<App>, keys: Vec<KeyOf>) -> Result<Vec<QuantityOf>, Failure> {
    let live = app.live().await?;
    let (mut asked, mut wanted) = (Vec::new(), Vec::new());
    for key in keys.into_iter().take(5_000) {
        if let (Ok(warehouse), Ok(product)) =
            (WarehouseId::parse(&key.warehouse_id), ProductId::parse(&key.product_id))
        {
            asked.push(StockKey { warehouse, product });
            wanted.push(key);
        }
    }
    let values = live.engine.stock().values(&asked).await?;
    let quantities = wanted.into_iter().zip(values).map(|(key, value)| QuantityOf {
        quantity: value.and_then(|bytes| Value::read(&bytes).ok()).map_or(0, |value| value.quantity()),
        minimum: live.names.get(CatalogKind::Product, &key.product_id).map_or(0, |item| item.minimum),
        warehouse_id: key.warehouse_id,
        product_id: key.product_id,
    });
    Ok(quantities.collect())
}

/// One page of a key's movements with its running balance.
pub async fn stock_card(
    app: &Arc<App>,
    warehouse_id: String,
    product_id: String,
    before: Option<String>,
    limit: u32,
) -> Result<CardPage, Failure> {
    let live = app.live().await?;
    let parsed = |refusal| Failure::from(inventory::domain::error::Error::from(refusal));
    let key = StockKey {
        warehouse: WarehouseId::parse(&warehouse_id).map_err(parsed)?,
        product: ProductId::parse(&product_id).map_err(parsed)?,
    };
    let before = before.as_deref().map(cursor::read).transpose()?;
    let limit = limit.clamp(1, CARD) as usize;
    let ledger = live.engine.ledger();
    let movements = ledger.movements(&key, before.as_ref(), limit).await?;
    let vectors = ledger.vectors(std::slice::from_ref(&key)).await?;
    let product = live.names.get(CatalogKind::Product, &product_id);
    let next = movements.last().filter(|_| movements.len() == limit).map(cursor::write);
    let lines = movements.into_iter().map(|movement| {
        let entry = movement.entry;
        CardLine {
            create_time: format_time(entry.create_time),
            bill_id: entry.bill_id.to_string(),
            company_name: live.names.name(CatalogKind::Company, entry.company_id.as_str()),
            company_id: entry.company_id.to_string(),
            quantity: entry.quantity,
            drcr: if entry.direction == Direction::In { 1 } else { -1 },
            balance: movement.balance,
            description: entry.description.unwrap_or_default(),
        }
    });
    Ok(CardPage {
        lines: lines.collect(),
        next,
        product_name: product.as_ref().map_or(product_id, |item| item.name.clone()),
        unit: product.map(|item| item.unit).unwrap_or_default(),
        warehouse_name: live.names.name(CatalogKind::Warehouse, &warehouse_id),
        balance: vectors.iter().flat_map(|vector| &vector.parts).map(|(_, _, sum)| sum).sum(),
    })
}

/// Writes every row that matches into a CSV file.
pub async fn stock_export_csv(
    app: &Arc<App>,
    query: StockQuery,
    path: Option<String>,
) -> Result<Exported, Failure> {
    let live = app.live().await?;
    let Some(path) = export::choose(app, path, "stock", "csv").await else {
        return Ok(Exported { path: None, rows: 0 });
    };
    let rows = live.views.rows(query).await?;
    export::stock(&path, &rows)?;
    let rows = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    Ok(Exported { path: Some(path.display().to_string()), rows })
}
