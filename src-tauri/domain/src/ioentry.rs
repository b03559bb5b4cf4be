//! The ioentry JSON, strict both ways: what foreign producers send and what ours writes.
//! Refuses instead of guessing: integers written as integers, each field of ours once, no BOM.

use std::borrow::Cow;

use chrono::NaiveDateTime;
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::entry::{
    BillId, CompanyId, Direction, Entry, ProductId, Refusal, Rule, WarehouseId, check_description,
    check_quantity, format_time, parse_time,
};

/// The fields of a message in which each is of its own type, read in one pass. What does not fit is read again as `Raw`.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow)]
    product_id: Cow<'a, str>,
    quantity: i64,
    drcr: i64,
    #[serde(borrow)]
    company_id: Cow<'a, str>,
    #[serde(borrow)]
    warehouse_id: Cow<'a, str>,
    #[serde(borrow)]
    bill_id: Cow<'a, str>,
    #[serde(borrow)]
    create_time: Cow<'a, str>,
    #[serde(default)]
    description: Option<String>,
    #[serde(borrow, default)]
    entry_id: Option<&'a str>,
}

/// The fields as raw JSON, so that each is judged by itself and named when refused.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow, default)]
    product_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    quantity: Option<&'a RawValue>,
    #[serde(borrow, default)]
    drcr: Option<&'a RawValue>,
    #[serde(borrow, default)]
    company_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    warehouse_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    bill_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    create_time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    description: Option<&'a RawValue>,
    #[serde(borrow, default)]
    entry_id: Option<&'a RawValue>,
}

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

/// Reads one ioentry from message bytes. The refusal names the first field that breaks a rule, in the
/// spec's order; its `field` is empty when the message is no JSON object at all.
pub fn decode(payload: &[u8]) -> Result<Entry, Refusal> {
    let text = std::str::from_utf8(payload).map_err(|_| {
        Refusal::new("", String::from_utf8_lossy(&payload[..payload.len().min(200)]), Rule::NotJson)
    })?;
    if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        // A JSON array would otherwise be taken for the fields in order.
        return Err(Refusal::new("", shorten(text), Rule::NotJson));
    }
    match serde_json::from_str::<Typed>(text) {
        Ok(typed) => from_typed(typed),
        Err(_) => from_raw(text),
    }
}

fn from_typed(typed: Typed<'_>) -> Result<Entry, Refusal> {
    Ok(Entry {
        product_id: ProductId::parse(&typed.product_id)?,
        quantity: checked_quantity(typed.quantity)?,
        direction: checked_direction(typed.drcr)?,
        company_id: CompanyId::parse(&typed.company_id)?,
        warehouse_id: WarehouseId::parse(&typed.warehouse_id)?,
        bill_id: BillId::parse(&typed.bill_id)?,
        create_time: checked_time(&typed.create_time)?,
        description: typed.description.map(checked_description).transpose()?,
        entry_id: typed.entry_id.map(checked_entry_id).transpose()?,
    })
}

fn from_raw(text: &str) -> Result<Entry, Refusal> {
    let raw: Raw = serde_json::from_str(text).map_err(|error| not_an_object(text, &error))?;
    Ok(Entry {
        product_id: ProductId::parse(&text_field("product_id", raw.product_id)?)?,
        quantity: checked_quantity(integer("quantity", raw.quantity)?)?,
        direction: checked_direction(integer("drcr", raw.drcr)?)?,
        company_id: CompanyId::parse(&text_field("company_id", raw.company_id)?)?,
        warehouse_id: WarehouseId::parse(&text_field("warehouse_id", raw.warehouse_id)?)?,
        bill_id: BillId::parse(&text_field("bill_id", raw.bill_id)?)?,
        create_time: checked_time(&text_field("create_time", raw.create_time)?)?,
        description: optional_text("description", raw.description)?
            .map(|text| checked_description(text.into_owned()))
            .transpose()?,
        entry_id: optional_text("entry_id", raw.entry_id)?.map(|text| checked_entry_id(&text)).transpose()?,
    })
}

