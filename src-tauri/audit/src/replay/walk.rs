//! The walk along the queue: every retained message against what stands in the ledger at its offset, in one snapshot.
//! What is right is added up on the way, so that the stored sums can be held against it.
//! Must never take a message that was not read for one that never was: only stretches that were read to their end,
//! within what the log retains, prove that a row has no message.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::findings::{Cause, Phase};
use domain::entry::Entry;
use domain::error::{Code, Error, Result};
use domain::ioentry;
use domain::words;
use ledger::{Incoming, Ledger, SourceRow, Standing, StandingRow, Table, payload_hash};
use queue::Message;
use queue::history::History;
use stock::SourceName;

use super::findings::{Finding, Kind, Remedy, RowRemedy};
use super::found::{Found, MOST};
use super::{PATIENCE, Scope, advance};
use crate::watch::Watch;

/// Messages compared at a time; bounds memory. Where there are many tables, each look into all of them must pay.
const CHUNK: usize = 20_000;
const LARGE_CHUNK: usize = 60_000;
const MANY_TABLES: usize = 2_000;
/// Offsets of rows beyond proof read at a time.
const STRETCH: i64 = 50_000;
/// Foreign rows whose doubles are looked for; the others are called extra.
const MOST_LOOKED: usize = 2_000;
/// From fewer compared messages it is not concluded that the log is another one.
const ENOUGH: u64 = 20;

/// A message that no row and no rejection stands for.
struct Candidate {
    source_id: i64,
    message: Message,
    entry: Entry,
}

pub(super) struct Walk<'a> {
    pub ledger: &'a Ledger,
    pub scope: &'a Scope,
    pub watch: &'a Watch,
    pub found: Found,
    candidates: Vec<Candidate>,
    /// Rows that are no entries: source's id and offset.
    removed: HashSet<(i64, i64)>,
    /// Of the source at hand: messages compared, rows that say something else, and whether its last one is another.
    compared: u64,
    changed: u64,
    other_last: bool,
}

impl<'a> Walk<'a> {
    pub fn new(ledger: &'a Ledger, scope: &'a Scope, watch: &'a Watch) -> Self {
        Walk {
            ledger,
            scope,
            watch,
            found: Found::default(),
            candidates: Vec::new(),
            removed: HashSet::new(),
            compared: 0,
            changed: 0,
            other_last: false,
        }
    }

    /// Everything but sums and stock. False: cancelled.
    pub async fn all(&mut self, standing: &mut Standing, history: &dyn History) -> Result<bool> {
        self.found.tables = standing.tables.len() as u64;
        for table in &standing.gone {
            self.found.add(Finding::of_table(table));
        }
        let sources = standing.sources().to_vec();
        let whole: i64 = sources.iter().map(|source| source.next_offset).sum();
        self.watch.begin(Phase::Queue, whole.unsigned_abs());
        for source in &sources {
            self.found.cut.insert(source.id, source.next_offset);
            self.found.names.insert(source.id, source.name.clone());
            if !self.source(standing, source, history).await? {
                return Ok(false);
            }
        }
        self.outside(standing).await?;
        self.decide(standing).await?;
        self.name_doubles(standing).await?;
        Ok(true)
    }

    async fn source(
        &mut self,
        standing: &mut Standing,
        source: &SourceRow,
        history: &dyn History,
    ) -> Result<bool> {
        let next = source.next_offset;
        let kept = history.kept(&source.identity).await?;
        let start = kept.map_or(next, |kept| kept.start.min(next));
        let end = kept.map_or(next, |kept| kept.end.clamp(start, next));
        (self.compared, self.changed, self.other_last) = (0, 0, false);
        self.beyond_proof(standing, source, (0, start)).await?;
        if start < end {
            let mut reader = history.open(&source.identity, start, end).await?;
            let chunk = if standing.tables.len() > MANY_TABLES { LARGE_CHUNK } else { CHUNK };
            let mut at = start;
            while at < end {
                if self.watch.is_cancelled() {
                    return Ok(false);
                }
                let Some(chunk) = reader.next(chunk, PATIENCE).await? else {
                    standing.stay().await?;
                    continue;
                };
                let to = chunk.next_offset.min(end);
                let rows = standing.rows(source.id, at, to).await?;
                let rejected = standing.rejected(source.id, at, to).await?;
                self.compare(source, chunk.messages, rows, rejected);
                advance(self.watch, (to - at).unsigned_abs(), &self.found);
                at = to;
            }
        }
        self.beyond_proof(standing, source, (end, next)).await?;
        if self.other_last && self.compared >= ENOUGH && self.changed * 2 > self.compared {
            let words = words!(
                "log_is_another",
                "The log of source {source} is not the one that was counted: offsets were reused. Nothing of it proves anything.",
                source = source.name
            );
            return Err(Error::new(Code::Corrupt, words));
        }
        Ok(true)
    }

