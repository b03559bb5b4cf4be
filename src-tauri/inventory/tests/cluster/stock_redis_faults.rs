//! A Redis that dies, forgets, hangs, becomes a replica or wants a password. This test starts and stops its own
//! servers on loopback (needs `redis-server` and `redis-cli` on the path).

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use inventory::domain::entry::StockKey;
use inventory::domain::error::Code;
use inventory::probe::{Finding, Step};
use inventory::stock::redis::Redis;
use inventory::stock::{Answer, Prev, Pulse, Stock, StockCall, Vector};

struct Server {
    child: Child,
    port: u16,
    extra: Vec<&'static str>,
    folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(extra: &[&'static str]) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let child = spawn(port, folder.path(), extra);
        Server { child, port, extra: extra.to_vec(), folder }
    }

    fn restart(&mut self) {
        self.child = spawn(self.port, self.folder.path(), &self.extra);
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn cli(&self, words: &[&str]) -> String {
        let output =
            Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    fn store(&self, password: Option<&str>) -> Redis {
        Redis::open(&format!("redis://127.0.0.1:{}/0", self.port), password).unwrap()
    }
}

fn spawn(port: u16, folder: &std::path::Path, extra: &[&str]) -> Child {
    let mut server = Command::new("redis-server");
    server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]).arg(folder);
    let mut child = server.args(extra).stdout(Stdio::null()).spawn().expect("redis-server must be installed");
    for _ in 0..200 {
        let up = Command::new("redis-cli").args(["-p", &port.to_string(), "PING"]).output().unwrap();
        let text = String::from_utf8_lossy(&up.stdout);
        if text.contains("PONG") || text.contains("NOAUTH") {
            return child;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("redis-server did not come up");
}

fn key() -> StockKey {
    StockKey::parse("W:1").unwrap()
}

fn seed() -> Vector {
    Vector { key: key(), parts: vec![("8f3a01c2.3".into(), 0, 1)] }
}

fn step(last: i64) -> StockCall {
    StockCall {
        key: key(),
        source: "8f3a01c2.3".into(),
        prev: Prev::At(last - 1),
        last,
        delta: 1,
        sum: last + 1,
    }
}

/// Calls until the store answers again.
async fn patiently(store: &Redis, call: &StockCall) -> Answer {
    let begun = Instant::now();
    loop {
        match store.apply(std::slice::from_ref(call)).await {
            Ok(answers) => return answers[0],
            Err(error) => assert_eq!(error.code, Code::Unreachable, "{error}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}

#[tokio::test]
async fn row_06_restart_that_lost_writes_is_noticed() {
    let mut server = Server::start(&["--appendonly", "yes"]);
    let store = server.store(None);
    store.bring(&[seed()]).await.unwrap();
    assert_eq!(store.pulse().await.unwrap(), Pulse::Forgot, "an empty store");
    for _ in 0..5 {
        assert_eq!(store.pulse().await.unwrap(), Pulse::Steady);
    }
    server.kill();
    assert_eq!(store.apply(&[step(1)]).await.err().map(|error| error.code), Some(Code::Unreachable));
    server.restart();
    assert_eq!(patiently(&store, &step(1)).await, Answer::Applied, "the script was loaded anew");
    assert_eq!(store.pulse().await.unwrap(), Pulse::Forgot, "another run may have lost its last second");
    assert_eq!(store.pulse().await.unwrap(), Pulse::Steady);

    server.kill();
    std::fs::remove_dir_all(server.folder.path().join("appendonlydir")).unwrap();
    server.restart();
    assert_eq!(patiently(&store, &step(2)).await, Answer::Absent);
    assert_eq!(store.pulse().await.unwrap(), Pulse::Forgot);
}

#[tokio::test]
async fn row_03_frozen_server_times_out_and_the_repeated_call_is_seen() {
    let server = Server::start(&[]);
    let store = server.store(None);
    store.bring(&[seed()]).await.unwrap();
    server.signal("-STOP");
    let begun = Instant::now();
    let outcome = store.apply(&[step(1)]).await;
    assert_eq!(outcome.err().map(|error| error.code), Some(Code::Unreachable));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    server.signal("-CONT");
    // The frozen server had taken the call in and executes it now; whichever comes first counts once.
    let answer = patiently(&store, &step(1)).await;
    assert!(matches!(answer, Answer::Seen | Answer::Applied), "{answer:?}");
    assert_eq!(server.cli(&["GET", "W:1"]).trim(), r#"{"base":0,"change":2,"at":{"8f3a01c2.3":[1,2]}}"#);
}

#[tokio::test]
async fn replica_is_out_of_reach_until_it_is_primary_again() {
    let server = Server::start(&[]);
    let store = server.store(None);
    store.bring(&[seed()]).await.unwrap();
    server.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let refused = store.apply(&[step(1)]).await.err().unwrap();
    assert_eq!(refused.code, Code::Unreachable, "{refused}");
    assert!(faults(&store).await.iter().any(|(_, cause)| cause.contains("replica")));
    server.cli(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(patiently(&store, &step(1)).await, Answer::Applied);
}

#[tokio::test]
async fn password_comes_apart_and_stays_out_of_words() {
    let server = Server::start(&["--requirepass", "s3cret"]);
    for password in [None, Some("wr0ng")] {
        let refused = server.store(password).apply(&[step(1)]).await.err().unwrap();
        assert_eq!(refused.code, Code::Refused, "{refused}");
        assert!(!refused.message.contains("wr0ng"), "{refused}");
    }
    let store = server.store(Some("s3cret"));
    assert_eq!(store.bring(&[seed()]).await.unwrap(), [Answer::Created]);
    let findings = faults(&store).await;
    assert!(findings.len() == 1 && findings[0].1.contains("appendonly"), "{findings:?}");
}

#[tokio::test]
async fn user_without_info_is_still_watched() {
    let server = Server::start(&[]);
    server.cli(&["ACL", "SETUSER", "default", "-info"]);
    let store = server.store(None);
    assert_eq!(store.pulse().await.unwrap(), Pulse::Forgot);
    assert_eq!(store.pulse().await.unwrap(), Pulse::Steady);
    let findings = faults(&store).await;
    assert!(findings.len() == 1 && findings[0].0 == Step::Grant, "{findings:?}");
    assert!(findings[0].1.contains("INFO"), "{findings:?}");
}

/// What the probe finds wrong.
async fn faults(store: &Redis) -> Vec<(Step, String)> {
    let found = store.probe().await.into_iter().filter(Finding::is_fault);
    found.map(|one| (one.step, one.told().0.to_owned())).collect()
}
