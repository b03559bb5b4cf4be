//! The charts of a report: its figures in the engine's drawing shapes, and the same figures as a table. The engine draws;
//! size, colours and words are the screen's.

use inventory::domain::error::Result as EngineResult;
use inventory::ledger::Ledger;
use inventory::report::chart::{self, Chart, Colour, Day, History, Look, Moment, Named, Theme, Words};
use inventory::report::{self, Filter, Group, Period, Request};

use crate::api::Failure;
use crate::api::catalog::CatalogKind;
use crate::api::charts::{
    ReportChart, ReportChartKind, ReportChartRow, ReportColours, ReportLook, ReportPoint, ReportSeries,
};
use crate::names::Names;

/// Movements that are drawn one by one; where there are more, each day's end is.
const MOMENTS: usize = 2_000;
/// Most names of one picture and its table.
const NAMES: usize = 200;

/// What is drawn, with its figures as a table.
struct Drawn {
    chart: Chart,
    rows: Vec<ReportChartRow>,
}

/// Draws one chart of a period.
pub async fn draw(
    ledger: &Ledger,
    names: &Names,
    (period, filter): (Period, Filter),
    kind: ReportChartKind,
    look: &ReportLook,
) -> Result<ReportChart, Failure> {
    let drawing = drawing(look)?;
    let drawn = match kind {
        ReportChartKind::Days => days(ledger, period, filter, &drawing).await?,
        ReportChartKind::Movers => movers(ledger, names, period, &filter, &drawing).await?,
        ReportChartKind::Shares => shares(ledger, names, period, filter, &drawing).await?,
        ReportChartKind::History => history(ledger, period, &filter, &drawing).await?,
    };
    Ok(shown(drawn, kind, look))
}

fn drawing(look: &ReportLook) -> EngineResult<Look> {
    let ReportColours { background, text, muted, grid, inward, outward, closing, shares } = &look.colours;
    let theme = Theme {
        background: background.parse()?,
        text: text.parse()?,
        muted: muted.parse()?,
        grid: grid.parse()?,
        inward: inward.parse()?,
        outward: outward.parse()?,
        closing: closing.parse()?,
        shares: shares.iter().map(|one| one.parse::<Colour>()).collect::<EngineResult<_>>()?,
    };
    // Series without names: the legend's line stays free.
    let named = |word: &String| if look.legend { word.clone() } else { String::new() };
    let words = Words {
        title: look.words.title.clone(),
        inward: named(&look.words.inward),
        outward: named(&look.words.outward),
        closing: named(&look.words.closing),
        quantity: look.words.outward.clone(),
        others: look.words.others.clone(),
        empty: look.words.empty.clone(),
    };
    Ok(Look { width: look.width, height: look.height, theme, words })
}

/// One row for each day, quiet ones too.
async fn by_day(ledger: &Ledger, period: Period, filter: Filter) -> EngineResult<report::Report> {
    report::run(ledger, &Request::by_day(period, filter)).await
}

fn label(row: &report::Row) -> String {
    row.group.iter().map(ToString::to_string).collect()
}

async fn days(ledger: &Ledger, period: Period, filter: Filter, look: &Look) -> EngineResult<Drawn> {
    let report = by_day(ledger, period, filter).await?;
    let days: Vec<Day> = report.rows.iter().map(Day::of).collect();
    let row = |day: &Day| ReportChartRow {
        label: day.label.clone(),
        values: vec![day.inward, day.outward, day.closing],
    };
    Ok(Drawn { chart: chart::days(&days, look)?, rows: days.iter().map(row).collect() })
}

fn table(names: &[Named]) -> Vec<ReportChartRow> {
    names.iter().map(|one| ReportChartRow { label: one.name.clone(), values: vec![one.value] }).collect()
}

async fn movers(
    ledger: &Ledger,
    names: &Names,
    period: Period,
    filter: &Filter,
    look: &Look,
) -> EngineResult<Drawn> {
    let movers = report::movers(ledger, period, filter).await?;
    let moved = movers.into_iter().filter(|mover| mover.figures.outward > 0).take(NAMES);
    let named = moved.map(|mover| Named {
        name: names.name(CatalogKind::Product, mover.product.as_str()),
        value: mover.figures.outward,
    });
    let named: Vec<Named> = named.collect();
    Ok(Drawn { chart: chart::movers(&named, look)?, rows: table(&named) })
}

