//! Posted bills: search, one bill whole, and how far each line is. What a line's state is, queue position and
//! ledger say; nothing here remembers it.

use std::collections::HashMap;
use std::time::Duration;

use inventory::domain::entry::{Direction, format_time, parse_time};
use inventory::domain::error::Code;
use inventory::domain::words;
use inventory::domain::words::Words;
use inventory::ledger::rejected;
use inventory::queue::SourceIdentity;
use inventory::queue::outbox::{
    Bill as Stored, BillFilter, BillLine as StoredLine, BillSummary as StoredSummary,
};
use uuid::Uuid;

use crate::api::Failure;
use crate::api::bills::{
    Bill, BillKind, BillLine, BillPage, BillQuery, BillSummary, Draft, DraftLine, LineState,
};
use crate::api::catalog::CatalogKind;
use crate::clock;
use crate::names::Names;
use crate::state::Live;

/// Most names that a search text may stand for.
const NAMED: usize = 500;
/// Most bills in one page.
const PAGE: u32 = 200;
/// A ledger that takes longer is away; what is known here is shown without it.
const PATIENCE: Duration = Duration::from_secs(3);

impl LineState {
    /// Counted in the ledger.
    pub fn is_counted(self) -> bool {
        matches!(self, LineState::InLedger | LineState::InStock)
    }

    /// Nothing more will happen to it.
    pub fn is_end(self) -> bool {
        self >= LineState::InStock
    }
}

/// Where a source stands.
#[derive(Debug, Clone)]
struct Position {
    name: String,
    next_offset: i64,
    stock_offset: i64,
}

/// The bill, or the words that it was not posted here.
pub async fn found(live: &Live, bill_id: &str) -> Result<Stored, Failure> {
    let words = || words!("bill_not_here", "bill {bill_id} was not posted on this desktop", bill_id);
    live.engine.outbox()?.bill(bill_id).await?.ok_or_else(|| Failure::new("not_found", words()))
}

type Positions = HashMap<(Uuid, i32), Position>;
type States = Vec<(LineState, Words)>;

/// What the ledger answers, unless it takes so long that nobody would wait for it.
async fn in_time<T>(asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = |_| Failure::new("unreachable", words!("ledger_silent", "the ledger does not answer"));
    tokio::time::timeout(PATIENCE, asked).await.map_err(late)?
}

/// Positions of all sources: our writer's where it has them, the ledger's for the others.
async fn positions(live: &Live) -> Result<Positions, Failure> {
    let view = live.board.as_ref().map(|board| board.view()).unwrap_or_default();
    // Our writer waits for it already: then nobody need wait here as well.
    if let Some(error) = view.ledger.clone().filter(|error| error.code == Code::Unreachable) {
        return Err(error.into());
    }
    let mut positions = HashMap::new();
    for row in live.engine.ledger().sources().await? {
        let place = (row.identity.topic_uuid, row.identity.partition);
        let (next_offset, stock_offset) = (row.next_offset, row.stock_offset);
        positions.insert(place, Position { name: row.name.to_string(), next_offset, stock_offset });
    }
    for (place, seen) in &view.sources {
        if let (Some(position), Some(_)) = (positions.get_mut(place), &seen.name) {
            position.stock_offset = position.stock_offset.max(seen.stock_offset);
        }
    }
    Ok(positions)
}

/// Where a line lies in the queue, once it does.
fn place(line: &StoredLine, local: Option<&SourceIdentity>) -> Option<((Uuid, i32), i64)> {
    match (local, &line.sent) {
        (Some(local), _) => Some(((local.topic_uuid, local.partition), line.seq - 1)),
        (None, Some(mark)) => Some(((mark.topic_uuid, mark.partition), mark.offset)),
        (None, None) => None,
    }
}

/// How far each line of a bill is, with the reason where it was rejected.
pub async fn states(live: &Live, bill: &Stored) -> Result<States, Failure> {
    let positions = in_time(positions(live)).await?;
    in_time(states_at(live, bill, &positions)).await
}

