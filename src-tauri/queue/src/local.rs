//! The standalone queue: the outbox itself, read by offset. One source, offset = seq - 1, timestamp = the moment
//! of saving. A reader is woken by the commit that saved the entry; nothing is polled.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::{Bounds, Chunk, Event, Message, Queue, Reader, SourceIdentity};
use crate::outbox::{Outbox, Stored, Tail};
use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;

/// Messages read from the outbox at a time.
const PAGE: usize = 4_000;

/// The outbox as a queue.
#[derive(Debug)]
pub struct LocalQueue {
    outbox: Arc<Outbox>,
    /// What was handed out by `event` last; `None` before the first call.
    assigned: Mutex<Option<SourceIdentity>>,
    pending: Mutex<VecDeque<Event>>,
    closed: watch::Sender<bool>,
    generation: watch::Sender<u64>,
}

impl LocalQueue {
    /// A queue over this outbox.
    pub fn new(outbox: Arc<Outbox>) -> Self {
        LocalQueue {
            outbox,
            assigned: Mutex::new(None),
            pending: Mutex::new(VecDeque::new()),
            closed: watch::Sender::new(false),
            generation: watch::Sender::new(0),
        }
    }

    fn check(&self, source: &SourceIdentity) -> Result<()> {
        if *source == self.outbox.local_source() {
            return Ok(());
        }
        Err(Error::new(
            Code::NotFound,
            words!("outbox_no_source", "The outbox has no source {source}.", source = format!("{source:?}")),
        ))
    }

    /// The changes of assignment that the outbox's present life asks for.
    fn changes(&self) -> Option<Event> {
        let mut pending = lock(&self.pending);
        let mut assigned = lock(&self.assigned);
        let now = self.outbox.local_source();
        if assigned.as_ref() != Some(&now) {
            if let Some(before) = assigned.replace(now.clone()) {
                pending.push_back(Event::Revoked(vec![before]));
            }
            pending.push_back(Event::Assigned(vec![now]));
        }
        pending.pop_front()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[async_trait]
impl Queue for LocalQueue {
    async fn event(&self) -> Option<Event> {
        let mut tail = self.outbox.watch();
        let mut closed = self.closed.subscribe();
        loop {
            if *closed.borrow_and_update() {
                return None;
            }
            tail.mark_unchanged();
            if let Some(event) = self.changes() {
                return Some(event);
            }
            tokio::select! {
                changed = tail.changed() => if changed.is_err() { return None },
                changed = closed.changed() => if changed.is_err() { return None },
            }
        }
    }

    async fn open(&self, source: &SourceIdentity, offset: i64) -> Result<Box<dyn Reader>> {
        self.check(source)?;
        let end = self.outbox.end();
        if offset < 0 || offset > end {
            return Err(Error::new(
                Code::Corrupt,
                words!(
                    "outbox_older_copy",
                    "The ledger stands at offset {offset}, but the outbox ends at {end}: the outbox is an older copy. It begins a new incarnation at the next start.",
                    offset,
                    end
                ),
            ));
        }
        let mut generation = 0;
        self.generation.send_modify(|last| {
            *last += 1;
            generation = *last;
        });
        Ok(Box::new(LocalReader {
            outbox: Arc::clone(&self.outbox),
            source: source.clone(),
            read: offset,
            page: VecDeque::new(),
            ahead: None,
            tail: self.outbox.watch(),
            generation,
            current: self.generation.subscribe(),
        }))
    }

    async fn bounds(&self, source: &SourceIdentity) -> Result<Bounds> {
        self.check(source)?;
        Ok(Bounds { start: 0, end: self.outbox.end() })
    }

    async fn message_at(&self, source: &SourceIdentity, offset: i64) -> Result<Option<Message>> {
        self.check(source)?;
        let found = self.outbox.read_from(offset, 1).await?.pop();
        Ok(found.filter(|stored| stored.offset == offset).map(message))
    }

    async fn partitions(&self) -> Result<Vec<SourceIdentity>> {
        Ok(vec![self.outbox.local_source()])
    }

    fn publish_position(&self, _source: &SourceIdentity, _next_offset: i64) {}

    async fn close(&self) {
        self.generation.send_modify(|last| *last += 1);
        self.closed.send_replace(true);
    }
}

fn message(stored: Stored) -> Message {
    Message { offset: stored.offset, timestamp_ms: Some(stored.saved_ms), payload: stored.payload }
}

#[derive(Debug)]
struct LocalReader {
    outbox: Arc<Outbox>,
    source: SourceIdentity,
    /// Next offset to be read from the outbox; what was read and not handed on waits in `page`.
    read: i64,
    page: VecDeque<Message>,
    /// The page after that, read while the writer is at work on what it has.
    ahead: Option<JoinHandle<Result<Vec<Stored>>>>,
    tail: watch::Receiver<Tail>,
    generation: u64,
    current: watch::Receiver<u64>,
}

impl LocalReader {
    fn fenced(&mut self) -> Result<()> {
        let stale = *self.current.borrow_and_update() != self.generation
            || self.tail.borrow().incarnation != self.source.topic_uuid;
        if stale {
            return Err(Error::new(
                Code::Fenced,
                words!("outbox_read_elsewhere", "The outbox is read from elsewhere now."),
            ));
        }
        Ok(())
    }
}

impl LocalReader {
    /// Reads until `count` messages wait or the outbox has no more; then the next page begins to be read. What is
    /// dropped in between loses nothing: all of it waits in `self`.
    async fn fill(&mut self, count: usize, end: i64) -> Result<()> {
        while self.page.len() < count && self.read < end {
            let (outbox, from) = (Arc::clone(&self.outbox), self.read);
            let ahead = self.ahead.get_or_insert_with(|| read_page(outbox, from));
            let stored = ahead.await;
            self.ahead = None;
            let stored = stored.map_err(|error| Error::new(Code::Internal, Words::plain(error)))??;
            let Some(last) = stored.last().map(|stored| stored.offset) else { return Ok(()) };
            self.read = last + 1;
            self.page.extend(stored.into_iter().map(message));
        }
        if self.ahead.is_none() && self.read < end {
            self.ahead = Some(read_page(Arc::clone(&self.outbox), self.read));
        }
        Ok(())
    }
}

fn read_page(outbox: Arc<Outbox>, from: i64) -> JoinHandle<Result<Vec<Stored>>> {
    tokio::spawn(async move { outbox.read_from(from, PAGE).await })
}

#[async_trait]
impl Reader for LocalReader {
    async fn next(&mut self, max: usize, patience: Duration) -> Result<Option<Chunk>> {
        let until = Instant::now() + patience;
        loop {
            self.fenced()?;
            let end = self.tail.borrow_and_update().end;
            self.fill(max.max(1), end).await?;
            if !self.page.is_empty() {
                let count = self.page.len().min(max.max(1));
                let messages: Vec<Message> = self.page.drain(..count).collect();
                let next_offset = messages.last().map_or(self.read, |message| message.offset + 1);
                return Ok(Some(Chunk { messages, next_offset }));
            }
            let woken = timeout_at(until, async {
                tokio::select! {
                    changed = self.tail.changed() => changed.is_ok(),
                    changed = self.current.changed() => changed.is_ok(),
                }
            });
            match woken.await {
                Ok(true) => {}
                // The outbox was closed: nothing will come any more, but this is not an error of ours.
                Ok(false) => {
                    return Err(Error::new(Code::Fenced, words!("outbox_closed", "The outbox was closed.")));
                }
                Err(_) => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
