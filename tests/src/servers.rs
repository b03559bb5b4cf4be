//! Where the test servers are. `cargo xtask test` starts them and says so in the environment; a server that is
//! missing is a failure with clear words, never a test left out.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

fn need(name: &str, example: &str) -> String {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => panic!(
            "{name} is not set. Run `cargo xtask test`, or start the servers and set it, like {example}"
        ),
    }
}

/// Kafka's bootstrap servers.
pub fn kafka() -> String {
    need("TWINSTOCK_TEST_KAFKA", "127.0.0.1:9092")
}

/// The folder of Apache Kafka's jars, for brokers of a test's own.
pub fn kafka_libs() -> String {
    need("TWINSTOCK_TEST_KAFKA_LIBS", "target/services/kafka-libs")
}

/// MySQL/MariaDB without a database: `mysql://root@host:port`.
pub fn mysql() -> String {
    let url = need("TWINSTOCK_TEST_MYSQL_URL", "mysql://root@127.0.0.1:3306");
    let (scheme, rest) = url.split_once("://").expect("TWINSTOCK_TEST_MYSQL_URL is a URL");
    format!("{scheme}://{}", rest.split('/').next().unwrap())
}

/// Redis: `redis://host:port/0`.
pub fn redis() -> String {
    need("TWINSTOCK_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
}

/// A Python that has kafka-python, redis and mysql-connector-python.
pub fn python() -> String {
    need("TWINSTOCK_TEST_PYTHON", "target/services/venv/bin/python")
}

/// Where the programs under test lie.
pub fn programs() -> PathBuf {
    std::env::var_os("TWINSTOCK_BIN_DIR").map(PathBuf::from).unwrap_or_else(|| {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
        target.unwrap_or(here).join("debug")
    })
}

/// The program under test.
pub fn daemon() -> PathBuf {
    let program = programs().join("inv-daemon");
    assert!(program.exists(), "{} is not built: cargo build -p inv-daemon", program.display());
    program
}

/// A name that no other test uses, in this run or another.
pub fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("tw_{name}_{}_{:x}_{count}", std::process::id(), moment.as_millis() % 0xffff_ffff)
}
