//! A JSON reader of the tests' own, by RFC 8259 and nothing else: numbers stay text, members keep their order and
//! their doubles, strings say whether they were written with an escape.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool,
    Number(String),
    /// `None`: escapes that make no character (a lone surrogate). `true`: without any escape.
    Text(Option<String>, bool),
    List(Vec<Json>),
    Map(Vec<(Json, Json)>),
}

/// Reads one value; blanks around it are free. `None`: not JSON.
pub fn read(bytes: &[u8]) -> Option<Json> {
    let mut chars = std::str::from_utf8(bytes).ok()?.chars().peekable();
    let value = value(&mut chars)?;
    blanks(&mut chars);
    chars.next().is_none().then_some(value)
}

/// How deep lists and objects lie in each other.
pub fn depth(json: &Json) -> usize {
    match json {
        Json::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Map(members) => 1 + members.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}

type Input<'a> = Peekable<Chars<'a>>;

fn blanks(chars: &mut Input) {
    while chars.next_if(|c| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
}

fn word(chars: &mut Input, word: &str) -> Option<()> {
    word.chars().all(|c| chars.next() == Some(c)).then_some(())
}

fn value(chars: &mut Input) -> Option<Json> {
    blanks(chars);
    match chars.peek()? {
        'n' => word(chars, "null").map(|()| Json::Null),
        't' => word(chars, "true").map(|()| Json::Bool),
        'f' => word(chars, "false").map(|()| Json::Bool),
        '"' => text(chars),
        '[' => list(chars),
        '{' => map(chars),
        _ => number(chars),
    }
}

fn list(chars: &mut Input) -> Option<Json> {
    chars.next();
    let mut items = Vec::new();
    blanks(chars);
    if chars.next_if_eq(&']').is_some() {
        return Some(Json::List(items));
    }
    loop {
        items.push(value(chars)?);
        blanks(chars);
        match chars.next()? {
            ',' => {}
            ']' => return Some(Json::List(items)),
            _ => return None,
        }
    }
}

fn map(chars: &mut Input) -> Option<Json> {
    chars.next();
    let mut members = Vec::new();
    blanks(chars);
    if chars.next_if_eq(&'}').is_some() {
        return Some(Json::Map(members));
    }
    loop {
        blanks(chars);
        chars.peek().filter(|c| **c == '"')?;
        let name = text(chars)?;
        blanks(chars);
        chars.next_if_eq(&':')?;
        members.push((name, value(chars)?));
        blanks(chars);
        match chars.next()? {
            ',' => {}
            '}' => return Some(Json::Map(members)),
            _ => return None,
        }
    }
}

fn text(chars: &mut Input) -> Option<Json> {
    chars.next();
    let (mut units, mut plain) = (Vec::new(), true);
    loop {
        let c = match chars.next()? {
            '"' => return Some(Json::Text(String::from_utf16(&units).ok(), plain)),
            '\\' => {
                plain = false;
                match chars.next()? {
                    c @ ('"' | '\\' | '/') => c,
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let digits: String =
                            (0..4).map_while(|_| chars.next_if(char::is_ascii_hexdigit)).collect();
                        units.push(
                            u16::from_str_radix(Some(digits).filter(|d| d.len() == 4)?.as_str(), 16).ok()?,
                        );
                        continue;
                    }
                    _ => return None,
                }
            }
            c if c < ' ' => return None,
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
}

fn number(chars: &mut Input) -> Option<Json> {
    let mut raw = String::new();
    raw.extend(chars.next_if_eq(&'-'));
    if !digits(chars, &mut raw) {
        return None;
    }
    let whole = raw.trim_start_matches('-');
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    if let Some(point) = chars.next_if_eq(&'.') {
        raw.push(point);
        if !digits(chars, &mut raw) {
            return None;
        }
    }
    if let Some(mark) = chars.next_if(|c| matches!(c, 'e' | 'E')) {
        raw.push(mark);
        raw.extend(chars.next_if(|c| matches!(c, '+' | '-')));
        if !digits(chars, &mut raw) {
            return None;
        }
    }
    Some(Json::Number(raw))
}

fn digits(chars: &mut Input, raw: &mut String) -> bool {
    let before = raw.len();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        raw.push(digit);
    }
    raw.len() > before
}

#[test]
fn the_second_reader_reads_json() {
    for good in ["null", " [1,-0.5e+3,\"\\u0041\\ud83d\\ude00\"] ", "{\"a\":{},\"a\":[]}", "\"\\ud800\""] {
        assert!(read(good.as_bytes()).is_some(), "{good}");
    }
    for bad in
        ["", "nul", "01", "1.", "[1,]", "{\"a\"}", "{a:1}", "\"\n\"", "\"\\x\"", "\u{feff}1", "1 2", "'a'"]
    {
        assert!(read(bad.as_bytes()).is_none(), "{bad}");
    }
    assert_eq!(read(b"\"\\u0041b\""), Some(Json::Text(Some("Ab".into()), false)));
}
