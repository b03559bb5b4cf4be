//! The same picture in pixels, for where no SVG is taken. The machine's own fonts draw the words; whoever draws often
//! reads them once.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::error::{Code, Error, Result};
use crate::fonts::Fonts;

/// The most that a picture is enlarged, and the most pixels that it may have: each takes four bytes.
const MOST: u8 = 8;
const PIXELS: u64 = 64_000_000;

/// A chart's SVG as PNG, each unit `scale` pixels wide (1 to 8).
pub fn png(svg: &str, scale: u8, fonts: &Fonts) -> Result<Vec<u8>> {
    let refused = |words: &dyn std::fmt::Display| {
        Error::new(Code::Invalid, format!("The picture is not drawn: {words}."))
    };
    if !(1..=MOST).contains(&scale) {
        return Err(refused(&format_args!("it is enlarged 1 to {MOST} times, not {scale} times")));
    }
    let options = Options { fontdb: Arc::clone(fonts.database()), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| refused(&error))?;
    let size = tree.size().to_int_size();
    let (width, height) =
        (size.width().saturating_mul(scale.into()), size.height().saturating_mul(scale.into()));
    if u64::from(width) * u64::from(height) > PIXELS {
        return Err(refused(&format_args!("{width} x {height} pixels are too many")));
    }
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| refused(&"it has no size"))?;
    let larger = Transform::from_scale(f32::from(scale), f32::from(scale));
    resvg::render(&tree, larger, &mut pixels.as_mut());
    pixels
        .encode_png()
        .map_err(|error| Error::new(Code::Internal, format!("The picture cannot be written: {error}.")))
}
