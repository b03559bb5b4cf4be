//! The catalogue in memory, for pickers, search and the names beside ids. Read from the ledger at start, after
//! each save and every few seconds (others write too). What it shows may be seconds old; it decides nothing.
//! Where the ledger is a server, the last answer is kept in a file, so that bills can be entered without it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use inventory::domain::catalogue::{full_pinyin, initials};
use inventory::domain::error::Result;
use inventory::ledger::Ledger;

use crate::api::catalog::{CatalogItem, CatalogKind};

const KINDS: [CatalogKind; 3] = [CatalogKind::Product, CatalogKind::Warehouse, CatalogKind::Company];
/// How often the catalogue is read again.
const AGAIN: Duration = Duration::from_secs(5);

/// One row with its search words, all lower-case.
#[derive(Debug, Clone)]
struct Word {
    item: CatalogItem,
    id: String,
    name: String,
    initials: String,
    pinyin: String,
}

impl Word {
    fn new(item: CatalogItem) -> Self {
        Word {
            id: item.id.to_lowercase(),
            name: item.name.to_lowercase(),
            initials: initials(&item.name),
            pinyin: full_pinyin(&item.name),
            item,
        }
    }

    /// How well it fits, 0 best; `None` = not at all.
    fn rank(&self, text: &str) -> Option<u8> {
        let barcode = &self.item.barcode;
        let ranks = [
            self.id == text,
            !barcode.is_empty() && barcode == text,
            self.id.starts_with(text),
            self.name.starts_with(text),
            self.initials.starts_with(text),
            self.pinyin.starts_with(text),
            text.len() >= 4 && barcode.starts_with(text),
            self.name.contains(text),
            self.id.contains(text),
            self.initials.contains(text),
            self.pinyin.contains(text),
        ];
        ranks.iter().position(|fits| *fits).map(|at| at as u8)
    }
}

#[derive(Debug, Default)]
struct Lists {
    words: HashMap<CatalogKind, Vec<Word>>,
    at: HashMap<(CatalogKind, String), usize>,
}

/// The catalogue in memory.
pub struct Names {
    ledger: Arc<Ledger>,
    lists: RwLock<Lists>,
    /// Where the last answer is kept.
    kept: Option<PathBuf>,
}

impl Names {
    /// Begins reading; ends when the last holder lets go. `kept`: a file for the time without the ledger.
    pub fn start(ledger: Arc<Ledger>, kept: Option<PathBuf>) -> Arc<Self> {
        let lists = kept.as_deref().map(from_file).unwrap_or_default();
        let names = Arc::new(Names { ledger, lists: RwLock::new(lists), kept });
        let weak = Arc::downgrade(&names);
        tokio::spawn(async move {
            while let Some(names) = weak.upgrade() {
                if let Err(error) = names.read().await {
                    tracing::debug!(%error, "the catalogue cannot be read; it is tried again");
                }
                drop(names);
                tokio::time::sleep(AGAIN).await;
            }
        });
        names
    }

