//! `check` against real servers, each time with one thing wrong: the step that fails is the right one, those before
//! it are in order, those after it are not reached, and the other parts are none the worse for it.

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use std::time::Duration;

use serde::Deserialize;
use tests::guarded_kafka::{CLERK, GuardedKafka};
use tests::processes::wait_for;
use tests::servers;
use tests::site::Site;
use tests::sql::{Db, RUNTIME};

#[derive(Debug, Clone, Deserialize)]
struct Row {
    part: String,
    step: String,
    state: String,
    ok: bool,
    message: String,
    cure: String,
}

/// Runs `check --json`; demands the exit code.
#[track_caller]
fn check(site: &Site, code: i32) -> Vec<Row> {
    let said = site.daemon.call(&["check", "--json"], "").expect(code);
    let rows: Vec<Row> = serde_json::from_str(&said.stdout).unwrap();
    for row in &rows {
        assert_eq!(row.ok, row.state == "ok", "{row:?}");
        assert_eq!(row.message.is_empty(), row.state == "not_reached", "{row:?}");
        assert_eq!(row.cure.is_empty(), row.state != "failed" || row.part == "config", "{row:?}");
    }
    rows
}

/// Demands that this very step of this part failed and nothing else anywhere; gives its words.
#[track_caller]
fn fails_at(rows: &[Row], part: &str, step: &str) -> String {
    // A password in the URL is told as well; it is not what these tests are about.
    let failed: Vec<&Row> = rows.iter().filter(|row| row.state == "failed" && row.part != "config").collect();
    assert!(!failed.is_empty(), "nothing failed: {rows:#?}");
    assert!(failed.iter().all(|row| row.part == part && row.step == step), "{part} {step}: {failed:#?}");
    let after_it = rows.iter().filter(|row| row.state == "not_reached");
    let (first, of_part): (usize, Vec<&Row>) = {
        let of_part: Vec<&Row> = rows.iter().filter(|row| row.part == part).collect();
        (of_part.iter().position(|row| row.state == "failed").unwrap(), of_part)
    };
    assert!(of_part[..first].iter().all(|row| row.ok), "before {step}: {of_part:#?}");
    assert!(after_it.clone().all(|row| row.part == part), "{rows:#?}");
    failed.iter().map(|row| format!("{} → {}\n", row.message, row.cure)).collect()
}

/// Whether a step was not reached.
fn unreached(rows: &[Row], part: &str, step: &str) -> bool {
    rows.iter().any(|row| row.part == part && row.step == step && row.state == "not_reached")
}

fn ready(name: &str) -> Site {
    let site = Site::cluster(name);
    site.init();
    let rows = check(&site, 0);
    assert!(rows.iter().all(|row| row.ok), "{rows:#?}");
    assert!(rows.iter().map(|row| row.part.as_str()).collect::<Vec<_>>().contains(&"stock"));
    site
}

fn host_of(url: &str) -> String {
    url.rsplit(['@', '/']).find(|part| part.contains(':')).unwrap().to_owned()
}

#[test]
fn a_wrong_place_fails_at_the_step_where_it_is_wrong() {
    let mut site = ready("places");
    let kafka = servers::kafka().split(',').next().unwrap().to_owned();
    let (mysql, redis) = (host_of(&servers::mysql()), host_of(&site.servers().redis.url()));
    let database = site.servers().database.clone();
    let mysql_url = |place: &str| format!("mysql://root@{place}/{database}");
    let redis_url = |place: &str| format!("redis://{place}/0");
    let name = "no-such-host.invalid:1234";
    let cases = [
        ("kafka", "bootstrap_servers", "queue", name.to_owned(), "dns", 3),
        ("kafka", "bootstrap_servers", "queue", "127.0.0.1:1".to_owned(), "tcp", 3),
        ("kafka", "bootstrap_servers", "queue", redis.clone(), "protocol", 1),
        ("kafka", "bootstrap_servers", "queue", mysql.clone(), "protocol", 1),
        ("mysql", "url", "ledger", mysql_url(name), "dns", 3),
        ("mysql", "url", "ledger", mysql_url("127.0.0.1:1"), "tcp", 3),
        ("mysql", "url", "ledger", mysql_url(&redis), "protocol", 1),
        ("mysql", "url", "ledger", mysql_url(&kafka), "protocol", 1),
        ("redis", "url", "stock", redis_url(name), "dns", 3),
        ("redis", "url", "stock", redis_url("127.0.0.1:1"), "tcp", 3),
        ("redis", "url", "stock", redis_url(&mysql), "protocol", 1),
        ("redis", "url", "stock", redis_url(&kafka), "protocol", 1),
        ("redis", "url", "stock", format!("rediss://{redis}/0"), "tls", 1),
    ];
    let usual = [
        ("kafka", "bootstrap_servers", servers::kafka()),
        ("mysql", "url", mysql_url(&mysql)),
        ("redis", "url", redis_url(&redis)),
    ];
    for (section, key, part, value, step, code) in cases {
        site.set(section, key, &value);
        let rows = check(&site, code);
        fails_at(&rows, part, step);
        assert!(unreached(&rows, part, "login"), "{value}: {rows:#?}");
        for (section, key, value) in &usual {
            site.set(section, key, value);
        }
    }
    // One of two bootstrap servers that is away is told, and keeps nobody from going on.
    site.set("kafka", "bootstrap_servers", format!("127.0.0.1:1,{kafka}"));
    let rows = check(&site, 1);
    fails_at(&rows, "queue", "tcp");
    assert!(!rows.iter().any(|row| row.state == "not_reached"), "{rows:#?}");
}

