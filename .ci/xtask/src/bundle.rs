//! Packages for the system that this runs on: deb and rpm, an NSIS installer, or a disk image, each with `inv-daemon`
//! where the format can carry it. On Linux nothing but the registries that building needs is asked for.
use crate::place::Place;
use crate::{prepare, sh, ui};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tauri's own packager, from npm with its program in it.
const TAURI_CLI: &str = "@tauri-apps/cli@2.12.5";
const BUNDLES: &[&str] = match cfg!(target_os = "linux") {
    true => &["deb", "rpm"],
    false if cfg!(windows) => &["nsis"],
    false => &["dmg"],
};

/// Builds and packs; gives the packages.
pub fn bundle(place: &Place) -> Result<Vec<PathBuf>> {
    prepare::prepare(place, prepare::For::Building)?;
    ui::build(place)?;
    let shell = place.root.join("src-tauri");
    let mut build = sh::command("cargo", &place.root);
    build.args(["build", "--release", "--workspace", "--bin", "twinstock", "--bin", "inv-daemon"]);
    // What `tauri build` tells its build scripts: leave out commands that no capability allows.
    sh::run(build.env("REMOVE_UNUSED_COMMANDS", &shell))?;
    let release = place.target.join("release");
    let daemon = release.join(format!("inv-daemon{}", std::env::consts::EXE_SUFFIX));
    if cfg!(target_os = "linux") {
        let app = release.join("twinstock");
        sh::run(sh::command("strip", &place.root).arg("--strip-debug").args([&app, &daemon]))?;
    }
    let made = release.join("bundle");
    if made.exists() {
        fs::remove_dir_all(&made).context("cannot remove the last packages")?;
    }
    let cli = tauri_cli(place)?;
    let mut pack = sh::command(place.node_path("node"), &shell);
    pack.arg(cli).args(["bundle", "--bundles"]).args(BUNDLES).env("CI", "true");
    if cfg!(target_os = "linux") {
        pack.arg("--config").arg(with_daemon(&daemon));
    }
    sh::run(pack.env("PATH", place.path()?))?;
    let packages = packages(&made)?;
    ensure!(packages.len() >= BUNDLES.len(), "packages are missing in {}", made.display());
    Ok(packages)
}

/// The daemon goes into the package beside the app.
fn with_daemon(daemon: &Path) -> String {
    let files = serde_json::json!({ "/usr/bin/inv-daemon": daemon });
    serde_json::json!({ "bundle": { "linux": { "deb": { "files": files }, "rpm": { "files": files } } } })
        .to_string()
}

/// The packager's script, fetched once.
fn tauri_cli(place: &Place) -> Result<PathBuf> {
    let home = place.tools().join("tauri-cli");
    let script = home.join("node_modules/@tauri-apps/cli/tauri.js");
    let stamp = home.join("complete");
    if !(script.exists() && fs::read_to_string(&stamp).is_ok_and(|have| have == TAURI_CLI)) {
        fs::create_dir_all(&home)?;
        let mut npm = sh::command(place.node_path("npm"), &home);
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", TAURI_CLI, "--prefix"]).arg(&home);
        sh::run(npm.env("PATH", place.path()?))?;
        fs::write(stamp, TAURI_CLI)?;
    }
    Ok(script)
}

fn packages(made: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for kind in fs::read_dir(made).with_context(|| format!("nothing was made in {}", made.display()))? {
        let kind = kind?.path();
        let name = kind.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let ending = if name == "nsis" { "exe" } else { name.as_str() };
        for file in fs::read_dir(&kind)? {
            let file = file?.path();
            found.extend(file.extension().is_some_and(|e| e == ending).then_some(file));
        }
    }
    found.sort();
    Ok(found)
}

/// Unpacks the deb into a folder of its own and says where its app is; its daemon must start.
pub fn unpack(place: &Place, packages: &[PathBuf]) -> Result<PathBuf> {
    let deb = packages.iter().find(|file| file.extension().is_some_and(|e| e == "deb"));
    let deb = deb.context("only a deb can be tried without installing it")?;
    let home = place.target.join("packaged");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    sh::run(Command::new("dpkg-deb").arg("-x").arg(deb).arg(&home))?;
    let daemon = home.join("usr/bin/inv-daemon");
    let version = sh::output(sh::command(&daemon, &home).arg("--version"))?;
    ensure!(version.starts_with("inv-daemon "), "{} says {version}", daemon.display());
    Ok(home.join("usr/bin/twinstock"))
}
