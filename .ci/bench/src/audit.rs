//! `bench audit`: how fast an audit is against bare reading of the same stores in the same run. Fills both stores by plain
//! SQL and plain SETs, as no writer ever would, so that millions of rows stand within a minute.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::NaiveDate;
use inventory::domain::entry::{BillId, CompanyId, Direction, Entry, ProductId, WarehouseId};
use inventory::ledger::row_digest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::beside;
use crate::conditions;
use crate::data::Shape;
use crate::place::Place;
use crate::planted::{seconds, source};
use crate::site::Site;
use crate::sql::Db;
use crate::usage;

/// The one day of all rows.
const DAY: (i32, u32, u32) = (2026, 3, 10);
/// Rows of one INSERT.
const ROWS: u64 = 5_000;
/// Keys of one MGET, as the engine's.
const MGET: usize = 500;

/// Measures audits
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Keys of the quick audit
    #[arg(long, default_value_t = 1_000_000)]
    pub keys: u64,
    /// Rows of the full audit
    #[arg(long, default_value_t = 10_000_000)]
    pub rows: u64,
    /// Tables of the full audit
    #[arg(long, default_value_t = 1_000)]
    pub tables: u64,
    /// Entries of the backlog beside which audits run back to back; 0 leaves this out
    #[arg(long, default_value_t = 1_000_000)]
    pub beside: u64,
    /// Products of that backlog, each in 12 warehouses
    #[arg(long, default_value_t = 100)]
    pub beside_products: u64,
    /// Rounds of that backlog: without, quick, without, full
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Only this: the throughput beside audits
    #[arg(long)]
    pub only_beside: bool,
    #[command(flatten)]
    pub places: crate::Places,
}

/// Measures, prints, and writes audit.json.
pub fn run(options: &Options) -> Result<()> {
    let place = options.places.open()?;
    let machine = conditions::machine(&place, options.places.release())?;
    let beside = beside::measure(&place, options)?;
    let (quick, full) = match options.only_beside {
        true => (Value::Null, Value::Null),
        false => (quick(&place, options.keys)?, full(&place, options.rows, options.tables)?),
    };
    let all = json!({ "machine": machine, "beside": beside, "quick": quick, "full": full });
    println!("{:#}", all);
    let name = if options.only_beside { "audit_beside.json" } else { "audit.json" };
    let file = place.out.join(name);
    fs::write(&file, format!("{all:#}\n")).with_context(|| format!("cannot write {}", file.display()))?;
    println!("{}", file.display());
    Ok(())
}

fn day() -> String {
    format!("{:04}-{:02}-{:02}", DAY.0, DAY.1, DAY.2)
}

/// An installation with one source that has counted `entries`.
fn site(place: &Place, topic: &str) -> Result<(Site, Db)> {
    let site = Site::cluster(place, &Shape::plain(), topic, false)?;
    let db = place.db(&site.database)?;
    Ok((site, db))
}

/// A day's table as the engine makes it.
fn day_table(name: &str) -> String {
    format!(
        "CREATE TABLE {name} (id INT AUTO_INCREMENT PRIMARY KEY, product_id VARCHAR(255) NOT NULL, \
         quantity INT NOT NULL, drcr INT NOT NULL, company_id VARCHAR(255) NOT NULL, \
         warehouse_id VARCHAR(255) NOT NULL, bill_id VARCHAR(255) NOT NULL, create_time DATETIME NOT NULL, \
         description VARCHAR(512), entry_id BINARY(16) NULL, source_id INT NOT NULL, source_offset BIGINT NOT NULL, \
         UNIQUE (source_id, source_offset), UNIQUE (entry_id)) \
         ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
    )
}

