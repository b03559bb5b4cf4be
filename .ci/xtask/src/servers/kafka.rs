//! Apache Kafka itself, from Maven Central's jars: one broker, or several that form one cluster.
//! Topics are never made by accident here: a client that names a wrong topic must fail.
use crate::place::Place;
use crate::process::{self, Server};
use crate::sh;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// The jars, fetched once (43 MB) and again when the pom changes.
pub fn libs(place: &Place) -> Result<PathBuf> {
    // Two sets of servers start side by side: the second one waits until the first has the jars.
    static FETCHING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _fetching = FETCHING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let pom = place.root.join(".ci/xtask/kafka/pom.xml");
    let wanted = fs::read_to_string(&pom).with_context(|| format!("cannot read {}", pom.display()))?;
    let libs = place.services().join("kafka-libs");
    if fs::read_to_string(libs.join("pom.xml")).is_ok_and(|have| have == wanted) {
        return Ok(libs);
    }
    eprintln!("fetching Apache Kafka from Maven Central");
    let part = place.services().join(format!("kafka-libs.{}", std::process::id()));
    fs::create_dir_all(&part)?;
    let mvn = sh::which("mvn").context("Maven is missing: apt-get install maven")?;
    sh::output(
        sh::command(mvn, &part)
            .args(["-q", "-B", "-f"])
            .arg(&pom)
            .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
            .arg(format!("-DoutputDirectory={}", part.display())),
    )?;
    fs::write(part.join("pom.xml"), &wanted)?;
    if libs.exists() {
        fs::remove_dir_all(&libs)?;
    }
    fs::rename(&part, &libs).context("cannot move the jars into place")?;
    Ok(libs)
}

/// Formats and starts one broker per pair of ports (clients', controller's).
pub fn start(place: &Place, dir: &Path, libs: &Path, ports: &[u16]) -> Result<Vec<Server>> {
    let java = sh::which("java").context("Java is missing: apt-get install default-jre-headless")?;
    let classes = format!("{}/*", libs.display());
    let tool = |args: &[&str]| {
        let mut command = sh::command(&java, dir);
        command.args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", &classes, "kafka.tools.StorageTool"]);
        sh::output(command.args(args)).map(|text| text.trim().to_owned())
    };
    let count = ports.len() / 2;
    let cluster = tool(&["random-uuid"])?;
    let mut voters = Vec::new();
    if count > 1 {
        for (at, pair) in ports.chunks(2).enumerate() {
            voters.push(format!("{}@127.0.0.1:{}:{}", at + 1, pair[1], tool(&["random-uuid"])?));
        }
    }
    let mut servers = Vec::new();
    for (at, pair) in ports.chunks(2).enumerate() {
        let name = format!("kafka-{}", at + 1);
        let data = dir.join(&name);
        ensure!(!data.exists(), "{} is left over from somewhere: remove it", data.display());
        fs::create_dir_all(&data)?;
        let conf = data.join("server.properties");
        fs::write(&conf, properties(at + 1, count, pair, ports, &data))?;
        let conf = conf.display().to_string();
        let voters = voters.join(",");
        let who: &[&str] = if count > 1 { &["--initial-controllers", &voters] } else { &["--standalone"] };
        tool(&[&["format"], who, &["-t", &cluster, "-c", &conf]].concat())?;
        let mut command = sh::command(&java, &data);
        command.args(["-Xmx512m", "-XX:+UseSerialGC", "-cp", &classes]);
        command.arg(format!(
            "-Dlog4j2.configurationFile={}",
            place.root.join(".ci/xtask/kafka/log4j2.xml").display()
        ));
        command.args(["kafka.Kafka", &conf]);
        let log = dir.join(format!("{name}.log"));
        servers.push(process::start(&name, pair[0], vec![conf], &log, &mut command)?);
    }
    Ok(servers)
}

fn properties(id: usize, count: usize, own: &[u16], all: &[u16], data: &Path) -> String {
    let controllers: Vec<String> = all.chunks(2).map(|pair| format!("127.0.0.1:{}", pair[1])).collect();
    let (client, controller) = (own[0], own[1]);
    let in_sync = if count > 1 { 2 } else { 1 };
    let copies = count.min(3);
    format!(
        "process.roles=broker,controller\n\
         node.id={id}\n\
         controller.quorum.bootstrap.servers={}\n\
         listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\n\
         controller.listener.names=CONTROLLER\n\
         log.dirs={}\n\
         auto.create.topics.enable=false\n\
         offsets.topic.replication.factor={copies}\n\
         offsets.topic.num.partitions=5\n\
         transaction.state.log.replication.factor={copies}\n\
         transaction.state.log.min.isr={in_sync}\n\
         transaction.state.log.num.partitions=5\n\
         group.initial.rebalance.delay.ms=0\n",
        controllers.join(","),
        data.join("data").display(),
    )
}
