//! Every sentence that the engine or the desktop's shell can say has its Chinese one in `ui/messages/engine`, with
//! the same places, and none is left over. The sentences are read from the source: `words!` is the only way to make
//! one. Their English stands there too, and travels with them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const CHINESE: &str = include_str!("../../../ui/messages/engine/zh-CN.json");

/// One `words!` as it stands in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sentence {
    code: String,
    /// None: put into English elsewhere, such as by the operating system.
    english: Option<String>,
    names: BTreeSet<String>,
    place: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The code of engine and shell without the tests at its files' ends.
fn code() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for package in std::fs::read_dir(root().join("src-tauri")).unwrap() {
        let path = package.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // The daemon's own words are English: they go to a terminal.
        if path.join("src").is_dir() && name != "inv-daemon" {
            sources(&path.join("src"), &mut files);
        }
    }
    sources(&root().join("src-tauri/src"), &mut files);
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
        let lines: Vec<&str> =
            text[..end].lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (path.strip_prefix(root()).unwrap().display().to_string(), lines.join("\n"))
    };
    files.into_iter().map(read).collect()
}

/// A string literal at the beginning, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start().strip_prefix('"')?;
    let (mut said, mut signs) = (String::new(), text.char_indices());
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return Some((said, &text[at + 1..])),
            '\\' => match signs.next()?.1 {
                '\n' => {
                    let rest = text[at + 2..].trim_start();
                    let skipped = text.len() - at - 2 - rest.len();
                    for _ in text[at + 2..at + 2 + skipped].chars() {
                        signs.next();
                    }
                }
                other => said.push(other),
            },
            sign => said.push(sign),
        }
    }
    None
}

/// The names before the closing bracket: `, name`, `, name = value`.
fn names(text: &str) -> BTreeSet<String> {
    let (mut depth, mut quoted, mut parts, mut part) = (0, false, Vec::new(), String::new());
    let mut before = ' ';
    for sign in text.chars() {
        match sign {
            '"' if before != '\\' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' | ';' if !quoted && depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {}
        }
        if !(matches!(sign, ',' | ';') && depth == 0 && !quoted) {
            part.push(sign);
        }
        before = sign;
    }
    parts.push(part);
    let name = |part: &String| part.split('=').next().unwrap_or_default().trim().to_owned();
    parts.iter().map(name).filter(|name| !name.is_empty()).collect()
}

fn places(sentence: &str) -> BTreeSet<String> {
    let parts = sentence.split('{').skip(1);
    parts.filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

fn sentences(file: &str, text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("words!(") {
        let place = format!("{file}:{}", text[..at].lines().count());
        let inside = &text[at + "words!(".len()..];
        // The macro's own arms.
        let Some((code, rest)) = literal(inside) else { continue };
        let rest = rest.trim_start().strip_prefix(',').unwrap_or(rest);
        let (english, given) = match literal(rest) {
            Some((english, rest)) => (Some(english), names(rest)),
            None => (None, names(rest.split_once(';').map_or("", |(_, names)| names))),
        };
        found.push(Sentence { code, english, names: given, place });
    }
    found
}

fn all() -> Vec<Sentence> {
    let found: Vec<Sentence> = code().iter().flat_map(|(file, text)| sentences(file, text)).collect();
    assert!(found.len() > 300, "only {} sentences found: the reader of the source is broken", found.len());
    found
}

/// What is wrong between the sentences of the source and their translations, one line each.
fn faults(sentences: &[Sentence], chinese: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut english: BTreeMap<&str, &Sentence> = BTreeMap::new();
    for sentence in sentences {
        let Sentence { code, names, place, .. } = sentence;
        if let Some(text) = &sentence.english {
            if places(text) != *names {
                faults.push(format!(
                    "{place}: {code} has the places {:?} and is given {names:?}",
                    places(text)
                ));
            }
            let first = english.entry(code).or_insert(sentence);
            if first.english.as_ref() != Some(text) {
                faults.push(format!("{place}: {code} says something else at {}", first.place));
            }
        }
        match chinese.get(code) {
            None => faults.push(format!("{place}: {code} is not said in Chinese")),
            Some(said) if places(said) != *names => {
                faults.push(format!("{place}: {code} has {:?} in Chinese, not {names:?}", places(said)));
            }
            Some(said)
                if !is_chinese(said) && sentence.english.as_ref().is_none_or(|text| has_words(text)) =>
            {
                faults.push(format!("{place}: {code} is no Chinese: {said}"));
            }
            Some(_) => {}
        }
    }
    let known: BTreeSet<&str> = sentences.iter().map(|sentence| sentence.code.as_str()).collect();
    faults.extend(
        chinese
            .keys()
            .filter(|code| !known.contains(code.as_str()))
            .map(|code| format!("zh-CN.json: nobody says {code}")),
    );
    faults
}

fn is_chinese(text: &str) -> bool {
    !text.is_ascii()
}

/// Whether anything but places and signs is there.
fn has_words(text: &str) -> bool {
    let mut inside = false;
    text.chars().any(|sign| {
        inside = (inside || sign == '{') && sign != '}';
        !inside && sign.is_alphabetic()
    })
}

#[test]
fn every_sentence_of_engine_and_shell_is_said_in_both_languages() {
    let chinese: BTreeMap<String, String> = serde_json::from_str(CHINESE).unwrap();
    let faults = faults(&all(), &chinese);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `plain` is for what has no language; a sentence in it would stay English on every screen.
#[test]
fn no_sentence_hides_in_plain_text() {
    for (file, text) in code() {
        for (at, _) in text.match_indices("Words::plain(") {
            let inside = text[at + "Words::plain(".len()..].trim_start();
            let prose = inside.strip_prefix("format!(").unwrap_or(inside);
            let Some((said, _)) = literal(prose) else { continue };
            let lower = said.chars().filter(|sign| sign.is_lowercase()).count();
            assert!(!has_words(&said) || lower < 20, "{file}: {said:?} belongs into words!");
        }
        assert!(
            file.ends_with("domain/src/words.rs") || !text.contains("Words::of(\""),
            "{file}: a sentence without words!"
        );
    }
}

#[test]
fn the_reader_finds_what_is_planted() {
    let text = r#"
        words!("fine", "Table {table} of {day:?} is \
             gone", table = f(a, "x, y"), day);
        words!("told", told text; number);
        words!("bare", "No more.")
    "#;
    let found = sentences("f.rs", text);
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(found[0].english.as_deref(), Some("Table {table} of {day:?} is gone"));
    assert_eq!(found[0].names, set(&["table", "day"]));
    assert_eq!((found[1].english.clone(), found[1].names.clone()), (None, set(&["number"])));
    assert_eq!((found[2].code.as_str(), found[2].names.len()), ("bare", 0));
    let of = |pairs: &[(&str, &str)]| {
        let chinese = pairs.iter().map(|(code, said)| ((*code).to_owned(), (*said).to_owned())).collect();
        faults(&sentences("f.rs", r#"words!("a", "{n} is full", n = 1) words!("b", "Gone.")"#), &chinese)
    };
    assert_eq!(of(&[("a", "{n} 已满"), ("b", "已不在。")]), Vec::<String>::new());
    assert_eq!(of(&[("a", "{m} 已满"), ("b", "已不在。")]).len(), 1, "another place");
    assert_eq!(of(&[("a", "{n} is full"), ("b", "已不在。")]).len(), 1, "not translated");
    assert_eq!(of(&[("a", "{n} 已满")]).len(), 1, "missing");
    assert_eq!(of(&[("a", "{n} 已满"), ("b", "已不在。"), ("c", "多余")]).len(), 1, "left over");
}
