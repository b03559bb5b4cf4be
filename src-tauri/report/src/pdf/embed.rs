//! The fonts of a document: of each face a subset with the signs that were shown, how wide they are, and which letters
//! they stand for, so that a reader finds, marks and copies them.

use std::io::Write;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Chunk, Filter, Finish, Name, Rect, Ref, Str};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use xxhash_rust::xxh3::Xxh3;

use super::document::{Document, chunk, packed};
use super::glyphs::{Face, face_name};
use super::{number, refused};
use domain::error::{Error, Result};
use domain::words;
use domain::words::Words;

const IDENTITY: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
const CMAP: Name<'static> = Name(b"Custom");

/// A face as it goes into the file.
struct Embedded {
    name: String,
    /// The outlines, as the file takes them.
    data: Vec<u8>,
    compact: bool,
    metrics: Metrics,
}

/// Thousandths of an em.
struct Metrics {
    ascent: i32,
    descent: i32,
    capitals: i32,
    bounds: [i32; 4],
}

/// Writes all faces; answers their names and places.
pub fn embed<W: Write>(document: &mut Document<W>) -> Result<Vec<(String, Ref)>> {
    let faces = std::mem::take(&mut document.glyphs.faces);
    let mut fonts = Vec::with_capacity(faces.len());
    for (at, face) in faces.iter().enumerate() {
        let embedded = subset(document, face)?;
        fonts.push((face_name(at), write(document, face, &embedded)?));
    }
    Ok(fonts)
}

fn subset<W: Write>(document: &Document<W>, face: &Face) -> Result<Embedded> {
    let fonts = document.glyphs.database();
    let name = fonts.face(face.id).map_or_else(|| "Font".to_owned(), |info| info.post_script_name.clone());
    let axes: Vec<_> =
        face.weight.map(|weight| (subsetter::Tag::new(b"wght"), f32::from(weight))).into_iter().collect();
    let made = fonts.with_face_data(face.id, |data, index| {
        let subset = subsetter::subset_with_variations(data, index, &axes, &face.mapper)
            .map_err(|error| refused(Words::plain(error)))?;
        let font = FontRef::from_index(data, index).map_err(|error| refused(Words::plain(error)))?;
        Ok::<_, Error>((subset, metrics(&font)))
    });
    let (subset, metrics) =
        made.ok_or_else(|| refused(words!("font_not_read", "the font {name} cannot be read", name)))??;
    // What is called OTTO carries compact outlines, which a file takes without their wrapping.
    let compact = subset.starts_with(b"OTTO");
    let data = match compact {
        true => {
            let font = FontRef::new(&subset).map_err(|error| refused(Words::plain(error)))?;
            let table = font.table_data(skrifa::Tag::new(b"CFF "));
            table
                .ok_or_else(|| refused(words!("font_no_outlines", "a subset has no outlines")))?
                .as_bytes()
                .to_vec()
        }
        false => subset,
    };
    Ok(Embedded { name: format!("{}+{name}", tag(face)), data, compact, metrics })
}

/// Six letters that tell subsets of one font apart.
fn tag(face: &Face) -> String {
    let mut hash = Xxh3::new();
    face.texts.iter().for_each(|text| hash.update(text.as_bytes()));
    let mut rest = hash.digest();
    let letter = |_| {
        let letter = char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0));
        rest /= 26;
        letter
    };
    (0..6).map(letter).collect()
}

fn metrics(font: &FontRef<'_>) -> Metrics {
    let metrics = font.metrics(Size::unscaled(), LocationRef::default());
    let units = i32::from(metrics.units_per_em.max(1));
    let thousandths = |value: f32| value as i32 * 1000 / units;
    let bounds = metrics.bounds.unwrap_or_default();
    let ascent = thousandths(metrics.ascent);
    Metrics {
        ascent,
        descent: thousandths(metrics.descent),
        capitals: metrics.cap_height.map_or(ascent, thousandths),
        bounds: [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(thousandths),
    }
}

fn write<W: Write>(document: &mut Document<W>, face: &Face, embedded: &Embedded) -> Result<Ref> {
    let [font, cid, descriptor, letters, outlines] = [(); 5].map(|()| document.reserve());
    let whole = match embedded.compact {
        true => format!("{}-Identity-H", embedded.name),
        false => embedded.name.clone(),
    };
    let mut made = chunk();
    made.type0_font(font)
        .base_font(Name(whole.as_bytes()))
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(letters);
    document.object(&made)?;
    document.object(&cid_font(face, embedded, cid, descriptor))?;
    document.object(&describe(embedded, descriptor, outlines))?;
    let mut map = UnicodeCmap::new(CMAP, IDENTITY);
    for (glyph, text) in (0_u16..).zip(&face.texts).filter(|(_, text)| !text.is_empty()) {
        map.pair_with_multiple(glyph, text.chars());
    }
    let map = packed(map.finish().as_slice())?;
    let mut made = chunk();
    made.cmap(letters, &map).name(CMAP).system_info(IDENTITY).filter(Filter::FlateDecode);
    document.object(&made)?;
    let data = packed(&embedded.data)?;
    let mut made = chunk();
    let mut stream = made.stream(outlines, &data);
    stream.filter(Filter::FlateDecode);
    match embedded.compact {
        true => stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C")),
        false => stream.pair(Name(b"Length1"), i32::try_from(embedded.data.len()).unwrap_or(i32::MAX)),
    };
    stream.finish();
    document.object(&made)?;
    Ok(font)
}

fn cid_font(face: &Face, embedded: &Embedded, cid: Ref, descriptor: Ref) -> Chunk {
    let mut made = chunk();
    let mut font = made.cid_font(cid);
    font.subtype(if embedded.compact { CidFontType::Type0 } else { CidFontType::Type2 })
        .base_font(Name(embedded.name.as_bytes()))
        .system_info(IDENTITY)
        .font_descriptor(descriptor)
        .default_width(number(1000));
    if !embedded.compact {
        font.cid_to_gid_map_predefined(Name(b"Identity"));
    }
    font.widths().consecutive(0, face.widths.iter().copied().map(number));
    font.finish();
    made
}

fn describe(embedded: &Embedded, descriptor: Ref, outlines: Ref) -> Chunk {
    let Metrics { ascent, descent, capitals, bounds: [left, low, right, high] } = embedded.metrics;
    let mut made = chunk();
    let mut font = made.font_descriptor(descriptor);
    font.name(Name(embedded.name.as_bytes()))
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(number(left), number(low), number(right), number(high)))
        .italic_angle(number(0))
        .ascent(number(ascent))
        .descent(number(descent))
        .cap_height(number(capitals))
        .stem_v(number(80));
    match embedded.compact {
        true => font.font_file3(outlines),
        false => font.font_file2(outlines),
    };
    font.finish();
    made
}
