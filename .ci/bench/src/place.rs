//! Where everything is: the servers that `cargo xtask bench` started, the program under test, the folder for
//! results. Reads the services' state.json; starts and stops no server.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use tokio::runtime::Runtime;

use crate::sql::Db;

/// What is read of state.json.
#[derive(Debug, Deserialize)]
struct State {
    servers: Vec<Server>,
    env: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Server {
    name: String,
    pid: u32,
    port: u16,
}

/// Everything a measurement needs.
pub struct Place {
    pub kafka: String,
    pub redis_port: u16,
    pub mysql_port: u16,
    /// Servers by name (mariadb, redis, kafka) with their pids.
    pub pids: Vec<(&'static str, u32)>,
    pub daemon: PathBuf,
    pub python: PathBuf,
    /// Results.
    pub out: PathBuf,
    /// Data folders and logs of the programs under test; emptied at the start.
    pub work: PathBuf,
    pub runtime: Runtime,
}

impl Place {
    pub fn open(services: &Path, daemon: &Path, python: &Path, out: &Path) -> Result<Place> {
        let file = services.join("state.json");
        let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let state: State = serde_json::from_slice(&text).context("the services' state.json is damaged")?;
        let server = |name: &str| {
            let found = state.servers.iter().find(|server| server.name.starts_with(name));
            found.with_context(|| format!("{} names no {name}", file.display()))
        };
        let (mariadb, redis, kafka) = (server("mariadb")?, server("redis")?, server("kafka")?);
        let bootstrap = state.env.get("TWINSTOCK_TEST_KAFKA").context("state.json names no Kafka")?;
        let work = out.join("work");
        if work.exists() {
            fs::remove_dir_all(&work).with_context(|| format!("cannot empty {}", work.display()))?;
        }
        fs::create_dir_all(&work).with_context(|| format!("cannot create {}", work.display()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(Place {
            kafka: bootstrap.clone(),
            redis_port: redis.port,
            mysql_port: mariadb.port,
            pids: vec![("mariadb", mariadb.pid), ("redis", redis.pid), ("kafka", kafka.pid)],
            daemon: daemon.to_path_buf(),
            python: python.to_path_buf(),
            out: out.to_path_buf(),
            work,
            runtime,
        })
    }

    /// `mysql://…` with or without a database.
    pub fn mysql(&self, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{}/{database}", self.mysql_port)
    }

    /// The live stock.
    pub fn redis(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.redis_port)
    }

    /// A connection to the stock, emptied when `fresh`: these servers are the bench's own and go with it.
    pub fn stock(&self, fresh: bool) -> Result<redis::Connection> {
        let client = redis::Client::open(self.redis())?;
        let mut connection = client.get_connection().context("Redis does not answer")?;
        if fresh {
            redis::cmd("FLUSHALL").query::<()>(&mut connection)?;
        }
        Ok(connection)
    }

    /// A connection to MariaDB.
    pub fn db(&self, database: &str) -> Result<Db> {
        Db::connect(&self.runtime, &self.mysql(database))
    }

    /// An empty database under this name.
    pub fn fresh_database(&self, name: &str) -> Result<()> {
        self.drop_database(name)?;
        let sql = format!("CREATE DATABASE {name} DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
        self.db("")?.run(&sql)
    }

    /// The database goes, if there is one.
    pub fn drop_database(&self, name: &str) -> Result<()> {
        self.db("")?.run(&format!("DROP DATABASE IF EXISTS {name}"))
    }
}
