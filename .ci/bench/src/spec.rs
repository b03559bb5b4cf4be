//! The specification's own daemon on the same topic: the yardstick that every site would otherwise have.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::data::{Line, Shape};
use crate::place::Place;
use crate::topic;
use crate::usage::{Usage, Watch, settle};

const PROGRAM: &str = include_str!("spec_daemon.py");
const DATABASE: &str = "bench_spec";

#[derive(Deserialize)]
struct Said {
    entries: u64,
    seconds: f64,
}

/// Lets it count these entries, in a topic of their own. Its tables stand before it begins; its stock is empty.
pub fn measure(place: &Place, lines: &[Line]) -> Result<Usage> {
    let (topic, count) = ("bench-spec", lines.len() as u64);
    topic::fill(place, topic, "none", lines.iter().copied())?;
    place.fresh_database(DATABASE)?;
    place.stock(true)?;
    settle(&place.pids);
    let tables: BTreeSet<String> = lines
        .iter()
        .map(|line| format!("p{:05}_{}", line.product + 1, Shape::day(line.day).format("%Y%m%d")))
        .collect();
    let watch = Watch::start(&place.pids)?;
    let mut child = Command::new(&place.python)
        .args(["-W", "ignore", "-c", PROGRAM, &place.kafka, topic, &place.mysql_port.to_string(), DATABASE])
        .args([place.redis_port.to_string(), count.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", place.python.display()))?;
    let mut input = child.stdin.take().context("the spec's daemon has no input")?;
    input.write_all(tables.into_iter().collect::<Vec<_>>().join("\n").as_bytes())?;
    drop(input);
    let out = child.wait_with_output()?;
    ensure!(out.status.success(), "the spec's daemon ended with {}", out.status);
    let said: Said = serde_json::from_slice(&out.stdout).context("the spec's daemon said no figures")?;
    ensure!(said.entries == count, "the spec's daemon counted {} of {count}", said.entries);
    let mut usage = watch.usage()?;
    usage.seconds = said.seconds;
    // It is gone before its time could be read, so it would be counted among others.
    usage.others = 0.0;
    topic::delete(place, topic)?;
    place.drop_database(DATABASE)?;
    Ok(usage)
}
