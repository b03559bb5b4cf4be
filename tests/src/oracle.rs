//! The judge: replays the queue by its own reading of the rules and demands that both stores hold exactly that.
//! Every finding has a kind, so that planted corruption can be asked for by name. Never reads a server itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::digest;
use crate::snapshot::{Rejected, Row, Snapshot, Source};
use crate::spec::{self, Entry};
use crate::truth::{Message, Topic};

/// Largest magnitude of a `balances` row.
const LARGEST: i64 = 1 << 49;

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Kind, snake_case.
    pub kind: &'static str,
    /// What, where, and what it should be.
    pub what: String,
}

/// How to judge.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// `[entries] oldest_days`.
    pub oldest: i64,
    /// `[entries] newest_days`.
    pub newest: i64,
    /// Is everything said to be counted? Otherwise only what lies below `next_offset` is judged.
    pub drained: bool,
}

impl Rules {
    /// The defaults, everything counted.
    pub fn drained() -> Rules {
        Rules { oldest: 3660, newest: 2, drained: true }
    }
}

type Place = (i64, i64);

/// What the replay says, for `balances`, `day_totals`, counters and stock.
#[derive(Debug, Default)]
struct Expected {
    /// source id → entries, rejected, signed, digest.
    counters: BTreeMap<i64, [i64; 4]>,
    balances: BTreeMap<(i64, String, String), [i64; 3]>,
    totals: BTreeMap<(String, String, String), [i64; 3]>,
    /// (source id, stock key) → (offset, sum) after each counted entry.
    steps: BTreeMap<(i64, String), Vec<(i64, i64)>>,
}

struct Judge<'a> {
    snapshot: &'a Snapshot,
    rules: Rules,
    rows: HashMap<Place, &'a Row>,
    rejected: HashMap<Place, &'a Rejected>,
    /// (product, day, entry_id) → where it is counted.
    counted: HashMap<(String, String, String), Vec<Place>>,
    expected: Expected,
    faults: Vec<Fault>,
}

/// Judges both stores against the queue. Empty: all is as it must be.
pub fn judge(topic: &Topic, snapshot: &Snapshot, rules: Rules) -> Vec<Fault> {
    let mut judge = Judge {
        snapshot,
        rules,
        rows: HashMap::new(),
        rejected: HashMap::new(),
        counted: HashMap::new(),
        expected: Expected::default(),
        faults: Vec::new(),
    };
    judge.index();
    let mut known: BTreeSet<Place> = BTreeSet::new();
    for (partition, messages) in &topic.messages {
        let Some(source) = judge.source_of(topic, *partition) else { continue };
        let mut taken = messages.iter().filter(|message| message.offset < source.next_offset);
        for message in taken.clone() {
            known.insert((source.id, message.offset));
            judge.message(&source, message);
        }
        judge.last_taken(&source, taken.next_back());
    }
    judge.nothing_else(&known);
    judge.tiers();
    judge.totals();
    judge.stock();
    judge.faults
}