/// At most 200 bytes of a text that may be 10 MB long.
fn shorten(text: &str) -> &str {
    let mut end = text.len().min(200);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn not_an_object(text: &str, error: &serde_json::Error) -> Refusal {
    let words = error.to_string();
    let twice = FIELDS.iter().find(|field| words.starts_with(&format!("duplicate field `{field}`")));
    match twice {
        Some(field) => Refusal { field, value: String::new(), rule: Rule::Twice },
        None => Refusal::new("", shorten(text), Rule::NotJson),
    }
}

/// A missing field and `null` are the same: not there.
fn present(raw: Option<&RawValue>) -> Option<&str> {
    raw.map(RawValue::get).filter(|json| *json != "null")
}

fn text_field<'a>(field: &'static str, raw: Option<&'a RawValue>) -> Result<Cow<'a, str>, Refusal> {
    let json = present(raw).ok_or(Refusal { field, value: String::new(), rule: Rule::Missing })?;
    json_text(json).ok_or_else(|| Refusal::new(field, shorten(json), Rule::NotText))
}

fn json_text(json: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text>(json).ok().map(|text| text.0)
}

fn integer(field: &'static str, raw: Option<&RawValue>) -> Result<i64, Refusal> {
    let json = present(raw).ok_or(Refusal { field, value: String::new(), rule: Rule::Missing })?;
    let digits = json.strip_prefix('-').unwrap_or(json);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::new(field, shorten(json), Rule::NotInteger));
    }
    // More digits than an i64 holds: an integer, but in no range of ours.
    Ok(json.parse().unwrap_or(if json.starts_with('-') { i64::MIN } else { i64::MAX }))
}

fn optional_text<'a>(
    field: &'static str,
    raw: Option<&'a RawValue>,
) -> Result<Option<Cow<'a, str>>, Refusal> {
    present(raw).is_some().then(|| text_field(field, raw)).transpose()
}

fn checked_quantity(value: i64) -> Result<i64, Refusal> {
    check_quantity(value)?;
    Ok(value)
}

fn checked_direction(value: i64) -> Result<Direction, Refusal> {
    Direction::from_drcr(value).ok_or_else(|| Refusal::new("drcr", value, Rule::Drcr))
}

fn checked_time(text: &str) -> Result<NaiveDateTime, Refusal> {
    parse_time(text).ok_or_else(|| Refusal::new("create_time", text, Rule::Time))
}

fn checked_description(text: String) -> Result<String, Refusal> {
    check_description(&text)?;
    Ok(text)
}

fn checked_entry_id(text: &str) -> Result<Uuid, Refusal> {
    let refuse = || Refusal::new("entry_id", text, Rule::NotUuid);
    if text.len() != 36 {
        return Err(refuse());
    }
    Uuid::parse_str(text).map_err(|_| refuse())
}

/// What our own producer writes: the spec's fields in the spec's order, then `entry_id`.
#[derive(Serialize)]
struct Written<'a> {
    product_id: &'a str,
    quantity: i64,
    drcr: i64,
    company_id: &'a str,
    warehouse_id: &'a str,
    bill_id: &'a str,
    create_time: String,
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_id: Option<Uuid>,
}

