//! Figures and looks for the charts' tests: a warehouse's year with Chinese names, made without chance.

use chrono::{NaiveDate, TimeDelta};
use inventory::report::chart::{Colour, Day, History, Look, Moment, Named, Theme, Words};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Days,
    Movers,
    Shares,
    History,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Days, Kind::Movers, Kind::Shares, Kind::History];
}

fn colour(hex: &str) -> Colour {
    hex.parse().unwrap()
}

pub fn look(width: u32, height: u32, dark: bool) -> Look {
    let pick = |light: &str, night: &str| colour(if dark { night } else { light });
    let shares = ["#1d4ed8", "#c2410c", "#2e7d32", "#7e22ce", "#b45309", "#0e7490", "#be185d", "#4d7c0f"];
    let theme = Theme {
        background: pick("#ffffff", "#14171c"),
        text: pick("#1a1d21", "#e8eaed"),
        muted: pick("#5f6670", "#9aa2ad"),
        grid: pick("#e4e7eb", "#2b3038"),
        inward: pick("#2e7d32", "#66bb6a"),
        outward: pick("#c2410c", "#fb923c"),
        closing: pick("#1d4ed8", "#60a5fa"),
        shares: shares.into_iter().map(colour).collect(),
    };
    let words = Words {
        title: "出入库与期末 · 上海一号仓 · 2025-11-03 – 2026-11-02".to_owned(),
        inward: "入库".to_owned(),
        outward: "出库".to_owned(),
        closing: "期末".to_owned(),
        quantity: "出库数量".to_owned(),
        others: "其他".to_owned(),
        empty: "本期无出入库".to_owned(),
    };
    Look { width, height, theme, words }
}

fn number(at: usize) -> i64 {
    i64::try_from(at).unwrap()
}

/// A week's rhythm, a slow swell, a few days of rest.
pub fn days(many: usize) -> Vec<Day> {
    let first = NaiveDate::from_ymd_opt(2025, 11, 3).unwrap();
    let mut closing = 12_000;
    let day = |at: i64| {
        let rest = at % 7 == 6;
        let inward = if rest { 0 } else { 300 + (at * 7919) % 911 + (at % 90 - 45).abs() * 9 };
        let outward = if rest { 0 } else { 280 + (at * 5003) % 877 + (at % 70 - 35).abs() * 12 };
        closing += inward - outward;
        let label = (first + TimeDelta::days(at)).format("%Y-%m-%d").to_string();
        Day { label, inward, outward, closing }
    };
    (0..number(many)).map(day).collect()
}

/// Falling quantities; the last of seven or more is below zero.
pub fn names(many: usize) -> Vec<Named> {
    let kinds = [
        "不锈钢内六角圆柱头螺钉 M8×40 (DIN 912)",
        "轴承 6204-2RS",
        "Hydraulic hose 1/2\" × 10 m, two wire braids, with fittings on both ends",
        "液压油 46# 抗磨",
        "Gasket",
        "三相异步电动机 YE3-132S-4 5.5kW",
    ];
    let name = |at: usize| Named {
        name: format!("{} {}", kinds[at % kinds.len()], at + 1),
        value: if at >= 6 && at + 1 == many { -340 } else { 48_000 / (number(at) + 1) },
    };
    (0..many).map(name).collect()
}

/// A movement every five hours and some minutes.
pub fn history(many: usize) -> History {
    let start = NaiveDate::from_ymd_opt(2025, 11, 3).unwrap().and_hms_opt(0, 0, 0).unwrap();
    let mut balance = 1_000;
    let moment = |at: i64| {
        balance += if at % 9 == 0 { 700 } else { -((at * 7919) % 170) };
        Moment { at: start + TimeDelta::minutes(311 * (at + 1)), balance }
    };
    let moments: Vec<Moment> = (0..number(many)).map(moment).collect();
    History { start, end: start + TimeDelta::minutes(311 * (number(many) + 2)), opening: 1_000, moments }
}
