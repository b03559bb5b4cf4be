//! Corruption planted into a site's stores by hand, past the engine: one thing wrong each, with what a replay must say
//! of it. Picks its victims from a snapshot, so that two plants never meet in one row.

use std::collections::BTreeSet;

use crate::planted::{edited, put, stock_value};
use crate::site::Site;
use crate::snapshot::{Row, Snapshot};
use crate::sql::Db;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// An incoming row leaves its table.
    RowInDeleted,
    /// An outgoing row leaves its table.
    RowOutDeleted,
    /// A row stands a second time under an offset that no message has.
    RowDoubled,
    /// A row that nobody ever sent.
    RowInvented,
    /// A row's quantity is another.
    QuantityChanged,
    /// A row's sign is turned.
    SignChanged,
    /// A row's bill is another: no sum shows it.
    BillChanged,
    /// A rejected message is gone.
    RejectedDeleted,
    /// A day table is dropped.
    TableDropped,
    /// A row of `day_totals` has too much.
    TotalsChanged,
    /// A row of `day_totals` is gone.
    TotalsDeleted,
    /// A row of `balances` has too much.
    BalancesChanged,
    /// A source's counters are others.
    SourceChanged,
    /// Somebody adds to a stock value.
    StockRaised,
    /// Somebody takes from a stock value.
    StockLowered,
    /// A stock value is gone.
    StockDeleted,
    /// A source's sum in a stock value is another, and the quantity with it.
    StockSumChanged,
    /// A stock value without `at`.
    StockDamaged,
    /// A stock value of a key without goods.
    StockInvented,
}

/// Every kind.
pub const PLANTS: [Plant; 19] = [
    Plant::RowInDeleted,
    Plant::RowOutDeleted,
    Plant::RowDoubled,
    Plant::RowInvented,
    Plant::QuantityChanged,
    Plant::SignChanged,
    Plant::BillChanged,
    Plant::RejectedDeleted,
    Plant::TableDropped,
    Plant::TotalsChanged,
    Plant::TotalsDeleted,
    Plant::BalancesChanged,
    Plant::SourceChanged,
    Plant::StockRaised,
    Plant::StockLowered,
    Plant::StockDeleted,
    Plant::StockSumChanged,
    Plant::StockDamaged,
    Plant::StockInvented,
];

/// A finding as a replay must name it: kind, store, cause, subject, bill, source@offset.
pub type Named = (String, String, String, String, String, String);

/// Victims of one site: no row, key or table twice.
pub struct Victims {
    snapshot: Snapshot,
    used: BTreeSet<(i64, i64)>,
    keys: BTreeSet<String>,
    tables: BTreeSet<String>,
}

fn named(kind: &str, cause: &str, subject: &str, bill: &str, place: &str) -> Named {
    let store = if cause.starts_with("stock_") { "stock" } else { "ledger" };
    [kind, store, cause, subject, bill, place].map(str::to_owned).into()
}

impl Victims {
    /// From what stands now.
    pub fn of(site: &Site) -> Victims {
        Victims {
            snapshot: site.snapshot(),
            used: BTreeSet::new(),
            keys: BTreeSet::new(),
            tables: BTreeSet::new(),
        }
    }

    /// A row whose key and table nobody else has.
    pub fn row(&mut self, wanted: impl Fn(&Row) -> bool) -> Row {
        let free = self.snapshot.rows.iter().find(|row| {
            wanted(row)
                && !self.used.contains(&(row.source, row.offset))
                && !self.keys.contains(&row.entry.key())
                && !self.tables.contains(&row.table)
        });
        let row = free.expect("a row that nobody has touched").clone();
        self.used.insert((row.source, row.offset));
        self.keys.insert(row.entry.key());
        self.tables.insert(row.table.clone());
        row
    }

    /// A key with a stock value that nobody else has.
    pub fn key(&mut self) -> String {
        let free = self.snapshot.stock.keys().find(|key| key.contains(':') && !self.keys.contains(*key));
        let key = free.expect("a key that nobody has touched").clone();
        self.keys.insert(key.clone());
        key
    }

