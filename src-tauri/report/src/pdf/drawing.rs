//! What stands on a page, or on a part of one: surfaces, lines, words. Places are tenths of a point from the upper left
//! corner; a file counts from below, which is turned round here alone.

use pdf_writer::{Content, Name, Settings, Str};

use super::glyphs::{Line, face_name};
use super::number;

/// Red, green, blue.
pub type Rgb = (u8, u8, u8);

/// Tenths of a point in points.
const TENTH: f32 = 0.1;

/// A page's content, or a part of it.
pub struct Drawing {
    pub(super) content: Content,
    height: i32,
    font: Option<(usize, i32)>,
    ink: Option<Rgb>,
}

/// Parts of one, as a file takes colours.
#[allow(clippy::float_arithmetic, reason = "colours are no quantities")]
pub fn parts((red, green, blue): Rgb) -> [f32; 3] {
    [red, green, blue].map(|part| f32::from(part) / 255.0)
}

impl Drawing {
    /// An empty one on a page that is so high.
    pub fn new(height: i32) -> Self {
        let mut content = Content::with_settings(Settings { pretty: false });
        content.save_state().transform([TENTH, 0.0, 0.0, TENTH, 0.0, 0.0]);
        Drawing { content, height, font: None, ink: None }
    }

    /// Its bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.content.restore_state();
        self.content.finish().into_vec()
    }

    /// A height, counted from below.
    pub(super) fn above_foot(&self, y: i32) -> i32 {
        self.height - y
    }

    /// Forgets what the file was told last: somebody else has changed it, or it was taken back.
    pub(super) fn forget(&mut self) {
        (self.font, self.ink) = (None, None);
    }

    fn ink(&mut self, colour: Rgb) {
        if self.ink != Some(colour) {
            let [red, green, blue] = parts(colour);
            self.content.set_fill_rgb(red, green, blue);
            self.ink = Some(colour);
        }
    }

    /// A filled rectangle.
    pub fn fill(&mut self, (x, y): (i32, i32), (wide, high): (i32, i32), colour: Rgb) {
        self.ink(colour);
        let low = self.above_foot(y + high);
        self.content.rect(number(x), number(low), number(wide), number(high)).fill_nonzero();
    }

    /// Words whose base line begins at a place.
    pub fn text(&mut self, line: &Line, (x, y): (i32, i32), size: i32, colour: Rgb) {
        if line.runs.is_empty() {
            return;
        }
        self.ink(colour);
        self.content.begin_text();
        let low = self.above_foot(y);
        let mut done = 0;
        for run in &line.runs {
            if self.font != Some((run.face, size)) {
                self.content.set_font(Name(face_name(run.face).as_bytes()), number(size));
                self.font = Some((run.face, size));
            }
            let left = x + done * size / 1000;
            self.content.set_text_matrix([1.0, 0.0, 0.0, 1.0, number(left), number(low)]);
            self.content.show(Str(&run.bytes));
            done += run.width;
        }
        self.content.end_text();
    }

    /// Words that end at a place.
    pub fn text_before(&mut self, line: &Line, (x, y): (i32, i32), size: i32, colour: Rgb) {
        self.text(line, (x - line.at(size), y), size, colour);
    }
}