/// Every value of the stock against `balances` and `day_totals`.
fn quick(place: &Place, keys: u64) -> Result<Value> {
    let (site, mut db) = site(place, "audit-quick")?;
    source(&mut db, keys, keys as i64, 0)?;
    let day = day();
    // Key number n is warehouse n / 1000 and product n % 1000, and has one entry of one piece at offset n.
    let number = "seq - 1";
    let warehouse = format!("CONCAT('W', ({number}) DIV 1000)");
    let product = format!("CONCAT('P', ({number}) MOD 1000)");
    let seq = format!("seq_1_to_{keys}");
    db.run(&format!(
        "INSERT INTO balances SELECT 1, {warehouse}, {product}, {number}, 1, 1 FROM {seq} ORDER BY 2, 3; \
         INSERT INTO day_totals SELECT '{day}', {product}, {warehouse}, 1, 0, 1 FROM {seq} ORDER BY 2, 3"
    ))?;
    let mut stock = place.stock(false)?;
    let numbers: Vec<u64> = (0..keys).collect();
    for chunk in numbers.chunks(10_000) {
        let mut pipe = redis::pipe();
        for n in chunk {
            let value = format!("{{\"base\":0,\"change\":1,\"at\":{{\"bbbbbbbb.0\":[{n},1]}}}}");
            pipe.cmd("SET").arg(format!("W{}:P{}", n / 1000, n % 1000)).arg(value).ignore();
        }
        pipe.query::<()>(&mut stock)?;
    }
    let begun = Instant::now();
    let seen = scan(&mut stock)?;
    let stock_alone = begun.elapsed();
    ensure!(seen >= keys, "the scan found {seen} of {keys} keys");
    let begun = Instant::now();
    db.stream("SELECT source_id, warehouse_id, product_id, last_offset, quantity, entries FROM balances")?;
    db.stream("SELECT warehouse_id, product_id, in_quantity - out_quantity, entries FROM day_totals")?;
    let ledger_alone = begun.elapsed();
    let first = audited(&site, &["audit", "--json"], keys)?;
    let second = audited(&site, &["audit", "--json"], keys)?;
    site.remove(place)?;
    let raw = stock_alone + ledger_alone;
    Ok(json!({
        "keys": keys,
        "raw_scan_mget_s": seconds(stock_alone),
        "raw_balances_and_totals_s": seconds(ledger_alone),
        "audit_that_folds_every_key": first.told(),
        "audit": second.told(),
        "ratio_to_raw": round(raw.as_secs_f64() / second.took.as_secs_f64()),
        "aim": 0.7,
    }))
}

/// Every row of every table.
fn full(place: &Place, rows: u64, tables: u64) -> Result<Value> {
    let (site, mut db) = site(place, "audit-full")?;
    let each = rows / tables;
    let day = day();
    db.run(&format!("INSERT INTO ledger_days (day, state) VALUES ('{day}', 'open')"))?;
    let mut digest = 0_u64;
    for table in 0..tables {
        let name = format!("t_p{table}_{}", day.replace('-', ""));
        db.run(&format!(
            "INSERT INTO products (id, name, slug, registered) VALUES ('P{table}', 'P{table}', 'p{table}', 1); \
             INSERT INTO ledger_tables VALUES ('{name}', 'P{table}', '{day}', '{day}'); {}",
            day_table(&name)
        ))?;
        fill(&mut db, &name, table, each, &day)?;
        for row in 0..each {
            digest = digest.wrapping_add(row_digest(&entry(table, row, each)?, (table * each + row) as i64));
        }
        db.run(&format!(
            "INSERT INTO balances SELECT source_id, warehouse_id, product_id, MAX(source_offset), \
             SUM(quantity * drcr), COUNT(*) FROM {name} GROUP BY warehouse_id; \
             INSERT INTO day_totals SELECT '{day}', product_id, warehouse_id, SUM(quantity), 0, COUNT(*) \
             FROM {name} GROUP BY warehouse_id"
        ))?;
    }
    let signed = db.number("SELECT SUM(quantity) FROM balances")? as i64;
    source(&mut db, each * tables, signed, digest)?;
    let raw = raw_scan(&mut db, tables, &day)?;
    // The stock is brought by the first audit; what is measured is the second.
    site.call(&["audit", "--json"])?;
    let audit = audited(&site, &["audit", "--full", "--json"], tables * 20)?;
    ensure!(audit.words["rows"].as_u64() == Some(each * tables), "not every row was read: {}", audit.words);
    site.remove(place)?;
    Ok(json!({
        "rows": each * tables,
        "tables": tables,
        "raw_union_all_s": seconds(raw),
        "audit": audit.told(),
        "ratio_to_raw": round(raw.as_secs_f64() / audit.took.as_secs_f64()),
        "aim": 0.7,
    }))
}

