//! The house's own rules, checked on every file: lengths, headers, arrows between rooms, one door to Tauri.
//! A rule is never loosened to let a file pass; where one is wrong it is changed here, with a reason.
mod arrows;
mod code;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in a folder of the clone").to_owned()
}

/// Every file with one of these endings below the given folders, as (path from the root, text).
fn files(dirs: &[&str], endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = dirs.iter().map(|dir| root().join(dir)).collect();
    while let Some(dir) = waiting.pop() {
        let entries = fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        for entry in entries {
            let path = entry.expect("a folder can be read").path();
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() {
                if !["target", "node_modules", "gen", "dist", "paraglide", "bindings"]
                    .contains(&name.as_str())
                {
                    waiting.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                let shown = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().into_owned();
                found.push((shown, text));
            }
        }
    }
    assert!(!found.is_empty(), "nothing with {endings:?} in {dirs:?}: this check would pass on nothing");
    found.sort();
    found
}

fn rust() -> Vec<(String, String)> {
    files(&["src-tauri", "tests", ".ci"], &[".rs"])
}

/// The files of one package that are no tests, by their path below its src.
fn package(name: &str) -> Vec<(String, String)> {
    let src = format!("src-tauri/{name}/src/");
    let all = files(&[&src], &[".rs"]).into_iter().filter(|(path, _)| !is_test(path));
    all.map(|(path, text)| (path[src.len()..].to_owned(), text)).collect()
}

/// The files of all packages of the engine, by their path below src-tauri.
fn engine() -> Vec<(String, String)> {
    let names = arrows::PACKAGES.iter().map(|(name, _)| *name);
    let of = |name| package(name).into_iter().map(move |(path, text)| (format!("{name}/src/{path}"), text));
    names.flat_map(of).collect()
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs")
}

/// Fails with every violation at once.
fn none<'f>(files: impl IntoIterator<Item = &'f (String, String)>, rule: impl Fn(&str, &str) -> Vec<String>) {
    let broken = files.into_iter().flat_map(|(path, text)| {
        rule(path, text).into_iter().map(|words| format!("{path}:{words}")).collect::<Vec<_>>()
    });
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn files_are_short() {
    none(&rust(), |_, text| rules::file_length(text));
}

#[test]
fn functions_are_short() {
    none(&rust(), |_, text| rules::function_length(text));
}

#[test]
fn files_say_what_they_are_for() {
    none(&rust(), |_, text| rules::header(text));
}

#[test]
fn nothing_unwraps_outside_tests() {
    none(rust().iter().filter(|(path, _)| !is_test(path) && !path.ends_with("main.rs")), |_, text| {
        rules::no_unwrap(text)
    });
}

#[test]
fn nothing_is_postponed_or_left_out() {
    none(&rust(), |_, text| rules::nothing_postponed(text));
    none(&files(&["ui/src", "ui/tests"], &[".ts", ".svelte", ".js", ".css"]), |_, text| {
        rules::nothing_postponed(text)
    });
    none(&files(&["migrations"], &[".sql"]), |_, text| rules::nothing_postponed(text));
}

#[test]
fn names_tell_something() {
    none(&rust(), |path, _| rules::telling_name(path));
}

#[test]
fn arrows_go_one_way() {
    let manifests = files(&["src-tauri"], &["Cargo.toml"]);
    let packages: Vec<_> = manifests
        .into_iter()
        .filter_map(|(path, text)| Some((path.rsplit('/').nth(1)?.to_owned(), text)))
        .filter(|(name, _)| !["src-tauri", "inv-daemon"].contains(&name.as_str()))
        .collect();
    assert_eq!(packages.len(), arrows::PACKAGES.len(), "each package of the list has a manifest");
    none(&packages, arrows::undue);
}

#[test]
fn no_files_need_each_other_in_a_circle() {
    let mut found = Vec::new();
    for (name, _) in arrows::PACKAGES {
        found.extend(arrows::circles(&package(name)).into_iter().map(|line| format!("{name}/{line}")));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn report_never_reads_stock() {
    let tree = tree("report");
    assert!(tree.contains("\nledger v"), "{tree}");
    assert!(!tree.contains("\nstock v"), "the report reaches the stock:\n{tree}");
}

#[test]
fn shells_know_the_engine_as_one_piece() {
    for shell in ["src-tauri/Cargo.toml", "src-tauri/inv-daemon/Cargo.toml"] {
        let text = fs::read_to_string(root().join(shell)).expect("a manifest");
        let names: Vec<&str> = text.lines().filter_map(|line| line.split(['.', ' ']).next()).collect();
        assert!(names.contains(&"inventory"), "{shell}");
        let parts: Vec<_> = arrows::PACKAGES.iter().filter(|(name, _)| *name != "inventory").collect();
        assert!(!parts.iter().any(|(name, _)| names.contains(name)), "{shell} names a part of the engine");
    }
}

/// What a package depends on, built into it or run to build it.
fn tree(package: &str) -> String {
    let out = Command::new(env!("CARGO"))
        .args(["tree", "-p", package, "--prefix", "none", "--edges", "normal,build"])
        .current_dir(root())
        .output()
        .expect("cargo tree starts");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let tree = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(tree.starts_with(&format!("{package} v")), "{tree}");
    tree
}

#[test]
fn engine_without_tauri() {
    let tree = tree("inventory");
    assert!(tree.contains("\ntokio v"), "the tree shows what the engine does depend on");
    let tauri: Vec<&str> = tree.lines().filter(|line| line.starts_with("tauri")).collect();
    assert!(tauri.is_empty(), "the engine depends on {tauri:?}");
}

#[test]
fn ui_has_one_door() {
    let all = files(&["ui/src"], &[".ts", ".svelte", ".js"]);
    none(all.iter().filter(|(path, _)| !path.starts_with("ui/src/api/")), |_, text| {
        rules::no_tauri_import(text)
    });
    assert!(all.iter().any(|(_, text)| !rules::no_tauri_import(text).is_empty()), "nobody uses the door");
}

#[test]
fn money_and_quantity_are_integers() {
    let path: Vec<_> =
        ["domain", "ledger", "stock", "writer", "queue"].into_iter().flat_map(package).collect();
    none(&path, |_, text| rules::no_floats(text));
}

#[test]
fn time_is_a_parameter() {
    none(&engine(), |_, text| rules::no_clock(text));
}

/// A point that is listed and not passed proves nothing; one that is passed and not listed is never armed.
#[test]
fn crash_points_are_listed_and_passed() {
    let mut listed = tests::points::listed();
    let mut passed: Vec<String> = Vec::new();
    for (path, text) in engine().iter().filter(|(path, _)| !path.starts_with("crash-points/")) {
        for (at, _) in text.match_indices("crash_points::pass(") {
            let name = text[at..].split('"').nth(1).unwrap_or_default();
            assert!(
                !name.is_empty() && !name.contains(char::is_whitespace),
                "{path}: a point without a name"
            );
            passed.push(name.to_owned());
        }
    }
    assert!(passed.len() > 20, "{passed:?}");
    listed.sort_unstable();
    passed.sort_unstable();
    assert_eq!(passed, listed, "each point of POINTS stands in the code exactly once");
}

#[test]
fn both_dialects_have_the_same_migrations() {
    let names = |dialect: &str| -> Vec<String> {
        let dir = format!("migrations/{dialect}");
        let all = files(&[&dir], &[".sql"]);
        assert!(all.iter().all(|(_, text)| !text.trim().is_empty()), "an empty migration in {dir}");
        all.into_iter().map(|(path, _)| path[dir.len() + 1..].to_owned()).collect()
    };
    assert_eq!(names("mysql"), names("sqlite"));
}

/// A package that is not in the daemon's list is heard from warnings on only; what users wait for is said as information.
#[test]
fn every_package_may_speak() {
    let list =
        fs::read_to_string(root().join("src-tauri/inv-daemon/src/main.rs")).expect("the daemon's main");
    let list = list.split_once("const OURS").expect("the list").1.split_once("];").expect("its end").0;
    let mut packages = 0;
    for entry in fs::read_dir(root().join("src-tauri")).expect("the folder of packages") {
        let path = entry.expect("a folder can be read").path();
        let name = path.file_name().map(|n| n.to_string_lossy().replace('-', "_")).unwrap_or_default();
        if path.join("Cargo.toml").exists() && name != "crash_points" {
            assert!(list.contains(&format!("\"{name}\"")), "{name} is not in the daemon's list");
            packages += 1;
        }
    }
    assert!(packages > 5, "{packages} packages");
}
