//! Days on which far more of a key went out than is usual for it: something for a manager to look at, never an error.
//! A key is measured by its own days, and by medians, which a few great days do not move. The rule is one of whole
//! numbers and can be recalculated by hand.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::{Filter, Period};
use crate::entry::{ProductId, StockKey};
use crate::error::Result;
use crate::ledger::{Ask, Columns, Detail, Ledger};

/// Products looked at at once: of each, every warehouse and every day searched are held.
const PRODUCTS: usize = 200;

/// When a day is unusual. What is usual for it is the median of the key's days with an out, or of those of its weekday
/// where that is more; the spread is the median distance of its days from what was usual for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// More than so many times what is usual …
    pub times: i64,
    /// … and more than so many spreads above it …
    pub spreads: i64,
    /// … and more than so many pieces.
    pub least: i64,
    /// Keys with fewer days with an out are not known well enough.
    pub known: usize,
    /// A weekday with as many has something usual of its own.
    pub weekday: usize,
    /// Where more than one day in so many is beyond all that (and more than two are), such days are what is usual.
    pub rare: usize,
    /// Days before the judged ones that tell what is usual, too.
    pub back: u64,
    /// Days of the period that are judged, the last ones.
    pub judged: u64,
}

/// The rule that the screens use.
pub const RULE: Rule =
    Rule { times: 3, spreads: 10, least: 20, known: 15, weekday: 3, rare: 10, back: 90, judged: 31 };

/// What a day was measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Pieces out that are usual on such a day.
    pub usual: i64,
    /// Pieces out that are nothing unusual yet.
    pub ordinary: i64,
}

/// One such day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusual {
    /// Of what, and where.
    pub key: StockKey,
    /// When.
    pub day: NaiveDate,
    /// Pieces out on that day.
    pub outward: i64,
    /// What it was measured by.
    pub measure: Measure,
}

impl Unusual {
    /// Out, divided by the most that is ordinary, in hundredths, rounded down: how strongly the day stands out.
    pub fn hundredths(&self) -> i128 {
        i128::from(self.outward) * 100 / i128::from(self.measure.ordinary.max(1))
    }
}

/// The median; of an even number of values the lower one of the middle.
fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

/// Which of a key's days with an out (day, pieces; in the order of time) from `from` on are unusual, each by its place.
pub fn unusual_days(outs: &[(NaiveDate, i64)], from: NaiveDate, rule: &Rule) -> Vec<(usize, Measure)> {
    if outs.len() < rule.known.max(1) {
        return Vec::new();
    }
    let whole = median(outs.iter().map(|(_, out)| *out).collect());
    let mut weekdays: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    let number = |weekday: Weekday| weekday.num_days_from_monday();
    for (day, out) in outs {
        weekdays.entry(number(day.weekday())).or_default().push(*out);
    }
    let own =
        |(weekday, outs): (u32, Vec<i64>)| (outs.len() >= rule.weekday).then(|| (weekday, median(outs)));
    let own: BTreeMap<u32, i64> = weekdays.into_iter().filter_map(own).collect();
    let usual = |day: NaiveDate| own.get(&number(day.weekday())).map_or(whole, |own| whole.max(*own));
    let spread =
        median(outs.iter().map(|(day, out)| out.saturating_sub(usual(*day)).saturating_abs()).collect());
    let measure = |day: NaiveDate| {
        let usual = usual(day);
        let far = usual.saturating_add(spread.saturating_mul(rule.spreads));
        Measure { usual, ordinary: usual.saturating_mul(rule.times).max(far).max(rule.least) }
    };
    let beyond = outs.iter().enumerate().map(|(at, (day, out))| (at, *day, *out, measure(*day)));
    let beyond: Vec<_> = beyond.filter(|(_, _, out, measure)| *out > measure.ordinary).collect();
    if beyond.len() > (outs.len() / rule.rare.max(1)).max(2) {
        return Vec::new();
    }
    beyond.into_iter().filter(|(_, day, ..)| *day >= from).map(|(at, _, _, measure)| (at, measure)).collect()
}

/// Unusual days of a period, those that stand out most first.
pub async fn unusual(ledger: &Ledger, period: Period, filter: &Filter, rule: &Rule) -> Result<Vec<Unusual>> {
    let last = (period.end - chrono::TimeDelta::seconds(1)).date();
    let from = last.checked_sub_days(Days::new(rule.judged.saturating_sub(1))).unwrap_or(last);
    let from = from.max(period.start.date());
    let back = from.checked_sub_days(Days::new(rule.back)).unwrap_or(from);
    let searched = Period { start: back.and_time(chrono::NaiveTime::MIN), end: period.end };
    let searched = if searched.sound() { searched } else { period };
    let columns = Columns { product: true, warehouse: true, ..Columns::default() };
    let ask = Ask { columns, filter: filter.clone() };
    let mut found = ledger.again(|| once(ledger, searched, from, &ask, rule)).await?;
    found.sort_by_cached_key(|one| {
        (Reverse(one.hundredths()), Reverse(one.outward), Reverse(one.day), one.key.clone())
    });
    Ok(found)
}

async fn once(
    ledger: &Ledger,
    period: Period,
    from: NaiveDate,
    ask: &Ask,
    rule: &Rule,
) -> Result<Vec<Unusual>> {
    let mut sums = ledger.sums(period, ask, Detail::Day).await?;
    let ids = sums.ids("products", &ask.filter).await?;
    let mut found = Vec::new();
    for some in ids.chunks(PRODUCTS) {
        let mut part = ask.clone();
        part.filter.products = Some(some.iter().map(|id| ProductId::stored(id)).collect());
        let mut outs: BTreeMap<StockKey, BTreeMap<NaiveDate, i64>> = BTreeMap::new();
        for sum in sums.movement(&part, Detail::Day).await? {
            let (Some(product), Some(warehouse), Some(day)) = (sum.product, sum.warehouse, sum.day) else {
                continue;
            };
            if sum.out_quantity > 0 {
                let key = StockKey { warehouse, product };
                *outs.entry(key).or_default().entry(day).or_default() += sum.out_quantity;
            }
        }
        for (key, days) in outs {
            let days: Vec<(NaiveDate, i64)> = days.into_iter().collect();
            found.extend(unusual_days(&days, from, rule).into_iter().map(|(at, measure)| {
                let (day, outward) = days[at];
                Unusual { key: key.clone(), day, outward, measure }
            }));
        }
    }
    sums.close().await?;
    Ok(found)
}

#[cfg(test)]
mod tests;
