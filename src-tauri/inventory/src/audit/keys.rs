//! Every key of a round in little room: what the stock says of it, and how the ledger's books compare with that while
//! their rows pass by, in whatever order. A million keys take some 100 MB. Judges nothing.

use std::collections::HashMap;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::entry::{ProductId, StockKey, WarehouseId};
use crate::ledger::{PassingBalance, Sum};
use crate::stock::SourceName;
use crate::stock::value::Value;

/// The keys of one round.
#[derive(Clone, Copy)]
pub struct Share {
    /// Its number, from 0.
    pub round: u64,
    /// How many there are.
    pub rounds: u64,
}

impl Share {
    fn has(self, hash: u64) -> bool {
        hash % self.rounds == self.round
    }
}

/// What the stock holds of a key.
enum Stored {
    /// Nothing.
    Absent,
    /// Exactly the entries of one source, as of nearly every key.
    One {
        /// The source's number among the names.
        source: u32,
        /// Whether its change is yet to be folded.
        unfolded: bool,
        /// The last counted offset.
        last: i64,
        /// Their sum, which is the quantity.
        sum: i64,
    },
    /// Exactly the entries of several sources.
    Many(Box<Many>),
    /// Something else: a drift, or nothing that can be read. With its quantity, if that can be read.
    Odd(Option<Box<i64>>),
}

struct Many {
    /// Source's number, last counted offset, sum.
    parts: Vec<(u32, i64, i64)>,
    quantity: i64,
    unfolded: bool,
}

impl Stored {
    fn has(&self, part: (u32, i64, i64)) -> bool {
        match self {
            Stored::One { source, last, sum, .. } => (*source, *last, *sum) == part,
            Stored::Many(many) => many.parts.contains(&part),
            Stored::Absent | Stored::Odd(_) => false,
        }
    }

    /// How many sources; `None`: it is nothing that could be right.
    fn parts(&self) -> Option<usize> {
        match self {
            Stored::One { .. } => Some(1),
            Stored::Many(many) => Some(many.parts.len()),
            Stored::Absent | Stored::Odd(_) => None,
        }
    }

    fn quantity(&self) -> Option<i64> {
        match self {
            Stored::One { sum, .. } => Some(*sum),
            Stored::Many(many) => Some(many.quantity),
            Stored::Odd(quantity) => quantity.as_deref().copied(),
            Stored::Absent => None,
        }
    }

    fn is_unfolded(&self) -> bool {
        match self {
            Stored::One { unfolded, .. } => *unfolded,
            Stored::Many(many) => many.unfolded,
            Stored::Absent | Stored::Odd(_) => false,
        }
    }
}

/// One key.
pub struct Cell {
    /// Where its name begins among the names, and how long it is.
    name: (usize, u32),
    stored: Stored,
    /// `balances` − `day_totals`.
    books: Sum,
    /// Rows of `balances`.
    balances: u32,
    /// Those of them that the value, and the ledger's own rows where they were read, say too.
    equal: u32,
    same_rows: u32,
    totalled: bool,
}

impl Cell {
    /// Whether the stock has a value of it.
    pub fn is_stored(&self) -> bool {
        !matches!(self.stored, Stored::Absent)
    }

    /// Whether `balances` knows it.
    pub fn is_booked(&self) -> bool {
        self.balances > 0
    }

    /// Whether `day_totals` knows it.
    pub fn is_totalled(&self) -> bool {
        self.totalled
    }

    /// Whether the value is what `balances` says, to the last offset: nothing more, nothing less, no drift.
    pub fn is_exact(&self) -> bool {
        self.equal == self.balances && self.stored.parts() == Some(self.equal as usize)
    }

    /// Whether the two books say the same of it.
    pub fn books_agree(&self) -> bool {
        self.books == Sum::default()
    }

    /// How many sources' rows come to what `balances` says; `None`: not all of them do.
    pub fn same_rows(&self) -> Option<usize> {
        (self.same_rows == self.balances).then_some(self.same_rows as usize)
    }

    /// The stock's quantity, where it can be read.
    pub fn quantity(&self) -> Option<i64> {
        self.stored.quantity()
    }

    /// Whether the value's change is yet to be folded.
    pub fn is_unfolded(&self) -> bool {
        self.stored.is_unfolded()
    }
}

