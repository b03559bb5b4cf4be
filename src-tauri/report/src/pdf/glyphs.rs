//! The signs that a document shows: which face draws each, how wide it is, and its number in the subset that will be
//! embedded. Numbers are given at first sight and never change, so that a page can be written before the subset is.

use std::collections::HashMap;
use std::sync::Arc;

use resvg::usvg::fontdb::{Database, ID};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, GlyphId, MetadataProvider, Tag};
use subsetter::GlyphRemapper;

use super::refused;
use super::words::{clean, is_cjk, is_silent, may_break};
use crate::fonts::Fonts;
use domain::error::{Code, Error, Result};
use domain::words;

/// A face of which the document shows something.
pub struct Face {
    pub id: ID,
    /// Its weight, where the face has many.
    pub weight: Option<u16>,
    pub mapper: GlyphRemapper,
    /// Thousandths of an em, by number in the subset.
    pub widths: Vec<i32>,
    /// What each shows, by number in the subset.
    pub texts: Vec<String>,
}

/// One sign: its face, its number there, its width in thousandths of an em.
#[derive(Clone, Copy)]
struct Sign {
    face: usize,
    glyph: u16,
    width: i32,
}

/// Words on one line, ready to be shown.
#[derive(Clone, Default)]
pub struct Line {
    /// Numbers of signs, two bytes each, by face.
    pub runs: Vec<Run>,
    /// In thousandths of an em.
    pub width: i32,
}

/// Signs of one face.
#[derive(Clone)]
pub struct Run {
    pub face: usize,
    pub bytes: Vec<u8>,
    pub width: i32,
}

/// All signs of a document.
pub struct Glyphs {
    fonts: Fonts,
    order: [Vec<ID>; 2],
    pub faces: Vec<Face>,
    signs: HashMap<(char, bool), Option<Sign>>,
}

/// What a face has for a sign: its glyph, the width of it, and its weight where the face has many.
struct Found {
    glyph: u16,
    width: i32,
    weight: Option<u16>,
}

impl Glyphs {
    pub fn new(fonts: &Fonts) -> Self {
        let order = [fonts.preferred(false), fonts.preferred(true)];
        Glyphs { fonts: fonts.clone(), order, faces: Vec::new(), signs: HashMap::new() }
    }

    pub fn database(&self) -> &Arc<Database> {
        self.fonts.database()
    }

    /// Text on one line, however long.
    pub fn line(&mut self, text: &str, bold: bool) -> Result<Line> {
        let mut line = Line::default();
        for c in text.chars() {
            self.put(&mut line, c, bold)?;
        }
        Ok(line)
    }

