//! What the tables of entries say about a report, found by SQL over the raw rows and put together here: shares no code with
//! the reports.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveTime};
use inventory::ledger::Period;
use inventory::report::{Group, Request};

use super::*;

/// What the tables of entries hold, summed up by SQL alone.
pub struct Moved {
    pub product: String,
    pub warehouse: String,
    pub company: String,
    pub time: NaiveDateTime,
    pub inward: i64,
    pub outward: i64,
}

pub async fn moved(place: &Place) -> Vec<Moved> {
    let mut found = Vec::new();
    let sql = "SELECT t.table_name FROM ledger_tables t LEFT JOIN ledger_days d ON d.day = t.first_day \
               WHERE t.product_id IS NULL OR d.state = 'open'";
    let tables = place.rows(sql).await;
    for chunk in tables.chunks(100) {
        let selects: Vec<String> = chunk
            .iter()
            .map(|table| {
                format!(
                    "SELECT product_id, warehouse_id, company_id, create_time, \
                     SUM(CASE WHEN drcr = 1 THEN quantity ELSE 0 END), \
                     SUM(CASE WHEN drcr = -1 THEN quantity ELSE 0 END) FROM {} \
                     GROUP BY product_id, warehouse_id, company_id, create_time",
                    table[0]
                )
            })
            .collect();
        for row in place.rows(&selects.join(" UNION ALL ")).await {
            found.push(Moved {
                product: row[0].clone(),
                warehouse: row[1].clone(),
                company: row[2].clone(),
                time: parse_time(&row[3]).unwrap(),
                inward: row[4].parse().unwrap(),
                outward: row[5].parse().unwrap(),
            });
        }
    }
    found
}

pub type Expected = BTreeMap<Vec<String>, [i64; 4]>;

/// The spans of a period with their names, cut to it.
fn spans(
    period: Period,
    by: &[Group],
) -> Vec<(NaiveDateTime, NaiveDateTime, BTreeMap<&'static str, String>)> {
    if !by.iter().any(|group| group.is_time()) {
        return vec![(period.start, period.end, BTreeMap::new())];
    }
    let mut spans: Vec<(NaiveDateTime, NaiveDateTime, BTreeMap<&'static str, String>)> = Vec::new();
    let mut at = period.start;
    while at < period.end {
        let day = at.date();
        let next = (day + Days::new(1)).and_time(NaiveTime::MIN).min(period.end);
        let mut names = BTreeMap::new();
        for group in by {
            let name = match group {
                Group::Day => format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day()),
                Group::Week => day.format("%G-W%V").to_string(),
                Group::Month => format!("{:04}-{:02}", day.year(), day.month()),
                _ => continue,
            };
            names.insert(group.name(), name);
        }
        match spans.last_mut() {
            Some(last) if last.2 == names => last.1 = next,
            _ => spans.push((at, next, names)),
        }
        at = next;
    }
    spans
}

/// The catalogue as SQL shows it: products with their categories, warehouses, companies.
pub struct Catalogue {
    products: BTreeMap<String, String>,
    warehouses: Vec<String>,
    companies: Vec<String>,
}

pub async fn catalogue(place: &Place) -> Catalogue {
    let ids = |rows: Vec<Vec<String>>| rows.into_iter().map(|mut row| row.remove(0)).collect();
    let products = place.rows("SELECT id, category FROM products").await;
    Catalogue {
        products: products.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect(),
        warehouses: ids(place.rows("SELECT id FROM warehouses").await),
        companies: ids(place.rows("SELECT id FROM companies").await),
    }
}

