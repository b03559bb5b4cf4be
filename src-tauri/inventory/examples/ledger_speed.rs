//! How fast the ledger commits: `ledger_speed sqlite:FILE|mysql://… PRODUCTS BATCH BATCHES`. Prints rows per
//! second; every row has an entry id, there are twelve warehouses and one day. For measuring only.

use inventory::domain::entry::{BillId, CompanyId, Direction, Entry, ProductId, WarehouseId, parse_time};
use inventory::domain::error::{Code, Error, Result};
use inventory::domain::words::Words;
use inventory::ledger::{Batch, Incoming, Ledger, Limits, SourceCache};
use inventory::queue::SourceIdentity;
use tokio::time::Instant;
use uuid::Uuid;

fn messages(from: i64, count: i64, products: i64) -> Result<Vec<Incoming>> {
    let time = parse_time("2025-03-13 12:00:00")
        .ok_or_else(|| Error::new(Code::Internal, Words::plain("no time")))?;
    (from..from + count)
        .map(|offset| {
            let entry = Entry {
                product_id: ProductId::parse(&format!("P{}", offset % products))?,
                quantity: 1 + offset % 90,
                direction: if offset % 3 == 2 { Direction::Out } else { Direction::In },
                company_id: CompanyId::parse("C001")?,
                warehouse_id: WarehouseId::parse(&format!("W{:03}", offset / products % 12))?,
                bill_id: BillId::parse(&format!("B{offset:09}"))?,
                create_time: time,
                description: Some("入库单据".to_owned()),
                entry_id: Some(Uuid::from_u128((offset as u128) << 64 | 0x9e37_79b9)),
            };
            Ok(Incoming { offset, timestamp_ms: None, payload: vec![b'x'; 200], decoded: Ok(entry) })
        })
        .collect()
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, default: i64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let place = arguments.first().map_or("sqlite:/tmp/ledger_speed.db", String::as_str);
    let limits = Limits { day_tables: 2000, oldest_days: 3660, newest_days: 2 };
    let ledger = match place.strip_prefix("sqlite:") {
        Some(path) => Ledger::open_sqlite(path, limits)?,
        None => Ledger::open_mysql(place, None, limits)?,
    };
    ledger.init().await?;
    let (products, size, batches) = (number(1, 10), number(2, 5000), number(3, 40));
    let identity = SourceIdentity { topic: "speed".into(), topic_uuid: Uuid::new_v4(), partition: 0 };
    let mut source = ledger.register_source(&identity, 0).await?;
    let mut cache = SourceCache::default();
    let mut elapsed = 0;
    for number in 0..batches + 1 {
        let messages = messages(number * size, size, products)?;
        let batch = Batch { messages, next_offset: (number + 1) * size, stock_offset: 0 };
        let begun = Instant::now();
        source = ledger.commit(&source, &batch, &mut cache).await?.source;
        // The first batch makes the tables.
        if number > 0 {
            elapsed += begun.elapsed().as_micros() as i64;
        }
    }
    let rows = batches * size;
    println!("{products} products, batches of {size}: {} rows/s", rows * 1_000_000 / elapsed.max(1));
    Ok(())
}
