//! The embedded stock store: one redb file of key → value, moved by the pure functions of `value.rs`.
//! Normal commits are not forced to disk, for the ledger can send everything again; `pulse` and `settle` force.
//! Must never judge a value, nor hold the only copy of anything: a damaged file is set aside and rebuilt.

mod file;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ::redb::{Database, Durability, ReadableDatabase, ReadableTable};
use ::redb::{ReadOnlyTable, Table, TableDefinition};
use async_trait::async_trait;

use self::file::{failure, free_name, open_file, refusal};
use super::corrections::{Corrected, Correction, correct, sound_corrections};
use super::value::{self, Value};
use super::{Answer, Page, Place, Pulse, SENTINEL, Stock, StockCall, Vector};
use domain::entry::StockKey;
use domain::error::{Code, Error, Result};
use domain::words;
use probe::{Finding, Step, Trail};

const STOCK: TableDefinition<&str, &[u8]> = TableDefinition::new("stock");
/// 200,000 values take some 30 MB; redb's own default of 1 GiB would be a surprise on a desktop.
const CACHE_BYTES: usize = 64 << 20;

/// The embedded stock store.
#[derive(Clone)]
pub struct Redb(Arc<Inner>);

struct Inner {
    /// Nothing after a failure of the disk: redb refuses everything from then on, until the file is opened anew.
    database: RwLock<Option<Database>>,
    path: PathBuf,
    version: AtomicU64,
    /// Something was committed that is not on disk yet.
    dirty: AtomicBool,
    /// The sentinel as last seen; -1 before the first pulse of a file that had none.
    seen: AtomicI64,
    /// A sentinel that was absent or too low; kept until a pulse has told it.
    forgot: AtomicBool,
}

impl Redb {
    /// Opens or creates the file. A damaged file is refused with `Code::Corrupt`.
    pub fn open(path: &Path) -> Result<Redb> {
        let database = open_file(path).map_err(|error| refusal(path, error))?;
        let version = AtomicU64::new(1);
        let (dirty, forgot) = (AtomicBool::new(false), AtomicBool::new(false));
        let path = path.to_path_buf();
        let database = RwLock::new(Some(database));
        let inner = Inner { database, path, version, dirty, seen: AtomicI64::new(-1), forgot };
        let beat = inner.prepare().map_err(|error| inner.failure(error))?;
        inner.seen.store(beat, Ordering::Relaxed);
        Ok(Redb(Arc::new(inner)))
    }

    /// Opens the file; a damaged one is moved aside (its new place is returned) and an empty one begun,
    /// which the sweep fills again from the ledger's `balances`.
    pub fn open_or_rebuild(path: &Path) -> Result<(Redb, Option<PathBuf>)> {
        match Redb::open(path) {
            Err(error) if error.code == Code::Corrupt => {
                let aside = free_name(path);
                std::fs::rename(path, &aside).map_err(|error| failure(path, error))?;
                Ok((Redb::open(path)?, Some(aside)))
            }
            other => other.map(|store| (store, None)),
        }
    }

    /// Runs blocking work on the file away from the async threads.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, ::redb::Error> + Send + 'static,
    ) -> Result<T> {
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner).map_err(|error| inner.failure(error)));
        done.await.map_err(|_| {
            Error::new(
                Code::Internal,
                words!(
                    "redb_stopped",
                    "The stock store stopped in the middle of its work. Restart Twinstock."
                ),
            )
        })?
    }

    /// One write transaction over many keys; `change` gives what to write and what to answer.
    async fn write<C: Send + 'static, A: Send + 'static>(
        &self,
        calls: Vec<C>,
        change: impl Fn(Option<&[u8]>, &C) -> (Option<Value>, A) + Send + 'static,
        key: impl Fn(&C) -> String + Send + 'static,
    ) -> Result<Vec<A>> {
        self.work(move |inner| {
            let mut answers = Vec::with_capacity(calls.len());
            let changed = inner.commit(Durability::None, |table| {
                let mut changed = false;
                for call in &calls {
                    let key = key(call);
                    let (next, answer) = {
                        let stored = table.get(key.as_str())?;
                        change(stored.as_ref().map(|bytes| bytes.value()), call)
                    };
                    if let Some(next) = next {
                        table.insert(key.as_str(), next.print().as_slice())?;
                        changed = true;
                    }
                    answers.push(answer);
                }
                Ok(changed)
            })?;
            if changed {
                inner.dirty.store(true, Ordering::Release);
                inner.version.fetch_add(1, Ordering::Release);
            }
            Ok(answers)
        })
        .await
    }
}

