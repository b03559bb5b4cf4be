//! The stock of one key through time: a line of steps, since a balance stays until the next movement.

use chrono::{NaiveDateTime, TimeDelta};

use super::canvas::{Canvas, MARGIN, gutter};
use super::look::Look;
use super::scale::{Scale, share, thinned};
use super::text::{EM, LINE, grouped, width};
use super::{Area, Chart, Point, Series};
use domain::error::{Code, Error, Result};
use domain::words;

/// A balance from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// In the warehouse's wall clock.
    pub at: NaiveDateTime,
    /// What lies there after it.
    pub balance: i64,
}

/// A key's balances within a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Beginning of the picture.
    pub start: NaiveDateTime,
    /// Its end.
    pub end: NaiveDateTime,
    /// What lay there before the first moment.
    pub opening: i64,
    /// In the order of time; those outside the stretch are refused.
    pub moments: Vec<Moment>,
}

/// Steps between labels, in seconds: minutes, hours, days, about a month, a quarter, a year.
const STEPS: [i64; 15] = [
    60, 300, 900, 3600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_862_400,
    15_811_200, 31_536_000,
];
const DAY: i64 = 86_400;

/// One series: the balance at the beginning, and after every movement that is told apart.
pub fn history(history: &History, look: &Look) -> Result<Chart> {
    let moments = moments(history)?;
    let mut svg = String::new();
    let (canvas, top) = Canvas::new(&mut svg, look)?;
    let colours = [look.theme.closing];
    let name = look.words.closing.clone();
    let mut series = vec![Series { name, colour: colours[0].to_string(), points: Vec::new() }];
    let top = canvas.legend(&series, &colours, top)? + 4;
    let (wide, high) = look.size();
    let height = high - top - LINE - MARGIN;
    let balances: Vec<i64> = moments.iter().map(|moment| moment.balance).collect();
    let (low, high) =
        balances.iter().fold((i64::MAX, i64::MIN), |(low, high), one| (low.min(*one), high.max(*one)));
    let scale = Scale::near_zero(i128::from(low), i128::from(high), height / 32);
    let x = gutter(&[scale], look);
    let area = Area { x, y: top, width: wide - x - MARGIN, height };
    canvas.rows(area, &scale, grouped)?;
    let whole = seconds(history.start, history.end);
    let place = |at: NaiveDateTime| area.x + share(seconds(history.start, at), whole, area.width);
    let kept = thinned(&balances, |at| i128::from(place(moments[at].at)));
    let point = |at: usize| {
        let Moment { at, balance } = moments[at];
        let y = area.bottom() - scale.at(i128::from(balance), area.height);
        Point { x: place(at), y, label: at.format("%Y-%m-%d %H:%M:%S").to_string(), value: balance }
    };
    let points: Vec<Point> = kept.into_iter().map(point).collect();
    let mut line: Vec<(i32, i32)> = Vec::with_capacity(points.len() * 2 + 1);
    for point in &points {
        let before = line.last().map(|last| (point.x, last.1));
        line.extend(before.into_iter().chain([(point.x, point.y)]));
    }
    line.extend(points.last().map(|last| (area.right(), last.y)));
    line.dedup();
    canvas.line(line, colours[0], 2)?;
    canvas.columns(area, labels(history, area).into_iter().map(|(at, words)| (place(at), words)))?;
    canvas.finish()?;
    series[0].points = points;
    Ok(Chart { svg, area, series, left_out: 0 })
}

/// The opening as a moment, and all others.
fn moments(history: &History) -> Result<Vec<Moment>> {
    let within = |at: NaiveDateTime| history.start <= at && at <= history.end;
    let sorted = history.moments.is_sorted_by_key(|moment| moment.at);
    if history.end <= history.start || !sorted || history.moments.iter().any(|moment| !within(moment.at)) {
        return Err(Error::new(
            Code::Invalid,
            words!("chart_moments", "The moments of the chart are not in order within its period."),
        ));
    }
    let opening = Moment { at: history.start, balance: history.opening };
    Ok([opening].into_iter().chain(history.moments.iter().copied()).collect())
}

fn seconds(from: NaiveDateTime, to: NaiveDateTime) -> i128 {
    i128::from(to.signed_duration_since(from).num_seconds())
}

/// Round moments with their words: days by their date, parts of a day with the hour.
fn labels(history: &History, area: Area) -> Vec<(NaiveDateTime, String)> {
    let words = |step: i64| if step < DAY { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d" };
    let span = i64::try_from(seconds(history.start, history.end)).unwrap_or(i64::MAX);
    let fits = |step: i64| {
        let room = width(&history.start.format(words(step)).to_string()) + 2 * EM;
        span / step < i64::from((area.width / room).max(1))
    };
    let step = STEPS.into_iter().find(|step| fits(*step)).unwrap_or(span);
    let mut at = history.start.date().and_time(chrono::NaiveTime::MIN);
    let mut found = Vec::new();
    while at <= history.end {
        if at >= history.start {
            found.push((at, at.format(words(step)).to_string()));
        }
        let Some(next) = at.checked_add_signed(TimeDelta::seconds(step)) else { break };
        at = next;
    }
    if found.is_empty() {
        found.push((history.start, history.start.format(words(60)).to_string()));
    }
    found
}
