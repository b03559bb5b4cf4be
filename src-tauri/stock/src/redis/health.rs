//! What Redis says about itself: whether it lost data (the heartbeat's counter, called the sentinel, and the server's run
//! id) and whether its settings let it keep balances. Reads INFO only, which every user may; changes nothing but the
//! sentinel.

use std::collections::HashMap;

use ::redis::cluster_routing::Slot;
use ::redis::{ErrorKind, RedisResult, ServerErrorKind, Value, cmd};

use super::Redis;
use super::link::Conn;
use super::link::routed;
use crate::{Pulse, SENTINEL};
use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;

/// What was last seen of every node.
#[derive(Default)]
pub struct Memory {
    /// Sentinel key → its count.
    counts: HashMap<String, i64>,
    /// Sentinel key → the run id of the server that held it; the connection's number where INFO is not granted.
    runs: HashMap<String, String>,
}

impl Memory {
    /// Takes what a node says now; true when it forgot something since it was last asked.
    fn forgot(&mut self, key: String, count: i64, run: String) -> bool {
        let before = self.counts.insert(key.clone(), count);
        let other_run = self.runs.insert(key, run.clone()).is_some_and(|before| before != run);
        // INCR makes 1 of what is absent.
        count <= before.unwrap_or(0).max(1) || other_run
    }
}

/// First slots of the nodes that hold slots, in order. One server that is no cluster is the node of slot 0.
pub async fn nodes(conn: &Conn) -> RedisResult<Vec<u16>> {
    Ok(owners(conn).await?.into_iter().map(|ranges| ranges[0].0).collect())
}

/// Slot ranges per master, by first slot.
async fn owners(conn: &Conn) -> RedisResult<Vec<Vec<(u16, u16)>>> {
    if let Conn::Single(_) = conn {
        return Ok(vec![vec![(0, 16_383)]]);
    }
    let ranges: Vec<Vec<Value>> = cmd("CLUSTER").arg("SLOTS").query_async(&mut conn.clone()).await?;
    let mut owners: Vec<(Value, Vec<(u16, u16)>)> = Vec::new();
    for range in ranges {
        let [Value::Int(from), Value::Int(to), master, ..] = range.as_slice() else { continue };
        let (Ok(from), Ok(to)) = (u16::try_from(*from), u16::try_from(*to)) else { continue };
        match owners.iter_mut().find(|(owner, _)| owner == master) {
            Some((_, ranges)) => ranges.push((from, to)),
            None => owners.push((master.clone(), vec![(from, to)])),
        }
    }
    let mut owners: Vec<_> = owners.into_iter().map(|(_, ranges)| ranges).collect();
    owners.iter_mut().for_each(|ranges| ranges.sort_unstable());
    owners.sort_unstable();
    Ok(owners)
}

/// A sentinel key for every node, and a slot that leads there.
pub(super) async fn sentinels(conn: &Conn) -> RedisResult<Vec<(u16, String)>> {
    let owners = owners(conn).await?;
    if let Conn::Single(_) = conn {
        return Ok(vec![(0, SENTINEL.to_owned())]);
    }
    let mut nodes = HashMap::new();
    for (node, ranges) in owners.iter().enumerate() {
        for slot in ranges.iter().flat_map(|(from, to)| *from..=*to) {
            nodes.extend(Slot::new(slot).map(|slot| (slot, node)));
        }
    }
    let mut keys: Vec<Option<String>> = vec![None; owners.len()];
    // The braces' content alone decides the slot; every process finds the same keys for the same layout.
    for tag in 0..100_000 {
        if keys.iter().all(Option::is_some) {
            break;
        }
        let key = format!("{SENTINEL}{{{tag}}}");
        if let Some(node) = nodes.get(&Slot::for_key(&key)) {
            keys[*node].get_or_insert(key);
        }
    }
    Ok(owners.iter().zip(keys).filter_map(|(ranges, key)| Some((ranges[0].0, key?))).collect())
}

