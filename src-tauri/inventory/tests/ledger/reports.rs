//! Reports against the raw tables: whatever was entered, compacted, rolled up and renamed, in whatever order, every figure
//! is the sum that SQL finds in the tables of entries themselves. Roll-ups are made between the rounds and go stale.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, TimeDelta};
use inventory::compact::compact_before;
use inventory::domain::error::Result;
use inventory::ledger::{EntryCursor, Filter, Period, WarehouseRow};
use inventory::report::{
    self, Cell, Flow, Group, Order, Page, Report, Request, Row as ReportRow, Sheet, Sort, Table,
};

use super::raw_sums::{Expected, Moved, catalogue, expected, moved};
use super::*;

/// A small deterministic source of chance.
struct Dice(u64);

/// The seed, printed: TWINSTOCK_TEST_SEED repeats a run. Without one, the same histories every time would find the same
/// mistakes only.
fn seed() -> u64 {
    let chosen = std::env::var("TWINSTOCK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = chosen.unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0));
    println!("TWINSTOCK_TEST_SEED={seed}");
    seed
}

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len() as u64) as usize]
    }
}

const PRODUCTS: [&str; 6] = ["P1", "p1", "苹果:'\\", "P-2", "P_2", "Rest"];
const WAREHOUSES: [&str; 3] = ["W1", "北仓", "w1"];
const COMPANIES: [&str; 4] = ["C1", "C2", "供应商", "c1"];

fn shown(rows: &[ReportRow]) -> Vec<(Vec<String>, [i64; 4])> {
    let figures = |row: &ReportRow| {
        let f = row.figures;
        [f.opening, f.inward, f.outward, f.closing()]
    };
    rows.iter().map(|row| (row.group.iter().map(|id| id.to_string()).collect(), figures(row))).collect()
}

fn random_day(dice: &mut Dice) -> NaiveDate {
    let first: NaiveDate = "2023-12-18".parse().unwrap();
    match dice.roll(30) {
        0 => "2020-02-29".parse().unwrap(),
        1 => "2024-02-29".parse().unwrap(),
        2 => "2023-12-31".parse().unwrap(),
        // A night on which clocks are moved in many places: ours are the warehouse's own.
        3 => "2024-03-31".parse().unwrap(),
        _ => first + Days::new(dice.roll(80)),
    }
}

fn random_entry(dice: &mut Dice) -> Entry {
    let time = random_day(dice).and_hms_opt(
        dice.roll(24) as u32,
        [0, 0, 30, 59][dice.roll(4) as usize],
        [0, 59][dice.roll(2) as usize],
    );
    Entry {
        company_id: CompanyId::parse(dice.one_of(&COMPANIES)).unwrap(),
        direction: if dice.roll(5) < 2 { Direction::Out } else { Direction::In },
        create_time: time.unwrap(),
        ..entry(
            dice.one_of(&PRODUCTS),
            dice.one_of(&WAREHOUSES),
            1 + dice.roll(50) as i64,
            "2024-01-01 00:00:00",
            None,
        )
    }
}

fn random_request(dice: &mut Dice) -> Request {
    let (a, b) = (random_day(dice), random_day(dice));
    let mut period = Period::days(a.min(b), a.max(b)).unwrap();
    if dice.roll(3) == 0 {
        period.start += TimeDelta::seconds(dice.roll(86_400) as i64);
    }
    if dice.roll(3) == 0 {
        period.end -= TimeDelta::seconds(dice.roll(86_400) as i64);
    }
    period.end = period.end.max(period.start + TimeDelta::seconds(1));
    let mut by: Vec<Group> = Vec::new();
    for _ in 0..dice.roll(4) {
        let group = Group::ALL[dice.roll(7) as usize];
        let clash = |a, b| group == a && by.contains(&b);
        if !by.contains(&group) && !clash(Group::Week, Group::Month) && !clash(Group::Month, Group::Week) {
            by.push(group);
        }
    }
    // A day by day reading of years would only be slow.
    if by.iter().any(|group| group.is_time()) {
        period.start = period.start.max(period.end - TimeDelta::days(70));
    }
    // Now and then nothing has happened yet, or nothing happens any more.
    let years = [0, 0, 0, 0, 0, 0, 0, 0, -9, 9][dice.roll(10) as usize];
    let moved = TimeDelta::days(365 * years);
    period = Period { start: period.start + moved, end: period.end + moved };
    let mut request = Request { all: dice.roll(5) == 0, ..Request::new(period, &by) };
    let filter = &mut request.filter;
    if dice.roll(4) == 0 {
        filter.products = Some(vec![ProductId::stored("P1"), ProductId::stored(dice.one_of(&PRODUCTS))]);
    }
    if dice.roll(4) == 0 {
        filter.warehouses = Some(vec![WarehouseId::stored(dice.one_of(&WAREHOUSES))]);
    }
    if dice.roll(6) == 0 {
        filter.companies = Some(vec![CompanyId::stored(dice.one_of(&COMPANIES))]);
    }
    if dice.roll(6) == 0 {
        filter.categories = Some(vec![dice.one_of(&["", "水果", "Tools"]).to_owned()]);
    }
    request
}

