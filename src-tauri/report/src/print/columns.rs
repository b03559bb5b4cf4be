//! How wide the columns of a printed table are: measured on its first rows, since later ones are not known while the
//! first are printed. A text that is wider breaks into lines, a number is set smaller: none is cut.

use crate::figures::OwnedCell;
use crate::pdf::{Glyphs, grouped};
use domain::error::Result;

/// Free room at both sides of a cell.
pub const PAD: i32 = 45;
/// Sizes of the letters, the largest first: the first in which all has room is taken.
const SIZES: [i32; 4] = [85, 76, 68, 60];
/// The least that a column of text is given.
const LEAST: i32 = 380;
/// Room for this number is in every column of figures.
const USUAL: &str = "-999,999";

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub x: i32,
    pub width: i32,
    /// Numbers, which stand to the right.
    pub figure: bool,
}

impl Column {
    /// Room for letters.
    pub fn inner(&self) -> i32 {
        self.width - 2 * PAD
    }
}

/// All columns, and the size of their letters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    pub list: Vec<Column>,
    pub size: i32,
}

/// A column's wish: thousandths of an em.
struct Wish {
    wide: i32,
    figure: bool,
}

/// Columns for these titles and rows within a room that begins at `left`.
pub fn fit(
    glyphs: &mut Glyphs,
    titles: &[String],
    rows: &[&[OwnedCell]],
    (left, room): (i32, i32),
) -> Result<Columns> {
    let mut wishes = Vec::with_capacity(titles.len());
    for (at, title) in titles.iter().enumerate() {
        wishes.push(wish(glyphs, title, rows.iter().filter_map(|row| row.get(at)))?);
    }
    let mut chosen = None;
    for size in SIZES {
        let wide: Vec<i32> = wishes.iter().map(|wish| wish.wide * size / 1000 + 2 * PAD + 1).collect();
        let figures: i32 =
            wide.iter().zip(&wishes).filter(|(_, wish)| wish.figure).map(|(wide, _)| wide).sum();
        let texts: Vec<i32> =
            wide.iter().zip(&wishes).filter(|(_, wish)| !wish.figure).map(|(wide, _)| *wide).collect();
        let least: i32 = texts.iter().map(|wide| LEAST.min(*wide)).sum();
        chosen = Some((size, wide, figures, texts));
        if figures + least <= room {
            break;
        }
    }
    let Some((size, wide, figures, texts)) = chosen else { return Ok(Columns::default()) };
    let mut shared =
        share(&texts, (room - figures).max(least(room, titles.len()) * count(texts.len()))).into_iter();
    let only_figures = texts.is_empty();
    let mut x = left;
    let mut list = Vec::with_capacity(wide.len());
    for (wide, wish) in wide.iter().zip(&wishes) {
        let width = match wish.figure {
            false => shared.next().unwrap_or(*wide),
            true if only_figures => room / count(wishes.len()),
            true => *wide,
        };
        list.push(Column { x, width, figure: wish.figure });
        x += width;
    }
    squeeze(&mut list, left, room);
    Ok(Columns { list, size })
}

fn count(columns: usize) -> i32 {
    i32::try_from(columns).unwrap_or(i32::MAX).max(1)
}

/// The least share of a column where even the smallest letters leave no room.
fn least(room: i32, columns: usize) -> i32 {
    room / count(columns) / 2
}

fn wish<'v>(glyphs: &mut Glyphs, title: &str, values: impl Iterator<Item = &'v OwnedCell>) -> Result<Wish> {
    let (mut wide, mut figure) = (0, false);
    for value in values {
        let text = match value {
            OwnedCell::Text(text) => text.clone(),
            OwnedCell::Number(number) => {
                figure = true;
                grouped(i128::from(*number))
            }
        };
        wide = wide.max(glyphs.line(&text, false)?.width);
    }
    if figure {
        // Totals and later rows have one digit more now and then.
        let digit = glyphs.line("0", true)?.width;
        wide = (wide + digit).max(glyphs.line(USUAL, false)?.width);
    }
    Ok(Wish { wide: wide.max(glyphs.line(title, true)?.width), figure })
}

/// Parts of a room: whoever wishes less than an equal share has its wish, the others share what is left; what nobody
/// wishes is given to all by what they wished.
fn share(wishes: &[i32], room: i32) -> Vec<i32> {
    let all: i32 = wishes.iter().sum();
    if all <= room && all > 0 {
        let spare = i64::from(room - all);
        let more = |wish: i32| i32::try_from(spare * i64::from(wish) / i64::from(all)).unwrap_or(0);
        return wishes.iter().map(|wish| wish + more(*wish)).collect();
    }
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|at| wishes[*at]);
    let mut parts = vec![0; wishes.len()];
    let mut left = room;
    for (done, at) in order.iter().enumerate() {
        let equal = left / count(wishes.len() - done);
        parts[*at] = wishes[*at].min(equal);
        left -= parts[*at];
    }
    parts
}

/// Where the columns together are wider than the room all become narrower alike.
fn squeeze(list: &mut [Column], left: i32, room: i32) {
    let all: i32 = list.iter().map(|column| column.width).sum();
    if all <= room {
        return;
    }
    let mut x = left;
    for column in list {
        column.x = x;
        column.width = column.width * room / all;
        x += column.width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wishes_little_has_it() {
        assert_eq!(share(&[100, 900, 900], 1_000), [100, 450, 450]);
        assert_eq!(share(&[100, 300], 800), [200, 600]);
        assert_eq!(share(&[500, 500], 300), [150, 150]);
        assert!(share(&[], 300).is_empty());
    }

    #[test]
    fn nothing_leaves_the_paper() {
        let mut list = [1_000, 2_000, 3_000].map(|width| Column { x: 0, width, figure: true });
        squeeze(&mut list, 400, 3_000);
        assert_eq!(list.map(|column| (column.x, column.width)), [(400, 500), (900, 1_000), (1_900, 1_500)]);
    }
}
