//! One Kafka broker of a test's own, at a port that stays, so that it may be killed and started again. The jars are
//! those that `cargo xtask` fetched; .ci/xtask/src/servers/kafka.rs has the same recipe.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::processes::{Guard, free_port, wait_for};
use crate::servers;

/// A broker that is its own controller.
pub struct OwnKafka {
    dir: PathBuf,
    classes: String,
    port: u16,
    process: Option<Guard>,
}

impl OwnKafka {
    /// Formats and starts one in `dir`.
    pub fn start(dir: &Path) -> OwnKafka {
        let libs = servers::programs().join("../services/kafka-libs");
        assert!(libs.exists(), "{} is missing: run `cargo xtask services up` once", libs.display());
        std::fs::create_dir_all(dir).unwrap();
        let (port, controller) = (free_port(), free_port());
        let classes = format!("{}/*", libs.display());
        let mut broker = OwnKafka { dir: dir.to_owned(), classes, port, process: None };
        let places = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
        let properties = format!(
            "process.roles=broker,controller\nnode.id=1\n\
             controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n\
             listeners={places}\nadvertised.listeners={places}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             inter.broker.listener.name=PLAINTEXT\ncontroller.listener.names=CONTROLLER\n\
             log.dirs={}\nauto.create.topics.enable=false\n\
             offsets.topic.replication.factor=1\noffsets.topic.num.partitions=3\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\n",
            dir.join("data").display()
        );
        std::fs::write(broker.properties(), properties).unwrap();
        let cluster = broker.tool(&["random-uuid"]);
        let conf = broker.properties().display().to_string();
        broker.tool(&["format", "--standalone", "-t", cluster.trim(), "-c", &conf]);
        broker.up();
        broker
    }

    fn properties(&self) -> PathBuf {
        self.dir.join("server.properties")
    }

    fn tool(&self, args: &[&str]) -> String {
        let mut command = Command::new("java");
        command.args(["-XX:TieredStopAtLevel=1", "-cp", &self.classes, "kafka.tools.StorageTool"]).args(args);
        let said = command.output().expect("java is on the PATH");
        assert!(said.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).into_owned()
    }

    /// Starts it again after [`OwnKafka::kill`]; returns when it answers.
    pub fn up(&mut self) {
        let log4j = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/xtask/kafka/log4j2.xml");
        let mut command = Command::new("java");
        command.args(["-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &self.classes]);
        command.arg(format!("-Dlog4j2.configurationFile={}", log4j.display()));
        command.arg("kafka.Kafka").arg(self.properties());
        self.process = Some(Guard::start(&mut command, &self.dir.join("kafka.log")));
        let mut config = ClientConfig::new();
        let client: BaseConsumer =
            config.set("bootstrap.servers", self.bootstrap()).set("log_level", "0").create().unwrap();
        wait_for("the test's own Kafka answers", Duration::from_secs(120), || {
            client.fetch_metadata(None, Duration::from_secs(2)).is_ok_and(|seen| !seen.brokers().is_empty())
        });
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process.take();
    }

    /// `host:port`.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}
