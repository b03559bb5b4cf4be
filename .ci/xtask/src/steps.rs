//! The steps of `cargo xtask test`, each by itself: what it runs, and what counts as passed.
//! A step that should have tests and ran none has failed.
use crate::place::Place;
use crate::servers::{Kind, Lent};
use crate::tally::{self, Tally};
use crate::{bindings, prepare, sh, ui};
use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// In the order in which they run: the app embeds the built UI, so the UI comes before the compiler.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Step {
    /// Packages of the machine and of the UI
    Prepare,
    /// cargo fmt
    Fmt,
    /// Types, lint, format, tests and build of the UI
    Ui,
    /// clippy, warnings denied
    Clippy,
    /// The UI's types are those of the Rust structs
    Bindings,
    /// Tests that need no server, and the house's own rules
    Unit,
    /// Tests against the real Kafka, MariaDB and Redis
    Cluster,
    /// The short form of the same on MySQL and Valkey
    Second,
    /// The real window, by WebDriver
    Desktop,
    /// The engine does not depend on tauri
    EngineTree,
}

/// What the steps share.
pub struct Run<'a> {
    pub place: &'a Place,
    pub long: bool,
}

const TAURI_DRIVER: &str = "2.1.0";
/// The whole path's tests that the second pass repeats.
const SECOND_PASS: [&str; 10] = [
    "audit_planted",
    "audit_traffic",
    "check",
    "kill",
    "many_tables",
    "path",
    "poison",
    "replay",
    "spec_scripts",
    "stock_faults",
];
/// Tests among them that need no server, or none but Kafka.
const FIRST_PASS_ONLY: [&str; 8] = [
    "standalone",
    "embedded",
    "outbox",
    "product_days",
    "killed_sends",
    "poison_by_send",
    "wrong_configuration",
    "a_guarded_kafka",
];