    fn name(&self, source: i64) -> String {
        let found = self.snapshot.sources.iter().find(|one| one.id == source);
        found.expect("the row's source").name.clone()
    }

    fn place(&self, row: &Row) -> String {
        format!("{}@{}", self.name(row.source), row.offset)
    }

    /// Plants one thing; answers what a replay must name.
    pub fn plant(&mut self, site: &Site, plant: Plant) -> Vec<Named> {
        let db = site.ledger();
        let findings = match plant {
            Plant::TotalsChanged | Plant::TotalsDeleted | Plant::BalancesChanged | Plant::SourceChanged => {
                self.sums(&db, plant)
            }
            Plant::StockRaised
            | Plant::StockLowered
            | Plant::StockDeleted
            | Plant::StockSumChanged
            | Plant::StockDamaged
            | Plant::StockInvented => self.stock(site, plant),
            _ => self.rows(&db, plant),
        };
        db.close();
        findings
    }

    fn rows(&mut self, db: &Db, plant: Plant) -> Vec<Named> {
        if plant == Plant::RejectedDeleted {
            return self.rejected(db);
        }
        let row = self.row(|row| match plant {
            Plant::RowInDeleted => row.entry.drcr == 1,
            Plant::RowOutDeleted => row.entry.drcr == -1,
            Plant::TableDropped => row.day.is_none(),
            Plant::QuantityChanged => row.entry.quantity > 1,
            _ => true,
        });
        let (key, bill, place) = (row.entry.key(), row.entry.bill.clone(), self.place(&row));
        let Row { table, source, offset, .. } = &row;
        let at = format!("WHERE source_id = {source} AND source_offset = {offset}");
        let one = |kind, cause| vec![named(kind, cause, &key, &bill, &place)];
        match plant {
            Plant::RowInDeleted | Plant::RowOutDeleted => {
                db.run(&format!("DELETE FROM {table} {at}"));
                one("missing", "row_missing")
            }
            Plant::RowDoubled | Plant::RowInvented => {
                let bill = if plant == Plant::RowDoubled { "bill_id" } else { "'nobody-sent-this'" };
                db.run(&format!(
                    "INSERT INTO {table} (product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, \
                     description, entry_id, source_id, source_offset{0}) SELECT product_id, quantity, drcr, company_id, \
                     warehouse_id, {bill}, create_time, description, NULL, source_id, source_offset + 1000000{0} \
                     FROM {table} {at}",
                    if row.day.is_some() { ", day" } else { "" }
                ));
                let place = format!("{}@{}", self.name(*source), offset + 1_000_000);
                match plant {
                    Plant::RowDoubled => vec![named("doubled", "row_doubled", &key, &row.entry.bill, &place)],
                    _ => vec![named("extra", "row_foreign", &key, "nobody-sent-this", &place)],
                }
            }
            Plant::QuantityChanged => {
                db.run(&format!("UPDATE {table} SET quantity = quantity - 1 {at}"));
                one("changed", "row_changed")
            }
            Plant::SignChanged => {
                db.run(&format!("UPDATE {table} SET drcr = -drcr {at}"));
                one("changed", "row_changed")
            }
            Plant::BillChanged => {
                db.run(&format!("UPDATE {table} SET bill_id = 'another' {at}"));
                one("changed", "row_changed")
            }
            _ => {
                db.run(&format!("DROP TABLE {table}"));
                let rows = self.snapshot.rows.iter().filter(|other| other.table == *table);
                let mut findings: Vec<Named> = rows
                    .map(|row| {
                        let entry = &row.entry;
                        named("missing", "table_missing", &entry.key(), &entry.bill, &self.place(row))
                    })
                    .collect();
                findings.push(named("missing", "table_missing", table, "", ""));
                findings
            }
        }
    }

