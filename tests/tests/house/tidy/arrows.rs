//! The arrows of the engine: between packages as their manifests say, and within a package between its files. Cargo
//! itself refuses a circle of packages; here is seen to it that no other arrow comes in, and that no files of one
//! package need each other in a circle. Tests are left out: they may look wherever they want.
use std::collections::{BTreeMap, BTreeSet};

use super::code::{line_of, stripped, without_tests, words};

/// Each package with those that it may name. A package that is not here has no place in the house yet: give it one.
pub const PACKAGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("crash-points", &[]),
    ("probe", &["domain"]),
    ("stock", &["domain", "probe"]),
    ("queue", &["crash-points", "domain", "probe"]),
    ("ledger", &["crash-points", "domain", "probe"]),
    ("writer", &["crash-points", "domain", "ledger", "queue", "stock"]),
    ("audit", &["crash-points", "domain", "ledger", "queue", "stock"]),
    ("report", &["domain", "ledger"]),
    ("inventory", ENGINE),
];

const ENGINE: &[&str] =
    &["audit", "crash-points", "domain", "ledger", "probe", "queue", "report", "stock", "writer"];

/// What a manifest depends on that it must not, and what is allowed to it and not used.
pub fn undue(package: &str, manifest: &str) -> Vec<String> {
    let Some((_, allowed)) = PACKAGES.iter().find(|(name, _)| *name == package) else {
        return vec![format!("1: the package `{package}` has no place in tests/tests/house/tidy/arrows.rs")];
    };
    let named = |section: &str| -> BTreeSet<String> {
        let after = manifest.split_once(section).map_or("", |(_, after)| after);
        let lines = after.lines().skip(1).take_while(|line| !line.starts_with('['));
        lines.filter_map(|line| line.split(['.', ' ', '=']).next()).map(str::to_owned).collect()
    };
    let has = named("\n[dependencies]");
    let ours = |name: &&str| has.contains(*name);
    let all = || PACKAGES.iter().map(|(name, _)| *name).chain(["inv-daemon", "twinstock"]);
    let extra = all().filter(ours).filter(|name| !allowed.contains(name));
    let idle = allowed.iter().filter(|name| !has.contains(**name));
    extra
        .map(|name| format!("1: {package} must not depend on {name}"))
        .chain(idle.map(|name| format!("1: {package} names {name} no longer: take it out of the list")))
        .collect()
}

/// The module of a file by its path below `src`: `mysql.rs` and `mysql/mod.rs` are `["mysql"]`, `lib.rs` is `[]`.
fn module(path: &str) -> Vec<String> {
    let mut parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    if matches!(parts.last(), Some(&"mod" | &"lib" | &"main")) {
        parts.pop();
    }
    parts.into_iter().map(str::to_owned).collect()
}

/// The paths that an import or a name begins, groups spread out: `a::{b::c, d}` is `a::b::c` and `a::d`.
fn spread(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        return parts(group).into_iter().flat_map(spread).collect();
    }
    let first: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let Some(after) = text[first.len()..].strip_prefix("::") else { return vec![vec![first]] };
    let mut paths = spread(after);
    for path in &mut paths {
        path.insert(0, first.clone());
    }
    paths
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

/// The modules that one file names, with the line of each.
fn named_modules(path: &str, text: &str, modules: &BTreeSet<Vec<String>>) -> Vec<(usize, Vec<String>)> {
    let code = without_tests(&stripped(text));
    let own = module(path);
    let mut found = Vec::new();
    for root in ["crate", "super"] {
        for at in words(&code, root) {
            if code[..at].ends_with("::") || code[..at].ends_with('(') {
                continue;
            }
            for mut name in spread(&code[at..]) {
                let ups = name.iter().take_while(|part| *part == "super").count();
                name.drain(..ups.max(1));
                let base = if ups == 0 { 0 } else { own.len().saturating_sub(ups) };
                let mut full = own[..base].to_vec();
                full.append(&mut name);
                while !full.is_empty() && !modules.contains(&full) {
                    full.pop();
                }
                found.push((line_of(&code, at), full));
            }
        }
    }
    found
}

