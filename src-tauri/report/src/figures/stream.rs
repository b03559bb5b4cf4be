//! All rows of a report without holding them all: subject by subject in chunks, out of one state of the ledger. Made for
//! exports; a screen asks for a page.

use super::fold::Fold;
use super::{Figures, Group, Order, Report, Request, Row, answer, fill, sort};
use domain::entry::{CompanyId, ProductId, WarehouseId};
use domain::error::Result;
use ledger::{Ask, Ledger, Sums};

/// Rows aimed at in one chunk.
const ROWS: usize = 20_000;
/// Most ids in one chunk.
const IDS: usize = 500;

/// How far a stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Groups done.
    pub done: usize,
    /// Groups in all.
    pub total: usize,
}

/// Whether the taker of a stream wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    On,
    /// Enough; the stream ends without totals.
    Stop,
}

/// Hands out all rows and at the end their totals; `None` where the taker stopped. Rows come in the order asked for;
/// where time is the first of several groups and there are more than some ten thousand rows, in that order within each
/// chunk of subjects.
pub async fn stream(
    ledger: &Ledger,
    request: &Request,
    mut each: impl FnMut(&[Row], Progress) -> Result<Flow>,
) -> Result<Option<Figures>> {
    stream_beside(ledger, request, None, |_, rows, progress| each(rows, progress)).await
}

/// The same with another report of the same period and filter, out of the same state of the ledger, which comes with
/// the first rows. It tells apart no more than the first does, but for time.
pub(super) async fn stream_beside(
    ledger: &Ledger,
    request: &Request,
    other: Option<&Request>,
    mut each: impl FnMut(Option<Report>, &[Row], Progress) -> Result<Flow>,
) -> Result<Option<Figures>> {
    request.check()?;
    let request = Request { page: None, ..request.clone() };
    // What was handed out cannot be taken back: only the first chunk can be read again, from another state.
    let begun = ledger.again(|| begin(ledger, &request, other)).await?;
    let Begun { mut sums, group, ids, size, first, mut beside } = begun;
    let total = ids.len().max(1);
    let mut totals = Figures::default();
    let mut fold = Some(first);
    let mut done = 0;
    while let Some(chunk) = fold.take() {
        totals.add(&chunk.totals());
        let mut rows = chunk.rows();
        sort(&mut rows, request.sort);
        done = (done + size).min(total);
        if each(beside.take(), &rows, Progress { done, total })? == Flow::Stop {
            sums.close().await?;
            return Ok(None);
        }
        if done < ids.len() {
            let part = &ids[done..(done + size).min(total)];
            fold = Some(fill(&mut sums, &request, narrowed(&request, group, part)).await?);
        }
    }
    sums.close().await?;
    Ok(Some(totals))
}

/// A stream that has read its first chunk.
struct Begun {
    sums: Sums,
    group: Option<Group>,
    ids: Vec<String>,
    size: usize,
    first: Fold,
    beside: Option<Report>,
}

async fn begin(ledger: &Ledger, request: &Request, other: Option<&Request>) -> Result<Begun> {
    let mut sums = ledger.sums(request.period, &request.ask(), request.detail()).await?;
    let mut beside = None;
    if let Some(other) = other {
        beside = Some(answer(other, fill(&mut sums, other, other.ask()).await?));
    }
    let (group, ids, size) = chunks(&mut sums, request).await?;
    let part = &ids[..size.min(ids.len())];
    let first = fill(&mut sums, request, narrowed(request, group, part)).await?;
    Ok(Begun { sums, group, ids, size, first, beside })
}

/// What to go through in chunks, its ids, and how many at once. Another order than the groups' needs all rows at once.
async fn chunks(sums: &mut Sums, request: &Request) -> Result<(Option<Group>, Vec<String>, usize)> {
    let first = request.by.iter().find(|group| !group.is_time()).copied();
    let first = first.filter(|_| request.sort.order == Order::Groups);
    let Some(group @ (Group::Product | Group::Warehouse | Group::Company)) = first else {
        return Ok((None, Vec::new(), 1));
    };
    let mut rows_each = request.span().map_or(1, |span| super::fold::spans(request.period, span).len());
    for other in request.by.iter().filter(|other| **other != group && !other.is_time()) {
        let values = match other {
            Group::Category => 1,
            other => sums.ids(table(*other), &request.filter).await?.len(),
        };
        rows_each = rows_each.saturating_mul(values.max(1));
    }
    let mut ids = sums.ids(table(group), &request.filter).await?;
    if request.sort.descending {
        ids.reverse();
    }
    Ok((Some(group), ids, (ROWS / rows_each.max(1)).clamp(1, IDS)))
}

fn table(group: Group) -> &'static str {
    match group {
        Group::Warehouse => "warehouses",
        Group::Company => "companies",
        _ => "products",
    }
}

/// The question, for these ids of the group alone; without a group, all of it.
fn narrowed(request: &Request, group: Option<Group>, ids: &[String]) -> Ask {
    let mut ask = request.ask();
    let filter = &mut ask.filter;
    match group {
        None => {}
        Some(Group::Warehouse) => {
            filter.warehouses = Some(ids.iter().map(|id| WarehouseId::stored(id)).collect());
        }
        Some(Group::Company) => {
            filter.companies = Some(ids.iter().map(|id| CompanyId::stored(id)).collect());
        }
        Some(_) => filter.products = Some(ids.iter().map(|id| ProductId::stored(id)).collect()),
    }
    ask
}
