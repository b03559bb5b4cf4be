//! Reports of a period: rows, what stands behind them, movers, alerts, charts and files.

use std::sync::Arc;

use inventory::domain::entry::{Direction, format_time};
use inventory::report::{self, Movement, Mover, RULE, Unusual};
use tauri::ipc::Channel;

use crate::api::Failure;
use crate::api::catalog::CatalogKind;
use crate::api::charts::{ReportChart, ReportChartKind, ReportLook, ReportPicture};
use crate::api::reports::{
    ReportAlerts, ReportChoices, ReportEntries, ReportEntry, ReportFile, ReportMover, ReportMovers,
    ReportOpened, ReportProgress, ReportQuery, ReportRow, ReportUnusual,
};
use crate::api::stock::{Exported, StockQuery, StockRow};
use crate::names::Names;
use crate::reporting::{charts, figures, files, narrowed, request};
use crate::state::{App, Live};
use crate::{clock, cursor, export};

/// Most rows of one answer.
const PAGE: u32 = 1_000;

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What the filters offer.
pub async fn report_choices(app: &Arc<App>) -> Result<ReportChoices, Failure> {
    let live = app.live().await?;
    let products = live.names.all(CatalogKind::Product).into_iter();
    let categories: std::collections::BTreeSet<String> = products.map(|item| item.category).collect();
    Ok(ReportChoices {
        warehouses: live.names.all(CatalogKind::Warehouse).into_iter().map(|item| item.id).collect(),
        categories: categories.into_iter().collect(),
    })
}

/// Makes a report; its rows are held.
pub async fn report_open(app: &Arc<App>, query: ReportQuery) -> Result<ReportOpened, Failure> {
    let live = app.live().await?;
    let request = request(&query)?;
    // Before the figures: an entry between the two has it made once more, never once too little.
    let version = report::version(live.engine.ledger(), request.period).await?;
    let made = report::run(live.engine.ledger(), &request).await?;
    let totals = figures(&made.totals);
    let found = count(made.found);
    let last = request.period.end - chrono::TimeDelta::seconds(1);
    Ok(ReportOpened {
        report: live.reports.hold(request.by, made.rows),
        found,
        totals,
        from: format_time(request.period.start),
        to: format_time(last),
        version,
    })
}

/// What the figures of this question stand for: while it stays the same, so do they.
pub async fn report_version(app: &Arc<App>, query: ReportQuery) -> Result<String, Failure> {
    let live = app.live().await?;
    Ok(report::version(live.engine.ledger(), request(&query)?.period).await?)
}

/// Rows [start, end) of a report.
pub async fn report_rows(
    app: &Arc<App>,
    report: u32,
    start: u32,
    end: u32,
) -> Result<Vec<ReportRow>, Failure> {
    let live = app.live().await?;
    let end = end.min(start.saturating_add(PAGE));
    Ok(live.reports.held(report)?.page(start as usize, end as usize, &live.names))
}

/// The movements behind a row, newest first.
pub async fn report_entries(
    app: &Arc<App>,
    query: ReportQuery,
    group: Vec<String>,
    after: Option<String>,
    limit: u32,
) -> Result<ReportEntries, Failure> {
    let live = app.live().await?;
    let whole = request(&query)?;
    let (period, filter) = narrowed(&whole, &group, true)?;
    let after = after.as_deref().map(cursor::read).transpose()?;
    let limit = limit.clamp(1, PAGE) as usize;
    let asked = report::Request { filter, ..report::Request::new(period, &[]) };
    let entries = report::entries(live.engine.ledger(), &asked, after.as_ref(), limit).await?;
    let next = entries.last().filter(|_| entries.len() == limit).map(cursor::write);
    let entries = entries.into_iter().map(|movement| shown_entry(movement, &live.names)).collect();
    Ok(ReportEntries { entries, next })
}

fn shown_entry(movement: Movement, names: &Names) -> ReportEntry {
    let entry = movement.entry;
    ReportEntry {
        create_time: format_time(entry.create_time),
        bill_id: entry.bill_id.to_string(),
        warehouse_name: names.name(CatalogKind::Warehouse, entry.warehouse_id.as_str()),
        warehouse_id: entry.warehouse_id.to_string(),
        product_name: names.name(CatalogKind::Product, entry.product_id.as_str()),
        product_id: entry.product_id.to_string(),
        company_name: names.name(CatalogKind::Company, entry.company_id.as_str()),
        company_id: entry.company_id.to_string(),
        quantity: entry.quantity,
        drcr: if entry.direction == Direction::In { 1 } else { -1 },
        description: entry.description.unwrap_or_default(),
    }
}

/// Products by how fast they move; the first of them.
pub async fn report_movers(
    app: &Arc<App>,
    query: ReportQuery,
    slowest: bool,
    limit: u32,
) -> Result<ReportMovers, Failure> {
    let live = app.live().await?;
    let request = request(&query)?;
    let mut movers = report::movers(live.engine.ledger(), request.period, &request.filter).await?;
    let found = count(movers.len());
    if slowest {
        movers.reverse();
    }
    movers.truncate(limit.clamp(1, PAGE) as usize);
    let movers = movers.into_iter().map(|mover| shown_mover(&mover, &live.names)).collect();
    Ok(ReportMovers { movers, found })
}

fn shown_mover(mover: &Mover, names: &Names) -> ReportMover {
    let item = names.get(CatalogKind::Product, mover.product.as_str());
    let within = |number: i128| i64::try_from(number).unwrap_or(i64::MAX);
    ReportMover {
        product_id: mover.product.to_string(),
        product_name: names.name(CatalogKind::Product, mover.product.as_str()),
        unit: item.map(|item| item.unit).unwrap_or_default(),
        figures: figures(&mover.figures),
        turnover: mover.turnover().map(|thousandths| within(thousandths / 10)),
        lasts: mover.lasts().map(within),
        last_out: mover.last_out.map(|day| day.to_string()),
    }
}

