//! A Kafka broker of a test's own that lets nobody in without a login (SASL/PLAIN) and nobody do what was not granted
//! (StandardAuthorizer). The jars are those that `cargo xtask` fetched; rights are granted by kafka-python.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::processes::{Guard, free_port, wait_for};
use crate::servers;

/// The broker's own user, who may do everything.
const ADMIN: (&str, &str) = ("admin", "admin-secret");
/// The user under test, who may do what is granted.
pub const CLERK: (&str, &str) = ("clerk", "clerk-secret");

/// What a script of kafka-python begins with; `ask` is an admin client.
const PRELUDE: &str = "
import sys, kafka.admin as a
place, user, password = sys.argv[1:4]
ask = a.KafkaAdminClient(bootstrap_servers=place, security_protocol='SASL_PLAINTEXT', sasl_mechanism='PLAIN',
                         sasl_plain_username=user, sasl_plain_password=password)
";

/// A broker that is its own controller.
pub struct GuardedKafka {
    port: u16,
    _process: Guard,
}

impl GuardedKafka {
    /// Formats and starts one in `dir`; returns when its admin is let in.
    pub fn start(dir: &Path) -> GuardedKafka {
        let ports = [free_port(), free_port()];
        let conf = dir.join("server.properties");
        std::fs::write(&conf, properties(dir, ports[0], ports[1])).unwrap();
        let classes = format!("{}/*", servers::kafka_libs());
        let java = || {
            let mut command = Command::new("java");
            command.args(["-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &classes]);
            command
        };
        let mut format = java();
        format.args([
            "kafka.tools.StorageTool",
            "format",
            "--standalone",
            "-t",
            "MkU3OEVBNTcwNTJENDM2Qg",
            "-c",
        ]);
        let said = format.arg(&conf).output().expect("java is on the PATH");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let log4j = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/xtask/kafka/log4j2.xml");
        let mut command = java();
        command.arg(format!("-Dlog4j2.configurationFile={}", log4j.display())).arg("kafka.Kafka").arg(&conf);
        let log: PathBuf = dir.join("log");
        let broker = GuardedKafka { port: ports[0], _process: Guard::start(&mut command, &log) };
        wait_for("the guarded Kafka lets its admin in", Duration::from_secs(120), || {
            broker.script("ask.list_topics()", &[]).is_ok()
        });
        broker
    }

    /// `host:port`.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Makes a topic.
    pub fn create_topic(&self, name: &str) {
        let body = "ask.create_topics({sys.argv[4]: {'num_partitions': 3, 'replication_factor': 1}})";
        self.script(body, &[name]).unwrap();
    }

    /// Grants the clerk one right, such as READ, on a TOPIC or GROUP.
    pub fn grant(&self, right: &str, kind: &str, name: &str) {
        let body = "right, kind, name = sys.argv[4:7]\n\
             got = ask.create_acls([a.ACL('User:clerk', '*', a.ACLOperation[right], a.ACLPermissionType.ALLOW, \
             a.ResourcePattern(a.ResourceType[kind], name))])\n\
             assert not got['failed'], got";
        self.script(body, &[right, kind, name]).unwrap();
    }

    fn script(&self, body: &str, args: &[&str]) -> Result<(), String> {
        let mut command = Command::new(servers::python());
        command.arg("-c").arg(format!("{PRELUDE}{body}")).arg(self.bootstrap());
        let said = command.args([ADMIN.0, ADMIN.1]).args(args).output().expect("Python starts");
        if said.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said.stderr).into_owned()) }
    }
}

fn properties(dir: &Path, client: u16, controller: u16) -> String {
    let places = format!("SASL_PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}");
    let users: String =
        [ADMIN, CLERK].iter().map(|(name, password)| format!(" user_{name}=\"{password}\"")).collect();
    let lines = [
        "process.roles=broker,controller".to_owned(),
        "node.id=1".to_owned(),
        format!("controller.quorum.bootstrap.servers=127.0.0.1:{controller}"),
        format!("listeners={places}"),
        format!("advertised.listeners={places}"),
        "listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        "inter.broker.listener.name=SASL_PLAINTEXT".to_owned(),
        "controller.listener.names=CONTROLLER".to_owned(),
        "sasl.enabled.mechanisms=PLAIN".to_owned(),
        "sasl.mechanism.inter.broker.protocol=PLAIN".to_owned(),
        format!(
            "listener.name.sasl_plaintext.plain.sasl.jaas.config=\
             org.apache.kafka.common.security.plain.PlainLoginModule required \
             username=\"{}\" password=\"{}\"{users};",
            ADMIN.0, ADMIN.1
        ),
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned(),
        // The controller's own listener knows no logins: whoever comes there is the broker itself.
        "super.users=User:admin;User:ANONYMOUS".to_owned(),
        format!("log.dirs={}", dir.join("data").display()),
        "auto.create.topics.enable=false".to_owned(),
        "offsets.topic.replication.factor=1".to_owned(),
        "offsets.topic.num.partitions=1".to_owned(),
        "group.initial.rebalance.delay.ms=0".to_owned(),
    ];
    lines.join("\n") + "\n"
}
