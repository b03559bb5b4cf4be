//! A PDF file as it grows: object after object into a stream, of each only its place kept. What is known at the end
//! alone (how many pages there are, totals) has its object reserved and written then.

use std::io::Write;

use chrono::{Datelike, NaiveDateTime, Timelike};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Chunk, Date, Filter, Finish, Name, Rect, Ref, Settings, TextStr};

use super::drawing::Drawing;
use super::embed::embed;
use super::glyphs::Glyphs;
use super::number;
use crate::fonts::Fonts;
use domain::error::{Code, Error, Result};
use domain::words;

/// Pages below one node of the tree of pages.
const BRANCH: usize = 200;

/// What a reader shows about the file.
pub struct Info<'a> {
    pub title: &'a str,
    /// Language tag.
    pub language: &'a str,
    pub made: NaiveDateTime,
}

/// A PDF that is being written.
pub struct Document<W: Write> {
    out: W,
    at: u64,
    /// Where each object begins, by number less one; 0 where it is reserved only.
    places: Vec<u64>,
    resources: Ref,
    tree: Ref,
    /// Nodes of the tree and how many pages hang on each.
    nodes: Vec<(Ref, Vec<Ref>)>,
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

fn failed(error: std::io::Error) -> Error {
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

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
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

    /// Writes fonts, the tree of pages and the table of all objects.
    pub fn finish(mut self, info: &Info<'_>) -> Result<W> {
        let fonts = embed(&mut self)?;
        let mut made = chunk();
        let mut resources = made.indirect(self.resources).dict();
        let mut names = resources.insert(Name(b"Font")).dict();
        for (name, font) in &fonts {
            names.pair(Name(name.as_bytes()), *font);
        }
        names.finish();
        resources.finish();
        self.object(&made)?;
        self.tree()?;
        let (catalog, about) = (self.reserve(), self.reserve());
        let mut made = chunk();
        let mut dictionary = made.indirect(catalog).dict();
        dictionary.pair(Name(b"Type"), Name(b"Catalog")).pair(Name(b"Pages"), self.tree);
        dictionary.pair(Name(b"Lang"), TextStr(info.language));
        dictionary.insert(Name(b"ViewerPreferences")).dict().pair(Name(b"DisplayDocTitle"), true);
        dictionary.finish();
        self.object(&made)?;
        let mut made = chunk();
        let mut dictionary = made.indirect(about).dict();
        dictionary.pair(Name(b"Title"), TextStr(info.title)).pair(Name(b"Producer"), TextStr("Twinstock"));
        dictionary.pair(Name(b"CreationDate"), date(info.made));
        dictionary.finish();
        self.object(&made)?;
        self.table(catalog, about)?;
        self.out.flush().map_err(failed)?;
        Ok(self.out)
    }

    fn tree(&mut self) -> Result<()> {
        let nodes = std::mem::take(&mut self.nodes);
        let count = |pages: usize| i32::try_from(pages).unwrap_or(i32::MAX);
        for (node, pages) in &nodes {
            let mut made = chunk();
            made.pages(*node).parent(self.tree).count(count(pages.len())).kids(pages.iter().copied());
            self.object(&made)?;
        }
        let all = count(nodes.iter().map(|(_, pages)| pages.len()).sum());
        let mut made = chunk();
        made.pages(self.tree).count(all).kids(nodes.iter().map(|(node, _)| *node));
        self.object(&made)
    }

    /// Where every object lies: what a reader opens first.
    fn table(&mut self, catalog: Ref, about: Ref) -> Result<()> {
        let start = self.at;
        let places = std::mem::take(&mut self.places);
        self.put(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).as_bytes())?;
        for place in &places {
            let kind = if *place == 0 { 'f' } else { 'n' };
            self.put(format!("{place:010} 00000 {kind} \n").as_bytes())?;
        }
        let (size, root, info) = (places.len() + 1, catalog.get(), about.get());
        let end =
            format!("trailer\n<</Size {size}/Root {root} 0 R/Info {info} 0 R>>\nstartxref\n{start}\n%%EOF\n");
        self.put(end.as_bytes())
    }
}

/// A wall clock's moment; no zone is claimed.
fn date(moment: NaiveDateTime) -> Date {
    let small = |part: u32| u8::try_from(part).unwrap_or(0);
    Date::new(u16::try_from(moment.year()).unwrap_or(0))
        .month(small(moment.month()))
        .day(small(moment.day()))
        .hour(small(moment.hour()))
        .minute(small(moment.minute()))
        .second(small(moment.second()))
}
