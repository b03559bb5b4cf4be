//! Twinstock from end to end: the topic is full, `inv-daemon run` starts, and the clock runs until both stores hold
//! everything. The ends are looked up in the stores themselves, by clients of the bench's own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};

use crate::data::{Shape, expected};
use crate::figures::Progress;
use crate::place::Place;
use crate::site::{Running, Site};
use crate::sql::Db;
use crate::usage::{Usage, Watch, memory, round, settle};

/// How often the ledger's positions are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How often memory is looked at.
const WEIGH: Duration = Duration::from_millis(250);
/// Without progress for this long the run has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Counters of MariaDB whose growth is told.
const COUNTERS: [&str; 11] = [
    "Com_commit",
    "Com_select",
    "Com_insert",
    "Com_update",
    "Com_create_table",
    "Handler_write",
    "Opened_tables",
    "Innodb_os_log_written",
    "Innodb_data_fsyncs",
    "Innodb_row_lock_waits",
    "Innodb_buffer_pool_wait_free",
];

/// One run.
pub struct Backlog {
    /// From the start of the process until both stores held everything.
    pub seconds: f64,
    /// Until the ledger held everything.
    pub ledger_seconds: f64,
    /// Until the ledger held anything.
    pub first_seconds: f64,
    /// Entries per second between a tenth and nine tenths.
    pub steady: Option<f64>,
    pub usage: Usage,
    /// Highest resident memory, MB.
    pub peak_mb: f64,
    /// Resident memory by part of the work done, MB: (part, MB).
    pub memory: Vec<(f64, f64)>,
    pub counters: Map<String, Value>,
}

/// Runs the backlog of `shape` in `topic` into empty stores.
pub fn measure(place: &Place, shape: &Shape, topic: &str, tables: bool) -> Result<Backlog> {
    let nothing = |_: &Site| Ok(|| Ok(()));
    measure_beside(place, shape, topic, tables, nothing).map(|(run, ())| run)
}

/// The same, with something else going on from the start of the process until both stores hold everything: `begin`
/// starts it and answers how it is ended. What the end tells is handed on.
pub fn measure_beside<T, E: FnOnce() -> Result<T>>(
    place: &Place,
    shape: &Shape,
    topic: &str,
    tables: bool,
    begin: impl FnOnce(&Site) -> Result<E>,
) -> Result<(Backlog, T)> {
    let wanted = expected(shape.lines(crate::SEED));
    let site = Site::cluster(place, shape, topic, tables)?;
    settle(&place.pids);
    let mut db = place.db(&site.database)?;
    let before = counters(&mut db)?;
    let mut watch = Watch::start(&place.pids)?;
    let begun = Instant::now();
    let mut running = site.start(&["run"])?;
    watch.add("daemon", running.pid());
    let end = begin(&site)?;
    let (progress, weights) = until_in_ledger(&mut db, &mut running, begun, shape.entries)?;
    let ledger_seconds = begun.elapsed().as_secs_f64();
    until_in_stock(place, shape, wanted, &mut running)?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut usage = watch.usage()?;
    usage.seconds = seconds;
    let grown = grown(&before, counters(&mut db)?);
    let peak_mb = memory(running.pid(), "VmHWM").unwrap_or(0.0);
    let told = end()?;
    running.stop()?;
    drop(db);
    site.remove(place)?;
    Ok((
        Backlog {
            seconds,
            ledger_seconds,
            first_seconds: progress.first().unwrap_or(ledger_seconds),
            steady: progress.steady(shape.entries as f64),
            usage,
            peak_mb,
            memory: weights,
            counters: grown,
        },
        told,
    ))
}

/// Looks at the positions until all entries are in the ledger.
fn until_in_ledger(
    db: &mut Db,
    running: &mut Running,
    begun: Instant,
    entries: u64,
) -> Result<(Progress, Vec<(f64, f64)>)> {
    let (mut progress, mut weights) = (Progress::default(), Vec::new());
    let (mut done, mut moved, mut weighed) = (0, Instant::now(), Instant::now());
    while done < entries {
        std::thread::sleep(LOOK);
        let now = db.number("SELECT CAST(SUM(next_offset) AS CHAR) FROM sources")?;
        progress.note(begun.elapsed().as_secs_f64(), now as f64);
        if now > done {
            (done, moved) = (now, Instant::now());
        } else {
            running.alive()?;
            let stuck = moved.elapsed() > PATIENCE;
            ensure!(!stuck, "the ledger stands still at {done} of {entries}: {}", running.words());
        }
        if weighed.elapsed() > WEIGH {
            weighed = Instant::now();
            weights.extend(memory(running.pid(), "VmRSS").map(|mb| (done as f64 / entries as f64, mb)));
        }
    }
    ensure!(done == entries, "the ledger took {done} messages, sent were {entries}");
    Ok((progress, weights))
}

