//! Who holds how much of the whole: one bar of all shares, and below it each name with its value and its part in tenths
//! of a per cent, which add up to a hundred. What is below zero holds no part; it stands in the list without one.

use super::canvas::{Canvas, End, MARGIN};
use super::look::Look;
use super::scale::{count, share};
use super::text::{EM, LINE, cut, grouped, width};
use super::{Area, Chart, Named, Point, Series};
use domain::error::{Code, Error, Result};
use domain::words;

/// Height of the bar.
const BAR: i32 = 36;

/// The greatest first; those without a colour or a row of their own come together as the last.
pub fn shares(names: &[Named], look: &Look) -> Result<Chart> {
    let mut svg = String::new();
    let (wide, high) = look.size();
    let (canvas, top) = Canvas::new(&mut svg, look)?;
    let area = Area { x: MARGIN, y: top, width: wide - 2 * MARGIN, height: BAR };
    let room = usize::try_from((high - area.bottom() - MARGIN - 8) / LINE).unwrap_or(1);
    let rows = together(names, room.min(look.theme.shares.len()).max(1), &look.words.others)?;
    let left_out =
        names.len().saturating_sub(rows.len().saturating_sub(usize::from(rows.len() < names.len())));
    let whole: i128 = rows.iter().map(|row| i128::from(row.value.max(0))).sum();
    let colour = |at: usize| look.theme.shares.get(at).copied().unwrap_or(look.theme.closing);
    canvas.fill((area.x, area.y), (area.right(), area.bottom()), look.theme.grid)?;
    if rows.is_empty() {
        canvas.nothing(area)?;
    }
    let parts = thousandths(&rows, whole);
    let (mut before, mut series) = (0, Vec::with_capacity(rows.len()));
    for (at, row) in rows.iter().enumerate() {
        let until = before + i128::from(row.value.max(0));
        let place = |part: i128| area.x + if whole > 0 { share(part, whole, area.width) } else { 0 };
        let (from, to) = (place(before), place(until));
        before = until;
        if to > from {
            canvas.fill((from, area.y), (to, area.bottom()), colour(at))?;
            // A thin line of the background tells neighbours apart.
            if to < area.right() && to - from > 2 {
                canvas.line(vec![(to, area.y), (to, area.bottom())], look.theme.background, 1)?;
            }
        }
        let y = area.bottom() + 8 + LINE / 2 + LINE * i32::try_from(at).unwrap_or(0);
        canvas.swatch((area.x, y), colour(at))?;
        list(&canvas, look, row, parts[at], y)?;
        let middle =
            Point { x: (from + to) / 2, y: area.y + BAR / 2, label: row.name.clone(), value: row.value };
        series.push(Series { name: row.name.clone(), colour: colour(at).to_string(), points: vec![middle] });
    }
    canvas.finish()?;
    Ok(Chart { svg, area, series, left_out })
}

/// One row of the list: name, value, part.
fn list(canvas: &Canvas<'_>, look: &Look, row: &Named, part: Option<i128>, y: i32) -> Result<()> {
    let right = look.size().0 - MARGIN;
    let percent = part.map_or("–".to_owned(), |part| format!("{}.{}%", part / 10, part % 10));
    let columns = right - width("100.0%") - EM;
    let value = grouped(i128::from(row.value));
    let name = cut(&row.name, columns - width(&value) - EM - MARGIN - 18);
    canvas.text(&name, (MARGIN + 18, y), End::Left, look.theme.text)?;
    canvas.text(&value, (columns, y), End::Right, look.theme.text)?;
    canvas.text(&percent, (right, y), End::Right, look.theme.muted)
}

/// Sorted, and at most so many.
fn together(names: &[Named], most: usize, others: &str) -> Result<Vec<Named>> {
    let mut rows = names.to_vec();
    rows.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
    if rows.len() <= most {
        return Ok(rows);
    }
    let rest = rows.split_off(most - 1);
    let sum: i128 = rest.iter().map(|row| i128::from(row.value)).sum();
    let value = i64::try_from(sum).map_err(|_| {
        Error::new(
            Code::Invalid,
            words!("chart_too_much", "The quantities of the chart add up to more than 64 bits hold."),
        )
    })?;
    rows.push(Named { name: format!("{others} ({})", rest.len()), value });
    Ok(rows)
}

/// Parts of a thousand that add up to a thousand: rounded down, and the greatest remainders get what is missing.
fn thousandths(rows: &[Named], whole: i128) -> Vec<Option<i128>> {
    let holds = |row: &Named| whole > 0 && row.value > 0;
    let mut parts: Vec<Option<i128>> =
        rows.iter().map(|row| holds(row).then(|| i128::from(row.value) * 1000 / whole)).collect();
    let mut order: Vec<usize> = (0..rows.len()).filter(|at| holds(&rows[*at])).collect();
    order.sort_by_key(|at| -(i128::from(rows[*at].value) * 1000 % whole));
    let missing = 1000 - parts.iter().flatten().sum::<i128>();
    for (rank, at) in order.into_iter().enumerate() {
        if count(rank) < missing {
            parts[at] = parts[at].map(|part| part + 1);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_a_hundred_per_cent() {
        let cases: [&[i64]; 5] =
            [&[1, 1, 1], &[5], &[i64::MAX, i64::MAX, 1], &[3, 0, -8], &[999, 1, 1, 1, 1, 1, 1]];
        for values in cases {
            let rows: Vec<Named> =
                values.iter().map(|value| Named { name: String::new(), value: *value }).collect();
            let whole = values.iter().map(|value| i128::from(*value.max(&0))).sum();
            let parts = thousandths(&rows, whole);
            assert_eq!(parts.iter().flatten().sum::<i128>(), 1000, "{values:?}");
            for (part, value) in parts.iter().zip(values) {
                assert_eq!(part.is_some(), *value > 0, "{values:?}");
            }
        }
        assert_eq!(thousandths(&[Named { name: String::new(), value: -1 }], 0), [None]);
    }
}
