//! Sample data: a believable warehouse of 400 products in 12 places with 90 days of bills, about 200,000
//! entries. The same seed and day give the same bills. Pure: who posts them and how is `fill`'s part, and they
//! take the same path as any clerk's.

mod fill;
mod names;

use chrono::{Duration, NaiveDate, NaiveDateTime};
use uuid::Uuid;

use domain::catalogue::Product;
use domain::entry::{BillId, CompanyId, Direction, Entry, ProductId, WarehouseId};

pub use fill::{Progress, fill};
use names::{CATEGORIES, CUSTOMERS, SIZES, SUPPLIERS, WAREHOUSES};

/// Days of history before the given one.
pub const DAYS: i64 = 90;
/// Entries that the history has, about.
pub const ENTRIES: usize = 200_000;
/// Lines of one bill at most.
const LINES: u64 = 20;

/// Deterministic numbers (SplitMix64); integers only.
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

    /// From 0 to `n` - 1; 0 where `n` is 0.
    fn below(&mut self, n: u64) -> u64 {
        self.roll().checked_rem(n).unwrap_or(0)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(from.len() as u64) as usize;
        from.get(at)
    }
}

/// All products.
pub fn products() -> Vec<Product> {
    let mut products = Vec::new();
    for (c, (category, goods)) in CATEGORIES.iter().enumerate() {
        for (g, (name, unit, minimum)) in goods.iter().enumerate() {
            for (s, size) in SIZES.iter().enumerate() {
                let number = products.len() as u64 + 1;
                products.push(Product {
                    id: ProductId::stored(&format!("{}{:02}{}", 1 + c, g, s + 1)),
                    name: format!("{name} {size}"),
                    barcode: barcode(number),
                    unit: (*unit).to_string(),
                    category: (*category).to_string(),
                    minimum: minimum / (1 + s as i64),
                });
            }
        }
    }
    products
}

