//! The fonts of this machine: those that draw our words first, and every other for signs that these lack. Reads font
//! files alone; whoever draws often reads them once.

use std::path::Path;
use std::sync::Arc;

use resvg::usvg::fontdb::{Database, Family, ID, Query, Style, Weight};

use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;

/// Named families first, Chinese ones among them; a system that has none of them has its own.
pub(crate) const FAMILIES: &str = "Noto Sans CJK SC, Noto Sans SC, Segoe UI, Microsoft YaHei, PingFang SC, Helvetica Neue, Arial, sans-serif";

/// The fonts of this machine.
#[derive(Clone)]
pub struct Fonts(Arc<Database>);

impl Fonts {
    /// Reads the names of all fonts; takes some tenths of a second where there are many.
    pub fn of_this_machine() -> Result<Self> {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        Self::some(fonts, words!("this_machine", "This machine"))
    }

    /// Only those that lie in a folder.
    pub fn of_folder(folder: &Path) -> Result<Self> {
        let mut fonts = Database::new();
        fonts.load_fonts_dir(folder);
        Self::some(fonts, words!("the_folder", "The folder {path}", path = folder.display()))
    }

    fn some(fonts: Database, whose: Words) -> Result<Self> {
        if fonts.is_empty() {
            let words =
                words!("no_fonts", "{whose} has no fonts: install one, such as Noto Sans CJK.", whose);
            return Err(Error::new(Code::NotFound, words));
        }
        Ok(Fonts(Arc::new(fonts)))
    }

    /// All faces, for whoever draws by families.
    pub(crate) fn database(&self) -> &Arc<Database> {
        &self.0
    }

    /// Upright faces in the order in which they are asked for a sign: the named families, then all others.
    pub(crate) fn preferred(&self, bold: bool) -> Vec<ID> {
        let weight = if bold { Weight::BOLD } else { Weight::NORMAL };
        let named = FAMILIES.split(", ").filter_map(|name| {
            let families = [if name == "sans-serif" { Family::SansSerif } else { Family::Name(name) }];
            self.0.query(&Query { families: &families, weight, ..Query::default() })
        });
        let mut order: Vec<ID> = named.collect();
        let mut others: Vec<_> = self.0.faces().filter(|face| face.style == Style::Normal).collect();
        others.sort_by_key(|face| (face.monospaced, face.weight.0.abs_diff(weight.0)));
        for face in others {
            if !order.contains(&face.id) {
                order.push(face.id);
            }
        }
        order
    }
}
