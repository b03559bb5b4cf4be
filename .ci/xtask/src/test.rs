//! `cargo xtask test`: the steps in order, and one summary at the end.
//! Goes on after a failure, so that one run tells everything; a step that was not run is never called passed.
use crate::place::Place;
use crate::steps::{Run, Step};
use crate::tally::Tally;
use anyhow::Result;
use clap::{Args, ValueEnum};
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct Options {
    /// Only these steps
    #[arg(long, value_enum, num_args = 1..)]
    only: Vec<Step>,
    /// All but these steps
    #[arg(long, value_enum, num_args = 1..)]
    skip: Vec<Step>,
    /// The long versions of the tests that have one
    #[arg(long)]
    long: bool,
}

struct Line {
    name: String,
    took: Duration,
    outcome: Result<Tally>,
}

impl Line {
    fn passed(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|tally| tally.failed == 0)
    }

    fn tally(&self) -> Tally {
        match &self.outcome {
            Ok(tally) => *tally,
            Err(_) => Tally { passed: 0, failed: 1 },
        }
    }
}

/// Runs the chosen steps; true if all passed.
pub fn test(place: &Place, options: &Options) -> bool {
    let run = Run { place, long: options.long };
    let mut lines = Vec::new();
    for step in Step::value_variants() {
        let chosen = options.only.is_empty() || options.only.contains(step);
        if !chosen || options.skip.contains(step) {
            continue;
        }
        let name = step.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        eprintln!("\n=== {name} ===");
        let start = Instant::now();
        let outcome = run.step(*step);
        if let Err(error) = &outcome {
            eprintln!("{name}: {error:#}");
        }
        let line = Line { name, took: start.elapsed(), outcome };
        // Without the machine's packages nothing after it can tell the truth.
        let stop = *step == Step::Prepare && !line.passed();
        lines.push(line);
        if stop {
            break;
        }
    }
    summary(&lines)
}

fn summary(lines: &[Line]) -> bool {
    let mut sum = Tally::default();
    println!("\n{:<12} {:<7} {:>7} {:>7} {:>8}", "step", "result", "passed", "failed", "seconds");
    for line in lines {
        let word = if line.passed() { "ok" } else { "FAILED" };
        let tally = line.tally();
        sum.add(tally);
        println!(
            "{:<12} {word:<7} {:>7} {:>7} {:>8}",
            line.name,
            tally.passed,
            tally.failed,
            line.took.as_secs()
        );
    }
    for line in lines {
        if let Err(error) = &line.outcome {
            println!("{}: {error:#}", line.name);
        }
    }
    println!("{} passed, {} failed", sum.passed, sum.failed);
    sum.failed == 0 && sum.passed > 0
}