/// Names and sorts the products anew: figures hang on ids.
async fn rename(ledger: &Ledger, dice: &mut Dice) {
    let mut products = ledger.products().await.unwrap();
    for product in &mut products {
        product.name = format!("Name {}", dice.roll(1000));
        product.category = dice.one_of(&["", "水果", "Tools"]).to_owned();
    }
    ledger.save_products(&products).await.unwrap();
}

async fn check(ledger: &Ledger, dice: &mut Dice, request: &Request, right: &(Expected, [i64; 4])) {
    let report = report::run(ledger, request).await.unwrap();
    let (rows, totals) = right;
    let expected: Vec<(Vec<String>, [i64; 4])> = rows.iter().map(|(group, f)| (group.clone(), *f)).collect();
    assert_eq!(shown(&report.rows), expected, "{request:?}");
    assert_eq!(
        shown(&[ReportRow { group: Vec::new(), figures: report.totals }])[0].1,
        *totals,
        "{request:?}"
    );
    exported(ledger, request, &expected, totals).await;
    // All rows by the stream, whose chunks may not lose or double a group.
    let mut streamed = Vec::new();
    let end = report::stream(ledger, request, |rows, progress| {
        assert!(progress.done <= progress.total);
        streamed.extend(shown(rows));
        Ok(Flow::On)
    });
    assert_eq!(end.await.unwrap(), Some(report.totals), "{request:?}");
    streamed.sort();
    assert_eq!(streamed, expected, "{request:?}");
    // In pages of another order.
    let order = [Order::Opening, Order::In, Order::Out, Order::Closing][dice.roll(4) as usize];
    let sort = Sort { order, descending: dice.roll(2) == 0 };
    let all = paged(ledger, &Request { sort, ..request.clone() }).await;
    let figure = |row: &(Vec<String>, [i64; 4])| match order {
        Order::Opening => row.1[0],
        Order::In => row.1[1],
        Order::Out => row.1[2],
        _ => row.1[3],
    };
    assert!(all.is_sorted_by(|a, b| match sort.descending {
        true => figure(a) >= figure(b),
        false => figure(a) <= figure(b),
    }));
    let all: BTreeSet<_> = all.into_iter().collect();
    assert_eq!(all, expected.into_iter().collect(), "{request:?}");
}

/// A file that is asked for the days beside its rows, as printed paper is.
#[derive(Default)]
struct Sheets {
    rows: Vec<(Vec<String>, [i64; 4])>,
    totals: Vec<i64>,
    days: Vec<ReportRow>,
}

