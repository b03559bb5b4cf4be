//! Entries to feed: made from a seed, so that a failing run can be repeated. Knows no store.

use crate::spec::{Entry, day_number, day_text};

/// A small generator of numbers (splitmix64): the same seed gives the same numbers everywhere.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// From a seed.
    pub fn new(seed: u64) -> Seeded {
        Seeded(seed)
    }

    /// The next number.
    pub fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_number() % limit
    }
}

/// What the entries look like.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Products `P0…`.
    pub products: u64,
    /// Warehouses `W0…`.
    pub warehouses: u64,
    /// Days, the first being `first_day`.
    pub days: u64,
    /// `YYYY-MM-DD`.
    pub first_day: &'static str,
    /// Of ten entries, how many carry an `entry_id`.
    pub with_id: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Shape { products: 12, warehouses: 3, days: 4, first_day: "2025-03-10", with_id: 5 }
    }
}

/// `count` entries of the shape.
pub fn entries(seed: u64, count: usize, shape: &Shape) -> Vec<Entry> {
    let mut dice = Seeded::new(seed);
    (0..count).map(|number| entry(&mut dice, number, seed, shape)).collect()
}

fn entry(dice: &mut Seeded, number: usize, seed: u64, shape: &Shape) -> Entry {
    let day = day_text(day_number(shape.first_day) + dice.below(shape.days) as i64);
    let description = match dice.below(4) {
        0 => None,
        1 => Some("入库单据".to_owned()),
        2 => Some("quotes ' \" \\ and\ttab\nline; -- drop".to_owned()),
        _ => Some(format!("number {number}")),
    };
    Entry {
        product: format!("P{}", dice.below(shape.products)),
        quantity: 1 + dice.below(500) as i64,
        drcr: if dice.below(3) == 0 { -1 } else { 1 },
        company: format!("C{:03}", dice.below(20)),
        warehouse: format!("W{}", dice.below(shape.warehouses)),
        bill: format!("B{seed}-{}", number / 3),
        time: format!("{day} {:02}:{:02}:{:02}", dice.below(24), dice.below(60), dice.below(60)),
        description,
        entry_id: (dice.below(10) < shape.with_id).then(|| uuid(dice)),
    }
}

/// 32 hex digits of a version-7-shaped UUID.
pub fn uuid(dice: &mut Seeded) -> String {
    let (high, low) = (dice.next_number(), dice.next_number());
    let high = (high & 0xffff_ffff_ffff_0fff) | 0x7000;
    let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    format!("{high:016x}{low:016x}")
}

/// Entries as lines for `send`.
pub fn lines(entries: &[Entry]) -> String {
    entries.iter().map(|entry| entry.json() + "\n").collect()
}