#[test]
fn topics_are_told_apart() {
    let mut site = ready("topics");
    let there = site.servers().topic.clone();
    site.set("kafka", "topic", format!("{}-missing", there.name));
    let missing = check(&site, 1);
    assert!(fails_at(&missing, "queue", "topic").contains("init"));
    assert!(unreached(&missing, "queue", "grant"));
    site.set("kafka", "topic", "no such/name");
    fails_at(&check(&site, 1), "queue", "topic");
    site.set("kafka", "topic", &there.name);
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &there.bootstrap).create().unwrap();
    let compact = AlterConfig::new(ResourceSpecifier::Topic(&there.name)).set("cleanup.policy", "compact");
    let done = RUNTIME.block_on(admin.alter_configs(&[compact], &AdminOptions::new())).unwrap();
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    let words = fails_at(&check(&site, 1), "queue", "policy");
    assert!(words.contains("compacted") && words.contains("cleanup.policy=delete"), "{words}");
    site.set("kafka", "no.such.property", "1");
    let rows = check(&site, 1);
    assert!(fails_at(&rows, "queue", "address").contains("no.such.property"));
    assert!(unreached(&rows, "queue", "dns"));
}

/// A user of our own on the test's server, gone at the end.
struct User<'s> {
    server: &'s str,
    name: String,
}

impl User<'_> {
    fn new(server: &str) -> User<'_> {
        let name = servers::unique("u").chars().take(30).collect();
        Db::mysql(server).run(&format!("CREATE USER {name} IDENTIFIED BY 'right'"));
        User { server, name }
    }

    fn run(&self, sql: &str) {
        Db::mysql(self.server).run(&sql.replace("USER", &self.name));
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        Db::mysql(self.server).try_run(&format!("DROP USER {}", self.name)).ok();
    }
}

