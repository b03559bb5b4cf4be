//! Starting programs: every command is shown, none gets a terminal to ask questions on.
//! A failure names the whole command, so that it can be repeated by hand.
use crate::careless;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A command in a folder, without standard input. What `cargo run` told us about our own package is not handed on:
/// build scripts that look at it would take a build of ours and one by hand for different ones, and compile anew.
pub fn command(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(ours) {
            command.env_remove(name);
        }
    }
    careless::tell(&mut command);
    command
}

/// Variables that cargo sets for the package it runs.
fn ours(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
        .iter()
        .any(|begin| name.starts_with(begin))
}

/// The command as one would type it.
pub fn show(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

/// Runs to the end with the output shown; anything but success is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let line = show(command);
    eprintln!("$ {line}");
    let status = command.status().with_context(|| format!("cannot start: {line}"))?;
    if !status.success() {
        bail!("failed with {status}: {line}");
    }
    Ok(())
}

/// Runs to the end silently and returns standard output; a failure carries what the program said.
pub fn output(command: &mut Command) -> Result<String> {
    let line = show(command);
    let out = command.output().with_context(|| format!("cannot start: {line}"))?;
    if !out.status.success() {
        bail!(
            "failed with {}: {line}\n{}{}",
            out.status,
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The full path of a program, if the machine has it. Servers live in sbin, which users' PATH often lacks.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/bin"].map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_builds_own_settings_are_handed_on() {
        assert!(super::ours("CARGO_MANIFEST_DIR") && super::ours("CARGO_PKG_NAME"));
        assert!(!super::ours("CARGO_TARGET_DIR") && !super::ours("CARGO_HOME") && !super::ours("PATH"));
    }
}