    /// Rows whose messages the queue no longer has, or does not have yet: counted as they stand.
    async fn beyond_proof(
        &mut self,
        standing: &mut Standing,
        source: &SourceRow,
        (from, to): (i64, i64),
    ) -> Result<()> {
        let mut at = from;
        if from < to {
            self.found.suspects.insert(source.id);
        }
        while at < to {
            let Some(first) = standing.first_from(source.id, at).await?.filter(|first| *first < to) else {
                return Ok(());
            };
            let end = to.min(first.saturating_add(STRETCH));
            let rows = standing.rows(source.id, first, end).await?;
            self.found.rows += rows.len() as u64;
            for row in rows {
                if self.scope.key(&row.key())
                    && let Some(entry) = row.entry()
                {
                    self.found.beyond += 1;
                    self.found.right.count(source.id, row.source_offset, &entry);
                }
            }
            let rejected = standing.rejected(source.id, first, end).await?.len();
            self.found.right.reject(source.id, rejected as i64);
            if self.scope.everything() {
                self.found.beyond += rejected as u64;
            }
            at = end;
        }
        Ok(())
    }

    fn compare(
        &mut self,
        source: &SourceRow,
        messages: Vec<Message>,
        rows: Vec<StandingRow>,
        mut rejected: HashMap<i64, String>,
    ) {
        self.found.rows += rows.len() as u64;
        self.found.messages += messages.len() as u64;
        let mut by_offset: BTreeMap<i64, Vec<StandingRow>> = BTreeMap::new();
        for row in rows {
            by_offset.entry(row.source_offset).or_default().push(row);
        }
        for message in messages {
            if message.offset == source.last_offset {
                self.other_last = payload_hash(&message.payload) != source.last_hash;
            }
            let rows = by_offset.remove(&message.offset).unwrap_or_default();
            let kind = rejected.remove(&message.offset);
            self.message(source, message, rows, kind);
        }
        for row in by_offset.into_values().flatten() {
            self.no_entry(Kind::Extra, Cause::RowForeign, Some(&source.name), row);
        }
        for offset in rejected.into_keys().filter(|_| self.scope.everything()) {
            let remedy = RowRemedy { unreject: Some((source.id, offset)), ..RowRemedy::default() };
            self.found.add(Finding::of_rejected(Kind::Extra, &source.name, offset, remedy));
        }
    }

    /// A row that is no entry: it leaves.
    fn no_entry(&mut self, kind: Kind, cause: Cause, source: Option<&SourceName>, row: StandingRow) {
        if !self.scope.key(&row.key()) {
            return;
        }
        self.removed.insert((row.source_id, row.source_offset));
        let offset = row.source_offset;
        self.keep(Finding::of_row(kind, cause, source, offset, Some(row), None));
    }

    /// Keeps a finding of a row when its day is asked for.
    fn keep(&mut self, finding: Finding) {
        let Remedy::Row(row) = &finding.remedy else { return self.found.add(finding) };
        let stands = row.remove.as_ref().and_then(|row| row.entry()).map(|entry| entry.day());
        let wanted = row.restore.as_ref().map(|(_, _, entry)| entry.day());
        let unknown = stands.is_none() && wanted.is_none();
        if unknown || [stands, wanted].into_iter().flatten().any(|day| self.scope.day(day)) {
            self.found.add(finding);
        }
    }

    /// One message with what stands at its offset.
    fn message(
        &mut self,
        source: &SourceRow,
        message: Message,
        rows: Vec<StandingRow>,
        kept_aside: Option<String>,
    ) {
        let Ok(entry) = ioentry::decode(&message.payload) else {
            for row in rows {
                self.no_entry(Kind::Extra, Cause::RowForeign, Some(&source.name), row);
            }
            return self.kept_aside(source, message, kept_aside.is_some());
        };
        let key = entry.key();
        if !self.scope.key(&key) && !rows.iter().any(|row| self.scope.key(&row.key())) {
            return;
        }
        self.compared += 1;
        let offset = message.offset;
        let mut unreject = None;
        match kept_aside.as_deref() {
            Some(_) if rows.is_empty() => return self.found.right.reject(source.id, 1),
            Some("duplicate") => {
                for row in rows {
                    self.no_entry(Kind::Doubled, Cause::RowDoubled, Some(&source.name), row);
                }
                return self.found.right.reject(source.id, 1);
            }
            Some(_) => unreject = Some((source.id, offset)),
            None => {}
        }
        if rows.is_empty() {
            let candidate = Candidate { source_id: source.id, message, entry };
            match self.candidates.len() < MOST {
                true => self.candidates.push(candidate),
                false => self.found.more += 1,
            }
            return;
        }
        if let Some(place) = unreject.filter(|_| self.scope.everything()) {
            let remedy = RowRemedy { unreject: Some(place), ..RowRemedy::default() };
            self.found.add(Finding::of_rejected(Kind::Extra, &source.name, offset, remedy));
        }
        if self.scope.key(&key) {
            self.found.right.count(source.id, offset, &entry);
        }
        self.rows(source, entry, rows, offset);
    }

