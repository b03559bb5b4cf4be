//! A bill: what a clerk enters with one number, one company, one warehouse and many lines.
//! Turns into entries or tells every error at once; knows no storage.

use chrono::NaiveDateTime;
use uuid::Uuid;

use crate::entry::{
    BillId, CompanyId, Direction, Entry, ProductId, Refusal, WarehouseId, check_description, check_quantity,
};

/// The head of a bill as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Bill number.
    pub bill_id: String,
    /// In or out.
    pub direction: Direction,
    /// Supplier or customer.
    pub company_id: String,
    /// Warehouse.
    pub warehouse_id: String,
    /// Wall-clock moment.
    pub create_time: NaiveDateTime,
}

/// One line as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Made when the line is first saved; the entry keeps it for ever.
    pub entry_id: Uuid,
    /// Product.
    pub product_id: String,
    /// Pieces.
    pub quantity: i64,
    /// Free text, may be empty.
    pub description: String,
}

/// One refused value and where it stands: line 0 is the head, lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// 0 = head, else the line.
    pub line: usize,
    /// What is wrong there.
    pub refusal: Refusal,
}

/// Turns a bill into its entries, in order, or names every misfit.
pub fn entries(head: &Head, lines: &[Line]) -> Result<Vec<Entry>, Vec<Misfit>> {
    let mut misfits = Vec::new();
    let bill_id = kept(BillId::parse(&head.bill_id), 0, &mut misfits);
    let company_id = kept(CompanyId::parse(&head.company_id), 0, &mut misfits);
    let warehouse_id = kept(WarehouseId::parse(&head.warehouse_id), 0, &mut misfits);
    if lines.is_empty() {
        let refusal =
            Refusal { field: "product_id", value: String::new(), rule: crate::entry::Rule::Missing };
        misfits.push(Misfit { line: 1, refusal });
    }
    let mut entries = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let product_id = kept(ProductId::parse(&line.product_id), at + 1, &mut misfits);
        kept(check_quantity(line.quantity), at + 1, &mut misfits);
        kept(check_description(&line.description), at + 1, &mut misfits);
        let (Some(bill_id), Some(company_id), Some(warehouse_id), Some(product_id)) =
            (&bill_id, &company_id, &warehouse_id, product_id)
        else {
            continue;
        };
        entries.push(Entry {
            product_id,
            quantity: line.quantity,
            direction: head.direction,
            company_id: company_id.clone(),
            warehouse_id: warehouse_id.clone(),
            bill_id: bill_id.clone(),
            create_time: head.create_time,
            description: Some(line.description.clone()).filter(|text| !text.is_empty()),
            entry_id: Some(line.entry_id),
        });
    }
    if misfits.is_empty() { Ok(entries) } else { Err(misfits) }
}

fn kept<T>(value: Result<T, Refusal>, line: usize, misfits: &mut Vec<Misfit>) -> Option<T> {
    value.map_err(|refusal| misfits.push(Misfit { line, refusal })).ok()
}

/// The entries that take a bill back: opposite direction, same goods, a number of their own, and a description
/// that names the bill they reverse. `ids` gives each its new entry id.
pub fn reversal(
    posted: &[Entry],
    bill_id: &BillId,
    now: NaiveDateTime,
    mut ids: impl FnMut() -> Uuid,
) -> Vec<Entry> {
    posted
        .iter()
        .map(|entry| Entry {
            direction: entry.direction.opposite(),
            bill_id: bill_id.clone(),
            create_time: now,
            description: Some(format!("⟲ {}", entry.bill_id)),
            entry_id: Some(ids()),
            ..entry.clone()
        })
        .collect()
}

/// A bill number that people can read: `IN-20250313-120000-7f3a`, by kind, moment and four random hex digits,
/// so that desktops need not ask each other.
pub fn number(direction: Direction, now: NaiveDateTime, random: Uuid) -> String {
    let kind = match direction {
        Direction::In => "IN",
        Direction::Out => "OUT",
    };
    let tail = random.simple().to_string();
    format!("{kind}-{}-{}", now.format("%Y%m%d-%H%M%S"), &tail[tail.len() - 4..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Rule, parse_time};

    fn head() -> Head {
        Head {
            bill_id: "B1".into(),
            direction: Direction::Out,
            company_id: "C1".into(),
            warehouse_id: "W1".into(),
            create_time: parse_time("2025-03-13 12:00:00").unwrap(),
        }
    }

    fn line(product: &str, quantity: i64) -> Line {
        Line {
            entry_id: Uuid::from_u128(7),
            product_id: product.into(),
            quantity,
            description: String::new(),
        }
    }

    #[test]
    fn all_errors_come_at_once() {
        let bad = Head { warehouse_id: "a:b".into(), company_id: String::new(), ..head() };
        let misfits = entries(&bad, &[line("p", 1), line("", 0)]).unwrap_err();
        let found: Vec<(usize, Rule)> = misfits.iter().map(|m| (m.line, m.refusal.rule)).collect();
        assert_eq!(found, [(0, Rule::Empty), (0, Rule::Colon), (2, Rule::Empty), (2, Rule::QuantityRange)]);
        assert_eq!(entries(&head(), &[]).unwrap_err().len(), 1);
    }

    #[test]
    fn a_reversal_takes_every_line_back() {
        let posted = entries(&head(), &[line("p", 3), line("q", 4)]).unwrap();
        let back =
            reversal(&posted, &BillId::parse("R1").unwrap(), head().create_time, || Uuid::from_u128(9));
        assert_eq!(posted.iter().chain(&back).map(Entry::signed).sum::<i64>(), 0);
        assert!(back.iter().all(|entry| entry.description.as_deref() == Some("⟲ B1")));
    }

    #[test]
    fn a_posted_description_longer_than_allowed_never_arises_from_a_reversal() {
        let long = BillId::parse(&"b".repeat(255)).unwrap();
        let mut posted = entries(&head(), &[line("p", 3)]).unwrap();
        posted[0].bill_id = long.clone();
        let back = reversal(&posted, &long, head().create_time, || Uuid::from_u128(9));
        assert!(check_description(back[0].description.as_deref().unwrap()).is_ok());
    }
}
