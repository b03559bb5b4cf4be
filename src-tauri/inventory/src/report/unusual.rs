//! Days on which far more of a key went out than is usual for it: something for a manager to look at, never an error.
//! The rule is one of whole numbers and can be recalculated by hand.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::{Filter, Period};
use crate::entry::{ProductId, StockKey};
use crate::error::Result;
use crate::ledger::{Ask, Columns, Detail, Ledger};

/// Products looked at at once.
const PRODUCTS: usize = 500;

/// When a day is unusual: `times` as much as the mean of the key's days with an out before it, and `least` pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How many times the mean.
    pub times: i64,
    /// Pieces; whatever is less is never unusual.
    pub least: i64,
    /// As many of the key's last days with an out make the mean.
    pub remembered: usize,
    /// Fewer of them tell nothing yet.
    pub known: usize,
    /// Days before the period that are searched for them.
    pub back: u64,
    /// Days of the period that are judged, the last ones.
    pub judged: u64,
}

/// Three times the mean of the last thirty days with an out, and at least ten pieces.
pub const RULE: Rule = Rule { times: 3, least: 10, remembered: 30, known: 5, back: 90, judged: 31 };

/// One such day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusual {
    /// Of what, and where.
    pub key: StockKey,
    /// When.
    pub day: NaiveDate,
    /// Pieces out on that day.
    pub outward: i64,
    /// Pieces out on the days before it that were taken together.
    pub before: i64,
    /// How many days these are.
    pub days: i64,
}

impl Unusual {
    /// The mean of the days before, rounded down.
    pub fn usual(&self) -> i64 {
        self.before / self.days.max(1)
    }

    /// Out, divided by the mean, in tenths.
    pub fn tenths(&self) -> i128 {
        i128::from(self.outward) * i128::from(self.days) * 10 / i128::from(self.before.max(1))
    }
}

/// Which of a key's days with an out (day, pieces; in the order of time) are unusual; those before `from` only count
/// for the mean. Answers with the place of each, and the sum and the number of the days before it.
pub fn unusual_days(outs: &[(NaiveDate, i64)], from: NaiveDate, rule: &Rule) -> Vec<(usize, i64, i64)> {
    let mut found = Vec::new();
    for (at, (day, out)) in outs.iter().enumerate() {
        let before = &outs[at.saturating_sub(rule.remembered)..at];
        if *day < from || *out < rule.least || before.len() < rule.known.max(1) {
            continue;
        }
        let sum: i64 = before.iter().map(|(_, out)| out).sum();
        let days = i64::try_from(before.len()).unwrap_or(i64::MAX);
        if i128::from(*out) * i128::from(days) >= i128::from(rule.times) * i128::from(sum) {
            found.push((at, sum, days));
        }
    }
    found
}

/// Unusual days of a period, the newest first, and of one day the farthest from usual first.
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
    found.sort_by_cached_key(|one| (Reverse(one.day), Reverse(one.tenths()), one.key.clone()));
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
            found.extend(unusual_days(&days, from, rule).into_iter().map(|(at, before, count)| Unusual {
                key: key.clone(),
                day: days[at].0,
                outward: days[at].1,
                before,
                days: count,
            }));
        }
    }
    sums.close().await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, number).unwrap()
    }

    fn outs(pieces: &[i64]) -> Vec<(NaiveDate, i64)> {
        (1..).zip(pieces).map(|(number, out)| (day(number), *out)).collect()
    }

    fn found(pieces: &[i64], from: u32) -> Vec<usize> {
        unusual_days(&outs(pieces), day(from), &RULE).into_iter().map(|(at, ..)| at).collect()
    }

    #[test]
    fn three_times_the_mean_is_unusual_and_a_piece_less_is_not() {
        assert_eq!(found(&[10, 10, 10, 10, 10, 30], 1), [5]);
        assert_eq!(found(&[10, 10, 10, 10, 10, 29], 1), [0; 0]);
        // The mean is no whole number here: 53 / 5, times three is 31.8.
        assert_eq!(found(&[10, 10, 10, 10, 13, 31], 1), [0; 0]);
        assert_eq!(found(&[10, 10, 10, 10, 13, 32], 1), [5]);
    }

    #[test]
    fn little_goods_and_little_known_goods_are_left_alone() {
        assert_eq!(found(&[1, 1, 1, 1, 1, 9], 1), [0; 0]);
        assert_eq!(found(&[1, 1, 1, 1, 1, 10], 1), [5]);
        assert_eq!(found(&[1, 1, 1, 1, 500], 1), [0; 0]);
        assert_eq!(found(&[], 1), [0; 0]);
    }

    #[test]
    fn days_before_the_period_only_count_for_the_mean() {
        assert_eq!(found(&[10, 10, 10, 10, 10, 90, 90], 7), [6]);
        assert_eq!(found(&[10, 10, 10, 10, 10, 90, 69], 7), [0; 0]);
    }

    #[test]
    fn only_the_last_thirty_days_are_remembered() {
        let mut pieces = vec![100_000; 1];
        pieces.extend([10; 29]);
        pieces.push(30);
        let seen = |pieces: &[i64]| {
            let start = day(1);
            let outs: Vec<(NaiveDate, i64)> =
                (0..).zip(pieces).map(|(at, out)| (start + Days::new(at), *out)).collect();
            unusual_days(&outs, start, &RULE).into_iter().map(|(at, ..)| at).collect::<Vec<_>>()
        };
        assert_eq!(seen(&pieces), [0; 0]);
        pieces.insert(30, 10);
        assert_eq!(seen(&pieces), [31]);
    }

    #[test]
    fn great_quantities_do_not_overflow() {
        let most = i64::MAX / 40;
        assert_eq!(found(&[most, most, most, most, most, most], 1), [0; 0]);
        let key =
            StockKey { warehouse: crate::entry::WarehouseId::stored("W"), product: ProductId::stored("P") };
        let one = Unusual { key, day: day(1), outward: most, before: 7, days: 2 };
        assert_eq!(one.usual(), 3);
        assert_eq!(one.tenths(), i128::from(most) * 20 / 7);
    }
}