impl Run<'_> {
    pub fn step(&self, step: Step) -> Result<Tally> {
        match step {
            Step::Prepare => self.prepare(),
            Step::Fmt => tally::run(self.cargo().args(["fmt", "--all", "--check"])).map(whole),
            Step::Ui => self.ui(),
            Step::Clippy => tally::run(self.cargo().args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ]))
            .map(whole),
            Step::Bindings => self.bindings(),
            Step::Unit => self.unit(),
            Step::Cluster => self.cluster(),
            Step::Second => self.second(),
            Step::Desktop => self.desktop(),
            Step::EngineTree => Ok(Tally::one(&self.engine_tree())),
        }
    }

    fn cargo(&self) -> Command {
        sh::command("cargo", &self.place.root)
    }

    fn prepare(&self) -> Result<Tally> {
        prepare::prepare(self.place, prepare::For::Testing)?;
        python(self.place)?;
        ui::packages(self.place)?;
        Ok(Tally { passed: 1, failed: 0 })
    }

    fn ui(&self) -> Result<Tally> {
        ui::packages(self.place)?;
        let mut sum = Tally::default();
        for name in ["check", "lint", "format:check", "test", "build"] {
            let tally = tally::run(&mut ui::script(self.place, name)?)?;
            ensure!(name != "test" || tally != Tally::default(), "vitest ran no test");
            sum.add(whole(tally));
        }
        Ok(sum)
    }

    fn bindings(&self) -> Result<Tally> {
        let changed = bindings::generate(self.place, |command| {
            let tally = tally::run(command)?;
            ensure!(tally.failed == 0, "the exporters failed");
            Ok(())
        })?;
        if !changed.is_empty() {
            bail!("types of the UI were out of date: {}; commit what was written now", changed.join(", "));
        }
        Ok(Tally { passed: 1, failed: 0 })
    }

    fn unit(&self) -> Result<Tally> {
        let mut names = self.engine_tests(false)?;
        names.push("tidy".to_owned());
        self.tests(self.cargo().args(["test", "--workspace", "--lib", "--bins"]), &names)
    }

    fn cluster(&self) -> Result<Tally> {
        let files = test_files(&self.place.root.join("tests/tests"))?;
        ensure!(!files.is_empty(), "there is no test of the whole path in tests/tests");
        let mut names = self.engine_tests(true)?;
        names.extend(files.into_iter().filter(|name| !window(name) && name != "tidy"));
        sh::run(self.cargo().args(["build", "--workspace", "--bin", "inv-daemon"]))?;
        self.compile(&names)?;
        let python = python(self.place)?;
        let servers = Lent::start(self.place, Kind::MariadbRedis)?;
        let mut command = limited("cargo", &self.place.root, 45);
        command.envs(&servers.state.env).env("TWINSTOCK_TEST_PYTHON", &python);
        let tally = self.tests(command.args(["test", "--workspace"]), &names)?;
        servers.end()?;
        Ok(tally)
    }

    /// What another ledger's and another stock's server could do differently; what needs neither is left to the
    /// first pass.
    fn second(&self) -> Result<Tally> {
        let mut names = self.engine_tests(true)?;
        names.retain(|name| !name.contains("kafka"));
        names.extend(SECOND_PASS.map(str::to_owned));
        sh::run(self.cargo().args(["build", "--workspace", "--bin", "inv-daemon"]))?;
        self.compile(&names)?;
        let python = python(self.place)?;
        let servers = Lent::start(self.place, Kind::MysqlValkey)?;
        let mut command = limited("cargo", &self.place.root, 20);
        command.envs(&servers.state.env).env("TWINSTOCK_TEST_PYTHON", &python);
        command.args(["test", "--workspace"]);
        for name in &names {
            command.args(["--test", name]);
        }
        command.args(["--no-fail-fast", "--"]).args(FIRST_PASS_ONLY.map(|name| format!("--skip={name}")));
        let tally = self.run_tests(&mut command, servers.state.env.get("TWINSTOCK_TEST_PATH"))?;
        servers.end()?;
        Ok(tally)
    }

    fn desktop(&self) -> Result<Tally> {
        ui::build(self.place)?;
        sh::run(self.cargo().args(["build", "--workspace", "--bin", "twinstock", "--bin", "inv-daemon"]))?;
        let mut names = test_files(&self.place.root.join("tests/tests"))?;
        names.retain(|name| window(name));
        let mut command = self.windows(&names, if self.long { 60 } else { 25 })?;
        let servers = Lent::start(self.place, Kind::MariadbRedis)?;
        command.envs(&servers.state.env);
        let tally = self.tests(&mut command, &names)?;
        servers.end()?;
        Ok(tally)
    }

    /// The first start and the first bill, with an app from a package: its rules for scripts and styles are those that
    /// users get.
    pub fn packaged(&self, app: &Path) -> Result<Tally> {
        let names = ["desktop".to_owned()];
        let mut command = self.windows(&names, 15)?;
        command.args(["--test", "desktop", "--", "first_start"]).env("TWINSTOCK_APP", app);
        let tally = self.run_tests(&mut command, None)?;
        ensure!(tally.passed + tally.failed == 1, "the test of the first start has another name now");
        Ok(tally)
    }

    /// `cargo test` on a screen of its own, once these tests are compiled.
    fn windows(&self, names: &[String], minutes: u32) -> Result<Command> {
        let driver = tauri_driver(self.place)?;
        self.compile(names)?;
        let mut command = limited("dbus-run-session", &self.place.root, minutes);
        command.args(["--", "xvfb-run", "-a", "-s", "-screen 0 1920x1200x24 -nolisten tcp"]);
        command.args(["cargo", "test", "--workspace"]);
        command.env("TWINSTOCK_TAURI_DRIVER", driver).env("NO_AT_BRIDGE", "1");
        // One window at a time: only one of them can have the keyboard.
        command.env("RUST_TEST_THREADS", "1");
        Ok(command)
    }

    /// Compiles tests before anything is started for them. Always the whole workspace, narrowed by names: with
    /// another choice of packages cargo takes other features of what they share, and compiles it all again.
    fn compile(&self, names: &[String]) -> Result<()> {
        let mut command = self.cargo();
        command.args(["test", "--workspace", "--no-run"]);
        for name in names {
            command.args(["--test", name]);
        }
        sh::run(&mut command)
    }

    fn engine_tree(&self) -> Result<()> {
        let tree = sh::output(self.cargo().args(["tree", "-p", "inventory", "--prefix", "none"]))?;
        let found: Vec<&str> = tree.lines().filter(|line| line.starts_with("tauri")).collect();
        ensure!(found.is_empty(), "the engine depends on {}", found.join(", "));
        ensure!(tree.starts_with("inventory "), "cargo tree said something else: {tree}");
        Ok(())
    }

    /// Runs test binaries by name; none of the tests may be left out because another failed.
    fn tests(&self, command: &mut Command, names: &[String]) -> Result<Tally> {
        for name in names {
            command.args(["--test", name]);
        }
        command.arg("--no-fail-fast");
        self.run_tests(command, None)
    }

    /// Runs a prepared command of tests, with our own programs first on its path.
    fn run_tests(&self, command: &mut Command, first_on_path: Option<&String>) -> Result<Tally> {
        let own = self.place.path()?;
        let path = std::env::join_paths(
            first_on_path.map(PathBuf::from).into_iter().chain(std::env::split_paths(&own)),
        )?;
        command.env("TWINSTOCK_BIN_DIR", self.place.target.join("debug")).env("PATH", path);
        if self.long {
            command.env("TWINSTOCK_TEST_LONG", "1");
        }
        let tally = tally::run(command)?;
        ensure!(tally != Tally::default(), "no test ran");
        Ok(tally)
    }

    /// The engine's own test files: those that name a server need one, the others do not.
    fn engine_tests(&self, servers: bool) -> Result<Vec<String>> {
        let all = test_files(&self.place.root.join("src-tauri/inventory/tests"))?;
        let needs = |name: &String| ["mysql", "redis", "kafka"].iter().any(|server| name.contains(server));
        Ok(all.into_iter().filter(|name| needs(name) == servers).collect())
    }
}

