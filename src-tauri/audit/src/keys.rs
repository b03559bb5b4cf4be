//! Every key of a round in little room: what the stock says of it, and how the ledger's books compare with that while
//! their rows pass by, in whatever order. A million keys take some 100 MB. Judges nothing.

use std::collections::HashMap;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_128;

use domain::entry::{ProductId, StockKey, WarehouseId};
use ledger::{PassingBalance, Sum};
use stock::SourceName;
use stock::value::Value;

/// Cells that are looked up at once.
const TOGETHER: usize = 256;

/// The keys of one round.
#[derive(Clone, Copy)]
pub struct Share {
    /// Its number, from 0.
    pub round: u64,
    /// How many there are.
    pub rounds: u64,
}

impl Share {
    fn has(self, number: u128) -> bool {
        self.rounds == 1 || number % u128::from(self.rounds) == u128::from(self.round)
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
    /// Made of its name; 128 bits, so that no two keys meet. Comparing it spares a look at the name, which lies far off.
    number: u128,
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
    /// Which of all keys.
    pub share: Share,
    cells: Vec<Cell>,
    places: HashTable<u32>,
    /// The keys' names, one behind the other.
    names: Vec<u8>,
    sources: HashMap<SourceName, u32>,
    waiting: Waiting,
}

/// What was told and is not written down yet. A million cells lie far apart in memory: many that are looked up at once
/// come in the time of a few that are looked up one by one between other work.
#[derive(Default)]
struct Waiting {
    told: Vec<(u128, (usize, u32), Told)>,
    names: Vec<u8>,
    found: Vec<Option<u32>>,
}

/// What is told of a key.
enum Told {
    Stored(Stored),
    /// A row of `balances`: source's number, last offset, sum; whether the ledger's own rows say the same.
    Booked(u32, i64, Sum, bool),
    Totalled(Sum),
}

impl Keys {
    /// None yet, and room for as many as are expected.
    pub fn of(share: Share, expected: usize) -> Self {
        let (cells, places) = (Vec::with_capacity(expected), HashTable::with_capacity(expected));
        let (sources, waiting) = (HashMap::new(), Waiting::default());
        Keys { share, cells, places, names: Vec::new(), sources, waiting }
    }

    /// Takes what the stock says of a key. A scan may tell a key twice; the later reading counts.
    pub fn store(&mut self, key: &StockKey, bytes: &[u8]) {
        let stored = self.read(bytes);
        self.tell(key.warehouse.as_str(), key.product.as_str(), Told::Stored(stored));
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
        let told = Told::Booked(source, row.last_offset, row.sum, same_rows);
        self.tell(row.warehouse, row.product, told)
    }

    /// Takes what a day's totals say of a key.
    pub fn total(&mut self, warehouse: &str, product: &str, sum: Sum) {
        self.tell(warehouse, product, Told::Totalled(sum));
    }

    /// The keys, of which `settle` has written down everything.
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

    /// Whether the key is one of this round.
    fn tell(&mut self, warehouse: &str, product: &str, told: Told) -> bool {
        // No id holds the byte 0, so it keeps `a` `bc` and `ab` `c` apart.
        let Waiting { told: all, names, .. } = &mut self.waiting;
        let from = names.len();
        names.extend_from_slice(warehouse.as_bytes());
        names.push(0);
        names.extend_from_slice(product.as_bytes());
        let number = xxh3_128(&names[from..]);
        if !self.share.has(number) {
            names.truncate(from);
            return false;
        }
        let length = (names.len() - from) as u32;
        all.push((number, (from, length), told));
        if all.len() == TOGETHER {
            self.settle();
        }
        true
    }

    /// Writes down what waits.
    pub fn settle(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        let Waiting { told, names, found } = &mut waiting;
        found.extend(told.iter().map(|(number, ..)| self.place(*number)));
        for ((number, (from, length), told), found) in told.drain(..).zip(found.drain(..)) {
            // Nobody but an earlier one of these can have brought it since.
            let at = found.or_else(|| self.place(number));
            let at = at.unwrap_or_else(|| self.add(number, &names[from..from + length as usize]));
            self.cells[at as usize].take(told);
        }
        names.clear();
        self.waiting = waiting;
    }

    fn place(&self, number: u128) -> Option<u32> {
        self.places.find(number as u64, |at| self.cells[*at as usize].number == number).copied()
    }

    /// Adds a key. Four thousand million of them, which a `u32` cannot count, fit into no memory.
    fn add(&mut self, number: u128, name: &[u8]) -> u32 {
        let at = self.cells.len() as u32;
        self.cells.push(Cell::new(number, (self.names.len(), name.len() as u32)));
        self.names.extend_from_slice(name);
        let cells = &self.cells;
        self.places.insert_unique(number as u64, at, |at| cells[*at as usize].number as u64);
        at
    }
}

impl Cell {
    fn take(&mut self, told: Told) {
        match told {
            Told::Stored(stored) => self.stored = stored,
            Told::Booked(source, last, sum, same_rows) => {
                self.books.add(sum);
                self.balances += 1;
                self.equal += u32::from(self.stored.has((source, last, sum.quantity)));
                self.same_rows += u32::from(same_rows);
            }
            Told::Totalled(Sum { quantity, entries }) => {
                let (quantity, entries) = (quantity.saturating_neg(), entries.saturating_neg());
                self.books.add(Sum { quantity, entries });
                self.totalled = true;
            }
        }
    }

    fn new(number: u128, name: (usize, u32)) -> Self {
        let (stored, books) = (Stored::Absent, Sum::default());
        Cell { number, name, stored, books, balances: 0, equal: 0, same_rows: 0, totalled: false }
    }
}

#[cfg(test)]
mod tests;
