//! `cargo xtask test`: what is compiled, checked and run, what of it side by side, and one summary at the end.
//! Goes on after a failure, so that one run tells everything; a step that was not run is never called passed.
use crate::binaries::{self, Binary, Wanted};
use crate::careless;
use crate::jobs::Bench;
use crate::place::Place;
use crate::pool::{self, Done, Job};
use crate::servers::{Kind, Lent};
use crate::steps::{self, Step};
use crate::summary::{Line, summary};
use crate::tally::Tally;
use crate::times::Times;
use crate::ui;
use anyhow::{Result, anyhow, ensure};
use clap::Args;
use std::path::Path;
use std::thread::ScopedJoinHandle;
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
    /// Tests that run at one time [default: three for each processor]
    #[arg(long)]
    jobs: Option<usize>,
    /// Only tests with this in their name
    #[arg(long)]
    name: Option<String>,
}

impl Options {
    fn wants(&self, step: Step) -> bool {
        (self.only.is_empty() || self.only.contains(&step)) && !self.skip.contains(&step)
    }

    fn wants_any(&self, steps: &[Step]) -> bool {
        steps.iter().any(|step| self.wants(*step))
    }

    /// Most tests wait for servers most of their time.
    fn slots(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        self.jobs.unwrap_or(3 * processors).max(1)
    }

    /// The least that must be compiled for the steps.
    fn compiled(&self) -> Option<Wanted<'static>> {
        if self.wants_any(&[Step::Unit, Step::Bindings]) {
            return Some(Wanted::Everything);
        }
        let (servers, window) = (self.wants_any(&[Step::Cluster, Step::Second]), self.wants(Step::Desktop));
        match (servers, window) {
            (true, true) => {
                Some(Wanted::Only { tests: &["cluster", "desktop"], programs: &["inv-daemon", "twinstock"] })
            }
            (true, false) => Some(Wanted::Only { tests: &["cluster"], programs: &["inv-daemon"] }),
            (false, true) => {
                Some(Wanted::Only { tests: &["desktop"], programs: &["inv-daemon", "twinstock"] })
            }
            (false, false) => None,
        }
    }
}

/// Steps whose tests run from one queue.
const QUEUED: [Step; 4] = [Step::Unit, Step::Cluster, Step::Second, Step::Desktop];

/// Everything that is made ready before tests run.
struct Ready {
    binaries: Result<Vec<Binary>>,
    first: Option<Result<Lent>>,
    second: Option<Result<Lent>>,
}

/// Runs the chosen steps; true if all passed.
pub fn test(place: &Place, options: &Options) -> bool {
    let begun = Instant::now();
    let mut lines = Vec::new();
    for (step, run) in
        [(Step::Prepare, steps::prepare as fn(&Place) -> Result<Tally>), (Step::Fmt, steps::fmt)]
    {
        lines.extend(options.wants(step).then(|| timed(step, || run(place))));
        // Without the machine's packages nothing after it can tell the truth.
        if lines.iter().any(|line| line.step == Step::Prepare && !line.passed()) {
            return summary(lines, &[], begun.elapsed());
        }
    }
    if !options.long {
        careless::from_now_on();
    }
    if options.wants_any(&[Step::Ui, Step::Clippy]) || options.compiled().is_some() {
        // The app embeds the built UI, so that comes before the compiler.
        if let Err(error) = ui::build(place) {
            lines.push(Line { step: Step::Ui, took: begun.elapsed(), outcome: Err(error) });
            return summary(lines, &[], begun.elapsed());
        }
    }
    let ready = made_ready(place, options, &mut lines);
    let done = queued(place, options, ready, &mut lines);
    if options.wants(Step::EngineTree) {
        lines.push(timed(Step::EngineTree, || steps::engine_tree(place)));
    }
    summary(lines, &done, begun.elapsed())
}

fn timed(step: Step, run: impl FnOnce() -> Result<Tally>) -> Line {
    eprintln!("\n=== {} ===", step.name());
    let begun = Instant::now();
    let outcome = run();
    if let Err(error) = &outcome {
        eprintln!("{}: {error:#}", step.name());
    }
    Line { step, took: begun.elapsed(), outcome }
}