/// All keys of one round.
pub struct Keys {
    share: Share,
    cells: Vec<Cell>,
    places: HashTable<usize>,
    /// The keys' names, one behind the other.
    names: Vec<u8>,
    sources: HashMap<SourceName, u32>,
    name: Vec<u8>,
}

impl Keys {
    /// None yet.
    pub fn of(share: Share) -> Self {
        let (places, sources) = (HashTable::new(), HashMap::new());
        Keys { share, cells: Vec::new(), places, names: Vec::new(), sources, name: Vec::new() }
    }

    /// Takes what the stock says of a key. A scan may tell a key twice; the later reading counts.
    pub fn store(&mut self, key: &StockKey, bytes: &[u8]) {
        let stored = self.read(bytes);
        if let Some(cell) = self.cell(key.warehouse.as_str(), key.product.as_str()) {
            cell.stored = stored;
        }
    }

    fn read(&mut self, bytes: &[u8]) -> Stored {
        let Ok(value) = Value::read(bytes) else { return Stored::Odd(None) };
        if value.drift() != 0 {
            return Stored::Odd(Some(Box::new(value.quantity())));
        }
        let (quantity, unfolded) = (value.quantity(), value.change != 0);
        let part = |(source, (last, sum))| (self.source(&source), last, sum);
        let parts: Vec<(u32, i64, i64)> = value.at.into_iter().map(part).collect();
        match parts[..] {
            [(source, last, sum)] => Stored::One { source, unfolded, last, sum },
            _ => Stored::Many(Box::new(Many { parts, quantity, unfolded })),
        }
    }

    /// A source's number in this round.
    pub fn source(&mut self, name: &SourceName) -> u32 {
        if let Some(number) = self.sources.get(name) {
            return *number;
        }
        let number = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
        self.sources.insert(name.clone(), number);
        number
    }

    /// Takes a row of `balances`: its source by its number here, and whether the ledger's own rows say the same.
    /// Whether the key is one of this round.
    pub fn book(&mut self, row: &PassingBalance<'_>, source: u32, same_rows: bool) -> bool {
        let Some(cell) = self.cell(row.warehouse, row.product) else { return false };
        cell.books.add(row.sum);
        cell.balances += 1;
        cell.equal += u32::from(cell.stored.has((source, row.last_offset, row.sum.quantity)));
        cell.same_rows += u32::from(same_rows);
        true
    }

    /// Takes what a day's totals say of a key.
    pub fn total(&mut self, warehouse: &str, product: &str, sum: Sum) {
        if let Some(cell) = self.cell(warehouse, product) {
            cell.books
                .add(Sum { quantity: sum.quantity.saturating_neg(), entries: sum.entries.saturating_neg() });
            cell.totalled = true;
        }
    }

    /// The keys.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// A key's name.
    pub fn key(&self, cell: &Cell) -> StockKey {
        let (from, length) = cell.name;
        let mut ids = self.names[from..from + length as usize].splitn(2, |byte| *byte == 0);
        let mut id = || String::from_utf8_lossy(ids.next().unwrap_or_default());
        StockKey { warehouse: WarehouseId::stored(&id()), product: ProductId::stored(&id()) }
    }

    /// The key's place, made when it is new; `None`: not of this round.
    fn cell(&mut self, warehouse: &str, product: &str) -> Option<&mut Cell> {
        // No id holds the byte 0, so it keeps `a` `bc` and `ab` `c` apart.
        self.name.clear();
        self.name.extend_from_slice(warehouse.as_bytes());
        self.name.push(0);
        self.name.extend_from_slice(product.as_bytes());
        let hash = xxh3_64(&self.name);
        if !self.share.has(hash) {
            return None;
        }
        let (cells, names, name) = (&self.cells, &self.names, &self.name);
        let named = |at: &usize| {
            let (from, length) = cells[*at].name;
            &names[from..from + length as usize]
        };
        let known = self.places.find(hash, |at| named(at) == &name[..]).copied();
        let at = match known {
            Some(at) => at,
            None => {
                let at = cells.len();
                self.places.insert_unique(hash, at, |at| xxh3_64(named(at)));
                let name = (self.names.len(), self.name.len() as u32);
                self.names.extend_from_slice(&self.name);
                self.cells.push(Cell::new(name));
                at
            }
        };
        self.cells.get_mut(at)
    }
}

