//! The house's own rules, checked on every file: lengths, headers, arrows between rooms, one door to Tauri.
//! A rule is never loosened to let a file pass; where one is wrong it is changed here, with a reason.
mod arrows;
mod code;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ENGINE: &str = "src-tauri/inventory/src/";

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

/// The engine's files that are no tests, by their path below its src.
fn engine() -> Vec<(String, String)> {
    let all = files(&[ENGINE], &[".rs"]).into_iter().filter(|(path, _)| !is_test(path));
    all.map(|(path, text)| (path[ENGINE.len()..].to_owned(), text)).collect()
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
    none(&engine(), arrows::upward);
}

#[test]
fn report_never_reads_stock() {
    let report: Vec<_> = engine().into_iter().filter(|(path, _)| arrows::room(path) == "report").collect();
    none(&report, arrows::upward);
    let planted = ("report/day.rs".to_owned(), "fn a() { crate::stock::open(); }".to_owned());
    assert!(!arrows::upward(&planted.0, &planted.1).is_empty());
}

#[test]
fn engine_without_tauri() {
    let out = Command::new(env!("CARGO"))
        .args(["tree", "-p", "inventory", "--prefix", "none", "--edges", "normal,build"])
        .current_dir(root())
        .output()
        .expect("cargo tree starts");
    let tree = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(tree.starts_with("inventory v"), "{tree}");
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
    let rooms = ["entry", "wire", "bill", "ledger", "stock", "writer", "outbox"];
    let path: Vec<_> = engine().into_iter().filter(|(path, _)| rooms.contains(&arrows::room(path))).collect();
    for room in rooms {
        assert!(path.iter().any(|(path, _)| arrows::room(path) == room), "the room {room} is not there");
    }
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
    for (path, text) in engine().iter().filter(|(path, _)| path != "crash.rs") {
        for (at, _) in text.match_indices("crash::point(") {
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
    assert_eq!(passed, listed, "each point of crash::POINTS stands in the code exactly once");
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
