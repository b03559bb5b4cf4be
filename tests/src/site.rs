//! One test's warehouse: a directory with its config.ini, the stores of its mode, and the ways to feed and judge
//! it. Standalone needs nothing; a cluster site has its own database, topic and Redis process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redb::{ReadableDatabase, ReadableTable};
use tempfile::TempDir;

use crate::daemon::{Daemon, Running};
use crate::kafka::TopicClient;
use crate::oracle::{Fault, Rules, judge};
use crate::processes::RedisServer;
use crate::servers;
use crate::snapshot::Snapshot;
use crate::sql::Db;
use crate::truth::{Message, Topic};

/// The cluster part of a site.
pub struct Cluster {
    /// The queue.
    pub topic: TopicClient,
    /// MySQL/MariaDB without a database.
    pub mysql: String,
    /// Our database there.
    pub database: String,
    /// Our Redis.
    pub redis: RedisServer,
    /// How many partitions `init` makes.
    pub partitions: i32,
}

/// A test's warehouse.
pub struct Site {
    /// The program with its config.ini.
    pub daemon: Daemon,
    /// Servers; `None` in standalone mode.
    pub cluster: Option<Cluster>,
    settings: Vec<(&'static str, String, String)>,
    dir: TempDir,
}

impl Site {
    /// Embedded stores.
    pub fn standalone() -> Site {
        Site::new(None)
    }

    /// Kafka and MariaDB of the test run, a Redis of its own.
    pub fn cluster(name: &str) -> Site {
        Site::cluster_on(name, &servers::mysql())
    }

    /// Like [`Site::cluster`], the ledger on another server.
    pub fn cluster_on(name: &str, mysql: &str) -> Site {
        Site::cluster_of(name, mysql, &servers::kafka())
    }

    /// Like [`Site::cluster`], ledger and queue on other servers.
    pub fn cluster_of(name: &str, mysql: &str, bootstrap: &str) -> Site {
        let name = servers::unique(name);
        let redis_home = tempfile::tempdir().unwrap().keep();
        let topic = TopicClient { bootstrap: bootstrap.to_owned(), name: name.clone() };
        Site::new(Some(Cluster {
            topic,
            mysql: mysql.to_owned(),
            database: name,
            redis: RedisServer::start(&redis_home),
            partitions: 3,
        }))
    }

    fn new(cluster: Option<Cluster>) -> Site {
        let dir = tempfile::tempdir().unwrap();
        let daemon = Daemon { config: dir.path().join("config.ini"), dir: dir.path().to_owned() };
        let mut site = Site { daemon, cluster, settings: Vec::new(), dir };
        let data = site.data_dir().display().to_string();
        site.set("app", "data_dir", data);
        // No audit by time comes in between, unless a test asks for it.
        site.set("audit", "expiration", u32::MAX);
        if let Some(cluster) = &site.cluster {
            let settings = [
                ("app", "mode", "cluster".to_owned()),
                ("kafka", "bootstrap_servers", cluster.topic.bootstrap.clone()),
                ("kafka", "topic", cluster.topic.name.clone()),
                ("kafka", "group_id", cluster.topic.name.clone()),
                ("kafka", "partitions", cluster.partitions.to_string()),
                ("mysql", "url", format!("{}/{}", cluster.mysql, cluster.database)),
                ("redis", "url", cluster.redis.url()),
            ];
            settings.into_iter().for_each(|(section, key, value)| site.set(section, key, value));
        }
        site
    }

    /// Is it a cluster?
    pub fn is_cluster(&self) -> bool {
        self.cluster.is_some()
    }

    /// The cluster part.
    pub fn servers(&self) -> &Cluster {
        self.cluster.as_ref().expect("a cluster site")
    }

    /// `[app] data_dir`.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Changes a setting and writes config.ini.
    pub fn set(&mut self, section: &'static str, key: &str, value: impl ToString) {
        self.settings.retain(|(s, k, _)| !(*s == section && k == key));
        self.settings.push((section, key.to_owned(), value.to_string()));
        write_config(&self.daemon.config, &self.settings);
    }

    /// A second daemon of the same site with a data directory of its own.
    pub fn second_daemon(&self) -> Daemon {
        self.other_daemon("second", &[])
    }

