//! What was measured, and what follows from it: figures by shape, their spread over the rounds, ratios and aims.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::data::Shape;
use crate::figures::{Spread, ratio};
use crate::usage::{Usage, round};

/// One figure of one round.
#[derive(Debug, Clone)]
pub struct Taken {
    pub value: f64,
    pub unit: &'static str,
    pub usage: Usage,
    /// Entries that the cost is divided by; none: the cost was told with another figure.
    pub entries: Option<f64>,
    pub details: Value,
}

impl Taken {
    /// So many entries in the time that `usage` tells.
    pub fn rate(entries: f64, usage: Usage, details: Value) -> Taken {
        let value = ratio(entries, usage.seconds).unwrap_or(0.0);
        Taken { value, unit: "entries/s", usage, entries: Some(entries), details }
    }

    /// A figure by itself.
    pub fn plain(value: f64, unit: &'static str, usage: Usage) -> Taken {
        Taken { value, unit, usage, entries: None, details: Value::Null }
    }
}

/// All figures of one shape, in the order in which they came first.
#[derive(Debug)]
pub struct Figures {
    pub shape: Shape,
    pub names: Vec<&'static str>,
    pub taken: BTreeMap<&'static str, Vec<Taken>>,
}

/// Everything.
#[derive(Debug, Default)]
pub struct Results(pub Vec<Figures>);

impl Results {
    pub fn add(&mut self, shape: Shape, name: &'static str, taken: Taken) {
        let at = match self.0.iter().position(|figures| figures.shape == shape) {
            Some(at) => at,
            None => {
                self.0.push(Figures { shape, names: Vec::new(), taken: BTreeMap::new() });
                self.0.len() - 1
            }
        };
        let figures = &mut self.0[at];
        if !figures.names.contains(&name) {
            figures.names.push(name);
        }
        figures.taken.entry(name).or_default().push(taken);
    }
}

/// What is to be reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    AtLeast(f64),
    AtMost(f64),
    /// Told for comparison.
    None,
}

impl Aim {
    pub fn met(self, value: f64) -> Option<bool> {
        match self {
            Aim::AtLeast(least) => Some(value >= least),
            Aim::AtMost(most) => Some(value <= most),
            Aim::None => None,
        }
    }
}

/// One line of the table of ratios.
#[derive(Debug, Clone, Serialize)]
pub struct Ratio {
    pub name: &'static str,
    pub value: f64,
    /// `>= 0.6`.
    pub wanted: String,
    pub met: Option<bool>,
}

impl Figures {
    /// Median and ends over the rounds.
    pub fn spread(&self, name: &str) -> Option<Spread> {
        let values: Vec<f64> = self.taken.get(name)?.iter().map(|taken| taken.value).collect();
        Spread::of(&values)
    }

    /// The median.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.spread(name).map(|spread| spread.median)
    }

    /// The lower of the two bare stores.
    fn slower(&self) -> Option<f64> {
        Some(self.value("raw rows")?.min(self.value("raw script")?))
    }

    /// The table of ratios, as far as its figures were measured.
    pub fn ratios(&self) -> Vec<Ratio> {
        let over = |part: &str, whole: Option<f64>| ratio(self.value(part)?, whole?);
        let slower = self.slower();
        let share = if self.shape.products >= 1_000 { 0.4 } else { 0.6 };
        let lines = [
            ("end to end / slower store", over("end to end", slower), Aim::AtLeast(share)),
            ("steady / slower store", over("steady", slower), Aim::None),
            ("tables on the way / slower store", over("tables on the way", slower), Aim::None),
            ("ledger path / raw rows", over("ledger path", self.value("raw rows")), Aim::AtLeast(0.7)),
            ("stock path / raw script", over("stock path", self.value("raw script")), Aim::AtLeast(0.8)),
            ("end to end / Kafka alone", over("end to end", self.value("kafka")), Aim::None),
            ("end to end / spec's daemon", over("end to end", self.value("spec daemon")), Aim::AtLeast(50.0)),
            ("p99 from send to stock, ms", self.value("latency p99"), Aim::AtMost(50.0)),
            ("peak memory of run, MB", self.spread("peak memory").map(|all| all.max), Aim::AtMost(150.0)),
            ("growth over the run, MB", self.value("memory growth"), Aim::AtMost(10.0)),
            ("standalone, entries/s", self.value("standalone"), Aim::AtLeast(50_000.0)),
            ("single line durable, p99 ms", self.value("line durable p99"), Aim::AtMost(10.0)),
        ];
        let lines = lines.into_iter().filter_map(|(name, value, aim)| {
            let value = value?;
            let wanted = match aim {
                Aim::AtLeast(least) => format!(">= {least}"),
                Aim::AtMost(most) => format!("<= {most}"),
                Aim::None => String::new(),
            };
            Some(Ratio { name, value: round(value, 3), wanted, met: aim.met(value) })
        });
        lines.collect()
    }

    /// For the results' file.
    pub fn json(&self) -> Value {
        let figures: Vec<Value> = self.names.iter().map(|name| self.figure(name)).collect();
        json!({
            "products": self.shape.products, "days": self.shape.days, "entries": self.shape.entries,
            "in_order": self.shape.in_order, "entry_ids": self.shape.ids,
            "first_day_with_tables": self.shape.first_open(),
            "figures": figures, "ratios": self.ratios(),
        })
    }

    fn figure(&self, name: &str) -> Value {
        let taken = self.taken.get(name).map(Vec::as_slice).unwrap_or_default();
        let rounds: Vec<Value> = taken
            .iter()
            .map(|one| {
                let cost = one.entries.map(|entries| one.usage.json(entries));
                json!({ "value": round(one.value, 3), "cost": cost, "details": one.details })
            })
            .collect();
        let unit = taken.first().map_or("", |one| one.unit);
        json!({ "name": name, "unit": unit, "over_rounds": self.spread(name), "rounds": rounds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(products: u64) -> Shape {
        Shape { products, days: 1, entries: 10, in_order: false, ids: true, day_tables: 10 }
    }

    fn rate(value: f64) -> Taken {
        Taken::rate(value, Usage { seconds: 1.0, ..Usage::default() }, Value::Null)
    }

    #[test]
    fn the_slower_store_is_the_measure() {
        let mut results = Results::default();
        for (name, values) in [
            ("raw rows", [90_000.0, 110_000.0, 100_000.0]),
            ("raw script", [700_000.0, 700_000.0, 700_000.0]),
            ("end to end", [50_000.0, 61_000.0, 60_000.0]),
        ] {
            values.into_iter().for_each(|value| results.add(shape(100), name, rate(value)));
        }
        let ratios = results.0[0].ratios();
        assert_eq!(ratios.len(), 1, "what was not measured is not told");
        assert_eq!((ratios[0].value, ratios[0].met), (0.6, Some(true)));
        results.add(shape(1_000), "raw rows", rate(100.0));
        results.add(shape(1_000), "raw script", rate(50.0));
        results.add(shape(1_000), "end to end", rate(19.0));
        let ratios = results.0[1].ratios();
        assert_eq!((ratios[0].value, ratios[0].met), (0.38, Some(false)));
        assert_eq!(ratios[0].wanted, ">= 0.4");
    }

    #[test]
    fn aims_hold_at_their_edge() {
        assert_eq!(Aim::AtLeast(0.7).met(0.7), Some(true));
        assert_eq!(Aim::AtMost(50.0).met(50.1), Some(false));
        assert_eq!(Aim::None.met(1.0), None);
    }
}
