//! Reports on paper: a PDF with the report's title and filters, its totals, the chart of its days and all of its rows,
//! out of one state of the ledger and page by page, so that its length costs no memory. Reads no clock: the moment that
//! stands on the paper is the caller's.

mod columns;
mod frame;
mod heading;
mod page;
mod table;
mod words;

use std::path::Path;

use chrono::NaiveDateTime;

pub use heading::Heading;
pub use table::PdfTable;
pub use words::Words;

use crate::figures::{self, Flow, Group, Names, Progress, Request, Sheet};
use crate::fonts::Fonts;
use domain::error::Result;
use ledger::Ledger;

/// A4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paper {
    /// Lying on its long side.
    pub landscape: bool,
}

/// How a report is printed.
#[derive(Clone)]
pub struct Print<'a> {
    /// The file; it is there when it is whole.
    pub path: &'a Path,
    /// Its paper.
    pub paper: Paper,
    /// Language tag of its words: `en` or `zh`.
    pub language: &'a str,
    /// When it is made, by the wall clock.
    pub made: NaiveDateTime,
    /// What draws its words.
    pub fonts: &'a Fonts,
}

/// Prints all rows of a report. `watch` is told after each chunk and may stop it: then no file is left and the answer
/// is false.
pub async fn report(
    ledger: &Ledger,
    request: &Request,
    print: &Print<'_>,
    watch: impl FnMut(Progress) -> Flow,
) -> Result<bool> {
    request.check()?;
    let filter = &request.filter;
    let mut named = request.by.clone();
    named.extend(filter.products.is_some().then_some(Group::Product));
    named.extend(filter.warehouses.is_some().then_some(Group::Warehouse));
    named.extend(filter.companies.is_some().then_some(Group::Company));
    let names = Names::read(ledger, &named).await?;
    let heading = Heading::of(request, &names, print.language, print.made);
    let words = figures::Words::of(print.language);
    let mut table = PdfTable::create(print.path, print.paper, heading, print.fonts)?.with_chart();
    if !figures::export(ledger, request, Sheet::Words(&words, &names), &mut table, watch).await? {
        return Ok(false);
    }
    table.finish()?;
    Ok(true)
}