    /// Reads the whole catalogue again.
    pub async fn read(&self) -> Result<()> {
        let mut lists = Lists::default();
        let products = self.ledger.products().await?.into_iter().map(|row| CatalogItem {
            kind: CatalogKind::Product,
            id: row.id.to_string(),
            name: row.name,
            barcode: row.barcode,
            unit: row.unit,
            category: row.category,
            minimum: row.minimum,
            registered: row.registered,
        });
        lists.fill(CatalogKind::Product, products.collect());
        let warehouses = self.ledger.warehouses().await?.into_iter();
        let warehouses =
            warehouses.map(|row| place(CatalogKind::Warehouse, &row.id, row.name, row.registered));
        lists.fill(CatalogKind::Warehouse, warehouses.collect());
        let companies = self.ledger.companies().await?.into_iter();
        let companies = companies.map(|row| place(CatalogKind::Company, &row.id, row.name, row.registered));
        lists.fill(CatalogKind::Company, companies.collect());
        let news = match &self.kept {
            Some(_) => self.with(|before| before.items() != lists.items()),
            None => false,
        };
        let items: Vec<CatalogItem> =
            if news { lists.items().into_iter().cloned().collect() } else { Vec::new() };
        *self.lists.write().unwrap_or_else(PoisonError::into_inner) = lists;
        if let (Some(file), true) = (self.kept.clone(), news) {
            let written = tokio::task::spawn_blocking(move || keep(&file, &items)).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "the catalogue is not kept for a time without the ledger");
            }
        }
        Ok(())
    }

    fn with<T>(&self, look: impl FnOnce(&Lists) -> T) -> T {
        look(&self.lists.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Rows that fit a text, best first; an empty text gives the first rows by code.
    pub fn search(&self, kind: CatalogKind, text: &str, limit: usize) -> Vec<CatalogItem> {
        let text = text.trim().to_lowercase();
        self.with(|lists| {
            let words = lists.words.get(&kind).map(Vec::as_slice).unwrap_or_default();
            let mut found: Vec<(u8, &Word)> = words
                .iter()
                .filter_map(
                    |word| if text.is_empty() { Some((0, word)) } else { Some((word.rank(&text)?, word)) },
                )
                .collect();
            found.sort_by(|a, b| (a.0, &a.1.item.id).cmp(&(b.0, &b.1.item.id)));
            found.into_iter().take(limit).map(|(_, word)| word.item.clone()).collect()
        })
    }

    /// One row by its code.
    pub fn get(&self, kind: CatalogKind, id: &str) -> Option<CatalogItem> {
        self.with(|lists| {
            let at = *lists.at.get(&(kind, id.to_string()))?;
            lists.words.get(&kind)?.get(at).map(|word| word.item.clone())
        })
    }

    /// One row by code, or a product by barcode: exactly.
    pub fn exact(&self, kind: CatalogKind, code: &str) -> Option<CatalogItem> {
        let code = code.trim();
        self.get(kind, code).or_else(|| {
            let text = code.to_lowercase();
            self.with(|lists| {
                let words = lists.words.get(&kind)?;
                let hit = words.iter().find(|word| word.item.barcode == code && !code.is_empty());
                hit.or_else(|| words.iter().find(|word| word.id == text)).map(|word| word.item.clone())
            })
        })
    }

    /// A row's name, or its code where it has none.
    pub fn name(&self, kind: CatalogKind, id: &str) -> String {
        self.get(kind, id).map_or_else(|| id.to_string(), |item| item.name)
    }

    /// All rows of a list.
    pub fn all(&self, kind: CatalogKind) -> Vec<CatalogItem> {
        self.with(|lists| {
            lists.words.get(&kind).into_iter().flatten().map(|word| word.item.clone()).collect()
        })
    }
}

fn place(kind: CatalogKind, id: &impl ToString, name: String, registered: bool) -> CatalogItem {
    let (barcode, unit, category) = Default::default();
    CatalogItem { kind, id: id.to_string(), name, barcode, unit, category, minimum: 0, registered }
}

/// Replaced at once, so that a crash leaves the old file or the new one.
fn keep(file: &Path, items: &[CatalogItem]) -> std::io::Result<()> {
    let new = file.with_extension("json.new");
    std::fs::write(&new, serde_json::to_vec(items)?)?;
    std::fs::rename(&new, file)
}

/// What was kept; a file that is missing or cannot be read counts as none.
fn from_file(file: &Path) -> Lists {
    let read = std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let items: Vec<CatalogItem> = read.unwrap_or_default();
    let mut lists = Lists::default();
    for kind in KINDS {
        lists.fill(kind, items.iter().filter(|item| item.kind == kind).cloned().collect());
    }
    lists
}

impl Lists {
    /// Every row, list by list, in order.
    fn items(&self) -> Vec<&CatalogItem> {
        let words = KINDS.iter().filter_map(|kind| self.words.get(kind)).flatten();
        words.map(|word| &word.item).collect()
    }

    fn fill(&mut self, kind: CatalogKind, mut items: Vec<CatalogItem>) {
        items.sort_by(|a, b| a.id.cmp(&b.id));
        for (at, item) in items.iter().enumerate() {
            self.at.insert((kind, item.id.clone()), at);
        }
        self.words.insert(kind, items.into_iter().map(Word::new).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(id: &str, name: &str, barcode: &str) -> Word {
        let mut item = place(CatalogKind::Product, &id, name.into(), true);
        item.barcode = barcode.into();
        Word::new(item)
    }

    #[test]
    fn what_was_kept_comes_back_and_a_broken_file_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("catalogue.json");
        assert!(from_file(&file).items().is_empty());
        let items =
            [word("P1", "苹果", "690").item, place(CatalogKind::Company, &"C1", "Huadong".into(), true)];
        keep(&file, &items).unwrap();
        let lists = from_file(&file);
        assert_eq!(lists.items(), items.iter().collect::<Vec<_>>());
        assert!(lists.at.contains_key(&(CatalogKind::Company, "C1".into())));
        std::fs::write(&file, "[").unwrap();
        assert!(from_file(&file).items().is_empty());
    }

    #[test]
    fn exact_code_and_barcode_come_first() {
        let apple = word("10", "苹果 Apple", "6901234000016");
        let pear = word("101", "梨 Pear 10", "6901234000023");
        assert_eq!(apple.rank("10"), Some(0));
        assert!(pear.rank("10") > apple.rank("10"));
        assert_eq!(pear.rank("6901234000023"), Some(1));
        assert!(
            apple.rank("pg").is_some() && apple.rank("pingguo").is_some() && apple.rank("apple").is_some()
        );
        assert_eq!(apple.rank("zzz"), None);
    }
}