/// An EAN-13 of China with its check digit.
fn barcode(number: u64) -> String {
    let body = format!("6901234{number:05}");
    let sum: u32 =
        body.bytes().enumerate().map(|(at, b)| u32::from(b - b'0') * if at % 2 == 0 { 1 } else { 3 }).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// All warehouses: code and name.
pub fn warehouses() -> Vec<(WarehouseId, String)> {
    WAREHOUSES.iter().map(|(id, name, _)| (WarehouseId::stored(id), (*name).to_string())).collect()
}

/// All companies: code and name.
pub fn companies() -> Vec<(CompanyId, String)> {
    let all = SUPPLIERS.iter().chain(&CUSTOMERS);
    all.map(|(id, name)| (CompanyId::stored(id), (*name).to_string())).collect()
}

/// The history as bills in order of time, each as its entries (one bill, one warehouse, one company).
#[derive(Debug)]
pub struct Bills {
    dice: Dice,
    products: Vec<Product>,
    /// Quantity by warehouse and product, as the bills so far leave it; `None` = not carried there.
    stock: Vec<Vec<Option<i64>>>,
    day: NaiveDate,
    now: NaiveDateTime,
    /// Bills left for the day.
    left: u64,
    /// Second of the day.
    second: i64,
    number: u32,
    /// Warehouse and product that the opening bills have reached.
    opening: Option<(usize, usize)>,
}

impl Bills {
    /// The history up to `now`.
    pub fn new(seed: u64, now: NaiveDateTime) -> Self {
        let mut dice = Dice(seed);
        let products = products();
        let carried =
            |dice: &mut Dice| products.iter().map(|_| (dice.below(100) < 70).then_some(0)).collect();
        let stock = WAREHOUSES.iter().map(|_| carried(&mut dice)).collect();
        let day = now.date() - Duration::days(DAYS);
        let opening = Some((0, 0));
        Bills { dice, products, stock, day, now, left: 0, second: 8 * 3600, number: 0, opening }
    }

    /// First day of the history.
    pub fn first_day(now: NaiveDateTime) -> NaiveDate {
        now.date() - Duration::days(DAYS)
    }

    fn next_day(&mut self) {
        self.day += Duration::days(1);
        self.second = 8 * 3600;
        self.number = 0;
        let busy = match self.day.format("%u").to_string().as_str() {
            "6" => 80,
            "7" => 55,
            "5" => 125,
            _ => 110,
        };
        let full_days = DAYS as u64 - 2;
        self.left = (ENTRIES as u64 * 9 / (4 * LINES)) / full_days * busy / 100;
    }

    /// One bill of `lines` (product index, pieces).
    fn bill(&mut self, place: usize, direction: Direction, lines: &[(usize, i64)]) -> Vec<Entry> {
        let companies: &[(&str, &str)] = match direction {
            Direction::In => &SUPPLIERS,
            Direction::Out => &CUSTOMERS,
        };
        let company = self.dice.pick(companies).map_or("C001", |(id, _)| *id);
        self.number += 1;
        let kind = if direction == Direction::In { "IN" } else { "OUT" };
        let bill = BillId::stored(&format!("{kind}-{}-{:04}", self.day.format("%Y%m%d"), self.number));
        let time = self.day.and_time(chrono::NaiveTime::MIN) + Duration::seconds(self.second);
        let ms = u64::try_from(time.and_utc().timestamp_millis()).unwrap_or(0);
        let mut entries = Vec::with_capacity(lines.len());
        for (product, quantity) in lines {
            let signed = quantity * direction.drcr();
            if let Some(Some(held)) = self.stock.get_mut(place).and_then(|row| row.get_mut(*product)) {
                *held += signed;
            }
            let mut random = [0; 10];
            random[..8].copy_from_slice(&self.dice.roll().to_le_bytes());
            let id = uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid();
            entries.push(self.entry(place, *product, *quantity, direction, company, &bill, time, id));
        }
        entries
    }

    #[allow(clippy::too_many_arguments)] // an entry has this many fields
    fn entry(
        &self,
        place: usize,
        product: usize,
        quantity: i64,
        direction: Direction,
        company: &str,
        bill: &BillId,
        create_time: NaiveDateTime,
        id: Uuid,
    ) -> Entry {
        Entry {
            product_id: self.products[product].id.clone(),
            quantity,
            direction,
            company_id: CompanyId::stored(company),
            warehouse_id: WarehouseId::stored(WAREHOUSES[place].0),
            bill_id: bill.clone(),
            create_time,
            description: None,
            entry_id: Some(id),
        }
    }

    /// The first day's bills: every warehouse takes in what it carries, up to 40 lines a bill.
    fn opening_bill(&mut self) -> Option<Vec<Entry>> {
        let (place, from) = self.opening?;
        let carried: Vec<usize> =
            (from..self.products.len()).filter(|p| self.stock[place][*p].is_some()).take(40).collect();
        let Some(last) = carried.last() else {
            self.opening = (place + 1 < WAREHOUSES.len()).then_some((place + 1, 0));
            return Some(Vec::new());
        };
        self.opening = Some((place, last + 1));
        self.second += 90;
        let lines: Vec<(usize, i64)> = carried
            .into_iter()
            .map(|p| (p, self.products[p].minimum * (2 + self.dice.below(3) as i64) + 12))
            .collect();
        Some(self.bill(place, Direction::In, &lines))
    }

    fn place(&mut self) -> usize {
        let mut roll = self.dice.below(WAREHOUSES.iter().map(|(_, _, share)| share).sum());
        for (at, (_, _, share)) in WAREHOUSES.iter().enumerate() {
            if roll < *share {
                return at;
            }
            roll -= share;
        }
        0
    }

    /// Lines of an ordinary bill: goods that run low come in, goods that are there go out. Once in a while more
    /// goes out than is there, as it does in life.
    fn lines(&mut self, place: usize, direction: Direction) -> Vec<(usize, i64)> {
        let wanted = 1 + self.dice.below(LINES);
        let mut lines: Vec<(usize, i64)> = Vec::new();
        let count = self.products.len() as u64;
        for _ in 0..wanted * 3 {
            if lines.len() as u64 == wanted {
                break;
            }
            let product = self.dice.below(count) as usize;
            let Some(held) = self.stock[place][product] else { continue };
            if lines.iter().any(|(seen, _)| *seen == product) {
                continue;
            }
            let minimum = self.products[product].minimum;
            match direction {
                // A few goods are never ordered again: they run low, as some do in life.
                Direction::In if !(product * 7 + place * 13).is_multiple_of(23) && held < minimum * 4 => {
                    let packs = 1 + self.dice.below(4) as i64;
                    lines.push((product, packs * 12 + minimum));
                }
                Direction::Out if held > 0 => {
                    let most = (held / 4).clamp(1, 40) as u64;
                    lines.push((product, 1 + self.dice.below(most) as i64));
                }
                Direction::Out if self.dice.below(300) == 0 => lines.push((product, 3)),
                _ => {}
            }
        }
        lines
    }
}

impl Iterator for Bills {
    type Item = Vec<Entry>;

    fn next(&mut self) -> Option<Vec<Entry>> {
        loop {
            if self.opening.is_some() {
                match self.opening_bill() {
                    Some(bill) if !bill.is_empty() => return Some(bill),
                    _ => continue,
                }
            }
            if self.left == 0 {
                self.next_day();
            }
            if self.day > self.now.date() {
                return None;
            }
            self.left -= 1;
            self.second += 10 * 3600 / (self.left as i64 + 1).max(300) + self.dice.below(20) as i64;
            let time = self.day.and_time(chrono::NaiveTime::MIN) + Duration::seconds(self.second);
            if time > self.now || self.second >= 24 * 3600 {
                self.left = 0;
                continue;
            }
            let place = self.place();
            let direction = if self.dice.below(100) < 28 { Direction::In } else { Direction::Out };
            let lines = self.lines(place, direction);
            if !lines.is_empty() {
                return Some(self.bill(place, direction, &lines));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn now() -> NaiveDateTime {
        domain::entry::parse_time("2026-11-23 15:00:00").unwrap()
    }

    #[test]
    fn the_history_is_believable() {
        let bills: Vec<Vec<Entry>> = Bills::new(7, now()).collect();
        let entries: Vec<&Entry> = bills.iter().flatten().collect();
        assert!((180_000..230_000).contains(&entries.len()), "{} entries", entries.len());
        assert!(entries.iter().all(|e| e.create_time <= now() && (1..100_000).contains(&e.quantity)));
        let mut stock: HashMap<String, i64> = HashMap::new();
        for entry in &entries {
            *stock.entry(entry.key().to_string()).or_default() += entry.signed();
        }
        let negative = stock.values().filter(|q| **q < 0).count();
        assert!(negative * 50 < stock.len(), "{negative} of {} negative", stock.len());
        let minimum: HashMap<String, i64> =
            products().into_iter().map(|p| (p.id.to_string(), p.minimum)).collect();
        let low = stock.iter().filter(|(k, q)| **q < minimum[k.split_once(':').unwrap().1]).count();
        assert!(low * 2 < stock.len(), "{low} of {} low", stock.len());
        let ids: std::collections::HashSet<_> = entries.iter().map(|e| e.entry_id).collect();
        assert_eq!(ids.len(), entries.len());
        let numbers: std::collections::HashSet<_> = bills.iter().map(|b| b[0].bill_id.clone()).collect();
        assert_eq!(numbers.len(), bills.len());
        println!(
            "{} bills, {} entries, {} keys, {low} low, {negative} negative",
            bills.len(),
            entries.len(),
            stock.len()
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_bills() {
        let some = |seed| Bills::new(seed, now()).skip(500).take(50).collect::<Vec<_>>();
        assert_eq!(some(7), some(7));
        assert_ne!(some(7), some(8));
    }

    #[test]
    fn products_are_distinct_and_named() {
        let products = products();
        assert_eq!(products.len(), 400);
        let ids: std::collections::HashSet<_> = products.iter().map(|p| p.id.clone()).collect();
        let codes: std::collections::HashSet<_> = products.iter().map(|p| p.barcode.clone()).collect();
        let slugs: std::collections::HashSet<_> =
            products.iter().map(|p| domain::catalogue::slug(&p.name)).collect();
        assert_eq!((ids.len(), codes.len(), slugs.len()), (400, 400, 400));
        assert_eq!(barcode(1), "6901234000016");
    }
}
