//! The steps of `cargo xtask test` by name, and those that are no tests of ours: what each runs, and what counts as passed.
//! The tests themselves run from one queue (`jobs`, `pool`).
use crate::place::Place;
use crate::tally::{self, Tally};
use crate::{bindings, prepare, sh, ui};
use anyhow::{Result, bail, ensure};
use clap::ValueEnum;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// In the order in which the summary names them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
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

impl Step {
    /// As the command line and the summary write it.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

const TAURI_DRIVER: &str = "2.1.0";

fn cargo(place: &Place) -> Command {
    sh::command("cargo", &place.root)
}

/// Packages of the machine, of the owner's scripts, and of the UI.
pub fn prepare(place: &Place) -> Result<Tally> {
    prepare::prepare(place, prepare::For::Testing)?;
    python(place)?;
    ui::packages(place)?;
    Ok(Tally { passed: 1, failed: 0 })
}

pub fn fmt(place: &Place) -> Result<Tally> {
    tally::run(cargo(place).args(["fmt", "--all", "--check"])).map(whole)
}

/// Everything about the UI but its build, which comes first of all: the app embeds it. What it prints is shown in one
/// piece at the end, for the compiler speaks meanwhile.
pub fn ui(place: &Place) -> Result<Tally> {
    ui::packages(place)?;
    let mut sum = Tally { passed: 1, failed: 0 };
    let mut said = Vec::new();
    for name in ["check", "lint", "format:check", "test"] {
        let tally = tally::run_into(&mut ui::script(place, name)?, &mut said)?;
        ensure!(name != "test" || tally != Tally::default(), "vitest ran no test");
        sum.add(whole(tally));
    }
    println!("{}", String::from_utf8_lossy(&said));
    Ok(sum)
}

pub fn clippy(place: &Place) -> Result<Tally> {
    tally::run(cargo(place).args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
        .map(whole)
}

pub fn types_of_the_ui(place: &Place) -> Result<Tally> {
    let changed = bindings::generate(place, |command| {
        let tally = tally::run(command)?;
        ensure!(tally.failed == 0, "the exporters failed");
        Ok(())
    })?;
    if !changed.is_empty() {
        bail!("types of the UI were out of date: {}; commit what was written now", changed.join(", "));
    }
    Ok(Tally { passed: 1, failed: 0 })
}

pub fn engine_tree(place: &Place) -> Result<Tally> {
    let tree = sh::output(cargo(place).args(["tree", "-p", "inventory", "--prefix", "none"]))?;
    let found: Vec<&str> = tree.lines().filter(|line| line.starts_with("tauri")).collect();
    ensure!(found.is_empty(), "the engine depends on {}", found.join(", "));
    ensure!(tree.starts_with("inventory "), "cargo tree said something else: {tree}");
    Ok(Tally { passed: 1, failed: 0 })
}

/// A check without counted tests counts as one.
fn whole(tally: Tally) -> Tally {
    if tally == Tally::default() { Tally { passed: 1, failed: 0 } } else { tally }
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
pub fn tauri_driver(place: &Place) -> Result<PathBuf> {
    let driver = place.tools().join("bin/tauri-driver");
    if !driver.exists() {
        let mut command = sh::command("cargo", &place.root);
        // It only hands requests on: the quickest build will do.
        command.args(["install", "--debug", &format!("tauri-driver@{TAURI_DRIVER}"), "--locked", "--root"]);
        sh::run(command.arg(place.tools()).env("CARGO_TARGET_DIR", place.tools().join("build")))?;
    }
    Ok(driver)
}
