//! Kafka brokers of a test's own, one or three, that may be killed, stopped and set back to an older copy of their
//! files. The jars are those that `cargo xtask` fetched; see .ci/xtask/src/servers/kafka.rs for the same recipe.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::processes::{Guard, copy_dir, free_port, signal, wait_for};
use crate::servers;

/// Some brokers that form one cluster.
pub struct Brokers {
    dir: PathBuf,
    classes: String,
    ports: Vec<u16>,
    running: Vec<Option<Guard>>,
}

/// Sixteen random bytes as Kafka writes them: base64 with `-` and `_`, not beginning with `-`.
fn kafka_uuid() -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let number = uuid::Uuid::new_v4().as_u128() >> 4;
    let letters = (0..21).rev().map(|at| LETTERS[(number >> (6 * at)) as usize & 63] as char);
    // 124 bits in 21 letters; the last letter of 22 holds but two bits.
    let text: String = letters.chain(['A']).collect();
    if text.starts_with('-') { kafka_uuid() } else { text }
}

impl Brokers {
    /// Formats and starts `count` brokers below `dir`; returns when all of them answer.
    pub fn start(dir: &Path, count: usize) -> Brokers {
        let ports: Vec<u16> = (0..2 * count).map(|_| free_port()).collect();
        let classes = format!("{}/*", servers::kafka_libs());
        let mut brokers =
            Brokers { dir: dir.to_owned(), classes, ports, running: (0..count).map(|_| None).collect() };
        brokers.format(count);
        for at in 0..count {
            brokers.spawn(at);
        }
        brokers.ready(count);
        brokers
    }

    /// Writes each broker's properties and lets Kafka format its folder, all at the same time.
    fn format(&self, count: usize) {
        let cluster = kafka_uuid();
        let voters: Vec<String> = (0..count)
            .map(|at| format!("{}@127.0.0.1:{}:{}", at + 1, self.ports[2 * at + 1], kafka_uuid()))
            .collect();
        let voters = voters.join(",");
        let who: &[&str] = if count > 1 { &["--initial-controllers", &voters] } else { &["--standalone"] };
        let formatting: Vec<Guard> = (0..count)
            .map(|at| {
                std::fs::create_dir_all(self.home(at)).unwrap();
                let conf = self.home(at).join("server.properties");
                std::fs::write(&conf, self.properties(at, count)).unwrap();
                let mut command = Command::new("java");
                command.args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", &self.classes]);
                command.args(["kafka.tools.StorageTool", "format"]).args(who);
                command.args(["-t", &cluster, "-c", &conf.display().to_string()]);
                Guard::start(&mut command, &self.home(at).join("format"))
            })
            .collect();
        for (at, mut guard) in formatting.into_iter().enumerate() {
            let words = || std::fs::read_to_string(self.home(at).join("format")).unwrap_or_default();
            assert!(guard.0.wait().unwrap().success(), "Kafka's folder cannot be formatted: {}", words());
        }
    }

    fn properties(&self, at: usize, count: usize) -> String {
        let controllers: Vec<String> =
            self.ports.iter().skip(1).step_by(2).map(|port| format!("127.0.0.1:{port}")).collect();
        let places = format!(
            "PLAINTEXT://127.0.0.1:{},CONTROLLER://127.0.0.1:{}",
            self.ports[2 * at],
            self.ports[2 * at + 1]
        );
        let lines = [
            "process.roles=broker,controller".to_owned(),
            format!("node.id={}", at + 1),
            format!("controller.quorum.bootstrap.servers={}", controllers.join(",")),
            format!("listeners={places}"),
            format!("advertised.listeners={places}"),
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
            "inter.broker.listener.name=PLAINTEXT".to_owned(),
            "controller.listener.names=CONTROLLER".to_owned(),
            format!("log.dirs={}", self.home(at).join("data").display()),
            "auto.create.topics.enable=false".to_owned(),
            format!("offsets.topic.replication.factor={count}"),
            "offsets.topic.num.partitions=3".to_owned(),
            format!("transaction.state.log.replication.factor={count}"),
            "transaction.state.log.min.isr=1".to_owned(),
            "transaction.state.log.num.partitions=3".to_owned(),
            "group.initial.rebalance.delay.ms=0".to_owned(),
            format!("min.insync.replicas={}", count.min(2)),
        ];
        lines.join("\n") + "\n"
    }

    fn home(&self, at: usize) -> PathBuf {
        self.dir.join(format!("broker-{}", at + 1))
    }

    fn spawn(&mut self, at: usize) {
        let log4j = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/xtask/kafka/log4j2.xml");
        let mut command = Command::new("java");
        command.args(["-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &self.classes]);
        command.arg(format!("-Dlog4j2.configurationFile={}", log4j.display())).arg("kafka.Kafka");
        command.arg(self.home(at).join("server.properties"));
        self.running[at] = Some(Guard::start(&mut command, &self.home(at).join("log")));
    }

    fn ready(&self, count: usize) {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.bootstrap())
            .set("log_level", "0")
            .create()
            .unwrap();
        wait_for("the test's own Kafka answers", Duration::from_secs(120), || {
            client
                .fetch_metadata(None, Duration::from_secs(2))
                .is_ok_and(|metadata| metadata.brokers().len() >= count)
        });
    }

    /// All brokers' addresses.
    pub fn bootstrap(&self) -> String {
        let places: Vec<String> =
            self.ports.iter().step_by(2).map(|port| format!("127.0.0.1:{port}")).collect();
        places.join(",")
    }

    /// kill -9.
    pub fn kill(&mut self, at: usize) {
        self.running[at].take();
    }

    /// SIGTERM, and waits until it has ended: everything is on its disk then.
    pub fn stop(&mut self, at: usize) {
        let Some(mut guard) = self.running[at].take() else { return };
        signal(guard.0.id(), "TERM");
        wait_for("the broker ends", Duration::from_secs(60), || guard.0.try_wait().unwrap().is_some());
    }

    /// Starts a broker again; returns when the whole cluster answers.
    pub fn up(&mut self, at: usize) {
        self.spawn(at);
        self.ready(self.running.len());
    }

    /// Which broker (counted from 0) leads a partition; `None` while there is no leader.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<usize> {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.bootstrap())
            .set("log_level", "0")
            .create()
            .unwrap();
        let metadata = client.fetch_metadata(Some(topic), Duration::from_secs(10)).ok()?;
        let found = metadata.topics().first()?.partitions().iter().find(|one| one.id() == partition)?;
        usize::try_from(found.leader() - 1).ok()
    }

    /// Copies a stopped broker's files aside.
    pub fn keep_copy(&self, at: usize, aside: &Path) {
        copy_dir(&self.home(at).join("data"), aside);
    }

    /// Puts a copy in the place of a stopped broker's files.
    pub fn put_back(&self, at: usize, aside: &Path) {
        std::fs::remove_dir_all(self.home(at).join("data")).unwrap();
        copy_dir(aside, &self.home(at).join("data"));
    }
}