/// Without a terminal nobody sees that a test hangs: `timeout` ends it, so that the summary still comes.
fn limited(program: &str, dir: &Path, minutes: u32) -> Command {
    match sh::which("timeout") {
        Some(timeout) if std::env::var_os("CI").is_some() => {
            let mut command = sh::command(timeout, dir);
            command.args(["-k", "20", &format!("{minutes}m"), program]);
            command
        }
        _ => sh::command(program, dir),
    }
}

/// Test files that open the real window.
fn window(name: &str) -> bool {
    name.starts_with("desktop")
}

/// A check without counted tests counts as one.
fn whole(tally: Tally) -> Tally {
    if tally == Tally::default() { Tally { passed: 1, failed: 0 } } else { tally }
}

fn test_files(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if dir.exists() {
        for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "rs") {
                names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
            }
        }
    }
    names.sort();
    Ok(names)
}

/// A Python with the clients that the owner's own scripts use.
pub fn python(place: &Place) -> Result<PathBuf> {
    let venv = place.services().join("venv");
    let python = venv.join("bin/python");
    let stamp = venv.join("complete");
    let packages = ["kafka-python==3.*", "mysql-connector-python==9.*", "redis>=5"];
    let wanted = packages.join(" ");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) && python.exists() {
        return Ok(python);
    }
    let dir = place.services();
    fs::create_dir_all(&dir)?;
    sh::run(sh::command("python3", &dir).args(["-m", "venv", "--clear"]).arg(&venv))?;
    sh::run(sh::command(&python, &dir).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}

/// tauri-driver, compiled once into the target folder.
fn tauri_driver(place: &Place) -> Result<PathBuf> {
    let driver = place.tools().join("bin/tauri-driver");
    if !driver.exists() {
        let mut command = sh::command("cargo", &place.root);
        command.args(["install", &format!("tauri-driver@{TAURI_DRIVER}"), "--locked", "--root"]);
        sh::run(command.arg(place.tools()).env("CARGO_TARGET_DIR", place.tools().join("build")))?;
    }
    Ok(driver)
}