    /// Text on lines no wider than `most` thousandths of an em, broken between words where it can be; what is left
    /// after the last of `lines` is told by an ellipsis.
    pub fn wrapped(&mut self, text: &str, bold: bool, most: i32, lines: usize) -> Result<Vec<Line>> {
        let whole = self.line(text, bold)?;
        if whole.width <= most {
            return Ok(vec![whole]);
        }
        let mut wrapped = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.fitting(rest, bold, most)?);
            if wrapped.len() + 1 == lines && !later.is_empty() {
                wrapped.push(self.cut(rest, bold, most)?);
                break;
            }
            wrapped.push(self.line(now.trim_end(), bold)?);
            rest = later.trim_start();
        }
        Ok(wrapped)
    }

    /// Text on one line no wider than that; an ellipsis stands for what has no room.
    pub fn cut(&mut self, text: &str, bold: bool, most: i32) -> Result<Line> {
        let whole = self.line(text, bold)?;
        if whole.width <= most {
            return Ok(whole);
        }
        let ellipsis = self.line("…", bold)?.width;
        let mut line = Line::default();
        for c in text.chars() {
            if line.width + self.line(c.encode_utf8(&mut [0; 4]), bold)?.width + ellipsis > most {
                break;
            }
            self.put(&mut line, c, bold)?;
        }
        self.put(&mut line, '…', bold)?;
        Ok(line)
    }

    /// How many bytes of a text stand on one line: at least one sign.
    fn fitting(&mut self, text: &str, bold: bool, most: i32) -> Result<usize> {
        let (mut width, mut good, mut before) = (0, 0, None);
        for (at, c) in text.char_indices() {
            if before.is_some_and(|before| may_break(before, c)) {
                good = at;
            }
            width += self.line(c.encode_utf8(&mut [0; 4]), bold)?.width;
            if width > most && at > 0 && c != ' ' {
                return Ok(if good > 0 { good } else { at });
            }
            before = Some(c);
        }
        Ok(text.len())
    }

    fn put(&mut self, line: &mut Line, c: char, bold: bool) -> Result<()> {
        let c = clean(c);
        if is_silent(c) {
            return Ok(());
        }
        if let Some(sign) = self.sign(c, bold)? {
            line.push(sign);
        } else if is_cjk(c) {
            return Err(missing(c));
        } else {
            // No empty box: the number of the sign can at least be told from another's.
            for c in format!("[U+{:04X}]", u32::from(c)).chars() {
                line.push(self.sign(c, bold)?.ok_or_else(|| missing(c))?);
            }
        }
        Ok(())
    }

    fn sign(&mut self, c: char, bold: bool) -> Result<Option<Sign>> {
        if let Some(known) = self.signs.get(&(c, bold)) {
            return Ok(*known);
        }
        let mut sign = None;
        for at in 0..self.order[usize::from(bold)].len() {
            let id = self.order[usize::from(bold)][at];
            if let Some(found) = find(self.database(), id, c, bold) {
                sign = Some(self.adopt(id, &found, c.to_string())?);
                break;
            }
        }
        self.signs.insert((c, bold), sign);
        Ok(sign)
    }

    /// A glyph that somebody else has chosen: its face and its number in the subset.
    pub fn adopted(&mut self, id: ID, glyph: u16, text: &str) -> Result<(usize, u16)> {
        if glyph == 0 {
            return Err(missing(text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        let measured = self.database().with_face_data(id, |data, index| {
            let font = FontRef::from_index(data, index).ok()?;
            drawable(&font).then(|| measured(&font, glyph, false))
        });
        let found = measured.flatten().ok_or_else(|| {
            refused(words!("font_not_embedded", "a font of the picture cannot be embedded"))
        })?;
        let sign = self.adopt(id, &found, text.to_owned())?;
        Ok((sign.face, sign.glyph))
    }

    fn adopt(&mut self, id: ID, found: &Found, text: String) -> Result<Sign> {
        let known = self.faces.iter().position(|face| face.id == id && face.weight == found.weight);
        let at = known.unwrap_or_else(|| {
            let (widths, texts) = (vec![1000], vec![String::new()]);
            let weight = found.weight;
            self.faces.push(Face { id, weight, mapper: GlyphRemapper::new(), widths, texts });
            self.faces.len() - 1
        });
        let face = &mut self.faces[at];
        if face.texts.len() >= usize::from(u16::MAX) {
            return Err(refused(words!(
                "font_too_many_signs",
                "it shows more different signs than a font holds"
            )));
        }
        let glyph = face.mapper.remap(found.glyph);
        if usize::from(glyph) == face.texts.len() {
            face.widths.push(found.width);
            face.texts.push(text);
        }
        Ok(Sign { face: at, glyph, width: found.width })
    }
}

impl Line {
    fn push(&mut self, sign: Sign) {
        if self.runs.last().is_none_or(|run| run.face != sign.face) {
            self.runs.push(Run { face: sign.face, bytes: Vec::new(), width: 0 });
        }
        if let Some(run) = self.runs.last_mut() {
            run.bytes.extend(sign.glyph.to_be_bytes());
            run.width += sign.width;
        }
        self.width += sign.width;
    }

    /// Its width in tenths of a point, at a size in these.
    pub fn at(&self, size: i32) -> i32 {
        self.width * size / 1000
    }
}

/// The glyph of a sign in a face that can be embedded.
fn find(fonts: &Database, id: ID, c: char, bold: bool) -> Option<Found> {
    let found = fonts.with_face_data(id, |data, index| {
        let font = FontRef::from_index(data, index).ok()?;
        if !drawable(&font) {
            return None;
        }
        let glyph = u16::try_from(font.charmap().map(c)?.to_u32()).ok().filter(|glyph| *glyph != 0)?;
        Some(measured(&font, glyph, bold))
    });
    found.flatten()
}

/// Outlines that a PDF takes; coloured pictures of signs are none.
fn drawable(font: &FontRef<'_>) -> bool {
    let has = |tag: &[u8; 4]| font.table_data(Tag::new(tag)).is_some();
    (has(b"glyf") || has(b"CFF ") || has(b"CFF2")) && !has(b"CBDT") && !has(b"COLR")
}

fn measured(font: &FontRef<'_>, glyph: u16, bold: bool) -> Found {
    let axis = font.axes().get_by_tag(Tag::new(b"wght"));
    let weight = axis.map(|_| if bold { 700 } else { 400 });
    let location = font.axes().location(weight.map(|weight| ("wght", f32::from(weight))));
    let at = if weight.is_some() { LocationRef::from(&location) } else { LocationRef::default() };
    let units = i32::from(font.metrics(Size::unscaled(), at).units_per_em.max(1));
    let width = font.glyph_metrics(Size::unscaled(), at).advance_width(GlyphId::from(glyph));
    let width = width.unwrap_or_default() as i32 * 1000 / units;
    Found { glyph, width, weight }
}

fn missing(c: char) -> Error {
    let words = words!(
        "no_font_for_sign",
        "No font of this machine has the sign {c} (U+{number}): install one that has it, such as Noto Sans CJK (on Debian and Ubuntu: apt install fonts-noto-cjk).",
        c,
        number = format!("{:04X}", u32::from(c))
    );
    Error::new(Code::NotFound, words)
}

/// The name by which pages call a face.
pub fn face_name(face: usize) -> String {
    format!("F{face}")
}