/// Files of one package that need each other. A folder's own file and what lies in the folder are one room: they may.
pub fn circles(files: &[(String, String)]) -> Vec<String> {
    let modules: BTreeSet<Vec<String>> = files.iter().map(|(path, _)| module(path)).collect();
    let mut arrows: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    let mut lines = BTreeSet::new();
    for (path, text) in files {
        let own = module(path);
        for (line, to) in named_modules(path, text, &modules) {
            if own.starts_with(&to) || to.starts_with(&own) {
                continue;
            }
            arrows.entry(own.clone()).or_default().insert(to.clone());
            lines.insert((path.clone(), line, own.clone(), to));
        }
    }
    let back = lines.into_iter().filter(|(_, _, own, to)| reaches(&arrows, to, own));
    back.map(|(path, line, _, to)| format!("{path}:{line}: a circle by way of {}", to.join("::"))).collect()
}

fn reaches(
    arrows: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
    from: &Vec<String>,
    to: &Vec<String>,
) -> bool {
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![from]);
    while let Some(at) = waiting.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            waiting.extend(arrows.get(at).into_iter().flatten());
        }
    }
    false
}

#[test]
fn undue_arrows_are_seen() {
    let manifest = |names: &[&str]| {
        let lines: Vec<String> = names.iter().map(|name| format!("{name}.workspace = true")).collect();
        format!(
            "[package]\nname = \"x\"\n\n[dependencies]\n{}\n\n[dev-dependencies]\nstock = 1\n",
            lines.join("\n")
        )
    };
    assert_eq!(undue("report", &manifest(&["chrono", "domain", "ledger"])), Vec::<String>::new());
    assert_eq!(undue("report", &manifest(&["domain", "ledger", "stock"])).len(), 1);
    assert_eq!(undue("stock", &manifest(&["domain", "ledger", "probe"])).len(), 1);
    assert_eq!(undue("stock", &manifest(&["domain"])).len(), 1);
    assert_eq!(undue("inventory", &manifest(&[ENGINE, &["twinstock"]].concat())).len(), 1);
    assert_eq!(undue("nowhere", &manifest(&[])).len(), 1);
}

#[test]
fn circles_within_a_package_are_seen() {
    let package = |files: &[(&str, &str)]| -> Vec<(String, String)> {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    };
    let two = package(&[("a.rs", "use crate::b::B;"), ("b.rs", "use super::{a::{A, C}, d};"), ("d.rs", "")]);
    assert_eq!(circles(&two).len(), 2, "{:?}", circles(&two));
    let three = [
        ("a/mod.rs", "fn f() { crate::b::go(); }"),
        ("b.rs", "use crate::c;"),
        ("c.rs", "pub(super) use super::a::x;"),
    ];
    assert_eq!(circles(&package(&three)).len(), 3);
    let deep = [("a/one.rs", "use super::two::T;"), ("a/two.rs", "use crate::a::one::O;"), ("a/mod.rs", "")];
    assert_eq!(circles(&package(&deep)).len(), 2);
    let none = [
        ("lib.rs", "pub use a::A;"),
        ("a/mod.rs", "mod one;\nuse one::O;"),
        ("a/one.rs", "use super::A;\nuse crate::b::B;"),
        ("b.rs", "// crate::a\n#[cfg(test)]\nmod tests { use crate::a::A; }"),
    ];
    assert_eq!(circles(&package(&none)), Vec::<String>::new());
}

#[test]
fn grouped_paths_are_spread_out() {
    let paths: Vec<String> =
        spread("a::{b::{c, d as e}, f::*,\n g};").into_iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["a::b::c", "a::b::d", "a::f::", "a::g"]);
}
