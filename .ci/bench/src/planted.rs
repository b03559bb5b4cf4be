//! Stores filled by plain SQL, and programs weighed while they run: what the benches of audits and of reports share.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use chrono::{Datelike, Days, NaiveDate};

use crate::data::FIRST_DAY;
use crate::site::Site;
use crate::sql::Db;
use crate::usage::memory;

/// A ledger of so many entries, evenly over its days, all of them in month tables.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    pub entries: u64,
    pub days: u64,
    pub products: u64,
    pub warehouses: u64,
}

impl Kept {
    /// The date of a day's number.
    pub fn day(&self, number: u64) -> NaiveDate {
        FIRST_DAY.checked_add_days(Days::new(number)).unwrap_or(FIRST_DAY)
    }

    /// First and last day's number of a whole month amid the year.
    pub fn middle(&self) -> (u64, u64) {
        let first = (self.days / 2..self.days).find(|number| self.day(*number).day() == 1);
        let first = first.unwrap_or(0);
        let last = (first + 1..).find(|number| self.day(*number).day() == 1).unwrap_or(first + 1) - 1;
        (first, last)
    }

    /// Numbers of a day's entries.
    fn of_day(&self, number: u64) -> (u64, u64) {
        (self.entries * number / self.days, self.entries * (number + 1) / self.days)
    }

    fn tables(&self) -> Vec<String> {
        let mut names: Vec<String> = (0..self.days).map(|number| table(self.day(number))).collect();
        names.dedup();
        names
    }
}

fn table(day: NaiveDate) -> String {
    format!("entries_{}", day.format("%Y%m"))
}

/// A month's table as the engine makes it.
fn month_table(name: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {name} (id BIGINT AUTO_INCREMENT PRIMARY KEY, product_id VARCHAR(255) NOT NULL, \
         quantity INT NOT NULL, drcr INT NOT NULL, company_id VARCHAR(255) NOT NULL, \
         warehouse_id VARCHAR(255) NOT NULL, bill_id VARCHAR(255) NOT NULL, create_time DATETIME NOT NULL, \
         description VARCHAR(512), entry_id BINARY(16) NULL, source_id INT NOT NULL, source_offset BIGINT NOT NULL, \
         day DATE NOT NULL, UNIQUE (source_id, source_offset), UNIQUE (day, product_id, entry_id), \
         KEY product_time (product_id, create_time)) \
         ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
    )
}

/// The only source, which has counted `entries`.
pub fn source(db: &mut Db, entries: u64, signed: i64, digest: u64) -> Result<()> {
    db.run(&format!(
        "DELETE FROM sources; INSERT INTO sources (id, name, topic, topic_uuid, partition_no, next_offset, \
         stock_offset, stamp, last_offset, last_hash, entries, rejected, signed_quantity, digest) VALUES \
         (1, 'bbbbbbbb.0', 'bench', x'{0}', 0, {entries}, {entries}, x'{0}', {1}, 0, {entries}, 0, {signed}, {2})",
        "b".repeat(32),
        entries as i64 - 1,
        digest as i64
    ))
}

/// Rows, sums, catalogue and source.
pub fn fill(db: &mut Db, kept: &Kept) -> Result<()> {
    db.run(&format!(
        "INSERT INTO products (id, name, slug, registered) SELECT {0}, CONCAT('产品', {0}), LOWER({0}), 1 \
         FROM (SELECT seq - 1 AS n FROM seq_1_to_{1}) s; \
         INSERT INTO warehouses (id, name, registered) SELECT {2}, {2}, 1 FROM (SELECT seq - 1 AS n FROM seq_1_to_{3}) s",
        "CONCAT('P', LPAD(n, 5, '0'))", kept.products, "CONCAT('W', LPAD(n, 3, '0'))", kept.warehouses
    ))?;
    for name in kept.tables() {
        let days: Vec<NaiveDate> =
            (0..kept.days).map(|number| kept.day(number)).filter(|day| table(*day) == name).collect();
        let (Some(first), Some(last)) = (days.first(), days.last()) else { continue };
        db.run(&month_table(&name))?;
        db.run(&format!("INSERT INTO ledger_tables VALUES ('{name}', NULL, '{first}', '{last}')"))?;
    }
    for number in 0..kept.days {
        rows(db, kept, number)?;
    }
    for name in kept.tables() {
        sums(db, &name)?;
    }
    let signed = db.rows("SELECT CAST(SUM(quantity) AS CHAR) FROM balances")?;
    let signed = signed.first().and_then(|row| row.first()?.as_deref()?.parse().ok()).unwrap_or(0);
    source(db, kept.entries, signed, 0)?;
    db.run("ANALYZE TABLE day_totals, balances")
}

