//! Runs test programs from one queue, several at a time, each in a process of its own with its words kept: most tests
//! wait for leases, rebalances and restarts, and while one waits another works. The longest begin first.
//! A test that takes too long is ended with everything it started, and has failed.
use crate::process;
use crate::steps::Step;
use crate::tally::{self, Tally};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What only so many tests may use at one time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Turn {
    pub name: &'static str,
    pub at_once: usize,
}

/// One process to run: a single test, or a whole program of quick ones.
pub struct Job {
    pub step: Step,
    pub name: String,
    pub command: Command,
    pub turn: Option<Turn>,
    /// How long it took the last time.
    pub expected: Duration,
    pub limit: Duration,
}

/// What became of it.
pub struct Done {
    pub step: Step,
    pub name: String,
    pub took: Duration,
    /// Of the processors, without servers that serve others too.
    pub worked: Duration,
    pub tally: Tally,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Job>,
    held: BTreeMap<&'static str, usize>,
    done: Vec<Done>,
    started: usize,
}

impl Queue {
    fn may_begin(&self, job: &Job) -> bool {
        job.turn.is_none_or(|turn| self.held.get(turn.name).is_none_or(|held| *held < turn.at_once))
    }

    /// The first that needs nothing that is in use.
    fn next(&mut self) -> Option<Job> {
        let at = self.waiting.iter().position(|job| self.may_begin(job))?;
        let job = self.waiting.remove(at);
        if let Some(turn) = job.turn {
            *self.held.entry(turn.name).or_default() += 1;
        }
        self.started += 1;
        Some(job)
    }
}

/// The queue is sound at every moment, also when a thread has died while it held it.
fn locked(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs all, `slots` at a time; `words` is the folder for what they print.
pub fn run(mut jobs: Vec<Job>, slots: usize, words: &Path) -> Result<Vec<Done>> {
    fs::create_dir_all(words).with_context(|| format!("cannot create {}", words.display()))?;
    jobs.sort_by_key(|job| std::cmp::Reverse(job.expected));
    let all = jobs.len();
    let (queue, freed) = (Mutex::new(Queue { waiting: jobs, ..Queue::default() }), Condvar::new());
    std::thread::scope(|scope| {
        for _ in 0..slots {
            scope.spawn(|| worker(&queue, &freed, all, words));
        }
    });
    Ok(queue.into_inner().unwrap_or_else(PoisonError::into_inner).done)
}

fn worker(queue: &Mutex<Queue>, freed: &Condvar, all: usize, words: &Path) {
    let mut held = locked(queue);
    while !held.waiting.is_empty() {
        let Some(job) = held.next() else {
            held = freed.wait(held).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let log = words.join(format!("{}.log", held.started));
        drop(held);
        let turn = job.turn;
        let done = finish(job, &log);
        held = locked(queue);
        if let Some(count) = turn.and_then(|turn| held.held.get_mut(turn.name)) {
            *count -= 1;
        }
        let word = if done.tally.failed == 0 { "ok" } else { "FAILED" };
        println!(
            "{:>4}/{all} {word:<6} {:>7.1} s {:>6.1}  {} {}",
            held.done.len() + 1,
            done.took.as_secs_f32(),
            done.worked.as_secs_f32(),
            done.step.name(),
            done.name
        );
        held.done.push(done);
        freed.notify_all();
    }
    // Whoever waits for a turn must see that nothing is left.
    freed.notify_all();
}

/// Runs one to its end; what it said is shown when it failed.
fn finish(job: Job, log: &Path) -> Done {
    let Job { step, name, command, limit, .. } = job;
    let begun = Instant::now();
    let mut worked = Duration::ZERO;
    let tally = match attempt(command, limit, log, &mut worked) {
        Ok(tally) => tally,
        Err(error) => {
            println!("{name}: {error:#}");
            Tally { passed: 0, failed: 1 }
        }
    };
    if tally.failed > 0 {
        let said = fs::read(log).unwrap_or_default();
        println!("---- {name} ----\n{}\n----", String::from_utf8_lossy(&said));
    } else {
        fs::remove_file(log).ok();
    }
    Done { step, name, took: begun.elapsed(), worked, tally }
}

fn attempt(mut command: Command, limit: Duration, log: &Path, worked: &mut Duration) -> Result<Tally> {
    let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let err = out.try_clone()?;
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", crate::sh::show(&command)))?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        *worked = process::processor_time(child.id()).max(*worked);
        if begun.elapsed() > limit {
            process::end_with_descendants(child.id())?;
            child.wait()?;
            anyhow::bail!("not done after {} seconds: ended", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let said = fs::read(log)?;
    let mut tally = tally::counted(&String::from_utf8_lossy(&said));
    if !status.success() && tally.failed == 0 {
        tally.failed = 1;
    }
    // A test that is there and did not run has not passed.
    if tally == Tally::default() {
        anyhow::bail!("no test ran");
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, seconds: u64, script: &str, turn: Option<Turn>) -> Job {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Job {
            step: Step::Unit,
            name: name.to_owned(),
            command,
            turn,
            expected: Duration::from_secs(seconds),
            limit: Duration::from_secs(2),
        }
    }

    fn folder(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("xtask-pool-{}-{name}", std::process::id()))
    }

    #[test]
    fn the_longest_begin_first_and_failures_and_silence_are_seen() {
        let passes = "echo 'test result: ok. 2 passed; 0 failed;'";
        let jobs = vec![
            job("short", 1, passes, None),
            job("fails", 2, "echo 'test result: FAILED. 1 passed; 1 failed;'; exit 101", None),
            job("silent", 3, "true", None),
            job("dies", 4, "exit 3", None),
            job("hangs", 5, "sleep 60", None),
        ];
        let dir = folder("order");
        let done = run(jobs, 1, &dir).expect("it runs");
        fs::remove_dir_all(&dir).ok();
        let told: Vec<(&str, u64, u64)> =
            done.iter().map(|one| (one.name.as_str(), one.tally.passed, one.tally.failed)).collect();
        let wanted = [("hangs", 0, 1), ("dies", 0, 1), ("silent", 0, 1), ("fails", 1, 1), ("short", 2, 0)];
        assert_eq!(told, wanted);
    }

    #[test]
    fn what_only_one_may_use_is_used_by_one() {
        let dir = folder("turn");
        fs::create_dir_all(&dir).expect("a folder");
        let lock = dir.join("lock").display().to_string();
        let script =
            format!("mkdir {lock} || exit 1; sleep 0.2; rmdir {lock}; echo 'test result: ok. 1 passed'");
        let turn = Some(Turn { name: "redis", at_once: 1 });
        let jobs = (0..4).map(|_| job("alone", 1, &script, turn)).collect();
        let done = run(jobs, 4, &dir).expect("it runs");
        fs::remove_dir_all(&dir).ok();
        assert!(done.len() == 4 && done.iter().all(|one| one.tally.failed == 0));
    }
}
