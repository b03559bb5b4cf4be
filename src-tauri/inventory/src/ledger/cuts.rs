//! What the ledger says of a few keys at one moment, source by source, for whoever holds a stock value beside it:
//! positions, balances, and what lies beyond the offset at which the value stands.

use std::collections::{BTreeSet, HashMap};

use super::dialect::Dialect;
use super::read::{key_at, key_condition};
use super::row_sums::Three;
use super::sources;
use super::sql::{Session, Sql};
use super::{Ledger, SourceRow, Table, listed};
use crate::entry::{ProductId, StockKey};
use crate::error::Result;
use crate::stock::SourceName;

/// Keys in one condition.
const KEYS: usize = 200;
/// SELECTs in one query.
const PARTS: usize = 200;

/// One source with regard to one key.
#[derive(Debug, Clone)]
pub struct SourceStanding {
    /// Source's id.
    pub id: i64,
    /// Its name in `at`.
    pub name: SourceName,
    /// Everything below is in the ledger.
    pub next_offset: i64,
    /// Everything below was acknowledged by the stock.
    pub stock_offset: i64,
    /// `balances`: last offset, quantity, entries.
    pub balance: Option<Three>,
    /// The key's rows beyond the offset asked for: those below `stock_offset`, and the others.
    pub beyond: [Beyond; 2],
}

/// Some rows of one key and source, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beyond {
    /// Offset of the last.
    pub last: i64,
    /// Their signed sum.
    pub signed: i64,
    /// How many.
    pub rows: i64,
}

impl Beyond {
    /// With `rows` more rows (or fewer), the last at `last`.
    pub fn add(&mut self, last: i64, signed: i64, rows: i64) {
        self.last = self.last.max(last);
        self.signed += signed;
        self.rows += rows;
    }
}

/// A key whose state is asked for.
#[derive(Debug, Clone)]
pub struct KeyAsk {
    /// The key.
    pub key: StockKey,
    /// Per source, the offset at which its value stands; others: -1.
    pub offsets: HashMap<SourceName, i64>,
    /// Whether rows are looked for even where `balances` says that nothing lies beyond.
    pub look: bool,
}

/// One key.
#[derive(Debug, Clone)]
pub struct KeyStanding {
    /// The key.
    pub key: StockKey,
    /// Every source, with or without entries of the key.
    pub sources: Vec<SourceStanding>,
}

impl Ledger {
    /// The states of these keys in one snapshot. Tables that are known to be gone are left out.
    pub async fn key_states(&self, keys: &[KeyAsk], gone: &BTreeSet<String>) -> Result<Vec<KeyStanding>> {
        let dialect = self.inner.db.dialect();
        let mut session = self.snapshot().await?;
        let rows = sources::all(&mut *session).await?;
        let balances = balances_of(&mut *session, dialect, keys).await?;
        let mut states: Vec<KeyStanding> = keys
            .iter()
            .map(|ask| {
                let sources = rows.iter().map(|row| state(row, &ask.key, &balances)).collect();
                KeyStanding { key: ask.key.clone(), sources }
            })
            .collect();
        let lagging = lagging(&states, keys);
        if !lagging.is_empty() {
            let tables = listed::all(&mut *session).await?;
            let tables: Vec<Table> = tables.into_iter().filter(|table| !gone.contains(&table.name)).collect();
            look_beyond(&mut *session, dialect, &tables, &mut states, lagging).await?;
        }
        session.rollback().await?;
        Ok(states)
    }
}

async fn balances_of(
    session: &mut dyn Session,
    dialect: Dialect,
    keys: &[KeyAsk],
) -> Sql<HashMap<(i64, StockKey), Three>> {
    let mut found = HashMap::new();
    let all: Vec<StockKey> = keys.iter().map(|ask| ask.key.clone()).collect();
    for chunk in all.chunks(KEYS) {
        let sql = format!(
            "SELECT warehouse_id, product_id, source_id, last_offset, quantity, entries FROM balances WHERE {}",
            key_condition(dialect, chunk)
        );
        for row in session.query(&sql).await? {
            found.insert((row.int(2)?, key_at(&row, 0, 1)?), [row.int(3)?, row.int(4)?, row.int(5)?]);
        }
    }
    Ok(found)
}

