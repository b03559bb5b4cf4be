//! The same picture as a page of its own: surfaces and lines that any enlargement leaves sharp, words that can be
//! searched, in a subset of the machine's own fonts.

use chrono::NaiveDateTime;

use crate::fonts::Fonts;
use crate::pdf::{Document, Drawing, Info, Picture};
use domain::error::Result;

/// Tenths of a point that a unit of the SVG is wide.
const UNIT: i32 = 8;

/// A chart's SVG as PDF of one page. `made` is the moment that the file tells as its own.
pub fn pdf(svg: &str, title: &str, language: &str, made: NaiveDateTime, fonts: &Fonts) -> Result<Vec<u8>> {
    let mut document = Document::new(Vec::new(), fonts)?;
    let picture = Picture::read(svg, &document.glyphs)?;
    // Whole points: a tenth too much at the edge is no more than paper.
    let points = |length: i32| (length * UNIT + 9) / 10;
    let (wide, high) = picture.size();
    let mut drawing = Drawing::new(points(high) * 10);
    picture.draw(&mut drawing, &mut document.glyphs, (0, 0), UNIT)?;
    let shown = document.reserve();
    document.drawn(shown, drawing)?;
    document.page((points(wide), points(high)), &[shown])?;
    document.finish(&Info { title, language, made })
}
