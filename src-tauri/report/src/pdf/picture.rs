//! An SVG of ours on a page: its surfaces and lines as such, its words as text in the document's fonts. Draws what our
//! charts consist of; anything else is refused, never left out.

use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Name, Str};
use resvg::tiny_skia::PathSegment;
use resvg::usvg::{
    Fill, FillRule, Group, LineCap, LineJoin, Node, Options, Paint, Path, Stroke, Text, Transform, Tree,
};

use super::drawing::{Drawing, parts};
use super::glyphs::{Glyphs, face_name};
use super::{number, refused};
use domain::error::Result;
use domain::words;
use domain::words::Words;

/// A picture that was read.
pub struct Picture(Tree);

impl Picture {
    /// Reads an SVG and places its words.
    pub fn read(svg: &str, glyphs: &Glyphs) -> Result<Self> {
        let options = Options { fontdb: glyphs.database().clone(), ..Options::default() };
        Tree::from_str(svg, &options).map(Picture).map_err(|error| refused(Words::plain(error)))
    }

    /// Width and height in the picture's units.
    pub fn size(&self) -> (i32, i32) {
        let size = self.0.size().to_int_size();
        let whole = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
        (whole(size.width()), whole(size.height()))
    }

    /// Draws it with its upper left corner at a place, each of its units so many tenths of a point wide.
    pub fn draw(
        &self,
        drawing: &mut Drawing,
        glyphs: &mut Glyphs,
        (x, y): (i32, i32),
        unit: i32,
    ) -> Result<()> {
        let top = drawing.above_foot(y);
        drawing.content.save_state();
        drawing.content.transform([number(unit), 0.0, 0.0, number(-unit), number(x), number(top)]);
        group(drawing, glyphs, self.0.root())?;
        drawing.content.restore_state();
        drawing.forget();
        Ok(())
    }
}

fn matrix(t: Transform) -> [f32; 6] {
    [t.sx, t.ky, t.kx, t.sy, t.tx, t.ty]
}

fn group(drawing: &mut Drawing, glyphs: &mut Glyphs, node: &Group) -> Result<()> {
    if node.should_isolate() {
        return Err(refused(words!(
            "picture_transparent",
            "the picture has a part that can be seen through"
        )));
    }
    drawing.content.save_state();
    drawing.content.transform(matrix(node.transform()));
    for inner in node.children() {
        match inner {
            Node::Group(inner) => group(drawing, glyphs, inner)?,
            Node::Path(path) if path.is_visible() => shape(drawing, path)?,
            Node::Path(_) => {}
            Node::Text(text) => words(drawing, glyphs, text)?,
            Node::Image(_) => {
                return Err(refused(words!("picture_in_picture", "the picture holds another picture")));
            }
        }
    }
    drawing.content.restore_state();
    Ok(())
}

fn colour(paint: &Paint, opaque: bool) -> Result<[f32; 3]> {
    match paint {
        Paint::Color(colour) if opaque => Ok(parts((colour.red, colour.green, colour.blue))),
        _ => Err(refused(words!("picture_paint", "the picture has a paint that is no plain colour"))),
    }
}

fn fill_with(drawing: &mut Drawing, fill: &Fill) -> Result<()> {
    let [red, green, blue] = colour(fill.paint(), fill.opacity().get() >= 1.0)?;
    drawing.content.set_fill_rgb(red, green, blue);
    Ok(())
}

fn stroke_with(drawing: &mut Drawing, stroke: &Stroke) -> Result<()> {
    let [red, green, blue] = colour(stroke.paint(), stroke.opacity().get() >= 1.0)?;
    let cap = match stroke.linecap() {
        LineCap::Butt => LineCapStyle::ButtCap,
        LineCap::Round => LineCapStyle::RoundCap,
        LineCap::Square => LineCapStyle::ProjectingSquareCap,
    };
    let join = match stroke.linejoin() {
        LineJoin::Miter | LineJoin::MiterClip => LineJoinStyle::MiterJoin,
        LineJoin::Round => LineJoinStyle::RoundJoin,
        LineJoin::Bevel => LineJoinStyle::BevelJoin,
    };
    let dashes = stroke.dasharray().unwrap_or_default();
    drawing
        .content
        .set_stroke_rgb(red, green, blue)
        .set_line_width(stroke.width().get())
        .set_line_cap(cap)
        .set_line_join(join)
        .set_miter_limit(stroke.miterlimit().get())
        .set_dash_pattern(dashes.iter().copied(), stroke.dashoffset());
    Ok(())
}

fn shape(drawing: &mut Drawing, path: &Path) -> Result<()> {
    if let Some(fill) = path.fill() {
        fill_with(drawing, fill)?;
        outline(drawing, path)?;
        match fill.rule() {
            FillRule::NonZero => drawing.content.fill_nonzero(),
            FillRule::EvenOdd => drawing.content.fill_even_odd(),
        };
    }
    if let Some(stroke) = path.stroke() {
        stroke_with(drawing, stroke)?;
        outline(drawing, path)?;
        drawing.content.stroke();
    }
    Ok(())
}

fn outline(drawing: &mut Drawing, path: &Path) -> Result<()> {
    for segment in path.data().segments() {
        match segment {
            PathSegment::MoveTo(to) => drawing.content.move_to(to.x, to.y),
            PathSegment::LineTo(to) => drawing.content.line_to(to.x, to.y),
            PathSegment::CubicTo(a, b, to) => drawing.content.cubic_to(a.x, a.y, b.x, b.y, to.x, to.y),
            PathSegment::Close => drawing.content.close_path(),
            PathSegment::QuadTo(..) => {
                return Err(refused(words!("picture_curve", "the picture has a curve of the second degree")));
            }
        };
    }
    Ok(())
}

fn words(drawing: &mut Drawing, glyphs: &mut Glyphs, text: &Text) -> Result<()> {
    for span in text.layouted().iter().filter(|span| span.visible) {
        let Some(fill) = &span.fill else { continue };
        fill_with(drawing, fill)?;
        drawing.content.begin_text();
        let mut last = None;
        for glyph in &span.positioned_glyphs {
            let (face, sign) = glyphs.adopted(
                glyph.font,
                u16::try_from(glyph.id.0).map_err(|error| refused(Words::plain(error)))?,
                &glyph.text,
            )?;
            if last != Some(face) {
                drawing.content.set_font(Name(face_name(face).as_bytes()), 1.0);
                last = Some(face);
            }
            // From ems, in which the file counts, to the picture's units.
            let size = glyph.font_size();
            let ems = Transform::from_scale(size, size).pre_concat(Transform::from_scale(1.0, -1.0));
            let units = glyph.transform();
            if units.kx != 0.0 || units.ky != 0.0 {
                return Err(refused(words!(
                    "picture_words_tilted",
                    "the picture has words that do not lie flat"
                )));
            }
            let place = Transform::from_translate(units.tx, units.ty).pre_concat(ems);
            drawing.content.set_text_matrix(matrix(place));
            drawing.content.show(Str(&sign.to_be_bytes()));
        }
        drawing.content.end_text();
    }
    Ok(())
}
