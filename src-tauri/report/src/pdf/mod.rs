//! PDF files, page by page into a stream: what is written is let go of, so that a file's length costs no memory. Words
//! are real text, drawn by subsets of the machine's own fonts that hold the signs which occur and no others. Knows
//! paper, lines and words; what they mean is the business of whoever draws.
//!
//! Every place and length is a whole number of tenths of a point, counted from the upper left corner.

mod document;
mod drawing;
mod embed;
mod glyphs;
mod picture;
mod trailer;
mod words;

pub(crate) use document::Document;
pub(crate) use drawing::{Drawing, Rgb};
pub(crate) use glyphs::{Glyphs, Line};
pub(crate) use picture::Picture;
pub(crate) use trailer::Info;
pub use words::grouped;

use domain::error::{Code, Error};
use domain::words::Words;

/// A number as the file takes it: the one door from whole numbers to fractions.
fn number(value: i32) -> f32 {
    value as f32
}

/// What cannot be drawn, in words.
fn refused(words: Words) -> Error {
    Error::new(Code::Invalid, domain::words!("page_not_drawn", "The page is not drawn: {words}.", words))
}
