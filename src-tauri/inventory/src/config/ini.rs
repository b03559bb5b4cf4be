//! The config.ini text: sections, keys, values with their line numbers, inline comments; and changing a value
//! without losing the owner's comments. An own reader because errors must name the line.

use domain::words;
use domain::words::Words;

/// One `key = value` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Section without brackets.
    pub section: String,
    /// Key as written.
    pub key: String,
    /// Value without comment and blanks.
    pub value: String,
    /// 1-based line.
    pub line: usize,
}

/// Reads all settings; the error is (line, words).
pub fn parse(text: &str) -> Result<Vec<Setting>, (usize, Words)> {
    let mut section = String::new();
    let mut settings = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (at, raw) in text.lines().enumerate() {
        let line = at + 1;
        let body = without_comment(raw).trim();
        if body.is_empty() {
            continue;
        }
        if let Some(name) = body.strip_prefix('[') {
            let name = name
                .strip_suffix(']')
                .ok_or_else(|| (line, words!("ini_section", "a section is written [name]")))?;
            section = name.trim().to_string();
            continue;
        }
        let (key, value) = body.split_once('=').ok_or_else(|| {
            (line, words!("ini_not_pair", "{body} is no `key = value`", body = format!("{body:?}")))
        })?;
        let setting =
            Setting { section: section.clone(), key: key.trim().into(), value: value.trim().into(), line };
        settings.push(setting);
    }
    Ok(settings)
}

/// A comment begins with `#` or `;` at the line's start or after a blank, so that a `#` inside a value stays.
fn without_comment(line: &str) -> &str {
    let mut blank_before = true;
    for (at, c) in line.char_indices() {
        if blank_before && (c == '#' || c == ';') {
            return &line[..at];
        }
        blank_before = c.is_whitespace();
    }
    line
}

/// The text with one value set: its line changed in place, or added to its section.
pub fn set(text: &str, section: &str, key: &str, value: &str) -> String {
    let settings = parse(text).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    let known = settings.iter().rev().find(|s| s.section == section && s.key == key);
    if let Some(setting) = known {
        let old = &lines[setting.line - 1];
        let comment = old[without_comment(old).len()..].to_string();
        let gap = if comment.is_empty() { "" } else { "  " };
        lines[setting.line - 1] = format!("{key} = {value}{gap}{comment}");
    } else if let Some(last) = settings.iter().rev().find(|s| s.section == section) {
        lines.insert(last.line, format!("{key} = {value}"));
    } else if let Some(head) =
        lines.iter().position(|line| without_comment(line).trim() == format!("[{section}]"))
    {
        lines.insert(head + 1, format!("{key} = {value}"));
    } else {
        lines.push(format!("[{section}]"));
        lines.push(format!("{key} = {value}"));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// The candidate nearest to a word by edit distance.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.min_by_key(|candidate| distance(word, candidate))
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specs_file_is_read() {
        let settings = parse("[audit]\nexpiration = 3600  # 单位：秒\n").unwrap();
        assert_eq!((settings[0].key.as_str(), settings[0].value.as_str()), ("expiration", "3600"));
        assert_eq!(parse("[a]\nurl = redis://x/0#y ; z").unwrap()[0].value, "redis://x/0#y");
        assert_eq!(parse("[a\n").unwrap_err().0, 1);
    }

    #[test]
    fn a_value_is_set_in_place() {
        let text = "# mine\n[audit]\nexpiration = 3600  # 单位：秒\n";
        assert_eq!(set(text, "audit", "expiration", "60"), "# mine\n[audit]\nexpiration = 60  # 单位：秒\n");
        let more = set(text, "app", "mode", "cluster");
        assert!(more.ends_with("[app]\nmode = cluster\n"));
        assert_eq!(set(&more, "app", "data_dir", "/x").lines().last(), Some("data_dir = /x"));
    }

    #[test]
    fn the_nearest_key_is_named() {
        assert_eq!(nearest("experation", ["expiration", "storm_percent"].into_iter()), Some("expiration"));
    }
}
