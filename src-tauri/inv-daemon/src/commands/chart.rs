//! `report --chart`: in, out and closing of each day of the period as a picture, in the light colours of the app.

use std::path::Path;

use inventory::chart::{Colour, Day, Fonts, Look, Theme, Words, days, png};
use inventory::error::{Code, Error, Result};
use inventory::ledger::Ledger;
use inventory::report::{self, Group, Request, run};

/// Enlargement of a PNG: sharp on paper.
const SCALE: u8 = 2;

/// Draws the days of a report's period, with its filters, whatever it is grouped by.
pub async fn draw(ledger: &Ledger, request: &Request, path: &Path, language: &str) -> Result<()> {
    let by_day =
        Request { filter: request.filter.clone(), all: true, ..Request::new(request.period, &[Group::Day]) };
    let report = run(ledger, &by_day).await?;
    let day = |row: &report::Row| Day {
        label: row.group.iter().map(ToString::to_string).collect(),
        inward: row.figures.inward,
        outward: row.figures.outward,
        closing: row.figures.closing(),
    };
    let picture = days(&report.rows.iter().map(day).collect::<Vec<_>>(), &look(language))?;
    let png_wanted = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("png"));
    let bytes = match png_wanted {
        true => png(&picture.svg, SCALE, &Fonts::of_this_machine()?)?,
        false => picture.svg.into_bytes(),
    };
    std::fs::write(path, bytes)
        .map_err(|error| Error::new(Code::Config, format!("{}: {error}", path.display())))
}

fn look(language: &str) -> Look {
    let chinese = language.starts_with("zh");
    let word = |zh: &str, en: &str| if chinese { zh.to_owned() } else { en.to_owned() };
    let [_, inward, outward, closing] = report::Words::of(language).figures.map(str::to_owned);
    let words = Words {
        title: String::new(),
        quantity: closing.clone(),
        inward,
        outward,
        closing,
        others: word("其他", "Others"),
        empty: word("此时段没有出入库", "No movement in this period"),
    };
    Look { width: 1_200, height: 480, theme: light(), words }
}

/// The colours of ui/src/tokens.css on paper.
fn light() -> Theme {
    Theme {
        background: Colour(0xff, 0xff, 0xff),
        text: Colour(0x1b, 0x23, 0x33),
        muted: Colour(0x5b, 0x65, 0x78),
        grid: Colour(0xe3, 0xe7, 0xee),
        inward: Colour(0x0f, 0x8a, 0x7e),
        outward: Colour(0xc2, 0x5a, 0x1f),
        closing: Colour(0x2f, 0x5b, 0xd7),
        shares: vec![Colour(0x2f, 0x5b, 0xd7), Colour(0x0f, 0x8a, 0x7e), Colour(0xc2, 0x5a, 0x1f)],
    }
}
