//! The floors of the engine: a room imports only from floors below its own, and a few pairs never meet at all.
//! Tests are left out: they may look wherever they want.
use super::code::{line_of, stripped, without_tests, words};

/// The floor of each room. A room that is not here has no place in the house yet: give it one.
const FLOORS: &[(&str, u8)] = &[
    ("engine", 6),
    ("setup", 6),
    ("demo", 6),
    ("print", 6),
    ("writer", 5),
    ("replay", 5),
    ("chart", 5),
    ("queue", 4),
    ("audit", 4),
    ("report", 4),
    ("compact", 4),
    ("ledger", 3),
    ("outbox", 3),
    ("live", 3),
    ("space", 2),
    ("stock", 2),
    ("wire", 2),
    ("bill", 2),
    ("catalog", 2),
    ("pdf", 2),
    ("entry", 1),
    ("config", 1),
    ("error", 1),
    ("crash", 1),
    ("fonts", 1),
    ("part_file", 1),
    ("probe", 1),
    ("source", 1),
    ("words", 1),
];

/// What the ledger may take from the stock: the words in which it tells what to count, never the store.
const CONTRACT: &[&str] = &["SourceName", "StockCall", "Vector", "Prev"];

/// The floors would allow these, the house does not.
const NEVER: &[(&str, &str)] = &[
    ("report", "stock"),
    ("compact", "stock"),
    ("queue", "ledger"),
    ("queue", "stock"),
    ("outbox", "stock"),
];

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// The room of a file, told by its path below the engine's src: `ledger/mysql.rs` and `ledger.rs` are `ledger`.
pub fn room(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// Every path that begins at the crate's root, as (line, room, the name after it).
fn paths(path: &str, text: &str) -> Vec<(usize, String, String)> {
    let code = without_tests(&stripped(text));
    // How many `super`s lead from this file to the crate's root.
    let depth = path.split('/').count() - usize::from(path.ends_with("/mod.rs"));
    let roots = ["crate::".to_owned(), "super::".repeat(depth)];
    let mut found = Vec::new();
    for root in &roots {
        for at in words(&code, &root[..root.len() - 2]) {
            let Some(rest) = code[at..].strip_prefix(root.as_str()) else { continue };
            if code[..at].ends_with("super::") || rest.starts_with("super::") {
                continue;
            }
            for leaf in leaves(rest) {
                found.push((line_of(&code, at), leaf.0, leaf.1));
            }
        }
    }
    found
}

/// What a path leads to: `a::b` and `{a::{b, c}, d}` alike, as pairs of the first and the second name.
fn leaves(rest: &str) -> Vec<(String, String)> {
    if let Some(group) = rest.strip_prefix('{') {
        return parts(group).into_iter().flat_map(leaves).collect();
    }
    let first: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let Some(after) = rest[first.len()..].strip_prefix("::") else {
        return vec![(first, String::new())];
    };
    if let Some(group) = after.strip_prefix('{') {
        let seconds = parts(group);
        return seconds.into_iter().flat_map(leaves).map(|(second, _)| (first.clone(), second)).collect();
    }
    let second = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    vec![(first, second)]
}

/// The parts of a group of imports, up to its closing brace.
fn parts(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.push(group[start..at].trim());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found.retain(|part| !part.is_empty());
    found
}

/// What one file of the engine imports against the rules.
pub fn upward(path: &str, text: &str) -> Vec<String> {
    let from = room(path);
    if from == "lib" {
        return Vec::new();
    }
    let Some(own) = floor(from) else {
        return vec![format!("1: the room `{from}` has no floor in tests/tests/tidy/arrows.rs")];
    };
    let mut broken = Vec::new();
    for (line, to, name) in paths(path, text) {
        let Some(other) = floor(&to) else {
            // A name that lib.rs hands out itself stands on the top floor.
            broken.push(format!("{line}: {from} imports `{to}` from the crate's root: name its room"));
            continue;
        };
        // The rooms of the ground floor may know each other; so may the parts of `lib` on the top one.
        if to == from || (own == other && matches!(own, 1 | 6)) {
            continue;
        }
        if other >= own {
            broken.push(format!("{line}: {from} (floor {own}) imports {to} (floor {other})"));
        }
        if NEVER.contains(&(from, to.as_str())) {
            broken.push(format!("{line}: {from} never sees {to}"));
        }
        if from == "ledger" && to == "stock" && !CONTRACT.contains(&name.as_str()) {
            broken.push(format!("{line}: the ledger takes `{name}` from the stock"));
        }
    }
    broken
}

#[test]
fn arrows_that_run_up_are_seen() {
    let up = [
        ("stock/redis.rs", "use crate::ledger::Ledger;"),
        ("stock/mod.rs", "use super::ledger::Ledger;"),
        ("entry.rs", "use crate::{error::Error, wire};"),
        ("ledger/mysql.rs", "use crate::stock::redis::RedisStock;"),
        ("ledger/mysql.rs", "use crate::stock::{SourceName, Stock};"),
        ("ledger/mysql.rs", "fn a() { crate::writer::go(); }"),
        ("report.rs", "use crate::stock::Vector;"),
        ("outbox/mod.rs", "use crate::queue::Queue;"),
        ("wire.rs", "use crate::Engine;"),
        ("nowhere.rs", "fn a() {}"),
    ];
    for (path, text) in up {
        assert_eq!(upward(path, text).len(), 1, "{path}: {text}");
    }
}

#[test]
fn arrows_that_run_down_are_free() {
    let down = [
        ("writer/lane.rs", "use crate::{ledger::{Batch, Ledger}, stock::Stock};\nuse super::status::Board;"),
        ("ledger/mod.rs", "use crate::stock::{SourceName, StockCall};\nuse crate::entry::Entry;"),
        ("ledger/mod.rs", "// crate::writer\n#[cfg(test)]\nmod tests { use crate::writer::Writer; }"),
        ("error.rs", "impl From<crate::entry::Refusal> for Error {}"),
        ("stock/redis.rs", "use super::value::Value;"),
        ("lib.rs", "pub use crate::engine::Engine;"),
    ];
    for (path, text) in down {
        assert_eq!(upward(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}
