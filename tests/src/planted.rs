//! Corruption as a test plants it behind everybody's back: values written into the stock, the ledger copied and put
//! back.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::site::Site;

/// Writes or deletes a value of the stock behind everybody's back. Standalone: no process may hold the file.
pub fn put(site: &Site, key: &str, value: Option<&str>) {
    if let Some(cluster) = &site.cluster {
        let mut redis = cluster.redis.connect();
        match value {
            Some(value) => redis::cmd("SET").arg(key).arg(value).exec(&mut redis).unwrap(),
            None => redis::cmd("DEL").arg(key).exec(&mut redis).unwrap(),
        }
        return;
    }
    const STOCK: redb::TableDefinition<&str, &[u8]> = redb::TableDefinition::new("stock");
    let database = redb::Builder::new().open(site.file("stock")).unwrap();
    let writing = database.begin_write().unwrap();
    {
        let mut table = writing.open_table(STOCK).unwrap();
        match value {
            Some(value) => drop(table.insert(key, value.as_bytes()).unwrap()),
            None => drop(table.remove(key).unwrap()),
        }
    }
    writing.commit().unwrap();
}

/// A value of the stock.
pub fn stock_value(site: &Site, key: &str) -> Value {
    serde_json::from_str(&site.stock()[key]).unwrap()
}

/// The value as it stands with `change` moved by `by`, and with it the sum of its first source when `sum` says so.
pub fn edited(site: &Site, key: &str, by: i64, sum: bool) -> String {
    moved(stock_value(site, key), by, sum)
}

/// The same of any value.
pub fn moved(mut value: Value, by: i64, sum: bool) -> String {
    value["change"] = json!(value["change"].as_i64().unwrap() + by);
    if sum {
        let at = value["at"].as_object_mut().unwrap();
        let entry = at.values_mut().next().unwrap();
        entry[1] = json!(entry[1].as_i64().unwrap() + by);
    }
    value.to_string()
}

/// The stock's balances apart from the fold: key → (quantity, at).
pub fn quantities(site: &Site) -> BTreeMap<String, (i64, Value)> {
    let ours = site.stock().into_iter().filter(|(key, _)| key.contains(':'));
    let read = |(key, text): (String, String)| {
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let quantity = value["base"].as_i64().unwrap_or(0) + value["change"].as_i64().unwrap_or(0);
        (key, (quantity, value["at"].clone()))
    };
    ours.map(read).collect()
}

/// The ledger as it was: SQLite's file, or every table's rows beside it.
pub enum Backup {
    /// SQLite's file.
    File(Vec<u8>),
    /// Tables whose rows stand beside them.
    Tables(Vec<String>),
}

impl Backup {
    /// Copies everything. No daemon may write.
    pub fn take(site: &Site) -> Backup {
        let db = site.ledger();
        if !site.is_cluster() {
            db.run("PRAGMA wal_checkpoint(TRUNCATE)");
            db.close();
            return Backup::File(std::fs::read(site.file("ledger")).unwrap());
        }
        let rows = db.rows(&format!("SELECT {} FROM ledger_tables", db.text("table_name")));
        let mut names: Vec<String> = rows.into_iter().map(|row| row[0].clone().unwrap()).collect();
        names.extend(["sources", "balances", "day_totals"].map(str::to_owned));
        for name in &names {
            db.run(&format!("DROP TABLE IF EXISTS kept_{name}"));
            db.run(&format!("CREATE TABLE kept_{name} LIKE {name}"));
            db.run(&format!("INSERT INTO kept_{name} SELECT * FROM {name}"));
        }
        db.close();
        Backup::Tables(names)
    }

    /// Puts everything back as it was.
    pub fn put_back(self, site: &Site) {
        match self {
            Backup::File(bytes) => {
                let file = site.file("ledger");
                for end in ["-wal", "-shm"] {
                    std::fs::remove_file(format!("{}{end}", file.display())).ok();
                }
                std::fs::write(file, bytes).unwrap();
            }
            Backup::Tables(names) => {
                let db = site.ledger();
                for name in names {
                    db.run(&format!("DROP TABLE IF EXISTS {name}"));
                    db.run(&format!("RENAME TABLE kept_{name} TO {name}"));
                }
                db.close();
            }
        }
    }
}
