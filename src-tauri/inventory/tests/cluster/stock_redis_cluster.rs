//! The stock in a real Redis Cluster of three nodes, which this test starts and stops itself on loopback
//! (needs `redis-server` and `redis-cli` on the path): no call spans slots, every node is scanned and watched.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use inventory::domain::entry::StockKey;
use inventory::stock::redis::Redis;
use inventory::stock::value::Value;
use inventory::stock::{Answer, Prev, Pulse, Stock, StockCall, Vector};

struct Cluster {
    nodes: Vec<Child>,
    ports: Vec<u16>,
    _folder: tempfile::TempDir,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

fn start() -> Cluster {
    let folder = tempfile::tempdir().unwrap();
    // The cluster bus uses the port plus 10,000, so both must be free.
    let free = |port: &u16| {
        [*port, *port + 10_000].iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
    };
    let first = 21_000 + (std::process::id() % 500) as u16 * 10;
    let ports: Vec<u16> = (first..first + 2_000).filter(free).take(3).collect();
    let nodes = ports.iter().map(|port| {
        let place = folder.path().join(port.to_string());
        std::fs::create_dir(&place).unwrap();
        let mut server = Command::new("redis-server");
        server.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "yes",
        ]);
        server.args(["--cluster-enabled", "yes", "--dir"]).arg(place).stdout(Stdio::null());
        server.spawn().expect("redis-server must be installed")
    });
    let nodes = nodes.collect();
    let cluster = Cluster { nodes, ports, _folder: folder };
    for port in &cluster.ports {
        wait(|| cli(*port, &["PING"]).contains("PONG"));
    }
    let mut create = vec!["--cluster".to_owned(), "create".to_owned()];
    create.extend(cluster.ports.iter().map(|port| format!("127.0.0.1:{port}")));
    create.push("--cluster-yes".to_owned());
    let done = Command::new("redis-cli").args(create).stdout(Stdio::null()).status().unwrap();
    assert!(done.success());
    for port in &cluster.ports {
        wait(|| cli(*port, &["CLUSTER", "INFO"]).contains("cluster_state:ok"));
    }
    cluster
}

fn cli(port: u16, words: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["-p", &port.to_string()]).args(words).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn wait(ready: impl Fn() -> bool) {
    for _ in 0..200 {
        if ready() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the cluster did not come up");
}

fn key(n: i64) -> StockKey {
    // Braces would put ids of a foreign hand into one slot; they are part of the key all the same.
    StockKey::parse(&if n % 10 == 0 { format!("W:{{x}}{n}") } else { format!("W:{n}") }).unwrap()
}

fn step(n: i64, prev: i64, last: i64, sum: i64) -> StockCall {
    StockCall { key: key(n), source: "8f3a01c2.3".into(), prev: Prev::At(prev), last, delta: 1, sum }
}

#[tokio::test]
async fn cluster_carries_scans_and_watches_every_node() {
    let cluster = start();
    let hosts: Vec<String> = cluster.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let store = Redis::open(&format!("redis+cluster://{}", hosts[..2].join(",")), None).unwrap();
    assert_eq!(store.pulse().await.unwrap(), Pulse::Forgot);
    assert_eq!(store.pulse().await.unwrap(), Pulse::Steady);

    let count = 5_000;
    let vectors: Vec<Vector> =
        (0..count).map(|n| Vector { key: key(n), parts: vec![("8f3a01c2.3".into(), 0, n)] }).collect();
    assert!(store.bring(&vectors).await.unwrap().iter().all(|answer| *answer == Answer::Created));
    let steps: Vec<StockCall> =
        (0..count).flat_map(|n| [step(n, 0, 1, n + 1), step(n, 1, 2, n + 2)]).collect();
    assert!(store.apply(&steps).await.unwrap().iter().all(|answer| *answer == Answer::Applied));

    let keys: Vec<StockKey> = (0..count).map(key).collect();
    for (n, bytes) in store.values(&keys).await.unwrap().into_iter().enumerate() {
        assert_eq!(Value::read(&bytes.unwrap()).unwrap().quantity(), n as i64 + 2);
    }
    assert_eq!(store.values(&[StockKey::parse("W:none").unwrap()]).await.unwrap(), [None]);

    let (mut from, mut seen) = (None, std::collections::BTreeSet::new());
    loop {
        let page = store.scan(from.as_ref(), 500).await.unwrap();
        seen.extend(page.values.into_iter().map(|(key, _)| key).filter(|key| key.contains(':')));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(seen, keys.iter().map(StockKey::to_string).collect());

    for port in &cluster.ports {
        cli(*port, &["SCRIPT", "FLUSH"]);
    }
    assert_eq!(store.apply(&[step(7, 2, 3, 10)]).await.unwrap(), [Answer::Applied]);
    let found = store.probe().await;
    assert!(found.iter().all(|one| one.state == inventory::probe::State::Ok), "{found:#?}");

    // One node of three forgets.
    cli(cluster.ports[1], &["FLUSHALL"]);
    assert_eq!(store.pulse().await.unwrap(), Pulse::Forgot);
    assert_eq!(store.pulse().await.unwrap(), Pulse::Steady);
}
