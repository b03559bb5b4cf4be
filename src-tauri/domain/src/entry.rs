//! The domain: one entry of goods in or out, its ids and its refusals. Pure; knows no JSON and no SQL.

mod time;

use std::fmt;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};
use uuid::Uuid;

use crate::error::{Code, Error};
use crate::words;
use crate::words::Words;

pub use time::{format_time, parse_time, write_time};

/// Largest `quantity` of one entry (the spec's column is a signed 32-bit INT).
pub const MAX_QUANTITY: i64 = i32::MAX as i64;
/// Largest magnitude of a balance. JSON readers of the spec and Lua hold integers as doubles; 2^49 leaves
/// room for base, change and sums to be added without ever leaving the exact range.
pub const MAX_BALANCE: i64 = 1 << 49;
/// Longest id, in characters.
pub const MAX_ID: usize = 255;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 512;

/// Why a value is refused. Screens word the codes; `rejected_entries.reason` keeps the English text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Not strict UTF-8 JSON object.
    NotJson,
    /// Field is absent or null.
    Missing,
    /// Field is given twice.
    Twice,
    /// Not a JSON string.
    NotText,
    /// Not an integer written as such.
    NotInteger,
    /// Outside 1..=2147483647.
    QuantityRange,
    /// Neither 1 nor -1.
    Drcr,
    /// Empty id.
    Empty,
    /// Longer than allowed.
    TooLong,
    /// Contains a control character.
    Control,
    /// Leading or trailing blank.
    Blank,
    /// `warehouse_id` with a colon.
    Colon,
    /// Not `YYYY-MM-DD HH:MM:SS`, or no such moment.
    Time,
    /// Not a hyphenated UUID.
    NotUuid,
    /// `create_time` outside the window around the message's own day.
    Window,
    /// Would take a balance beyond ±2^49.
    Overflow,
}

impl Rule {
    /// Stable code, snake_case.
    pub fn code(self) -> &'static str {
        match self {
            Rule::NotJson => "not_json",
            Rule::Missing => "missing",
            Rule::Twice => "twice",
            Rule::NotText => "not_text",
            Rule::NotInteger => "not_integer",
            Rule::QuantityRange => "quantity_range",
            Rule::Drcr => "drcr",
            Rule::Empty => "empty",
            Rule::TooLong => "too_long",
            Rule::Control => "control",
            Rule::Blank => "blank",
            Rule::Colon => "colon",
            Rule::Time => "time",
            Rule::NotUuid => "not_uuid",
            Rule::Window => "window",
            Rule::Overflow => "overflow",
        }
    }

    /// What the rule demands, as a clause that follows "field value: ".
    pub fn demand(self) -> Words {
        match self {
            Rule::NotJson => words!("demand_not_json", "must be one JSON object in UTF-8"),
            Rule::Missing => words!("demand_missing", "is required"),
            Rule::Twice => words!("demand_twice", "must be given once"),
            Rule::NotText => words!("demand_not_text", "must be a JSON string"),
            Rule::NotInteger => words!(
                "demand_not_integer",
                "must be an integer written as such (10, not 10.0, 1e1 or \"10\")"
            ),
            Rule::QuantityRange => words!("demand_quantity_range", "must be from 1 to 2147483647"),
            Rule::Drcr => words!("demand_drcr", "must be 1 (in) or -1 (out)"),
            Rule::Empty => words!("demand_empty", "must not be empty"),
            Rule::TooLong => words!("demand_too_long", "is too long (ids: 255 characters, description: 512)"),
            Rule::Control => words!("demand_control", "must not contain control characters"),
            Rule::Blank => words!("demand_blank", "must not begin or end with a blank"),
            Rule::Colon => words!("demand_colon", "must not contain ':'"),
            Rule::Time => words!("demand_time", "must be an existing moment written YYYY-MM-DD HH:MM:SS"),
            Rule::NotUuid => words!("demand_not_uuid", "must be a UUID with hyphens"),
            Rule::Window => {
                words!("demand_window", "is outside the accepted days around the message's own day")
            }
            Rule::Overflow => words!("demand_overflow", "would take the balance beyond 2^49"),
        }
    }
}

/// One refused value: field, the value as given (shortened to 80 characters) and the rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the ioentry field; empty when the whole message is refused.
    pub field: &'static str,
    /// The value as given, shortened.
    pub value: String,
    /// The rule it breaks.
    pub rule: Rule,
}

impl Refusal {
    /// Builds a refusal, shortening the value so that a 10 MB text does not travel on.
    pub fn new(field: &'static str, value: impl fmt::Display, rule: Rule) -> Self {
        let full = value.to_string();
        let mut value: String = full.chars().take(80).collect();
        if value.len() < full.len() {
            value.push('…');
        }
        Refusal { field, value, rule }
    }

    /// Field, value and rule as a sentence.
    pub fn words(&self) -> Words {
        let demand = self.rule.demand();
        if self.field.is_empty() {
            return words!("message_refused", "the message {demand}", demand);
        }
        if self.value.is_empty() {
            return words!("field_refused", "{field} {demand}", field = self.field, demand);
        }
        let value = format!("{:?}", self.value);
        words!("value_refused", "{field} {value} {demand}", field = self.field, value, demand)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::new(Code::Invalid, refusal.words())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().english())
    }
}

impl std::error::Error for Refusal {}

