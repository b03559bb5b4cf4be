//! Redis as Twinstock needs it: nothing evicted, every write in the append-only file.
use crate::process::{self, Server};
use crate::sh;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The machine's Redis.
pub fn program() -> Result<PathBuf> {
    sh::which("redis-server")
        .or_else(|| sh::which("valkey-server"))
        .context("redis-server is missing: apt-get install redis-server")
}

/// Starts Redis (or Valkey, which takes the same file) with a fresh data folder.
pub fn start(dir: &Path, port: u16, program: &Path) -> Result<Server> {
    let data = dir.join("redis");
    fs::create_dir_all(&data)?;
    let conf = data.join("redis.conf");
    fs::write(
        &conf,
        format!(
            "bind 127.0.0.1\nport {port}\ndir \"{}\"\ndaemonize no\nsave \"\"\nappendonly yes\n\
             appendfsync everysec\nmaxmemory-policy noeviction\n",
            data.display()
        ),
    )?;
    // It rewrites its command line to "redis-server 127.0.0.1:port".
    let own = ["redis-server", "valkey-server"].map(|name| format!("{name} 127.0.0.1:{port}"));
    let marks = own.into_iter().chain([conf.display().to_string()]).collect();
    process::start("redis", port, marks, &dir.join("redis.log"), sh::command(program, &data).arg(&conf))
}
