//! The groups of a report, their names, and how a day is named as a day, a week or a month.

use std::str::FromStr;
use std::sync::Arc;

use chrono::{Datelike, Days, NaiveDate, Weekday};

use domain::error::{Code, Error, Result};
use domain::words;

/// By what rows are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// Product id.
    Product,
    /// Warehouse id.
    Warehouse,
    /// Company id.
    Company,
    /// The product's category, empty where it has none.
    Category,
    /// 2025-03-10
    Day,
    /// ISO week, Monday to Sunday: 2025-W11
    Week,
    /// 2025-03
    Month,
}

impl Group {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Group; 7] = [
        Group::Product,
        Group::Warehouse,
        Group::Company,
        Group::Category,
        Group::Day,
        Group::Week,
        Group::Month,
    ];

    /// The word it is asked for with.
    pub fn name(self) -> &'static str {
        match self {
            Group::Product => "product",
            Group::Warehouse => "warehouse",
            Group::Company => "company",
            Group::Category => "category",
            Group::Day => "day",
            Group::Week => "week",
            Group::Month => "month",
        }
    }

    /// Its field in JSON and CSV.
    pub fn field(self) -> &'static str {
        match self {
            Group::Product => "product_id",
            Group::Warehouse => "warehouse_id",
            Group::Company => "company_id",
            _ => self.name(),
        }
    }

    /// Day, week or month.
    pub fn is_time(self) -> bool {
        matches!(self, Group::Day | Group::Week | Group::Month)
    }

    /// The first day of the span of this kind in which a day lies.
    pub(super) fn first_day(self, day: NaiveDate) -> NaiveDate {
        match self {
            Group::Week => {
                let back = u64::from(day.weekday().days_since(Weekday::Mon));
                day.checked_sub_days(Days::new(back)).unwrap_or(day)
            }
            Group::Month => day.with_day(1).unwrap_or(day),
            _ => day,
        }
    }

    /// What the span of this kind in which a day lies is called.
    pub(super) fn label(self, day: NaiveDate) -> Arc<str> {
        match self {
            Group::Week => {
                let week = day.iso_week();
                format!("{:04}-W{:02}", week.year(), week.week()).into()
            }
            Group::Month => format!("{:04}-{:02}", day.year(), day.month()).into(),
            _ => day.to_string().into(),
        }
    }
}

impl FromStr for Group {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Group::ALL.into_iter().find(|group| group.name() == text.trim());
        found.ok_or_else(|| {
            let names: Vec<&str> = Group::ALL.iter().map(|group| group.name()).collect();
            Error::new(
                Code::Invalid,
                words!(
                    "no_group",
                    "{text} is no group. Groups are {groups}.",
                    text = format!("{text:?}"),
                    groups = names.join(", ")
                ),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_are_named_as_iso_says() {
        let label = |text: &str| Group::Week.label(text.parse().unwrap()).to_string();
        assert_eq!(label("2025-03-10"), "2025-W11");
        assert_eq!(label("2024-12-30"), "2025-W01");
        assert_eq!(label("2021-01-03"), "2020-W53");
        let monday = Group::Week.first_day("2021-01-03".parse().unwrap());
        assert_eq!(monday.to_string(), "2020-12-28");
        assert_eq!(Group::Month.label("2024-02-29".parse().unwrap()).as_ref(), "2024-02");
    }
}
