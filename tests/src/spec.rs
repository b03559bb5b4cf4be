//! Our own reading of the ioentry's rules (the README's "Formats"): strict JSON, the spec's fields, their limits.
//! Names every field that is wrong, because a refusal may name any of them. Knows nothing of tables.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The names that are ours; any other field is ignored.
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

/// One accepted ioentry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Product moved.
    pub product: String,
    /// Pieces.
    pub quantity: i64,
    /// 1 or -1.
    pub drcr: i64,
    /// Supplier or customer.
    pub company: String,
    /// Warehouse.
    pub warehouse: String,
    /// Bill.
    pub bill: String,
    /// `YYYY-MM-DD HH:MM:SS`.
    pub time: String,
    /// Free text.
    pub description: Option<String>,
    /// 32 hex digits, lower case.
    pub entry_id: Option<String>,
}

impl Entry {
    /// `quantity · drcr`.
    pub fn signed(&self) -> i64 {
        self.quantity * self.drcr
    }

    /// `YYYY-MM-DD`.
    pub fn day(&self) -> &str {
        &self.time[..10]
    }

    /// The stock key.
    pub fn key(&self) -> String {
        format!("{}:{}", self.warehouse, self.product)
    }

    /// The entry as an ioentry line.
    pub fn json(&self) -> String {
        let mut value = serde_json::json!({
            "product_id": self.product, "quantity": self.quantity, "drcr": self.drcr,
            "company_id": self.company, "warehouse_id": self.warehouse, "bill_id": self.bill,
            "create_time": self.time,
        });
        if let Some(text) = &self.description {
            value["description"] = text.as_str().into();
        }
        if let Some(id) = &self.entry_id {
            let parts = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]];
            value["entry_id"] = parts.join("-").into();
        }
        value.to_string()
    }
}

/// An object's members in the order written, doubles kept.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut found = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    found.push(pair);
                }
                Ok(Members(found))
            }
        }
        input.deserialize_map(Reading)
    }
}

/// What is wrong: the names of the fields, in no order; "" is the whole message.
pub type Wrong = Vec<&'static str>;

/// Reads one message.
pub fn read(payload: &[u8]) -> Result<Entry, Wrong> {
    let Ok(text) = std::str::from_utf8(payload) else { return Err(vec![""]) };
    let Ok(Members(members)) = serde_json::from_str::<Members>(text) else { return Err(vec![""]) };
    let mut wrong: Wrong = Vec::new();
    for field in FIELDS {
        if members.iter().filter(|(name, _)| name == field).count() > 1 {
            wrong.push(field);
        }
    }
    let raw = |field: &str| {
        members.iter().find(|(name, _)| name == field).map(|(_, raw)| raw.get()).filter(|raw| *raw != "null")
    };
    let mut id = |field: &'static str| match raw(field).and_then(text_of) {
        Some(text) if id_is_right(&text) && !(field == "warehouse_id" && text.contains(':')) => text,
        _ => {
            wrong.push(field);
            String::new()
        }
    };
    let (product, company) = (id("product_id"), id("company_id"));
    let (warehouse, bill) = (id("warehouse_id"), id("bill_id"));
    let quantity = raw("quantity").and_then(integer_of).filter(|n| (1..=2_147_483_647).contains(n));
    let drcr = raw("drcr").and_then(integer_of).filter(|n| *n == 1 || *n == -1);
    let time = raw("create_time").and_then(text_of).filter(|text| time_is_right(text));
    let description = raw("description").map(|raw| text_of(raw).filter(|text| description_is_right(text)));
    let entry_id = raw("entry_id").map(|raw| text_of(raw).and_then(|text| uuid_of(&text)));
    for (field, bad) in [
        ("quantity", quantity.is_none()),
        ("drcr", drcr.is_none()),
        ("create_time", time.is_none()),
        ("description", description == Some(None)),
        ("entry_id", entry_id == Some(None)),
    ] {
        if bad {
            wrong.push(field);
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Ok(Entry {
        product,
        company,
        warehouse,
        bill,
        quantity: quantity.unwrap(),
        drcr: drcr.unwrap(),
        time: time.unwrap(),
        description: description.flatten(),
        entry_id: entry_id.flatten(),
    })
}

fn text_of(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

/// Digits with at most a minus sign; JSON itself has already refused leading zeros and a plus.
fn integer_of(raw: &str) -> Option<i64> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| raw.parse().ok()).flatten()
}

fn id_is_right(text: &str) -> bool {
    let long = text.chars().count();
    (1..=255).contains(&long) && !text.chars().any(char::is_control) && text.trim() == text
}