    /// Another daemon of the same site with a data directory of its own and some settings of its own.
    pub fn other_daemon(&self, name: &str, others: &[(&'static str, &str, &str)]) -> Daemon {
        let dir = self.dir.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let mut settings = self.settings.clone();
        settings.retain(|(_, key, _)| key != "data_dir" && others.iter().all(|(_, other, _)| key != other));
        settings.push(("app", "data_dir".into(), dir.join("data").display().to_string()));
        settings.extend(
            others.iter().map(|(section, key, value)| (*section, (*key).to_owned(), (*value).to_owned())),
        );
        write_config(&dir.join("config.ini"), &settings);
        Daemon { config: dir.join("config.ini"), dir }
    }

    /// `init`.
    #[track_caller]
    pub fn init(&self) {
        self.daemon.call(&["init"], "").expect(0);
    }

    /// Sends lines; standalone: they are counted when it returns. Demands the exit code.
    #[track_caller]
    pub fn send(&self, lines: &str, code: i32) -> crate::daemon::Output {
        self.daemon.call(&["send", "-"], lines).expect(code)
    }

    /// Puts raw messages into the queue as a foreign producer would, past all checks of ours. Standalone: into
    /// the outbox's table; no process may run.
    pub fn put_raw(&self, payloads: &[Vec<u8>]) {
        if let Some(cluster) = &self.cluster {
            let values: Vec<_> = payloads.iter().map(|payload| (Some(0), None, payload.clone())).collect();
            return cluster.topic.produce(&values);
        }
        let db = Db::sqlite(&self.file("outbox"));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let sql = format!(
            "INSERT INTO outbox(entry_id, key, payload, bill_id, product_id, quantity, drcr, saved_ms) \
             VALUES (randomblob(16), 'W:P', ?, '', '', 1, 1, {now})"
        );
        db.run("BEGIN");
        for payload in payloads {
            db.put_bytes(&sql, payload).unwrap();
        }
        db.run("COMMIT");
        db.close();
    }

    /// Runs the daemon until everything in the queue is counted, stops it, and demands that both stores are right.
    #[track_caller]
    pub fn count_all(&self) {
        if self.is_cluster() {
            let running = self.daemon.start();
            self.drain(&running, Duration::from_secs(60));
            running.stop(Duration::from_secs(6));
        } else {
            self.count_alone(Duration::from_secs(60));
        }
        self.must_be_right();
    }

    /// The embedded stock cannot be read beside the daemon: where it is not there yet, the daemon gets more time.
    #[track_caller]
    fn count_alone(&self, patience: Duration) {
        let ends = self.queue().ends;
        let (started, mut pause) = (Instant::now(), Duration::ZERO);
        while started.elapsed() < patience {
            let running = self.daemon.start();
            let db = self.ledger();
            while !drained(&db, &ends) {
                assert!(started.elapsed() < patience, "not counted in time:\n{}", running.words());
                std::thread::sleep(Duration::from_millis(50));
            }
            db.close();
            std::thread::sleep(pause);
            running.stop(Duration::from_secs(6));
            if self.faults(Rules::drained()).is_empty() {
                return;
            }
            pause = 2 * pause + Duration::from_millis(200);
        }
    }

    /// A connection to the ledger.
    pub fn ledger(&self) -> Db {
        match &self.cluster {
            Some(cluster) => Db::mysql(&format!("{}/{}", cluster.mysql, cluster.database)),
            None => Db::sqlite(&self.file("ledger")),
        }
    }

    /// The file of the data directory whose name begins so.
    pub fn file(&self, begins: &str) -> PathBuf {
        let names = std::fs::read_dir(self.data_dir()).expect("the data directory is there");
        let mut found: Vec<PathBuf> = names.map(|name| name.unwrap().path()).collect();
        found.retain(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            let aside = ["-wal", "-shm", "-journal", ".lock"].iter().any(|end| name.ends_with(end));
            name.starts_with(begins) && !aside && path.is_file()
        });
        assert_eq!(found.len(), 1, "{begins}* in {}: {found:?}", self.data_dir().display());
        found.remove(0)
    }

    /// Every key of the stock store, as stored. Standalone: no process may hold the file.
    pub fn stock(&self) -> BTreeMap<String, String> {
        match &self.cluster {
            Some(cluster) => redis_values(&mut cluster.redis.connect()),
            None => redb_values(&self.file("stock")),
        }
    }

    /// The queue's whole content.
    pub fn queue(&self) -> Topic {
        match &self.cluster {
            Some(cluster) => cluster.topic.replay(),
            None => outbox(&Db::sqlite(&self.file("outbox"))),
        }
    }

    /// Reads both stores and the queue (in this order, so that nothing is ahead) and judges.
    pub fn faults(&self, rules: Rules) -> Vec<Fault> {
        let stock = self.stock();
        let db = self.ledger();
        let snapshot = Snapshot::read(&db, stock);
        db.close();
        judge(&self.queue(), &snapshot, rules)
    }

    /// Both stores as they are now.
    pub fn snapshot(&self) -> Snapshot {
        let stock = self.stock();
        let db = self.ledger();
        let snapshot = Snapshot::read(&db, stock);
        db.close();
        snapshot
    }

    /// Judges by what the queue said before some of it was lost, and by what came later.
    #[track_caller]
    pub fn must_be_right_with(&self, before: &Topic) {
        let mut all = before.clone();
        for (partition, messages) in self.queue().messages {
            let known = all.messages.entry(partition).or_default();
            let last = known.last().map_or(-1, |message| message.offset);
            known.extend(messages.into_iter().filter(|message| message.offset > last));
            let end = known.last().map_or(0, |message| message.offset + 1);
            all.ends.insert(partition, end);
        }
        let faults = judge(&all, &self.snapshot(), Rules::drained());
        let shown: Vec<&Fault> = faults.iter().take(20).collect();
        assert!(faults.is_empty(), "{} faults, first: {shown:#?}", faults.len());
    }

    /// Demands that both stores hold exactly what the queue says.
    #[track_caller]
    pub fn must_be_right(&self) {
        let faults = self.faults(Rules::drained());
        let shown: Vec<&Fault> = faults.iter().take(20).collect();
        assert!(faults.is_empty(), "{} faults, first: {shown:#?}", faults.len());
    }

    /// Waits until a running daemon has counted everything in both stores; then demands that it is right.
    #[track_caller]
    pub fn drain(&self, running: &Running, patience: Duration) {
        let started = Instant::now();
        let ends = self.queue().ends;
        let db = self.ledger();
        while started.elapsed() < patience {
            if drained(&db, &ends) && self.faults(Rules::drained()).is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let faults = self.faults(Rules::drained());
        let shown: Vec<&Fault> = faults.iter().take(20).collect();
        assert!(faults.is_empty(), "not drained after {patience:?}: {shown:#?}\n{}", running.words());
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
            eprintln!("kept for a look: {}", dir.keep().display());
        }
        let Some(cluster) = &mut self.cluster else { return };
        cluster.redis.kill();
        std::fs::remove_dir_all(cluster.redis.home()).ok();
        if !std::thread::panicking() && std::net::TcpStream::connect(host_of(&cluster.mysql)).is_ok() {
            let server = Db::mysql(&cluster.mysql);
            server.try_run(&format!("DROP DATABASE IF EXISTS {}", cluster.database)).ok();
        }
    }
}

fn host_of(url: &str) -> String {
    url.rsplit(['/', '@']).next().unwrap_or_default().to_owned()
}

fn write_config(file: &Path, settings: &[(&'static str, String, String)]) {
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    for (section, key, value) in settings {
        sections.entry(section).or_default().push_str(&format!("{key} = {value}\n"));
    }
    let text: String = sections.iter().map(|(section, keys)| format!("[{section}]\n{keys}\n")).collect();
    std::fs::write(file, text).unwrap();
}

fn drained(db: &Db, ends: &BTreeMap<i32, i64>) -> bool {
    let sql = format!("SELECT {}, {} FROM sources", db.text("partition_no"), db.text("next_offset"));
    let rows = db.rows(&sql);
    let number = |cell: &Option<String>| cell.as_deref().unwrap().parse::<i64>().unwrap();
    let taken: BTreeMap<i32, i64> =
        rows.iter().map(|row| (number(&row[0]) as i32, number(&row[1]))).collect();
    ends.iter().all(|(partition, end)| *end == 0 || taken.get(partition) == Some(end))
}

fn redis_values(connection: &mut redis::Connection) -> BTreeMap<String, String> {
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(connection).unwrap();
    let mut values = BTreeMap::new();
    for key in keys {
        let kind: String = redis::cmd("TYPE").arg(&key).query(connection).unwrap();
        if kind == "string" {
            let value: Option<Vec<u8>> = redis::cmd("GET").arg(&key).query(connection).unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            values.insert(text(key), text(value.unwrap_or_default()));
        }
    }
    values
}

fn redb_values(file: &Path) -> BTreeMap<String, String> {
    const STOCK: redb::TableDefinition<&str, &[u8]> = redb::TableDefinition::new("stock");
    let database = redb::Builder::new().open(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let reading = database.begin_read().unwrap();
    let table = reading.open_table(STOCK).unwrap();
    let pairs = table.iter().unwrap().map(|pair| {
        let (key, value) = pair.unwrap();
        (key.value().to_owned(), String::from_utf8_lossy(value.value()).into_owned())
    });
    pairs.collect()
}

/// The outbox read as a queue of one partition: offset = seq - 1.
fn outbox(db: &Db) -> Topic {
    let sql = format!(
        "SELECT {}, {}, {} FROM outbox ORDER BY seq",
        db.text("seq"),
        db.hex("payload"),
        db.text("saved_ms")
    );
    let mut topic = Topic { name: "outbox".into(), ..Topic::default() };
    let messages = db.rows(&sql).into_iter().map(|line| Message {
        offset: line[0].as_deref().unwrap().parse::<i64>().unwrap() - 1,
        timestamp_ms: line[2].as_deref().map(|text| text.parse().unwrap()),
        payload: unhex(line[1].as_deref().unwrap_or_default()),
    });
    let messages: Vec<Message> = messages.collect();
    topic.ends.insert(0, messages.last().map_or(0, |message| message.offset + 1));
    topic.messages.insert(0, messages);
    topic
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}
