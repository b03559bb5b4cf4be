//! Redis as Twinstock needs it: nothing evicted, every write in the append-only file.
use crate::process::{self, Server};
use crate::sh;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Starts Redis (or Valkey, which takes the same file) with a fresh data folder.
pub fn start(dir: &Path, port: u16) -> Result<Server> {
    let program = sh::which("redis-server")
        .or_else(|| sh::which("valkey-server"))
        .context("redis-server is missing: apt-get install redis-server")?;
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
    // Redis rewrites its command line to "redis-server 127.0.0.1:port".
    let marks = vec![format!("redis-server 127.0.0.1:{port}"), conf.display().to_string()];
    process::start("redis", port, marks, &dir.join("redis.log"), sh::command(program, &data).arg(&conf))
}
