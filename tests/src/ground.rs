//! Where plants find their victims: keys under traffic, keys at rest in a partition of their own, and a partition whose
//! counters are touched. No row, key or table is taken twice, so that plants never meet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::dropped::Dropped;
use crate::feed::{self, Seeded, Shape};
use crate::kafka::Value;
use crate::planted::{moved, stock_value};
use crate::plants::{Expected, Kind};
use crate::site::Site;
use crate::snapshot::{Row, Snapshot};
use crate::sql::Db;

/// Partitions under traffic.
pub const BUSY: i32 = 2;
/// The partition of the keys at rest.
const STILL: i32 = 2;
/// The partition whose counters are touched.
const COUNTERS: i32 = 3;
/// Partitions of such a topic.
pub const PARTITIONS: i32 = 4;

/// Where plants find their victims.
pub struct Ground {
    snapshot: Snapshot,
    /// Values of keys at rest as they were earlier.
    earlier: BTreeMap<String, String>,
    used: BTreeSet<String>,
    dice: Seeded,
}

/// The partition of a key under traffic.
pub fn busy_partition(key: &str) -> i32 {
    key.bytes().map(i32::from).sum::<i32>() % BUSY
}

/// What the traffic looks like.
pub fn busy_shape() -> Shape {
    Shape { products: 32, warehouses: 4, days: 6, ..Shape::default() }
}

fn at_rest(seed: u64, partition: i32, count: usize) -> Vec<Value> {
    let shape = Shape { products: 60, warehouses: 3, days: 2, with_id: 5, ..Shape::default() };
    let mut values: Vec<Value> = Vec::new();
    for (number, mut entry) in feed::entries(seed, count, &shape).into_iter().enumerate() {
        entry.product = format!("{}{}", if partition == STILL { "Q" } else { "R" }, &entry.product[1..]);
        if number % 20 == 0 {
            values.push((Some(partition), None, b"{\"poison\":true}".to_vec()));
        }
        values.push((Some(partition), Some(entry.key()), entry.json().into_bytes()));
    }
    values
}

impl Ground {
    /// Lays it: entries on all three grounds, counted. The site's topic has [`PARTITIONS`].
    pub fn lay(site: &Site, seed: u64) -> Ground {
        let topic = &site.servers().topic;
        let mut dice = Seeded::new(seed);
        topic.produce(&at_rest(dice.next_number(), STILL, 700));
        site.count_all();
        let earlier = site.stock();
        topic.produce(&at_rest(dice.next_number(), STILL, 900));
        topic.produce(&at_rest(dice.next_number(), COUNTERS, 300));
        let busy = feed::entries(dice.next_number(), 2_500, &busy_shape());
        let busy: Vec<Value> = busy
            .iter()
            .map(|entry| (Some(busy_partition(&entry.key())), Some(entry.key()), entry.json().into_bytes()))
            .collect();
        topic.produce(&busy);
        site.count_all();
        Ground { snapshot: site.snapshot(), earlier, used: BTreeSet::new(), dice }
    }

