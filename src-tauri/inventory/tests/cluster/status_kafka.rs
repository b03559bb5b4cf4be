//! A status that is asked again and again on a real Kafka, MySQL/MariaDB and Redis, while the clock stands still: what
//! is remembered from one question to the next must never hide a change. Fails without the servers, which are named by
//! TWINSTOCK_TEST_KAFKA, TWINSTOCK_TEST_MYSQL_URL and TWINSTOCK_TEST_REDIS_URL.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime};
use inventory::config::{Config, Mode};
use inventory::writer::status::State;
use inventory::{Clock, Engine, Parts, SourceStatus, setup};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{FutureProducer, FutureRecord};
use sqlx::{Connection, Executor, MySqlConnection};
use uuid::Uuid;

/// A clock that is moved by hand.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn wall(&self) -> NaiveDateTime {
        DateTime::from_timestamp_millis(self.epoch_ms()).unwrap().naive_utc()
    }

    fn epoch_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("set {name} to a server for tests (cargo xtask services)"))
}

fn config(folder: &std::path::Path) -> Config {
    let name = Uuid::new_v4().simple().to_string();
    let mysql = variable("TWINSTOCK_TEST_MYSQL_URL");
    let server = mysql.split_once("://").unwrap().1.split('/').next().unwrap();
    let redis = variable("TWINSTOCK_TEST_REDIS_URL");
    let (redis, _) = redis.rsplit_once('/').unwrap();
    Config {
        mode: Mode::Cluster,
        data_dir: folder.to_path_buf(),
        bootstrap_servers: variable("TWINSTOCK_TEST_KAFKA"),
        topic: format!("status-{name}"),
        group_id: format!("group-{name}"),
        partitions: 1,
        mysql_url: format!("mysql://{server}/status_{name}"),
        redis_url: format!("{redis}/9"),
        ..Config::default()
    }
}

/// The sources once `wanted` holds of them; the clock stands still meanwhile.
async fn until(engine: &Engine, what: &str, wanted: impl Fn(&[SourceStatus]) -> bool) -> Vec<SourceStatus> {
    let mut last = String::new();
    for _ in 0..600 {
        match engine.status().await {
            Ok(status) if wanted(&status.sources) => return status.sources,
            other => last = format!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("waited a minute and more for {what}: {last}");
}

/// Waits until the ledger itself has counted up to `offset`. A status on the way would read a message that is not the last
/// one yet, and would then believe for a while that the rest is right too.
async fn counted(engine: &Engine, offset: i64) {
    for _ in 0..600 {
        let sources = engine.ledger().sources().await.unwrap();
        if !sources.is_empty() && sources.iter().all(|source| source.next_offset >= offset) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("waited a minute and more for the count up to {offset}");
}

async fn produce(config: &Config, count: usize) {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &config.bootstrap_servers).set("acks", "all");
    let producer: FutureProducer = client.create().unwrap();
    for number in 0..count {
        let payload = format!("no entry {number}");
        let record = FutureRecord::to(&config.topic).partition(0).key("k").payload(&payload);
        producer.send(record, Duration::from_secs(30)).await.unwrap();
    }
}

async fn sql(config: &Config, statement: &str) {
    let mut connection = MySqlConnection::connect(&config.mysql_url).await.unwrap();
    assert_eq!(connection.execute(sqlx::raw_sql(statement)).await.unwrap().rows_affected(), 1);
    connection.close().await.unwrap();
}

/// The client library's clients of this process, by the threads that each of them has.
#[cfg(target_os = "linux")]
fn clients() -> std::collections::BTreeSet<String> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().path());
    let main = |path: &std::path::PathBuf| {
        std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "rdk:main")
    };
    threads.filter(main).map(|path| path.display().to_string()).collect()
}

/// Asked again and again, it asks over one client.
#[cfg(target_os = "linux")]
async fn keeps_its_client(asking: &Engine) {
    asking.status().await.unwrap();
    // Those of `init` may be at their end yet.
    let mut first = clients();
    for _ in 0..100 {
        if first.len() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        first = clients();
    }
    assert_eq!(first.len(), 1, "{first:?}");
    for _ in 0..5 {
        asking.status().await.unwrap();
        assert_eq!(clients(), first);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_hides_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let clock = Arc::new(Hand(AtomicI64::new(1_760_000_000_000)));
    setup::init(config.clone(), "status-test", clock.clone(), |_, _| {}).await.unwrap();
    let asking = Engine::open(config.clone(), Parts::Stores, "asking", clock.clone()).await.unwrap();
    #[cfg(target_os = "linux")]
    keeps_its_client(&asking).await;
    let state = |wanted: State| move |sources: &[SourceStatus]| sources.iter().all(|one| one.state == wanted);
    let first = asking.status().await.unwrap().sources;
    assert!(!first.is_empty() && state(State::Paused)(&first), "nobody consumes: {first:?}");

    let writing = Engine::open(config.clone(), Parts::Writer, "writing", clock.clone()).await.unwrap();
    let running = writing.start().await.unwrap();
    until(&asking, "a consumer", state(State::Running)).await;
    produce(&config, 20).await;
    counted(&asking, 20).await;
    running.stop().await;

    // Something waits: the last message is read again, and is the right one.
    produce(&config, 5).await;
    let waiting = until(&asking, "what waits", |sources| sources[0].end_offset >= Some(25)).await;
    assert!(waiting[0].next_offset < 25 && waiting[0].state == State::Running, "{waiting:?}");
    sql(&config, "UPDATE sources SET last_hash = -1 - last_hash").await;
    for _ in 0..2 {
        let other = asking.status().await.unwrap().sources;
        assert_eq!(other[0].state, State::Stopped, "another message was counted: {other:?}");
    }
    sql(&config, "UPDATE sources SET last_hash = -1 - last_hash").await;
    assert_eq!(asking.status().await.unwrap().sources[0].state, State::Running);

    // Whoever consumed is believed in for a while; when that has passed, the group is asked and has nobody.
    for _ in 0..600 {
        clock.0.fetch_add(10_000, Ordering::SeqCst);
        if asking.status().await.unwrap().sources[0].state == State::Paused {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(asking.status().await.unwrap().sources[0].state, State::Paused);

    // Another life of the topic is another source.
    let mut client = ClientConfig::new();
    let admin: AdminClient<DefaultClientContext> =
        client.set("bootstrap.servers", &config.bootstrap_servers).create().unwrap();
    for gone in admin.delete_topics(&[&config.topic], &AdminOptions::new()).await.unwrap() {
        gone.unwrap();
    }
    setup::init(config.clone(), "status-test", clock.clone(), |_, _| {}).await.unwrap();
    let gone = |one: &SourceStatus| one.end_offset.is_none() && one.state == State::Stopped;
    until(&asking, "the new life", |sources| sources.iter().any(gone) && sources.len() > 1).await;
    let name = config.mysql_url.rsplit_once('/').unwrap().1.to_owned();
    let mut connection = MySqlConnection::connect(&config.mysql_url).await.unwrap();
    connection.execute(sqlx::raw_sql(&format!("DROP DATABASE {name}"))).await.unwrap();
}
