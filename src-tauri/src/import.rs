//! Lines pasted from a spreadsheet or a CSV: all of them, or every error by row and column and no line.

use inventory::domain::words;
use inventory::domain::words::Words;

use crate::api::bills::{ImportError, Imported, ImportedLine};
use crate::api::catalog::{CatalogItem, CatalogKind};
use crate::names::Names;
use crate::post::plain_number;

/// Columns by their place; `None` = not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Columns {
    product: usize,
    quantity: usize,
    description: Option<usize>,
}

const PRODUCT: [&str; 10] =
    ["product_id", "product", "code", "barcode", "name", "产品", "编码", "条码", "产品编码", "名称"];
const QUANTITY: [&str; 5] = ["quantity", "qty", "pieces", "数量", "件数"];
const DESCRIPTION: [&str; 5] = ["description", "note", "remark", "说明", "备注"];

/// Reads the text against the catalogue.
pub fn lines(names: &Names, text: &str) -> Imported {
    read(text, |code| {
        names.exact(CatalogKind::Product, code).or_else(|| {
            let mut found = names.search(CatalogKind::Product, code, 2);
            found.retain(|item| item.name.eq_ignore_ascii_case(code));
            if found.len() == 1 { found.pop() } else { None }
        })
    })
}

fn read(text: &str, product: impl Fn(&str) -> Option<CatalogItem>) -> Imported {
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b'\t', b';', b','].into_iter().find(|d| first.as_bytes().contains(d)).unwrap_or(b'\t');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut columns = Columns { product: 0, quantity: 1, description: Some(2) };
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    for (at, record) in reader.records().enumerate() {
        let row = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                errors.push(wrong(row, 0, "product_id", "not_text", "", &Words::plain(&error)));
                continue;
            }
        };
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if at == 0
            && let Some(found) = heading(&record)
        {
            columns = found;
            continue;
        }
        match line(row, &record, columns, &product) {
            Ok(line) => lines.push(line),
            Err(found) => errors.extend(found),
        }
    }
    if !errors.is_empty() {
        lines.clear();
    }
    Imported { lines, errors }
}

/// Columns by their names, if the record is a heading.
fn heading(record: &csv::StringRecord) -> Option<Columns> {
    let find =
        |words: &[&str]| record.iter().position(|cell| words.contains(&cell.trim().to_lowercase().as_str()));
    Some(Columns { product: find(&PRODUCT)?, quantity: find(&QUANTITY)?, description: find(&DESCRIPTION) })
}

fn wrong(row: u32, column: usize, field: &str, rule: &str, value: &str, message: &Words) -> ImportError {
    ImportError {
        row,
        column: u32::try_from(column + 1).unwrap_or(u32::MAX),
        field: field.into(),
        rule: rule.into(),
        value: value.chars().take(80).collect(),
        message: message.into(),
    }
}

fn line(
    row: u32,
    record: &csv::StringRecord,
    columns: Columns,
    product: &impl Fn(&str) -> Option<CatalogItem>,
) -> Result<ImportedLine, Vec<ImportError>> {
    let cell = |at: usize| record.get(at).unwrap_or_default().trim();
    let mut errors = Vec::new();
    let code = cell(columns.product);
    let found = product(code);
    match &found {
        _ if code.is_empty() => {
            errors.push(wrong(
                row,
                columns.product,
                "product_id",
                "missing",
                "",
                &words!("product_required", "product is required"),
            ));
        }
        None => {
            let words = words!("product_unknown_anyhow", "no product has this code, barcode or name");
            errors.push(wrong(row, columns.product, "product_id", "unknown_product", code, &words));
        }
        Some(_) => {}
    }
    let typed = cell(columns.quantity);
    let quantity = plain_number(typed);
    match quantity.parse::<i64>() {
        Ok(number) if inventory::domain::entry::check_quantity(number).is_ok() => {}
        Ok(_) => {
            let words = words!("quantity_between", "quantity must be from 1 to 2147483647");
            errors.push(wrong(row, columns.quantity, "quantity", "quantity_range", typed, &words));
        }
        Err(_) => {
            let rule = if typed.is_empty() { "missing" } else { "not_integer" };
            errors.push(wrong(
                row,
                columns.quantity,
                "quantity",
                rule,
                typed,
                &words!("quantity_whole", "quantity must be a whole number"),
            ));
        }
    }
    let description = columns.description.map(cell).unwrap_or_default();
    if let Err(refusal) = inventory::domain::entry::check_description(description) {
        let column = columns.description.unwrap_or_default();
        let (rule, words) = (refusal.rule.code(), refusal.words());
        errors.push(wrong(row, column, "description", rule, description, &words));
    }
    match found {
        Some(item) if errors.is_empty() => Ok(ImportedLine {
            product_id: item.id,
            product_name: item.name,
            quantity,
            description: description.to_string(),
        }),
        _ => Err(errors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(code: &str) -> Option<CatalogItem> {
        (code == "123" || code == "6901").then(|| CatalogItem {
            kind: CatalogKind::Product,
            id: "123".into(),
            name: "apple".into(),
            barcode: "6901".into(),
            unit: String::new(),
            category: String::new(),
            minimum: 0,
            registered: true,
        })
    }

    #[test]
    fn a_spreadsheet_paste_becomes_lines() {
        let read = read("数量\t产品\n１０\t123\n\n1,000\t6901\n", known);
        assert_eq!(read.errors, []);
        let lines: Vec<(&str, &str)> =
            read.lines.iter().map(|l| (l.product_id.as_str(), l.quantity.as_str())).collect();
        assert_eq!(lines, [("123", "10"), ("123", "1000")]);
    }

    #[test]
    fn all_errors_come_at_once_and_no_line() {
        let read = read("123,10,ok\nxyz,1.5\n,0\n", known);
        assert!(read.lines.is_empty());
        let found: Vec<(u32, u32, &str)> =
            read.errors.iter().map(|e| (e.row, e.column, e.rule.as_str())).collect();
        assert_eq!(
            found,
            [(2, 1, "unknown_product"), (2, 2, "not_integer"), (3, 1, "missing"), (3, 2, "quantity_range")]
        );
    }
}