fn description_is_right(text: &str) -> bool {
    text.chars().count() <= 512 && text.chars().all(|c| !c.is_control() || "\t\n\r".contains(c))
}

fn uuid_of(text: &str) -> Option<String> {
    let shape = text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        });
    shape.then(|| text.replace('-', "").to_ascii_lowercase())
}

fn time_is_right(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if shape != "0000-00-00 00:00:00" {
        return false;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    year >= 1000
        && (1..=days).contains(&day)
        && number(11, 13) < 24
        && number(14, 16) < 60
        && number(17, 19) < 60
}

/// Days since 1970-01-01 of a `YYYY-MM-DD`.
pub fn day_number(day: &str) -> i64 {
    let number = |from: usize, to: usize| day[from..to].parse::<i64>().unwrap();
    let (year, month, of_month) = (number(0, 4), number(5, 7), number(8, 10));
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + of_month - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The `YYYY-MM-DD` of days since 1970-01-01.
pub fn day_text(number: i64) -> String {
    let day = chrono::DateTime::from_timestamp(number * 86_400, 0).unwrap();
    day.format("%Y-%m-%d").to_string()
}

/// Is the entry's day inside the window around the UTC day of the message's timestamp?
pub fn in_window(day: &str, timestamp_ms: Option<i64>, oldest: i64, newest: i64) -> bool {
    let Some(stamp) = timestamp_ms else { return true };
    let apart = day_number(day) - stamp.div_euclid(86_400_000);
    apart >= -oldest && apart <= newest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(change: &[(&str, &str)]) -> String {
        let mut members: Vec<(String, String)> = [
            ("product_id", "\"123\""),
            ("quantity", "10"),
            ("drcr", "1"),
            ("company_id", "\"C001\""),
            ("warehouse_id", "\"W001\""),
            ("bill_id", "\"B001\""),
            ("create_time", "\"2025-03-13 12:00:00\""),
        ]
        .map(|(name, raw)| (name.to_owned(), raw.to_owned()))
        .to_vec();
        for (name, raw) in change {
            members.retain(|(known, _)| known != name);
            members.push(((*name).to_owned(), (*raw).to_owned()));
        }
        let members: Vec<String> = members.iter().map(|(name, raw)| format!("\"{name}\":{raw}")).collect();
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn reads_what_is_right() {
        let entry = read(line(&[]).as_bytes()).unwrap();
        assert_eq!((entry.key().as_str(), entry.signed(), entry.day()), ("W001:123", 10, "2025-03-13"));
        assert!(read(line(&[("description", "null"), ("other", "[1.5]")]).as_bytes()).is_ok());
        assert!(read(line(&[("entry_id", "null")]).as_bytes()).unwrap().entry_id.is_none());
        assert_eq!(read(entry.json().as_bytes()).unwrap(), entry);
    }

    #[test]
    fn refuses_and_names_the_field() {
        for (field, raw) in [
            ("quantity", "1.0"),
            ("quantity", "1e3"),
            ("quantity", "\"5\""),
            ("quantity", "0"),
            ("quantity", "2147483648"),
            ("quantity", "99999999999999999999999"),
            ("drcr", "0"),
            ("drcr", "2"),
            ("drcr", "true"),
            ("product_id", "\"\""),
            ("product_id", "null"),
            ("product_id", "7"),
            ("warehouse_id", "\"a:b\""),
            ("company_id", "\" a\""),
            ("bill_id", "\"a\\u0000\""),
            ("create_time", "\"2025-02-29 12:00:00\""),
            ("create_time", "\"2025-03-13 24:00:00\""),
            ("description", "7"),
            ("entry_id", "\"01890000000070008000000000000000\""),
        ] {
            assert_eq!(read(line(&[(field, raw)]).as_bytes()), Err(vec![field]), "{field} {raw}");
        }
        let twice = line(&[]).replace("\"drcr\":1", "\"drcr\":1,\"\\u0064rcr\":1");
        assert_eq!(read(twice.as_bytes()), Err(vec!["drcr"]));
        for whole in ["", "[]", "{", "NaN", "{\"quantity\":NaN}", "\u{feff}{}"] {
            assert_eq!(read(whole.as_bytes()), Err(vec![""]), "{whole}");
        }
    }

    #[test]
    fn days_are_counted() {
        assert_eq!(day_number("1970-01-01"), 0);
        assert_eq!(day_number("2026-11-23"), 20_780);
        assert_eq!(day_text(day_number("2024-02-29")), "2024-02-29");
        let noon = Some(day_number("2026-11-23") * 86_400_000 + 43_200_000);
        assert!(in_window("2026-11-25", noon, 3660, 2) && !in_window("2026-11-26", noon, 3660, 2));
    }
}
