//! The same picture in pixels, for where no SVG is taken. The machine's own fonts draw the words; whoever draws often
//! reads them once.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::fonts::Fonts;
use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;

/// The most that a picture is enlarged, and the most pixels that it may have: each takes four bytes.
const MOST: u8 = 8;
const PIXELS: u64 = 64_000_000;

/// A chart's SVG as PNG, each unit `scale` pixels wide (1 to 8).
pub fn png(svg: &str, scale: u8, fonts: &Fonts) -> Result<Vec<u8>> {
    let refused = |words: Words| {
        Error::new(Code::Invalid, words!("picture_not_drawn", "The picture is not drawn: {words}.", words))
    };
    if !(1..=MOST).contains(&scale) {
        return Err(refused(words!(
            "picture_enlarged",
            "it is enlarged 1 to {most} times, not {scale} times",
            most = MOST,
            scale
        )));
    }
    let options = Options { fontdb: Arc::clone(fonts.database()), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| refused(Words::plain(error)))?;
    let size = tree.size().to_int_size();
    let (width, height) =
        (size.width().saturating_mul(scale.into()), size.height().saturating_mul(scale.into()));
    if u64::from(width) * u64::from(height) > PIXELS {
        return Err(refused(words!(
            "picture_too_large",
            "{width} x {height} pixels are too many",
            width,
            height
        )));
    }
    let mut pixels =
        Pixmap::new(width, height).ok_or_else(|| refused(words!("picture_no_size", "it has no size")))?;
    let larger = Transform::from_scale(f32::from(scale), f32::from(scale));
    resvg::render(&tree, larger, &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| {
        Error::new(
            Code::Internal,
            words!("picture_not_written", "The picture cannot be written: {error}.", error),
        )
    })
}
