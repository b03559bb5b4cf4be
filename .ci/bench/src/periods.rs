//! `bench report`: how long period reports take over a year of entries, against the same question asked of the raw rows
//! and against a ledger with a tenth of the entries. Fills the ledger by plain SQL, as no writer ever would.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use inventory::ledger::{Ledger, Limits};
use inventory::report::chart::{Chart, Day, Look, Theme, Words, days};
use inventory::report::{self, Filter, Group, Period, Report, Request};
use serde_json::{Value, json};

use crate::conditions;
use crate::data::Shape;
use crate::figures::percentile;
use crate::place::Place;
use crate::planted::{self, Kept, seconds};
use crate::site::Site;
use crate::sql::Db;
use crate::usage::round;

/// Times that each report is asked for, and the list of unusual days.
const TIMES: usize = 15;
const FEW_TIMES: usize = 5;
/// Aims: milliseconds of a report and of a chart, growth over ten times the entries, the raw rows' time to ours.
const REPORT_MS: f64 = 100.0;
const CHART_MS: f64 = 20.0;
const FLAT: f64 = 1.3;
const RAW: f64 = 100.0;

/// Measures period reports
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Entries of the year
    #[arg(long, default_value_t = 10_000_000)]
    pub entries: u64,
    /// Entries of the year that is compared
    #[arg(long, default_value_t = 1_000_000)]
    pub fewer: u64,
    /// Days
    #[arg(long, default_value_t = 365)]
    pub days: u64,
    /// Products
    #[arg(long, default_value_t = 500)]
    pub products: u64,
    /// Warehouses
    #[arg(long, default_value_t = 20)]
    pub warehouses: u64,
    #[command(flatten)]
    pub places: crate::Places,
}

/// Measures, prints, and writes report.json.
pub fn run(options: &Options) -> Result<()> {
    let place = options.places.open()?;
    ensure!(options.days >= 120, "the reports are of a middle month: at least 120 days are needed");
    let machine = conditions::machine(&place, options.places.release())?;
    let kept = |entries| Kept {
        entries,
        days: options.days,
        products: options.products,
        warehouses: options.warehouses,
    };
    let few = ledger(&place, &kept(options.fewer))?;
    let many = ledger(&place, &kept(options.entries))?;
    print(&few, &many);
    let flat: Vec<Value> = compared(&few, &many);
    let all = json!({ "machine": machine, "fewer": few.told(), "all": many.told(), "flat": flat });
    let file = place.out.join("report.json");
    fs::write(&file, format!("{all:#}\n")).with_context(|| format!("cannot write {}", file.display()))?;
    println!("{}", file.display());
    Ok(())
}

/// One report's figures.
struct Asked {
    name: &'static str,
    /// The first time, rolling up included, in milliseconds.
    first_ms: f64,
    /// The other times.
    median_ms: f64,
    longest_ms: f64,
    rows: usize,
    /// The same question to the raw rows, where it was asked.
    raw_ms: Option<f64>,
}

