//! Unusual days of the demo's ninety days of bills, which have weekly tides, goods that run out, and no exception that
//! anybody made: few enough to be read. Fails where a manager would be shown hundreds, or not the one that matters.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use inventory::demo::Bills;
use inventory::domain::entry::{Direction, StockKey, parse_time};
use inventory::report::{Measure, RULE, unusual_days};

/// Pieces by key and day.
type Moved = BTreeMap<StockKey, BTreeMap<NaiveDate, i64>>;

fn history(seed: u64, direction: Direction) -> Moved {
    let now = parse_time("2026-11-23 15:00:00").unwrap();
    let mut moved = Moved::new();
    for entry in Bills::new(seed, now).flatten().filter(|entry| entry.direction == direction) {
        *moved.entry(entry.key()).or_default().entry(entry.create_time.date()).or_default() += entry.quantity;
    }
    moved
}

fn found(moved: &Moved) -> BTreeMap<(StockKey, NaiveDate), Measure> {
    let from: NaiveDate = "2026-10-24".parse().unwrap();
    let mut all = BTreeMap::new();
    for (key, days) in moved {
        let days: Vec<_> = days.iter().map(|(day, pieces)| (*day, *pieces)).collect();
        let found = unusual_days(&days, from, &RULE).into_iter();
        all.extend(found.map(|(at, measure)| ((key.clone(), days[at].0), measure)));
    }
    all
}

#[test]
fn a_month_of_the_demo_has_few_unusual_days_and_the_planted_one_is_among_them() {
    for (seed, direction) in [20_250_310, 7]
        .into_iter()
        .flat_map(|seed| [Direction::In, Direction::Out].map(|direction| (seed, direction)))
    {
        let mut moved = history(seed, direction);
        let before = found(&moved);
        let told = format!("seed {seed}, {direction:?}: {} keys, {} unusual days", moved.len(), before.len());
        println!("{told}");
        assert!(before.len() <= 30, "{told}");
        // Of some key that moves often and has no such day: one as great as nobody ever saw of it.
        let (key, days) = moved
            .iter_mut()
            .rfind(|(key, days)| days.len() >= 16 && before.keys().all(|(found, _)| found != *key))
            .unwrap();
        let (key, day) = (key.clone(), *days.keys().next_back().unwrap());
        days.insert(day, 10_000);
        let mut after = found(&moved);
        let measure = after.remove(&(key, day)).expect("the planted day is found");
        assert!(measure.usual > 0 && measure.usual < measure.ordinary && measure.ordinary < 10_000);
        assert_eq!(after, before, "no other day's verdict moved");
    }
}
