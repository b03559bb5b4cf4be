//! Catalogue files: tables written by the tests' own CSV writer with what must come of them, and the same broken
//! byte by byte. What is accepted keeps the rules, and comes back the same when it is written.

use std::collections::BTreeSet;

use inventory::domain::catalogue::{File, read_csv, slug, write_csv};

use super::dice::Dice;
use super::entries::is_id;

const COLUMNS: [&str; 6] = ["product_id", "name", "barcode", "unit", "category", "minimum"];

/// A cell as every CSV reader takes it: quoted wherever it must be, and sometimes where it need not.
fn written(dice: &mut Dice, cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) || dice.once_in(4) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

fn cell(dice: &mut Dice, column: &str) -> String {
    match column {
        "minimum" if !dice.once_in(12) => dice.pick(&["", "0", "5", "100"]).into(),
        "minimum" => dice.number(),
        "product_id" | "warehouse_id" | "company_id" if !dice.once_in(20) => format!("A{}", dice.roll(400)),
        _ if dice.once_in(8) => dice.text(),
        _ => dice.pick(&["苹果", "apple", "", "x, y", "\"q\""]).into(),
    }
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= 255 && !text.chars().any(|c| matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f))
}

/// A table, its CSV, and whether it breaks no rule.
fn table(dice: &mut Dice) -> (Vec<Vec<String>>, String, bool) {
    let kind = dice.pick(&["product_id", "warehouse_id", "company_id"]);
    let mut columns = vec![kind];
    let more: &[&str] = if kind == "product_id" { &COLUMNS[1..] } else { &COLUMNS[1..2] };
    columns.extend(more.iter().filter(|column| **column == "name" || !dice.once_in(4)));
    let rows: Vec<Vec<String>> =
        (0..dice.roll(5)).map(|_| columns.iter().map(|column| cell(dice, column)).collect()).collect();
    let mut lines = vec![columns.join(",")];
    lines.extend(
        rows.iter().map(|row| row.iter().map(|cell| written(dice, cell)).collect::<Vec<_>>().join(",")),
    );
    let mut text = lines.join(dice.pick(&["\n", "\r\n"]));
    if dice.once_in(4) {
        text.insert(0, '\u{feff}');
    }
    let mut seen = BTreeSet::new();
    let right = rows.iter().all(|row| {
        let id = row[0].trim();
        let id_fits = is_id(id) && !(kind == "warehouse_id" && id.contains(':'));
        let cells = columns.iter().zip(row).skip(1).all(|(column, cell)| match *column {
            "minimum" => cell.trim().is_empty() || cell.trim().parse::<i64>().is_ok_and(|n| n >= 0),
            _ => is_text(cell.trim()),
        });
        id_fits && cells && seen.insert(id.to_owned())
    });
    (rows, text, right)
}

/// Ids and names of a file, in order.
fn rows_of(file: &File) -> Vec<(String, String)> {
    match file {
        File::Products(rows) => rows.iter().map(|row| (row.id.to_string(), row.name.clone())).collect(),
        File::Warehouses(rows) => rows.iter().map(|(id, name)| (id.to_string(), name.clone())).collect(),
        File::Companies(rows) => rows.iter().map(|(id, name)| (id.to_string(), name.clone())).collect(),
    }
}

/// What must hold of every accepted file, whatever it was read from.
fn keeps_the_rules(file: &File, shown: &str) {
    let rows = rows_of(file);
    let ids: BTreeSet<&String> = rows.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), rows.len(), "an id twice: {shown}");
    for (id, name) in &rows {
        assert!(is_id(id) && is_text(name) && !name.is_empty(), "{id:?} {name:?}: {shown}");
        assert!(!matches!(file, File::Warehouses(_)) || !id.contains(':'), "{shown}");
        let slug = slug(name);
        let plain = slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        assert!(plain && (1..=46).contains(&slug.len()), "{name:?} makes {slug:?}");
    }
    if let File::Products(products) = file {
        for product in products {
            let texts = [&product.barcode, &product.unit, &product.category];
            assert!(product.minimum >= 0 && texts.iter().all(|text| is_text(text)), "{product:?}: {shown}");
        }
    }
    let mut out = Vec::new();
    write_csv(file, &mut out).unwrap();
    let again = read_csv(out.as_slice());
    assert_eq!(again.as_ref().ok(), Some(file), "{shown} came back as {}", String::from_utf8_lossy(&out));
}

#[test]
fn catalogue_files() {
    super::run("catalogue CSV", 150_000, |dice| {
        let (rows, text, right) = table(dice);
        if dice.once_in(2) {
            let read = read_csv(text.as_bytes());
            assert_eq!(read.is_ok(), right, "{text:?}: {:?}", read.err());
            let Ok(file) = read else { return };
            let expected: Vec<(String, String)> = rows
                .iter()
                .map(|row| [row[0].trim(), row[1].trim()])
                .map(|[id, name]| (id.to_owned(), if name.is_empty() { id } else { name }.to_owned()))
                .collect();
            assert_eq!(rows_of(&file), expected, "{text:?}");
            keeps_the_rules(&file, &text);
            return;
        }
        let mut bytes = if dice.once_in(20) { dice.noise() } else { text.into_bytes() };
        let words =
            [",", "\"", "\"\"", "\n", "\r", "\u{feff}", "\0", "product_id", "minimum", "-1", ":", "é", "\\"];
        dice.mutate(&mut bytes, &words);
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        match read_csv(bytes.as_slice()) {
            Ok(file) => keeps_the_rules(&file, &shown),
            Err(errors) => {
                assert!(
                    !errors.is_empty() && errors.iter().all(|error| error.message.starts_with("line ")),
                    "{shown}"
                );
            }
        }
    });
}