fn state(row: &SourceRow, key: &StockKey, balances: &HashMap<(i64, StockKey), Three>) -> SourceStanding {
    SourceStanding {
        id: row.id,
        name: row.name.clone(),
        next_offset: row.next_offset,
        stock_offset: row.stock_offset,
        balance: balances.get(&(row.id, key.clone())).copied(),
        beyond: [Beyond::default(); 2],
    }
}

/// Where rows may lie beyond a value: number of the key, of the source, and the offset.
fn lagging(states: &[KeyStanding], keys: &[KeyAsk]) -> Vec<(usize, usize, i64)> {
    let mut found = Vec::new();
    for (at, (state, ask)) in states.iter().zip(keys).enumerate() {
        for (number, source) in state.sources.iter().enumerate() {
            let offset = ask.offsets.get(&source.name).copied().unwrap_or(-1);
            let lags = source.balance.is_some_and(|[last, ..]| last > offset);
            if offset < source.next_offset && (lags || ask.look) {
                found.push((at, number, offset));
            }
        }
    }
    found
}

async fn look_beyond(
    session: &mut dyn Session,
    dialect: Dialect,
    tables: &[Table],
    states: &mut [KeyStanding],
    lagging: Vec<(usize, usize, i64)>,
) -> Sql<()> {
    let mut by_product: HashMap<Option<&ProductId>, Vec<&Table>> = HashMap::new();
    for table in tables {
        by_product.entry(table.product.as_ref()).or_default().push(table);
    }
    let none = Vec::new();
    let mut parts = Vec::new();
    for (number, (at, source, offset)) in lagging.iter().enumerate() {
        let (key, source) = (&states[*at].key, &states[*at].sources[*source]);
        let of_product = by_product.get(&Some(&key.product)).unwrap_or(&none);
        let months = by_product.get(&None).unwrap_or(&none);
        parts.extend(
            of_product.iter().chain(months).map(|table| beyond(dialect, number, table, key, source, *offset)),
        );
    }
    let mut sums = vec![[Beyond::default(); 2]; lagging.len()];
    for chunk in parts.chunks(PARTS) {
        for row in session.query(&chunk.join(" UNION ALL ")).await? {
            let number = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
            let Some(sum) = sums.get_mut(number) else { continue };
            for (half, sum) in sum.iter_mut().enumerate() {
                if let Some(last) = row.opt_int(1 + 3 * half)? {
                    sum.add(last, row.int(2 + 3 * half)?, row.int(3 + 3 * half)?);
                }
            }
        }
    }
    for ((at, source, _), sum) in lagging.into_iter().zip(sums) {
        states[at].sources[source].beyond = sum;
    }
    Ok(())
}

fn beyond(
    dialect: Dialect,
    number: usize,
    table: &Table,
    key: &StockKey,
    source: &SourceStanding,
    offset: i64,
) -> String {
    let product = match &table.product {
        Some(_) => String::new(),
        None => format!(" AND product_id = {}", dialect.text_of(key.product.as_str())),
    };
    let half = |than: &str| {
        let condition = format!("CASE WHEN source_offset {than} {} THEN", source.stock_offset);
        format!(
            "MAX({condition} source_offset END), SUM({condition} quantity * drcr END), COUNT({condition} 1 END)"
        )
    };
    format!(
        "SELECT {number}, {}, {} FROM {} WHERE source_id = {} AND source_offset > {offset} \
         AND source_offset < {} AND warehouse_id = {}{product}",
        half("<"),
        half(">="),
        table.name,
        source.id,
        source.next_offset,
        dialect.text_of(key.warehouse.as_str())
    )
}