#[test]
fn the_ledgers_login_database_and_rights_are_proven() {
    let mut site = ready("rights");
    let (server, database) = (servers::mysql(), site.servers().database.clone());
    let user = User::new(&server);
    let host = host_of(&server);
    let url = |password: &str, database: &str| format!("mysql://{}:{password}@{host}/{database}", user.name);
    site.set("mysql", "url", url("wrong", &database));
    let rows = check(&site, 1);
    fails_at(&rows, "ledger", "login");
    assert!(unreached(&rows, "ledger", "database") && unreached(&rows, "ledger", "grant"));
    site.set("mysql", "url", url("right", &database));
    let rows = check(&site, 1);
    fails_at(&rows, "ledger", "database");
    assert!(unreached(&rows, "ledger", "grant"), "no right at all on it: {rows:#?}");
    let usual = format!("mysql://root@{host}/{database}");
    site.set("mysql", "url", usual.replace(&database, "tw_no_such_database"));
    let words = fails_at(&check(&site, 1), "ledger", "database");
    assert!(words.contains("tw_no_such_database") && words.contains("inv-daemon init"), "{words}");

    site.set("mysql", "url", url("right", &database));
    user.run(&format!("GRANT SELECT, INSERT, UPDATE, DELETE, DROP ON {database}.* TO USER"));
    let words = fails_at(&check(&site, 1), "ledger", "grant");
    assert!(words.contains("may not CREATE") && words.contains("GRANT"), "{words}");
    user.run(&format!("GRANT CREATE ON {database}.* TO USER"));
    let rows = check(&site, 1);
    let faults: Vec<&Row> = rows.iter().filter(|row| row.state == "failed").collect();
    assert!(faults.iter().all(|row| row.part == "config"), "all rights: {faults:#?}");
    user.run(&format!("REVOKE UPDATE, DELETE ON {database}.* FROM USER"));
    let words = fails_at(&check(&site, 1), "ledger", "grant");
    assert!(words.contains("may not UPDATE") && words.contains("may not DELETE"), "{words}");
    assert!(!words.contains("INSERT") && !words.contains("DROP"), "{words}");

    site.set("mysql", "url", usual);
    let left = format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = '{database}' AND table_name LIKE 'probe%'"
    );
    assert_eq!(site.ledger().rows(&left).len(), 0, "the probe leaves no table behind");
    site.ledger().run("DROP TABLE schema_version");
    assert!(fails_at(&check(&site, 1), "ledger", "tables").contains("inv-daemon init"));
}

#[test]
fn the_stocks_login_rights_and_policy_are_proven() {
    let mut site = ready("stock_rights");
    let place = host_of(&site.servers().redis.url());
    let port = site.servers().redis.port();
    let tell = |words: &str| {
        let mut command = redis::Cmd::new();
        words.split(' ').for_each(|word| {
            command.arg(word);
        });
        let client = redis::Client::open(format!("redis://127.0.0.1:{port}/0")).unwrap();
        let told = command.exec(&mut client.get_connection().unwrap());
        told.unwrap_or_else(|e| panic!("{words}: {e}"));
    };
    tell("CONFIG SET maxmemory-policy allkeys-lru");
    assert!(fails_at(&check(&site, 1), "stock", "policy").contains("allkeys-lru"));
    tell("CONFIG SET maxmemory-policy noeviction");
    tell("ACL SETUSER clerk on >right ~* &* +@all -evalsha -incr");
    let url = |password: &str, number: u32| format!("redis://clerk:{password}@{place}/{number}");
    let with = |site: &mut Site, url: String| {
        site.set("redis", "url", url);
        check(site, 1)
    };
    let tests = [url("wrong", 0), format!("redis://nobody:right@{place}/0")];
    let (right, far) = (url("right", 0), url("right", 99));
    for wrong in tests {
        let rows = with(&mut site, wrong);
        fails_at(&rows, "stock", "login");
        assert!(unreached(&rows, "stock", "grant") && unreached(&rows, "stock", "policy"));
    }
    assert!(fails_at(&with(&mut site, far), "stock", "database").contains("99"));
    let words = fails_at(&with(&mut site, right.clone()), "stock", "grant");
    assert!(words.contains("EVALSHA") && words.contains("INCR") && !words.contains("MGET"), "{words}");
    // A right that only shows within a script.
    tell("ACL SETUSER clerk on >right ~* &* +@all -set");
    let words = fails_at(&check(&site, 1), "stock", "grant");
    assert!(words.contains("SET") && !words.contains("INCR"), "{words}");
    // What the cure names is enough.
    let cure = words.split("ACL SETUSER clerk ").nth(1).unwrap().trim().to_owned();
    tell("ACL DELUSER clerk");
    tell(&format!("ACL SETUSER clerk on >right {cure}"));
    let rows = check(&site, 1);
    assert!(rows.iter().all(|row| row.ok || row.part == "config"), "{rows:#?}");
    let left: Vec<String> = redis::cmd("KEYS").arg("*:*").query(&mut site.servers().redis.connect()).unwrap();
    assert_eq!(left, [""; 0], "nothing that looks like a balance");
}

