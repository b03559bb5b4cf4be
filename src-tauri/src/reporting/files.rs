//! Reports and their charts as files. A half-written file is never left under the name, and none at all where the export
//! was cancelled.

use std::io::BufWriter;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use chrono::NaiveDateTime;
use inventory::domain::error::{Code, Error, Result as EngineResult};
use inventory::domain::words;
use inventory::ledger::Ledger;
use inventory::report::chart::{Fonts, pdf, png};
use inventory::report::print::{self, Paper, Print};
use inventory::report::{
    Cell, CsvTable, Flow, Names, Progress, Request, Row, Sheet, Table, Words, XlsxTable, export,
};

use crate::api::Failure;
use crate::api::charts::ReportPicture;
use crate::api::reports::ReportProgress;
use crate::export::{begun, failed};

/// How often progress is told.
const TELL: Duration = Duration::from_millis(150);
/// Enlargement of a PNG: sharp on paper and on dense screens.
const SCALE: u8 = 2;

/// A table that counts its rows and ends where it was asked to.
struct Counted<'a> {
    table: &'a mut dyn Table,
    rows: &'a AtomicU32,
    cancelled: &'a AtomicBool,
}

impl Table for Counted<'_> {
    fn header(&mut self, titles: &[String]) -> EngineResult<()> {
        self.table.header(titles)
    }

    fn wants_days(&self) -> bool {
        self.table.wants_days()
    }

    fn days(&mut self, rows: &[Row]) -> EngineResult<()> {
        self.table.days(rows)
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> EngineResult<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(Code::Invalid, words!("cancelled", "cancelled")));
        }
        self.rows.fetch_add(1, Ordering::Relaxed);
        self.table.row(cells)
    }

    fn totals(&mut self, cells: &[Cell<'_>]) -> EngineResult<()> {
        self.table.totals(cells)
    }
}

/// What an export is told, and tells.
pub struct Job<'a> {
    /// Language tag.
    pub language: &'a str,
    /// When it is made, by the wall clock.
    pub made: NaiveDateTime,
    /// Set when it shall end.
    pub cancelled: &'a AtomicBool,
    /// Takes its progress.
    pub tell: &'a (dyn Fn(ReportProgress) + Send + Sync),
}

/// All rows as text, in the words of the language, with names; answers how many.
pub async fn csv(ledger: &Ledger, request: &Request, path: &Path, job: &Job<'_>) -> Result<u32, Failure> {
    let file = begun(path)?;
    let mut table = CsvTable::new(BufWriter::new(file.open()?))?;
    let rows = fill(ledger, request, &mut table, job).await?;
    table.finish()?;
    file.keep()?;
    Ok(rows)
}

/// All rows as a workbook; answers how many.
pub async fn xlsx(ledger: &Ledger, request: &Request, path: &Path, job: &Job<'_>) -> Result<u32, Failure> {
    let file = begun(path)?;
    let mut table = XlsxTable::new(Words::of(job.language).sheet);
    let rows = fill(ledger, request, &mut table, job).await?;
    let open = file.open()?;
    let saved = tokio::task::spawn_blocking(move || table.save(open)).await;
    saved.map_err(ended)??;
    if job.cancelled.load(Ordering::Relaxed) {
        return Err(cancelled());
    }
    file.keep()?;
    Ok(rows)
}

/// All rows on pages, with the chart of their days; how many they are stands in the report.
pub async fn pages(ledger: &Ledger, request: &Request, path: &Path, job: &Job<'_>) -> Result<u32, Failure> {
    let fonts = tokio::task::spawn_blocking(fonts).await;
    let fonts = fonts.map_err(ended)??;
    // Lying where there are many columns.
    let paper = Paper { landscape: request.by.len() > 2 };
    let print = Print { path, paper, language: job.language, made: job.made, fonts };
    let rows = AtomicU32::new(0);
    let whole = print::report(ledger, request, &print, watched(job, &rows)).await?;
    if whole { Ok(0) } else { Err(cancelled()) }
}

