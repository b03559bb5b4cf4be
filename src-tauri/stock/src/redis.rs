//! The stock in Redis or Valkey, single or cluster: one script call carries many keys of one slot.
//! `script.lua` does what `value.rs` does; this file groups, sends and reads answers back.
//! Must never let a call span slots, nor take a missing reply for an answer.

mod health;
mod link;
mod notes;
mod redis_check;
mod scan;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::cluster_routing::Slot;
use ::redis::{Cmd, ErrorKind, RedisError, RedisResult, Script, ServerErrorKind, cmd, pipe};
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};

use self::link::{Conn, Link};
use super::corrections::{Corrected, Correction, sound_corrections};
use super::{Answer, Page, Place, Prev, Pulse, Stock, StockCall, Vector, value};
use domain::entry::StockKey;
use domain::error::{Code, Error, Result};
use domain::words;
use probe::{Finding, Step};

const SCRIPT: &str = include_str!("script.lua");
/// The script's codes; -1 and up is the offset that a lagging value had.
const APPLIED: i64 = -10;
const SEEN: i64 = -11;
const CREATED: i64 = -12;
const ABSENT: i64 = -13;
const DAMAGED: i64 = -14;
const DONE: i64 = -20;
const NOTHING: i64 = -21;
/// Keys of one script call: 500 keep the server busy for some milliseconds, and others may come in between.
const CHUNK: usize = 500;
/// Script calls of one pipeline, whose replies come within one time limit.
const PIPELINE: usize = 8;
/// Calls under way at once in a cluster, where most keys have a slot of their own.
const PARALLEL: usize = 128;
/// What `values` and `scan` give for a key that is no string: readable by nobody, so damaged.
const NO_STRING: &[u8] = b"(no string)";

/// What is tried of it, in order.
pub const STEPS: &[Step] = &[
    Step::Address,
    Step::Dns,
    Step::Tcp,
    Step::Protocol,
    Step::Login,
    Step::Database,
    Step::Grant,
    Step::Policy,
];

/// The stock in Redis.
pub struct Redis {
    link: Link,
    script: Script,
    version: AtomicU64,
    memory: Mutex<health::Memory>,
}

impl Redis {
    /// Reads the URL (`redis://…` or `redis+cluster://…`); connects when first used. A password given here
    /// wins over one in the URL.
    pub fn open(url: &str, password: Option<&str>) -> Result<Redis> {
        let script = Script::new(SCRIPT);
        let memory = Mutex::new(health::Memory::default());
        Ok(Redis { link: Link::new(url, password)?, script, version: AtomicU64::new(1), memory })
    }

