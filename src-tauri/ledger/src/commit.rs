//! One batch, one transaction (DESIGN §3 rules 1 and 2): compare-and-set on the source, verdicts, rows, totals,
//! balances, rejected messages, counters, commit. On any error nothing of it happened or its outcome is
//! unknown; either way the caller forgets, re-reads the source, and lets the next compare-and-set decide.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use super::dialect::Dialect;
use super::digest::{Digester, payload_hash};
use super::duplicate::Place;
use super::rows::{ByDay, RowWriter, counters};
use super::sources::{new_stamp, take};
use super::sql::{Kind, Script, Session, Sql, SqlError, conclude};
use super::tables::{Tier, day_states};
use super::verdict::{Held, IdKey, Judged, Rejection, first_look, judge};
use super::{Batch, Committed, Incoming, Ledger, SourceRow};
use domain::entry::{Entry, ProductId, StockKey, WarehouseId};
use domain::error::{Code, Error, Result};
use domain::stock_call::StockCall;
use domain::words;

/// Keys kept per source; beyond it the cache begins anew.
const MOST_KEYS: usize = 200_000;
/// Batches that look for entry ids beforehand once one was met twice.
const CAREFUL_BATCHES: u32 = 16;
/// SELECTs joined into one query when balances are read.
const UNION_TERMS: usize = 200;
/// Ids in one list.
const LIST: usize = 500;

/// What a writer remembers of one source between batches: the keys' last offsets and sums, valid exactly as
/// long as the stamp matches. Starts empty; `forget` is always right.
#[derive(Debug, Default)]
pub struct SourceCache {
    stamp: Option<[u8; 16]>,
    held: HashMap<StockKey, Held>,
    careful: u32,
}

impl SourceCache {
    /// Drops everything remembered of the ledger.
    pub fn forget(&mut self) {
        self.stamp = None;
        self.held.clear();
    }

    /// The source got a new stamp by a transaction of ours that changed no balance: what is remembered stays right.
    pub fn follow(&mut self, before: &SourceRow, after: &SourceRow) {
        if self.stamp == Some(before.stamp) {
            self.stamp = Some(after.stamp);
        }
    }

    fn fit(&mut self, source: &SourceRow) {
        if self.stamp != Some(source.stamp) || self.held.len() > MOST_KEYS {
            self.forget();
        }
    }
}

type Looked<'a> = Vec<(&'a Incoming, Result<&'a Entry, Rejection>)>;

fn entries<'a>(looked: &'a Looked<'a>) -> impl Iterator<Item = &'a Entry> + Clone {
    looked.iter().filter_map(|(_, look)| look.as_ref().ok().copied())
}

impl Ledger {
    /// Judges and writes one batch of one source. Errors: `Fenced` when another writer moved the source,
    /// `Retry` when the transaction may be tried again after re-reading the source, `Corrupt` when the ledger
    /// holds rows beyond its own position. After any error the cache is empty.
    pub async fn commit(
        &self,
        source: &SourceRow,
        batch: &Batch,
        cache: &mut SourceCache,
    ) -> Result<Committed> {
        cache.fit(source);
        match self.try_commit(source, batch, cache).await {
            Ok(committed) => {
                cache.careful = match committed.duplicates {
                    0 => cache.careful.saturating_sub(1),
                    _ => CAREFUL_BATCHES,
                };
                Ok(committed)
            }
            Err(failed) => {
                cache.forget();
                match failed.kind {
                    Kind::Duplicate => cache.careful = CAREFUL_BATCHES,
                    Kind::NoTable => self.inner.learn().forget(),
                    Kind::Other => {}
                }
                Err(failed.error)
            }
        }
    }

    async fn try_commit(&self, source: &SourceRow, batch: &Batch, cache: &mut SourceCache) -> Sql<Committed> {
        let fresh = batch.messages.iter().filter(|message| message.offset >= source.next_offset);
        let looked: Looked<'_> =
            fresh.map(|message| (message, first_look(message, &self.inner.limits))).collect();
        if batch.next_offset < source.next_offset
            || looked.last().is_some_and(|(message, _)| message.offset >= batch.next_offset)
        {
            return Err(Error::new(
                Code::Internal,
                words!("batch_ends_early", "A batch ends before its own messages."),
            )
            .into());
        }
        self.prepare(entries(&looked)).await?;
        crash_points::pass("commit.prepared");
        let limit = self.inner.db.longest_text().await?;
        let stamp = new_stamp();
        let mut session = self.inner.db.writer().await?;
        session.begin().await?;
        crash_points::pass("commit.begun");
        let moved = async {
            let session = &mut *session;
            take(session, source, batch.next_offset, batch.stock_offset, &stamp).await?;
            crash_points::pass("commit.taken");
            let judged = self.judge_within(session, source, &looked, cache).await?;
            crash_points::pass("commit.judged");
            let after = advance(source, batch, stamp, &looked, &judged);
            let script = self.script(session, source, &judged, limit).await?;
            script.run(session).await?;
            crash_points::pass("commit.rows");
            session.exec(&counters(&after)).await?;
            crash_points::pass("commit.before");
            Ok((after, judged))
        };
        let moved = moved.await;
        let (after, judged) = conclude(&mut *session, moved).await?;
        crash_points::pass("commit.after");
        Ok(finish(after, judged, cache))
    }

