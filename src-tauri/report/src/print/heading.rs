//! What stands above a printed table: its title, what it is about, the figures that it ends in.

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};

use super::Words;
use crate::chart::{Colour, Theme};
use crate::figures::{self, Group, Names, Period, Request};

/// Names that a line of filters lists.
const LISTED: usize = 8;

/// The head of a printed table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// In large letters.
    pub title: String,
    /// What it is about: a word and what it says.
    pub facts: Vec<(String, String)>,
    /// The last figures of the row of totals, shown on top: a word and its colour for each. Empty: none are shown.
    pub figures: Vec<(String, Colour)>,
    /// Above the chart.
    pub chart: String,
    /// When it was made, by the wall clock.
    pub made: NaiveDateTime,
    /// Its language.
    pub words: Words,
}

impl Heading {
    /// The head of a table without chart and figures.
    pub fn new(title: &str, facts: Vec<(String, String)>, language: &str, made: NaiveDateTime) -> Self {
        let words = Words::of(language);
        let mut facts = facts;
        facts.push((words.made.to_owned(), made.format("%Y-%m-%d %H:%M:%S").to_string()));
        Heading { title: title.to_owned(), facts, figures: Vec::new(), chart: String::new(), made, words }
    }

    /// The head of a report.
    pub(super) fn of(request: &Request, names: &Names, language: &str, made: NaiveDateTime) -> Self {
        let words = Words::of(language);
        let shown = figures::Words::of(language);
        let filter = &request.filter;
        let ids = |group: Group, ids: Option<Vec<String>>| match ids {
            None => words.all.to_owned(),
            Some(ids) => listed(&words, ids.iter().map(|id| named(names, group, id)).collect()),
        };
        let texts = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
        let products = filter.products.as_ref().map(|ids| texts(ids.iter().map(|id| id.as_str()).collect()));
        let warehouses =
            filter.warehouses.as_ref().map(|ids| texts(ids.iter().map(|id| id.as_str()).collect()));
        let companies =
            filter.companies.as_ref().map(|ids| texts(ids.iter().map(|id| id.as_str()).collect()));
        let groups: Vec<String> = request.by.iter().map(|group| shown.group(*group).to_owned()).collect();
        let mut facts = vec![
            (words.period.to_owned(), period(&words, request.period)),
            (words.warehouses.to_owned(), ids(Group::Warehouse, warehouses)),
            (words.products.to_owned(), ids(Group::Product, products)),
        ];
        // What is seldom asked for stands there only where it is.
        if companies.is_some() {
            facts.push((words.companies.to_owned(), ids(Group::Company, companies)));
        }
        if let Some(categories) = &filter.categories {
            facts.push((words.categories.to_owned(), listed(&words, categories.clone())));
        }
        let groups = if groups.is_empty() { words.none.to_owned() } else { groups.join(words.comma) };
        facts.push((words.groups.to_owned(), groups));
        let theme = Theme::paper();
        let colours = [theme.text, theme.inward, theme.outward, theme.closing];
        let figures = shown.figures.map(str::to_owned).into_iter().zip(colours).collect();
        let heading = Heading::new(words.report, facts, language, made);
        Heading { figures, chart: words.days.to_owned(), ..heading }
    }
}

fn named(names: &Names, group: Group, id: &str) -> String {
    match names.name(group, id) {
        Some(name) if name != id => format!("{name} ({id})"),
        _ => id.to_owned(),
    }
}

fn listed(words: &Words, mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    let mut text = names.join(words.comma);
    if more > 0 {
        text.push(' ');
        text.push_str(&words.more(more));
    }
    text
}

/// Whole days by their dates, anything else to the second, both ends included.
fn period(words: &Words, period: Period) -> String {
    let Period { start, end } = period;
    let last = end - TimeDelta::seconds(1);
    if start.time() == NaiveTime::MIN && end.time() == NaiveTime::MIN {
        return words.between(&start.date().to_string(), &last.date().to_string());
    }
    words.between(&start.to_string(), &last.to_string())
}
