//! The words of an exported report in both languages, and the names that the catalogue has for ids today. A figure hangs
//! on the id; a product that was renamed shows its new name for the past, too.

use std::collections::HashMap;

use super::Group;
use domain::error::Result;
use ledger::Ledger;

/// One language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The sheet's name.
    pub sheet: &'static str,
    /// Last row.
    pub total: &'static str,
    /// Opening, in, out, closing.
    pub figures: [&'static str; 4],
    /// Product, warehouse, company, category, day, week, month.
    groups: [&'static str; 7],
    /// Put behind a group's word for the column with its names.
    name: &'static str,
}

/// English.
pub const ENGLISH: Words = Words {
    sheet: "Report",
    total: "Total",
    figures: ["Opening", "In", "Out", "Closing"],
    groups: ["Product", "Warehouse", "Company", "Category", "Day", "Week", "Month"],
    name: " name",
};

/// Simplified Chinese.
pub const CHINESE: Words = Words {
    sheet: "时段报表",
    total: "合计",
    figures: ["期初", "入库", "出库", "期末"],
    groups: ["产品", "仓库", "往来单位", "类别", "日", "周", "月"],
    name: "名称",
};

impl Words {
    /// The words of a language tag; English where it is not known.
    pub fn of(language: &str) -> Self {
        if language.starts_with("zh") { CHINESE } else { ENGLISH }
    }

    /// A group's word.
    pub fn group(&self, group: Group) -> &'static str {
        let at = Group::ALL.iter().position(|other| *other == group).unwrap_or(0);
        self.groups[at]
    }

    /// The word above a group's names.
    pub fn name_of(&self, group: Group) -> String {
        format!("{}{}", self.group(group), self.name)
    }
}

/// Names by id.
#[derive(Debug, Clone, Default)]
pub struct Names {
    products: HashMap<String, String>,
    warehouses: HashMap<String, String>,
    companies: HashMap<String, String>,
}

impl Names {
    /// Reads those that a report by these groups shows.
    pub async fn read(ledger: &Ledger, by: &[Group]) -> Result<Self> {
        let mut names = Names::default();
        for group in by {
            match group {
                Group::Product => {
                    let rows = ledger.products().await?.into_iter();
                    names.products = rows.map(|row| (row.id.to_string(), row.name)).collect();
                }
                Group::Warehouse => {
                    let rows = ledger.warehouses().await?.into_iter();
                    names.warehouses = rows.map(|row| (row.id.to_string(), row.name)).collect();
                }
                Group::Company => {
                    let rows = ledger.companies().await?.into_iter();
                    names.companies = rows.map(|row| (row.id.to_string(), row.name)).collect();
                }
                _ => {}
            }
        }
        Ok(names)
    }

    /// The name of an id, which is the id itself where nobody named it; `None` for groups that have no names.
    pub fn name<'a>(&'a self, group: Group, id: &'a str) -> Option<&'a str> {
        let names = match group {
            Group::Product => &self.products,
            Group::Warehouse => &self.warehouses,
            Group::Company => &self.companies,
            _ => return None,
        };
        Some(names.get(id).map_or(id, String::as_str))
    }
}
