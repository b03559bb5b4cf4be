//! Where every source stands, asked from outside: the same answer whether or not this process runs the writer.

use std::collections::{HashMap, HashSet};

use super::Engine;
use super::remembered::Remembered;
use crate::config::Mode;
use domain::error::Result;
use domain::words;
use domain::words::Words;
use ledger::{SourceRow, payload_hash};
use queue::outbox::Outbox;
use queue::{Bounds, SourceIdentity};
use writer::status::State;

/// One source's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// Name in `at`; empty until the ledger knows it.
    pub name: String,
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Position of the ledger.
    pub next_offset: i64,
    /// End of the log; `None` when the topic's incarnation is gone.
    pub end_offset: Option<i64>,
    /// What it does, as far as it can be told from outside.
    pub state: State,
    /// Why it does not run.
    pub reason: Words,
}

/// The whole status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// All sources that the ledger or the queue knows.
    pub sources: Vec<SourceStatus>,
    /// Entries that wait in this data directory's outbox; `None` when there is none.
    pub waiting: Option<u64>,
    /// Messages rejected or kept as duplicates.
    pub rejected: i64,
}

impl Engine {
    /// Asks queue, ledger and outbox. May be asked every few seconds: what the brokers confirmed a moment ago is not
    /// asked again while nothing speaks against it.
    pub async fn status(&self) -> Result<Status> {
        let mut kept = self.remembered.lock().await;
        // Taken out: whoever fails or is not waited for leaves nothing to believe.
        let mut remembered = std::mem::take(&mut *kept);
        let status = self.status_now(&mut remembered).await?;
        *kept = remembered;
        Ok(status)
    }

    async fn status_now(&self, remembered: &mut Remembered) -> Result<Status> {
        let rows = self.ledger.sources().await?;
        let rejected = rows.iter().map(|row| row.rejected).sum();
        let bounds = self.bounds().await?;
        remembered.saw(&bounds);
        let reused = self.reused(&rows, &bounds, remembered).await?;
        let mut sources = merge(rows, bounds);
        for source in sources.iter_mut().filter(|source| reused.contains(&source.name)) {
            source.state = State::Stopped;
            source.reason = words!(
                "offsets_reused_status",
                "offsets were reused: its last message is not the one that was counted"
            );
        }
        if self.config.mode == Mode::Cluster && !self.consumed(remembered).await? {
            for source in sources.iter_mut().filter(|source| source.state == State::Running) {
                source.state = State::Paused;
                source.reason = words!("nobody_consumes", "nobody consumes: start inv-daemon run or the app");
            }
        }
        Ok(Status { sources, waiting: self.waiting().await?, rejected })
    }

    /// Names of sources behind whose position something else stands than was counted. Only where something waits: a
    /// source that has counted everything is not stopped by it.
    async fn reused(
        &self,
        rows: &[SourceRow],
        bounds: &HashMap<SourceIdentity, Bounds>,
        remembered: &mut Remembered,
    ) -> Result<HashSet<String>> {
        if self.config.mode == Mode::Standalone {
            return Ok(HashSet::new());
        }
        let now_ms = self.clock.epoch_ms();
        let asked: Vec<(&SourceRow, Bounds)> = rows
            .iter()
            .filter_map(|row| Some((row, *bounds.get(&row.identity)?)))
            .filter(|(row, log)| row.last_offset >= log.start && row.next_offset < log.end)
            .filter(|(row, _)| remembered.must_read(row, now_ms))
            .collect();
        if asked.is_empty() {
            return Ok(HashSet::new());
        }
        let places = asked.iter().map(|(row, _)| (row.identity.partition, row.last_offset)).collect();
        let found = self.asker.messages_at(places).await?;
        let mut reused = HashSet::new();
        for (row, log) in asked {
            let message = found.get(&row.identity.partition);
            let same = message.is_some_and(|message| payload_hash(&message.payload) == row.last_hash);
            remembered.was_read(row, log, same, now_ms);
            if !same {
                reused.insert(row.name.to_string());
            }
        }
        Ok(reused)
    }

    /// Whether anybody consumes.
    async fn consumed(&self, remembered: &mut Remembered) -> Result<bool> {
        let now_ms = self.clock.epoch_ms();
        if !remembered.must_count_members(now_ms) {
            return Ok(true);
        }
        let members = self.asker.members().await?;
        remembered.has_members(members, now_ms);
        Ok(members > 0)
    }

    /// Every partition's bounds.
    async fn bounds(&self) -> Result<HashMap<SourceIdentity, Bounds>> {
        if self.config.mode == Mode::Standalone {
            let outbox = self.outbox()?;
            let bounds = Bounds { start: 0, end: outbox.end() };
            return Ok(HashMap::from([(outbox.local_source(), bounds)]));
        }
        self.asker.bounds().await
    }

    /// Entries of this data directory that wait; read beside the process that owns it.
    async fn waiting(&self) -> Result<Option<u64>> {
        if let Some(outbox) = &self.outbox {
            let waiting = match self.config.mode {
                Mode::Cluster => outbox.waiting().await?,
                Mode::Standalone => {
                    let row = self.ledger.source(&outbox.local_source()).await?;
                    outbox.end() - row.map_or(0, |row| row.next_offset)
                }
            };
            return Ok(Some(waiting.unsigned_abs()));
        }
        Outbox::waiting_beside(&self.config.data_dir).await
    }
}

fn merge(rows: Vec<SourceRow>, mut bounds: HashMap<SourceIdentity, Bounds>) -> Vec<SourceStatus> {
    let mut sources: Vec<SourceStatus> = rows
        .into_iter()
        .map(|row| {
            let log = bounds.remove(&row.identity);
            let (state, reason) = judge(row.next_offset, log);
            SourceStatus {
                name: row.name.to_string(),
                topic: row.identity.topic,
                partition: row.identity.partition,
                next_offset: row.next_offset,
                end_offset: log.map(|log| log.end),
                state,
                reason,
            }
        })
        .collect();
    for (identity, log) in bounds {
        let (state, reason) = match log.start {
            0 => (State::Running, Words::none()),
            _ => (
                State::Stopped,
                words!(
                    "first_message_gone",
                    "its first message is gone and it was never counted: run inv-daemon init"
                ),
            ),
        };
        sources.push(SourceStatus {
            name: String::new(),
            topic: identity.topic,
            partition: identity.partition,
            next_offset: 0,
            end_offset: Some(log.end),
            state,
            reason,
        });
    }
    sources.sort_by(|a, b| (&a.topic, a.partition, &a.name).cmp(&(&b.topic, b.partition, &b.name)));
    sources
}

fn judge(next_offset: i64, log: Option<Bounds>) -> (State, Words) {
    match log {
        None => (
            State::Stopped,
            words!("incarnation_gone", "this incarnation of the topic is gone; what it held is counted"),
        ),
        Some(log) if next_offset < log.start => (
            State::Stopped,
            words!(
                "retention_passed_status",
                "retention has passed it: the log begins at {start}",
                start = log.start
            ),
        ),
        Some(log) if next_offset > log.end => (
            State::Stopped,
            words!(
                "truncated_status",
                "the log ends at {end}, below the position: it was truncated",
                end = log.end
            ),
        ),
        Some(_) => (State::Running, Words::none()),
    }
}
