//! The entries that everything is measured with: made from a seed, the same for every part and every round.
//! Each knows its partition and offset beforehand, so that what the stores must hold in the end is known too.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{Days, NaiveDate};

/// Partitions of the topic, as `init` makes them by default.
pub const PARTITIONS: u64 = 12;
/// Warehouses of every shape.
pub const WAREHOUSES: u64 = 12;
/// The first day of all data, as in the specification's examples.
pub const FIRST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(2025, 3, 10) {
    Some(day) => day,
    None => NaiveDate::MIN,
};
/// Milliseconds of that day's first moment: the time in the entries' ids.
const FIRST_MS: u64 = 1_741_564_800_000;
const DESCRIPTION: &str = "入库单据";

/// What the data look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub products: u64,
    pub days: u64,
    pub entries: u64,
    /// Days one after the other; else every entry falls on a random one.
    pub in_order: bool,
    /// Entries carry an `entry_id` (UUIDv7), as Twinstock's own producer sends them.
    pub ids: bool,
    /// Most day tables: the newest days have them, earlier days lie in the month's table.
    pub day_tables: u64,
}

impl Shape {
    /// An empty site whose days are all open.
    pub fn plain() -> Shape {
        Shape { products: 1, days: 1, entries: 0, in_order: false, ids: false, day_tables: 20_000 }
    }

    /// `100 products, 30 days`.
    pub fn name(&self) -> String {
        let days = if self.days == 1 { "1 day".to_owned() } else { format!("{} days", self.days) };
        format!("{} products, {days}", self.products)
    }

    /// A name for topics and databases.
    pub fn slug(&self) -> String {
        format!("{}x{}", self.products, self.days)
    }

    /// Number of the first day that has day tables.
    pub fn first_open(&self) -> u64 {
        self.days - self.days.min(self.day_tables / self.products.max(1))
    }

    /// The date of a day's number.
    pub fn day(number: u64) -> NaiveDate {
        FIRST_DAY.checked_add_days(Days::new(number)).unwrap_or(FIRST_DAY)
    }

    /// Stock keys that may occur.
    pub fn keys(&self) -> usize {
        (self.products * WAREHOUSES) as usize
    }

    /// The stock key with this number.
    pub fn key(&self, number: usize) -> String {
        let number = number as u64;
        key(number / self.products, number % self.products)
    }

    /// All entries in the order in which they are sent.
    pub fn lines(self, seed: u64) -> Lines {
        let partitions = (0..self.keys()).map(|number| partition(&self.key(number))).collect();
        Lines { shape: self, dice: Dice(seed), number: 0, partitions, offsets: [0; PARTITIONS as usize] }
    }
}

fn key(warehouse: u64, product: u64) -> String {
    format!("W{:03}:P{:05}", warehouse + 1, product + 1)
}

/// FNV-1a: any function of the key will do, as long as the bench knows it beforehand.
fn partition(key: &str) -> u64 {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)) % PARTITIONS
}

/// Deterministic numbers (splitmix64).
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }
}

/// One entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Line {
    pub partition: u64,
    pub offset: i64,
    /// Number of its stock key.
    pub key: usize,
    pub product: u64,
    pub warehouse: u64,
    pub quantity: i64,
    pub drcr: i64,
    pub company: u64,
    pub bill: u64,
    pub day: u64,
    pub second: u64,
    pub id: Option<u128>,
}

/// The entries of a shape, one after the other.
pub struct Lines {
    shape: Shape,
    dice: Dice,
    number: u64,
    partitions: Vec<u64>,
    offsets: [i64; PARTITIONS as usize],
}

impl Iterator for Lines {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let (shape, number) = (self.shape, self.number);
        if number >= shape.entries {
            return None;
        }
        self.number += 1;
        let (product, warehouse) = (self.dice.below(shape.products), self.dice.below(WAREHOUSES));
        let key = (warehouse * shape.products + product) as usize;
        let partition = self.partitions[key];
        let place = &mut self.offsets[partition as usize];
        let offset = *place;
        *place += 1;
        let random = self.dice.below(shape.days);
        let id = id(number, &mut self.dice);
        Some(Line {
            partition,
            offset,
            key,
            product,
            warehouse,
            quantity: 1 + self.dice.below(50) as i64,
            drcr: if self.dice.below(3) == 0 { -1 } else { 1 },
            company: self.dice.below(30),
            bill: number / 5,
            day: if shape.in_order { number * shape.days / shape.entries } else { random },
            second: self.dice.below(86_400),
            id: shape.ids.then_some(id),
        })
    }
}

/// A UUIDv7: ten entries in a millisecond.
fn id(number: u64, dice: &mut Dice) -> u128 {
    let (a, b) = (dice.roll(), dice.roll());
    let high = ((FIRST_MS + number / 10) << 16) | 0x7000 | (a & 0xfff);
    let low = (1 << 63) | (b >> 2);
    (u128::from(high) << 64) | u128::from(low)
}

