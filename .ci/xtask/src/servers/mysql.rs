//! MySQL as it comes, with a durable log and no password, on loopback only: the second pass's ledger.
use super::second::Second;
use crate::process::{self, Server};
use crate::sh;
use anyhow::Result;
use std::fs;
use std::path::Path;

/// Makes a fresh data folder and starts the server on it.
pub fn start(dir: &Path, port: u16, second: &Second) -> Result<Server> {
    let data = dir.join("mysql");
    fs::create_dir_all(dir)?;
    let datadir = format!("--datadir={}", data.display());
    let user = format!("--user={}", sh::output(sh::command("id", dir).arg("-un"))?.trim());
    // Of its own, as MariaDB's.
    let temporary = dir.join("mysql-tmp");
    fs::create_dir_all(&temporary)?;
    let mut install = sh::command(&second.mysqld, dir);
    sh::output(install.env("TMPDIR", &temporary).args(["--initialize-insecure", &datadir, &user]))?;
    let mut command = sh::command(&second.mysqld, dir);
    command.arg(format!("--tmpdir={}", temporary.display()));
    command.args([&datadir, &user, &format!("--port={port}"), "--bind-address=127.0.0.1"]);
    command.args(["--socket=mysql.sock", "--pid-file=mysql.pid", "--mysqlx=OFF", "--secure-file-priv=NULL"]);
    command.args(["--innodb-buffer-pool-size=256M", "--max-connections=300", "--table-open-cache=4000"]);
    command.args(["--table-definition-cache=4000", "--open-files-limit=65535"]);
    process::start("mysql", port, vec![datadir], &dir.join("mysql.log"), &mut command)
}
