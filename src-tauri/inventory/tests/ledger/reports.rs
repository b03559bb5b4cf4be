//! Reports against the raw tables: whatever was entered, compacted, rolled up and renamed, in whatever order, every figure
//! is the sum that SQL finds in the tables of entries themselves. Roll-ups are made between the rounds and go stale.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveTime, TimeDelta};
use inventory::compact::compact_before;
use inventory::ledger::{EntryCursor, Filter, Period};
use inventory::report::{self, Flow, Group, Order, Page, Report, Request, Row as ReportRow, Sort};

use super::*;

/// A small deterministic source of chance; its seed is the round's number.
struct Dice(u64);

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

/// What the tables of entries hold, summed up by SQL alone.
struct Moved {
    product: String,
    warehouse: String,
    company: String,
    time: NaiveDateTime,
    inward: i64,
    outward: i64,
}

async fn moved(place: &Place) -> Vec<Moved> {
    let mut found = Vec::new();
    let sql = "SELECT t.table_name FROM ledger_tables t LEFT JOIN ledger_days d ON d.day = t.first_day \
               WHERE t.product_id IS NULL OR d.state = 'open'";
    let tables = place.rows(sql).await;
    for chunk in tables.chunks(100) {
        let selects: Vec<String> = chunk
            .iter()
            .map(|table| {
                format!(
                    "SELECT product_id, warehouse_id, company_id, create_time, \
                     SUM(CASE WHEN drcr = 1 THEN quantity ELSE 0 END), \
                     SUM(CASE WHEN drcr = -1 THEN quantity ELSE 0 END) FROM {} \
                     GROUP BY product_id, warehouse_id, company_id, create_time",
                    table[0]
                )
            })
            .collect();
        for row in place.rows(&selects.join(" UNION ALL ")).await {
            found.push(Moved {
                product: row[0].clone(),
                warehouse: row[1].clone(),
                company: row[2].clone(),
                time: parse_time(&row[3]).unwrap(),
                inward: row[4].parse().unwrap(),
                outward: row[5].parse().unwrap(),
            });
        }
    }
    found
}

type Expected = BTreeMap<Vec<String>, [i64; 4]>;

/// The spans of a period with their names, cut to it.
fn spans(
    period: Period,
    by: &[Group],
) -> Vec<(NaiveDateTime, NaiveDateTime, BTreeMap<&'static str, String>)> {
    if !by.iter().any(|group| group.is_time()) {
        return vec![(period.start, period.end, BTreeMap::new())];
    }
    let mut spans: Vec<(NaiveDateTime, NaiveDateTime, BTreeMap<&'static str, String>)> = Vec::new();
    let mut at = period.start;
    while at < period.end {
        let day = at.date();
        let next = (day + Days::new(1)).and_time(NaiveTime::MIN).min(period.end);
        let mut names = BTreeMap::new();
        for group in by {
            let name = match group {
                Group::Day => format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day()),
                Group::Week => day.format("%G-W%V").to_string(),
                Group::Month => format!("{:04}-{:02}", day.year(), day.month()),
                _ => continue,
            };
            names.insert(group.name(), name);
        }
        match spans.last_mut() {
            Some(last) if last.2 == names => last.1 = next,
            _ => spans.push((at, next, names)),
        }
        at = next;
    }
    spans
}

fn expected(
    moved: &[Moved],
    categories: &BTreeMap<String, String>,
    request: &Request,
) -> (Expected, [i64; 4]) {
    let filter = &request.filter;
    let category = |row: &Moved| categories.get(&row.product).cloned().unwrap_or_default();
    let wanted: Vec<&Moved> = moved
        .iter()
        .filter(|row| {
            let is = |list: Option<Vec<&str>>, id: &str| list.is_none_or(|list| list.contains(&id));
            is(filter.products.as_ref().map(|l| l.iter().map(|id| id.as_str()).collect()), &row.product)
                && is(
                    filter.warehouses.as_ref().map(|l| l.iter().map(|id| id.as_str()).collect()),
                    &row.warehouse,
                )
                && is(
                    filter.companies.as_ref().map(|l| l.iter().map(|id| id.as_str()).collect()),
                    &row.company,
                )
                && filter.categories.as_ref().is_none_or(|list| list.contains(&category(row)))
        })
        .collect();
    let spans = spans(request.period, &request.by);
    let mut found = Expected::new();
    let mut totals = [0; 4];
    for row in &wanted {
        for (number, (start, end, names)) in spans.iter().enumerate() {
            let group = request.by.iter().map(|group| match group {
                Group::Product => row.product.clone(),
                Group::Warehouse => row.warehouse.clone(),
                Group::Company => row.company.clone(),
                Group::Category => category(row),
                time => names[time.name()].clone(),
            });
            let signed = row.inward - row.outward;
            let mut part = [0; 4];
            if row.time < *start {
                part = [signed, 0, 0, signed];
            } else if row.time < *end {
                part = [0, row.inward, row.outward, signed];
            }
            let figures = found.entry(group.collect()).or_default();
            for at in 0..4 {
                figures[at] += part[at];
            }
            let counts = [number == 0, true, true, number + 1 == spans.len()];
            for at in 0..4 {
                totals[at] += if counts[at] { part[at] } else { 0 };
            }
        }
    }
    found.retain(|_, figures| figures[..3] != [0, 0, 0]);
    (found, totals)
}

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
    let mut request = Request::new(period, &by);
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
async fn rename(ledger: &Ledger, dice: &mut Dice, categories: &mut BTreeMap<String, String>) {
    let mut products = ledger.products().await.unwrap();
    for product in &mut products {
        product.name = format!("Name {}", dice.roll(1000));
        product.category = dice.one_of(&["", "水果", "Tools"]).to_owned();
        categories.insert(product.id.to_string(), product.category.clone());
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

/// Random histories, asked at random while they grow.
pub async fn every_figure_is_the_sum_of_the_rows(places: [&Place; 2]) {
    for (number, (place, day_tables)) in places.into_iter().zip([300, 12]).enumerate() {
        let mut dice = Dice(number as u64 + 1);
        let ledger = place.ready(day_tables).await;
        let mut sources = Vec::new();
        for partition in 0..2 {
            let source = ledger.register_source(&identity(1 << 96, partition), 0).await.unwrap();
            sources.push((source, SourceCache::default()));
        }
        let mut categories = BTreeMap::new();
        for round in 0..8 {
            let mut lines: Vec<Entry> = (0..60).map(|_| random_entry(&mut dice)).collect();
            // Every fifth is taken back.
            let back = lines.iter().step_by(5).cloned();
            let back = back.map(|line| Entry { direction: line.direction.opposite(), ..line });
            lines.extend(back.collect::<Vec<_>>());
            let (source, cache) = &mut sources[round % 2];
            let from = source.next_offset;
            let messages = lines.into_iter().zip(from..).map(|(line, offset)| message(offset, line));
            commit(&ledger, source, messages.collect(), cache).await;
            if round == 2 || round == 5 {
                rename(&ledger, &mut dice, &mut categories).await;
            }
            if round == 6 {
                compact_before(&ledger, random_day(&mut dice)).await.unwrap();
            }
            let moved = moved(place).await;
            for _ in 0..25 {
                let request = random_request(&mut dice);
                check(&ledger, &mut dice, &request, &expected(&moved, &categories, &request)).await;
            }
        }
        assert!(place.one("SELECT COUNT(*) FROM rolled_spans").await.parse::<i64>().unwrap() > 20);
        listed(&ledger, place, &mut dice).await;
    }
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
