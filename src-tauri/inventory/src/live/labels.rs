//! Names beside ids, as plain labels: what rows show, what the search box looks through, and ranks that turn
//! sorting by text into sorting by numbers. Handed in by whoever holds the catalogue; decides nothing.

use std::collections::HashMap;
use std::sync::Arc;

use domain::catalogue::{full_pinyin, initials};

/// What the catalogue says of a product, as far as the view needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductLabel {
    /// Name.
    pub name: String,
    /// Barcode, may be empty.
    pub barcode: String,
    /// Unit, may be empty.
    pub unit: String,
    /// Category, may be empty.
    pub category: String,
    /// Minimum, 0 = none.
    pub minimum: i64,
}

/// The catalogue as the view needs it, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Warehouses' names.
    pub warehouses: HashMap<String, String>,
    /// Products.
    pub products: HashMap<String, ProductLabel>,
}

/// One warehouse or product that the stock knows.
#[derive(Debug, Clone)]
pub struct Item {
    /// Id.
    pub id: Arc<str>,
    /// Name; the id while nobody named it.
    pub name: Arc<str>,
    /// Unit.
    pub unit: Arc<str>,
    /// Category.
    pub category: Arc<str>,
    /// Minimum, 0 = none.
    pub minimum: i64,
    /// The catalogue knows it.
    pub known: bool,
    /// Place among all ids, in byte order.
    pub by_id: u32,
    /// Place among all names: by pinyin, then as written.
    pub by_name: u32,
    /// Everything the search box finds it by, lower-case, one line each.
    words: String,
    sound: String,
}

/// All warehouses, or all products, numbered in the order they were met.
#[derive(Debug, Default)]
pub struct Items {
    list: Vec<Item>,
    numbers: HashMap<Arc<str>, u32>,
    unranked: bool,
}

impl Items {
    /// The id's number; a new one is labelled by `label`.
    pub fn number(&mut self, id: &str, label: impl FnOnce() -> Option<ProductLabel>) -> u32 {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let id: Arc<str> = id.into();
        let number = self.list.len() as u32;
        self.list.push(item(id.clone(), label()));
        self.numbers.insert(id, number);
        self.unranked = true;
        number
    }

    /// The id's number, if it was ever met.
    pub fn find(&self, id: &str) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    /// By number.
    pub fn get(&self, number: u32) -> &Item {
        &self.list[number as usize]
    }

    /// Labels everything anew.
    pub fn label(&mut self, label: impl Fn(&str) -> Option<ProductLabel>) {
        for old in &mut self.list {
            *old = item(old.id.clone(), label(&old.id));
        }
        self.unranked = true;
    }

    /// Brings the ranks up to date; costs a sort of all names only after one came or changed.
    pub fn rank(&mut self) {
        if !std::mem::take(&mut self.unranked) {
            return;
        }
        let mut places: Vec<usize> = (0..self.list.len()).collect();
        places.sort_unstable_by(|a, b| self.list[*a].id.cmp(&self.list[*b].id));
        for (rank, place) in places.iter().enumerate() {
            self.list[*place].by_id = rank as u32;
        }
        // Equal names share a rank, so that the id decides between them.
        places.sort_by(|a, b| self.list[*a].named().cmp(&self.list[*b].named()));
        let mut rank = 0;
        for at in 0..places.len() {
            if at > 0 && self.list[places[at]].named() != self.list[places[at - 1]].named() {
                rank += 1;
            }
            self.list[places[at]].by_name = rank;
        }
    }

    /// Which items a word is found in, by number.
    pub fn matches(&self, word: &str) -> Vec<bool> {
        self.list.iter().map(|item| item.words.contains(word)).collect()
    }

    /// All items.
    pub fn all(&self) -> &[Item] {
        &self.list
    }
}

impl Item {
    /// Whether so much is below the minimum; without a minimum nothing is.
    pub fn is_low(&self, quantity: i64) -> bool {
        self.minimum > 0 && quantity < self.minimum
    }

    fn named(&self) -> (&str, &str) {
        (&self.sound, &self.name)
    }
}

fn item(id: Arc<str>, label: Option<ProductLabel>) -> Item {
    let known = label.is_some();
    let label = label.unwrap_or_default();
    let name: Arc<str> = if label.name.is_empty() { id.clone() } else { label.name.as_str().into() };
    let sound = full_pinyin(&name);
    let words = [
        id.to_lowercase(),
        name.to_lowercase(),
        initials(&name),
        sound.clone(),
        label.barcode.to_lowercase(),
    ];
    Item {
        id,
        name,
        unit: label.unit.as_str().into(),
        category: label.category.as_str().into(),
        minimum: label.minimum,
        known,
        by_id: 0,
        by_name: 0,
        words: words.join("\n"),
        sound,
    }
}
