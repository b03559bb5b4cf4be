//! How much the path loses while audits run back to back beside it: the same backlog without audits, beside quick ones,
//! without, beside full ones, and so on, so that a machine that grows slower or faster meanwhile favours nobody.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use crate::SEED;
use crate::audit::Options;
use crate::backlog::{Backlog, measure_beside};
use crate::data::Shape;
use crate::figures::Spread;
use crate::place::Place;
use crate::site::Site;
use crate::topic;
use crate::usage::round;

const TOPIC: &str = "audit-beside";
/// Throughput beside audits against throughput without.
const AIM: f64 = 0.8;

/// What runs beside the backlog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Beside {
    Nothing,
    Quick,
    Full,
}

/// One backlog.
struct Run {
    beside: Beside,
    /// Entries a second, from the start of the process until both stores hold everything.
    rate: f64,
    steady: Option<f64>,
    audits: u64,
}

/// Measures; null where it is not wanted.
pub fn measure(place: &Place, options: &Options) -> Result<Value> {
    if options.beside == 0 {
        return Ok(Value::Null);
    }
    let shape =
        Shape { products: options.beside_products, entries: options.beside, ids: true, ..Shape::plain() };
    eprintln!("beside audits: {}, filling the topic with {} entries", shape.name(), shape.entries);
    topic::fill(place, TOPIC, "lz4", shape.lines(SEED))?;
    let mut runs = Vec::new();
    for _ in 0..options.rounds {
        for beside in [Beside::Nothing, Beside::Quick, Beside::Nothing, Beside::Full] {
            runs.push(one(place, &shape, beside)?);
        }
    }
    topic::delete(place, TOPIC)?;
    told(&shape, &runs)
}

fn one(place: &Place, shape: &Shape, beside: Beside) -> Result<Run> {
    let (backlog, audits): (Backlog, u64) =
        measure_beside(place, shape, TOPIC, true, |site| back_to_back(site, beside))?;
    let rate = shape.entries as f64 / backlog.seconds;
    eprintln!(
        "  {:<8} {rate:>10.0} entries/s  ({:.1} s, {audits} audits, others {:.0} %)",
        format!("{beside:?}"),
        backlog.seconds,
        backlog.usage.others
    );
    Ok(Run { beside, rate, steady: backlog.steady, audits })
}

/// Audits one after the other; the answer ends them and tells how many there were. One that finds anything ends the
/// measurement: nothing is wrong in these stores.
fn back_to_back(site: &Site, beside: Beside) -> Result<impl FnOnce() -> Result<u64> + use<>> {
    let mut command = site.command(match beside {
        Beside::Full => &["audit", "--full", "--json"],
        _ => &["audit", "--json"],
    });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let stop = Arc::new(AtomicBool::new(beside == Beside::Nothing));
    let told = Arc::clone(&stop);
    let audits = std::thread::spawn(move || -> Result<u64> {
        let mut done = 0;
        while !told.load(Ordering::Relaxed) {
            let out = command.output().context("an audit cannot be started")?;
            let words = String::from_utf8_lossy(&out.stdout);
            let errors = String::from_utf8_lossy(&out.stderr);
            ensure!(out.status.success(), "an audit ended with {}: {words:.2000} {errors:.2000}", out.status);
            done += 1;
        }
        Ok(done)
    });
    Ok(move || {
        stop.store(true, Ordering::Relaxed);
        audits.join().map_err(|_| anyhow!("the audits' thread is gone"))?
    })
}

fn told(shape: &Shape, runs: &[Run]) -> Result<Value> {
    let of = |beside: Beside| runs.iter().filter(move |run| run.beside == beside);
    let spread = |beside: Beside| {
        let rates: Vec<f64> = of(beside).map(|run| run.rate).collect();
        Spread::of(&rates).context("no round was measured")
    };
    let without = spread(Beside::Nothing)?;
    let mut told = json!({
        "products": shape.products, "entries": shape.entries, "aim": AIM,
        "without": figures(without, of(Beside::Nothing)),
    });
    for (name, beside) in [("quick", Beside::Quick), ("full", Beside::Full)] {
        let with = spread(beside)?;
        let ratio = round(with.median / without.median, 3);
        println!(
            "beside {name} audits: {:.0} of {:.0} entries/s, {ratio} (aim {AIM})",
            with.median, without.median
        );
        told[name] = figures(with, of(beside));
        told[name]["ratio_to_without"] = ratio.into();
    }
    Ok(told)
}

fn figures<'a>(spread: Spread, runs: impl Iterator<Item = &'a Run>) -> Value {
    let (mut audits, mut steady) = (0, Vec::new());
    for run in runs {
        audits += run.audits;
        steady.extend(run.steady);
    }
    json!({
        "entries_per_second": spread, "audits": audits,
        "steady_per_second": Spread::of(&steady),
    })
}
