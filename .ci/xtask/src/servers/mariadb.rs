//! MariaDB with a durable log and no password, on loopback only.
//! Character set and SQL mode are left as the server has them: Twinstock must not depend on either.
use crate::process::{self, Server};
use crate::sh;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Installs a fresh data folder and starts the server on it.
pub fn start(dir: &Path, port: u16) -> Result<Server> {
    let missing = "MariaDB is missing: apt-get install mariadb-server";
    let install = sh::which("mariadb-install-db").context(missing)?;
    let program = sh::which("mariadbd").context(missing)?;
    let data = dir.join("mariadb");
    fs::create_dir_all(&data)?;
    let datadir = format!("--datadir={}", data.display());
    let user = format!("--user={}", sh::output(sh::command("id", dir).arg("-un"))?.trim());
    // Of its own: a server that starts deletes the temporary tables that it finds, also those of another one at work.
    let temporary = dir.join("mariadb-tmp");
    fs::create_dir_all(&temporary)?;
    sh::output(
        sh::command(install, dir)
            .env("TMPDIR", &temporary)
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .args([&datadir, &user]),
    )?;
    let mut command = sh::command(program, dir);
    command.args(["--no-defaults", &datadir, &user]);
    command.arg(format!("--tmpdir={}", temporary.display()));
    command.args([format!("--port={port}"), "--bind-address=127.0.0.1".into()]);
    // Relative to the data folder: a socket's path may not be longer than about 107 bytes.
    command.args(["--socket=mariadb.sock", "--pid-file=mariadb.pid", "--skip-name-resolve"]);
    // As a site would run it: every commit on disk, room for the working set, a redo log that a burst does not fill.
    command.args(["--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=1G"]);
    command.args(["--innodb-log-file-size=512M", "--max-allowed-packet=64M", "--max-connections=300"]);
    // A table is open once for each connection that writes into it: 1,000 products of a day over 12 partitions are
    // 12,000. With a smaller cache they push each other out, batch by batch.
    command.args(["--table-open-cache=20000", "--table-definition-cache=20000", "--open-files-limit=65535"]);
    process::start("mariadb", port, vec![datadir], &dir.join("mariadb.log"), &mut command)
}