    /// Sends the calls (key and arguments each) under one operation; the script's codes in the same order.
    async fn call(&self, operation: &str, calls: Vec<(String, Vec<Vec<u8>>)>) -> Result<Vec<i64>> {
        let (generation, mut conn) = self.link.conn().await?;
        let chunks = self.chunks(&calls);
        let mut answers = vec![ABSENT; calls.len()];
        let mut again = true;
        let replies = loop {
            match self.send(&conn, operation, &calls, &chunks).await {
                Ok(replies) => break replies,
                Err(error) if again && error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    again = false;
                    self.load(&mut conn, generation).await?;
                }
                Err(error) => return Err(self.link.failed(generation, error).await),
            }
        };
        for (places, codes) in chunks.iter().flatten().zip(replies) {
            if places.len() != codes.len() {
                return Err(Error::new(
                    Code::Internal,
                    words!("redis_other_number", "Redis answered for another number of keys. Run `check`."),
                ));
            }
            for (place, code) in places.iter().zip(codes) {
                answers[*place] = code;
            }
        }
        let moved = |code: &i64| matches!(*code, APPLIED | CREATED | DONE | -1..);
        if answers.iter().any(moved) {
            self.version.fetch_add(1, Ordering::Release);
        }
        Ok(answers)
    }

    /// Groups calls: the outer groups may travel at once, the chunks of one group keep their order.
    fn chunks(&self, calls: &[(String, Vec<Vec<u8>>)]) -> Vec<Vec<Vec<usize>>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        if self.link.is_cluster() {
            let mut slots = HashMap::new();
            for (place, (key, _)) in calls.iter().enumerate() {
                let group = *slots.entry(Slot::for_key(key)).or_insert_with(|| {
                    groups.push(Vec::new());
                    groups.len() - 1
                });
                groups[group].push(place);
            }
        } else if !calls.is_empty() {
            groups.push((0..calls.len()).collect());
        }
        groups.iter().map(|group| group.chunks(CHUNK).map(<[usize]>::to_vec).collect()).collect()
    }

    /// One reply per chunk, in the order of `chunks`.
    async fn send(
        &self,
        conn: &Conn,
        operation: &str,
        calls: &[(String, Vec<Vec<u8>>)],
        chunks: &[Vec<Vec<usize>>],
    ) -> RedisResult<Vec<Vec<i64>>> {
        let command = |places: &Vec<usize>| {
            let mut command = cmd("EVALSHA");
            command.arg(self.script.get_hash()).arg(places.len());
            for place in places {
                command.arg(&calls[*place].0);
            }
            command.arg(operation);
            for place in places {
                command.arg(&calls[*place].1);
            }
            command
        };
        if !self.link.is_cluster() {
            let mut replies = Vec::new();
            for some in chunks.iter().flatten().collect::<Vec<_>>().chunks(PIPELINE) {
                let mut pipeline = pipe();
                for places in some {
                    pipeline.add_command(command(places));
                }
                let some: Vec<Vec<i64>> = pipeline.query_async(&mut conn.clone()).await?;
                replies.extend(some);
            }
            return Ok(replies);
        }
        let groups: Vec<_> = chunks
            .iter()
            .map(|group| {
                let commands: Vec<Cmd> = group.iter().map(command).collect();
                let mut conn = conn.clone();
                async move {
                    let mut replies = Vec::with_capacity(commands.len());
                    for command in commands {
                        replies.push(command.query_async::<Vec<i64>>(&mut conn).await?);
                    }
                    Ok::<_, RedisError>(replies)
                }
            })
            .collect();
        let replies: Vec<Vec<Vec<i64>>> = stream::iter(groups).buffered(PARALLEL).try_collect().await?;
        Ok(replies.into_iter().flatten().collect())
    }

    /// Loads the script (in a cluster: on every node), as after a restart or SCRIPT FLUSH.
    async fn load(&self, conn: &mut Conn, generation: u64) -> Result<()> {
        let mut command = cmd("SCRIPT");
        command.arg("LOAD").arg(SCRIPT);
        match command.query_async::<::redis::Value>(conn).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.link.failed(generation, error).await),
        }
    }

    /// Values of keys; what is no string is told apart from what is absent.
    async fn read(&self, conn: &Conn, keys: &[String]) -> RedisResult<Vec<Option<Vec<u8>>>> {
        let parts = keys.chunks(CHUNK).map(|some| {
            let mut conn = conn.clone();
            async move { cmd("MGET").arg(some).query_async::<Vec<Option<Vec<u8>>>>(&mut conn).await }
        });
        let parts: Vec<_> = stream::iter(parts.collect::<Vec<_>>()).buffered(PIPELINE).try_collect().await?;
        let mut values: Vec<_> = parts.into_iter().flatten().collect();
        let absent: Vec<usize> = (0..keys.len()).filter(|place| values[*place].is_none()).collect();
        let kinds = absent.iter().map(|place| {
            let mut conn = conn.clone();
            async move { cmd("TYPE").arg(&keys[*place]).query_async::<String>(&mut conn).await }
        });
        let kinds: Vec<String> =
            stream::iter(kinds.collect::<Vec<_>>()).buffered(PARALLEL).try_collect().await?;
        for (place, kind) in absent.into_iter().zip(kinds) {
            // A string that came between the two questions is left for the next reading.
            if kind != "none" && kind != "string" {
                values[place] = Some(NO_STRING.to_vec());
            }
        }
        Ok(values)
    }
}

fn answer(code: i64) -> Result<Answer> {
    Ok(match code {
        APPLIED => Answer::Applied,
        SEEN => Answer::Seen,
        CREATED => Answer::Created,
        ABSENT => Answer::Absent,
        DAMAGED => Answer::Damaged,
        -1.. => Answer::Lagged(code),
        _ => return Err(unknown(code)),
    })
}