impl Inner {
    /// Makes the table and reads the sentinel.
    fn prepare(&self) -> Result<i64, ::redb::Error> {
        let mut beat = -1;
        self.commit(Durability::Immediate, |table| {
            beat = sentinel(table)?;
            Ok(true)
        })?;
        Ok(beat)
    }

    /// Runs `work` on the open file. When the disk fails it is closed; whoever comes next opens it anew.
    fn on_file<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, ::redb::Error>,
    ) -> Result<T, ::redb::Error> {
        if self.database.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            self.open_anew()?;
        }
        let done = match self.database.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(database) => work(database),
            None => Err(::redb::Error::PreviousIo),
        };
        if matches!(done, Err(::redb::Error::Io(_) | ::redb::Error::PreviousIo)) {
            *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        done
    }

    /// What was not on disk yet is gone: the sentinel, which is older now, tells it at the next pulse.
    fn open_anew(&self) -> Result<(), ::redb::Error> {
        let mut slot = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            *slot = Some(open_file(&self.path)?);
            self.forgot.store(true, Ordering::Release);
            self.dirty.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Runs `work` in one transaction; commits when it says that it changed something.
    fn commit(
        &self,
        durability: Durability,
        work: impl FnOnce(&mut Table<&str, &[u8]>) -> Result<bool, ::redb::Error>,
    ) -> Result<bool, ::redb::Error> {
        self.on_file(|database| {
            let mut transaction = database.begin_write()?;
            transaction.set_durability(durability)?;
            let changed = work(&mut transaction.open_table(STOCK)?)?;
            if changed {
                transaction.commit()?;
            } else {
                transaction.abort()?;
            }
            Ok(changed)
        })
    }

    /// Runs `work` on one state of the whole table.
    fn look<T>(
        &self,
        work: impl FnOnce(&ReadOnlyTable<&'static str, &'static [u8]>) -> Result<T, ::redb::Error>,
    ) -> Result<T, ::redb::Error> {
        self.on_file(|database| work(&database.begin_read()?.open_table(STOCK)?))
    }

    /// A durable commit, which carries all earlier ones to disk.
    fn settle(&self) -> Result<(), ::redb::Error> {
        // Cleared before the commit: what arrives meanwhile sets it again.
        if !self.dirty.swap(false, Ordering::AcqRel) && self.seen.load(Ordering::Relaxed) >= 0 {
            return Ok(());
        }
        let mut found = -1;
        let done = self.commit(Durability::Immediate, |table| {
            found = sentinel(table)?;
            let next = (found.max(0) + 1).to_string();
            table.insert(SENTINEL, next.as_bytes())?;
            Ok(true)
        });
        if let Err(error) = done {
            self.dirty.store(true, Ordering::Release);
            return Err(error);
        }
        let seen = self.seen.swap(found.max(0) + 1, Ordering::Relaxed);
        if found < 0 || found < seen {
            self.forgot.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn pulse(&self) -> Result<Pulse, ::redb::Error> {
        self.settle()?;
        Ok(if self.forgot.swap(false, Ordering::AcqRel) { Pulse::Forgot } else { Pulse::Steady })
    }

    fn failure(&self, error: ::redb::Error) -> Error {
        failure(&self.path, error)
    }
}

/// The sentinel's count; -1 when it is absent or no number.
fn sentinel(table: &Table<&str, &[u8]>) -> Result<i64, ::redb::Error> {
    let stored = table.get(SENTINEL)?;
    let text = stored.as_ref().and_then(|bytes| std::str::from_utf8(bytes.value()).ok());
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(-1))
}

#[async_trait]
impl Stock for Redb {
    async fn apply(&self, calls: &[StockCall]) -> Result<Vec<Answer>> {
        value::sound_calls(calls)?;
        self.write(calls.to_vec(), value::step, |call| call.key.to_string()).await
    }

    async fn bring(&self, vectors: &[Vector]) -> Result<Vec<Answer>> {
        value::sound_vectors(vectors)?;
        self.write(vectors.to_vec(), value::bring, |vector| vector.key.to_string()).await
    }

    async fn correct(&self, corrections: &[(StockKey, Correction)]) -> Result<Vec<Corrected>> {
        sound_corrections(corrections)?;
        let change = |stored: Option<&[u8]>, (_, correction): &(_, _)| correct(stored, correction);
        self.write(corrections.to_vec(), change, |(key, _)| key.to_string()).await
    }

    async fn values(&self, keys: &[StockKey]) -> Result<Vec<Option<Vec<u8>>>> {
        let keys = keys.to_vec();
        self.work(move |inner| {
            inner.look(|table| {
                let mut values = Vec::with_capacity(keys.len());
                for key in keys {
                    let stored = table.get(key.to_string().as_str())?;
                    values.push(stored.map(|bytes| bytes.value().to_vec()));
                }
                Ok(values)
            })
        })
        .await
    }

    async fn scan(&self, from: Option<&Place>, count: usize) -> Result<Page> {
        let from = from.map(|place| place.at.clone()).unwrap_or_default();
        let count = count.max(1);
        self.work(move |inner| {
            inner.look(|table| {
                let mut page = Page::default();
                for item in table.range(from.as_str()..)? {
                    let (key, stored) = item?;
                    if page.values.len() == count {
                        page.next = Some(Place { at: key.value().to_owned(), named: Vec::new() });
                        break;
                    }
                    page.values.push((key.value().to_owned(), stored.value().to_vec()));
                }
                Ok(page)
            })
        })
        .await
    }

    async fn pulse(&self) -> Result<Pulse> {
        self.work(Inner::pulse).await
    }

    fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    async fn settle(&self) -> Result<()> {
        self.work(Inner::settle).await
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        let name = name.to_owned();
        self.work(move |inner| {
            inner.look(|table| {
                let stored = table.get(name.as_str())?;
                Ok(stored.map(|bytes| String::from_utf8_lossy(bytes.value()).into_owned()))
            })
        })
        .await
    }

    async fn put_note(&self, name: &str, text: &str) -> Result<()> {
        let (name, text) = (name.to_owned(), text.to_owned());
        self.work(move |inner| {
            let written = inner.commit(Durability::Immediate, |table| {
                table.insert(name.as_str(), text.as_bytes())?;
                Ok(true)
            });
            written.map(drop)
        })
        .await
    }

    /// One process holds the file, and its auditors wait for each other already.
    async fn lease(&self, _name: &str, _holder: &str, _ttl: Duration) -> Result<Option<String>> {
        Ok(None)
    }

    async fn release(&self, _name: &str, _holder: &str) -> Result<()> {
        Ok(())
    }

    async fn probe(&self) -> Vec<Finding> {
        let mut trail = Trail::new("stock", &[Step::Store]);
        // Opening and reading are the whole of it: there is no server with settings of its own.
        match self.scan(None, 1).await {
            Ok(_) => trail.fine(Step::Store, words!("stock_opens", "the stock's file opens and can be read")),
            Err(error) => trail.error(Step::Store, error),
        }
        trail.end()
    }
}

#[cfg(test)]
mod tests;
