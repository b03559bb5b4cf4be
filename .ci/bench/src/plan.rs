//! Which measurements are taken, in which order: shape by shape, round by round, every second round backwards, so
//! that whoever comes first or last has no steady advantage.

use anyhow::{Context, Result};
use clap::ValueEnum as _;
use serde_json::json;

use crate::backlog::{self, Backlog};
use crate::data::{Line, Shape};
use crate::figures::percentile;
use crate::place::Place;
use crate::results::{Results, Taken};
use crate::usage::round;
use crate::{Options, Part, SEED, alone, halves, latency, raw_rows, raw_stock, spec, topic};

const QUICK: u64 = 100_000;
const FULL: u64 = 400_000;
/// SQLite's own default limit of day tables.
const SQLITE_TABLES: u64 = 2_000;

/// One shape with what its parts share.
struct Bench<'a> {
    place: &'a Place,
    options: &'a Options,
    shape: Shape,
    topic: String,
    lines: Vec<Line>,
    /// The bare client's best number of connections, once it is known.
    connections: Option<usize>,
}

/// Everything that the options ask for.
pub fn measure(place: &Place, options: &Options) -> Result<Results> {
    let mut results = Results::default();
    if options.only.is_empty() && options.long.is_some() {
        long(place, options, &mut results)?;
        return Ok(results);
    }
    for products in &options.products {
        for days in &options.days {
            let shape = Shape {
                products: *products,
                days: *days,
                entries: options.entries.unwrap_or(if options.quick { QUICK } else { FULL }),
                in_order: options.in_order,
                ids: !options.no_ids,
                day_tables: options.day_tables,
            };
            one_shape(place, options, shape, &mut results).with_context(|| shape.name())?;
        }
    }
    if options.long.is_some() {
        long(place, options, &mut results)?;
    }
    Ok(results)
}

fn one_shape(place: &Place, options: &Options, shape: Shape, results: &mut Results) -> Result<()> {
    let topic = format!("bench-{}", shape.slug());
    let lines: Vec<Line> = shape.lines(SEED).collect();
    let reads = [Part::Kafka, Part::Twinstock, Part::Cold];
    let filled = reads.iter().any(|part| options.wants(*part));
    if filled {
        eprintln!("\n{}: filling the topic with {} entries", shape.name(), shape.entries);
        topic::fill(place, &topic, "lz4", lines.iter().copied())?;
    }
    let mut bench = Bench { place, options, shape, topic, lines, connections: None };
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 3 });
    for number in 0..rounds {
        let mut parts: Vec<Part> = Part::value_variants().to_vec();
        parts.retain(|part| options.wants(*part));
        if number % 2 == 1 {
            parts.reverse();
        }
        for part in parts {
            bench.part(part, number, results).with_context(|| format!("{part:?}"))?;
        }
    }
    if filled {
        topic::delete(place, &bench.topic)?;
    }
    place.drop_database("bench_raw")
}