fn read(cells: &[Cell<'_>]) -> (Vec<String>, Vec<i64>) {
    let (mut ids, mut figures) = (Vec::new(), Vec::new());
    for cell in cells {
        match cell {
            Cell::Text(text) => ids.push((*text).to_owned()),
            Cell::Number(number) => figures.push(*number),
        }
    }
    (ids, figures)
}

impl Table for Sheets {
    fn header(&mut self, _titles: &[String]) -> Result<()> {
        Ok(())
    }

    fn wants_days(&self) -> bool {
        true
    }

    fn days(&mut self, rows: &[ReportRow]) -> Result<()> {
        self.days = rows.to_vec();
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        let (ids, figures) = read(cells);
        self.rows.push((ids, figures.try_into().unwrap()));
        Ok(())
    }

    fn totals(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        self.totals = read(cells).1;
        Ok(())
    }
}

/// An export has the same rows, and the days beside them are those of a report by day.
async fn exported(
    ledger: &Ledger,
    request: &Request,
    expected: &[(Vec<String>, [i64; 4])],
    totals: &[i64; 4],
) {
    let mut sheets = Sheets::default();
    assert!(report::export(ledger, request, Sheet::Fields, &mut sheets, |_| Flow::On).await.unwrap());
    sheets.rows.sort();
    assert_eq!(sheets.rows, expected, "{request:?}");
    assert_eq!(sheets.totals, totals, "{request:?}");
    let by_day =
        Request { all: true, filter: request.filter.clone(), ..Request::new(request.period, &[Group::Day]) };
    assert_eq!(sheets.days, report::run(ledger, &by_day).await.unwrap().rows, "{request:?}");
}

async fn paged(ledger: &Ledger, request: &Request) -> Vec<(Vec<String>, [i64; 4])> {
    let mut all = Vec::new();
    loop {
        let page = Some(Page { offset: all.len(), limit: 7 });
        let part: Report = report::run(ledger, &Request { page, ..request.clone() }).await.unwrap();
        assert!(part.rows.len() <= 7);
        all.extend(shown(&part.rows));
        if part.rows.is_empty() {
            assert_eq!(all.len(), part.found);
            return all;
        }
    }
}

/// Goods that go from one warehouse to another in the same second.
fn transfer(dice: &mut Dice) -> [Entry; 2] {
    let out = Entry { direction: Direction::Out, ..random_entry(dice) };
    let other = WAREHOUSES.iter().find(|id| **id != out.warehouse_id.as_str()).unwrap();
    let inward =
        Entry { direction: Direction::In, warehouse_id: WarehouseId::parse(other).unwrap(), ..out.clone() };
    [out, inward]
}

/// What lay there at a moment, its second included.
async fn as_of(ledger: &Ledger, dice: &mut Dice, moved: &[Moved]) {
    let moment =
        random_day(dice).and_hms_opt(dice.roll(24) as u32, 0, [0, 59][dice.roll(2) as usize]).unwrap();
    let report = report::as_of(ledger, moment, &[Group::Product], &Filter::default()).await.unwrap();
    let mut right: BTreeMap<String, i64> = BTreeMap::new();
    for row in moved.iter().filter(|row| row.time <= moment) {
        *right.entry(row.product.clone()).or_default() += row.inward - row.outward;
    }
    for row in &report.rows {
        let id = row.group[0].to_string();
        assert_eq!(row.figures.closing(), right.remove(&id).unwrap_or(0), "{id} at {moment}");
    }
    assert!(right.values().all(|left| *left == 0), "{moment}: {right:?} is left out");
}

/// Random histories, asked at random while they grow.
pub async fn every_figure_is_the_sum_of_the_rows(places: [&Place; 2]) {
    let seed = seed();
    for (number, (place, day_tables)) in places.into_iter().zip([300, 12]).enumerate() {
        let mut dice = Dice(seed.wrapping_mul(2) + number as u64);
        let ledger = place.ready(day_tables).await;
        let idle = |id: &str| WarehouseRow {
            id: WarehouseId::parse(id).unwrap(),
            name: "空".into(),
            registered: true,
        };
        ledger.save_warehouses(&[idle("Idle"), idle("W9")]).await.unwrap();
        let mut sources = Vec::new();
        for partition in 0..2 {
            let source = ledger.register_source(&identity(1 << 96, partition), 0).await.unwrap();
            sources.push((source, SourceCache::default()));
        }
        for round in 0..8 {
            let mut lines: Vec<Entry> = (0..50).map(|_| random_entry(&mut dice)).collect();
            // Every fifth is taken back.
            let back = lines.iter().step_by(5).cloned();
            let back = back.map(|line| Entry { direction: line.direction.opposite(), ..line });
            lines.extend(back.collect::<Vec<_>>());
            lines.extend((0..6).flat_map(|_| transfer(&mut dice)));
            let (source, cache) = &mut sources[round % 2];
            let from = source.next_offset;
            let messages = lines.into_iter().zip(from..).map(|(line, offset)| message(offset, line));
            commit(&ledger, source, messages.collect(), cache).await;
            if round == 2 || round == 5 {
                rename(&ledger, &mut dice).await;
            }
            if round == 6 {
                compact_before(&ledger, random_day(&mut dice)).await.unwrap();
            }
            let (moved, catalogue) = (moved(place).await, catalogue(place).await);
            for _ in 0..25 {
                let request = random_request(&mut dice);
                check(&ledger, &mut dice, &request, &expected(&moved, &catalogue, &request)).await;
            }
            as_of(&ledger, &mut dice, &moved).await;
        }
        for (grain, least) in [("day", 20), ("month", 5), ("u%", 3)] {
            let sql = format!("SELECT COUNT(*) FROM rolled_spans WHERE grain LIKE '{grain}'");
            let kept: i64 = place.one(&sql).await.parse().unwrap();
            assert!(kept >= least, "{kept} roll-ups of {grain}");
        }
        listed(&ledger, place, &mut dice).await;
        history_is_rolled_up(&ledger, place).await;
    }
}

/// What an older program counted is rolled up at once, the same as reports find it, and only once.
async fn history_is_rolled_up(ledger: &Ledger, place: &Place) {
    let months = Period::days("2020-02-01".parse().unwrap(), "2024-03-31".parse().unwrap()).unwrap();
    let by = [Group::Warehouse, Group::Product, Group::Company];
    let requests = by.map(|group| Request::new(months, &[group, Group::Month]));
    let mut right = Vec::new();
    for request in &requests {
        right.push(report::run(ledger, request).await.unwrap());
    }
    for table in ["spans", "keys", "products", "warehouses", "companies"] {
        place.run(&format!("DELETE FROM rolled_{table}")).await;
    }
    let mut heard = Vec::new();
    let stopped = ledger.roll_up_history(|done, total| {
        heard.push((done, total));
        done < 2
    });
    assert_eq!(stopped.await.unwrap(), 2, "it ends when it is told to");
    let made = ledger.roll_up_history(|_, _| true).await.unwrap();
    assert!(made > 5 && heard[0].1 == made + 2, "{made} after {heard:?}");
    assert_eq!(ledger.roll_up_history(|_, _| true).await.unwrap(), 0);
    // The newest month may still move, and is kept when it is asked for again.
    let coarse = "SELECT COUNT(*) FROM rolled_spans WHERE grain IN ('month', 'before') AND first_day < \
                  (SELECT MAX(first_day) FROM ledger_versions WHERE grain = 'month')";
    let spans = place.one(coarse).await;
    for (request, right) in requests.iter().zip(&right) {
        assert_eq!(&report::run(ledger, request).await.unwrap(), right);
    }
    assert_eq!(place.one(coarse).await, spans, "a report made months that were to be there");
}

/// The entries of a period, in pages: the rows that SQL finds there, newest first.
async fn listed(ledger: &Ledger, place: &Place, dice: &mut Dice) {
    for _ in 0..6 {
        let mut request = random_request(dice);
        request.filter = Filter { categories: None, ..request.filter };
        let mut seen = Vec::new();
        let mut cursor: Option<EntryCursor> = None;
        loop {
            let page = report::entries(ledger, &request, cursor.as_ref(), 9).await.unwrap();
            for row in &page {
                seen.push((row.entry.create_time, row.source_id, row.source_offset));
            }
            let Some(last) = page.last().filter(|_| page.len() == 9) else { break };
            cursor = Some(EntryCursor {
                create_time: last.entry.create_time,
                source_id: last.source_id,
                source_offset: last.source_offset,
            });
        }
        assert!(seen.is_sorted_by(|a, b| a > b), "{request:?}");
        let inside =
            |row: &(NaiveDateTime, i64, i64)| row.0 >= request.period.start && row.0 < request.period.end;
        assert!(seen.iter().all(inside));
        let mut right = 0;
        for row in place.counted().await.values() {
            let cells: Vec<&str> = row.split('|').collect();
            let is = |list: Option<Vec<&str>>, id: &str| list.is_none_or(|list| list.contains(&id));
            let f = &request.filter;
            let time = parse_time(cells[6]).unwrap();
            right += usize::from(
                time >= request.period.start
                    && time < request.period.end
                    && is(f.products.as_ref().map(|l| l.iter().map(|id| id.as_str()).collect()), cells[0])
                    && is(f.companies.as_ref().map(|l| l.iter().map(|id| id.as_str()).collect()), cells[3])
                    && is(f.warehouses.as_ref().map(|l| l.iter().map(|id| id.as_str()).collect()), cells[4]),
            );
        }
        assert_eq!(seen.len(), right, "{request:?}");
    }
}
