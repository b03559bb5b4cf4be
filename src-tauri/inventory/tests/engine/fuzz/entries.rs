//! ioentries: valid ones broken field by field and byte by byte, against a second reading of the rules.

use inventory::domain::entry::Rule;
use inventory::domain::ioentry;

use super::dice::Dice;
use super::json::{self, Json};

const FIELDS: [&str; 9] = [
    "product_id",
    "quantity",
    "drcr",
    "company_id",
    "warehouse_id",
    "bill_id",
    "create_time",
    "description",
    "entry_id",
];
/// Deeper JSON may be refused: nobody's entry is like that.
const DEEP: usize = 100;

/// What an entry says, in the order of `FIELDS`: text of each, integers printed.
type Read = [Option<String>; 9];

/// What breaks a rule: the fields' names, or "" for the whole message.
fn judge(payload: &[u8]) -> Result<Read, Vec<&'static str>> {
    let Some(Json::Map(members)) = json::read(payload) else { return Err(vec![""]) };
    if members.iter().any(|(name, _)| matches!(name, Json::Text(None, _))) {
        return Err(vec![""]);
    }
    let is = |name: &Json, field: &str| matches!(name, Json::Text(Some(text), _) if text == field);
    let mut wrong = Vec::new();
    let mut read = Read::default();
    for (place, field) in FIELDS.into_iter().enumerate() {
        let given: Vec<&Json> =
            members.iter().filter(|(name, _)| is(name, field)).map(|(_, value)| value).collect();
        let optional = matches!(field, "description" | "entry_id");
        let value = match given[..] {
            [] | [Json::Null] if optional => continue,
            [value] => allowed(field, value),
            _ => None,
        };
        match value {
            Some(text) => read[place] = Some(text),
            None => wrong.push(field),
        }
    }
    if wrong.is_empty() { Ok(read) } else { Err(wrong) }
}

fn allowed(field: &str, value: &Json) -> Option<String> {
    match (field, value) {
        ("quantity", Json::Number(raw)) => whole(raw, 1, 2_147_483_647),
        ("drcr", Json::Number(raw)) if raw != "0" && raw != "-0" => whole(raw, -1, 1),
        ("quantity" | "drcr", _) => None,
        (_, Json::Text(Some(text), _)) => {
            let right = match field {
                "create_time" => is_moment(text),
                "entry_id" => is_uuid(text),
                "description" => {
                    text.chars().count() <= 512
                        && !text.chars().any(|c| is_control(c) && !"\t\n\r".contains(c))
                }
                "warehouse_id" => is_id(text) && !text.contains(':'),
                _ => is_id(text),
            };
            right.then(|| if field == "entry_id" { text.to_lowercase() } else { text.clone() })
        }
        _ => None,
    }
}

/// An integer written as such: digits, perhaps a minus.
fn whole(raw: &str, least: i64, most: i64) -> Option<String> {
    let number: i64 = raw.parse().ok()?;
    (raw.chars().all(|c| c == '-' || c.is_ascii_digit()) && (least..=most).contains(&number))
        .then(|| number.to_string())
}

/// Unicode Cc.
fn is_control(c: char) -> bool {
    matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f)
}

/// Unicode White_Space.
fn is_blank(c: char) -> bool {
    matches!(u32::from(c), 9..=13 | 0x20 | 0x85 | 0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000)
}