/// Writes an entry as ioentry JSON.
pub fn encode(entry: &Entry) -> String {
    let written = Written {
        product_id: entry.product_id.as_str(),
        quantity: entry.quantity,
        drcr: entry.direction.drcr(),
        company_id: entry.company_id.as_str(),
        warehouse_id: entry.warehouse_id.as_str(),
        bill_id: entry.bill_id.as_str(),
        create_time: format_time(entry.create_time),
        description: entry.description.as_deref(),
        entry_id: entry.entry_id,
    };
    // Strings and integers only: serialising cannot fail.
    serde_json::to_string(&written).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = r#"{"product_id":"123","quantity":10,"drcr":1,"company_id":"C001","warehouse_id":"W001","bill_id":"B001","create_time":"2025-03-13 12:00:00","description":"入库单据"}"#;

    fn broken(field: &str, json: &str) -> (String, Rule) {
        let mut value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(GOOD).unwrap();
        value.remove(field);
        let rest = serde_json::to_string(&value).unwrap();
        let text = format!("{{\"{field}\":{json},{}", &rest[1..]);
        let refusal = decode(text.as_bytes()).expect_err(&text);
        (refusal.field.to_string(), refusal.rule)
    }

    #[test]
    fn the_specs_example_is_read() {
        let entry = decode(GOOD.as_bytes()).unwrap();
        assert_eq!(entry.signed(), 10);
        assert_eq!(entry.key().to_string(), "W001:123");
        assert_eq!(decode(encode(&entry).as_bytes()), Ok(entry));
    }

    #[test]
    fn what_is_not_an_integer_is_refused() {
        for json in ["1.0", "1e3", "\"10\"", "true", "NaN", "[1]", "0x1", "+1", "- 1"] {
            let refused = std::panic::catch_unwind(|| broken("quantity", json)).unwrap();
            assert!(matches!(refused.1, Rule::NotInteger | Rule::NotJson), "{json}: {refused:?}");
        }
        for json in ["0", "-1", "2147483648", "99999999999999999999999"] {
            assert_eq!(broken("quantity", json), ("quantity".into(), Rule::QuantityRange));
        }
        for json in ["0", "2", "-2"] {
            assert_eq!(broken("drcr", json), ("drcr".into(), Rule::Drcr));
        }
    }

    #[test]
    fn each_rule_names_its_field() {
        assert_eq!(broken("product_id", "\"\""), ("product_id".into(), Rule::Empty));
        assert_eq!(broken("product_id", "123"), ("product_id".into(), Rule::NotText));
        assert_eq!(broken("bill_id", "null"), ("bill_id".into(), Rule::Missing));
        assert_eq!(broken("warehouse_id", "\"a:b\""), ("warehouse_id".into(), Rule::Colon));
        assert_eq!(broken("company_id", "\"a\\u0000b\""), ("company_id".into(), Rule::Control));
        assert_eq!(broken("create_time", "\"2025-02-30 12:00:00\""), ("create_time".into(), Rule::Time));
        assert_eq!(broken("description", "\"a\\u0007\""), ("description".into(), Rule::Control));
        assert_eq!(
            broken("entry_id", "\"0193e0b5c0de7000800000000000000a\""),
            ("entry_id".into(), Rule::NotUuid)
        );
    }

    #[test]
    fn what_is_no_single_object_is_refused() {
        for text in ["", "[]", "null", "12", "{", "{}x", "\u{feff}{}", "[\"1\",2,1]"] {
            let refusal = decode(text.as_bytes()).unwrap_err();
            assert!(matches!(refusal.rule, Rule::NotJson), "{text:?}");
        }
        assert_eq!(decode(&[b'{', 0xff, b'}']).map_err(|r| r.rule), Err(Rule::NotJson));
        let twice = GOOD.replacen('{', "{\"quantity\":1,", 1);
        assert_eq!(decode(twice.as_bytes()).map_err(|r| (r.field, r.rule)), Err(("quantity", Rule::Twice)));
        let escaped = GOOD.replacen('{', "{\"quantit\\u0079\":1,", 1);
        assert_eq!(decode(escaped.as_bytes()).map_err(|r| (r.field, r.rule)), Err(("quantity", Rule::Twice)));
        let unknown = GOOD.replacen('{', "{\"x\":1e999,\"x\":2,", 1);
        assert!(decode(unknown.as_bytes()).is_ok());
    }

    /// A value that a field may have: right, nearly right, or of another type.
    fn value() -> impl Strategy<Value = String> {
        let odd = [
            "null",
            "true",
            "-0",
            "1.0",
            "1e1",
            "[]",
            "{}",
            "\"\"",
            "\" a\"",
            "\"a:\\u0062\"",
            "\"\\ud800\"",
        ];
        prop_oneof![
            4 => Just("\"2025-03-13 12:00:00\"".to_owned()),
            4 => "\"[a-z\u{4e00}-\u{4e20}]{1,4}\"",
            4 => "-?[0-9]{1,21}",
            1 => Just("\"0193e0b5-c0de-7000-8000-00000000000a\"".to_owned()),
            3 => proptest::sample::select(odd.to_vec()).prop_map(str::to_owned),
        ]
    }

    proptest! {
        /// Reading in one pass never decides otherwise than reading field by field.
        #[test]
        fn both_ways_of_reading_agree(changed in proptest::collection::vec((0..FIELDS.len(), value()), 0..4)) {
            let mut fields: Vec<String> = GOOD[1..GOOD.len() - 1].split(",\"").map(str::to_owned).collect();
            fields.push("entry_id\":\"0193e0b5-c0de-7000-8000-00000000000a\"".to_owned());
            for (at, value) in changed {
                fields[at] = format!("{}{}\":{value}", if at == 0 { "\"" } else { "" }, FIELDS[at]);
            }
            let text = format!("{{{}}}", fields.join(",\""));
            prop_assert_eq!(decode(text.as_bytes()), from_raw(&text));
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn what_is_accepted_keeps_the_rules(text in "\\{(\"(quantity|drcr|entry_id|x)\":(-?[0-9]{1,12}|null|\"a\"),){0,3}\"product_id\":\"[a-z:]{0,3}\"\\}") {
            if let Ok(entry) = decode(text.as_bytes()) {
                prop_assert!(entry.quantity >= 1);
            }
        }
    }
}