impl Bench<'_> {
    fn part(&mut self, part: Part, round: usize, results: &mut Results) -> Result<()> {
        match part {
            Part::Raw => self.raw(results),
            Part::Redis => self.redis(results),
            Part::Kafka => self.kafka(results),
            Part::Halves => self.halves(results),
            Part::Twinstock => self.twinstock(results),
            // What takes long and is no part of a ratio is taken once; so is the peer, which is slow.
            Part::Cold if round == 0 => self.cold(results),
            Part::Spec if round == 0 && self.shape.days == self.first_days() => self.spec(results),
            Part::Latency if round == 0 && self.shape.days == self.first_days() => self.latency(results),
            Part::Standalone => self.standalone(results),
            Part::Cold | Part::Spec | Part::Latency => Ok(()),
        }
    }

    fn first_days(&self) -> u64 {
        self.options.days.first().copied().unwrap_or(1)
    }

    fn take(&self, results: &mut Results, name: &'static str, taken: Taken) {
        eprintln!(
            "  {name:<16} {:>10.0} {}   ({:.1} s, others {:.0} %)",
            taken.value, taken.unit, taken.usage.seconds, taken.usage.others
        );
        results.add(self.shape, name, taken);
    }

    fn entries(&self) -> f64 {
        self.shape.entries as f64
    }

    fn raw(&mut self, results: &mut Results) -> Result<()> {
        let tried = self.connections.map_or_else(raw_rows::connections, |best| vec![best]);
        let mut best: Option<Taken> = None;
        for over in tried {
            let batch = self.options.raw_batch;
            let usage = raw_rows::insert(self.place, &self.shape, &self.lines, over, batch)?;
            let details = json!({ "connections": over, "rows_per_transaction": batch });
            let taken = Taken::rate(self.entries(), usage, details);
            eprintln!("  {:<16} {:>10.0} rows/s over {over} connections", "", taken.value);
            if best.as_ref().is_none_or(|best| taken.value > best.value) {
                self.connections = Some(over);
                best = Some(taken);
            }
        }
        if let Some(best) = best {
            self.take(results, "raw rows", best);
        }
        Ok(())
    }

    fn redis(&mut self, results: &mut Results) -> Result<()> {
        let mut best: Option<Taken> = None;
        for over in [1, 2] {
            let batch = self.options.batch;
            let (entries, usage) = raw_stock::apply(self.place, &self.shape, &self.lines, over, batch)?;
            let details = json!({ "connections": over, "entries_per_batch": batch, "entries": entries });
            let taken = Taken::rate(entries, usage, details);
            if best.as_ref().is_none_or(|best| taken.value > best.value) {
                best = Some(taken);
            }
        }
        if let Some(best) = best {
            self.take(results, "raw script", best);
        }
        Ok(())
    }

    fn kafka(&mut self, results: &mut Results) -> Result<()> {
        let (bytes, usage) = topic::consume(self.place, &self.topic, self.shape.entries)?;
        let details = json!({ "bytes_per_entry": round(bytes as f64 / self.entries(), 1) });
        self.take(results, "kafka", Taken::rate(self.entries(), usage, details));
        Ok(())
    }

    fn spec(&mut self, results: &mut Results) -> Result<()> {
        let count = self.options.spec_entries.min(self.shape.entries);
        let usage = spec::measure(self.place, &self.lines[..count as usize])?;
        let details = json!({ "entries": count });
        self.take(results, "spec daemon", Taken::rate(count as f64, usage, details));
        Ok(())
    }

    fn halves(&mut self, results: &mut Results) -> Result<()> {
        let batch = self.options.batch;
        let seen = halves::measure(self.place, &self.shape, &self.lines, batch)?;
        let details = json!({ "entries_per_batch": batch, "mariadb": seen.counters });
        self.take(results, "ledger path", Taken::rate(self.entries(), seen.ledger, details));
        let details = json!({ "entries_per_batch": batch, "entries": seen.stock_entries });
        self.take(results, "stock path", Taken::rate(seen.stock_entries, seen.stock, details));
        Ok(())
    }

    fn twinstock(&mut self, results: &mut Results) -> Result<()> {
        let run = backlog::measure(self.place, &self.shape, &self.topic, true)?;
        self.backlog(results, "end to end", "steady", run);
        Ok(())
    }

    fn cold(&mut self, results: &mut Results) -> Result<()> {
        let run = backlog::measure(self.place, &self.shape, &self.topic, false)?;
        self.backlog(results, "tables on the way", "", run);
        Ok(())
    }

    fn backlog(&self, results: &mut Results, name: &'static str, steady: &'static str, run: Backlog) {
        let taken = Taken::rate(self.entries(), run.usage.clone(), run.details());
        self.take(results, name, taken);
        if steady.is_empty() {
            return;
        }
        if let Some(rate) = run.steady {
            self.take(results, steady, Taken::plain(rate, "entries/s", run.usage.clone()));
        }
        let ledger = self.entries() / run.ledger_seconds;
        self.take(results, "in the ledger", Taken::plain(ledger, "entries/s", run.usage.clone()));
        self.take(results, "peak memory", Taken::plain(run.peak_mb, "MB", run.usage));
    }

    fn latency(&mut self, results: &mut Results) -> Result<()> {
        let seconds = self.options.latency_seconds.unwrap_or(if self.options.quick { 8 } else { 20 });
        let seen = latency::measure(self.place, &self.shape, self.options.latency_rate, seconds)?;
        let details = json!({
            "rate": round(seen.rate, 1), "entries": seen.milliseconds.len(),
            "peak_mb": round(seen.peak_mb, 1),
            "cost": seen.usage.json(seen.rate * seen.usage.seconds),
        });
        let names =
            [("latency p50", 50.0), ("latency p90", 90.0), ("latency p99", 99.0), ("latency max", 100.0)];
        for (name, percent) in names {
            let ms = percentile(&seen.milliseconds, percent).context("nothing was seen")?;
            let taken = Taken {
                value: ms,
                unit: "ms",
                usage: seen.usage.clone(),
                entries: None,
                details: details.clone(),
            };
            self.take(results, name, taken);
        }
        Ok(())
    }

    fn standalone(&mut self, results: &mut Results) -> Result<()> {
        let shape = Shape { day_tables: self.shape.day_tables.min(SQLITE_TABLES), ..self.shape };
        let seen = alone::measure(self.place, &shape)?;
        let details = json!({ "peak_mb": round(seen.peak_mb, 1) });
        self.take(results, "standalone", Taken::rate(self.entries(), seen.usage.clone(), details));
        let names = [
            ("line durable p50", &seen.durable_ms, 50.0),
            ("line durable p99", &seen.durable_ms, 99.0),
            ("line counted p99", &seen.counted_ms, 99.0),
        ];
        for (name, values, percent) in names {
            let ms = percentile(values, percent).context("no line was posted")?;
            self.take(results, name, Taken::plain(ms, "ms", seen.usage.clone()));
        }
        Ok(())
    }
}

/// One long backlog: 100 products, 30 days.
fn long(place: &Place, options: &Options, results: &mut Results) -> Result<()> {
    let shape = Shape {
        products: options.products.get(1).copied().unwrap_or(100),
        days: 30,
        entries: options.long.unwrap_or_default(),
        in_order: true,
        ids: !options.no_ids,
        day_tables: options.day_tables,
    };
    let topic = format!("bench-long-{}", shape.slug());
    eprintln!("\n{}, in order: filling the topic with {} entries", shape.name(), shape.entries);
    topic::fill(place, &topic, "lz4", shape.lines(SEED))?;
    let run = backlog::measure(place, &shape, &topic, true)?;
    topic::delete(place, &topic)?;
    let growth = run.growth().context("too short to see whether memory grows")?;
    let bench = Bench { place, options, shape, topic, lines: Vec::new(), connections: None };
    let usage = run.usage.clone();
    bench.backlog(results, "end to end", "steady", run);
    bench.take(results, "memory growth", Taken::plain(growth, "MB", usage));
    Ok(())
}
