//! The programs of the tests: compiled by one call of cargo for the whole workspace, found by what cargo says about
//! them, and asked for the names of their tests. Nothing is run here.
use crate::place::Place;
use crate::sh;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

/// What is compiled.
pub enum Wanted<'a> {
    /// Every test of the workspace, and both programs.
    Everything,
    /// The test programs of these names in whatever package, and the programs that they start.
    Only { tests: &'a [&'a str], programs: &'a [&'a str] },
}

/// A compiled program of tests.
pub struct Binary {
    /// `engine`, `cluster`, `desktop`, …; for tests beside the code the crate's name.
    pub target: String,
    /// Its package's folder, in which cargo would run it.
    pub dir: PathBuf,
    pub path: PathBuf,
    /// A program of its own below `tests/`, not tests beside the code.
    pub integration: bool,
}

/// One line of `cargo build --message-format json`.
#[derive(Deserialize)]
struct Said {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// Compiles. Always with `--workspace`, narrowed by names: with another choice of packages cargo takes other features of
/// what they share, and compiles it all again.
pub fn compile(place: &Place, wanted: &Wanted) -> Result<Vec<Binary>> {
    let mut command = sh::command("cargo", &place.root);
    command.args(["build", "--workspace"]);
    match wanted {
        Wanted::Everything => {
            command.args(["--tests", "--bin", "inv-daemon", "--bin", "twinstock"]);
        }
        Wanted::Only { tests, programs } => {
            command.args(tests.iter().flat_map(|name| ["--test", name]));
            command.args(programs.iter().flat_map(|name| ["--bin", name]));
        }
    }
    command.args(["--message-format", "json-render-diagnostics"]);
    let line = sh::show(&command);
    eprintln!("$ {line}");
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start: {line}"))?;
    let mut found = Vec::new();
    if let Some(out) = child.stdout.take() {
        for said in BufReader::new(out).lines() {
            found.extend(binary(&said?));
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("failed with {status}: {line}");
    }
    ensure!(!found.is_empty(), "cargo compiled no tests: {line}");
    found.sort_by_key(Binary::label);
    Ok(found)
}

/// The test program that a line of cargo's tells of.
fn binary(line: &str) -> Option<Binary> {
    let said: Said = serde_json::from_str(line).ok()?;
    let (target, profile) = (said.target?, said.profile?);
    (said.reason == "compiler-artifact" && profile.test).then_some(())?;
    Some(Binary {
        integration: target.kind.iter().any(|kind| kind == "test"),
        target: target.name,
        dir: said.manifest_path.parent()?.to_path_buf(),
        path: said.executable?,
    })
}

impl Binary {
    /// As reports name it: the folder of the package, and which of its programs.
    pub fn label(&self) -> String {
        let package =
            self.dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if self.integration { format!("{package}/{}", self.target) } else { self.target.clone() }
    }

    /// Whether its tests need real servers.
    pub fn wants_servers(&self) -> bool {
        self.integration && self.target == "cluster"
    }

    /// Whether its tests open the real window.
    pub fn wants_window(&self) -> bool {
        self.integration && self.target == "desktop"
    }

    /// The names of all its tests.
    pub fn tests(&self) -> Result<Vec<String>> {
        let said = sh::output(sh::command(&self.path, &self.dir).args(["--list", "--format", "terse"]))?;
        Ok(said.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    }

    /// The program, ready for arguments, as cargo would start it.
    pub fn command(&self) -> std::process::Command {
        let mut command = sh::command(&self.path, &self.dir);
        command.env("CARGO_MANIFEST_DIR", &self.dir);
        command
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn test_programs_are_found_in_what_cargo_says() {
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/tests#0.1.0",
            "manifest_path":"/w/tests/Cargo.toml","target":{"kind":["test"],"crate_types":["bin"],"name":"cluster"},
            "profile":{"opt_level":"0","test":true},"executable":"/t/debug/deps/cluster-1","fresh":true}"#;
        let found = super::binary(line).map(|one| (one.label(), one.wants_servers(), one.wants_window()));
        assert_eq!(found, Some(("tests/cluster".to_owned(), true, false)));
        assert!(super::binary(&line.replace("\"test\":true", "\"test\":false")).is_none());
        assert!(super::binary(r#"{"reason":"build-finished","success":true}"#).is_none());
    }
}