impl Redis {
    /// Moves every node's sentinel and compares it, and the server's run id, with what was last seen.
    pub(super) async fn beat(&self) -> Result<Pulse> {
        let (generation, conn) = self.link.conn().await?;
        let beats = match self.beats(&conn, generation).await {
            Ok(beats) => beats,
            Err(error) if wrong_sentinel(&error) => return Err(self.foreign_sentinel()),
            Err(error) => return Err(self.link.failed(generation, error).await),
        };
        let mut forgot = false;
        if let Ok(mut memory) = self.memory.lock() {
            for (key, count, run) in beats {
                forgot |= memory.forgot(key, count, run);
            }
        }
        if forgot {
            self.version.fetch_add(1, std::sync::atomic::Ordering::Release);
        }
        Ok(if forgot { Pulse::Forgot } else { Pulse::Steady })
    }

    async fn beats(&self, conn: &Conn, generation: u64) -> RedisResult<Vec<(String, i64, String)>> {
        let mut beats = Vec::new();
        for (slot, key) in sentinels(conn).await? {
            let mut info = cmd("INFO");
            info.arg("server");
            // The run id first: a restart between the two questions then shows at the next beat.
            let run = match routed::<String>(conn, slot, info).await {
                Ok(text) => parse(&text).remove("run_id").unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => {
                    generation.to_string()
                }
                Err(error) => return Err(error),
            };
            let count: i64 = cmd("INCR").arg(&key).query_async(&mut conn.clone()).await?;
            beats.push((key, count, run));
        }
        Ok(beats)
    }

    fn foreign_sentinel(&self) -> Error {
        let words = words!(
            "sentinel_foreign",
            "{sentinel} in Redis at {place} is no counter of ours. Delete that key.",
            sentinel = SENTINEL,
            place = self.link.place
        );
        Error::new(Code::Refused, words)
    }

    /// What the servers are, in words, and settings and states that would lose or refuse balances: what is wrong, and
    /// the cure.
    pub(super) async fn examine(&self, conn: &Conn) -> RedisResult<(Words, Vec<(Words, Words)>)> {
        let mut about = Vec::new();
        let mut found = Vec::new();
        let mut keys = vec!["LASTCHECK".to_owned()];
        for (slot, sentinel) in sentinels(conn).await? {
            let info = parse(&routed::<String>(conn, slot, cmd("INFO")).await?);
            found.extend(judge(&info, self.link.is_cluster()));
            about.push(describe(&info));
            keys.push(sentinel);
        }
        found.dedup();
        about.dedup();
        for key in keys {
            let kind: String = cmd("TYPE").arg(&key).query_async(&mut conn.clone()).await?;
            let mut wrong = kind != "none" && kind != "string";
            if kind == "string" && key.starts_with(SENTINEL) {
                let text: Option<String> = cmd("GET").arg(&key).query_async(&mut conn.clone()).await?;
                wrong = text.is_some_and(|text| text.parse::<i64>().is_err());
            }
            if wrong {
                let cause = words!(
                    "key_foreign",
                    "The key {key} in Redis is not what Twinstock keeps there ({kind}).",
                    key,
                    kind
                );
                found.push((cause, words!("cure_delete_key", "Delete or rename it: `DEL {key}`.", key)));
            }
        }
        Ok((Words::plain(about.join("; ")), found))
    }
}

fn wrong_sentinel(error: &::redis::RedisError) -> bool {
    let text = error.to_string();
    text.contains("WRONGTYPE") || text.contains("not an integer") || text.contains("would overflow")
}

/// INFO's lines by name.
fn parse(text: &str) -> HashMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// One server in words: name, version, and what keeps its balances.
fn describe(info: &HashMap<String, String>) -> String {
    let get = |name: &str| info.get(name).map(String::as_str);
    let server = match get("valkey_version") {
        Some(version) => format!("Valkey {version}"),
        None => format!("Redis {}", get("redis_version").unwrap_or("of an unknown version")),
    };
    let file = if get("aof_enabled") == Some("1") { "appendonly yes" } else { "appendonly no" };
    format!("{server}, maxmemory-policy {}, {file}", get("maxmemory_policy").unwrap_or("unknown"))
}

