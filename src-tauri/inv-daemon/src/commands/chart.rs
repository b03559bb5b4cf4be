//! `report --chart`: in, out and closing of each day of the period as a picture, in the light colours of the app.

use std::path::Path;

use chrono::NaiveDateTime;
use inventory::domain::error::{Code, Error, Result};
use inventory::ledger::Ledger;
use inventory::report::chart::{Day, Fonts, Look, Theme, Words, days, pdf, png};
use inventory::report::part_file::PartFile;
use inventory::report::print;
use inventory::report::{Request, run};

/// Enlargement of a PNG: sharp on paper.
const SCALE: u8 = 2;

/// Draws the days of a report's period, with its filters, whatever it is grouped by.
pub async fn draw(
    ledger: &Ledger,
    request: &Request,
    path: &Path,
    language: &str,
    made: NaiveDateTime,
) -> Result<()> {
    let report = run(ledger, &Request::by_day(request.period, request.filter.clone())).await?;
    let look = Look { width: 1_200, height: 480, theme: Theme::paper(), words: Words::of(language) };
    let picture = days(&report.rows.iter().map(Day::of).collect::<Vec<_>>(), &look)?;
    let ends = |end: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(end));
    let bytes = if ends("png") {
        png(&picture.svg, SCALE, &Fonts::of_this_machine()?)?
    } else if ends("pdf") {
        let words = print::Words::of(language);
        pdf(&picture.svg, words.days, words.tag, made, &Fonts::of_this_machine()?)?
    } else {
        picture.svg.into_bytes()
    };
    let file = PartFile::create(path)?;
    std::fs::write(file.place(), bytes).map_err(|error| {
        Error::new(Code::Full, inventory::domain::words::Words::plain(format!("{}: {error}", path.display())))
    })?;
    file.keep()
}