/// All figures of one size.
struct Seen {
    kept: Kept,
    asked: Vec<Asked>,
    chart_ms: f64,
    sheet: Value,
    backdated: Value,
    unusual: Value,
    moving: Vec<(&'static str, f64)>,
}

fn ledger(place: &Place, kept: &Kept) -> Result<Seen> {
    let site = Site::cluster(place, &Shape::plain(), &format!("report-{}", kept.entries), false)?;
    site.call(&["compact", "--before", &kept.day(kept.days).to_string()])?;
    let mut db = place.db(&site.database)?;
    eprintln!("filling the ledger with {} entries", kept.entries);
    planted::fill(&mut db, kept)?;
    site.call(&["init"])?;
    let limits = Limits { day_tables: 20_000, oldest_days: 3660, newest_days: 2 };
    let ledger =
        place.runtime.block_on(async { Ledger::open_mysql(&place.mysql(&site.database), None, limits) })?;
    let mut asked = Vec::new();
    for (name, request) in requests(kept)? {
        let one = ask(place, &ledger, name, &request)?;
        eprintln!("  {name:<34} first {:>8.1} ms, then {:>6.1} ms", one.first_ms, one.median_ms);
        asked.push(one);
    }
    for (name, sql) in planted::raw(kept) {
        let one = asked.iter_mut().find(|one| one.name == name).context("a raw question without a report")?;
        let begun = Instant::now();
        let groups = db.stream(&sql)?;
        one.raw_ms = Some(millis(begun));
        ensure!(groups as usize == one.rows, "{name}: {groups} groups of raw rows, {} reported", one.rows);
    }
    let chart_ms = chart(place, &ledger, kept)?;
    let sheet = sheet(&site, kept)?;
    let unusual = unusual(place, &ledger, kept)?;
    let backdated = backdated(place, &ledger, &mut db, kept)?;
    let moving = moving(place, &ledger, &mut db, kept)?;
    site.remove(place)?;
    Ok(Seen { kept: *kept, asked, chart_ms, sheet, backdated, unusual, moving })
}

/// The reports: whole periods, and moments that cut a day.
fn requests(kept: &Kept) -> Result<Vec<(&'static str, Request)>> {
    let of = |from: u64, to: u64, by: &[Group]| -> Result<Request> {
        let period = Period::days(kept.day(from), kept.day(to)).context("a period")?;
        Ok(Request::new(period, by))
    };
    let (year, middle) = (kept.days - 1, kept.middle());
    let moment = kept.day(middle.1).and_hms_opt(15, 30, 0).context("a moment")?;
    let as_of = |by: &[Group]| {
        let start = moment.date().and_time(chrono::NaiveTime::MIN);
        let period = Period { start, end: moment + chrono::TimeDelta::seconds(1) };
        Request { filter: Filter::default(), ..Request::new(period, by) }
    };
    Ok(vec![
        ("month by product", of(middle.0, middle.1, &[Group::Product])?),
        ("month by day", of(middle.0, middle.1, &[Group::Day])?),
        ("month by product and warehouse", of(middle.0, middle.1, &[Group::Product, Group::Warehouse])?),
        ("month by company", of(middle.0, middle.1, &[Group::Company])?),
        ("year by product", of(0, year, &[Group::Product])?),
        ("year by day", of(0, year, &[Group::Day])?),
        ("year by product and month", of(0, year, &[Group::Product, Group::Month])?),
        ("as of 15:30 by product", as_of(&[Group::Product])),
        ("as of 15:30 by product and warehouse", as_of(&[Group::Product, Group::Warehouse])),
    ])
}

fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

fn asked(place: &Place, ledger: &Ledger, request: &Request) -> Result<(Report, f64)> {
    let begun = Instant::now();
    let report = place.runtime.block_on(report::run(ledger, request))?;
    Ok((report, millis(begun)))
}

fn ask(place: &Place, ledger: &Ledger, name: &'static str, request: &Request) -> Result<Asked> {
    let (report, first_ms) = asked(place, ledger, request)?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let (again, took) = asked(place, ledger, request)?;
        ensure!(again == report, "{name} differs from itself");
        times.push(took);
    }
    times.sort_by(f64::total_cmp);
    let of = |percent| percentile(&times, percent).context("no times");
    let (median_ms, longest_ms) = (of(50.0)?, of(100.0)?);
    Ok(Asked { name, first_ms, median_ms, longest_ms, rows: report.found, raw_ms: None })
}

fn median(mut times: Vec<f64>) -> Result<f64> {
    times.sort_by(f64::total_cmp);
    percentile(&times, 50.0).context("no times")
}

/// The year's days drawn, without reading them.
fn chart(place: &Place, ledger: &Ledger, kept: &Kept) -> Result<f64> {
    let period = Period::days(kept.day(0), kept.day(kept.days - 1)).context("a period")?;
    let (report, _) = asked(place, ledger, &Request::new(period, &[Group::Day]))?;
    let drawn: Vec<Day> = report.rows.iter().map(Day::of).collect();
    let look = Look { width: 1_200, height: 480, theme: Theme::paper(), words: Words::of("zh") };
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        let Chart { svg, .. } = days(&drawn, &look)?;
        times.push(millis(begun));
        ensure!(svg.contains("<svg"), "no picture");
    }
    median(times)
}

/// Some 200,000 rows of product, warehouse and day as a workbook, by the program.
fn sheet(site: &Site, kept: &Kept) -> Result<Value> {
    let file = site.dir.join("rows.xlsx");
    let days = (200_000 / (kept.products * kept.warehouses)).clamp(1, kept.days - 60);
    let (from, to) = (kept.day(60).to_string(), kept.day(60 + days - 1).to_string());
    let path = file.display().to_string();
    let args = ["report", "--from", &from, "--to", &to, "--by", "product,warehouse,day", "--xlsx", &path];
    let (took, peak_mb) = planted::weighed(site, &args)?;
    let bytes = fs::metadata(&file)?.len();
    Ok(json!({ "days": days, "s": seconds(took), "peak_mb": round(peak_mb, 1), "bytes": bytes }))
}

/// The unusual days of the year's last month, told from every key's days of four months.
fn unusual(place: &Place, ledger: &Ledger, kept: &Kept) -> Result<Value> {
    let period = Period::days(kept.day(kept.days - 31), kept.day(kept.days - 1)).context("a period")?;
    let (mut times, mut found) = (Vec::new(), None);
    for _ in 0..FEW_TIMES {
        let begun = Instant::now();
        let all =
            place.runtime.block_on(report::unusual(ledger, period, &Filter::default(), &report::RULE))?;
        times.push(millis(begun));
        ensure!(found.is_none_or(|before| before == all.len()), "the unusual days differ from themselves");
        found = Some(all.len());
    }
    let first_ms = times[0];
    let median_ms = median(times)?;
    Ok(json!({
        "keys": kept.products * kept.warehouses, "days": report::RULE.judged + report::RULE.back,
        "found": found, "first_ms": round(first_ms, 1), "median_ms": round(median_ms, 1),
    }))
}

