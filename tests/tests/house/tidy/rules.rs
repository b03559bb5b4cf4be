//! The rules of style, one function each: it takes a text and returns what breaks the rule, as "line: words".
//! Each has a planted violation beside it, so that a rule that sees nothing is itself seen.
use std::collections::BTreeSet;

use super::code::{imports, item_end, line_of, stripped, without_tests, words};

pub const FILE_LINES: usize = 400;
pub const FUNCTION_LINES: usize = 70;

pub fn file_length(text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines > FILE_LINES { vec![format!("{lines} lines, allowed are {FILE_LINES}")] } else { Vec::new() }
}

pub fn function_length(text: &str) -> Vec<String> {
    let code = stripped(text);
    let long = words(&code, "fn").filter_map(|at| {
        let name: String = code[at + 2..].trim_start().chars().take_while(|c| is_name(*c)).collect();
        let lines = line_of(&code, item_end(&code, at)) - line_of(&code, at) + 1;
        // A type such as `fn(u8) -> u8` has no name.
        (!name.is_empty() && lines > FUNCTION_LINES).then(|| {
            format!("{}: fn {name} has {lines} lines, allowed are {FUNCTION_LINES}", line_of(&code, at))
        })
    });
    long.collect()
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub fn header(text: &str) -> Vec<String> {
    if text.starts_with("//! ") {
        Vec::new()
    } else {
        vec!["1: does not open with `//!` and what it is for".into()]
    }
}

pub fn no_unwrap(text: &str) -> Vec<String> {
    let code = without_tests(&stripped(text));
    let calls = [".unwrap()", ".expect(", ".unwrap_err()", ".expect_err("];
    let hits = calls.iter().flat_map(|call| code.match_indices(call));
    hits.map(|(at, call)| format!("{}: {call} outside tests", line_of(&code, at))).collect()
}

/// Searched in the whole text, comments too. The words are put together here, else they would find themselves.
pub fn nothing_postponed(text: &str) -> Vec<String> {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
        concat!("it.sk", "ip"),
        concat!("test.sk", "ip"),
        concat!("describe.sk", "ip"),
        concat!("it.on", "ly"),
        concat!("test.on", "ly"),
        concat!("describe.on", "ly"),
    ];
    let hits = marks.iter().flat_map(|mark| text.match_indices(mark));
    hits.map(|(at, mark)| format!("{}: {mark}", line_of(text, at))).collect()
}

pub fn no_floats(text: &str) -> Vec<String> {
    let code = without_tests(&stripped(text));
    let hits = ["f32", "f64"].into_iter().flat_map(|kind| {
        let lines: Vec<String> =
            words(&code, kind).map(|at| format!("{}: {kind}", line_of(&code, at))).collect();
        lines
    });
    hits.collect()
}

/// Clippy bans these calls; here is seen to it that nobody allows them again, or reads std's other clock, under whatever
/// name it came in.
pub fn no_clock(text: &str) -> Vec<String> {
    let code = without_tests(&stripped(text));
    let banned = ["SystemTime::now", "Utc::now", "Local::now", "std::time::Instant", "disallowed_methods"];
    let mut hits: BTreeSet<(usize, String)> = BTreeSet::new();
    for call in banned {
        hits.extend(code.match_indices(call).map(|(at, _)| (line_of(&code, at), call.to_owned())));
    }
    for (at, path, name) in imports(&code) {
        let calls = match path.as_str() {
            "std::time::Instant" | "std::time::*" => {
                hits.insert((line_of(&code, at), path));
                continue;
            }
            "std::time::SystemTime" | "chrono::Utc" | "chrono::Local" => vec![format!("{name}::now")],
            "std::time" => vec![format!("{name}::Instant"), format!("{name}::SystemTime::now")],
            "chrono" => vec![format!("{name}::Utc::now"), format!("{name}::Local::now")],
            _ => continue,
        };
        for call in calls {
            hits.extend(words(&code, &call).map(|at| (line_of(&code, at), call.clone())));
        }
    }
    hits.into_iter().map(|(line, call)| format!("{line}: {call}")).collect()
}

pub fn no_tauri_import(text: &str) -> Vec<String> {
    text.match_indices("@tauri-apps").map(|(at, _)| format!("{}: @tauri-apps", line_of(text, at))).collect()
}