    /// Keys at rest that nobody has touched, with their values: they stay as they are.
    pub fn untouched(&self) -> BTreeMap<String, String> {
        let still =
            self.snapshot.stock.iter().filter(|(key, _)| is_at_rest(key) && !self.used.contains(*key));
        still.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn id(&self, partition: i32) -> i64 {
        self.snapshot.sources.iter().find(|source| source.partition == partition).expect("a source").id
    }

    fn name(&self, id: i64) -> String {
        self.snapshot.sources.iter().find(|source| source.id == id).expect("the row's source").name.clone()
    }

    /// A row that nobody has, nor its key or table, of a partition; by chance of any.
    fn row(&mut self, partition: Option<i32>, wanted: impl Fn(&Row) -> bool) -> Row {
        self.row_of(partition, false, wanted)
    }

    /// The same; `whole`: nor any other key of its product, which has the table for itself.
    fn row_of(&mut self, partition: Option<i32>, whole: bool, wanted: impl Fn(&Row) -> bool) -> Row {
        let partition = partition.unwrap_or_else(|| self.dice.below(3) as i32);
        let source = self.id(partition);
        let free: Vec<&Row> = self
            .snapshot
            .rows
            .iter()
            .filter(|row| row.source == source && wanted(row))
            .filter(|row| !self.used.contains(&row.entry.key()) && !self.used.contains(&row.table))
            .filter(|row| !whole || self.keys_like(row).all(|key| !self.used.contains(key)))
            .collect();
        assert!(!free.is_empty(), "a row of partition {partition} that nobody has touched");
        let row = free[self.dice.below(free.len() as u64) as usize].clone();
        self.used.insert(row.entry.key());
        self.used.insert(row.table.clone());
        if whole {
            let keys: Vec<String> = self.keys_like(&row).cloned().collect();
            self.used.extend(keys);
        }
        row
    }

    fn keys_of(&self, table: &str) -> impl Iterator<Item = String> {
        self.snapshot.rows.iter().filter(move |row| row.table == table).map(|row| row.entry.key())
    }

    /// All keys of a row's product.
    fn keys_like(&self, row: &Row) -> impl Iterator<Item = &String> {
        let end = format!(":{}", row.entry.product);
        self.snapshot.stock.keys().filter(move |key| key.ends_with(&end))
    }

    /// A key that nobody has; `grown`: with entries since its earlier value.
    fn key(&mut self, at_rest: Option<bool>, grown: bool) -> String {
        let at_rest = at_rest.unwrap_or_else(|| self.dice.below(2) == 0);
        let mut free: Vec<&String> = self.snapshot.stock.keys().collect();
        free.retain(|key| key.contains(':') && !self.used.contains(*key));
        // Counters are judged apart from keys.
        free.retain(|key| is_at_rest(key) == at_rest && !key.contains(":R"));
        let at = |text: &String| text.split_once("\"at\"").map(|(_, at)| at.to_owned());
        let has_grown = |key: &&String| match self.earlier.get(*key) {
            Some(earlier) => at(earlier) != at(&self.snapshot.stock[*key]),
            None => false,
        };
        free.retain(|key| !grown || has_grown(key));
        assert!(!free.is_empty(), "a key that nobody has touched");
        let key = free[self.dice.below(free.len() as u64) as usize].clone();
        self.used.insert(key.clone());
        key
    }

    /// An offset of the partition at rest under which no entry stands.
    fn free_offset(&mut self) -> i64 {
        let source = self.id(STILL);
        let of_source = self.snapshot.rejected.iter().filter(|one| one.source == source);
        let free = of_source.map(|one| one.offset).find(|at| !self.used.contains(&format!("{source}@{at}")));
        let offset = free.expect("a message that was no entry");
        self.used.insert(format!("{source}@{offset}"));
        offset
    }

    /// Plants one thing.
    pub fn plant(&mut self, site: &Site, kind: Kind) -> Expected {
        use Kind::{
            BalancesChanged, BalancesDeleted, BalancesOffset, BillChanged, IdReused, RejectedDeleted,
            SourceDigest, SourceEntries, SourceSum, TotalsChanged, TotalsDeleted,
        };
        let db = site.ledger();
        let expected = match kind {
            SourceEntries | SourceSum | SourceDigest | RejectedDeleted | BillChanged => {
                self.counters(&db, kind)
            }
            TotalsChanged | TotalsDeleted | BalancesChanged | BalancesDeleted | BalancesOffset => {
                self.sums(&db, kind)
            }
            IdReused => self.id_reused(&db),
            _ if format!("{kind:?}").starts_with("Stock") => self.stock(site, kind),
            _ => self.rows(&db, kind),
        };
        db.close();
        expected
    }

    fn rows(&mut self, db: &Db, kind: Kind) -> Expected {
        let whole = matches!(kind, Kind::TableDropped | Kind::BusyTableDropped);
        let partition = match kind {
            Kind::RowDoubled | Kind::RowInvented | Kind::TableDropped => Some(STILL),
            Kind::BusyTableDropped => Some(self.dice.below(BUSY as u64) as i32),
            _ => None,
        };
        let row = self.row_of(partition, whole, |row| match kind {
            Kind::RowInDeleted => row.entry.drcr == 1,
            Kind::RowOutDeleted => row.entry.drcr == -1,
            _ => row.entry.quantity > 1,
        });
        let Row { table, source, offset, entry, .. } = &row;
        let at = format!("WHERE source_id = {source} AND source_offset = {offset}");
        let change = |what: &str| format!("UPDATE {table} SET {what} {at}");
        let (sql, cause) = match kind {
            Kind::RowInDeleted | Kind::RowOutDeleted => (format!("DELETE FROM {table} {at}"), "row_missing"),
            Kind::QuantityChanged => (change("quantity = quantity - 1"), "row_changed"),
            Kind::SignChanged => (change("drcr = -drcr"), "row_changed"),
            Kind::SignNone => (change("drcr = 0"), "row_changed"),
            Kind::RowOfNoSource => (change("source_id = 999"), "row_foreign"),
            Kind::RowOfTomorrow => (change("source_offset = 999999999"), "row_foreign"),
            Kind::TableDropped | Kind::BusyTableDropped => (format!("DROP TABLE {table}"), "table_missing"),
            _ => {
                let bill = if kind == Kind::RowDoubled { "bill_id" } else { "'nobody-sent-this'" };
                let sql = format!(
                    "INSERT INTO {table} (product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, \
                     source_id, source_offset) SELECT product_id, quantity, drcr, company_id, warehouse_id, {bill}, \
                     create_time, source_id, {} FROM {table} {at}",
                    self.free_offset()
                );
                (sql, "row_doubled")
            }
        };
        let busy = kind == Kind::BusyTableDropped;
        let dropped = busy.then(|| Dropped::drop(db, table, persist));
        if !busy {
            persist(db, &sql);
        }
        let mut also: Vec<String> = self.keys_of(table).collect();
        also.extend(self.keys_like(&row).filter(|_| busy).cloned());
        also.push(table.clone());
        let subject = match cause {
            "row_foreign" | "table_missing" => table.clone(),
            _ => entry.key(),
        };
        Expected { also, dropped, ..Expected::of(kind, vec![subject], cause, &["proposed"]) }
    }

    fn id_reused(&mut self, db: &Db) -> Expected {
        let first = self.row(Some(STILL), |row| row.entry.entry_id.is_some());
        let second = self.row(Some(STILL), |row| row.entry.product != first.entry.product);
        persist(
            db,
            &format!(
                "UPDATE {} SET entry_id = x'{}' WHERE source_id = {} AND source_offset = {}",
                second.table,
                first.entry.entry_id.as_deref().expect("an id"),
                second.source,
                second.offset
            ),
        );
        let tables = vec![first.table.clone(), second.table.clone()];
        // The row is another one now: the digest shows it, and the replay names it by its key.
        let also = vec![self.name(second.source), second.entry.key()];
        Expected { also, ..Expected::of(Kind::IdReused, tables, "entry_id_reused", &["none"]) }
    }

    fn counters(&mut self, db: &Db, kind: Kind) -> Expected {
        let source = self.id(COUNTERS);
        let change = |what: &str| format!("UPDATE sources SET {what} WHERE id = {source}");
        let mut also = Vec::new();
        let sql = match kind {
            Kind::SourceEntries => change("entries = entries + 1"),
            Kind::SourceSum => change("signed_quantity = signed_quantity - 4"),
            Kind::SourceDigest => change("digest = digest + 1"),
            Kind::RejectedDeleted => {
                format!(
                    "DELETE FROM rejected_entries WHERE source_id = {source} ORDER BY source_offset LIMIT 1"
                )
            }
            _ => {
                let row = self.row(Some(COUNTERS), |_| true);
                also.push(row.entry.key());
                let at = format!("source_id = {source} AND source_offset = {}", row.offset);
                format!("UPDATE {} SET bill_id = 'another' WHERE {at}", row.table)
            }
        };
        persist(db, &sql);
        Expected { also, ..Expected::of(kind, vec![self.name(source)], "source_wrong", &["proposed"]) }
    }

    fn sums(&mut self, db: &Db, kind: Kind) -> Expected {
        let row =
            self.row(matches!(kind, Kind::BalancesDeleted | Kind::BalancesOffset).then_some(STILL), |_| true);
        let (key, day, source) = (row.entry.key(), row.entry.day(), row.source);
        let (warehouse, product) = key.split_once(':').expect("a key");
        let at = format!("WHERE warehouse_id = '{warehouse}' AND product_id = '{product}'");
        let (sql, cause) = match kind {
            Kind::TotalsChanged => (
                format!("UPDATE day_totals SET in_quantity = in_quantity + 4 {at} AND day = '{day}'"),
                "totals_wrong",
            ),
            Kind::TotalsDeleted => (format!("DELETE FROM day_totals {at} AND day = '{day}'"), "totals_wrong"),
            Kind::BalancesDeleted => {
                (format!("DELETE FROM balances {at} AND source_id = {source}"), "balances_wrong")
            }
            _ => {
                let what = match kind {
                    Kind::BalancesOffset => "last_offset = last_offset - 1",
                    _ => "quantity = quantity - 9",
                };
                (format!("UPDATE balances SET {what} {at} AND source_id = {source}"), "balances_wrong")
            }
        };
        persist(db, &sql);
        Expected::of(kind, vec![key], cause, &["proposed"])
    }

    fn stock(&mut self, site: &Site, kind: Kind) -> Expected {
        let told = |key: String, cause, actions| Expected::of(kind, vec![key], cause, actions);
        if matches!(kind, Kind::StockInvented | Kind::StockInventedNegative) {
            let key = format!("W0:nobody{}", self.dice.next_number() % 1_000_000);
            return told(key.clone(), "stock_unknown_key", invented(site, &key, kind));
        }
        // What the writer itself would put right with the key's next entry is planted where no entry comes.
        let heals = matches!(kind, Kind::StockDeleted | Kind::StockRestored | Kind::StockEmptyAt);
        let key = self.key(heals.then_some(true), kind == Kind::StockRestored);
        let earlier = self.earlier.get(&key).cloned();
        let push = |by: i64, sum: bool| {
            swap(site, &key, |value| Some(moved(serde_json::from_str(value).expect("a value"), by, sum)));
        };
        let (cause, actions): (&'static str, &'static [&'static str]) = match kind {
            Kind::StockRaised => (push(7, false), ("stock_edited", &["proposed"] as &[_])).1,
            Kind::StockLowered => (push(-7, false), ("stock_edited", &["corrected"] as &[_])).1,
            Kind::StockSumRaised => (push(3, true), ("stock_doubled", &["proposed"] as &[_])).1,
            Kind::StockSumLowered => (push(-3, true), ("stock_lost", &["corrected"] as &[_])).1,
            Kind::StockDeleted => {
                swap(site, &key, |_| None);
                ("stock_lost", &["corrected"])
            }
            Kind::StockRestored => {
                let earlier = earlier.expect("it had a value before");
                swap(site, &key, |_| Some(earlier.clone()));
                ("stock_lost", &["corrected"])
            }
            Kind::StockWithoutAt => {
                swap(site, &key, |value| {
                    let mut value: serde_json::Value = serde_json::from_str(value).expect("a value");
                    value.as_object_mut().expect("an object").remove("at").expect("at");
                    Some(value.to_string())
                });
                ("stock_damaged", &["corrected"])
            }
            Kind::StockNoJson => {
                swap(site, &key, |_| Some("a hand was here".to_owned()));
                ("stock_damaged", &["corrected"])
            }
            _ => {
                let right = stock_value(site, &key);
                let right = right["base"].as_i64().expect("base") + right["change"].as_i64().expect("change");
                // Less than is right, and not nothing: a drift.
                let change = if right == 39 { 2 } else { 1 };
                swap(site, &key, |_| {
                    Some(json!({ "base": right - 40, "change": change, "at": {} }).to_string())
                });
                ("stock_edited", &["corrected", "proposed"])
            }
        };
        told(key, cause, actions)
    }
}

/// A value of a key without goods; answers what is done about it.
fn invented(site: &Site, key: &str, kind: Kind) -> &'static [&'static str] {
    let below = kind == Kind::StockInventedNegative;
    let value = json!({ "base": 0, "change": if below { -5 } else { 5 }, "at": {} }).to_string();
    swap(site, key, |_| Some(value.clone()));
    if below { &["corrected"] } else { &["proposed"] }
}

fn is_at_rest(key: &str) -> bool {
    key.contains(":Q") || key.contains(":R")
}

/// Runs a statement that a writer at work may be in the way of.
fn persist(db: &Db, sql: &str) {
    let mut last = String::new();
    for _ in 0..100 {
        match db.try_run(sql) {
            Ok(_) => return,
            Err(refused) => last = refused,
        }
    }
    panic!("{last}: {sql}");
}

/// Puts another value in the place of one that goes on changing; nothing that was counted in between is lost.
fn swap(site: &Site, key: &str, edit: impl Fn(&str) -> Option<String>) {
    const SWAP: &str = "local v = redis.call('GET', KEYS[1]) or '' \
        if v ~= ARGV[1] then return 0 end \
        if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end return 1";
    let mut redis = site.servers().redis.connect();
    for _ in 0..10_000 {
        let stands: Option<String> = redis::cmd("GET").arg(key).query(&mut redis).unwrap();
        let stands = stands.unwrap_or_default();
        let next = edit(&stands).unwrap_or_default();
        let mut call = redis::cmd("EVAL");
        call.arg(SWAP).arg(1).arg(key).arg(stands).arg(next);
        if call.query::<i64>(&mut redis).unwrap() == 1 {
            return;
        }
    }
    panic!("{key} never holds still");
}
