//! What rows add up to: per key and source (`balances`), per day and key (`day_totals`), per source (`sources`).
//! Computed from entries alone, so that the stored sums can be held against them. Pure.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::SourceRow;
use super::digest::row_digest;
use domain::entry::{Direction, Entry, StockKey};

/// A source's counters as its rows give them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceSum {
    /// Rows counted.
    pub entries: i64,
    /// Messages kept but not counted.
    pub rejected: i64,
    /// Signed sum of all rows.
    pub signed_quantity: i64,
    /// Sum of the rows' digests mod 2^64.
    pub digest: i64,
}

impl SourceSum {
    /// What a source's row says.
    pub fn of(row: &SourceRow) -> Self {
        SourceSum {
            entries: row.entries,
            rejected: row.rejected,
            signed_quantity: row.signed_quantity,
            digest: row.digest,
        }
    }

    /// As the log has it.
    pub fn content(self) -> String {
        serde_json::json!({
            "entries": self.entries, "rejected": self.rejected, "signed_quantity": self.signed_quantity,
            "digest": self.digest,
        })
        .to_string()
    }

    /// Both together.
    pub fn with(self, other: SourceSum) -> Self {
        SourceSum {
            entries: self.entries + other.entries,
            rejected: self.rejected + other.rejected,
            signed_quantity: self.signed_quantity + other.signed_quantity,
            digest: self.digest.wrapping_add(other.digest),
        }
    }
}

/// Three numbers of one row: of `balances` last offset, quantity, entries; of `day_totals` in, out, entries.
pub type Three = [i64; 3];

/// RowSums of rows.
#[derive(Debug, Clone, Default)]
pub struct RowSums {
    /// (source id, key) → last offset, signed quantity, entries.
    pub balances: HashMap<(i64, StockKey), Three>,
    /// (day, key) → in, out, entries.
    pub totals: HashMap<(NaiveDate, StockKey), Three>,
    /// Source id → counters.
    pub sources: HashMap<i64, SourceSum>,
}

impl RowSums {
    /// Adds a counted row to all of them.
    pub fn count(&mut self, source_id: i64, offset: i64, entry: &Entry) {
        let one = SourceSum {
            entries: 1,
            rejected: 0,
            signed_quantity: entry.signed(),
            digest: row_digest(entry, offset) as i64,
        };
        let source = self.sources.entry(source_id).or_default();
        *source = source.with(one);
        let key = entry.key();
        let balance = self.balances.entry((source_id, key.clone())).or_insert([-1, 0, 0]);
        *balance = joined(*balance, [offset, entry.signed(), 1]);
        let total = self.totals.entry((entry.day(), key)).or_default();
        match entry.direction {
            Direction::In => total[0] += entry.quantity,
            Direction::Out => total[1] += entry.quantity,
        }
        total[2] += 1;
    }

    /// Adds messages that were kept but not counted.
    pub fn reject(&mut self, source_id: i64, messages: i64) {
        self.sources.entry(source_id).or_default().rejected += messages;
    }

    /// The balance of a key in a source, here and in `later` together; `None`: no entry.
    pub fn balance(&self, place: &(i64, StockKey), later: &RowSums) -> Option<Three> {
        let [here, there] = [self, later].map(|sums| sums.balances.get(place).copied());
        here.or(there).map(|_| joined(here.unwrap_or([-1, 0, 0]), there.unwrap_or([-1, 0, 0])))
    }

    /// The totals of a key on a day, here and in `later` together; `None`: no entry.
    pub fn total(&self, place: &(NaiveDate, StockKey), later: &RowSums) -> Option<Three> {
        let [here, there] = [self, later].map(|sums| sums.totals.get(place).copied());
        here.or(there).map(|_| {
            let (a, b) = (here.unwrap_or_default(), there.unwrap_or_default());
            [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
        })
    }

    /// A source's counters, here and in `later` together.
    pub fn source(&self, id: i64, later: &RowSums) -> SourceSum {
        let [here, there] = [self, later].map(|sums| sums.sources.get(&id).copied().unwrap_or_default());
        here.with(there)
    }
}

/// Balances of two stretches of one source: the later last offset, both sums.
fn joined(a: Three, b: Three) -> Three {
    [a[0].max(b[0]), a[1] + b[1], a[2] + b[2]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::entry::{BillId, CompanyId, ProductId, WarehouseId, parse_time};

    fn entry(quantity: i64, direction: Direction) -> Entry {
        Entry {
            product_id: ProductId::parse("P").unwrap(),
            quantity,
            direction,
            company_id: CompanyId::parse("C").unwrap(),
            warehouse_id: WarehouseId::parse("W").unwrap(),
            bill_id: BillId::parse("B").unwrap(),
            create_time: parse_time("2025-03-13 12:00:00").unwrap(),
            description: None,
            entry_id: None,
        }
    }

    #[test]
    fn two_stretches_add_up_to_the_whole() {
        let rows =
            [(3, entry(5, Direction::In)), (7, entry(2, Direction::Out)), (9, entry(4, Direction::In))];
        let mut whole = RowSums::default();
        rows.iter().for_each(|(offset, entry)| whole.count(1, *offset, entry));
        let (mut first, mut later) = (RowSums::default(), RowSums::default());
        first.count(1, 3, &rows[0].1);
        rows[1..].iter().for_each(|(offset, entry)| later.count(1, *offset, entry));
        let nothing = RowSums::default();
        let place = (1, rows[0].1.key());
        assert_eq!(whole.balance(&place, &nothing), Some([9, 7, 3]));
        assert_eq!(first.balance(&place, &later), Some([9, 7, 3]));
        let day = (rows[0].1.day(), place.1.clone());
        assert_eq!(whole.total(&day, &nothing), Some([9, 2, 3]));
        assert_eq!(first.total(&day, &later), whole.total(&day, &nothing));
        assert_eq!(first.source(1, &later), whole.source(1, &nothing));
        assert_eq!(nothing.balance(&place, &nothing), None);
    }
}