/// The row as the engine would have counted it.
fn entry(table: u64, row: u64, each: u64) -> Result<Entry> {
    let (year, month, date) = DAY;
    let time = NaiveDate::from_ymd_opt(year, month, date).and_then(|day| day.and_hms_opt(10, 0, 0));
    let refused = |_| anyhow::anyhow!("an id of the bench is refused");
    Ok(Entry {
        product_id: ProductId::parse(&format!("P{table}")).map_err(refused)?,
        quantity: 1 + (row % 7) as i64,
        direction: Direction::In,
        company_id: CompanyId::parse("C1").map_err(refused)?,
        warehouse_id: WarehouseId::parse(&format!("W{}", row % 20)).map_err(refused)?,
        bill_id: BillId::parse(&format!("B{}", row / 5)).map_err(refused)?,
        create_time: time.context("the bench's day")?,
        description: None,
        entry_id: Some(Uuid::from_u128(u128::from(table * each + row) + 1)),
    })
}

fn fill(db: &mut Db, name: &str, table: u64, each: u64, day: &str) -> Result<()> {
    let mut from = 0;
    while from < each {
        let to = (from + ROWS).min(each);
        let first = table * each;
        db.run(&format!(
            "INSERT INTO {name} (product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, \
             entry_id, source_id, source_offset) SELECT 'P{table}', 1 + (seq MOD 7), 1, 'C1', \
             CONCAT('W', seq MOD 20), CONCAT('B', seq DIV 5), '{day} 10:00:00', \
             UNHEX(LPAD(HEX({first} + seq + 1), 32, '0')), 1, {first} + seq FROM seq_{from}_to_{}",
            to - 1
        ))?;
        from = to;
    }
    Ok(())
}

/// All columns of all rows, read by a client that does nothing with them.
fn raw_scan(db: &mut Db, tables: u64, day: &str) -> Result<Duration> {
    let names: Vec<String> =
        (0..tables).map(|table| format!("SELECT * FROM t_p{table}_{}", day.replace('-', ""))).collect();
    let begun = Instant::now();
    for chunk in names.chunks(100) {
        db.stream(&chunk.join(" UNION ALL "))?;
    }
    Ok(begun.elapsed())
}

fn scan(stock: &mut redis::Connection) -> Result<u64> {
    let (mut cursor, mut seen) = (0_u64, 0);
    loop {
        let (next, keys): (u64, Vec<String>) =
            redis::cmd("SCAN").arg(cursor).arg("COUNT").arg(2_000).query(stock)?;
        for some in keys.chunks(MGET) {
            let values: Vec<Option<Vec<u8>>> = redis::cmd("MGET").arg(some).query(stock)?;
            seen += values.iter().flatten().count() as u64;
        }
        cursor = next;
        if cursor == 0 {
            return Ok(seen);
        }
    }
}

/// One audit as a process of its own.
struct Audited {
    took: Duration,
    peak_mb: f64,
    words: Value,
}

impl Audited {
    fn told(&self) -> Value {
        json!({ "s": seconds(self.took), "peak_mb": round(self.peak_mb), "outcome": self.words["outcome"] })
    }
}

fn audited(site: &Site, args: &[&str], keys: u64) -> Result<Audited> {
    let begun = Instant::now();
    let mut child = site.command(args).stdout(std::process::Stdio::piped()).spawn()?;
    let mut peak_mb: f64 = 0.0;
    let reading = child.stdout.take().context("the audit's output")?;
    let reading = std::thread::spawn(move || std::io::read_to_string(reading));
    while child.try_wait()?.is_none() {
        peak_mb = peak_mb.max(usage::memory(child.id(), "VmHWM").unwrap_or(0.0));
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = begun.elapsed();
    let words = reading.join().ok().context("the audit's output")??;
    let words: Value =
        serde_json::from_str(&words).with_context(|| format!("the audit said {words:.300}"))?;
    ensure!(words["outcome"] == "clean" || words["outcome"] == "corrected", "not clean: {words:.2000}");
    ensure!(words["keys"].as_u64() == Some(keys), "not {keys} keys: {words:.300}");
    Ok(Audited { took, peak_mb, words })
}

fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
