//! Names: how a product's name becomes a table name part and search words, and the catalogue's CSV.
//! Pure; the rows themselves live in the ledger.

use std::io::{Read, Write};

use pinyin::ToPinyin;

use crate::entry::{CompanyId, ProductId, WarehouseId};
use crate::error::{Code, Error, Result};
use crate::words;
use crate::words::Words;

/// Longest slug without the suffix `_2`, `_3`, … that keeps a second product of the same name apart.
const SLUG: usize = 46;

/// A product's name as a table name part: `[a-z0-9_]`, Chinese by pinyin, never empty.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    let mut gap = false;
    for c in name.chars() {
        let part = match c.to_pinyin() {
            Some(pinyin) => pinyin.plain().replace('ü', "v"),
            None if c.is_ascii_alphanumeric() => c.to_ascii_lowercase().to_string(),
            None => {
                gap = true;
                continue;
            }
        };
        if gap && !slug.is_empty() {
            slug.push('_');
        }
        gap = false;
        if slug.len() + part.len() > SLUG {
            break;
        }
        slug.extend(part.chars().filter(char::is_ascii_alphanumeric));
    }
    let slug = slug.trim_end_matches('_');
    if slug.is_empty() { "p".to_string() } else { slug.to_string() }
}

/// The first letters of a name's pinyin, lower-case: 苹果 → `pg`. Other letters and digits stay.
pub fn initials(name: &str) -> String {
    name.chars()
        .filter_map(|c| match c.to_pinyin() {
            Some(pinyin) => pinyin.first_letter().chars().next(),
            None if c.is_alphanumeric() => c.to_lowercase().next(),
            None => None,
        })
        .collect()
}

/// A name's whole pinyin, lower-case without gaps: 苹果 → `pingguo`.
pub fn full_pinyin(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        match c.to_pinyin() {
            Some(pinyin) => words.push_str(pinyin.plain()),
            None if c.is_alphanumeric() => words.extend(c.to_lowercase()),
            None => {}
        }
    }
    words
}

/// A product as it is imported, exported and edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Id in entries.
    pub id: ProductId,
    /// Name shown and, at first, the origin of its slug.
    pub name: String,
    /// Barcode, may be empty.
    pub barcode: String,
    /// Unit, may be empty.
    pub unit: String,
    /// Category, may be empty.
    pub category: String,
    /// Minimum stock in pieces, 0 = none.
    pub minimum: i64,
}

/// A catalogue file: its header tells which of the three it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum File {
    /// Header `product_id,name[,barcode,unit,category,minimum]`.
    Products(Vec<Product>),
    /// Header `warehouse_id,name`.
    Warehouses(Vec<(WarehouseId, String)>),
    /// Header `company_id,name`.
    Companies(Vec<(CompanyId, String)>),
}

/// Reads a catalogue CSV. All errors come at once, each naming its line and column.
pub fn read_csv(input: impl Read) -> Result<File, Vec<Error>> {
    let mut text = String::new();
    let mut input = input;
    input
        .read_to_string(&mut text)
        .map_err(|error| vec![invalid(1, words!("not_utf8", "not UTF-8 text: {error}", error))])?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|name| name.trim().to_string()).collect(),
        Err(error) => return Err(vec![invalid(1, Words::plain(error))]),
    };
    let table = Table::read(&header, &mut reader)?;
    match header.first().map(String::as_str) {
        Some("product_id") => table.products().map(File::Products),
        Some("warehouse_id") => table.places(WarehouseId::parse).map(File::Warehouses),
        Some("company_id") => table.places(CompanyId::parse).map(File::Companies),
        _ => Err(vec![invalid(
            1,
            words!(
                "catalog_first_column",
                "the first column must be product_id, warehouse_id or company_id: it tells what the file holds"
            ),
        )]),
    }
}

fn invalid(line: u64, words: Words) -> Error {
    Error::new(Code::Invalid, words!("line_words", "line {line}: {words}", line, words))
}

/// A CSV's rows with their line numbers, columns found by name.
struct Table {
    header: Vec<String>,
    rows: Vec<(u64, csv::StringRecord)>,
}

