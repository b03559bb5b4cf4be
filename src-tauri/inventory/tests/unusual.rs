//! Unusual days of the demo's ninety days of bills, which have weekly tides, goods that run out, and no exception that
//! anybody made: few enough to be read. Fails where a manager would be shown hundreds, or not the one that matters.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use chrono::NaiveDate;
use inventory::demo::Bills;
use inventory::entry::{Direction, StockKey, parse_time};
use inventory::report::{Measure, RULE, unusual_days};

/// Pieces out by key and day.
type Outs = BTreeMap<StockKey, BTreeMap<NaiveDate, i64>>;

fn history(seed: u64) -> Outs {
    let now = parse_time("2026-11-23 15:00:00").unwrap();
    let mut outs = Outs::new();
    for entry in Bills::new(seed, now).flatten().filter(|entry| entry.direction == Direction::Out) {
        *outs.entry(entry.key()).or_default().entry(entry.create_time.date()).or_default() += entry.quantity;
    }
    outs
}

fn found(outs: &Outs) -> BTreeMap<(StockKey, NaiveDate), Measure> {
    let from: NaiveDate = "2026-10-24".parse().unwrap();
    let mut all = BTreeMap::new();
    for (key, days) in outs {
        let days: Vec<_> = days.iter().map(|(day, out)| (*day, *out)).collect();
        let found = unusual_days(&days, from, &RULE).into_iter();
        all.extend(found.map(|(at, measure)| ((key.clone(), days[at].0), measure)));
    }
    all
}

#[test]
fn a_month_of_the_demo_has_few_unusual_days_and_the_planted_one_is_among_them() {
    for seed in [20_250_310, 7] {
        let mut outs = history(seed);
        let before = found(&outs);
        println!("seed {seed}: {} keys, {} unusual days", outs.len(), before.len());
        assert!((5..=30).contains(&before.len()), "seed {seed}: {} unusual days", before.len());
        // Of some key that moves often and has no such day: one as great as nobody ever saw of it.
        let (key, days) = outs
            .iter_mut()
            .rfind(|(key, days)| days.len() >= 30 && before.keys().all(|(found, _)| found != *key))
            .unwrap();
        let (key, day) = (key.clone(), *days.keys().next_back().unwrap());
        days.insert(day, 10_000);
        let mut after = found(&outs);
        let measure = after.remove(&(key, day)).expect("the planted day is found");
        assert!(measure.usual > 0 && measure.usual < measure.ordinary && measure.ordinary < 10_000);
        assert_eq!(after, before, "no other day's verdict moved");
    }
}
