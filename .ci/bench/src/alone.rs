//! Standalone: one program, no server. Many entries through `send`, and single lines as a clerk posts them.

use std::fmt::Write;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use inventory::config::Config;
use inventory::domain::ioentry;
use inventory::queue::outbox::Saved;
use inventory::{Clock, Engine, Parts, Progress};
use uuid::Uuid;

use crate::data::{Line, Shape};
use crate::place::Place;
use crate::site::Site;
use crate::usage::{Usage, Watch, memory};

/// Single lines that are posted.
const LINES: usize = 300;
/// Of them the first, which open files and make tables.
const WARM: usize = 20;

/// What was seen.
pub struct Alone {
    /// `send` of all entries, from the start of the process to its end.
    pub usage: Usage,
    /// Its highest resident memory, MB.
    pub peak_mb: f64,
    /// Milliseconds until a single line was durable.
    pub durable_ms: Vec<f64>,
    /// Milliseconds until it was counted in both stores.
    pub counted_ms: Vec<f64>,
}

/// Sends `shape.entries` entries, then posts single lines into the filled stores.
pub fn measure(place: &Place, shape: &Shape) -> Result<Alone> {
    let site = Site::standalone(place, shape)?;
    let file = site.dir.join("entries.jsonl");
    let (mut text, mut sum) = (String::new(), 0);
    for line in shape.lines(crate::SEED) {
        let _ = writeln!(text, "{}", line.json());
        sum += line.signed();
    }
    fs::write(&file, text)?;
    let mut watch = Watch::start(&[])?;
    let begun = Instant::now();
    let mut running = site.start(&["send", &file.display().to_string()])?;
    let pid = running.pid();
    watch.add("daemon", pid);
    let (mut peak_mb, mut usage) = (0.0_f64, watch.usage()?);
    let well = loop {
        if let Some(well) = running.ended()? {
            break well;
        }
        peak_mb = peak_mb.max(memory(pid, "VmHWM").unwrap_or(0.0));
        usage = watch.usage()?;
        std::thread::sleep(Duration::from_millis(10));
    };
    usage.seconds = begun.elapsed().as_secs_f64();
    ensure!(well, "send failed: {}", running.words());
    let stock: serde_json::Value = serde_json::from_str(&site.call(&["stock", "--json"])?)?;
    let held = stock.as_array().context("stock --json is no list")?.iter();
    let held: i64 = held.filter_map(|row| row["quantity"].as_i64()).sum();
    ensure!(held == sum, "the stock holds {held} pieces, sent were {sum}");
    let (durable_ms, counted_ms) = place.runtime.block_on(post(&site, shape))?;
    site.remove(place)?;
    Ok(Alone { usage, peak_mb, durable_ms, counted_ms })
}

struct Now;

#[allow(clippy::disallowed_methods)] // a program's clock is read by the program
impl Clock for Now {
    fn wall(&self) -> chrono::NaiveDateTime {
        chrono::Local::now().naive_local()
    }

    fn epoch_ms(&self) -> i64 {
        chrono::Utc::now().timestamp_millis()
    }
}

/// Posts lines one by one through the engine, as the app does.
async fn post(site: &Site, shape: &Shape) -> Result<(Vec<f64>, Vec<f64>)> {
    let config = Config { data_dir: site.dir.join("data"), ..Config::default() };
    let engine = Engine::open(config, Parts::Sender, "path-bench", Arc::new(Now)).await?;
    let running = engine.start().await?;
    let lines: Vec<Line> = Shape { entries: LINES as u64, ..*shape }.lines(99).collect();
    let (mut durable, mut counted) = (Vec::new(), Vec::new());
    for line in lines {
        let mut entry = ioentry::decode(line.json().as_bytes()).map_err(|why| anyhow::anyhow!("{why}"))?;
        let id = Uuid::now_v7();
        entry.entry_id = Some(id);
        let begun = Instant::now();
        let payload = ioentry::encode(&entry).into_bytes();
        let saved = Saved { entry_id: id, entry, payload };
        let appended = engine.outbox()?.append(vec![saved], None, Now.epoch_ms()).await?;
        durable.push(begun.elapsed().as_secs_f64() * 1e3);
        let seq = appended.first().context("nothing was appended")?.seq();
        loop {
            match running.progress(seq).await? {
                Progress::Done => break,
                Progress::Stopped(reason) => anyhow::bail!("the source stopped: {reason}"),
                Progress::Left(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
        counted.push(begun.elapsed().as_secs_f64() * 1e3);
        // A clerk is slower than that; the next line finds everything at rest.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.stop().await;
    Ok((durable.split_off(WARM), counted.split_off(WARM)))
}
