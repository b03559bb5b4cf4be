//! All rows of a report without holding them all: subject by subject in chunks, out of one state of the ledger. Made for
//! exports; a screen asks for a page.

use super::{Figures, Group, Order, Request, Row, fill, sort};
use crate::entry::{CompanyId, ProductId, WarehouseId};
use crate::error::Result;
use crate::ledger::{Ask, Filter, Ledger, Sums};

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
    request.check()?;
    let request = Request { page: None, ..request.clone() };
    let mut sums = ledger.sums(request.period, &request.ask(), request.detail()).await?;
    let (group, ids, size) = chunks(&mut sums, &request).await?;
    let mut totals = Figures::default();
    let total = ids.len().max(1);
    let mut done = 0;
    // Without anything to chunk by, all of it is one chunk.
    let whole: Vec<String> = Vec::new();
    let parts: Vec<&[String]> = if group.is_none() { vec![&whole] } else { ids.chunks(size).collect() };
    for part in parts {
        let mut ask = request.ask();
        if let Some(group) = group {
            narrow(&mut ask, group, part);
        }
        let fold = fill(&mut sums, &request, ask).await?;
        totals.add(&fold.totals());
        let mut rows = fold.rows();
        sort(&mut rows, request.sort);
        done += part.len().max(1);
        if each(&rows, Progress { done: done.min(total), total })? == Flow::Stop {
            sums.close().await?;
            return Ok(None);
        }
    }
    sums.close().await?;
    Ok(Some(totals))
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

fn narrow(ask: &mut Ask, group: Group, ids: &[String]) {
    let filter: &mut Filter = &mut ask.filter;
    match group {
        Group::Warehouse => {
            filter.warehouses = Some(ids.iter().map(|id| WarehouseId::stored(id)).collect());
        }
        Group::Company => filter.companies = Some(ids.iter().map(|id| CompanyId::stored(id)).collect()),
        _ => filter.products = Some(ids.iter().map(|id| ProductId::stored(id)).collect()),
    }
}
