//! What stands around a printed table: the head with title and facts, the totals on top, the chart, the foot.

use super::page::{Ink, Page};
use super::{Heading, Paper};
use crate::chart::{self, Colour, Day, Look, Theme};
use crate::figures::Row;
use crate::pdf::{Drawing, Glyphs, Picture, Rgb, grouped};
use domain::error::Result;

const PROGRAM: &str = "Twinstock";
const TITLE: i32 = 190;
const FACT: i32 = 88;
const FACT_LINE: i32 = 135;
/// Between a fact's word and what it says.
const GAP: i32 = 120;
/// Lines that one fact takes at most.
const FACT_LINES: usize = 3;
/// Room that the totals take, of which the cards are so high and so far apart.
pub const CARDS: i32 = 560;
const CARD: i32 = 430;
const CARD_GAP: i32 = 110;
/// Tenths of a point that a unit of the chart is wide, and the chart's height in its units.
const UNIT: i32 = 6;
const CHART: i32 = 270;

/// Title and facts.
pub fn heading(page: &mut Page, glyphs: &mut Glyphs, heading: &Heading) -> Result<()> {
    let paper = page.paper;
    let most = (paper.room() - 900) * 1000 / TITLE;
    let title = glyphs.cut(&heading.title, true, most)?;
    page.words(&title, (paper.left(), TITLE - 25), TITLE, Ink::Text);
    let program = glyphs.line(PROGRAM, true)?;
    page.words_before(&program, (paper.right(), TITLE - 25), 95, Ink::Accent);
    page.leave(TITLE + 65);
    page.rule(Ink::Accent);
    page.leave(60);
    let mut widest = 0;
    for (word, _) in &heading.facts {
        widest = widest.max(glyphs.line(word, false)?.at(FACT));
    }
    let x = paper.left() + widest + GAP;
    let most = (paper.right() - x) * 1000 / FACT;
    for (word, says) in &heading.facts {
        let word = glyphs.line(word, false)?;
        page.words(&word, (paper.left(), FACT), FACT, Ink::Muted);
        for line in glyphs.wrapped(says, false, most, FACT_LINES)? {
            page.words(&line, (x, FACT), FACT, Ink::Text);
            page.leave(FACT_LINE);
        }
    }
    page.leave(110);
    Ok(())
}

/// The totals, a card for each, in the first page's own part.
pub fn cards(
    glyphs: &mut Glyphs,
    (paper, y): (Paper, i32),
    heading: &Heading,
    values: &[i64],
) -> Result<Drawing> {
    let mut drawing = Drawing::new(paper.height());
    let many = i32::try_from(heading.figures.len()).unwrap_or(1).max(1);
    let wide = (paper.room() - (many - 1) * CARD_GAP) / many;
    let mut x = paper.left();
    for ((word, colour), value) in heading.figures.iter().zip(values) {
        drawing.fill((x, y), (wide, CARD), (0xf1, 0xf4, 0xf9));
        drawing.fill((x, y), (18, CARD), rgb(*colour));
        let most = wide - 180;
        let word = glyphs.cut(word, false, most * 1000 / 85)?;
        drawing.text(&word, (x + 100, y + 145), 85, Ink::Muted.colour());
        let number = glyphs.line(&grouped(i128::from(*value)), true)?;
        // Whatever its length, the number stands within its card.
        let size = (most * 1000 / number.width.max(1)).min(165);
        drawing.text(&number, (x + 100, y + 340), size, Ink::Text.colour());
        x += wide + CARD_GAP;
    }
    Ok(drawing)
}

fn rgb(colour: Colour) -> Rgb {
    (colour.0, colour.1, colour.2)
}

/// The chart of a report's days, as wide as the paper.
pub fn chart(rows: &[Row], paper: Paper, heading: &Heading) -> Result<String> {
    let days: Vec<Day> = rows.iter().map(Day::of).collect();
    let wide = u32::try_from(paper.room() / UNIT).unwrap_or(0);
    let words = chart::Words::of(heading.words.tag);
    let look = Look { width: wide, height: CHART.unsigned_abs(), theme: Theme::paper(), words };
    Ok(chart::days(&days, &look)?.svg)
}

/// The chart with its title.
pub fn picture(page: &mut Page, glyphs: &mut Glyphs, heading: &Heading, svg: &str) -> Result<()> {
    let title = glyphs.line(&heading.chart, true)?;
    page.words(&title, (page.paper.left(), 90), 95, Ink::Title);
    page.leave(130);
    let picture = Picture::read(svg, glyphs)?;
    let place = (page.paper.left(), page.y());
    picture.draw(&mut page.drawing, glyphs, place, UNIT)?;
    page.leave(picture.size().1 * UNIT + 120);
    Ok(())
}

/// Title and "page n of m".
pub fn foot(
    glyphs: &mut Glyphs,
    paper: Paper,
    heading: &Heading,
    (number, of): (usize, usize),
) -> Result<Drawing> {
    let mut drawing = Drawing::new(paper.height());
    let y = paper.height() - 290;
    drawing.fill((paper.left(), y - 120), (paper.room(), 4), Ink::Rule.colour());
    let subject = heading.facts.first().map_or("", |(_, says)| says.as_str());
    let left = format!("{}  ·  {subject}", heading.title);
    let left = glyphs.cut(&left, false, (paper.room() - 1_200) * 1000 / 75)?;
    drawing.text(&left, (paper.left(), y), 75, Ink::Muted.colour());
    let page = glyphs.line(&heading.words.page(number, of), false)?;
    drawing.text_before(&page, (paper.right(), y), 75, Ink::Muted.colour());
    Ok(drawing)
}