/// The compiler, the checks of the UI and the start of the servers, side by side.
fn made_ready(place: &Place, options: &Options, lines: &mut Vec<Line>) -> Ready {
    std::thread::scope(|scope| {
        let ui = options.wants(Step::Ui).then(|| scope.spawn(|| timed(Step::Ui, || steps::ui(place))));
        let first = options.wants_any(&[Step::Cluster, Step::Desktop]);
        let first = first.then(|| scope.spawn(|| Lent::start(place, Kind::MariadbRedis)));
        let driver = options.wants(Step::Desktop).then(|| scope.spawn(|| steps::tauri_driver(place)));
        let second = options.wants(Step::Second);
        let second = second.then(|| scope.spawn(|| Lent::start(place, Kind::MysqlValkey)));
        lines.extend(options.wants(Step::Clippy).then(|| timed(Step::Clippy, || steps::clippy(place))));
        let binaries = options.compiled().map_or(Ok(Vec::new()), |wanted| {
            eprintln!("\n=== compile ===");
            binaries::compile(place, &wanted)
        });
        if options.wants(Step::Bindings) && binaries.is_ok() {
            lines.push(timed(Step::Bindings, || steps::types_of_the_ui(place)));
        }
        lines.extend(ui.map(|ui| joined(ui).unwrap_or_else(|error| Line::failed(Step::Ui, error))));
        // The step of the windows asks again, and says why where it could not be had.
        drop(driver.map(joined));
        Ready {
            binaries,
            first: first.map(|started| joined(started).and_then(|lent| lent)),
            second: second.map(|started| joined(started).and_then(|lent| lent)),
        }
    })
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread of xtask died"))
}

/// Runs the tests of the chosen steps from one queue.
fn queued(place: &Place, options: &Options, ready: Ready, lines: &mut Vec<Line>) -> Vec<Done> {
    let wanted = QUEUED.into_iter().filter(|step| options.wants(*step));
    let binaries = match &ready.binaries {
        Ok(binaries) => binaries,
        Err(error) => {
            lines.extend(wanted.map(|step| Line::failed(step, anyhow!("{error:#}"))));
            return Vec::new();
        }
    };
    let mut times = Times::read(place);
    let mut jobs = Vec::new();
    for step in wanted {
        let made = jobs_of(place, options, step, binaries, &ready, &times);
        match made {
            Ok(made) => jobs.extend(made),
            Err(error) => lines.push(Line::failed(step, error)),
        }
    }
    if let Some(part) = &options.name {
        jobs.retain(|job| job.name.contains(part.as_str()));
    }
    eprintln!("\n=== tests: {} processes, {} at a time ===", jobs.len(), options.slots());
    let done = pool::run(jobs, options.slots(), &place.target.join("test-output"));
    let done = done.unwrap_or_else(|error| {
        lines.push(Line::failed(Step::Unit, error));
        Vec::new()
    });
    for step in QUEUED {
        let mut line = Line { step, took: Duration::ZERO, outcome: Ok(Tally::default()) };
        let mut any = false;
        for one in done.iter().filter(|one| one.step == step) {
            line.add(one);
            any = true;
        }
        lines.extend(any.then_some(line));
    }
    for lent in [ready.first, ready.second].into_iter().flatten().flatten() {
        if let Err(error) = lent.end() {
            lines.push(Line::failed(Step::Cluster, error));
        }
    }
    if let Err(error) = times.remember(&done) {
        eprintln!("{error:#}");
    }
    done
}

fn jobs_of(
    place: &Place,
    options: &Options,
    step: Step,
    binaries: &[Binary],
    ready: &Ready,
    times: &Times,
) -> Result<Vec<Job>> {
    let bench = Bench { place, times, long: options.long };
    let of = |lent: &Option<Result<Lent>>| match lent {
        Some(Ok(lent)) => Ok(lent.state.clone()),
        Some(Err(error)) => Err(anyhow!("the servers did not start: {error:#}")),
        None => Err(anyhow!("nobody started the servers")),
    };
    match step {
        Step::Cluster => bench.cluster(binaries, &of(&ready.first)?, &steps::python(place)?),
        Step::Second => bench.second(binaries, &of(&ready.second)?, &steps::python(place)?),
        Step::Desktop => {
            bench.windows(binaries, &steps::tauri_driver(place)?, Some(&of(&ready.first)?), |_| true)
        }
        _ => bench.unit(binaries),
    }
}

/// The first start and the first bill, with an app from a package: its rules for scripts and styles are those that
/// users get.
pub fn packaged(place: &Place, app: &Path) -> Result<Tally> {
    let binaries = binaries::compile(place, &Wanted::Only { tests: &["desktop"], programs: &[] })?;
    let times = Times::read(place);
    let bench = Bench { place, times: &times, long: false };
    let driver = steps::tauri_driver(place)?;
    let mut jobs = bench.windows(&binaries, &driver, None, |test| test.contains("first_start"))?;
    ensure!(jobs.len() == 1, "the test of the first start has another name now");
    for job in &mut jobs {
        job.command.env("TWINSTOCK_APP", app);
    }
    let done = pool::run(jobs, 1, &place.target.join("test-output"))?;
    let mut sum = Tally::default();
    done.iter().for_each(|one| sum.add(one.tally));
    Ok(sum)
}