impl Line {
    /// `W001:P00001`, the message's key and the stock's.
    pub fn stock_key(&self) -> String {
        key(self.warehouse, self.product)
    }

    /// What it adds to the stock.
    pub fn signed(&self) -> i64 {
        self.quantity * self.drcr
    }

    fn time(&self) -> String {
        let (h, m, s) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        format!("{} {h:02}:{m:02}:{s:02}", Shape::day(self.day))
    }

    /// The ioentry.
    pub fn json(&self) -> String {
        let mut out = format!(
            "{{\"product_id\":\"P{:05}\",\"quantity\":{},\"drcr\":{},\"company_id\":\"C{:03}\",\
             \"warehouse_id\":\"W{:03}\",\"bill_id\":\"B{:08}\",\"create_time\":\"{}\",\
             \"description\":\"{DESCRIPTION}\"",
            self.product + 1,
            self.quantity,
            self.drcr,
            self.company,
            self.warehouse + 1,
            self.bill,
            self.time()
        );
        if let Some(id) = self.id {
            let _ = write!(out, ",\"entry_id\":\"{}\"", uuid::Uuid::from_u128(id).hyphenated());
        }
        out.push('}');
        out
    }

    /// The table of its row, and whether that is a month's.
    pub fn table(&self, shape: &Shape) -> (String, bool) {
        let day = Shape::day(self.day);
        match self.day < shape.first_open() {
            true => (format!("entries_{}", day.format("%Y%m")), true),
            false => (format!("t_p{:05}_{}", self.product + 1, day.format("%Y%m%d")), false),
        }
    }

    /// Its row as SQL values, in the order of [`COLUMNS`].
    pub fn row(&self, out: &mut String, month: bool) {
        let _ = write!(
            out,
            "('P{:05}',{},{},'C{:03}','W{:03}','B{:08}','{}','{DESCRIPTION}',",
            self.product + 1,
            self.quantity,
            self.drcr,
            self.company,
            self.warehouse + 1,
            self.bill,
            self.time()
        );
        match self.id {
            Some(id) => drop(write!(out, "x'{id:032x}'")),
            None => out.push_str("NULL"),
        }
        let _ = write!(out, ",{},{}", self.partition + 1, self.offset);
        if month {
            let _ = write!(out, ",'{}'", Shape::day(self.day));
        }
        out.push(')');
    }
}

/// Columns of a row; a month's table has `day` besides.
pub const COLUMNS: &str = "product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, \
                           description, entry_id, source_id, source_offset";

/// What the stock must hold in the end: by key number, the last offset and the sum.
pub fn expected(lines: impl Iterator<Item = Line>) -> BTreeMap<usize, (i64, i64)> {
    let mut held = BTreeMap::new();
    for line in lines {
        let entry = held.entry(line.key).or_insert((-1, 0));
        *entry = (line.offset, entry.1 + line.signed());
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape { products: 10, days: 30, entries: 5_000, in_order: false, ids: true, day_tables: 100 }
    }

    #[test]
    fn the_engine_takes_every_entry_as_it_was_meant() {
        for line in shape().lines(7) {
            let entry = inventory::domain::ioentry::decode(line.json().as_bytes()).expect("a valid entry");
            assert_eq!(entry.signed(), line.signed());
            assert_eq!(entry.key().to_string(), line.stock_key());
            assert_eq!(entry.day(), Shape::day(line.day));
            assert_eq!(entry.entry_id.map(|id| id.as_u128()), line.id);
            assert_eq!(entry.entry_id.map(|id| id.get_version_num()), Some(7));
        }
    }

    #[test]
    fn offsets_have_no_gaps_and_a_key_has_one_partition() {
        let mut next = [0; PARTITIONS as usize];
        let mut home = BTreeMap::new();
        for line in shape().lines(7) {
            assert_eq!(line.offset, next[line.partition as usize]);
            next[line.partition as usize] += 1;
            assert_eq!(*home.entry(line.key).or_insert(line.partition), line.partition);
            assert_eq!(shape().key(line.key), line.stock_key());
        }
        assert!(next.iter().all(|count| *count > 0), "{next:?}");
    }

    #[test]
    fn the_newest_days_have_tables() {
        let shape = shape();
        assert_eq!(shape.first_open(), 20);
        let line = shape.lines(7).find(|line| line.day == 19).expect("all days occur");
        assert_eq!(line.table(&shape), ("entries_202503".to_owned(), true));
        let line = shape.lines(7).find(|line| line.day == 20 && line.product == 0).expect("all days occur");
        assert_eq!(line.table(&shape), ("t_p00001_20250330".to_owned(), false));
        assert_eq!(Shape { day_tables: 300, ..shape }.first_open(), 0);
    }
}