impl Catalogue {
    /// Every row that a report of all groups shows in one span of time: whatever product could lie in whatever warehouse
    /// for whatever company, looked at through the groups. A product has one category, and stands under no other.
    fn all(&self, request: &Request, names: &BTreeMap<&'static str, String>) -> BTreeSet<Vec<String>> {
        let filter = &request.filter;
        let names_one = |group: Group| request.by.contains(&group);
        // What the groups do not tell apart must not be there at all: an empty catalogue of companies hides no product.
        let nobody = [String::new()];
        let products: Vec<(&str, &str)> = match names_one(Group::Product) || names_one(Group::Category) {
            true => self.products.iter().map(|(id, category)| (id.as_str(), category.as_str())).collect(),
            false => vec![("", "")],
        };
        let warehouses = if names_one(Group::Warehouse) { &self.warehouses[..] } else { &nobody };
        let companies = if names_one(Group::Company) { &self.companies[..] } else { &nobody };
        let mut found = BTreeSet::new();
        for (product, category) in products {
            let listed =
                filter.products.as_ref().is_none_or(|ids| ids.iter().any(|id| id.as_str() == product));
            let of = filter.categories.as_ref().is_none_or(|all| all.iter().any(|one| one == category));
            let unlisted = !(listed && of);
            if unlisted && !product.is_empty() {
                continue;
            }
            for warehouse in warehouses {
                let ids = filter.warehouses.as_ref().filter(|_| names_one(Group::Warehouse));
                if ids.is_some_and(|ids| ids.iter().all(|id| id.as_str() != warehouse)) {
                    continue;
                }
                for company in companies {
                    let ids = filter.companies.as_ref().filter(|_| names_one(Group::Company));
                    if ids.is_some_and(|ids| ids.iter().all(|id| id.as_str() != company)) {
                        continue;
                    }
                    let row = request.by.iter().map(|group| match group {
                        Group::Product => product.to_owned(),
                        Group::Category => category.to_owned(),
                        Group::Warehouse => warehouse.clone(),
                        Group::Company => company.clone(),
                        time => names[time.name()].clone(),
                    });
                    found.insert(row.collect());
                }
            }
        }
        found
    }
}

pub fn expected(moved: &[Moved], catalogue: &Catalogue, request: &Request) -> (Expected, [i64; 4]) {
    let filter = &request.filter;
    let category = |row: &Moved| catalogue.products.get(&row.product).cloned().unwrap_or_default();
    let wanted: Vec<&Moved> = moved
        .iter()
        .filter(|row| {
            let is = |list: Option<Vec<&str>>, id: &str| list.is_none_or(|list| list.contains(&id));
            is(filter.products.as_ref().map(|l| l.iter().map(|id| id.as_str()).collect()), &row.product)
                && is(
                    filter.warehouses.as_ref().map(|l| l.iter().map(|id| id.as_str()).collect()),
                    &row.warehouse,
                )
                && is(
                    filter.companies.as_ref().map(|l| l.iter().map(|id| id.as_str()).collect()),
                    &row.company,
                )
                && filter.categories.as_ref().is_none_or(|list| list.contains(&category(row)))
        })
        .collect();
    let spans = spans(request.period, &request.by);
    let mut found = Expected::new();
    let mut totals = [0; 4];
    for row in &wanted {
        for (number, (start, end, names)) in spans.iter().enumerate() {
            let group = request.by.iter().map(|group| match group {
                Group::Product => row.product.clone(),
                Group::Warehouse => row.warehouse.clone(),
                Group::Company => row.company.clone(),
                Group::Category => category(row),
                time => names[time.name()].clone(),
            });
            let signed = row.inward - row.outward;
            let mut part = [0; 4];
            if row.time < *start {
                part = [signed, 0, 0, signed];
            } else if row.time < *end {
                part = [0, row.inward, row.outward, signed];
            }
            let figures = found.entry(group.collect()).or_default();
            for at in 0..4 {
                figures[at] += part[at];
            }
            let counts = [number == 0, true, true, number + 1 == spans.len()];
            for at in 0..4 {
                totals[at] += if counts[at] { part[at] } else { 0 };
            }
        }
    }
    if request.all {
        for (_, _, names) in &spans {
            for group in catalogue.all(request, names) {
                found.entry(group).or_default();
            }
        }
    } else {
        found.retain(|_, figures| figures[..3] != [0, 0, 0]);
    }
    (found, totals)
}