impl Cell {
    fn new(name: (usize, u32)) -> Self {
        let (stored, books) = (Stored::Absent, Sum::default());
        Cell { name, stored, books, balances: 0, equal: 0, same_rows: 0, totalled: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Share = Share { round: 0, rounds: 1 };

    fn key(text: &str) -> StockKey {
        StockKey::parse(text).unwrap()
    }

    fn row(last_offset: i64, quantity: i64, entries: i64) -> PassingBalance<'static> {
        PassingBalance {
            source_id: 1,
            warehouse: "W",
            product: "P",
            last_offset,
            sum: Sum { quantity, entries },
        }
    }

    /// One key: its value, its balances (source, last, quantity, entries), its totals.
    fn cell_of(value: &str, balances: &[(&str, i64, i64, i64)], totals: &[(i64, i64)]) -> Keys {
        let mut keys = Keys::of(ALL);
        keys.store(&key("W:P"), value.as_bytes());
        for (quantity, entries) in totals {
            keys.total("W", "P", Sum { quantity: *quantity, entries: *entries });
        }
        for (source, last, quantity, entries) in balances {
            let source = keys.source(&(*source).into());
            assert!(keys.book(&row(*last, *quantity, *entries), source, false));
        }
        assert_eq!(keys.cells().len(), 1);
        assert_eq!(keys.key(&keys.cells()[0]), key("W:P"));
        keys
    }

    #[test]
    fn a_value_is_exact_only_with_all_its_sources_at_their_offsets() {
        let one = r#"{"base":3,"change":2,"at":{"a.0":[7,5]}}"#;
        let two = r#"{"base":0,"change":9,"at":{"a.0":[7,5],"b.1":[2,4]}}"#;
        let exact = |value: &str, balances: &[(&str, i64, i64, i64)]| {
            cell_of(value, balances, &[]).cells()[0].is_exact()
        };
        assert!(exact(one, &[("a.0", 7, 5, 1)]));
        assert!(exact(two, &[("b.1", 2, 4, 1), ("a.0", 7, 5, 1)]));
        for balances in [
            &[("a.0", 8, 5, 1)][..],
            &[("a.0", 7, 6, 1)],
            &[("b.1", 7, 5, 1)],
            &[("a.0", 7, 5, 1), ("b.1", 2, 4, 1)],
            &[],
        ] {
            assert!(!exact(one, balances), "{balances:?}");
        }
        assert!(!exact(two, &[("a.0", 7, 5, 1)]));
        assert!(!exact(r#"{"base":4,"change":2,"at":{"a.0":[7,5]}}"#, &[("a.0", 7, 5, 1)]), "a drift");
        assert!(!exact("7", &[("a.0", 7, 5, 1)]), "nothing that can be read");
    }

    #[test]
    fn the_books_agree_when_all_days_come_to_all_sources() {
        let agree = |totals: &[(i64, i64)]| {
            cell_of("7", &[("a.0", 7, 5, 2), ("b.1", 2, -4, 1)], totals).cells()[0].books_agree()
        };
        assert!(agree(&[(6, 2), (-5, 1)]));
        assert!(!agree(&[(6, 2), (-4, 1)]), "another quantity");
        assert!(!agree(&[(1, 2)]), "another number of entries");
        assert!(!agree(&[]));
    }

    #[test]
    fn every_key_is_of_one_round_and_told_apart() {
        let names: Vec<String> = (0..1_000).map(|n| format!("W{}:P{}", n % 7, n)).collect();
        let mut seen = Vec::new();
        for round in 0..3 {
            let mut keys = Keys::of(Share { round, rounds: 3 });
            for name in names.iter().chain(&names) {
                keys.store(&key(name), b"7");
            }
            seen.extend(keys.cells().iter().map(|cell| keys.key(cell).to_string()));
        }
        let mut names = names;
        names.sort();
        seen.sort();
        assert_eq!(seen, names);
        let mut keys = Keys::of(ALL);
        keys.total("a", "bc", Sum::default());
        keys.total("ab", "c", Sum::default());
        assert_eq!(keys.cells().len(), 2);
    }
}
