//! The front end: its packages, its checks, and the built pages that the desktop app embeds.
//! Packages come from the lock file alone; nothing here changes it.
use crate::place::Place;
use crate::sh;
use anyhow::{Context, Result};
use std::fs;
use std::process::Command;

fn npm(place: &Place, args: &[&str]) -> Result<Command> {
    let mut command = sh::command(place.node_path("npm"), &place.ui());
    command.args(args).env("PATH", place.path()?);
    Ok(command)
}

/// `npm ci`, unless the installed packages are those of this very lock file.
pub fn packages(place: &Place) -> Result<()> {
    let lock = fs::read(place.ui().join("package-lock.json")).context("ui/package-lock.json is missing")?;
    let stamp = place.ui().join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    sh::run(&mut npm(place, &["ci", "--no-audit", "--no-fund"])?)?;
    fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))
}

/// One script of ui/package.json.
pub fn script(place: &Place, name: &str) -> Result<Command> {
    npm(place, &["run", "--silent", name])
}

/// Builds ui/dist.
pub fn build(place: &Place) -> Result<()> {
    packages(place)?;
    sh::run(&mut script(place, "build")?)
}
