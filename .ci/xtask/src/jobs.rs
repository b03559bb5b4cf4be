//! Which tests a step runs, what each needs in its environment, and which of them may not meet: the table from the
//! compiled programs to the queue of `pool`. Starts nothing itself.
use crate::binaries::Binary;
use crate::place::Place;
use crate::pool::{Job, Turn};
use crate::servers::State;
use crate::steps::Step;
use crate::times::Times;
use anyhow::{Result, ensure};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Modules that the second pass repeats: what another ledger's or another stock's server could do differently.
const SECOND_PASS: [&str; 13] = [
    "audit_planted",
    "audit_traffic",
    "check",
    "kill",
    "ledger_mysql",
    "many_tables",
    "path",
    "poison",
    "replay",
    "spec_scripts",
    "stock_faults",
    "stock_redis",
    "stock_redis_faults",
];
/// Of the engine's own tests these are repeated too.
const SECOND_PASS_MORE: [&str; 1] = ["stock_redis_cluster"];
/// Tests among them that need no server, or none but Kafka.
const FIRST_PASS_ONLY: [&str; 9] = [
    "standalone",
    "embedded",
    "outbox",
    "product_days",
    "killed_sends",
    "poison_by_send",
    "wrong_configuration",
    "a_guarded_kafka",
    // Table by table copied aside and put back; `audit_traffic` plants the same into this ledger.
    "planted_in_the_ledger",
];
/// Modules that empty databases of the run's own Redis, or change its settings: one test at a time.
const OF_THE_RUNS_REDIS: [&str; 3] = ["status_kafka", "stock_redis", "whole_path_kafka"];
/// Windows that are open at one time, each on a screen of its own: drawing them is work for the processor.
const WINDOWS: usize = 2;

/// What all jobs are made with.
pub struct Bench<'a> {
    pub place: &'a Place,
    pub times: &'a Times,
    pub long: bool,
}

impl Bench<'_> {
    /// Tests that need no server, and the house's own rules.
    pub fn unit(&self, binaries: &[Binary]) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        for binary in binaries.iter().filter(|one| !one.wants_servers() && !one.wants_window()) {
            if !binary.integration {
                // Quick ones, side by side in one process.
                let tests = binary.tests()?.len();
                if tests > 0 {
                    let mut command = binary.command();
                    // Types exported on the way go nowhere: `bindings` compares them.
                    command.env("TS_RS_EXPORT_DIR", self.place.target.join("unit-bindings"));
                    jobs.push(self.job(
                        Step::Unit,
                        format!("{} ({tests} tests)", binary.label()),
                        command,
                        &[],
                    )?);
                }
                continue;
            }
            for test in binary.tests()? {
                jobs.push(self.single(Step::Unit, binary, &test, binary.command(), &[])?);
            }
        }
        Ok(jobs)
    }

    /// Tests against real servers.
    pub fn cluster(&self, binaries: &[Binary], servers: &State, python: &Path) -> Result<Vec<Job>> {
        self.on_servers(Step::Cluster, binaries, servers, python, |_| true)
    }

    /// What another ledger's and another stock's server could do differently.
    pub fn second(&self, binaries: &[Binary], servers: &State, python: &Path) -> Result<Vec<Job>> {
        self.on_servers(Step::Second, binaries, servers, python, |test| {
            let module = module(test);
            let repeated = SECOND_PASS.contains(&module) || SECOND_PASS_MORE.contains(&module);
            repeated && !FIRST_PASS_ONLY.iter().any(|words| test.contains(words))
        })
    }

    fn on_servers(
        &self,
        step: Step,
        binaries: &[Binary],
        servers: &State,
        python: &Path,
        chosen: impl Fn(&str) -> bool,
    ) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        for binary in binaries.iter().filter(|one| one.wants_servers()) {
            for test in binary.tests()?.iter().filter(|test| chosen(test)) {
                let mut command = binary.command();
                command.envs(&servers.env).env("TWINSTOCK_TEST_PYTHON", python);
                let first = servers.env.get("TWINSTOCK_TEST_PATH").map(PathBuf::from);
                let mut job = self.single(step, binary, test, command, first.as_slice())?;
                if OF_THE_RUNS_REDIS.contains(&module(test)) {
                    let name = if step == Step::Second { "the second Redis" } else { "the first Redis" };
                    job.turn = Some(Turn { name, at_once: 1 });
                }
                jobs.push(job);
            }
        }
        ensure!(!jobs.is_empty(), "there is no test for {}", step.name());
        Ok(jobs)
    }

    /// The real window, each test on a screen of its own.
    pub fn windows(
        &self,
        binaries: &[Binary],
        driver: &Path,
        servers: Option<&State>,
        chosen: impl Fn(&str) -> bool,
    ) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        for binary in binaries.iter().filter(|one| one.wants_window()) {
            for test in binary.tests()?.iter().filter(|test| chosen(test)) {
                let mut command = crate::sh::command("dbus-run-session", &binary.dir);
                command.args(["--", "xvfb-run", "-a", "-s", "-screen 0 1920x1200x24 -nolisten tcp"]);
                command.arg(&binary.path).env("CARGO_MANIFEST_DIR", &binary.dir);
                command.env("TWINSTOCK_TAURI_DRIVER", driver).env("NO_AT_BRIDGE", "1");
                if let Some(servers) = servers {
                    command.envs(&servers.env);
                }
                let mut job = self.single(Step::Desktop, binary, test, command, &[])?;
                job.turn = Some(Turn { name: "a window", at_once: WINDOWS });
                jobs.push(job);
            }
        }
        ensure!(!jobs.is_empty(), "there is no test of the window");
        Ok(jobs)
    }

    /// One test in a process of its own.
    fn single(
        &self,
        step: Step,
        binary: &Binary,
        test: &str,
        mut command: Command,
        first: &[PathBuf],
    ) -> Result<Job> {
        command.args(["--exact", test, "--nocapture"]);
        self.job(step, format!("{} {test}", binary.label()), command, first)
    }

    fn job(&self, step: Step, name: String, mut command: Command, first: &[PathBuf]) -> Result<Job> {
        let own = self.place.path()?;
        let path: Vec<PathBuf> = first.iter().cloned().chain(std::env::split_paths(&own)).collect();
        command.env("TWINSTOCK_BIN_DIR", self.place.target.join("debug"));
        command.env("PATH", std::env::join_paths(path.iter().map(OsStr::new))?);
        if self.long {
            command.env("TWINSTOCK_TEST_LONG", "1");
        }
        let expected = self.times.of(step, &name);
        let limit = Duration::from_secs(if self.long { 4 * 3600 } else { 600 });
        Ok(Job { step, name, command, turn: None, expected, limit })
    }
}

/// `check` of `check::everything_in_order`.
fn module(test: &str) -> &str {
    test.split("::").next().unwrap_or(test)
}
