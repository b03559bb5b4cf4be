//! What `cargo xtask test` says at the end: one line for each step, what failed, and which tests took longest.
use crate::pool::Done;
use crate::steps::Step;
use crate::tally::Tally;
use anyhow::{Error, Result};
use std::time::Duration;

/// One step of the summary.
pub struct Line {
    pub step: Step,
    pub took: Duration,
    pub outcome: Result<Tally>,
}

impl Line {
    pub fn failed(step: Step, error: Error) -> Line {
        Line { step, took: Duration::ZERO, outcome: Err(error) }
    }

    pub fn passed(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|tally| tally.failed == 0)
    }

    fn tally(&self) -> Tally {
        match &self.outcome {
            Ok(tally) => *tally,
            Err(_) => Tally { passed: 0, failed: 1 },
        }
    }

    /// Adds a test that ran from the queue.
    pub fn add(&mut self, done: &Done) {
        self.took += done.took;
        if let Ok(tally) = &mut self.outcome {
            tally.add(done.tally);
        }
    }
}

/// How many of the slowest tests are named.
const SLOWEST: usize = 10;

/// Prints it; true if everything passed and something ran.
pub fn summary(mut lines: Vec<Line>, done: &[Done], whole: Duration) -> bool {
    slowest(done);
    lines.sort_by_key(|line| line.step);
    let mut sum = Tally::default();
    println!("\n{:<12} {:<7} {:>7} {:>7} {:>8}", "step", "result", "passed", "failed", "seconds");
    for line in &lines {
        let word = if line.passed() { "ok" } else { "FAILED" };
        let tally = line.tally();
        sum.add(tally);
        let (passed, failed, took) = (tally.passed, tally.failed, line.took.as_secs());
        println!("{:<12} {word:<7} {passed:>7} {failed:>7} {took:>8}", line.step.name());
    }
    for line in &lines {
        if let Err(error) = &line.outcome {
            println!("{}: {error:#}", line.step.name());
        }
    }
    for one in done.iter().filter(|one| one.tally.failed > 0) {
        println!("FAILED: {} {}", one.step.name(), one.name);
    }
    println!(
        "{} passed, {} failed in {} s (a step's seconds are those of its tests one by one; steps overlap)",
        sum.passed,
        sum.failed,
        whole.as_secs()
    );
    sum.failed == 0 && sum.passed > 0
}

fn slowest(done: &[Done]) {
    let mut all: Vec<&Done> = done.iter().collect();
    all.sort_by_key(|test| std::cmp::Reverse(test.took));
    if all.is_empty() {
        return;
    }
    println!("\nthe slowest tests: seconds, seconds of a processor");
    for one in all.iter().take(SLOWEST) {
        let (took, worked) = (one.took.as_secs_f32(), one.worked.as_secs_f32());
        println!("{took:>7.1} {worked:>6.1}  {} {}", one.step.name(), one.name);
    }
}