fn corrected(code: i64) -> Result<Corrected> {
    Ok(match code {
        DONE => Corrected::Done,
        NOTHING => Corrected::Nothing,
        ABSENT => Corrected::Absent,
        DAMAGED => Corrected::Damaged,
        _ => return Err(unknown(code)),
    })
}

fn unknown(code: i64) -> Error {
    Error::new(
        Code::Internal,
        words!("redis_unknown_code", "Redis answered the unknown code {code}. Run `check`.", code),
    )
}

fn word(word: impl ToString) -> Vec<u8> {
    word.to_string().into_bytes()
}

/// A vector as the script reads it: the number of parts, then source, offset and sum of each.
fn vector_words(vector: &Vector) -> Vec<Vec<u8>> {
    let parts = vector.parts.iter().flat_map(|(source, last, sum)| [word(source), word(last), word(sum)]);
    std::iter::once(word(vector.parts.len())).chain(parts).collect()
}

/// A correction as the script reads it: its kind, then what it needs.
fn correction_words(correction: &Correction) -> Vec<Vec<u8>> {
    match correction {
        Correction::DropDrift => vec![word("drift")],
        Correction::ReplaceEntry { source, offset, wrong, right } => {
            vec![word("entry"), word(source), word(offset), word(wrong), word(right)]
        }
        Correction::ReplaceDamaged { read, vector } => {
            let mut words = vec![word("damaged"), read.clone()];
            words.extend(vector_words(vector));
            words
        }
        Correction::Fold { quantity } => vec![word("fold"), word(quantity)],
    }
}

#[async_trait]
impl Stock for Redis {
    async fn apply(&self, calls: &[StockCall]) -> Result<Vec<Answer>> {
        value::sound_calls(calls)?;
        let calls = calls.iter().map(|call| {
            let prev = match call.prev {
                Prev::At(offset) => offset.to_string(),
                Prev::Unknown => String::new(),
            };
            let numbers = [call.last, call.delta, call.sum].map(word);
            (call.key.to_string(), [word(&call.source), word(prev)].into_iter().chain(numbers).collect())
        });
        self.call("step", calls.collect()).await?.into_iter().map(answer).collect()
    }

    async fn bring(&self, vectors: &[Vector]) -> Result<Vec<Answer>> {
        value::sound_vectors(vectors)?;
        let calls = vectors.iter().map(|vector| (vector.key.to_string(), vector_words(vector)));
        self.call("bring", calls.collect()).await?.into_iter().map(answer).collect()
    }

    async fn correct(&self, corrections: &[(StockKey, Correction)]) -> Result<Vec<Corrected>> {
        sound_corrections(corrections)?;
        let calls =
            corrections.iter().map(|(key, correction)| (key.to_string(), correction_words(correction)));
        self.call("correct", calls.collect()).await?.into_iter().map(corrected).collect()
    }

    async fn values(&self, keys: &[StockKey]) -> Result<Vec<Option<Vec<u8>>>> {
        let keys: Vec<String> = keys.iter().map(StockKey::to_string).collect();
        let (generation, conn) = self.link.conn().await?;
        match self.read(&conn, &keys).await {
            Ok(values) => Ok(values),
            Err(error) => Err(self.link.failed(generation, error).await),
        }
    }

    async fn scan(&self, from: Option<&Place>, count: usize) -> Result<Page> {
        let (generation, conn) = self.link.conn().await?;
        match self.page(&conn, from, count).await {
            Ok(page) => Ok(page),
            Err(error) => Err(self.link.failed(generation, error).await),
        }
    }

    async fn pulse(&self) -> Result<Pulse> {
        self.beat().await
    }

    fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    async fn settle(&self) -> Result<()> {
        Ok(())
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        self.read_note(name).await
    }

    async fn put_note(&self, name: &str, text: &str) -> Result<()> {
        self.write_note(name, text).await
    }

    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<String>> {
        self.take_lease(name, holder, ttl).await
    }

    async fn release(&self, name: &str, holder: &str) -> Result<()> {
        self.end_lease(name, holder).await
    }

    async fn probe(&self) -> Vec<Finding> {
        self.walk().await
    }
}
