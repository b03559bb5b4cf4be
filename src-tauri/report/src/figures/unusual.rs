//! Days on which far more of a key came in or went out than is usual for it: something for a manager to look at, never
//! an error. A key is measured by its own days of that direction, and by medians, which a few great days do not move.
//! The rule is one of whole numbers and can be recalculated by hand.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};

use super::{Filter, Period};
use domain::entry::{Direction, StockKey};
use domain::error::Result;
use ledger::{Ask, Columns, Ledger, Moved};

/// When a day is unusual, of what came in and of what went out alike. What is usual for it is the median of the key's
/// days that moved in that direction, or of those of its weekday where that is more; the spread is the median distance
/// of its days from what was usual for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// More than so many times what is usual …
    pub times: i64,
    /// … and more than so many spreads above it …
    pub spreads: i64,
    /// … and more than so many pieces.
    pub least: i64,
    /// Keys with fewer days that moved are not known well enough.
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
    /// Pieces that are usual on such a day.
    pub usual: i64,
    /// Pieces that are nothing unusual yet.
    pub ordinary: i64,
}

/// One such day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusual {
    /// Of what, and where.
    pub key: StockKey,
    /// When.
    pub day: NaiveDate,
    /// Which way.
    pub direction: Direction,
    /// Pieces on that day.
    pub quantity: i64,
    /// What it was measured by.
    pub measure: Measure,
}

impl Unusual {
    /// Pieces, divided by the most that is ordinary, in hundredths, rounded down: how strongly the day stands out.
    pub fn hundredths(&self) -> i128 {
        i128::from(self.quantity) * 100 / i128::from(self.measure.ordinary.max(1))
    }
}

/// The median; of an even number of values the lower one of the middle.
fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

/// Which of a key's days that moved in one direction (day, pieces; in the order of time) from `from` on are unusual, each
/// by its place.
pub fn unusual_days(moved: &[(NaiveDate, i64)], from: NaiveDate, rule: &Rule) -> Vec<(usize, Measure)> {
    if moved.len() < rule.known.max(1) {
        return Vec::new();
    }
    let whole = median(moved.iter().map(|(_, pieces)| *pieces).collect());
    let mut weekdays: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    let number = |weekday: Weekday| weekday.num_days_from_monday();
    for (day, pieces) in moved {
        weekdays.entry(number(day.weekday())).or_default().push(*pieces);
    }
    let own =
        |(weekday, days): (u32, Vec<i64>)| (days.len() >= rule.weekday).then(|| (weekday, median(days)));
    let own: BTreeMap<u32, i64> = weekdays.into_iter().filter_map(own).collect();
    let usual = |day: NaiveDate| own.get(&number(day.weekday())).map_or(whole, |own| whole.max(*own));
    let spread = median(
        moved.iter().map(|(day, pieces)| pieces.saturating_sub(usual(*day)).saturating_abs()).collect(),
    );
    let measure = |day: NaiveDate| {
        let usual = usual(day);
        let far = usual.saturating_add(spread.saturating_mul(rule.spreads));
        Measure { usual, ordinary: usual.saturating_mul(rule.times).max(far).max(rule.least) }
    };
    let beyond = moved.iter().enumerate().map(|(at, (day, pieces))| (at, *day, *pieces, measure(*day)));
    let beyond: Vec<_> = beyond.filter(|(_, _, pieces, measure)| *pieces > measure.ordinary).collect();
    if beyond.len() > (moved.len() / rule.rare.max(1)).max(2) {
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
    let searched = Period { start: back.and_time(NaiveTime::MIN), end: period.end };
    let searched = if searched.sound() { searched } else { period };
    let columns = Columns { product: true, warehouse: true, ..Columns::default() };
    let ask = Ask { columns, filter: filter.clone() };
    let mut found = ledger.again(|| once(ledger, searched, from, &ask, rule)).await?;
    found.sort_by_cached_key(|one| {
        let inward = one.direction == Direction::In;
        (Reverse(one.hundredths()), Reverse(one.quantity), Reverse(one.day), one.key.clone(), inward)
    });
    Ok(found)
}

/// A key's days of one direction, the newest first.
type Moves = Vec<(NaiveDate, i64)>;

/// What moved of every key that may have an unusual day: what came in, and what went out.
#[derive(Default)]
struct Histories(HashMap<StockKey, [Moves; 2]>);

const DIRECTIONS: [Direction; 2] = [Direction::In, Direction::Out];

fn put(moves: &mut Moves, day: NaiveDate, pieces: i64) {
    match moves.last_mut() {
        // A day may come in several parts.
        Some((last, sum)) if *last == day => *sum += pieces,
        _ if pieces > 0 => moves.push((day, pieces)),
        _ => {}
    }
}

impl Histories {
    /// One part of a day, later days before earlier ones; `all`: of keys that are not known yet, too.
    fn add(&mut self, day: NaiveDate, sum: Moved, all: bool) {
        let Moved { product: Some(product), warehouse: Some(warehouse), .. } = sum else { return };
        let key = StockKey { warehouse, product };
        let moved = [sum.in_quantity, sum.out_quantity];
        if all {
            let moves = self.0.entry(key).or_default();
            moves.iter_mut().zip(moved).for_each(|(moves, pieces)| put(moves, day, pieces));
        } else if let Some(moves) = self.0.get_mut(&key) {
            let known = moves.iter_mut().zip(moved).filter(|(moves, _)| !moves.is_empty());
            known.for_each(|(moves, pieces)| put(moves, day, pieces));
        }
    }

    /// The judged days are known: where none of them moved more than the least, none is unusual.
    fn settle(&mut self, least: i64) {
        self.0.retain(|_, both| {
            for moves in both.iter_mut().filter(|moves| moves.iter().all(|(_, pieces)| *pieces <= least)) {
                *moves = Moves::new();
            }
            both.iter().any(|moves| !moves.is_empty())
        });
    }

    fn judged(self, from: NaiveDate, rule: &Rule) -> Vec<Unusual> {
        let mut found = Vec::new();
        for (key, both) in self.0 {
            for (direction, mut moves) in DIRECTIONS.into_iter().zip(both) {
                moves.reverse();
                found.extend(unusual_days(&moves, from, rule).into_iter().map(|(at, measure)| {
                    let (day, quantity) = moves[at];
                    Unusual { key: key.clone(), day, direction, quantity, measure }
                }));
            }
        }
        found
    }
}

/// Day by day, backwards: each is read once, and few rows at a time.
async fn once(
    ledger: &Ledger,
    period: Period,
    from: NaiveDate,
    ask: &Ask,
    rule: &Rule,
) -> Result<Vec<Unusual>> {
    let mut sums = ledger.moved_days(period, ask).await?;
    let mut histories = Histories::default();
    let mut end = period.end;
    while end > period.start {
        let day = (end - chrono::TimeDelta::seconds(1)).date();
        let start = day.and_time(NaiveTime::MIN).max(period.start);
        if day < from && day.succ_opt() == Some(from) {
            histories.settle(rule.least);
        }
        for sum in sums.moved_within(ask, Period { start, end }).await? {
            histories.add(day, sum, day >= from);
        }
        end = start;
    }
    sums.close().await?;
    Ok(histories.judged(from, rule))
}

#[cfg(test)]
mod tests;
