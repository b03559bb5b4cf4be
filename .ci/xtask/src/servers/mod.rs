//! Real servers for tests: Apache Kafka with MariaDB and Redis, or with MySQL and Valkey, on free loopback ports, data
//! thrown away on `down`.
//! Stops nothing but the processes it started itself; a server that is missing is an error, never a skip.
mod kafka;
mod mariadb;
mod mysql;
mod probe;
mod redis;
mod second;

use crate::place::Place;
use crate::process::{self, Server};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Which ledger and stock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ValueEnum)]
pub enum Kind {
    /// MariaDB and Redis
    #[default]
    MariadbRedis,
    /// MySQL and Valkey
    MysqlValkey,
}

impl Kind {
    /// As the command line writes it.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// What `state.json` holds while the servers run: other programs read pids, ports and addresses from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    pub brokers: usize,
    #[serde(default)]
    pub kind: Kind,
    pub servers: Vec<Server>,
    /// What tests read from their environment.
    pub env: BTreeMap<String, String>,
}

fn state_file(dir: &Path) -> PathBuf {
    dir.join("state.json")
}

fn read(dir: &Path) -> Result<Option<State>> {
    match fs::read(state_file(dir)) {
        Ok(bytes) => {
            Ok(Some(serde_json::from_slice(&bytes).context("state.json of the services is damaged")?))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", state_file(dir).display())),
    }
}

/// Written after every start, not at the end: whatever runs can be found and stopped after a crash of ours.
fn write(dir: &Path, state: &State) -> Result<()> {
    let part = dir.join("state.json.part");
    fs::write(&part, serde_json::to_vec_pretty(state)?)?;
    fs::rename(&part, state_file(dir)).context("cannot write the services' state.json")
}

/// Free ports, all reserved at the same time, so that no number comes twice.
fn free_ports(count: usize) -> Result<Vec<u16>> {
    let held = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

/// Starts what does not run yet and returns once everything answers. Idempotent; `brokers` none = as it is.
pub fn up(place: &Place, dir: &Path, brokers: Option<usize>, kind: Kind) -> Result<State> {
    if let Some(state) = read(dir)? {
        let same = state.kind == kind && brokers.is_none_or(|n| n == state.brokers);
        if same && state.servers.iter().all(Server::alive) {
            return Ok(state);
        }
        down(dir)?;
    }
    let brokers = brokers.unwrap_or(1);
    if brokers == 0 || brokers > 9 {
        bail!("--brokers is {brokers}: it must be 1 to 9");
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let dir = &fs::canonicalize(dir)?;
    let mut state = State { brokers, kind, servers: Vec::new(), env: BTreeMap::new() };
    let started = start_all(place, dir, &mut state);
    if let Err(error) = started {
        let tails: Vec<String> =
            state.servers.iter().map(|s| format!("--- {} ---\n{}", s.log.display(), s.log_tail())).collect();
        process::stop(&state.servers)?;
        fs::remove_file(state_file(dir)).ok();
        return Err(error.context(tails.join("\n")));
    }
    Ok(state)
}

fn start_all(place: &Place, dir: &Path, state: &mut State) -> Result<()> {
    let ports = free_ports(2 + 2 * state.brokers)?;
    let libs = kafka::libs(place)?;
    for server in kafka::start(place, dir, &libs, &ports[2..])? {
        state.servers.push(server);
    }
    write(dir, state)?;
    match state.kind {
        Kind::MariadbRedis => {
            state.servers.push(redis::start(dir, ports[0], &redis::program()?)?);
            write(dir, state)?;
            state.servers.push(mariadb::start(dir, ports[1])?);
        }
        Kind::MysqlValkey => {
            let second = second::find(place)?;
            state.servers.push(redis::start(dir, ports[0], &second.valkey)?);
            write(dir, state)?;
            state.servers.push(mysql::start(dir, ports[1], &second)?);
            let own =
                [("TWINSTOCK_TEST_MYSQLD", &second.mysqld), ("TWINSTOCK_TEST_PATH", &second.first_on_path)];
            state.env.extend(own.map(|(name, path)| (name.to_owned(), path.display().to_string())));
        }
    }
    write(dir, state)?;
    let kafka: Vec<u16> = ports[2..].iter().copied().step_by(2).collect();
    for server in &state.servers {
        let ready = match server.name.as_str() {
            "redis" => probe::until(server, || probe::redis(server.port)),
            "mariadb" | "mysql" => probe::until(server, || probe::mysql(server.port)),
            _ => probe::until(server, || probe::kafka(server.port, state.brokers)),
        };
        ready.with_context(|| format!("{} does not answer on port {}", server.name, server.port))?;
    }
    let addresses: Vec<String> = kafka.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    state.env.insert("TWINSTOCK_TEST_KAFKA".into(), addresses.join(","));
    state.env.insert("TWINSTOCK_TEST_KAFKA_LIBS".into(), libs.display().to_string());
    state.env.insert("TWINSTOCK_TEST_MYSQL_URL".into(), format!("mysql://root@127.0.0.1:{}/", ports[1]));
    state.env.insert("TWINSTOCK_TEST_REDIS_URL".into(), format!("redis://127.0.0.1:{}/0", ports[0]));
    write(dir, state)
}

/// Stops our servers and throws their data away; logs stay in `logs`. Nothing running is no error.
pub fn down(dir: &Path) -> Result<()> {
    let Some(state) = read(dir)? else { return Ok(()) };
    process::stop(&state.servers)?;
    let logs = dir.join("logs");
    fs::create_dir_all(&logs)?;
    for server in &state.servers {
        if let Some(name) = server.log.file_name() {
            fs::rename(&server.log, logs.join(name)).ok();
        }
        fs::remove_dir_all(dir.join(&server.name)).ok();
    }
    fs::remove_file(state_file(dir)).context("cannot remove the services' state.json")
}

/// One line per server; false if one of them is gone.
pub fn status(dir: &Path) -> Result<bool> {
    let Some(state) = read(dir)? else {
        println!("no services in {}", dir.display());
        return Ok(false);
    };
    let mut whole = true;
    for server in &state.servers {
        let alive = server.alive();
        whole &= alive;
        let word = if alive { "running" } else { "gone" };
        println!("{:<9} {word:<8} pid {:<8} port {}", server.name, server.pid, server.port);
    }
    print_env(&state);
    Ok(whole)
}

/// The lines that tests need in their environment.
pub fn print_env(state: &State) {
    for (name, value) in &state.env {
        println!("{name}={value}");
    }
}

/// Servers for one run of the tests, in a folder of their own. They go when this value goes, and when this
/// process dies in whatever way: a guard process waits for the end of a pipe that only we hold open.
pub struct Lent {
    pub state: State,
    dir: PathBuf,
    guard: Child,
    /// Where their logs stay.
    logs: PathBuf,
}

impl Lent {
    /// Starts a fresh set.
    pub fn start(place: &Place, kind: Kind) -> Result<Lent> {
        let dir = place.services().join(format!("test-{}-{}", std::process::id(), kind.name()));
        fs::create_dir_all(&dir)?;
        let guard = Command::new(std::env::current_exe()?)
            .args(["services", "guard", "--dir"])
            .arg(&dir)
            .env("CARGO_MANIFEST_DIR", place.root.join(".ci/xtask"))
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start the services' guard")?;
        let state = up(place, &dir, None, kind)?;
        Ok(Lent { state, dir, guard, logs: place.services().join("logs").join(kind.name()) })
    }

    /// Where their state.json lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Stops the servers. The logs stay in `target/services/logs/<which>`, the folder goes.
    pub fn end(mut self) -> Result<()> {
        self.finish()
    }

    fn finish(&mut self) -> Result<()> {
        let stopped = down(&self.dir);
        if self.dir.join("logs").exists() {
            fs::remove_dir_all(&self.logs).ok();
            self.logs.parent().map(fs::create_dir_all);
            fs::rename(self.dir.join("logs"), &self.logs).ok();
        }
        fs::remove_dir_all(&self.dir).ok();
        drop(self.guard.stdin.take());
        self.guard.wait().ok();
        stopped
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            eprintln!("the test servers did not stop: {error:#}");
        }
    }
}

/// Waits until whoever started us is gone, then stops the servers in `dir`.
pub fn guard(dir: &Path) -> Result<()> {
    std::io::stdin().read_to_end(&mut Vec::new())?;
    if dir.exists() {
        down(dir)?;
        fs::remove_dir_all(dir).ok();
    }
    Ok(())
}
