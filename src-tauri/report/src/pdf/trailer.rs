//! The end of a PDF file: its fonts, the tree of its pages, what a reader shows about it, and the table of all objects.

use std::io::Write;

use chrono::{Datelike, NaiveDateTime, Timelike};
use pdf_writer::{Date, Finish, Name, Ref, TextStr};

use super::document::{Document, chunk, failed};
use super::embed::embed;
use domain::error::Result;

/// What a reader shows about the file.
pub struct Info<'a> {
    pub title: &'a str,
    /// Language tag.
    pub language: &'a str,
    pub made: NaiveDateTime,
}

impl<W: Write> Document<W> {
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