pub fn is_id(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let ends = [chars.first(), chars.last()];
    (1..=255).contains(&chars.len())
        && !chars.iter().any(|c| is_control(*c))
        && !ends.into_iter().flatten().any(|c| is_blank(*c))
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn is_moment(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', ' ', ':']).collect();
    let shape: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    if shape != "-- ::" || lengths != [4, 2, 2, 2, 2, 2] {
        return false;
    }
    let n: Vec<u32> = parts.iter().map(|part| part.parse().unwrap()).collect();
    let leap = n[0].is_multiple_of(400) || (n[0].is_multiple_of(4) && !n[0].is_multiple_of(100));
    let days = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let day_fits = (1..=12).contains(&n[1]) && n[2] >= 1 && n[2] <= days[n[1] as usize - 1];
    n[0] >= 1000 && day_fits && n[3] < 24 && n[4] < 60 && n[5] < 60
}

fn quoted(dice: &mut Dice, text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if c < ' ' || c == '"' || c == '\\' || dice.once_in(30) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out + "\""
}

fn moment(dice: &mut Dice) -> String {
    let good = ["2025-03-13 12:00:00", "2024-02-29 23:59:59", "1000-01-01 00:00:00", "9999-12-31 00:00:00"];
    let bad = [
        "2025-02-29 12:00:00",
        "0999-01-01 00:00:00",
        "2025-13-01 00:00:00",
        "2025-03-13 24:00:00",
        "2025-03-13 12:60:00",
        "2025-03-13 12:00:60",
        "2025-3-13 12:00:00",
        "2025-03-13T12:00:00",
        "2025-03-13",
        "２０２５-03-13 12:00:00",
        "1900-02-29 00:00:00",
        "2000-02-29 00:00:00",
        "2025-00-10 00:00:00",
    ];
    if dice.once_in(4) { dice.pick(&bad) } else { dice.pick(&good) }.to_owned()
}

/// A member's value: nearly always right in a small input, so that one wrong field is alone.
fn member(dice: &mut Dice, field: &str) -> String {
    if dice.once_in(25) {
        return match dice.roll(6) {
            0 => dice.number(),
            1 => "null".into(),
            2 => dice
                .pick(&["true", "[]", "{}", "[[1e5,{\"a\":null}]]", "\"\"", "\"\\ud800\"", "\"\\u0000\""])
                .into(),
            _ => {
                let text = dice.text();
                quoted(dice, &text)
            }
        };
    }
    match field {
        "quantity" => (1 + dice.roll(2_147_483_647)).to_string(),
        "drcr" => dice.pick(&["1", "-1"]).into(),
        "create_time" => format!("\"{}\"", moment(dice)),
        "description" => dice.pick(&["null", "\"入库单据\"", "\"\"", "\"a\\tb\\n\""]).into(),
        "entry_id" => dice
            .pick(&[
                "null",
                "\"0193e0b5-c0de-7000-8000-00000000000a\"",
                "\"0193E0B5-C0DE-7000-8000-00000000000A\"",
            ])
            .into(),
        _ => {
            let text = if dice.once_in(3) { dice.text() } else { "A1".into() };
            quoted(dice, &text)
        }
    }
}

fn input(dice: &mut Dice) -> Vec<u8> {
    if dice.once_in(20) {
        return dice.noise();
    }
    let mut names: Vec<&str> = FIELDS.to_vec();
    if dice.once_in(15) {
        names.remove(dice.roll(names.len()));
    }
    if dice.once_in(15) {
        names.push(FIELDS[dice.roll(9)]);
    }
    if dice.once_in(10) {
        names.push("note");
    }
    if dice.once_in(3) {
        let (a, b) = (dice.roll(names.len()), dice.roll(names.len()));
        names.swap(a, b);
    }
    let members: Vec<String> = names
        .into_iter()
        .map(|name| {
            let value = member(dice, name);
            format!("{}{}:{value}", dice.pick(&["", "", " ", "\n\t"]), quoted(dice, name))
        })
        .collect();
    let mut bytes = format!("{{{}}}", members.join(",")).into_bytes();
    if dice.once_in(2) {
        let words = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\\u",
            "\\ud83d",
            "null",
            "0",
            "-",
            ".",
            "e",
            "\u{feff}",
            "\0",
            "\"quantity\":1,",
            "\"description\":null,",
            "é",
            " ",
            "1.0",
        ];
        dice.mutate(&mut bytes, &words);
    }
    bytes
}

#[test]
fn ioentries() {
    super::run("ioentries", 400_000, |dice| {
        let payload = input(dice);
        let shown = String::from_utf8_lossy(&payload);
        match (ioentry::decode(&payload), judge(&payload)) {
            (Ok(entry), Ok(read)) => {
                let written = ioentry::encode(&entry);
                assert_eq!(ioentry::decode(written.as_bytes()).as_ref(), Ok(&entry), "{shown}");
                assert_eq!(judge(written.as_bytes()), Ok(read), "{shown}");
            }
            (Err(refusal), Err(wrong)) => {
                // A text that ends too early may have shown a field twice before.
                let named = wrong.contains(&refusal.field) || (wrong == [""] && refusal.rule == Rule::Twice);
                assert!(named, "{shown}: {refusal:?}, but wrong are {wrong:?}");
            }
            (Ok(entry), Err(wrong)) => panic!("accepted against {wrong:?}: {shown}\n{entry:?}"),
            (Err(refusal), Ok(_)) => {
                let deep = json::read(&payload).is_some_and(|json| json::depth(&json) > DEEP);
                assert!(deep, "refused, but nothing is wrong: {shown}\n{refusal:?}");
            }
        }
    });
}

#[test]
fn depth_ends_in_a_refusal_not_in_a_crash() {
    for open in ["[", "{\"a\":"] {
        let deep = format!("{{\"note\":{}", open.repeat(200_000));
        assert!(ioentry::decode(deep.as_bytes()).is_err());
    }
}