impl Judge<'_> {
    fn fault(&mut self, kind: &'static str, what: impl Into<String>) {
        self.faults.push(Fault { kind, what: what.into() });
    }

    fn index(&mut self) {
        let snapshot = self.snapshot;
        for row in &snapshot.rows {
            let place = (row.source, row.offset);
            if let Some(other) = self.rows.insert(place, row) {
                self.fault("row_doubled", format!("{place:?} in {} and {}", other.table, row.table));
            }
            if let Some(id) = &row.entry.entry_id {
                let same = (row.entry.product.clone(), row.entry.day().to_owned(), id.clone());
                self.counted.entry(same).or_default().push(place);
            }
        }
        for rejected in &snapshot.rejected {
            let place = (rejected.source, rejected.offset);
            if self.rejected.insert(place, rejected).is_some() {
                self.fault("rejected_doubled", format!("{place:?}"));
            }
        }
    }

    fn source_of(&mut self, topic: &Topic, partition: i32) -> Option<Source> {
        let end = topic.ends[&partition];
        let mine = self.snapshot.sources.iter().filter(|s| s.topic == topic.name && s.partition == partition);
        let found: Vec<Source> = mine.cloned().collect();
        match found.as_slice() {
            [source] => {
                let name = format!("{}.{partition}", &source.uuid[..8]);
                if source.name != name {
                    self.fault("source_wrong", format!("named {} instead of {name}", source.name));
                }
                let short =
                    if self.rules.drained { source.next_offset != end } else { source.next_offset > end };
                if short {
                    self.fault("position_wrong", format!("{name} at {} of {end}", source.next_offset));
                }
                Some(source.clone())
            }
            [] if end == 0 || !self.rules.drained => None,
            _ => {
                self.fault("source_wrong", format!("partition {partition} has {} sources", found.len()));
                None
            }
        }
    }

    /// One message: exactly one place, and the right one.
    fn message(&mut self, source: &Source, message: &Message) {
        let place = (source.id, message.offset);
        let row = self.rows.get(&place).copied();
        let rejected = self.rejected.get(&place).copied();
        let counters = self.expected.counters.entry(source.id).or_default();
        match (row, rejected) {
            (Some(_), Some(_)) => self.fault("row_doubled", format!("{place:?} is counted and rejected")),
            (None, None) => self.fault("row_missing", format!("{place:?} is nowhere")),
            (None, Some(_)) => counters[1] += 1,
            (Some(_), None) => {}
        }
        if let Some(rejected) = rejected
            && (rejected.payload != message.payload || rejected.reason.is_empty())
        {
            self.fault("rejected_changed", format!("{place:?}: {} {:?}", rejected.kind, rejected.reason));
        }
        let kind = rejected.map_or("counted", |rejected| rejected.kind.as_str());
        match spec::read(&message.payload) {
            Err(wrong) => {
                let field = rejected.map_or("", |rejected| rejected.field.as_str());
                if kind != "invalid" || !wrong.contains(&field) {
                    let what = format!("{place:?} is {kind} by {field:?}, wrong are {wrong:?}");
                    self.fault("verdict_wrong", what);
                }
            }
            Ok(entry) => self.entry(place, message, &entry, row, kind),
        }
    }

    fn entry(&mut self, place: Place, message: &Message, entry: &Entry, row: Option<&Row>, kind: &str) {
        if !spec::in_window(entry.day(), message.timestamp_ms, self.rules.oldest, self.rules.newest) {
            if kind != "window" {
                self.fault("verdict_wrong", format!("{place:?} is {kind}, outside the window"));
            }
            return;
        }
        let same = entry.entry_id.clone().map(|id| (entry.product.clone(), entry.day().to_owned(), id));
        let counted = same.and_then(|same| self.counted.get(&same)).cloned().unwrap_or_default();
        let earlier = counted.iter().any(|other| other.0 != place.0 || other.1 < place.1);
        let key = (place.0, entry.key());
        let sum = self.expected.steps.get(&key).and_then(|steps| steps.last()).map_or(0, |step| step.1);
        let overflow = (sum + entry.signed()).abs() > LARGEST;
        match kind {
            "duplicate" if earlier => return,
            "overflow" if overflow => return,
            "counted" if overflow || counted.len() > 1 => {
                self.fault("verdict_wrong", format!("{place:?} is counted: overflow or a duplicate"));
            }
            "counted" => {}
            _ => self.fault("verdict_wrong", format!("{place:?} is {kind}, to be counted")),
        }
        if let Some(row) = row
            && row.entry != *entry
        {
            self.fault("row_changed", format!("{place:?} in {}: {:?} for {entry:?}", row.table, row.entry));
        }
        self.count(place, entry, sum);
    }

    fn count(&mut self, place: Place, entry: &Entry, sum: i64) {
        let signed = entry.signed();
        let counters = self.expected.counters.entry(place.0).or_default();
        counters[0] += 1;
        counters[2] += signed;
        counters[3] = counters[3].wrapping_add(digest::of(entry, place.1) as i64);
        let key = (place.0, entry.warehouse.clone(), entry.product.clone());
        let balance = self.expected.balances.entry(key).or_default();
        *balance = [place.1, balance[1] + signed, balance[2] + 1];
        let key = (entry.day().to_owned(), entry.product.clone(), entry.warehouse.clone());
        let total = self.expected.totals.entry(key).or_default();
        total[usize::from(entry.drcr < 0)] += entry.quantity;
        total[2] += 1;
        self.expected.steps.entry((place.0, entry.key())).or_default().push((place.1, sum + signed));
    }

    fn last_taken(&mut self, source: &Source, last: Option<&Message>) {
        let offset = last.map_or(-1, |message| message.offset);
        let hash = last.map(|message| xxhash_rust::xxh3::xxh3_64(&message.payload) as i64);
        if source.last_offset != offset || hash.is_some_and(|hash| hash != source.last_hash) {
            let what = format!("{}: last taken {} {}", source.name, source.last_offset, source.last_hash);
            self.fault("source_wrong", format!("{what}, should be {offset} {hash:?}"));
        }
        let expected = self.expected.counters.get(&source.id).copied().unwrap_or_default();
        let found = [source.entries, source.rejected, source.signed_quantity, source.digest];
        if found != expected {
            self.fault("source_wrong", format!("{} counts {found:?} for {expected:?}", source.name));
        }
    }

    fn nothing_else(&mut self, known: &BTreeSet<Place>) {
        let rows: Vec<Place> = self.rows.keys().filter(|place| !known.contains(place)).copied().collect();
        for place in rows {
            self.fault("row_foreign", format!("row {place:?} is not in the queue"));
        }
        let kept: Vec<Place> = self.rejected.keys().filter(|place| !known.contains(place)).copied().collect();
        for place in kept {
            self.fault("row_foreign", format!("rejected {place:?} is not in the queue"));
        }
    }

    /// Every row in the table where its product and day belong.
    fn tiers(&mut self) {
        let snapshot = self.snapshot;
        for row in &snapshot.rows {
            let day = row.entry.day();
            let right = match snapshot.days.get(day).map(String::as_str) {
                Some("compacted") => format!("entries_{}", &day.replace('-', "")[..6]),
                _ => {
                    let slug = snapshot.slugs.get(&row.entry.product).cloned().unwrap_or_default();
                    format!("t_{slug}_{}", day.replace('-', ""))
                }
            };
            let day_column = row.day.as_deref().is_none_or(|column| column == day);
            let known = snapshot.days.contains_key(day);
            if row.table != right || !day_column || !known {
                self.fault(
                    "row_misplaced",
                    format!("{} {day} in {}, not {right}", row.entry.product, row.table),
                );
            }
        }
        for table in &snapshot.tables {
            let digits = table.first.replace('-', "");
            let right = match &table.product {
                Some(product) => {
                    format!("t_{}_{digits}", snapshot.slugs.get(product).cloned().unwrap_or_default())
                }
                None => format!("entries_{}", &digits[..6]),
            };
            let span = table.product.is_none() || table.first == table.last;
            if table.name != right || !span {
                self.fault("table_misnamed", format!("{table:?}, should be {right}"));
            }
        }
        for name in snapshot.leftovers.iter().filter(|_| self.rules.drained) {
            self.faults.push(Fault { kind: "table_left", what: name.clone() });
        }
    }

    fn totals(&mut self) {
        let balances = differences(&self.expected.balances, &self.snapshot.balances);
        let totals = differences(&self.expected.totals, &self.snapshot.totals);
        balances.into_iter().for_each(|what| self.fault("balances_wrong", what));
        totals.into_iter().for_each(|what| self.fault("totals_wrong", what));
    }

    fn stock(&mut self) {
        let snapshot = self.snapshot;
        let names: HashMap<&str, i64> = snapshot.sources.iter().map(|s| (s.name.as_str(), s.id)).collect();
        let mut known: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
        for (source, key) in self.expected.steps.keys() {
            known.entry(key.clone()).or_default().insert(*source);
        }
        for key in known.keys().filter(|key| self.rules.drained && !snapshot.stock.contains_key(*key)) {
            self.faults.push(Fault { kind: "stock_missing", what: key.clone() });
        }
        for (key, value) in snapshot.stock.iter().filter(|(key, _)| key.contains(':')) {
            match known.get(key) {
                // An audit takes away what is too much, never the key.
                None if nothing(value) => {}
                None => self.fault("stock_unknown_key", format!("{key} = {value}")),
                Some(sources) => {
                    if let Err(what) = self.value(key, value, &names, sources) {
                        self.fault("stock_wrong", format!("{key} = {value}: {what}"));
                    }
                }
            }
        }
    }

    /// One stock value against the replay at its own `at`; `sources` counted entries of it.
    fn value(
        &self,
        key: &str,
        value: &str,
        names: &HashMap<&str, i64>,
        sources: &BTreeSet<i64>,
    ) -> Result<(), String> {
        let value: serde_json::Value = serde_json::from_str(value).map_err(|e| e.to_string())?;
        let integer =
            |value: &serde_json::Value| value.as_i64().ok_or_else(|| format!("{value} is no integer"));
        let (base, change) = (integer(&value["base"])?, integer(&value["change"])?);
        let at = value["at"].as_object().ok_or("no `at`")?;
        let mut sums = 0;
        let mut seen = BTreeSet::new();
        for (name, state) in at {
            let (offset, sum) = (integer(&state[0])?, integer(&state[1])?);
            let source = *names.get(name.as_str()).ok_or_else(|| format!("unknown source {name}"))?;
            let steps = self.expected.steps.get(&(source, key.to_owned())).ok_or("nothing counted there")?;
            let step = steps.iter().find(|step| step.0 == offset).ok_or("counted offset unknown")?;
            if step.1 != sum {
                return Err(format!("sum {sum} at {offset} of {name}, the replay says {}", step.1));
            }
            if self.rules.drained && steps.last() != Some(step) {
                return Err(format!("{name} stands at {offset}, the last is {:?}", steps.last()));
            }
            seen.insert(source);
            sums += sum;
        }
        if base + change != sums {
            return Err(format!("base + change is {}, the sums give {sums}", base + change));
        }
        if self.rules.drained && !sources.is_subset(&seen) {
            return Err("a source is missing in `at`".into());
        }
        Ok(())
    }
}

/// A value of 0 that counted nothing.
fn nothing(value: &str) -> bool {
    let value: serde_json::Value = serde_json::from_str(value).unwrap_or_default();
    let sum = value["base"].as_i64().zip(value["change"].as_i64()).map(|(base, change)| base + change);
    sum == Some(0) && value["at"].as_object().is_some_and(serde_json::Map::is_empty)
}

fn differences<K: Ord + Clone + std::fmt::Debug>(
    expected: &BTreeMap<K, [i64; 3]>,
    found: &[(K, [i64; 3])],
) -> Vec<String> {
    let mut left = expected.clone();
    let mut faults = Vec::new();
    for (key, numbers) in found {
        match left.remove(key) {
            Some(right) if right == *numbers => {}
            Some(right) => faults.push(format!("{key:?} is {numbers:?}, should be {right:?}")),
            None if *numbers == [0, 0, 0] => {}
            None => faults.push(format!("{key:?} is {numbers:?}, should not be there (or not twice)")),
        }
    }
    faults.extend(left.iter().map(|(key, right)| format!("{key:?} is missing, should be {right:?}")));
    faults
}
