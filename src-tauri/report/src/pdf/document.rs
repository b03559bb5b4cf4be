//! A PDF file as it grows: object after object into a stream, of each only its place kept. What is known at the end
//! alone (how many pages there are, totals) has its object reserved and written then.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Chunk, Filter, Finish, Name, Rect, Ref, Settings};

use super::drawing::Drawing;
use super::glyphs::Glyphs;
use super::number;
use crate::fonts::Fonts;
use domain::error::{Code, Error, Result};
use domain::words;

/// Pages below one node of the tree of pages.
const BRANCH: usize = 200;

/// A PDF that is being written.
pub struct Document<W: Write> {
    pub(super) out: W,
    pub(super) at: u64,
    /// Where each object begins, by number less one; 0 where it is reserved only.
    pub(super) places: Vec<u64>,
    pub(super) resources: Ref,
    pub(super) tree: Ref,
    /// Nodes of the tree and how many pages hang on each.
    pub(super) nodes: Vec<(Ref, Vec<Ref>)>,
    /// The signs that it shows.
    pub glyphs: Glyphs,
}

/// An empty list of objects in the file's way of writing.
pub fn chunk() -> Chunk {
    Chunk::with_settings(Settings { pretty: false })
}

/// Bytes as a stream takes them.
pub fn packed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).and_then(|()| packer.finish()).map_err(failed)
}

pub(super) fn failed(error: std::io::Error) -> Error {
    Error::new(Code::Full, words!("the_file_not_written", "The file cannot be written: {error}.", error))
}

impl<W: Write> Document<W> {
    /// Begins the file.
    pub fn new(out: W, fonts: &Fonts) -> Result<Self> {
        let glyphs = Glyphs::new(fonts);
        let (resources, tree) = (Ref::new(1), Ref::new(2));
        let mut document =
            Document { out, at: 0, places: vec![0, 0], resources, tree, nodes: Vec::new(), glyphs };
        document.put(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")?;
        Ok(document)
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(failed)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// A number for an object that is written later.
    pub fn reserve(&mut self) -> Ref {
        self.places.push(0);
        Ref::new(i32::try_from(self.places.len()).unwrap_or(i32::MAX))
    }

    /// Writes one object.
    pub fn object(&mut self, chunk: &Chunk) -> Result<()> {
        for number in chunk.refs() {
            let at = usize::try_from(number.get() - 1).unwrap_or(usize::MAX);
            if let Some(place) = self.places.get_mut(at) {
                *place = self.at;
            }
        }
        self.put(chunk.as_bytes())
    }

    /// Writes what was drawn.
    pub fn drawn(&mut self, number: Ref, drawing: Drawing) -> Result<()> {
        let data = packed(&drawing.finish())?;
        let mut made = chunk();
        made.stream(number, &data).filter(Filter::FlateDecode);
        self.object(&made)
    }

    /// Writes a page of a size in points that shows these drawings, one over the other.
    pub fn page(&mut self, (wide, high): (i32, i32), drawings: &[Ref]) -> Result<()> {
        if self.nodes.last().is_none_or(|(_, pages)| pages.len() == BRANCH) {
            let node = self.reserve();
            self.nodes.push((node, Vec::new()));
        }
        let page = self.reserve();
        let mut made = chunk();
        let mut dictionary = made.page(page);
        dictionary.media_box(Rect::new(number(0), number(0), number(wide), number(high)));
        dictionary.pair(Name(b"Resources"), self.resources);
        dictionary.insert(Name(b"Contents")).array().items(drawings.iter().copied());
        if let Some((node, pages)) = self.nodes.last_mut() {
            dictionary.parent(*node);
            pages.push(page);
        }
        dictionary.finish();
        self.object(&made)
    }
}
