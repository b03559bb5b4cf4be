//! What MariaDB takes at most: the same rows into the same tables with the same indexes, by a client that does
//! nothing else. The texts are made beforehand, so that only the server and the wire are measured.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Barrier;

use anyhow::{Result, anyhow, ensure};

use crate::data::{COLUMNS, Line, PARTITIONS, Shape};
use crate::place::Place;
use crate::sql::Db;
use crate::usage::{Usage, Watch, cores, settle};

/// The spec's columns in its order and types, then the three of the ledger.
const TABLE: &str = "id INT AUTO_INCREMENT PRIMARY KEY, product_id VARCHAR(255) NOT NULL, quantity INT NOT NULL, \
     drcr INT NOT NULL, company_id VARCHAR(255) NOT NULL, warehouse_id VARCHAR(255) NOT NULL, \
     bill_id VARCHAR(255) NOT NULL, create_time DATETIME NOT NULL, description VARCHAR(512), \
     entry_id BINARY(16) NULL, source_id INT NOT NULL, source_offset BIGINT NOT NULL";
const END: &str = ") ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin";

/// The texts of one connection, a transaction each.
type Texts = Vec<String>;

/// How many connections are tried: one, one for each core, one for each partition.
pub fn connections() -> Vec<usize> {
    let mut tried = vec![1, cores().min(PARTITIONS as usize), PARTITIONS as usize];
    tried.dedup();
    tried
}

/// Rows of `lines`, `batch` of a connection in one transaction, one INSERT for each table of it.
fn texts(shape: &Shape, lines: &[Line], connections: usize, batch: usize) -> Vec<Texts> {
    let mut shares: Vec<Vec<&Line>> = vec![Vec::new(); connections];
    for line in lines {
        shares[line.partition as usize % connections].push(line);
    }
    shares.iter().map(|share| share.chunks(batch).map(|some| text(shape, some)).collect()).collect()
}

fn text(shape: &Shape, lines: &[&Line]) -> String {
    let mut tables: BTreeMap<(String, bool), Vec<&Line>> = BTreeMap::new();
    for line in lines {
        tables.entry(line.table(shape)).or_default().push(line);
    }
    let mut out = String::from("START TRANSACTION;\n");
    for ((table, month), lines) in tables {
        let more = if month { ", day" } else { "" };
        let _ = write!(out, "INSERT INTO {table} ({COLUMNS}{more}) VALUES ");
        for (at, line) in lines.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            line.row(&mut out, month);
        }
        out.push_str(";\n");
    }
    out.push_str("COMMIT");
    out
}

/// Every table that the shape's entries go into.
pub fn make_tables(db: &mut Db, shape: &Shape) -> Result<()> {
    let mut script = String::new();
    for day in 0..shape.days {
        for product in 0..shape.products {
            let line = Line { day, product, ..Line::default() };
            let (name, month) = line.table(shape);
            if month && product > 0 {
                continue;
            }
            let keys = match month {
                true => {
                    ", day DATE NOT NULL, UNIQUE (source_id, source_offset), UNIQUE (day, product_id, entry_id), \
                     KEY product_time (product_id, create_time)"
                }
                false => ", UNIQUE (source_id, source_offset), UNIQUE (entry_id)",
            };
            let columns = if month { TABLE.replacen("id INT", "id BIGINT", 1) } else { TABLE.to_owned() };
            let _ = writeln!(script, "CREATE TABLE IF NOT EXISTS {name} ({columns}{keys}{END};");
            if script.len() > 1 << 20 {
                db.run(&std::mem::take(&mut script))?;
            }
        }
    }
    if script.is_empty() { Ok(()) } else { db.run(&script) }
}

/// Inserts everything over so many connections.
pub fn insert(place: &Place, shape: &Shape, lines: &[Line], over: usize, batch: usize) -> Result<Usage> {
    let name = "bench_raw";
    place.fresh_database(name)?;
    make_tables(&mut place.db(name)?, shape)?;
    let texts = texts(shape, lines, over, batch);
    let mut clients = Vec::new();
    for _ in 0..over {
        let mut db = place.db(name)?;
        db.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")?;
        clients.push(db);
    }
    settle(&place.pids);
    let start = Barrier::new(over + 1);
    let usage = std::thread::scope(|scope| {
        let work = clients.into_iter().zip(&texts).map(|(mut db, texts)| {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                texts.iter().try_for_each(|text| db.run(text))
            })
        });
        let work: Vec<_> = work.collect();
        let watch = Watch::start(&place.pids)?;
        start.wait();
        for one in work {
            one.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        watch.usage()
    })?;
    let mut db = place.db(name)?;
    let (table, _) = lines[0].table(shape);
    let there = db.number(&format!("SELECT COUNT(*) FROM {table}"))?;
    let wanted = lines.iter().filter(|line| line.table(shape).0 == table).count() as u64;
    ensure!(there == wanted, "{table} holds {there} rows, inserted were {wanted}");
    Ok(usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_exactly_one_text() {
        let shape = Shape { products: 3, days: 4, entries: 500, in_order: false, ids: true, day_tables: 6 };
        let lines: Vec<Line> = shape.lines(1).collect();
        for over in [1, 2, 12] {
            let texts = texts(&shape, &lines, over, 50);
            assert_eq!(texts.len(), over);
            let all = texts.concat().join("\n");
            assert_eq!(all.matches("入库单据").count(), 500);
            assert_eq!(all.matches("START TRANSACTION").count(), all.matches("COMMIT").count());
            assert!(
                all.contains("INSERT INTO entries_202503 (")
                    && all.contains("INSERT INTO t_p00003_20250313 (")
            );
        }
    }
}
