//! The engine's two paths, each by itself and in this process: decoding and ledger without queue and stock, then the
//! stock alone with the very calls that the ledger handed out. What they reach against the bare stores is what
//! exactness costs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use inventory::domain::entry::StockKey;
use inventory::domain::ioentry;
use inventory::domain::source::SourceIdentity;
use inventory::ledger::{Batch, Incoming, Ledger, Limits, SourceCache};
use inventory::stock::redis::Redis;
use inventory::stock::{Answer, Prev, Stock, StockCall};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::backlog;
use crate::data::{Line, PARTITIONS, Shape};
use crate::place::Place;
use crate::raw_stock;
use crate::usage::{Usage, Watch, settle};

/// Name of the database.
const DATABASE: &str = "bench_halves";

/// A message as the queue hands it on.
type Messages = Vec<(i64, Vec<u8>)>;

/// The calls of a partition, batch by batch.
type Calls = Vec<Vec<StockCall>>;

/// A ledger with its fixed tables, the boundary and the day tables of the shape, as a site has them at the start of
/// a day.
pub async fn stand(url: &str, shape: &Shape, tables: bool) -> Result<Ledger> {
    let limits = Limits { day_tables: shape.day_tables as usize, oldest_days: 3660, newest_days: 2 };
    let ledger = Ledger::open_mysql(url, None, limits)?;
    ledger.init().await?;
    if shape.first_open() > 0 {
        inventory::compact::compact_before(&ledger, Shape::day(shape.first_open())).await?;
    }
    if tables {
        let products =
            (1..=shape.products).map(|n| inventory::domain::entry::ProductId::stored(&format!("P{n:05}")));
        let products: Vec<_> = products.collect();
        for day in shape.first_open()..shape.days {
            ledger.prepare_day(Shape::day(day), &products).await?;
        }
    }
    Ok(ledger)
}

/// What both halves cost.
pub struct Halves {
    pub ledger: Usage,
    /// Growth of MariaDB's counters meanwhile.
    pub counters: Map<String, Value>,
    /// Entries that the stock's calls stand for, all passes together.
    pub stock_entries: f64,
    pub stock: Usage,
}

/// Both halves, one after the other. `batch` entries make a batch.
pub fn measure(place: &Place, shape: &Shape, lines: &[Line], batch: usize) -> Result<Halves> {
    place.fresh_database(DATABASE)?;
    let mut messages: Vec<Messages> = vec![Vec::new(); PARTITIONS as usize];
    for line in lines {
        messages[line.partition as usize].push((line.offset, line.json().into_bytes()));
    }
    let ledger = place.runtime.block_on(stand(&place.mysql(DATABASE), shape, true))?;
    settle(&place.pids);
    let mut db = place.db("")?;
    let before = backlog::counters(&mut db)?;
    let (calls, ledger) = place.runtime.block_on(ledger_half(place, &ledger, messages, batch))?;
    let counters = backlog::grown(&before, backlog::counters(&mut db)?);
    let passes = raw_stock::passes(calls.iter().flatten().map(Vec::len).sum());
    let calls = calls.into_iter().map(|calls| repeated(calls, passes)).collect();
    let mut connection = place.stock(true)?;
    let mut load = redis::pipe();
    for key in 0..shape.keys() {
        load.set(shape.key(key), raw_stock::EMPTY).ignore();
    }
    load.query::<()>(&mut connection)?;
    settle(&place.pids);
    let stock = place.runtime.block_on(stock_half(place, calls))?;
    raw_stock::proven(&mut connection, shape, lines, passes)?;
    place.drop_database(DATABASE)?;
    Ok(Halves { ledger, counters, stock_entries: (lines.len() * passes) as f64, stock })
}

/// A partition's calls as if the same entries had come again and again.
fn repeated(calls: Calls, passes: usize) -> Calls {
    let mut ends: HashMap<StockKey, (i64, i64)> = HashMap::new();
    for call in calls.iter().flatten() {
        ends.insert(call.key.clone(), (call.last, call.sum));
    }
    let again = |call: &StockCall, pass: usize| {
        let (Prev::At(prev), Some((end, sum))) = (call.prev, ends.get(&call.key)) else {
            return call.clone();
        };
        let (prev, last) = raw_stock::shifted(prev, call.last, pass, *end);
        StockCall { prev: Prev::At(prev), last, sum: call.sum + sum * pass as i64, ..call.clone() }
    };
    let passes = (0..passes).flat_map(|pass| calls.iter().map(move |batch| (pass, batch)));
    passes.map(|(pass, batch)| batch.iter().map(|call| again(call, pass)).collect()).collect()
}

async fn ledger_half(
    place: &Place,
    ledger: &Ledger,
    messages: Vec<Messages>,
    batch: usize,
) -> Result<(Vec<Calls>, Usage)> {
    let uuid = Uuid::from_u128(0x0123_abcd << 96 | 7);
    let watch = Watch::start(&place.pids)?;
    let tasks = messages.into_iter().enumerate().map(|(partition, messages)| {
        let identity =
            SourceIdentity { topic: "bench".into(), topic_uuid: uuid, partition: partition as i32 };
        tokio::spawn(count(ledger.clone(), identity, messages, batch))
    });
    let done = futures::future::try_join_all(tasks).await.context("a source's task panicked")?;
    let usage = watch.usage()?;
    Ok((done.into_iter().collect::<Result<_>>()?, usage))
}

async fn count(ledger: Ledger, identity: SourceIdentity, messages: Messages, batch: usize) -> Result<Calls> {
    let mut row = ledger.register_source(&identity, 0).await?;
    let mut cache = SourceCache::default();
    let mut calls = Vec::new();
    for some in messages.chunks(batch) {
        let incoming = |(offset, payload): &(i64, Vec<u8>)| Incoming {
            offset: *offset,
            timestamp_ms: None,
            decoded: ioentry::decode(payload),
            payload: payload.clone(),
        };
        let messages: Vec<Incoming> = some.iter().map(incoming).collect();
        let next_offset = messages.last().map_or(row.next_offset, |last| last.offset + 1);
        let batch = Batch { messages, next_offset, stock_offset: row.stock_offset };
        let done = ledger.commit(&row, &batch, &mut cache).await?;
        row = done.source;
        calls.push(done.calls);
    }
    Ok(calls)
}

async fn stock_half(place: &Place, calls: Vec<Calls>) -> Result<Usage> {
    let stock = Arc::new(Redis::open(&place.redis(), None)?);
    // The first call connects and loads the script.
    stock.pulse().await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let watch = Watch::start(&place.pids)?;
    let tasks = calls.into_iter().map(|calls| {
        let stock = Arc::clone(&stock);
        tokio::spawn(async move {
            for batch in &calls {
                let answers = stock.apply(batch).await?;
                let wrong = answers.iter().find(|answer| **answer != Answer::Applied);
                anyhow::ensure!(wrong.is_none(), "the stock answered {wrong:?} to a normal step");
            }
            Ok(())
        })
    });
    let done = futures::future::try_join_all(tasks).await.context("a lane's task panicked")?;
    let usage = watch.usage()?;
    done.into_iter().collect::<Result<()>>()?;
    Ok(usage)
}
