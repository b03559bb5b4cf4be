//! Rust text made fit for simple searching: comments and literals blanked, tests cut out, lines kept in place.
//! No parser: it knows just enough of the language not to be fooled by what stands in quotes.

/// The text with every comment and the inside of every literal replaced by blanks; line numbers stay.
pub fn stripped(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => line_end(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => block_end(&chars, at),
            '"' => string_end(&chars, at),
            'r' if starts_word(&chars, at) => raw_end(&chars, at),
            'b' if starts_word(&chars, at) && chars.get(at + 1) == Some(&'r') => raw_end(&chars, at + 1),
            '\'' => char_end(&chars, at),
            _ => at,
        };
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

fn starts_word(chars: &[char], at: usize) -> bool {
    at == 0 || !(chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')
}

fn line_end(chars: &[char], at: usize) -> usize {
    (at..chars.len()).find(|i| chars[*i] == '\n').unwrap_or(chars.len())
}

fn block_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

/// `r"…"`, `r#"…"#`; `at` itself when it is no raw string.
fn raw_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    let mut i = at + 2 + hashes;
    while i < chars.len() {
        if chars[i] == '"' && chars[i + 1..].iter().take_while(|c| **c == '#').count() >= hashes {
            return i + 1 + hashes;
        }
        i += 1;
    }
    chars.len()
}

/// A character literal, but not a lifetime.
fn char_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => (at + 3..chars.len()).find(|i| chars[*i] == '\'').map_or(at, |i| i + 1),
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// Stripped text without what stands under `#[cfg(test)]`.
pub fn without_tests(stripped: &str) -> String {
    let mut text = stripped.to_owned();
    while let Some(start) = text.find("#[cfg(test)]") {
        let after = start + "#[cfg(test)]".len();
        let end = item_end(&text, after);
        let blank: String = text[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        text.replace_range(start..end, &blank);
    }
    text
}

/// The end of the item that begins at `from`: past its closing brace, or past the semicolon of one without body.
/// Brackets and parentheses are skipped, for an array type has a semicolon of its own.
pub fn item_end(text: &str, from: usize) -> usize {
    let (mut braces, mut round) = (0i32, 0i32);
    for (at, c) in text[from..].char_indices() {
        match c {
            '(' | '[' => round += 1,
            ')' | ']' => round -= 1,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 {
                    return from + at + 1;
                }
            }
            ';' if braces == 0 && round == 0 => return from + at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The line number of a byte position, counted from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Where a word stands by itself, as byte positions.
pub fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| !text[..*at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

/// What the `use` items of stripped text bring in: where, the whole path, and the name that it has here. Groups are taken
/// apart: `a::{b, c::d as e}` is `a::b` as `b` and `a::c::d` as `e`; `self` is the path before it.
pub fn imports(code: &str) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    for at in words(code, "use") {
        let Some(end) = code[at..].find(';') else { continue };
        let mut leaves = Vec::new();
        expand("", &code[at + 3..at + end], &mut leaves);
        found.extend(leaves.into_iter().map(|(path, name)| (at, path, name)));
    }
    found
}

fn expand(before: &str, tree: &str, found: &mut Vec<(String, String)>) {
    let tree = tree.trim().trim_start_matches("::");
    if let Some((head, group)) = tree.split_once('{') {
        let group = group.trim_end().strip_suffix('}').unwrap_or(group);
        let (mut depth, mut start) = (0, 0);
        for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&format!("{before}{}", head.trim()), &group[start..at], found);
                    start = at + 1;
                }
                _ => {}
            }
        }
        return;
    }
    let (path, name) = tree.split_once(" as ").map_or((tree, None), |(path, name)| (path, Some(name.trim())));
    let path = format!("{before}{}", path.trim());
    let path = path.strip_suffix("::self").unwrap_or(&path).to_owned();
    if !tree.is_empty() {
        let last = path.rsplit("::").next().unwrap_or_default().to_owned();
        found.push((path, name.map_or(last, str::to_owned)));
    }
}

#[test]
fn groups_of_imports_are_taken_apart() {
    let code = "use std::{fs, time::{self, Duration as D, Instant}};\npub use chrono::Utc;\nlet used = 1;";
    let found: Vec<(String, String)> =
        imports(code).into_iter().map(|(_, path, name)| (path, name)).collect();
    let wanted = [
        ("std::fs", "fs"),
        ("std::time", "time"),
        ("std::time::Duration", "D"),
        ("std::time::Instant", "Instant"),
        ("chrono::Utc", "Utc"),
    ];
    assert_eq!(found, wanted.map(|(path, name)| (path.to_owned(), name.to_owned())));
}

#[test]
fn quotes_and_comments_are_blank() {
    let text = "let a = \"x{y\"; // {\nlet b = '{'; /* { /* { */ { */ let c = r#\"\"{\"#; fn f<'a>() {}";
    let code = stripped(text);
    assert_eq!(code.matches('{').count(), 1, "{code}");
    assert_eq!(code.lines().count(), 2);
    assert!(code.contains("fn f<'a>() {}"));
    assert!(!stripped("let q = b'\\''; let s = \"\\\"\"; // unseen").contains("unseen"));
}

#[test]
fn test_modules_are_cut_out() {
    let code = without_tests(
        "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod t;\nd",
    );
    assert!(code.contains("fn a") && code.contains("fn c") && code.contains('d'));
    assert!(!code.contains("fn b") && !code.contains("mod t"));
    assert_eq!(code.lines().count(), 9);
}