/// The same without a ledger: what this desktop knows by itself, saved or sent.
fn states_here(live: &Live, bill: &Stored) -> Result<States, Failure> {
    let local = local(live)?;
    let state = |line| if place(line, local.as_ref()).is_some() { LineState::Sent } else { LineState::Saved };
    Ok(bill.lines.iter().map(|line| (state(line), Words::none())).collect())
}

/// The source that the outbox itself is, in standalone mode.
fn local(live: &Live) -> Result<Option<SourceIdentity>, Failure> {
    let standalone = live.engine.config().mode == inventory::config::Mode::Standalone;
    Ok(if standalone { Some(live.engine.outbox()?.local_source()) } else { None })
}

async fn states_at(live: &Live, bill: &Stored, positions: &Positions) -> Result<States, Failure> {
    let local = local(live)?;
    let places: Vec<_> = bill.lines.iter().map(|line| place(line, local.as_ref())).collect();
    let mut passed: HashMap<&str, Vec<i64>> = HashMap::new();
    for (source, offset) in places.iter().flatten() {
        if let Some(position) = positions.get(source).filter(|position| *offset < position.next_offset) {
            passed.entry(&position.name).or_default().push(*offset);
        }
    }
    let mut rejected: HashMap<(&str, i64), (String, String)> = HashMap::new();
    for (source, offsets) in &passed {
        for (offset, verdict) in live.engine.ledger().rejected_at(source, offsets).await? {
            rejected.insert((*source, offset), verdict);
        }
    }
    let states = places.into_iter().map(|place| {
        let Some((source, offset)) = place else { return (LineState::Saved, Words::none()) };
        let Some(position) = positions.get(&source) else { return (LineState::Sent, Words::none()) };
        match rejected.get(&(position.name.as_str(), offset)) {
            Some((kind, reason)) if kind == "duplicate" => {
                (LineState::Duplicate, rejected::reason(kind, reason, None))
            }
            Some((kind, reason)) => (LineState::Rejected, rejected::reason(kind, reason, None)),
            None if offset < position.stock_offset => (LineState::InStock, Words::none()),
            None if offset < position.next_offset => (LineState::InLedger, Words::none()),
            None => (LineState::Sent, Words::none()),
        }
    });
    Ok(states.collect())
}

/// A bill's state: rejected if any line is, else its least advanced line's.
fn whole_state(states: &[(LineState, Words)]) -> (LineState, Words) {
    let rejected = states.iter().find(|(state, _)| *state == LineState::Rejected);
    let least = states.iter().min_by_key(|(state, _)| *state);
    rejected.or(least).cloned().unwrap_or((LineState::InStock, Words::none()))
}

fn kind(direction: Direction) -> BillKind {
    match direction {
        Direction::In => BillKind::In,
        Direction::Out => BillKind::Out,
    }
}

fn summary(names: &Names, bill: &StoredSummary, states: &[(LineState, Words)]) -> BillSummary {
    let (state, reason) = whole_state(states);
    BillSummary {
        bill_id: bill.bill_id.clone(),
        kind: kind(bill.direction),
        company_name: names.name(CatalogKind::Company, &bill.company_id),
        company_id: bill.company_id.clone(),
        warehouse_name: names.name(CatalogKind::Warehouse, &bill.warehouse_id),
        warehouse_id: bill.warehouse_id.clone(),
        create_time: format_time(bill.create_time),
        lines: u32::try_from(bill.lines).unwrap_or(0),
        quantity: bill.quantity,
        first_product: names.name(CatalogKind::Product, &bill.first_product),
        state,
        reason: (&reason).into(),
        reverses: bill.reverses.clone(),
        reversed_by: bill.reversed_by.clone(),
    }
}

