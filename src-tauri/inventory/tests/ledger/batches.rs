//! Batches of the tests: a repeatable mixture of products, warehouses and days.

use super::{entry, message};
use inventory::ledger::Incoming;

/// `count` messages from `from` on, over `products` products, three warehouses and `days` days.
pub fn mixture(from: i64, count: i64, products: i64, days: i64) -> Vec<Incoming> {
    (from..from + count)
        .map(|n| {
            let (product, warehouse) = (format!("P{}", n % products), format!("W{}", n / products % 3));
            let time = format!("2025-03-{:02} 10:00:{:02}", 1 + n / 7 % days, n % 60);
            let quantity = if n % 4 == 3 { -(n % 50 + 1) } else { n % 100 + 1 };
            message(n, entry(&product, &warehouse, quantity, &time, Some(0x1000 + n as u128)))
        })
        .collect()
}
