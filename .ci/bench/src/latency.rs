//! How long an entry needs from `send` until another client reads it in the stock, at a steady rate. Producer and
//! reader are the bench's own; the daemon under test stands between them.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use rdkafka::producer::Producer;

use crate::backlog::position;
use crate::data::{Line, Shape};
use crate::place::Place;
use crate::site::{Running, Site};
use crate::topic;
use crate::usage::{Usage, Watch, memory, settle};

/// Seconds before measuring: the first entries of every key find an empty stock.
const WARM: u64 = 3;
/// Pause of the reader between two looks: as exact as the latency is told.
const LOOK: Duration = Duration::from_micros(500);
/// How long the last entries are waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was seen.
pub struct Latency {
    /// Milliseconds of every entry after the warm-up.
    pub milliseconds: Vec<f64>,
    /// Entries a second that were really sent.
    pub rate: f64,
    pub usage: Usage,
    /// Highest resident memory of the daemon, MB.
    pub peak_mb: f64,
}

/// An entry under way.
struct Sent {
    key: usize,
    offset: i64,
    at: Instant,
}

/// `rate` entries a second for `seconds`, after a warm-up.
pub fn measure(place: &Place, shape: &Shape, rate: u64, seconds: u64) -> Result<Latency> {
    let shape = Shape { entries: (WARM + seconds) * rate, ..*shape };
    let topic = format!("bench-latency-{}", shape.slug());
    topic::create(place, &topic)?;
    let site = Site::cluster(place, &shape, &topic, true)?;
    let mut running = site.start(&["run"])?;
    until_all_taken(place, &site, &mut running)?;
    settle(&place.pids);
    let mut processes = place.pids.clone();
    processes.push(("daemon", running.pid()));
    let watch = Watch::start(&processes)?;
    let (under_way, sending) = (Mutex::new(Vec::new()), AtomicBool::new(true));
    let lines: Vec<Line> = shape.lines(crate::SEED).collect();
    let (real, seen) = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let sent = send_all(place, &topic, &lines, rate, &under_way);
            sending.store(false, Ordering::Release);
            sent
        });
        let seen = look(place, &shape, &under_way, &sending);
        let real = sender.join().map_err(|_| anyhow!("the sender panicked"))??;
        Ok::<_, anyhow::Error>((real, seen?))
    })?;
    let usage = watch.usage()?;
    let peak_mb = memory(running.pid(), "VmHWM").unwrap_or(0.0);
    running.stop()?;
    site.remove(place)?;
    topic::delete(place, &topic)?;
    ensure!(seen.len() == lines.len(), "{} of {} entries were seen", seen.len(), lines.len());
    let warm = (WARM * rate) as usize;
    Ok(Latency { milliseconds: seen[warm..].to_vec(), rate: real, usage, peak_mb })
}

/// Waits until the daemon has taken every partition.
fn until_all_taken(place: &Place, site: &Site, running: &mut Running) -> Result<()> {
    let mut db = place.db(&site.database)?;
    let begun = Instant::now();
    while db.number("SELECT COUNT(*) FROM sources")? < crate::data::PARTITIONS {
        running.alive()?;
        ensure!(begun.elapsed() < PATIENCE, "the daemon takes no partitions: {}", running.words());
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(1));
    Ok(())
}

/// Sends every entry at its own moment, whatever became of the ones before. Returns the rate that came of it.
fn send_all(
    place: &Place,
    topic: &str,
    lines: &[Line],
    rate: u64,
    under_way: &Mutex<Vec<Sent>>,
) -> Result<f64> {
    let producer = topic::producer(place, "0", "lz4")?;
    // The first message finds the brokers; that is not measured.
    producer.client().fetch_metadata(Some(topic), PATIENCE)?;
    let begun = Instant::now();
    for (number, line) in lines.iter().enumerate() {
        let due = begun + Duration::from_nanos(number as u64 * 1_000_000_000 / rate);
        let early = due.saturating_duration_since(Instant::now());
        if !early.is_zero() {
            std::thread::sleep(early);
        }
        let at = Instant::now();
        under_way.lock().map_err(|_| anyhow!("the reader panicked"))?.push(Sent {
            key: line.key,
            offset: line.offset,
            at,
        });
        topic::send(&producer, topic, line)?;
        producer.poll(Duration::ZERO);
    }
    let seconds = begun.elapsed().as_secs_f64();
    producer.flush(PATIENCE)?;
    Ok(lines.len() as f64 / seconds)
}

/// Reads the keys that have entries under way, again and again. Returns the milliseconds in the order of sending.
fn look(
    place: &Place,
    shape: &Shape,
    under_way: &Mutex<Vec<Sent>>,
    sending: &AtomicBool,
) -> Result<Vec<f64>> {
    let mut connection = place.stock(false)?;
    let mut waiting: HashMap<usize, VecDeque<(usize, i64, Instant)>> = HashMap::new();
    let (mut seen, mut moved) = (Vec::new(), Instant::now());
    loop {
        // Asked before the list is emptied: what was sent before the last word is in it.
        let more = sending.load(Ordering::Acquire);
        let fresh = std::mem::take(&mut *under_way.lock().map_err(|_| anyhow!("the sender panicked"))?);
        for sent in fresh {
            waiting.entry(sent.key).or_default().push_back((seen.len(), sent.offset, sent.at));
            seen.push(f64::NAN);
        }
        if waiting.is_empty() {
            if !more {
                return Ok(seen);
            }
            std::thread::sleep(LOOK);
            continue;
        }
        let keys: Vec<usize> = waiting.keys().copied().collect();
        let names: Vec<String> = keys.iter().map(|key| shape.key(*key)).collect();
        let values: Vec<Option<String>> = redis::cmd("MGET").arg(names).query(&mut connection)?;
        let now = Instant::now();
        for (key, value) in keys.into_iter().zip(values) {
            let Some((offset, _)) = value.as_deref().and_then(position) else { continue };
            let Some(queue) = waiting.get_mut(&key) else { continue };
            while let Some((number, _, at)) = queue.pop_front_if(|(_, own, _)| *own <= offset) {
                seen[number] = now.duration_since(at).as_secs_f64() * 1e3;
                moved = now;
            }
            if queue.is_empty() {
                waiting.remove(&key);
            }
        }
        let left: usize = waiting.values().map(VecDeque::len).sum();
        ensure!(moved.elapsed() < PATIENCE, "{left} entries do not come into the stock");
        std::thread::sleep(LOOK);
    }
}
