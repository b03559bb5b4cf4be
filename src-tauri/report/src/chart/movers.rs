//! Top movers: a lying bar for each name, in the order of the caller. Names stand at the left, values in a column of
//! their own at the right, so that neither ever meets a bar or the other.

use super::canvas::{Canvas, End, MARGIN};
use super::look::Look;
use super::scale::Scale;
use super::text::{cut, grouped, width};
use super::{Area, Chart, Named, Point, Series};
use domain::error::Result;

/// The least and the greatest height of a row.
const ROW: (i32, i32) = (22, 40);

/// As many of the first names as there is room for; how many are left out is told.
pub fn movers(names: &[Named], look: &Look) -> Result<Chart> {
    let mut svg = String::new();
    let (wide, high) = look.size();
    let (canvas, top) = Canvas::new(&mut svg, look)?;
    let room = usize::try_from((high - top - MARGIN) / ROW.0).unwrap_or(1).max(1);
    let shown = &names[..names.len().min(room)];
    let area = area(shown, (wide, high), top);
    let mut points = Vec::with_capacity(shown.len());
    if shown.is_empty() {
        canvas.nothing(area)?;
    } else {
        let values = shown.iter().map(|one| i128::from(one.value));
        let (low, high) = (values.clone().min().unwrap_or(0).min(0), values.max().unwrap_or(0).max(0));
        let scale = Scale::around(low, high, area.width / 40);
        let at = |value: i128| area.x + scale.at(value, area.width);
        for tick in scale.ticks() {
            let colour = if tick == 0 { look.theme.muted } else { look.theme.grid };
            canvas.line(vec![(at(tick), area.y), (at(tick), area.bottom())], colour, 1)?;
        }
        let row = area.height / i32::try_from(shown.len()).unwrap_or(1);
        let mut y = area.y + row / 2;
        for one in shown {
            let x = at(i128::from(one.value));
            if one.value != 0 {
                let (from, to) = if x == at(0) { (x, x + 1) } else { (x.min(at(0)), x.max(at(0))) };
                canvas.fill((from, y - row / 3), (to, y + row / 3), look.theme.outward)?;
            }
            let name = cut(&one.name, area.x - 8 - MARGIN);
            canvas.text(&name, (area.x - 8, y), End::Right, look.theme.text)?;
            let value = grouped(i128::from(one.value));
            canvas.text(&value, (wide - MARGIN, y), End::Right, look.theme.text)?;
            points.push(Point { x, y, label: one.name.clone(), value: one.value });
            y += row;
        }
    }
    canvas.finish()?;
    let colour = look.theme.outward.to_string();
    let series = vec![Series { name: look.words.quantity.clone(), colour, points }];
    Ok(Chart { svg, area, series, left_out: names.len() - shown.len() })
}

/// Between the names and the values; at least a quarter of the sheet is left for the bars.
fn area(shown: &[Named], (wide, high): (i32, i32), top: i32) -> Area {
    let widest = |text: fn(&Named) -> i32| shown.iter().map(text).max().unwrap_or(0);
    let values = widest(|one| width(&grouped(i128::from(one.value))));
    let most = (wide * 2 / 5).min(wide * 3 / 4 - values - 2 * MARGIN - 16).max(0);
    let names = widest(|one| width(&one.name)).min(most);
    let x = MARGIN + names + 8;
    let count = i32::try_from(shown.len()).unwrap_or(1).max(1);
    let room = high - top - MARGIN;
    let height = if shown.is_empty() { room } else { (room / count).min(ROW.1) * count };
    Area { x, y: top, width: (wide - MARGIN - values - 8 - x).max(1), height }
}