/// Looks at the values until each holds its last entry and the right sum.
fn until_in_stock(
    place: &Place,
    shape: &Shape,
    mut wanted: BTreeMap<usize, (i64, i64)>,
    running: &mut Running,
) -> Result<()> {
    let mut connection = place.stock(false)?;
    let begun = Instant::now();
    loop {
        let keys: Vec<usize> = wanted.keys().copied().collect();
        for some in keys.chunks(1_000) {
            let names: Vec<String> = some.iter().map(|key| shape.key(*key)).collect();
            let values: Vec<Option<String>> = redis::cmd("MGET").arg(names).query(&mut connection)?;
            for (key, value) in some.iter().zip(values) {
                let place = value.as_deref().and_then(position);
                if place.is_some() && place == wanted.get(key).copied() {
                    wanted.remove(key);
                }
            }
        }
        let Some((key, (offset, sum))) = wanted.first_key_value() else { return Ok(()) };
        running.alive()?;
        let late = begun.elapsed() > PATIENCE;
        ensure!(!late, "{} is not at offset {offset} with the sum {sum}", shape.key(*key));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Offset and sum of the only source of a value, where its quantity is that sum.
pub fn position(value: &str) -> Option<(i64, i64)> {
    let value: Value = serde_json::from_str(value).ok()?;
    let (_, entry) = value["at"].as_object()?.iter().next()?;
    let (offset, sum) = (entry[0].as_i64()?, entry[1].as_i64()?);
    (value["base"].as_i64()? + value["change"].as_i64()? == sum).then_some((offset, sum))
}

/// Counters of the whole server.
pub fn counters(db: &mut Db) -> Result<BTreeMap<String, u64>> {
    let list = COUNTERS.map(|name| format!("'{name}'")).join(",");
    let rows = db.rows(&format!("SHOW GLOBAL STATUS WHERE Variable_name IN ({list})"))?;
    let pairs = rows.into_iter().filter_map(|row| {
        let mut cells = row.into_iter();
        Some((cells.next()??, cells.next()??.parse().ok()?))
    });
    Ok(pairs.collect())
}

/// How much the counters have grown.
pub fn grown(before: &BTreeMap<String, u64>, now: BTreeMap<String, u64>) -> Map<String, Value> {
    let growth = now.into_iter().map(|(name, now)| {
        let was = before.get(&name).copied().unwrap_or(0);
        (name, json!(now.saturating_sub(was)))
    });
    growth.collect()
}

impl Backlog {
    /// How much more memory the last fifth of the work used than the second fifth, in MB.
    pub fn growth(&self) -> Option<f64> {
        let highest = |from: f64, to: f64| {
            let within = self.memory.iter().filter(|(part, _)| *part >= from && *part < to);
            within.map(|(_, mb)| *mb).max_by(f64::total_cmp)
        };
        Some(highest(0.8, 1.1)? - highest(0.2, 0.4)?)
    }

    /// What a table does not show.
    pub fn details(&self) -> Value {
        let tenths: Vec<f64> = (0..10)
            .filter_map(|tenth| {
                let from = f64::from(tenth) / 10.0;
                self.memory.iter().find(|(part, _)| *part >= from).map(|(_, mb)| round(*mb, 1))
            })
            .collect();
        json!({
            "ledger_seconds": round(self.ledger_seconds, 3),
            "stock_seconds": round(self.seconds, 3),
            "first_seconds": round(self.first_seconds, 3),
            "steady_per_second": self.steady.map(|rate| round(rate, 0)),
            "peak_mb": round(self.peak_mb, 1),
            "memory_by_tenth_mb": tenths,
            "growth_mb": self.growth().map(|mb| round(mb, 1)),
            "mariadb": self.counters,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_only_where_it_is_whole() {
        let good = r#"{"base":100,"change":20,"at":{"8f3a01c2.3":[1234,120]}}"#;
        assert_eq!(position(good), Some((1234, 120)));
        assert_eq!(position(&good.replace("\"change\":20", "\"change\":21")), None, "its parts disagree");
        assert_eq!(position(r#"{"base":0,"change":0,"at":{}}"#), None);
        assert_eq!(position("gone"), None);
    }

    #[test]
    fn growth_leaves_the_start_out() {
        let memory = vec![(0.0, 20.0), (0.1, 90.0), (0.25, 60.0), (0.5, 61.0), (0.85, 63.0), (1.0, 62.0)];
        let run = Backlog {
            seconds: 1.0,
            ledger_seconds: 1.0,
            first_seconds: 0.1,
            steady: None,
            usage: Usage::default(),
            peak_mb: 90.0,
            memory,
            counters: Map::new(),
        };
        assert_eq!(run.growth(), Some(3.0));
    }
}