/// Findings of one server.
fn judge(info: &HashMap<String, String>, cluster: bool) -> Vec<(Words, Words)> {
    let get = |name: &str| info.get(name).map(String::as_str).unwrap_or_default();
    let number = |name: &str| get(name).parse::<u64>().unwrap_or(0);
    let mut found = states(info, cluster);
    let mut add = |cause: Words, cure: Words| found.push((cause, cure));
    let version = get("redis_version");
    if version.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major < 6) {
        add(
            words!("redis_too_old", "Redis {version} is too old.", version),
            words!("cure_redis_newer", "Use Redis 6 or newer, or Valkey."),
        );
    }
    let policy = get("maxmemory_policy");
    if !policy.is_empty() && policy != "noeviction" {
        add(
            words!(
                "redis_evicts",
                "Redis may delete balances when memory runs short (maxmemory-policy {policy}).",
                policy
            ),
            words!(
                "cure_noeviction",
                "Set `maxmemory-policy noeviction` in redis.conf, or `CONFIG SET maxmemory-policy noeviction`."
            ),
        );
    }
    let (limit, used) = (number("maxmemory"), number("used_memory"));
    if limit > 0 && used >= limit {
        add(
            words!(
                "redis_full_of",
                "Redis is full: {used} of {limit} bytes are used and changes are refused.",
                used,
                limit
            ),
            words!("cure_maxmemory", "Raise `maxmemory`, or free memory on that server."),
        );
    }
    if get("aof_enabled") == "0" {
        add(
            words!(
                "redis_not_durable",
                "Redis does not write its changes to disk as they come (appendonly no): a restart forgets balances, and rebuilding them from the ledger takes time."
            ),
            words!(
                "cure_appendonly",
                "Set `appendonly yes` and `appendfsync everysec` in redis.conf, or `CONFIG SET appendonly yes`."
            ),
        );
    }
    found
}

/// What a server cannot do just now, or where it stands in the wrong place.
fn states(info: &HashMap<String, String>, cluster: bool) -> Vec<(Words, Words)> {
    let get = |name: &str| info.get(name).map(String::as_str).unwrap_or_default();
    let mut found = Vec::new();
    let mut add = |cause: Words, cure: Words| found.push((cause, cure));
    let writes_fail = get("aof_last_write_status") == "err" || get("rdb_last_bgsave_status") == "err";
    if writes_fail {
        add(
            words!("redis_disk_failed", "Redis could not write to its disk the last time."),
            words!("cure_redis_disk", "Free space there and check its rights."),
        );
    }
    if get("loading") == "1" {
        add(
            words!("redis_loading", "Redis is still loading its data."),
            words!("cure_wait_ready", "Wait until it is ready."),
        );
    }
    if matches!(get("role"), "slave" | "replica") {
        add(
            words!("redis_replica", "This Redis is a replica and takes no changes."),
            words!("cure_primary", "Point [redis] url at the primary."),
        );
    }
    if get("cluster_enabled") == "1" && !cluster {
        add(
            words!("redis_in_cluster", "This Redis is part of a cluster, but the URL names one server."),
            words!("cure_cluster_url", "Write [redis] url as redis+cluster://host:port,host:port."),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentinel_absent_lower_or_another_run_means_forgot() {
        let mut memory = Memory::default();
        let mut see = |count: i64, run: &str| memory.forgot("s".into(), count, run.into());
        assert!(see(1, "a"), "absent at the first beat");
        assert!(!see(2, "a"));
        assert!(!see(5, "a"), "others count too");
        assert!(see(4, "a"), "an old snapshot");
        assert!(!see(5, "a"));
        assert!(see(6, "b"), "a restart or a failover");
        assert!(!see(7, "b"));
        assert!(!Memory::default().forgot("s".into(), 40, "a".into()), "joining a running store");
    }

    #[test]
    fn findings_name_cause_and_cure() {
        let sound = "redis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\nmaxmemory:0\r\naof_enabled:1\r\nrole:master";
        assert_eq!(judge(&parse(sound), false), []);
        let bad = "redis_version:5.0.1\r\nmaxmemory_policy:allkeys-lru\r\nmaxmemory:10\r\nused_memory:10\r\n\
                   aof_enabled:0\r\naof_last_write_status:err\r\nloading:1\r\nrole:slave\r\ncluster_enabled:1";
        assert_eq!(judge(&parse(bad), false).len(), 8);
    }
}