impl Table {
    fn read(header: &[String], reader: &mut csv::Reader<&[u8]>) -> Result<Self, Vec<Error>> {
        let known =
            ["product_id", "warehouse_id", "company_id", "name", "barcode", "unit", "category", "minimum"];
        let mut errors: Vec<Error> = header
            .iter()
            .filter(|name| !known.contains(&name.as_str()))
            .map(|name| {
                invalid(1, words!("unknown_column", "unknown column {name}", name = format!("{name:?}")))
            })
            .collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    if record.len() != header.len() {
                        errors.push(invalid(
                            line,
                            words!(
                                "fields_differ",
                                "{fields} fields, the header has {wanted}",
                                fields = record.len(),
                                wanted = header.len()
                            ),
                        ));
                    }
                    rows.push((line, record));
                }
                Err(error) => errors.push(invalid(0, Words::plain(error))),
            }
        }
        if errors.is_empty() { Ok(Table { header: header.to_vec(), rows }) } else { Err(errors) }
    }

    fn cell<'a>(&self, record: &'a csv::StringRecord, column: &str) -> &'a str {
        let at = self.header.iter().position(|name| name == column);
        at.and_then(|at| record.get(at)).unwrap_or("").trim()
    }

    /// Builds one value per row; an id given twice is an error too.
    fn build<T>(&self, row: impl Fn(&csv::StringRecord) -> Result<T>) -> Result<Vec<T>, Vec<Error>> {
        let mut seen = std::collections::HashMap::new();
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for (line, record) in &self.rows {
            let id = record.get(0).unwrap_or("").trim().to_string();
            if let Some(first) = seen.insert(id.clone(), *line) {
                errors.push(invalid(
                    *line,
                    words!(
                        "id_stands_already",
                        "{id} stands already in line {first}",
                        id = format!("{id:?}"),
                        first
                    ),
                ));
            }
            match row(record) {
                Ok(value) => values.push(value),
                Err(error) => errors.push(invalid(*line, error.message)),
            }
        }
        if errors.is_empty() { Ok(values) } else { Err(errors) }
    }

    fn products(&self) -> Result<Vec<Product>, Vec<Error>> {
        self.build(|record| {
            let id = ProductId::parse(self.cell(record, "product_id"))?;
            let minimum = match self.cell(record, "minimum") {
                "" => 0,
                text => text.parse::<i64>().ok().filter(|n| *n >= 0).ok_or_else(|| {
                    Error::new(
                        Code::Invalid,
                        words!(
                            "minimum_number",
                            "minimum {text} must be a whole number, 0 or more",
                            text = format!("{text:?}")
                        ),
                    )
                })?,
            };
            Ok(Product {
                name: name_of(self.cell(record, "name"), id.as_str())?,
                barcode: short("barcode", self.cell(record, "barcode"))?,
                unit: short("unit", self.cell(record, "unit"))?,
                category: short("category", self.cell(record, "category"))?,
                minimum,
                id,
            })
        })
    }

    fn places<Id: std::fmt::Display>(
        &self,
        parse: fn(&str) -> Result<Id, crate::entry::Refusal>,
    ) -> Result<Vec<(Id, String)>, Vec<Error>> {
        self.build(|record| {
            let id = parse(record.get(0).unwrap_or("").trim())?;
            let name = name_of(self.cell(record, "name"), &id.to_string())?;
            Ok((id, name))
        })
    }
}

/// A name, or the id where none is given.
fn name_of(name: &str, id: &str) -> Result<String> {
    if name.is_empty() { Ok(id.to_string()) } else { short("name", name) }
}

/// A text of at most 255 characters without control characters.
pub fn short(field: &str, text: &str) -> Result<String> {
    if text.chars().count() > crate::entry::MAX_ID || text.chars().any(char::is_control) {
        let words =
            words!("short_text", "{field} must have at most 255 characters and no control characters", field);
        return Err(Error::new(Code::Invalid, words));
    }
    Ok(text.to_string())
}

/// Writes a catalogue CSV that `read_csv` reads back.
pub fn write_csv(file: &File, output: impl Write) -> Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    let failed = |error: csv::Error| {
        Error::new(Code::Full, words!("csv_not_written", "cannot write the CSV file: {error}", error))
    };
    match file {
        File::Products(products) => {
            let header = ["product_id", "name", "barcode", "unit", "category", "minimum"];
            writer.write_record(header).map_err(failed)?;
            for p in products {
                let minimum = p.minimum.to_string();
                let row = [p.id.as_str(), &p.name, &p.barcode, &p.unit, &p.category, &minimum];
                writer.write_record(row).map_err(failed)?;
            }
        }
        File::Warehouses(rows) => {
            writer.write_record(["warehouse_id", "name"]).map_err(failed)?;
            for (id, name) in rows {
                writer.write_record([id.as_str(), name]).map_err(failed)?;
            }
        }
        File::Companies(rows) => {
            writer.write_record(["company_id", "name"]).map_err(failed)?;
            for (id, name) in rows {
                writer.write_record([id.as_str(), name]).map_err(failed)?;
            }
        }
    }
    writer.flush().map_err(|error| {
        Error::new(Code::Full, words!("csv_not_written", "cannot write the CSV file: {error}", error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_table_name_parts() {
        assert_eq!(slug("apple"), "apple");
        assert_eq!(slug("A-1"), "a_1");
        assert_eq!(slug("A_1 "), "a_1");
        assert_eq!(slug("苹果"), "pingguo");
        assert_eq!(slug("平果"), "pingguo");
        assert_eq!(slug("苹果 iPhone 15"), "pingguo_iphone_15");
        assert_eq!(slug("!!!"), "p");
        assert!(slug(&"长".repeat(100)).len() <= 46);
    }

    #[test]
    fn initials_and_pinyin_find_names() {
        assert_eq!(initials("苹果 iPhone"), "pgiphone");
        assert_eq!(full_pinyin("苹果"), "pingguo");
    }

    #[test]
    fn csv_tells_all_errors_at_once() {
        let bad = "product_id,name,minimum\n,a,1\nx,b,-1\nx,c,2\n";
        let errors = read_csv(bad.as_bytes()).unwrap_err();
        let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(words.len(), 3, "{words:?}");
        assert!(
            words[0].starts_with("line 2:")
                && words[1].starts_with("line 3:")
                && words[2].contains("already in line 3")
        );
    }

    #[test]
    fn csv_comes_back() {
        let text = "\u{feff}product_id,name,barcode,unit,category,minimum\n123,apple,690,箱,水果,5\n";
        let file = read_csv(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        write_csv(&file, &mut out).unwrap();
        assert_eq!(read_csv(out.as_slice()).unwrap(), file);
        assert!(
            matches!(read_csv("warehouse_id,name\nW1,北京仓\n".as_bytes()), Ok(File::Warehouses(rows)) if rows.len() == 1)
        );
    }
}