/// One bill as the screen shows it.
pub async fn shown(live: &Live, bill: &Stored) -> Result<Bill, Failure> {
    let asked = known(states(live, bill).await)?;
    let states_known = asked.is_some();
    let states = asked.map_or_else(|| states_here(live, bill), Ok)?;
    let lines = bill.lines.iter().zip(&states).map(|(line, (state, reason))| {
        let product = live.names.get(CatalogKind::Product, &line.product_id);
        BillLine {
            entry_id: Some(line.entry_id.to_string()),
            product_id: line.product_id.clone(),
            product_name: product.as_ref().map_or_else(|| line.product_id.clone(), |item| item.name.clone()),
            unit: product.map(|item| item.unit).unwrap_or_default(),
            warehouse_id: bill.summary.warehouse_id.clone(),
            quantity: line.quantity,
            drcr: if line.direction == Direction::In { 1 } else { -1 },
            description: line.description.clone().unwrap_or_default(),
            state: *state,
            reason: reason.into(),
        }
    });
    let lines = lines.collect();
    Ok(Bill { summary: summary(&live.names, &bill.summary, &states), lines, states_known })
}

/// One page of bills.
pub async fn search(live: &Live, query: &BillQuery) -> Result<BillPage, Failure> {
    let limit = query.limit.clamp(1, PAGE) as usize;
    let before = query.before.as_deref().and_then(|row| row.parse().ok());
    let outbox = live.engine.outbox()?;
    let rows = outbox.bills_search(&filter(&live.names, query)?, limit, before).await?;
    let next = rows.last().filter(|_| rows.len() == limit).map(|row| row.row.to_string());
    let mut positions = known(in_time(positions(live)).await)?;
    let mut bills = Vec::with_capacity(rows.len());
    for row in &rows {
        let Some(bill) = outbox.bill(&row.bill_id).await? else { continue };
        let states = match &positions {
            Some(at) => known(in_time(states_at(live, &bill, at)).await)?,
            None => None,
        };
        // A ledger that has gone away is not waited for once more with every bill.
        positions = positions.filter(|_| states.is_some());
        let states = states.map_or_else(|| states_here(live, &bill), Ok)?;
        bills.push(summary(&live.names, row, &states));
    }
    Ok(BillPage { bills, next, states_known: positions.is_some() })
}

/// The answer; none where the ledger is away.
fn known<T>(asked: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if away(&failure) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn away(failure: &Failure) -> bool {
    failure.code == "unreachable"
}

fn filter(names: &Names, query: &BillQuery) -> Result<BillFilter, Failure> {
    let some = |text: &String| Some(text.trim().to_string()).filter(|text| !text.is_empty());
    let named = |kind| match query.text.trim() {
        "" => Vec::new(),
        text => names.search(kind, text, NAMED).into_iter().map(|item| item.id).collect(),
    };
    let moment = |day: &String, time: &str, field: &str| match day.trim() {
        "" => Ok(None),
        day => parse_time(&format!("{day} {time}")).map(Some).ok_or_else(|| Failure {
            field: Some(field.into()),
            ..Failure::new(
                "invalid",
                words!("no_day", "{day} is no day; write YYYY-MM-DD", day = format!("{day:?}")),
            )
        }),
    };
    Ok(BillFilter {
        text: query.text.clone(),
        text_companies: named(CatalogKind::Company),
        text_products: named(CatalogKind::Product),
        direction: query.kind.map(crate::post::direction),
        company_id: some(&query.company_id),
        warehouse_id: some(&query.warehouse_id),
        product_id: some(&query.product_id),
        from: moment(&query.from, "00:00:00", "from")?,
        to: moment(&query.to, "23:59:59", "to")?,
    })
}

/// A draft with a posted bill's company, warehouse and lines, and nothing else of it.
pub async fn copy(live: &Live, bill_id: &str) -> Result<Draft, Failure> {
    let bill = found(live, bill_id).await?;
    let lines = bill.lines.iter().zip(1..).map(|(line, line_id)| DraftLine {
        line_id,
        product_id: line.product_id.clone(),
        product_text: line.product_id.clone(),
        quantity: line.quantity.to_string(),
        description: line.description.clone().unwrap_or_default(),
    });
    Ok(Draft {
        draft_id: Uuid::new_v4().to_string(),
        kind: kind(bill.summary.direction),
        bill_id: inventory::domain::bill::number(bill.summary.direction, clock::wall(), Uuid::new_v4()),
        company_id: bill.summary.company_id.clone(),
        warehouse_id: bill.summary.warehouse_id.clone(),
        create_time: String::new(),
        lines: lines.collect(),
        copied_from: Some(bill_id.to_string()),
    })
}