#[test]
fn a_guarded_kafka_says_what_the_login_may_not_do() {
    let dir = tempfile::tempdir().unwrap();
    let kafka = GuardedKafka::start(dir.path());
    let mut site = ready("guarded");
    let (topic, group) = (site.servers().topic.name.clone(), site.servers().topic.name.clone());
    kafka.create_topic(&topic);
    site.set("kafka", "bootstrap_servers", kafka.bootstrap());
    let words = fails_at(&check(&site, 1), "queue", "login");
    assert!(words.contains("PLAIN") && words.contains("SASL_PLAINTEXT"), "{words}");
    site.set("kafka", "security.protocol", "SASL_PLAINTEXT");
    site.set("kafka", "sasl.username", CLERK.0);
    site.set("kafka", "sasl.password", "wrong");
    site.set("kafka", "sasl.mechanism", "SCRAM-SHA-256");
    let words = fails_at(&check(&site, 1), "queue", "login");
    assert!(words.contains("offers the mechanisms PLAIN, not SCRAM-SHA-256"), "{words}");
    site.set("kafka", "sasl.mechanism", "PLAIN");
    let rows = check(&site, 1);
    let words = fails_at(&rows, "queue", "login");
    assert!(words.contains("sasl.password"), "{words}");
    assert!(unreached(&rows, "queue", "topic") && unreached(&rows, "queue", "grant"));
    site.set("kafka", "sasl.password", CLERK.1);
    let rows = check(&site, 1);
    let failed: Vec<&Row> = rows.iter().filter(|row| row.state == "failed").collect();
    assert!(failed.len() == 1 && failed[0].step == "grant", "without any right: {failed:#?}");
    assert!(unreached(&rows, "queue", "topic"), "the topic cannot be seen: {rows:#?}");

    for right in ["READ", "DESCRIBE_CONFIGS"] {
        kafka.grant(right, "TOPIC", &topic);
    }
    let words = settled(&site, |words| words.contains("READ on group") && words.contains("WRITE on topic"));
    assert!(!words.contains("READ on topic"), "{words}");
    kafka.grant("READ", "GROUP", &group);
    let words = settled(&site, |words| !words.contains("READ on group"));
    assert!(words.contains(&format!("may not WRITE topic {topic}")), "{words}");
    kafka.grant("WRITE", "TOPIC", &topic);
    let began = std::time::Instant::now();
    while site.daemon.call(&["check"], "").code != Some(0) {
        assert!(began.elapsed().as_secs() < 30, "{:#?}", check(&site, 0));
    }
}

/// What fails at the rights; a grant takes a moment until the broker knows it.
#[track_caller]
fn settled(site: &Site, ready: impl Fn(&str) -> bool) -> String {
    let began = std::time::Instant::now();
    loop {
        let words = fails_at(&check(site, 1), "queue", "grant");
        if ready(&words) {
            return words;
        }
        assert!(began.elapsed().as_secs() < 30, "{words}");
    }
}

/// In standalone mode both stores are tried under one lock, and a running app is no fault.
#[test]
fn embedded_stores_are_tried_or_in_use() {
    let site = Site::standalone();
    let rows = check(&site, 0);
    let steps: Vec<_> = rows.iter().map(|row| (row.part.as_str(), row.step.as_str())).collect();
    let wanted = [
        ("outbox", "folder"),
        ("outbox", "space"),
        ("ledger", "store"),
        ("ledger", "tables"),
        ("stock", "store"),
    ];
    assert_eq!(steps, wanted);
    let running = site.daemon.start();
    // Not before it holds the folder: `check` holds it for a moment too.
    let owner = || std::fs::read_to_string(site.data_dir().join("lock.owner")).unwrap_or_default();
    wait_for("run holds the folder", Duration::from_secs(60), || {
        owner().contains(&running.pid().to_string())
    });
    let in_use = check(&site, 0).iter().filter(|row| row.message.contains("in use")).count();
    assert_eq!(in_use, 2, "{}", running.words());
    running.stop(Duration::from_secs(10));
    std::fs::write(site.file("ledger"), b"this is no database, and longer than a page header would be")
        .unwrap();
    fails_at(&check(&site, 1), "ledger", "store");
}

/// Outbox and embedded stores lie in the data directory: a disk with little room is told before a bill finds none.
#[test]
fn row_31_a_disk_that_is_nearly_full_is_told() {
    let disk = tests::small_disk::SmallDisk::mount(64);
    let site = Site::standalone();
    std::os::unix::fs::symlink(disk.path(), site.data_dir()).unwrap();
    let words = fails_at(&check(&site, 1), "outbox", "space");
    assert!(words.contains("nearly full: ") && words.contains(" of 67 MB are free"), "{words}");
    assert!(words.contains("[app] data_dir"), "{words}");
}