    /// Reads what the verdicts need, inside the transaction, and judges.
    async fn judge_within<'a>(
        &self,
        session: &mut dyn Session,
        source: &SourceRow,
        looked: &Looked<'a>,
        cache: &mut SourceCache,
    ) -> Sql<Judged<'a>> {
        let dialect = self.inner.db.dialect();
        let unknown: BTreeSet<StockKey> =
            entries(looked).map(Entry::key).filter(|key| !cache.held.contains_key(key)).collect();
        read_held(session, dialect, source.id, unknown.into_iter().collect(), &mut cache.held).await?;
        let there =
            if cache.careful > 0 { self.read_ids(session, source, looked).await? } else { HashMap::new() };
        Ok(judge(looked, &cache.held, &there))
    }

    /// Locks the batch's days and writes the text. The days' rows are the truth; a hint that was wrong sends
    /// the batch round once more.
    async fn script(
        &self,
        session: &mut dyn Session,
        source: &SourceRow,
        judged: &Judged<'_>,
        limit: usize,
    ) -> Sql<Script> {
        let dialect = self.inner.db.dialect();
        let days: BTreeSet<_> = judged.counted.keys().map(|(day, _)| *day).collect();
        let tiers = day_states(session, &days, dialect.share()).await?;
        let changed = {
            let known = self.inner.known();
            days.iter().find(|day| known.days.get(*day) != tiers.get(*day)).copied()
        };
        if let Some(day) = changed {
            self.inner.learn().forget();
            let words =
                words!("day_changed_tier", "The day {day} changed its tier; the batch is tried again.", day);
            return Err(Error::new(Code::Retry, words).into());
        }
        let known = self.inner.known();
        let writer = RowWriter { dialect, limit, source_id: source.id, known: &known, tiers: &tiers };
        Ok(writer.write(judged)?)
    }

    /// Entry ids that earlier transactions counted, with their places; and the proof that nothing of this
    /// batch lies in the ledger already.
    async fn read_ids(
        &self,
        session: &mut dyn Session,
        source: &SourceRow,
        looked: &Looked<'_>,
    ) -> Sql<HashMap<IdKey, Place>> {
        let dialect = self.inner.db.dialect();
        let mut by_day: ByDay<'_> = BTreeMap::new();
        for (message, look) in looked {
            if let Ok(entry) = look {
                by_day
                    .entry((entry.day(), entry.product_id.clone()))
                    .or_default()
                    .push((message.offset, entry));
            }
        }
        let days: BTreeSet<_> = by_day.keys().map(|(day, _)| *day).collect();
        let tiers = day_states(session, &days, dialect.share()).await?;
        let names = session.query("SELECT id, name FROM sources").await?;
        let names: HashMap<i64, String> =
            names.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_owned()))).collect::<Result<_>>()?;
        let mut there = HashMap::new();
        for ((day, product), rows) in &by_day {
            let tier = tiers.get(day).copied().unwrap_or(Tier::Month);
            let table = self.inner.known().table(tier, *day, product)?;
            prove_new(session, source, &table, rows).await?;
            let place = match tier {
                Tier::Open => String::new(),
                Tier::Month => {
                    format!("day = '{day}' AND product_id = {} AND ", dialect.text_of(product.as_str()))
                }
            };
            let ids: Vec<_> = rows.iter().filter_map(|(_, entry)| entry.entry_id).collect();
            for chunk in ids.chunks(LIST) {
                let list: Vec<String> = chunk.iter().map(|id| format!("x'{}'", id.simple())).collect();
                let sql = format!(
                    "SELECT entry_id, source_id, source_offset FROM {table} WHERE {place}entry_id IN ({})",
                    list.join(",")
                );
                for row in session.query(&sql).await? {
                    let Some(id) = row.opt_uuid(0)? else { continue };
                    let source = names.get(&row.int(1)?).map_or("?", String::as_str);
                    let place = Place::There(row.int(2)?, source.to_owned());
                    there.insert((product.clone(), *day, id), place);
                }
            }
        }
        prove_new(session, source, "rejected_entries", &span(looked)).await?;
        Ok(there)
    }
}

