//! Posts the sample data the way a clerk's bills go: through the outbox, counted by the writer. Only the
//! boundary of compaction is set first, so that history goes straight into month tables.

use std::collections::VecDeque;
use std::task::Poll;

use chrono::{Duration, NaiveDateTime};
use uuid::Uuid;

use super::{Bills, companies, products, warehouses};
use crate::engine::Engine;
use domain::catalogue::Product;
use domain::entry::Entry;
use domain::error::{Code, Error, Result};
use domain::ioentry;
use domain::words;
use ledger::{CompanyRow, ProductRow, WarehouseRow};
use queue::outbox::{Appended, BillHead, Saved};

/// The sample's seed: everybody sees the same warehouse.
const SEED: u64 = 20_250_310;
/// Bills handed to the outbox at once; it makes them durable in groups.
const AT_ONCE: usize = 256;
/// Days before today that keep the spec's day tables.
const OPEN_DAYS: i64 = 1;

/// How far `fill` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries in the outbox.
    pub saved: usize,
    /// All entries.
    pub total: usize,
    /// Number of the last entry in the outbox; it is counted when the writer has come so far.
    pub last_seq: i64,
}

/// Fills an empty engine with 90 days of bills up to `now`, all of them durable in the outbox when it answers.
/// Counting goes on behind it. Refused where the ledger has entries already.
pub async fn fill(engine: &Engine, now: NaiveDateTime, mut tell: impl FnMut(Progress)) -> Result<Progress> {
    let ledger = engine.ledger();
    if ledger.sources().await?.iter().any(|source| source.entries > 0) {
        let words = words!(
            "demo_not_empty",
            "There are entries already; sample data is for an empty warehouse only."
        );
        return Err(Error::new(Code::Invalid, words));
    }
    ledger.set_boundary(now.date() - Duration::days(OPEN_DAYS)).await?;
    catalogue(engine).await?;
    let bills: Vec<Vec<Entry>> = Bills::new(SEED, now).collect();
    let mut progress = Progress { saved: 0, total: bills.iter().map(Vec::len).sum(), last_seq: 0 };
    let outbox = engine.outbox()?;
    let mut waiting = VecDeque::with_capacity(AT_ONCE);
    for bill in bills {
        let (entries, head) = posted(bill);
        let mut answer = Box::pin(outbox.append(entries, head, engine.clock().epoch_ms()));
        // The first poll hands it over: bills reach the outbox in the order of their days.
        match futures::poll!(&mut answer) {
            Poll::Ready(answer) => take(answer?, &mut progress),
            Poll::Pending => waiting.push_back(answer),
        }
        if waiting.len() >= AT_ONCE {
            for answer in waiting.drain(..) {
                take(answer.await?, &mut progress);
            }
            tell(progress);
        }
    }
    for answer in waiting {
        take(answer.await?, &mut progress);
    }
    tell(progress);
    Ok(progress)
}

fn take(answers: Vec<Appended>, progress: &mut Progress) {
    for appended in answers {
        progress.saved += 1;
        progress.last_seq = progress.last_seq.max(appended.seq());
    }
}

async fn catalogue(engine: &Engine) -> Result<()> {
    let ledger = engine.ledger();
    let product = |product: Product| ProductRow {
        id: product.id,
        name: product.name,
        slug: String::new(),
        barcode: product.barcode,
        unit: product.unit,
        category: product.category,
        minimum: product.minimum,
        registered: true,
    };
    let rows: Vec<ProductRow> = products().into_iter().map(product).collect();
    ledger.save_products(&rows).await?;
    let places = warehouses().into_iter().map(|(id, name)| WarehouseRow { id, name, registered: true });
    ledger.save_warehouses(&places.collect::<Vec<_>>()).await?;
    let companies = companies().into_iter().map(|(id, name)| CompanyRow { id, name, registered: true });
    ledger.save_companies(&companies.collect::<Vec<_>>()).await
}

/// A bill as the outbox takes it.
fn posted(bill: Vec<Entry>) -> (Vec<Saved>, Option<BillHead>) {
    let head = bill.first().map(|first| BillHead {
        bill_id: first.bill_id.clone(),
        direction: first.direction,
        company_id: first.company_id.clone(),
        warehouse_id: first.warehouse_id.clone(),
        create_time: first.create_time,
        reverses: None,
        draft: None,
    });
    let saved = bill.into_iter().map(|entry| Saved {
        entry_id: entry.entry_id.unwrap_or(Uuid::nil()),
        payload: ioentry::encode(&entry).into_bytes(),
        entry,
    });
    (saved.collect(), head)
}