/// What a manager should look at: what lies below its minimum now, and unusual days of the period.
pub async fn report_alerts(app: &Arc<App>, query: ReportQuery, limit: u32) -> Result<ReportAlerts, Failure> {
    let live = app.live().await?;
    let request = request(&query)?;
    let limit = limit.clamp(1, PAGE) as usize;
    let mut low = low_stock(&live, &query).await?;
    let found = report::unusual(live.engine.ledger(), request.period, &request.filter, &RULE).await?;
    let (low_found, unusual_found) = (count(low.len()), count(found.len()));
    low.truncate(limit);
    let unusual = found.iter().take(limit).map(|one| shown_unusual(one, &live.names)).collect();
    Ok(ReportAlerts {
        low,
        low_found,
        unusual,
        unusual_found,
        times: RULE.times,
        spreads: RULE.spreads,
        least: RULE.least,
        known: count(RULE.known),
        judged: u32::try_from(RULE.judged).unwrap_or(u32::MAX),
    })
}

async fn low_stock(live: &Live, query: &ReportQuery) -> Result<Vec<StockRow>, Failure> {
    let asked = StockQuery {
        warehouses: query.warehouses.clone(),
        categories: query.categories.clone(),
        below_minimum: true,
        ..StockQuery::default()
    };
    let mut low = live.views.rows(asked).await?;
    low.retain(|row| query.products.is_empty() || query.products.contains(&row.product_id));
    // Those that lack most come first.
    low.sort_by_key(|row| row.quantity.saturating_sub(row.minimum));
    Ok(low)
}

fn shown_unusual(one: &Unusual, names: &Names) -> ReportUnusual {
    let (warehouse, product) = (one.key.warehouse.as_str(), one.key.product.as_str());
    ReportUnusual {
        warehouse_name: names.name(CatalogKind::Warehouse, warehouse),
        warehouse_id: warehouse.to_owned(),
        product_name: names.name(CatalogKind::Product, product),
        product_id: product.to_owned(),
        day: one.day.to_string(),
        quantity: one.quantity,
        drcr: if one.direction == Direction::In { 1 } else { -1 },
        usual: one.measure.usual,
        ordinary: one.measure.ordinary,
        hundredths: i64::try_from(one.hundredths()).unwrap_or(i64::MAX),
    }
}

/// Draws a chart of the report, or of one of its rows.
pub async fn report_chart(
    app: &Arc<App>,
    query: ReportQuery,
    group: Vec<String>,
    chart: ReportChartKind,
    look: ReportLook,
) -> Result<ReportChart, Failure> {
    let live = app.live().await?;
    let what = narrowed(&request(&query)?, &group, false)?;
    charts::draw(live.engine.ledger(), &live.names, what, chart, &look).await
}

/// Draws it into a file.
pub async fn report_chart_export(
    app: &Arc<App>,
    query: ReportQuery,
    group: Vec<String>,
    chart: ReportChartKind,
    look: ReportLook,
    format: ReportPicture,
    path: Option<String>,
) -> Result<Exported, Failure> {
    let (title, language) = (look.words.title.clone(), look.words.language.clone());
    let page = files::Page { title, language, made: clock::wall() };
    let drawn = report_chart(app, query, group, chart, look).await?;
    let end = match format {
        ReportPicture::Svg => "svg",
        ReportPicture::Png => "png",
        ReportPicture::Pdf => "pdf",
    };
    let Some(path) = export::choose(app, path, "chart", end).await else {
        return Ok(Exported { path: None, rows: 0 });
    };
    files::picture(drawn.svg, &path, format, page).await?;
    Ok(Exported { path: Some(path.display().to_string()), rows: count(drawn.rows.len()) })
}

/// Writes every row of a report into a file.
pub async fn report_export(
    app: &Arc<App>,
    query: ReportQuery,
    format: ReportFile,
    language: String,
    path: Option<String>,
    feed: Channel<ReportProgress>,
) -> Result<Exported, Failure> {
    let live = app.live().await?;
    let request = request(&query)?;
    let end = match format {
        ReportFile::Csv => "csv",
        ReportFile::Xlsx => "xlsx",
        ReportFile::Pdf => "pdf",
    };
    let Some(path) = export::choose(app, path, "report", end).await else {
        return Ok(Exported { path: None, rows: 0 });
    };
    let turn = live.reports.begin_export()?;
    let cancelled = turn.cancelled();
    let tell = move |progress| {
        let _ = feed.send(progress);
    };
    // A first word before the first rows: they may take a while, and the file has its name now.
    tell(ReportProgress { done: 0, total: 0, rows: 0 });
    let made = clock::wall();
    let job = files::Job { language: &language, made, cancelled: &cancelled, tell: &tell };
    let ledger = live.engine.ledger();
    let rows = match format {
        ReportFile::Csv => files::csv(ledger, &request, &path, &job).await?,
        ReportFile::Xlsx => files::xlsx(ledger, &request, &path, &job).await?,
        ReportFile::Pdf => files::pages(ledger, &request, &path, &job).await?,
    };
    Ok(Exported { path: Some(path.display().to_string()), rows })
}

/// Asks the export that is under way to end.
pub async fn report_cancel(app: &Arc<App>) -> Result<(), Failure> {
    app.live().await?.reports.cancel();
    Ok(())
}
