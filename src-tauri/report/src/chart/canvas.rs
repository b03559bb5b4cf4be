//! The sheet that charts are drawn on: plotters' SVG behind the few strokes that charts need, and what all charts have:
//! title, legend, axes.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle};

use super::look::{Colour, Look};
use super::scale::Scale;
use super::text::{EM, LINE, cut, grouped, width};
use super::{Area, Series};
use crate::fonts::FAMILIES;
use domain::error::{Code, Error, Result};
use domain::words;

/// Free room around everything.
pub const MARGIN: i32 = 12;
/// Side of a legend's square.
const SWATCH: i32 = 10;
/// plotters divides a font's size by 1.24: this is 12 pixels.
const FONT_SIZE: f64 = 14.88;

/// Which end of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Left,
    Middle,
    Right,
}

pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    look: &'a Look,
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Code::Internal, words!("chart_not_drawn", "The chart cannot be drawn: {error}.", error))
}

fn rgb(colour: Colour) -> RGBColor {
    RGBColor(colour.0, colour.1, colour.2)
}

impl<'a> Canvas<'a> {
    /// An empty sheet with its title; says where the room below it begins.
    pub fn new(svg: &'a mut String, look: &'a Look) -> Result<(Self, i32)> {
        let (wide, high) = look.size();
        let size = (wide.unsigned_abs(), high.unsigned_abs());
        let area = SVGBackend::with_string(svg, size).into_drawing_area();
        let canvas = Canvas { area, look };
        canvas.fill((0, 0), (wide, high), look.theme.background)?;
        let title = cut(&look.words.title, wide - 2 * MARGIN);
        if title.is_empty() {
            return Ok((canvas, MARGIN));
        }
        canvas.write(&title, (MARGIN, MARGIN + EM / 2), End::Left, look.theme.text, FontStyle::Bold)?;
        Ok((canvas, MARGIN + LINE))
    }

    /// Ends the document.
    pub fn finish(self) -> Result<()> {
        self.area.present().map_err(failed)
    }

    pub fn fill(&self, from: (i32, i32), to: (i32, i32), colour: Colour) -> Result<()> {
        self.area.draw(&Rectangle::new([from, to], rgb(colour).filled())).map_err(failed)
    }

    pub fn line(&self, points: Vec<(i32, i32)>, colour: Colour, thick: u32) -> Result<()> {
        let style: ShapeStyle = rgb(colour).stroke_width(thick);
        self.area.draw(&PathElement::new(points, style)).map_err(failed)
    }

    pub fn dot(&self, at: (i32, i32), colour: Colour) -> Result<()> {
        self.area.draw(&Circle::new(at, 3, rgb(colour).filled())).map_err(failed)
    }

    pub fn text(&self, words: &str, at: (i32, i32), end: End, colour: Colour) -> Result<()> {
        self.write(words, at, end, colour, FontStyle::Normal)
    }

    fn write(&self, words: &str, at: (i32, i32), end: End, colour: Colour, font: FontStyle) -> Result<()> {
        let h_pos = match end {
            End::Left => HPos::Left,
            End::Middle => HPos::Center,
            End::Right => HPos::Right,
        };
        let style = TextStyle::from(FontDesc::new(FontFamily::Name(FAMILIES), FONT_SIZE, font));
        let colour = rgb(colour);
        let style = style.color(&colour).pos(Pos::new(h_pos, VPos::Center));
        self.area.draw(&Text::new(words, at, style)).map_err(failed)
    }

    /// A coloured square and a name for each series, in one line; what has no room is cut or left out.
    pub fn legend(&self, series: &[Series], colours: &[Colour], top: i32) -> Result<i32> {
        let mut x = MARGIN;
        let middle = top + EM / 2;
        for (one, colour) in series.iter().zip(colours) {
            let room = self.look.size().0 - MARGIN - x - SWATCH - 6;
            let name = cut(&one.name, room);
            if name.is_empty() {
                break;
            }
            self.swatch((x, middle), *colour)?;
            self.text(&name, (x + SWATCH + 6, middle), End::Left, self.look.theme.text)?;
            x += SWATCH + 6 + width(&name) + 16;
        }
        Ok(top + LINE)
    }

    /// A small square, its left side's middle at the place.
    pub fn swatch(&self, at: (i32, i32), colour: Colour) -> Result<()> {
        let top = at.1 - SWATCH / 2;
        self.fill((at.0, top), (at.0 + SWATCH, top + SWATCH), colour)
    }

    /// A line across the area for each round number, with the number at its left where there is room for numbers.
    pub fn rows(&self, area: Area, scale: &Scale, label: impl Fn(i128) -> String) -> Result<()> {
        let theme = &self.look.theme;
        let mut free = i32::MAX;
        for tick in scale.ticks() {
            let y = area.bottom() - scale.at(tick, area.height);
            let colour = if tick == 0 { theme.muted } else { theme.grid };
            self.line(vec![(area.x, y), (area.right(), y)], colour, 1)?;
            let words = label(tick);
            if width(&words) + 8 + MARGIN <= area.x && y <= free {
                free = y - EM - 3;
                self.text(&words, (area.x - 8, y), End::Right, theme.muted)?;
            }
        }
        Ok(())
    }

    /// Labels below the area, each centred at its place unless that leaves the sheet; one that would touch the one before
    /// it is left out.
    pub fn columns(&self, area: Area, labels: impl IntoIterator<Item = (i32, String)>) -> Result<()> {
        let sheet = self.look.size().0;
        let mut free = 0;
        for (place, words) in labels {
            let words = cut(&words, area.width);
            let half = width(&words) / 2 + 1;
            let x = place.max(half + 2).min(sheet - half - 2);
            if x - half < free || words.is_empty() {
                continue;
            }
            self.line(vec![(place, area.bottom()), (place, area.bottom() + 4)], self.look.theme.muted, 1)?;
            self.text(&words, (x, area.bottom() + 8 + EM / 2), End::Middle, self.look.theme.muted)?;
            free = x + half + 12;
        }
        Ok(())
    }

    /// Words in the middle of an area in which there is nothing to draw.
    pub fn nothing(&self, area: Area) -> Result<()> {
        let words = cut(&self.look.words.empty, area.width);
        let at = (area.x + area.width / 2, area.y + area.height / 2);
        self.text(&words, at, End::Middle, self.look.theme.muted)
    }
}

/// The room that the labels of these axes need at the left; none where they would take half of the sheet.
pub fn gutter(scales: &[Scale], look: &Look) -> i32 {
    let labels = scales.iter().flat_map(|scale| scale.ticks().map(grouped).collect::<Vec<_>>());
    let widest = labels.map(|label| width(&label)).max().unwrap_or(0);
    let room = MARGIN + widest + 8;
    if room > look.size().0 / 2 { MARGIN } else { room }
}
