//! The place in a cluster: a topic of two partitions, a database in MariaDB, database 9 of Redis. A restored ledger is
//! another database, copied table by table.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use inventory::ledger::{Ledger, Limits};
use inventory::queue::kafka::{KafkaQueue, KafkaSettings, ensure_topic};
use inventory::queue::{Event, Queue, SourceIdentity};
use inventory::stock::Stock;
use inventory::stock::redis::Redis;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use sqlx::{Connection, Executor, MySqlConnection, Row};
use uuid::Uuid;

use super::replay::Log;
use super::site::{Kept, Posted, Site};

const PARTITIONS: i32 = 2;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("set {name} to a server for tests (cargo xtask services)"))
}

pub struct ClusterSite {
    mark: String,
    limits: Limits,
    topic: String,
    producer: FutureProducer,
    queue: Arc<KafkaQueue>,
    sources: Vec<SourceIdentity>,
    logs: Vec<Log>,
    mysql: String,
    database: String,
    databases: Vec<String>,
    kept: Option<String>,
    ledger: Arc<Ledger>,
    raw: redis::aio::MultiplexedConnection,
    stock: Arc<dyn Stock>,
}

/// Waits until the server has noticed that an aborted writer is gone: nothing runs in this database, and no
/// transaction is open.
async fn at_peace(connection: &mut MySqlConnection, database: &str) {
    let busy = format!(
        "SELECT COUNT(*) FROM information_schema.processlist p \
         LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id \
         WHERE p.db = '{database}' AND (p.command <> 'Sleep' OR t.trx_id IS NOT NULL)"
    );
    // The server renews its list only when nobody has read it for a tenth of a second.
    for _ in 0..200 {
        let row = connection.fetch_one(sqlx::raw_sql(&busy)).await.unwrap();
        if row.get::<i64, _>(0) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    panic!("{database} is not left alone within half a minute");
}

async fn assigned(queue: &KafkaQueue) -> Vec<SourceIdentity> {
    let wait = async {
        loop {
            match queue.event().await.expect("the queue ended") {
                Event::Assigned(sources) => return sources,
                Event::Revoked(_) | Event::Trouble(_) => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("an assignment within a minute")
}

impl ClusterSite {
    pub async fn open(day_tables: usize) -> Self {
        let name = Uuid::new_v4().simple().to_string();
        let topic = format!("story-{name}");
        let bootstrap_servers = variable("TWINSTOCK_TEST_KAFKA");
        let mut config = ClientConfig::new();
        let config = config.set("bootstrap.servers", &bootstrap_servers).set("acks", "all");
        let producer = config.set("enable.idempotence", "true").create().unwrap();
        let settings = KafkaSettings {
            bootstrap_servers,
            topic: topic.clone(),
            group_id: format!("group-{name}"),
            instance_id: name.clone(),
            properties: Vec::new(),
        };
        ensure_topic(&settings, PARTITIONS, 1).await.unwrap();
        let queue = Arc::new(KafkaQueue::start(settings).unwrap());
        let mut sources = assigned(&queue).await;
        sources.sort_by_key(|source| source.partition);
        assert_eq!(sources.len(), PARTITIONS as usize);
        let url = variable("TWINSTOCK_TEST_MYSQL_URL");
        let server = url.split_once("://").unwrap().1.split('/').next().unwrap();
        let mysql = format!("mysql://{server}/");
        let database = format!("story_{name}");
        let limits = Limits { day_tables, oldest_days: 36_600, newest_days: 2 };
        let ledger = Ledger::open_mysql(&format!("{mysql}{database}"), None, limits).unwrap();
        ledger.init().await.unwrap();
        let redis_url = variable("TWINSTOCK_TEST_REDIS_URL");
        let (server, _) = redis_url.rsplit_once('/').unwrap();
        let redis_url = format!("{server}/9");
        let client = redis::Client::open(redis_url.as_str()).unwrap();
        let mut raw = client.get_multiplexed_async_connection().await.unwrap();
        let _: () = redis::cmd("FLUSHDB").query_async(&mut raw).await.unwrap();
        ClusterSite {
            mark: name[..6].to_owned(),
            limits,
            topic,
            producer,
            queue,
            sources,
            logs: vec![Vec::new(); PARTITIONS as usize],
            mysql,
            databases: vec![database.clone()],
            database,
            kept: None,
            ledger: Arc::new(ledger),
            raw,
            stock: Arc::new(Redis::open(&redis_url, None).unwrap()),
        }
    }

    /// Copies a whole database into a new one.
    async fn copied(&mut self, from: &str) -> String {
        let to = format!("story_{}", Uuid::new_v4().simple());
        self.databases.push(to.clone());
        let mut connection = MySqlConnection::connect(&self.mysql).await.unwrap();
        at_peace(&mut connection, from).await;
        let mut script = format!("CREATE DATABASE {to};");
        for row in connection.fetch_all(sqlx::raw_sql(&format!("SHOW TABLES FROM {from}"))).await.unwrap() {
            let table: String = row.get(0);
            script.push_str(&format!(
                "CREATE TABLE {to}.{table} LIKE {from}.{table}; INSERT INTO {to}.{table} SELECT * FROM {from}.{table};"
            ));
        }
        connection.execute(sqlx::raw_sql(&script)).await.unwrap();
        connection.close().await.unwrap();
        to
    }
}

#[async_trait]
impl Site for ClusterSite {
    /// Redis is the same for all stories: a late call of an earlier one must not reach a key of this one.
    fn mark(&self) -> &str {
        &self.mark
    }

    async fn post(&mut self, lines: Vec<Posted>) {
        let mut answers = Vec::new();
        for line in &lines {
            // A key has its partition, so that the order of a key's entries is that of the bills.
            let partition = line.key.bytes().fold(0i32, |sum, byte| sum ^ i32::from(byte)) % PARTITIONS;
            let record =
                FutureRecord::to(&self.topic).partition(partition).key(&line.key).payload(&line.payload);
            answers.push(self.producer.send_result(record).map_err(|(error, _)| error).unwrap());
        }
        for (answer, line) in answers.into_iter().zip(lines) {
            let delivered = answer.await.unwrap().map_err(|(error, _)| error).unwrap();
            self.logs[delivered.partition as usize].push((delivered.offset, line.payload));
        }
    }

    async fn logs(&self) -> Vec<(SourceIdentity, Log)> {
        self.sources.iter().cloned().zip(self.logs.iter().cloned()).collect()
    }

    fn queue(&self) -> Arc<dyn Queue> {
        Arc::clone(&self.queue) as Arc<dyn Queue>
    }

    fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    fn stock(&self) -> Arc<dyn Stock> {
        Arc::clone(&self.stock)
    }

    async fn fill_stock(&mut self, kept: &Kept) {
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("FLUSHDB").ignore();
        for (key, value) in kept {
            pipe.set(key, value).ignore();
        }
        let _: () = pipe.query_async(&mut self.raw).await.unwrap();
    }

    async fn keep_ledger(&mut self) {
        let from = self.database.clone();
        self.kept = Some(self.copied(&from).await);
    }

    async fn restore_ledger(&mut self) {
        let Some(kept) = self.kept.clone() else { return };
        self.database = self.copied(&kept).await;
        let url = format!("{}{}", self.mysql, self.database);
        self.ledger = Arc::new(Ledger::open_mysql(&url, None, self.limits).unwrap());
    }

    async fn end(&mut self) {
        self.queue.close().await;
        let mut connection = MySqlConnection::connect(&self.mysql).await.unwrap();
        let script: String =
            self.databases.iter().map(|name| format!("DROP DATABASE IF EXISTS {name};")).collect();
        connection.execute(sqlx::raw_sql(&script)).await.unwrap();
    }
}
