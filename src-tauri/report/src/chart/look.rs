//! How a chart looks: size, colours and words. All three are the caller's, since theme and language are the screen's.

use std::fmt;
use std::str::FromStr;

use crate::figures;
use domain::error::{Code, Error, Result};
use domain::words;

/// The smallest picture in which every number of 64 bits has its place, and the largest that is drawn.
const LEAST: (i32, i32) = (320, 160);
const MOST: i32 = 8192;

/// A colour, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

impl FromStr for Colour {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || {
            Error::new(
                Code::Invalid,
                words!(
                    "colour_not_hex",
                    "The colour {text} is not written as #rrggbb.",
                    text = format!("{text:?}")
                ),
            )
        };
        let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6).ok_or_else(refused)?;
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refused());
        }
        let all = u32::from_str_radix(hex, 16).map_err(|_| refused())?;
        let [_, red, green, blue] = all.to_be_bytes();
        Ok(Colour(red, green, blue))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The colours of a theme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Behind everything.
    pub background: Colour,
    /// Names and values.
    pub text: Colour,
    /// Labels of the axes, zero lines.
    pub muted: Colour,
    /// The lines behind the values.
    pub grid: Colour,
    /// In.
    pub inward: Colour,
    /// Out; movers.
    pub outward: Colour,
    /// Closing, stock.
    pub closing: Colour,
    /// One for each share, the greatest first; as many shares are told apart.
    pub shares: Vec<Colour>,
}

impl Theme {
    /// The light colours of ui/src/tokens.css on white paper.
    pub fn paper() -> Self {
        let (inward, outward) = (Colour(0x0f, 0x8a, 0x7e), Colour(0xc2, 0x5a, 0x1f));
        let closing = Colour(0x2f, 0x5b, 0xd7);
        Theme {
            background: Colour(0xff, 0xff, 0xff),
            text: Colour(0x1b, 0x23, 0x33),
            muted: Colour(0x5b, 0x65, 0x78),
            grid: Colour(0xe3, 0xe7, 0xee),
            inward,
            outward,
            closing,
            shares: vec![closing, inward, outward],
        }
    }
}

/// The words of a language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// Above the picture; empty: none.
    pub title: String,
    /// "In".
    pub inward: String,
    /// "Out".
    pub outward: String,
    /// "Closing".
    pub closing: String,
    /// What one mover's or share's value is: "Out", "Stock".
    pub quantity: String,
    /// "Others", for shares that have no place of their own.
    pub others: String,
    /// "No movement in this period": instead of a picture of nothing.
    pub empty: String,
}

impl Words {
    /// Those of a report's chart in a language, without a title; English where the tag is not known.
    pub fn of(language: &str) -> Self {
        let chinese = language.starts_with("zh");
        let word = |zh: &str, en: &str| if chinese { zh.to_owned() } else { en.to_owned() };
        let [_, inward, outward, closing] = figures::Words::of(language).figures.map(str::to_owned);
        Words {
            title: String::new(),
            quantity: closing.clone(),
            inward,
            outward,
            closing,
            others: word("其他", "Others"),
            empty: word("此时段没有出入库", "No movement in this period"),
        }
    }
}

/// Everything that the figures do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// In pixels; drawn at least 320 wide, so that every number has room.
    pub width: u32,
    /// In pixels; drawn at least 160 high.
    pub height: u32,
    /// Colours.
    pub theme: Theme,
    /// Words.
    pub words: Words,
}

impl Look {
    /// Width and height as drawn.
    pub(super) fn size(&self) -> (i32, i32) {
        let within = |asked: u32, least: i32| i32::try_from(asked).unwrap_or(MOST).clamp(least, MOST);
        (within(self.width, LEAST.0), within(self.height, LEAST.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_written() {
        let colour: Colour = "#0fA9c3".parse().unwrap();
        assert_eq!(colour, Colour(15, 169, 195));
        assert_eq!(colour.to_string(), "#0fa9c3");
        for wrong in ["", "#fff", "0fa9c3", "#0fa9c3f", "#0fa9cg", "#+fa9c3", "#中文"] {
            assert_eq!(wrong.parse::<Colour>().unwrap_err().code, Code::Invalid, "{wrong}");
        }
    }
}
