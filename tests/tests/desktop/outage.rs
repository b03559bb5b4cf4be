//! FAULTS row 38: the servers are away while bills are entered in the window, first Kafka alone, then everything.
//! Entries wait in the outbox and the window says so; when the servers are back all arrive, in order and once.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::broker::Brokers;
use tests::clerk::{self, draft};
use tests::processes::MariaDb;
use tests::site::Site;
use tests::sql::RUNTIME;
use tests::window::Window;

/// Longest wait for servers that come back and for what waited for them.
const BACK: Duration = Duration::from_secs(120);

/// The bills of this test, in the order of entering.
struct Desk {
    window: Window,
    bills: Vec<String>,
    lines: usize,
}

impl Desk {
    /// Enters bills through the page's door, one to three lines each, over several keys.
    async fn enter(&mut self, count: usize) {
        for _ in 0..count {
            let number = self.bills.len();
            let bill = format!("B-{number:03}");
            let lines = [("P1", "10"), ("P2", "20"), ("P3", "30")];
            let lines = &lines[..1 + number % 3];
            clerk::post(&self.window, draft(&bill, "in", lines)).await;
            self.lines += lines.len();
            self.bills.push(bill);
        }
    }

    /// Enters one bill by keyboard.
    async fn type_one(&mut self) {
        let bill = format!("K-{:03}", self.bills.len());
        self.window.keys("{Alt+n}").await;
        self.window.focus("#head-bill_id").await;
        self.window.keys(&format!("{bill}{{Enter}}C1{{Enter}}W1{{Enter}}{{Enter}}")).await;
        self.window.keys("P2{Enter}7{Enter}{Enter}{Ctrl+Enter}").await;
        self.window.reads(&format!("{bill} posted, lines: 1")).await;
        self.lines += 1;
        self.bills.push(bill);
    }

    async fn state(&self, bill: &str) -> Value {
        let whole = self.window.ask("bill_get", json!({ "bill_id": bill })).await;
        whole["summary"]["state"].clone()
    }

    /// Waits until the status says this of queue, ledger and stock, and how many entries wait.
    async fn status(&self, up: [bool; 3], waiting: usize) {
        let begun = Instant::now();
        loop {
            let status = self.window.ask("status", json!({})).await;
            let parts = status["parts"].as_array().unwrap().iter();
            let states: Vec<bool> = parts.map(|part| part["state"] == "up").collect();
            if states == up && status["waiting"] == json!(waiting) {
                return;
            }
            assert!(begun.elapsed() < BACK, "not {up:?} with {waiting} waiting: {status}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Every entry of ours lies in the topic, those of one key in the order of entering.
fn arrived_in_order(site: &Site, desk: &[String], lines: usize) {
    let place = |bill: &str| desk.iter().position(|one| one == bill).expect("a bill of ours");
    let mut seen = HashSet::new();
    for messages in site.queue().messages.values() {
        let mut last = 0;
        for message in messages {
            let entry: Value = serde_json::from_slice(&message.payload).unwrap();
            let at = place(entry["bill_id"].as_str().unwrap());
            // A repeat of what had arrived already is allowed; it is not counted.
            if seen.insert(entry["entry_id"].to_string()) {
                assert!(at >= last, "{entry} came after {}", desk[last]);
                last = at;
            }
        }
    }
    assert_eq!(seen.len(), lines, "entries in the topic");
}

/// Kafka alone is away: entries wait and say so; what was counted before still says that.
async fn kafka_away(desk: &mut Desk, kafka: &mut Brokers, away: Duration) {
    kafka.kill(0);
    let before = desk.lines;
    desk.enter(20).await;
    desk.type_one().await;
    desk.status([false, true, true], desk.lines - before).await;
    desk.window.reads(&format!("{} waiting", desk.lines - before)).await;
    tokio::time::sleep(away).await;
    desk.status([false, true, true], desk.lines - before).await;
    for bill in &desk.bills[4..] {
        assert_eq!(desk.state(bill).await, "saved", "{bill}");
    }
    assert_eq!(desk.state(&desk.bills[0]).await, "in_stock");
    desk.window.pictures("kafka-away").await;
}

/// Everything is away, and the app is killed and started meanwhile: bills are entered all the same.
async fn everything_away(mut desk: Desk, counted: usize, again: impl AsyncFn() -> Window) -> Desk {
    desk.status([false, false, false], desk.lines - counted).await;
    desk.enter(4).await;
    desk.type_one().await;
    desk.window.reads("The ledger does not answer, so what comes after Sent is not known.").await;
    let Desk { window, bills, lines } = desk;
    window.kill().await;
    let mut desk = Desk { window: again().await, bills, lines };
    desk.status([false, false, false], desk.lines - counted).await;
    desk.enter(4).await;
    desk.type_one().await;
    for bill in &desk.bills[4..] {
        assert_eq!(desk.state(bill).await, "saved", "{bill}");
    }
    assert_eq!(desk.state(&desk.bills[0]).await, "sent", "no more is known here without the ledger");
    let page = desk.window.text().await;
    assert!(page.contains("Lag –") && !page.contains("Fill sample data"), "more than is known:\n{page}");
    desk.window.pictures("servers-away").await;
    desk
}

#[test]
fn row_38_bills_entered_while_the_servers_are_away() {
    let _turn = crate::TURN.blocking_lock();
    let home = tempfile::tempdir().unwrap();
    let mut kafka = Brokers::start(&home.path().join("kafka"), 1);
    let mut mariadb = MariaDb::start(&home.path().join("mariadb"));
    let mut site = Site::cluster_on("outage", &mariadb.url());
    site.set("kafka", "bootstrap_servers", kafka.bootstrap());
    site.cluster.as_mut().unwrap().topic.bootstrap = kafka.bootstrap();
    site.init();
    let dir = site.data_dir();
    let config = site.daemon.config.display().to_string();
    // Longer than any client's own patience in the long form: librdkafka gives up after five minutes by itself.
    let long = std::env::var_os("TWINSTOCK_TEST_LONG").is_some();
    let away = Duration::from_secs(if long { 330 } else { 12 });
    let (bills, lines) = RUNTIME.block_on(async {
        let open = async || Window::open(&dir, &["--config", &config]).await;
        let mut desk = Desk { window: open().await, bills: Vec::new(), lines: 0 };
        clerk::small_catalogue(&desk.window).await;
        desk.status([true, true, true], 0).await;
        desk.enter(3).await;
        desk.type_one().await;
        for bill in desk.bills.clone() {
            clerk::in_stock(&desk.window, &bill).await;
        }
        let counted = desk.lines;
        kafka_away(&mut desk, &mut kafka, away).await;
        mariadb.kill();
        site.cluster.as_mut().unwrap().redis.kill();
        let desk = everything_away(desk, counted, open).await;

        mariadb.up();
        site.cluster.as_mut().unwrap().redis.up();
        kafka.up(0);
        desk.status([true, true, true], 0).await;
        for bill in desk.bills.clone() {
            clerk::in_stock(&desk.window, &bill).await;
        }
        desk.window.reads("0 waiting").await;
        desk.window.picture("servers-back").await;
        let Desk { window, bills, lines } = desk;
        window.close_and_wait().await;
        (bills, lines)
    });
    arrived_in_order(&site, &bills, lines);
    site.must_be_right();
    let snapshot = site.snapshot();
    assert_eq!(snapshot.rows.len(), lines);
    assert!(snapshot.rejected.iter().all(|one| one.kind == "duplicate"), "{:?}", snapshot.rejected);
    eprintln!("{} bills, {lines} entries, {} repeats kept aside", bills.len(), snapshot.rejected.len());
}