/// One day's rows. Which product, warehouse and so on is hashed from the entry's number.
fn rows(db: &mut Db, kept: &Kept, number: u64) -> Result<()> {
    let (from, to) = kept.of_day(number);
    if from == to {
        return Ok(());
    }
    let day = kept.day(number);
    db.run(&format!(
        "INSERT INTO {} (product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, description, \
         entry_id, source_id, source_offset, day) SELECT CONCAT('P', LPAD(h MOD {}, 5, '0')), \
         1 + (h DIV 1009) MOD 50, IF((h DIV 53) MOD 3 = 0, -1, 1), CONCAT('C', LPAD((h DIV 71) MOD 30, 3, '0')), \
         CONCAT('W', LPAD((h DIV 7919) MOD {}, 3, '0')), CONCAT('B', n DIV 5), \
         TIMESTAMP('{day}', SEC_TO_TIME((h DIV 13) MOD 86400)), '入库单据', UNHEX(LPAD(HEX(n + 1), 32, '0')), 1, n, \
         '{day}' FROM (SELECT seq AS n, CRC32(seq * 7 + 3) AS h FROM seq_{from}_to_{}) s",
        table(day),
        kept.products,
        kept.warehouses,
        to - 1
    ))
}

/// `day_totals` and `balances` of one table's rows.
fn sums(db: &mut Db, name: &str) -> Result<()> {
    db.run(&format!(
        "INSERT INTO day_totals SELECT day, product_id, warehouse_id, SUM(IF(drcr = 1, quantity, 0)), \
         SUM(IF(drcr = 1, 0, quantity)), COUNT(*) FROM {name} GROUP BY day, product_id, warehouse_id; \
         INSERT INTO balances SELECT 1, warehouse_id, product_id, MAX(source_offset), SUM(quantity * drcr), COUNT(*) \
         FROM {name} GROUP BY warehouse_id, product_id ON DUPLICATE KEY UPDATE last_offset = VALUES(last_offset), \
         quantity = quantity + VALUES(quantity), entries = entries + VALUES(entries)"
    ))
}

/// One more entry of one piece, and everything that a writer would move for it in the same transaction; `number` of
/// them were there before.
pub fn one_more(db: &mut Db, kept: &Kept, day: NaiveDate, number: u64) -> Result<()> {
    let month = day.with_day(1).unwrap_or(day);
    let offset = kept.entries + number;
    db.run(&format!(
        "BEGIN; INSERT INTO {} (product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, source_id, \
         source_offset, day) VALUES ('P00000', 1, 1, 'C000', 'W000', 'late', '{day} 12:00:00', 1, {offset}, '{day}'); \
         INSERT INTO day_totals VALUES ('{day}', 'P00000', 'W000', 1, 0, 1) ON DUPLICATE KEY UPDATE \
         in_quantity = in_quantity + 1, entries = entries + 1; \
         INSERT INTO balances VALUES (1, 'W000', 'P00000', {offset}, 1, 1) ON DUPLICATE KEY UPDATE \
         last_offset = {offset}, quantity = quantity + 1, entries = entries + 1; \
         UPDATE sources SET entries = entries + 1, signed_quantity = signed_quantity + 1; \
         INSERT INTO ledger_versions VALUES ('day', '{day}', 1, 1, 1), ('month', '{month}', 1, 1, 1) \
         ON DUPLICATE KEY UPDATE version = version + 1, entries = entries + 1; COMMIT",
        table(day)
    ))
}

/// The questions of the reports by these names, asked of the rows: everything before, in and out by group.
pub fn raw(kept: &Kept) -> Vec<(&'static str, String)> {
    let (year, middle) = (kept.days - 1, kept.middle());
    let ask = |group: &str, from: u64, to: u64, whole: &str| {
        let (from, to) = (kept.day(from), kept.day(to));
        let last = table(to);
        let tables = kept.tables().into_iter().filter(|name| *name <= last);
        let selects: Vec<String> = tables
            .map(|name| {
                format!(
                    "SELECT {group} AS named, SUM(IF(day < '{from}', quantity * drcr, 0)) AS opening, \
             SUM(IF(day >= '{from}' AND drcr = 1, quantity, 0)) AS inward, \
             SUM(IF(day >= '{from}' AND drcr = -1, quantity, 0)) AS outward \
             FROM {name} WHERE day <= '{to}' GROUP BY {group}"
                )
            })
            .collect();
        format!(
            "SELECT named, SUM(opening), SUM(inward), SUM(outward) FROM ({}) e GROUP BY named{whole}",
            selects.join(" UNION ALL ")
        )
    };
    // By day the opening of the period is one figure, and the days before it are no rows of the report.
    let of_days = |from: u64| format!(" HAVING named >= '{}'", kept.day(from));
    vec![
        ("month by product", ask("product_id", middle.0, middle.1, "")),
        ("month by day", ask("day", middle.0, middle.1, &of_days(middle.0))),
        ("year by product", ask("product_id", 0, year, "")),
        ("year by day", ask("day", 0, year, &of_days(0))),
    ]
}

/// A command run to its end: how long it took and how much memory it held at most, in MB.
pub fn weighed(site: &Site, args: &[&str]) -> Result<(Duration, f64)> {
    let begun = Instant::now();
    let mut child = site.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut peak_mb: f64 = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak_mb = peak_mb.max(memory(child.id(), "VmHWM").unwrap_or(0.0));
        std::thread::sleep(Duration::from_millis(10));
    };
    ensure!(status.success(), "inv-daemon {} ended with {status}", args.join(" "));
    Ok((begun.elapsed(), peak_mb))
}

/// Rounded to milliseconds.
pub fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}