/// Work on a thread of its own that came to no end.
fn ended(panic: tokio::task::JoinError) -> Failure {
    Failure::new("internal", words::Words::plain(panic))
}

fn cancelled() -> Failure {
    Failure::new("cancelled", words!("export_cancelled", "The export was cancelled; no file was written."))
}

/// Tells progress from time to time, and ends where it was asked to.
fn watched<'a>(job: &'a Job<'_>, rows: &'a AtomicU32) -> impl FnMut(Progress) -> Flow + Send + 'a {
    let mut told = tokio::time::Instant::now();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    move |progress: Progress| {
        if told.elapsed() >= TELL {
            told = tokio::time::Instant::now();
            let (done, total) = (count(progress.done), count(progress.total));
            (job.tell)(ReportProgress { done, total, rows: rows.load(Ordering::Relaxed) });
        }
        if job.cancelled.load(Ordering::Relaxed) { Flow::Stop } else { Flow::On }
    }
}

async fn fill(
    ledger: &Ledger,
    request: &Request,
    table: &mut dyn Table,
    job: &Job<'_>,
) -> Result<u32, Failure> {
    let words = Words::of(job.language);
    let names = Names::read(ledger, &request.by).await?;
    let sheet = Sheet::Words(&words, &names);
    let rows = AtomicU32::new(0);
    let mut counted = Counted { table, rows: &rows, cancelled: job.cancelled };
    let whole = export(ledger, request, sheet, &mut counted, watched(job, &rows)).await;
    if job.cancelled.load(Ordering::Relaxed) {
        return Err(cancelled());
    }
    whole?;
    Ok(rows.load(Ordering::Relaxed))
}

/// What a page tells of itself.
pub struct Page {
    /// Above the picture.
    pub title: String,
    /// Language tag.
    pub language: String,
    /// When it is made, by the wall clock.
    pub made: NaiveDateTime,
}

/// Writes a chart.
pub async fn picture(svg: String, path: &Path, format: ReportPicture, page: Page) -> Result<(), Failure> {
    let bytes = match format {
        ReportPicture::Svg => svg.into_bytes(),
        ReportPicture::Png => {
            let drawn = tokio::task::spawn_blocking(move || png(&svg, SCALE, fonts()?)).await;
            drawn.map_err(ended)??
        }
        ReportPicture::Pdf => {
            let Page { title, language, made } = page;
            let drawn =
                tokio::task::spawn_blocking(move || pdf(&svg, &title, &language, made, fonts()?)).await;
            drawn.map_err(ended)??
        }
    };
    let file = begun(path)?;
    std::fs::write(file.place(), bytes).map_err(|error| failed(path, &error))?;
    Ok(file.keep()?)
}

/// The machine's fonts, read once.
fn fonts() -> EngineResult<&'static Fonts> {
    static FONTS: OnceLock<Fonts> = OnceLock::new();
    match FONTS.get() {
        Some(fonts) => Ok(fonts),
        None => {
            let read = Fonts::of_this_machine()?;
            Ok(FONTS.get_or_init(|| read))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that were taken.
    struct Taken(usize);

    impl Table for Taken {
        fn header(&mut self, _: &[String]) -> EngineResult<()> {
            Ok(())
        }

        fn row(&mut self, _: &[Cell<'_>]) -> EngineResult<()> {
            self.0 += 1;
            Ok(())
        }

        fn totals(&mut self, _: &[Cell<'_>]) -> EngineResult<()> {
            Ok(())
        }
    }

    #[test]
    fn no_row_is_written_once_an_export_is_cancelled() {
        let (mut taken, rows, cancelled) = (Taken(0), AtomicU32::new(0), AtomicBool::new(false));
        let mut table = Counted { table: &mut taken, rows: &rows, cancelled: &cancelled };
        table.row(&[Cell::Number(1)]).unwrap();
        cancelled.store(true, Ordering::Relaxed);
        assert!(table.row(&[Cell::Number(2)]).is_err());
        assert_eq!((taken.0, rows.load(Ordering::Relaxed)), (1, 1));
    }
}