/// Checks an id: 1..=255 characters, no control characters, no leading or trailing blanks.
fn check_id(field: &'static str, text: &str) -> Result<(), Refusal> {
    let refuse = |rule| Err(Refusal::new(field, text, rule));
    // What nearly every id is.
    if (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    if text.is_empty() {
        return refuse(Rule::Empty);
    }
    if text.len() > MAX_ID && text.chars().count() > MAX_ID {
        return refuse(Rule::TooLong);
    }
    if text.chars().any(char::is_control) {
        return refuse(Rule::Control);
    }
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return refuse(Rule::Blank);
    }
    Ok(())
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $field:literal, $extra:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Accepts the id as written or says which rule it breaks.
            pub fn parse(text: &str) -> Result<Self, Refusal> {
                check_id($field, text)?;
                let extra: fn(&str) -> Option<Rule> = $extra;
                match extra(text) {
                    Some(rule) => Err(Refusal::new($field, text, rule)),
                    None => Ok($name(text.into())),
                }
            }

            /// Takes an id that was checked before it was stored (a row of the ledger, a key of the stock).
            pub fn stored(text: &str) -> Self {
                $name(text.into())
            }

            /// The id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id_type!(
    /// A product's id.
    ProductId, "product_id", |_| None);
id_type!(
    /// A warehouse's id; has no colon, so that a stock key has one reading.
    WarehouseId, "warehouse_id", |text| text.contains(':').then_some(Rule::Colon));
id_type!(
    /// A company's id.
    CompanyId, "company_id", |_| None);
id_type!(
    /// A bill's number.
    BillId, "bill_id", |_| None);

/// In or out. `drcr` in JSON and SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Goods come in: `drcr` 1.
    In,
    /// Goods go out: `drcr` -1.
    Out,
}

impl Direction {
    /// 1 or -1.
    pub fn drcr(self) -> i64 {
        match self {
            Direction::In => 1,
            Direction::Out => -1,
        }
    }

    /// From 1 or -1.
    pub fn from_drcr(drcr: i64) -> Option<Self> {
        match drcr {
            1 => Some(Direction::In),
            -1 => Some(Direction::Out),
            _ => None,
        }
    }

    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Direction::In => Direction::Out,
            Direction::Out => Direction::In,
        }
    }
}

/// Where goods lie: the stock's key `{warehouse_id}:{product_id}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StockKey {
    /// Warehouse, before the first colon.
    pub warehouse: WarehouseId,
    /// Product, after the first colon; may itself contain colons.
    pub product: ProductId,
}

impl StockKey {
    /// Reads `W:P`; `None` when there is no colon or a part is no id.
    pub fn parse(text: &str) -> Option<Self> {
        let (warehouse, product) = text.split_once(':')?;
        Some(StockKey {
            warehouse: WarehouseId::parse(warehouse).ok()?,
            product: ProductId::parse(product).ok()?,
        })
    }
}

impl fmt::Display for StockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.warehouse, self.product)
    }
}

/// One movement of goods: the spec's ioentry, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Product moved.
    pub product_id: ProductId,
    /// Pieces, 1..=2147483647.
    pub quantity: i64,
    /// In or out.
    pub direction: Direction,
    /// Supplier or customer.
    pub company_id: CompanyId,
    /// Warehouse.
    pub warehouse_id: WarehouseId,
    /// Bill.
    pub bill_id: BillId,
    /// The warehouse's wall clock, whole seconds, no zone.
    pub create_time: NaiveDateTime,
    /// Free text, at most 512 characters.
    pub description: Option<String>,
    /// Made when the line is first saved; foreign producers may leave it out.
    pub entry_id: Option<Uuid>,
}

impl Entry {
    /// `quantity · drcr`.
    pub fn signed(&self) -> i64 {
        self.quantity * self.direction.drcr()
    }

    /// The wall-clock day the entry is counted on.
    pub fn day(&self) -> NaiveDate {
        self.create_time.date()
    }

    /// The stock key it moves.
    pub fn key(&self) -> StockKey {
        StockKey { warehouse: self.warehouse_id.clone(), product: self.product_id.clone() }
    }
}

/// Checks a description: at most 512 characters, no control characters but tab, LF and CR.
pub fn check_description(text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_DESCRIPTION && text.chars().count() > MAX_DESCRIPTION {
        return Err(Refusal::new("description", text, Rule::TooLong));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
        return Err(Refusal::new("description", text, Rule::Control));
    }
    Ok(())
}

/// Checks a quantity.
pub fn check_quantity(quantity: i64) -> Result<(), Refusal> {
    if (1..=MAX_QUANTITY).contains(&quantity) {
        return Ok(());
    }
    Err(Refusal::new("quantity", quantity, Rule::QuantityRange))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_rules() {
        assert!(ProductId::parse("a:b").is_ok());
        assert_eq!(WarehouseId::parse("a:b").map_err(|r| r.rule), Err(Rule::Colon));
        assert_eq!(ProductId::parse("").map_err(|r| r.rule), Err(Rule::Empty));
        assert_eq!(ProductId::parse("\u{3000}a").map_err(|r| r.rule), Err(Rule::Blank));
        assert_eq!(ProductId::parse("a\u{85}b").map_err(|r| r.rule), Err(Rule::Control));
        assert!(ProductId::parse(&"苹".repeat(255)).is_ok());
        assert_eq!(ProductId::parse(&"苹".repeat(256)).map_err(|r| r.rule), Err(Rule::TooLong));
    }

    #[test]
    fn key_splits_at_the_first_colon() {
        let key = StockKey::parse("W1:a:b").unwrap();
        assert_eq!((key.warehouse.as_str(), key.product.as_str()), ("W1", "a:b"));
        assert_eq!(key.to_string(), "W1:a:b");
    }
}
