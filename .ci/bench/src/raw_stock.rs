//! What Redis takes at most: the engine's own script through a pipelined connection, with the keys that a batch of
//! this shape carries. The commands are packed beforehand.

use std::collections::BTreeMap;
use std::sync::Barrier;

use anyhow::{Result, anyhow, ensure};
use redis::{Pipeline, Script, cmd};

use crate::data::{Line, PARTITIONS, Shape, expected};
use crate::place::Place;
use crate::usage::{Usage, Watch, settle};

/// The engine's script.
const SCRIPT: &str = include_str!("../../../src-tauri/stock/src/script.lua");
/// Keys of one script call, as the engine sends them.
const KEYS: usize = 500;
/// Script calls under way at once.
const CALLS: usize = 8;
/// What a key holds before: nothing counted, no source.
pub const EMPTY: &str = r#"{"base":0,"change":0,"at":{}}"#;

/// Steps that are measured at least. A backlog of few keys has few steps in all: its batches are applied again and
/// again, each time as if the same entries had come once more.
const STEPS: usize = 100_000;

/// How often steps are to be applied.
pub fn passes(steps: usize) -> usize {
    STEPS.div_ceil(steps.max(1)).min(400)
}

/// The normal step for one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    key: usize,
    prev: i64,
    last: i64,
    delta: i64,
    sum: i64,
}

/// The steps of one partition's batches: `batch` entries make one.
fn batches<'a>(lines: impl Iterator<Item = &'a Line>, batch: usize) -> Vec<Vec<Step>> {
    let mut held: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
    let lines: Vec<&Line> = lines.collect();
    let steps = |some: &[&Line]| {
        let mut steps: BTreeMap<usize, Step> = BTreeMap::new();
        for line in some {
            let (prev, before) = held.get(&line.key).copied().unwrap_or((-1, 0));
            let step = steps.entry(line.key).or_insert(Step {
                key: line.key,
                prev,
                last: prev,
                delta: 0,
                sum: before,
            });
            step.last = line.offset;
            step.delta += line.signed();
            step.sum += line.signed();
        }
        held.extend(steps.values().map(|step| (step.key, (step.last, step.sum))));
        steps.into_values().collect()
    };
    lines.chunks(batch).map(steps).collect()
}

/// What all passes before this one have left behind, by key: the last offset and the sum of one pass.
type Ends = BTreeMap<usize, (i64, i64)>;

impl Step {
    /// The same step in a later pass.
    fn again(self, pass: usize, ends: &Ends) -> Step {
        let Some((_, sum)) = ends.get(&self.key) else { return self };
        let (prev, last) = shifted(self.prev, self.last, pass, ends[&self.key].0);
        Step { prev, last, sum: self.sum + sum * pass as i64, ..self }
    }
}

/// The offsets of a step in a later pass; `end` is the key's last offset in the first one.
pub fn shifted(prev: i64, last: i64, pass: usize, end: i64) -> (i64, i64) {
    let shift = |offset: i64, pass: usize| offset + FAR * pass as i64;
    let before = match (prev, pass) {
        (-1, 0) => -1,
        (-1, _) => shift(end, pass - 1),
        _ => shift(prev, pass),
    };
    (before, shift(last, pass))
}

/// More entries than a pass has.
const FAR: i64 = 1 << 32;

fn pipelines(shape: &Shape, hash: &str, source: &str, batch: &[Step]) -> Vec<Pipeline> {
    let calls: Vec<&[Step]> = batch.chunks(KEYS).collect();
    let pipeline = |some: &[&[Step]]| {
        let mut pipeline = redis::pipe();
        for steps in some {
            let mut command = cmd("EVALSHA");
            command.arg(hash).arg(steps.len());
            for step in *steps {
                command.arg(shape.key(step.key));
            }
            command.arg("step");
            for step in *steps {
                command.arg(source).arg(step.prev).arg(step.last).arg(step.delta).arg(step.sum);
            }
            pipeline.add_command(command);
        }
        pipeline
    };
    calls.chunks(CALLS).map(pipeline).collect()
}