/// The first report after an entry of a day long past, and the one after it.
fn backdated(place: &Place, ledger: &Ledger, db: &mut Db, kept: &Kept) -> Result<Value> {
    let (_, request) =
        requests(kept)?.into_iter().find(|(name, _)| *name == "year by product").context("it")?;
    let (before, _) = asked(place, ledger, &request)?;
    planted::one_more(db, kept, kept.day(40), 0)?;
    let (after, first) = asked(place, ledger, &request)?;
    let (_, second) = asked(place, ledger, &request)?;
    let more = after.totals.inward - before.totals.inward;
    ensure!(more == 1, "an entry of one piece moved the report by {more}");
    Ok(json!({ "first_ms": round(first, 1), "then_ms": round(second, 1) }))
}

/// Reports that end in the newest day while entries come in: one of that day before each of them.
fn moving(place: &Place, ledger: &Ledger, db: &mut Db, kept: &Kept) -> Result<Vec<(&'static str, f64)>> {
    let mut told = Vec::new();
    let mut more = 1;
    for (name, request) in requests(kept)?.into_iter().filter(|(name, _)| name.starts_with("year")) {
        let mut times = Vec::new();
        let before = asked(place, ledger, &request)?.0.totals.entries;
        for number in 1..=TIMES as i64 {
            planted::one_more(db, kept, kept.day(kept.days - 1), more)?;
            more += 1;
            let (report, took) = asked(place, ledger, &request)?;
            ensure!(report.totals.entries == before + number, "{name} did not see the entry");
            times.push(took);
        }
        told.push((name, median(times)?));
    }
    Ok(told)
}

impl Seen {
    fn told(&self) -> Value {
        let asked: Vec<Value> = self.asked.iter().map(Asked::told).collect();
        json!({
            "entries": self.kept.entries, "days": self.kept.days, "products": self.kept.products,
            "warehouses": self.kept.warehouses, "reports": asked, "aim_ms": REPORT_MS,
            "chart_ms": round(self.chart_ms, 2), "chart_aim_ms": CHART_MS, "workbook": self.sheet,
            "backdated_entry": self.backdated, "unusual_days": self.unusual,
            "while_entries_come_in_ms": self.moving.iter().map(|(name, ms)| json!([name, round(*ms, 2)])).collect::<Vec<_>>(),
        })
    }
}

impl Asked {
    fn told(&self) -> Value {
        json!({
            "report": self.name, "rows": self.rows, "first_ms": round(self.first_ms, 1),
            "median_ms": round(self.median_ms, 2), "longest_ms": round(self.longest_ms, 2),
            "raw_rows_ms": self.raw_ms.map(|ms| round(ms, 0)),
            "times_faster_than_raw": self.raw_ms.map(|ms| round(ms / self.median_ms, 0)), "aim_times": RAW,
        })
    }
}

fn compared(few: &Seen, many: &Seen) -> Vec<Value> {
    let pairs = few.asked.iter().zip(&many.asked);
    let one = |(few, many): (&Asked, &Asked)| {
        let grown = round(many.median_ms / few.median_ms, 2);
        json!({ "report": many.name, "grown": grown, "aim": FLAT, "met": grown <= FLAT })
    };
    pairs.map(one).collect()
}

fn print(few: &Seen, many: &Seen) {
    println!(
        "\n{:<36} {:>7} {:>9} {:>9} {:>9} {:>7} {:>10} {:>7}",
        "report", "rows", "first", "median", "longest", "grown", "raw rows", "times"
    );
    for (few, many) in few.asked.iter().zip(&many.asked) {
        let raw = many.raw_ms.map_or(("-".to_owned(), "-".to_owned()), |ms| {
            (format!("{ms:.0} ms"), format!("{:.0}", ms / many.median_ms))
        });
        println!(
            "{:<36} {:>7} {:>6.0} ms {:>6.1} ms {:>6.1} ms {:>7.2} {:>10} {:>7}",
            many.name,
            many.rows,
            many.first_ms,
            many.median_ms,
            many.longest_ms,
            many.median_ms / few.median_ms,
            raw.0,
            raw.1
        );
    }
    println!(
        "chart of a year {:.1} ms; workbook {}; backdated {}; unusual days {}",
        many.chart_ms, many.sheet, many.backdated, many.unusual
    );
    for ((name, few), (_, many)) in few.moving.iter().zip(&many.moving) {
        println!("{name}, an entry of the newest day before each: {many:.1} ms, grown {:.2}", many / few);
    }
}