/// First and last offset of a batch, in the shape `prove_new` takes.
fn span<'a>(looked: &Looked<'a>) -> Vec<(i64, ())> {
    looked.iter().map(|(message, _)| (message.offset, ())).collect()
}

/// Nothing of this source may lie at or beyond its own position: else offsets were reused or the ledger was
/// mended by hand, and going on would count twice.
async fn prove_new<T>(
    session: &mut dyn Session,
    source: &SourceRow,
    table: &str,
    rows: &[(i64, T)],
) -> Sql<()> {
    let (Some((first, _)), Some((last, _))) = (rows.first(), rows.last()) else { return Ok(()) };
    let sql = format!(
        "SELECT source_offset FROM {table} WHERE source_id = {} AND source_offset BETWEEN {first} AND {last} LIMIT 1",
        source.id
    );
    let (first, last) = (*first, *last);
    let found = session.query(&sql).await?;
    let Some(row) = found.first() else { return Ok(()) };
    let offset = row.int(0)?;
    Err(SqlError::from(Error::new(
        Code::Corrupt,
        words!(
            "ledger_changed_outside",
            "{table} holds offset {offset} of source {source} although its position is {next} (batch {first} to {last}). The ledger was changed by somebody else; run a full audit before this partition goes on.",
            table,
            offset,
            source = source.name,
            next = source.next_offset,
            first,
            last
        ),
    )))
}

/// Reads the keys' states in one source. Keys without a row are remembered as such.
async fn read_held(
    session: &mut dyn Session,
    dialect: Dialect,
    source_id: i64,
    keys: Vec<StockKey>,
    held: &mut HashMap<StockKey, Held>,
) -> Sql<()> {
    // Sorted keys lie warehouse by warehouse: one SELECT per warehouse and list of products.
    let mut terms = Vec::new();
    for group in keys.chunk_by(|a, b| a.warehouse == b.warehouse) {
        for chunk in group.chunks(LIST) {
            let products: Vec<String> = chunk.iter().map(|key| dialect.id_of(key.product.as_str())).collect();
            terms.push(format!(
                "SELECT warehouse_id, product_id, last_offset, quantity FROM balances \
                 WHERE source_id = {source_id} AND warehouse_id = {} AND product_id IN ({})",
                dialect.id_of(chunk[0].warehouse.as_str()),
                products.join(",")
            ));
        }
    }
    for chunk in terms.chunks(UNION_TERMS) {
        for row in session.query(&chunk.join(" UNION ALL ")).await? {
            let key = StockKey {
                warehouse: WarehouseId::stored(row.text(0)?),
                product: ProductId::stored(row.text(1)?),
            };
            held.insert(key, Held { last_offset: row.int(2)?, quantity: row.int(3)? });
        }
    }
    for key in keys {
        held.entry(key).or_insert(Held { last_offset: -1, quantity: 0 });
    }
    Ok(())
}

/// The source as it stands after the batch.
fn advance(
    source: &SourceRow,
    batch: &Batch,
    stamp: [u8; 16],
    looked: &Looked<'_>,
    judged: &Judged<'_>,
) -> SourceRow {
    let (mut digest, mut digester) = (source.digest as u64, Digester::default());
    for rows in judged.counted.values() {
        for (offset, entry) in rows {
            digest = digest.wrapping_add(digester.of(entry, *offset));
        }
    }
    let last = looked.last().map(|(message, _)| message);
    SourceRow {
        next_offset: batch.next_offset,
        stock_offset: batch.stock_offset,
        stamp,
        last_offset: last.map_or(source.last_offset, |message| message.offset),
        last_hash: last.map_or(source.last_hash, |message| payload_hash(&message.payload)),
        entries: source.entries + judged.entries as i64,
        rejected: source.rejected + judged.rejected.len() as i64,
        signed_quantity: source.signed_quantity + judged.signed,
        digest: digest as i64,
        ..source.clone()
    }
}

/// Moves the cache forward and hands out the stock's normal steps.
fn finish(source: SourceRow, judged: Judged<'_>, cache: &mut SourceCache) -> Committed {
    let (rejected, places) = (judged.rejected.len() - judged.duplicates, judged.counted.len());
    let mut calls = Vec::with_capacity(judged.steps.len());
    for (key, step) in judged.steps {
        cache.held.insert(key.clone(), step.after);
        let states = [step.before, step.after].map(|held| (held.last_offset, held.quantity));
        calls.push(StockCall::counted(key, source.name.clone(), states[0], states[1]));
    }
    cache.stamp = Some(source.stamp);
    Committed { source, calls, counted: judged.entries, duplicates: judged.duplicates, rejected, places }
}