    fn rejected(&mut self, db: &Db) -> Vec<Named> {
        // Of a duplicate whose own row is gone as well nobody could tell which of the two had been counted.
        let alone = self.used.is_empty();
        let free =
            self.snapshot.rejected.iter().find(|one| {
                !self.used.contains(&(one.source, one.offset)) && (alone || one.kind != "duplicate")
            });
        let one = free.expect("a rejected message").clone();
        self.used.insert((one.source, one.offset));
        let at = format!("WHERE source_id = {} AND source_offset = {}", one.source, one.offset);
        db.run(&format!("DELETE FROM rejected_entries {at}"));
        let name = self.name(one.source);
        vec![named("missing", "row_missing", &name, "", &format!("{name}@{}", one.offset))]
    }

    fn sums(&mut self, db: &Db, plant: Plant) -> Vec<Named> {
        if plant == Plant::SourceChanged {
            let source = self.snapshot.sources.iter().find(|source| source.entries > 0).expect("a source");
            db.run(&format!(
                "UPDATE sources SET entries = entries + 1, digest = digest - 1 WHERE id = {}",
                source.id
            ));
            return vec![named("changed", "source_wrong", &source.name, "", "")];
        }
        let row = self.row(|_| true);
        let (key, day) = (row.entry.key(), row.entry.day().to_owned());
        let (warehouse, product) = key.split_once(':').expect("a key");
        let at = format!("WHERE warehouse_id = '{warehouse}' AND product_id = '{product}'");
        match plant {
            Plant::BalancesChanged => {
                db.run(&format!(
                    "UPDATE balances SET quantity = quantity + 9 {at} AND source_id = {}",
                    row.source
                ));
                vec![named("changed", "balances_wrong", &key, "", "")]
            }
            Plant::TotalsDeleted => {
                db.run(&format!("DELETE FROM day_totals {at} AND day = '{day}'"));
                vec![named("missing", "totals_wrong", &key, "", "")]
            }
            _ => {
                db.run(&format!(
                    "UPDATE day_totals SET in_quantity = in_quantity + 4 {at} AND day = '{day}'"
                ));
                vec![named("changed", "totals_wrong", &key, "", "")]
            }
        }
    }

    fn stock(&mut self, site: &Site, plant: Plant) -> Vec<Named> {
        if plant == Plant::StockInvented {
            put(site, "W0:nobody", Some(r#"{"base":0,"change":5,"at":{}}"#));
            return vec![named("extra", "stock_unknown_key", "W0:nobody", "", "")];
        }
        let key = self.key();
        match plant {
            Plant::StockDeleted => {
                put(site, &key, None);
                vec![named("missing", "stock_lost", &key, "", "")]
            }
            Plant::StockRaised | Plant::StockLowered => {
                let by = if plant == Plant::StockRaised { 7 } else { -7 };
                put(site, &key, Some(&edited(site, &key, by, false)));
                vec![named("changed", "stock_edited", &key, "", "")]
            }
            Plant::StockDamaged => {
                let mut value = stock_value(site, &key);
                value.as_object_mut().expect("an object").remove("at").expect("at");
                put(site, &key, Some(&value.to_string()));
                vec![named("changed", "stock_damaged", &key, "", "")]
            }
            _ => {
                let value = stock_value(site, &key);
                let (name, state) = value["at"].as_object().expect("at").iter().next().expect("a source");
                put(site, &key, Some(&edited(site, &key, -3, true)));
                vec![named("missing", "stock_lost", &key, "", &format!("{name}@{}", state[0]))]
            }
        }
    }
}

/// The findings of a replay's JSON as they are compared.
pub fn findings(json: &serde_json::Value) -> Vec<Named> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let of = |finding: &serde_json::Value| {
        let place = match (finding["source"].as_str(), finding["offset"].as_i64()) {
            (Some(source), Some(offset)) => format!("{source}@{offset}"),
            _ => String::new(),
        };
        let [kind, store, cause, subject, bill] =
            ["kind", "store", "cause", "subject", "bill_id"].map(|name| text(&finding[name]));
        (kind, store, cause, subject, bill, place)
    };
    let mut all: Vec<Named> = json["findings"].as_array().expect("findings").iter().map(of).collect();
    all.sort();
    all
}
