//! Under which conditions a run took place: machine, servers with the settings that decide, build, options. A figure
//! without them says nothing.

use std::fs;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::Options;
use crate::place::Place;
use crate::usage::cores;

/// Settings of MariaDB that decide how durable and how fast it is.
const MARIADB: [&str; 12] = [
    "version",
    "innodb_flush_log_at_trx_commit",
    "innodb_buffer_pool_size",
    "innodb_log_file_size",
    "innodb_doublewrite",
    "innodb_flush_method",
    "log_bin",
    "sync_binlog",
    "max_allowed_packet",
    "table_open_cache",
    "character_set_server",
    "performance_schema",
];
const REDIS: [&str; 4] = ["appendonly", "appendfsync", "maxmemory-policy", "save"];

fn read_line(path: &str, begins: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(begins)).unwrap_or_default();
    line.trim_start_matches(begins).trim_start_matches([':', '\t', ' ']).trim().to_owned()
}

/// Machine, servers and build.
pub fn machine(place: &Place, release: bool) -> Result<Value> {
    let profile = if release { "release" } else { "not release: figures of no worth" };
    Ok(json!({
        "cores": cores(),
        "cpu": read_line("/proc/cpuinfo", "model name"),
        "memory": read_line("/proc/meminfo", "MemTotal"),
        "kernel": read_line("/proc/sys/kernel/osrelease", ""),
        "system": read_line("/etc/os-release", "PRETTY_NAME=").trim_matches('"'),
        "load_at_start": read_line("/proc/loadavg", ""),
        "build": profile,
        "mariadb": mariadb(place)?,
        "redis": redis_settings(place)?,
        "kafka": kafka(place),
    }))
}

/// Reads everything.
pub fn read(place: &Place, options: &Options) -> Result<Value> {
    let more = json!({
        "partitions": crate::data::PARTITIONS,
        "warehouses": crate::data::WAREHOUSES,
        "options": {
            "batch": options.batch, "raw_batch": options.raw_batch, "day_tables": options.day_tables,
            "in_order": options.in_order, "entry_ids": !options.no_ids, "latency_rate": options.latency_rate,
        },
    });
    let mut all = machine(place, options.places.release())?;
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    Ok(all)
}

fn mariadb(place: &Place) -> Result<Value> {
    let list = MARIADB.map(|name| format!("'{name}'")).join(",");
    let rows = place.db("")?.rows(&format!("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({list})"))?;
    let pairs = rows.into_iter().filter_map(|row| {
        let mut cells = row.into_iter();
        Some((cells.next()??, Value::from(cells.next()??)))
    });
    Ok(Value::Object(pairs.collect()))
}

fn redis_settings(place: &Place) -> Result<Value> {
    let mut connection = place.stock(false)?;
    let info: String = redis::cmd("INFO").arg("server").query(&mut connection)?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or_default();
    let mut settings = Map::from_iter([("version".to_owned(), Value::from(version.trim()))]);
    for name in REDIS {
        let pair: Vec<String> = redis::cmd("CONFIG").arg("GET").arg(name).query(&mut connection)?;
        settings.insert(name.to_owned(), pair.get(1).cloned().into());
    }
    Ok(Value::Object(settings))
}

/// The broker does not tell its version; the name of its jar does.
fn kafka(place: &Place) -> Value {
    let pid = place.pids.iter().find(|(name, _)| *name == "kafka").map_or(0, |(_, pid)| *pid);
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let jars = line.split('\0').find_map(|arg| arg.strip_suffix("/*")).unwrap_or_default();
    let names = fs::read_dir(jars).into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let version = names.filter_map(|name| {
        let version = name.strip_prefix("kafka_2.13-")?.strip_suffix(".jar")?;
        Some(version.to_owned())
    });
    let heap = line.split('\0').find(|arg| arg.starts_with("-Xmx")).unwrap_or_default();
    json!({ "version": version.last(), "heap": heap, "compression": "lz4" })
}

/// One line for each.
pub fn print(conditions: &Value) {
    println!("conditions");
    for (name, value) in conditions.as_object().into_iter().flatten() {
        match value {
            Value::Object(parts) => {
                let parts: Vec<String> =
                    parts.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect();
                println!("  {name:<14} {}", parts.join(", "));
            }
            value => println!("  {name:<14} {}", plain(value)),
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