/// A module by one of these names says nothing about what is in it.
pub fn telling_name(path: &str) -> Vec<String> {
    let empty = ["utils", "util", "common", "helpers", "helper", "managers", "manager", "services", "misc"];
    let parts = path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    parts.filter(|part| empty.contains(part)).map(|part| format!("`{part}` says nothing")).collect()
}

#[test]
fn long_files_and_functions_are_seen() {
    assert!(file_length(&"x\n".repeat(400)).is_empty());
    assert_eq!(file_length(&"x\n".repeat(401)).len(), 1);
    let long = format!("fn short() {{}}\npub fn long(a: [u8; 2]) {{\n{}}}\n", "let s = \"}\";\n".repeat(69));
    assert_eq!(function_length(&long), ["2: fn long has 71 lines, allowed are 70"]);
    assert!(function_length(&long.replacen("let s", "", 1).replacen("\" = \"}\";\n", "", 1)).len() <= 1);
    assert!(function_length(&format!("trait T {{ fn a(); }}\n{}", "\n".repeat(90))).is_empty());
}

#[test]
fn missing_headers_are_seen() {
    assert!(header("//! What it is for.\nfn a() {}").is_empty());
    assert_eq!(header("// What\nfn a() {}").len(), 1);
    assert_eq!(header("use std::fs;\n//! late").len(), 1);
}

#[test]
fn unwraps_are_seen() {
    assert_eq!(no_unwrap("fn a() { b.unwrap(); }\nfn c() { d.expect(\"x\"); }").len(), 2);
    assert!(no_unwrap("//! never .unwrap()\n#[cfg(test)]\nmod tests { fn a() { b.unwrap(); } }").is_empty());
    assert!(no_unwrap("fn a() { b.unwrap_or(1); say(\".unwrap()\"); }").is_empty());
}

#[test]
fn postponed_work_is_seen() {
    let bad =
        [concat!("// TO", "DO later"), concat!("#[ig", "nore = \"slow\"]"), concat!("it.sk", "ip('x')")];
    assert!(bad.iter().all(|text| nothing_postponed(text).len() == 1));
    assert!(nothing_postponed("// done; unignored").is_empty());
}

#[test]
fn floats_are_seen() {
    assert_eq!(no_floats("fn a(x: f64) -> u8 { x as f32 as u8 }").len(), 2);
    assert!(no_floats("// f64\nfn sf64() {}").is_empty());
}

#[test]
fn clock_reads_are_seen() {
    assert_eq!(no_clock("#[allow(clippy::disallowed_methods)]\nfn a() { Utc::now(); }").len(), 2);
    assert!(no_clock("fn a(now: DateTime<Utc>) { tokio::time::Instant::now(); }").is_empty());
    assert_eq!(no_clock("use chrono::{Local, Utc};\nfn a() { Utc::now(); Local::now(); }").len(), 2);
    assert_eq!(no_clock("use std::time::{Duration, Instant};\nfn a() {}"), ["1: std::time::Instant"]);
    assert_eq!(no_clock("use std::{fs, time::{Instant as I}};\nfn a() { I::now(); }").len(), 1);
    assert_eq!(no_clock("use chrono::{DateTime, Utc as Zone};\nfn a() { Zone::now(); }"), ["2: Zone::now"]);
    assert_eq!(no_clock("use std::time;\nfn a() { time::Instant::now(); }"), ["2: time::Instant"]);
    assert_eq!(no_clock("use std::time::*;\nfn a() {}"), ["1: std::time::*"]);
    assert!(
        no_clock(
            "use chrono::{DateTime, Utc};\nuse tokio::time::{self, Instant};\nfn a() { time::sleep(b) }"
        )
        .is_empty()
    );
}

#[test]
fn other_doors_are_seen() {
    assert_eq!(no_tauri_import("import { invoke } from '@tauri-apps/api/core'").len(), 1);
    assert!(no_tauri_import("import { bills } from '../api'").is_empty());
}

#[test]
fn names_that_say_nothing_are_seen() {
    assert_eq!(telling_name("src-tauri/src/utils.rs").len(), 1);
    assert_eq!(telling_name("src-tauri/src/helpers/mod.rs").len(), 1);
    assert!(telling_name("src-tauri/ledger/src/lib.rs").is_empty());
}
