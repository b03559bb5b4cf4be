//! The UI's types, written by the desktop crate from its own structs into ui/src/api/bindings.
//! A type that is gone does not live on in a file.
use crate::place::Place;
use crate::sh;
use anyhow::{Context, Result, ensure};
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
fn exporter(place: &Place, into: &Path) -> Command {
    let mut command = sh::command("cargo", &place.root);
    command.args(["test", "--workspace", "--bin", "twinstock", "export_bindings"]);
    command.env("TS_RS_EXPORT_DIR", into);
    command
}

/// Writes the types anew, beside the old ones first: a run that is cut short leaves those as they are. Returns
/// the names that differ from what was there before.
pub fn generate(place: &Place, run: impl FnOnce(&mut Command) -> Result<()>) -> Result<Vec<String>> {
    let part = place.target.join(format!("bindings-{}", std::process::id()));
    fs::create_dir_all(&part)?;
    let done = run(&mut exporter(place, &part));
    let after = read(&part);
    fs::remove_dir_all(&part).context("cannot remove the exported types' folder")?;
    done?;
    let after = after?;
    ensure!(!after.is_empty(), "the desktop crate exported no types");
    let dir = place.ui().join("src/api/bindings");
    let before = read(&dir)?;
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let changed: Vec<String> = names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    for name in &changed {
        let file = dir.join(name);
        match after.get(name) {
            Some(text) => fs::write(&file, text),
            None => fs::remove_file(&file),
        }
        .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(changed)
}
