//! In and out per day, and below which line the days closed: two axes one above the other, since a day's movement is
//! small against what lies there. In rises from the zero line, out hangs from it.

use super::canvas::{Canvas, MARGIN, gutter};
use super::look::{Colour, Look};
use super::scale::{Scale, bundle, count, share, thinned};
use super::text::{EM, LINE, grouped, width};
use super::{Area, Chart, Point, Series};
use crate::figures::Row;
use domain::error::Result;

/// One day's figures, or one week's or month's. The caller hands over every day of the period, quiet ones too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// As shown: "2026-11-03".
    pub label: String,
    /// In, in pieces.
    pub inward: i64,
    /// Out, in pieces.
    pub outward: i64,
    /// What lay there at its end.
    pub closing: i64,
}

impl Day {
    /// A row of a report by day, week or month.
    pub fn of(row: &Row) -> Self {
        Day {
            label: row.group.iter().map(ToString::to_string).collect(),
            inward: row.figures.inward,
            outward: row.figures.outward,
            closing: row.figures.closing(),
        }
    }
}

/// Between the two axes.
const GAP: i32 = 32;
/// A bar's width at most.
const WIDEST: i32 = 64;

struct Frame<'d> {
    days: &'d [Day],
    above: Area,
    below: Area,
    lying: Scale,
    moving: Scale,
}

/// In, out and closing; series in this order.
pub fn days(days: &[Day], look: &Look) -> Result<Chart> {
    let mut svg = String::new();
    let (words, theme) = (&look.words, &look.theme);
    let colours = [theme.inward, theme.outward, theme.closing];
    let names = [&words.inward, &words.outward, &words.closing];
    let mut series: Vec<Series> = names
        .iter()
        .zip(colours)
        .map(|(name, colour)| Series {
            name: name.to_string(),
            colour: colour.to_string(),
            points: Vec::new(),
        })
        .collect();
    let (canvas, top) = Canvas::new(&mut svg, look)?;
    let top = canvas.legend(&series, &colours, top)? + 4;
    let frame = Frame::new(days, top, look);
    let area = Area { height: frame.below.bottom() - frame.above.y, ..frame.above };
    if days.is_empty() {
        canvas.nothing(area)?;
    } else {
        canvas.rows(frame.above, &frame.lying, grouped)?;
        // Out hangs below zero, yet it is no negative number.
        canvas.rows(frame.below, &frame.moving, |tick| grouped(tick.abs()))?;
        series[0].points =
            frame.bars(&canvas, theme.inward, |day| i128::from(day.inward), |day| day.inward)?;
        series[1].points =
            frame.bars(&canvas, theme.outward, |day| -i128::from(day.outward), |day| day.outward)?;
        let zero = frame.level(0);
        canvas.line(vec![(area.x, zero), (area.right(), zero)], theme.muted, 1)?;
        series[2].points = frame.curve(&canvas, theme.closing)?;
        frame.labels(&canvas)?;
    }
    canvas.finish()?;
    Ok(Chart { svg, area, series, left_out: 0 })
}

impl<'d> Frame<'d> {
    fn new(days: &'d [Day], top: i32, look: &Look) -> Self {
        let (wide, high) = look.size();
        let room = high - top - LINE - MARGIN - GAP;
        let (upper, lower) = (room - room * 2 / 5, room * 2 / 5);
        let lying = days.iter().map(|day| i128::from(day.closing));
        let (low, high) = (lying.clone().min().unwrap_or(0), lying.max().unwrap_or(0));
        let lying = Scale::near_zero(low, high, upper / 32);
        let ups = days.iter().flat_map(|day| [i128::from(day.inward), -i128::from(day.outward), 0]);
        let (low, high) = (ups.clone().min().unwrap_or(0), ups.max().unwrap_or(0));
        let moving = Scale::around(low, high, lower / 28);
        let x = gutter(&[lying, moving], look);
        let width = wide - x - MARGIN;
        let above = Area { x, y: top, width, height: upper };
        let below = Area { x, y: top + upper + GAP, width, height: lower };
        Frame { days, above, below, lying, moving }
    }

    /// Where the slot of a day begins; of the day after the last, where the last one ends.
    fn slot(&self, day: usize) -> i32 {
        self.above.x + share(count(day), count(self.days.len()), self.above.width)
    }

    fn middle(&self, from: usize, to: usize) -> i32 {
        (self.slot(from) + self.slot(to)) / 2
    }

    /// The height of a movement.
    fn level(&self, movement: i128) -> i32 {
        self.below.bottom() - self.moving.at(movement, self.below.height)
    }

    /// One bar for each day, or for the greatest of as many days as share a pixel.
    fn bars(
        &self,
        canvas: &Canvas<'_>,
        colour: Colour,
        signed: impl Fn(&Day) -> i128,
        value: impl Fn(&Day) -> i64,
    ) -> Result<Vec<Point>> {
        let step = bundle(self.days.len(), self.below.width);
        let mut points = Vec::new();
        for start in (0..self.days.len()).step_by(step) {
            let end = (start + step).min(self.days.len());
            let greatest = self.days[start..end].iter().max_by_key(|day| signed(day).abs());
            let Some(day) = greatest else { continue };
            let (left, right) = (self.slot(start), self.slot(end));
            let slot = right - left;
            let gap = (slot / 8).max(i32::from(slot >= 3)).max((slot - WIDEST) / 2);
            let y = self.level(signed(day));
            let zero = self.level(0);
            if value(day) != 0 {
                // The least movement is seen, too.
                let (upper, lower) =
                    if signed(day) > 0 { (y.min(zero - 1), zero) } else { (zero, y.max(zero + 1)) };
                canvas.fill((left + gap, upper), ((right - gap).max(left + gap + 1), lower), colour)?;
            }
            points.push(Point { x: self.middle(start, end), y, label: day.label.clone(), value: value(day) });
        }
        Ok(points)
    }

    fn curve(&self, canvas: &Canvas<'_>, colour: Colour) -> Result<Vec<Point>> {
        let closings: Vec<i64> = self.days.iter().map(|day| day.closing).collect();
        let step = bundle(self.days.len(), self.above.width);
        let kept = thinned(&closings, |day| count(day / step));
        let point = |at: usize| {
            let y = self.above.bottom() - self.lying.at(i128::from(closings[at]), self.above.height);
            let label = self.days[at].label.clone();
            Point { x: self.middle(at, at + 1), y, label, value: closings[at] }
        };
        let points: Vec<Point> = kept.into_iter().map(point).collect();
        canvas.line(points.iter().map(|point| (point.x, point.y)).collect(), colour, 2)?;
        // So few that each is told apart; and a single one is no line.
        if self.days.len() <= 31 {
            points.iter().try_for_each(|point| canvas.dot((point.x, point.y), colour))?;
        }
        Ok(points)
    }

    fn labels(&self, canvas: &Canvas<'_>) -> Result<()> {
        let widest = self.days.iter().map(|day| width(&day.label)).max().unwrap_or(0) + 2 * EM;
        let step = bundle(self.days.len(), self.below.width / widest.max(1));
        let labels = (0..self.days.len()).step_by(step);
        canvas.columns(self.below, labels.map(|at| (self.middle(at, at + 1), self.days[at].label.clone())))
    }
}
