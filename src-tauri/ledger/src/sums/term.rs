//! One SELECT of a question, and the conditions that a filter makes of it, in either dialect.

use std::fmt::Write;

use chrono::NaiveDate;

use super::dimension::Face;
use super::versions::Grain;
use super::{Ask, Columns, Filter};
use crate::dialect::Dialect;
use domain::entry::{CompanyId, ProductId, WarehouseId};

/// What stands for the time of a SELECT's sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    None,
    Column(&'static str),
    Day(NaiveDate),
}

impl Label {
    /// Whether each row's own time is told.
    fn is_column(self) -> bool {
        matches!(self, Label::Column(_))
    }
}

/// One SELECT of a question.
#[derive(Debug)]
pub(crate) struct Term {
    pub table: String,
    pub label: Label,
    pub condition: String,
    /// Rows of entries rather than totals.
    pub rows: bool,
    /// By what each of its rows is one already: nothing of it is left to be summed up.
    pub single: Option<Columns>,
}

/// Ids as a list of literals for the fixed tables; a list of nothing matches nothing.
pub(crate) fn list<'a>(dialect: Dialect, ids: impl Iterator<Item = &'a str>) -> String {
    let ids: Vec<String> = ids.map(|id| dialect.id_of(id)).collect();
    if ids.is_empty() { "NULL".to_owned() } else { ids.join(",") }
}

/// The catalogue's products of these categories.
pub(crate) fn category_condition(dialect: Dialect, categories: &[String]) -> String {
    let list: Vec<String> = categories.iter().map(|text| dialect.text_of(text)).collect();
    if list.is_empty() { " AND 1 = 0".to_owned() } else { format!(" AND category IN ({})", list.join(",")) }
}

/// The filter as conditions, each with its AND; `rows`: for tables of entries.
pub(crate) fn conditions(dialect: Dialect, filter: &Filter, rows: bool) -> String {
    let mut out = String::new();
    let mut among = |column: &str, ids: Option<Vec<&str>>| {
        let Some(ids) = ids else { return };
        let literal = |id: &&str| if rows { dialect.text_of(id) } else { dialect.id_of(id) };
        let ids: Vec<String> = ids.iter().map(literal).collect();
        match ids.as_slice() {
            [] => out.push_str(" AND 1 = 0"),
            [one] => drop(write!(out, " AND {column} = {one}")),
            many => drop(write!(out, " AND {column} IN ({})", many.join(","))),
        }
    };
    let Filter { products, warehouses, companies, categories } = filter;
    among("product_id", products.as_ref().map(|ids| ids.iter().map(ProductId::as_str).collect()));
    among("warehouse_id", warehouses.as_ref().map(|ids| ids.iter().map(WarehouseId::as_str).collect()));
    among("company_id", companies.as_ref().map(|ids| ids.iter().map(CompanyId::as_str).collect()));
    if let Some(categories) = categories {
        let condition = category_condition(dialect, categories);
        let _ = write!(out, " AND product_id IN (SELECT id FROM products WHERE 1 = 1{condition})");
    }
    out
}

/// Days from one to another. A single day is said to be one: its rows then come in the order of their key, and none of
/// them need to be sorted to be summed up.
pub(crate) fn between(column: &str, from: NaiveDate, to: NaiveDate) -> String {
    if from == to { format!("{column} = '{from}'") } else { format!("{column} BETWEEN '{from}' AND '{to}'") }
}

impl Term {
    pub fn rolled(face: Face, grain: Grain, from: NaiveDate, to: NaiveDate, label: Label) -> Self {
        let condition = format!("grain = '{}' AND {}", grain.name(), between("first_day", from, to));
        let single = (from == to || label.is_column()).then(|| face.columns());
        Term { table: format!("rolled_{}", face.name()), label, condition, rows: false, single }
    }

    /// Totals of days, both included; without a first one from the beginning.
    pub fn totals(from: Option<NaiveDate>, to: NaiveDate, label: Label) -> Self {
        let condition = from.map_or_else(|| format!("day <= '{to}'"), |from| between("day", from, to));
        let single = (from == Some(to) || label.is_column()).then(|| Face::Keys.columns());
        Term { table: "day_totals".to_owned(), label, condition, rows: false, single }
    }

    /// The SELECT: time, the columns asked for, in, out, entries.
    pub fn select(&self, dialect: Dialect, ask: &Ask) -> String {
        let mut sql = String::from("SELECT ");
        let mut groups: Vec<&str> = Vec::new();
        match self.label {
            Label::None => sql.push_str("NULL"),
            Label::Day(day) => drop(write!(sql, "'{day}'")),
            Label::Column(column) => {
                sql.push_str(column);
                groups.push(column);
            }
        }
        let Columns { product, warehouse, company } = ask.columns;
        let columns = [(product, "product_id"), (warehouse, "warehouse_id"), (company, "company_id")];
        for (_, column) in columns.into_iter().filter(|(wanted, _)| *wanted) {
            let _ = write!(sql, ", {column}");
            groups.push(column);
        }
        let is_single = self.single == Some(ask.columns);
        sql.push_str(if is_single {
            ", in_quantity, out_quantity, entries"
        } else if self.rows {
            ", SUM(CASE WHEN drcr = 1 THEN quantity ELSE 0 END), SUM(CASE WHEN drcr = 1 THEN 0 ELSE quantity END), \
             SUM(1)"
        } else {
            ", SUM(in_quantity), SUM(out_quantity), SUM(entries)"
        });
        let filter = conditions(dialect, &ask.filter, self.rows);
        let _ = write!(sql, " FROM {} WHERE {}{filter}", self.table, self.condition);
        if !groups.is_empty() && !is_single {
            let _ = write!(sql, " GROUP BY {}", groups.join(", "));
        }
        sql
    }
}
