//! The UI's types, written by the desktop crate from its own structs into ui/src/api/bindings.
//! The folder is emptied first: a type that is gone must not live on in a file.
use crate::place::Place;
use crate::sh;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

type Files = BTreeMap<String, Vec<u8>>;

fn read(dir: &Path) -> Result<Files> {
    let mut files = Files::new();
    if !dir.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "ts") {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            files.insert(name, fs::read(&path)?);
        }
    }
    Ok(files)
}

/// The command that writes the types; the exporters are tests of the desktop crate, one for each type.
pub fn exporter(place: &Place) -> Command {
    let mut command = sh::command("cargo", &place.root);
    command.args(["test", "-p", "twinstock", "export_bindings"]);
    command.env("TS_RS_EXPORT_DIR", place.ui().join("src/api/bindings"));
    command
}

/// Writes the types anew. Returns the names that differ from what was there before.
pub fn generate(place: &Place, run: impl FnOnce(&mut Command) -> Result<()>) -> Result<Vec<String>> {
    let dir = place.ui().join("src/api/bindings");
    let before = read(&dir)?;
    for name in before.keys() {
        fs::remove_file(dir.join(name)).with_context(|| format!("cannot remove {name}"))?;
    }
    let done = run(&mut exporter(place));
    let after = read(&dir)?;
    if done.is_err() || after.is_empty() {
        // Nothing was exported: what was there stays.
        for (name, text) in &before {
            fs::write(dir.join(name), text)?;
        }
        done?;
        bail!("the desktop crate exported no types");
    }
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    Ok(names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect())
}