async fn shares(
    ledger: &Ledger,
    names: &Names,
    period: Period,
    filter: Filter,
    look: &Look,
) -> EngineResult<Drawn> {
    let request = Request { filter, ..Request::new(period, &[Group::Warehouse]) };
    let report = report::run(ledger, &request).await?;
    let named = report.rows.iter().map(|row| Named {
        name: names.name(CatalogKind::Warehouse, &label(row)),
        value: row.figures.closing(),
    });
    let mut named: Vec<Named> = named.collect();
    let chart = chart::shares(&named, look)?;
    named.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
    named.truncate(NAMES);
    Ok(Drawn { chart, rows: table(&named) })
}

/// The balance after every movement, or at every day's end where there are too many of them.
async fn history(ledger: &Ledger, period: Period, filter: &Filter, look: &Look) -> EngineResult<Drawn> {
    let report = by_day(ledger, period, filter.clone()).await?;
    let opening = report.totals.opening;
    let moments = match usize::try_from(report.totals.entries) {
        Ok(entries) if entries <= MOMENTS => {
            let request = Request { filter: filter.clone(), ..Request::new(period, &[]) };
            let mut entries = report::entries(ledger, &request, None, MOMENTS).await?;
            entries.reverse();
            let mut balance = opening;
            let moment = |movement: &report::Movement| {
                balance += movement.entry.signed();
                Moment { at: movement.entry.create_time, balance }
            };
            let moments: Vec<Moment> = entries.iter().map(moment).collect();
            // Something was posted between the two readings: the days are of one state.
            (balance == report.totals.closing()).then_some(moments)
        }
        _ => None,
    };
    let moments = moments.unwrap_or_else(|| day_ends(&report, period));
    let mut rows = vec![row_at(period.start, opening)];
    rows.extend(moments.iter().map(|moment| row_at(moment.at, moment.balance)));
    let history = History { start: period.start, end: period.end, opening, moments };
    Ok(Drawn { chart: chart::history(&history, look)?, rows })
}

fn row_at(at: chrono::NaiveDateTime, balance: i64) -> ReportChartRow {
    ReportChartRow { label: at.format("%Y-%m-%d %H:%M:%S").to_string(), values: vec![balance] }
}

fn day_ends(report: &report::Report, period: Period) -> Vec<Moment> {
    let end = |row: &report::Row| {
        let day: chrono::NaiveDate = label(row).parse().ok()?;
        let next = day.checked_add_days(chrono::Days::new(1))?.and_time(chrono::NaiveTime::MIN);
        Some(Moment { at: next.min(period.end), balance: row.figures.closing() })
    };
    report.rows.iter().filter_map(end).collect()
}

/// The chart in the screen's shape, its series under their names.
fn shown(drawn: Drawn, kind: ReportChartKind, look: &ReportLook) -> ReportChart {
    let Drawn { chart, rows } = drawn;
    let words = &look.words;
    let names: Vec<&String> = match kind {
        ReportChartKind::Days => vec![&words.inward, &words.outward, &words.closing],
        ReportChartKind::History => vec![&words.closing],
        ReportChartKind::Movers | ReportChartKind::Shares => Vec::new(),
    };
    let series = chart.series.into_iter().enumerate().map(|(at, one)| ReportSeries {
        name: names.get(at).map_or(one.name, |name| name.to_string()),
        colour: one.colour,
        points: one
            .points
            .into_iter()
            .map(|point| ReportPoint { x: point.x, y: point.y, label: point.label, value: point.value })
            .collect(),
    });
    let area = chart.area;
    ReportChart {
        series: series.collect(),
        svg: chart.svg,
        area: [area.x, area.y, area.width, area.height],
        rows,
        left_out: u32::try_from(chart.left_out).unwrap_or(u32::MAX),
    }
}
