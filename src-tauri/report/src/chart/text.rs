//! Words in a picture: how wide they are at most, cut where they are too long, numbers in groups of three. Nothing here
//! knows the font that will be taken, so widths are estimates from above: Chinese fills two columns, Latin about one.

use unicode_width::UnicodeWidthChar;

pub use crate::pdf::grouped;

/// Height of a line's letters, and of the line.
pub const EM: i32 = 12;
/// From one line of text to the next.
pub const LINE: i32 = 20;
const ELLIPSIS: char = '…';

/// The width of text in pixels, never less than it is drawn in the fonts of the list.
pub fn width(text: &str) -> i32 {
    text.chars().map(advance).sum()
}

fn advance(c: char) -> i32 {
    match c {
        'M' | 'W' | 'm' | 'w' | '@' | '%' => EM,
        'A'..='Z' | '&' | '+' | '<' | '=' | '>' | '~' | '^' | '#' => 9,
        ' '..='\u{7e}' => 7,
        // Ambiguous letters are drawn wide in a Chinese font.
        _ => match c.width_cjk() {
            None | Some(0) => 0,
            Some(_) => EM,
        },
    }
}

/// The text on one line, free of what XML does not hold.
pub fn clean(text: &str) -> String {
    let fit = text.chars().filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'));
    fit.map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

/// The text, or as much of its beginning as fits together with an ellipsis. Empty where not even that does.
pub fn cut(text: &str, most: i32) -> String {
    let text = clean(text);
    if width(&text) <= most {
        return text;
    }
    let mut left = most - advance(ELLIPSIS);
    if left < 0 {
        return String::new();
    }
    let mut kept = String::new();
    for c in text.chars() {
        left -= advance(c);
        if left < 0 {
            break;
        }
        kept.push(c);
    }
    // What joins two signs must not stand before the ellipsis.
    let mut kept = kept.trim_end().trim_end_matches('\u{200d}').to_owned();
    kept.push(ELLIPSIS);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let cases = [(0, "0"), (-7, "-7"), (999, "999"), (1000, "1,000"), (-123_456, "-123,456")];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(grouped(i128::from(i64::MIN)), "-9,223,372,036,854,775,808");
    }

    #[test]
    fn what_is_cut_fits_and_says_so() {
        let name = "不锈钢六角螺栓 M8×40 镀锌 (DIN 933)";
        assert_eq!(cut(name, 10_000), name);
        for most in 0..width(name) {
            let short = cut(name, most);
            assert!(width(&short) <= most, "{most}: {short}");
            assert!(
                short.is_empty() == (most < EM) && (short.is_empty() || short.ends_with(ELLIPSIS)),
                "{short}"
            );
        }
        assert_eq!(cut("不锈钢螺栓", 4 * EM), "不锈钢…");
        assert_eq!(cut("a\nb\u{0}\tc\u{ffff}", 100), "a b  c");
    }

    #[test]
    fn chinese_is_two_columns_wide() {
        assert_eq!(width("螺栓"), 2 * EM);
        assert_eq!(width("ＡＢ，"), 3 * EM);
        assert!(width("ab") < width("螺栓"));
        assert_eq!(width("e\u{301}"), width("e"));
    }
}