/// Applies everything over so many connections, `batch` entries of a partition at a time, the partitions in turn.
/// Returns how many entries that were, all passes together, and the cost.
pub fn apply(
    place: &Place,
    shape: &Shape,
    lines: &[Line],
    over: usize,
    batch: usize,
) -> Result<(f64, Usage)> {
    let mut connection = place.stock(true)?;
    let hash = Script::new(SCRIPT).get_hash().to_owned();
    cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query::<String>(&mut connection)?;
    let mut load = redis::pipe();
    for key in 0..shape.keys() {
        load.set(shape.key(key), EMPTY).ignore();
    }
    load.query::<()>(&mut connection)?;
    let (shares, passes) = shares(shape, lines, over, batch, &hash);
    let clients = (0..over).map(|_| place.stock(false)).collect::<Result<Vec<_>>>()?;
    settle(&place.pids);
    let start = Barrier::new(over + 1);
    let usage = std::thread::scope(|scope| {
        let work = clients.into_iter().zip(&shares).map(|(mut client, share)| {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                let mut all = share.iter().flatten();
                all.try_for_each(|pipeline| pipeline.query::<Vec<Vec<i64>>>(&mut client).map(drop))
            })
        });
        let work: Vec<_> = work.collect();
        let watch = Watch::start(&place.pids)?;
        start.wait();
        for one in work {
            one.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        watch.usage()
    })?;
    proven(&mut connection, shape, lines, passes)?;
    Ok(((lines.len() * passes) as f64, usage))
}

/// The pipelines of every connection in their order, and how many passes they make.
fn shares(
    shape: &Shape,
    lines: &[Line],
    over: usize,
    batch: usize,
    hash: &str,
) -> (Vec<Vec<Vec<Pipeline>>>, usize) {
    let ends = expected(lines.iter().copied());
    let own = |partition| batches(lines.iter().filter(|line| line.partition == partition), batch);
    let partitions: Vec<Vec<Vec<Step>>> = (0..PARTITIONS).map(own).collect();
    let passes = passes(partitions.iter().flatten().map(Vec::len).sum());
    let mut shares: Vec<Vec<Vec<Pipeline>>> = (0..over).map(|_| Vec::new()).collect();
    for (partition, batches) in partitions.iter().enumerate() {
        let source = format!("0123abcd.{partition}");
        let share = &mut shares[partition % over];
        for (turn, (pass, steps)) in
            (0..passes).flat_map(|pass| batches.iter().map(move |steps| (pass, steps))).enumerate()
        {
            let steps: Vec<Step> = steps.iter().map(|step| step.again(pass, &ends)).collect();
            share.resize_with(share.len().max(turn + 1), Vec::new);
            share[turn].extend(pipelines(shape, hash, &source, &steps));
        }
    }
    (shares, passes)
}

/// Every key holds the sum of its entries, as often as they were applied.
pub fn proven(
    connection: &mut redis::Connection,
    shape: &Shape,
    lines: &[Line],
    passes: usize,
) -> Result<()> {
    for (key, (_, sum)) in expected(lines.iter().copied()) {
        let sum = sum * passes as i64;
        let text: String = cmd("GET").arg(shape.key(key)).query(connection)?;
        let value: serde_json::Value = serde_json::from_str(&text)?;
        ensure!(value["change"] == sum, "{} holds {text}, wanted is {sum}", shape.key(key));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_each_other() {
        let shape = Shape { products: 2, days: 1, entries: 300, in_order: false, ids: false, day_tables: 9 };
        let lines: Vec<Line> = shape.lines(3).filter(|line| line.partition == 5).collect();
        let batches = batches(lines.iter(), 7);
        let mut held: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
        for step in batches.iter().flatten() {
            let (prev, sum) = held.get(&step.key).copied().unwrap_or((-1, 0));
            assert_eq!((step.prev, step.sum), (prev, sum + step.delta));
            held.insert(step.key, (step.last, step.sum));
        }
        let ends = expected(lines.into_iter());
        assert_eq!(held, ends);
        assert!(!held.is_empty());
        for (pass, step) in (1..3).flat_map(|pass| batches.iter().flatten().map(move |step| (pass, step))) {
            let again = step.again(pass, &ends);
            assert_eq!(Some(&(again.prev, again.sum - again.delta)), held.get(&step.key));
            held.insert(step.key, (again.last, again.sum));
        }
    }

    #[test]
    fn few_steps_are_repeated() {
        assert_eq!((passes(1_000), passes(99_999), passes(100_000), passes(0)), (100, 2, 1, 400));
    }
}