    /// Rows at the offset of an entry that counts: one is right, or is made so; the others are doubles.
    fn rows(&mut self, source: &SourceRow, entry: Entry, mut rows: Vec<StandingRow>, offset: i64) {
        let name = Some(&source.name);
        match rows.iter().position(|row| row.is(&entry)) {
            Some(right) => drop(rows.swap_remove(right)),
            None => {
                self.changed += 1;
                let (row, wanted) = (rows.swap_remove(0), Some((source.id, entry)));
                let cause = Cause::RowChanged;
                self.keep(Finding::of_row(Kind::Changed, cause, name, offset, Some(row), wanted));
            }
        }
        for row in rows {
            self.keep(Finding::of_row(Kind::Doubled, Cause::RowDoubled, name, offset, Some(row), None));
        }
    }

    /// A message that is not to be counted must lie in `rejected_entries`.
    fn kept_aside(&mut self, source: &SourceRow, message: Message, there: bool) {
        self.found.right.reject(source.id, 1);
        if there || !self.scope.everything() {
            return;
        }
        let offset = message.offset;
        let remedy = RowRemedy { reject: Some((source.id, incoming(message))), ..RowRemedy::default() };
        self.found.add(Finding::of_rejected(Kind::Missing, &source.name, offset, remedy));
    }

    /// Rows and kept messages at no place of any log.
    async fn outside(&mut self, standing: &mut Standing) -> Result<()> {
        for row in standing.outside().await? {
            let source = standing.sources().iter().find(|source| source.id == row.source_id);
            self.no_entry(Kind::Extra, Cause::RowForeign, source.map(|source| &source.name), row);
        }
        if !self.scope.everything() {
            return Ok(());
        }
        for (id, offset) in standing.rejected_outside().await? {
            let source = standing.sources().iter().find(|source| source.id == id);
            let name = source.map_or_else(|| SourceName::from("?"), |source| source.name.clone());
            let remedy = RowRemedy { unreject: Some((id, offset)), ..RowRemedy::default() };
            self.found.add(Finding::of_rejected(Kind::Extra, &name, offset, remedy));
        }
        Ok(())
    }

    /// Messages that nothing stands for: outside the window or counted elsewhere they are to be kept aside, else a row
    /// is missing.
    async fn decide(&mut self, standing: &mut Standing) -> Result<()> {
        let mut ids = HashSet::new();
        for candidate in std::mem::take(&mut self.candidates) {
            let Candidate { source_id, message, entry } = candidate;
            let offset = message.offset;
            let name = self.found.names.get(&source_id).cloned();
            let message = incoming(message);
            let id = entry.entry_id.map(|id| (entry.day(), entry.product_id.clone(), id));
            let elsewhere = standing.id_places(&entry).await?;
            let elsewhere = elsewhere.into_iter().any(|place| !self.removed.contains(&place));
            let counted = self.ledger.countable(&message) && !elsewhere && id.is_none_or(|id| ids.insert(id));
            if !counted {
                self.found.right.reject(source_id, 1);
                if let Some(name) = name.filter(|_| self.scope.everything()) {
                    let remedy = RowRemedy { reject: Some((source_id, message)), ..RowRemedy::default() };
                    self.found.add(Finding::of_rejected(Kind::Missing, &name, offset, remedy));
                }
                continue;
            }
            self.found.right.count(source_id, offset, &entry);
            let of_gone = standing.gone.iter().any(|table| holds(table, &entry));
            let cause = if of_gone { Cause::TableMissing } else { Cause::RowMissing };
            let wanted = Some((source_id, entry));
            self.keep(Finding::of_row(Kind::Missing, cause, name.as_ref(), offset, None, wanted));
        }
        Ok(())
    }

    /// A foreign row beside which the same entry stands under its own offset is a double.
    async fn name_doubles(&mut self, standing: &mut Standing) -> Result<()> {
        let mut looked = 0;
        for finding in &mut self.found.findings {
            let Remedy::Row(remedy) = &finding.remedy else { continue };
            let (Cause::RowForeign, Some(row)) = (finding.cause, &remedy.remove) else { continue };
            looked += 1;
            if looked > MOST_LOOKED {
                break;
            }
            let alike = standing.alike(row).await?;
            if alike.iter().any(|place| !self.removed.contains(place)) {
                (finding.kind, finding.cause) = (Kind::Doubled, Cause::RowDoubled);
            }
        }
        Ok(())
    }
}

fn incoming(message: Message) -> Incoming {
    Incoming {
        offset: message.offset,
        timestamp_ms: message.timestamp_ms,
        decoded: ioentry::decode(&message.payload),
        payload: message.payload,
    }
}

/// Whether the entry's row would stand in this table.
fn holds(table: &Table, entry: &Entry) -> bool {
    table.product.as_ref().is_none_or(|product| *product == entry.product_id)
        && (table.first_day..=table.last_day).contains(&entry.day())
}
