//! Programs that a test starts for itself: Redis and MariaDB that may be killed, and any child that must not
//! outlive its test. Ends only what it started, by pid; never by name.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::sql::Db;

/// A port that nobody listens on. Below those that the system gives to outgoing connections, and each process begins in
/// a place of its own: nobody takes it before it is used, nor while a server is down that shall come back to it.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 10_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(16);
    let tried = (0..COUNT).map(|_| begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT + FIRST);
    let mut free = tried.filter_map(|port| u16::try_from(port).ok());
    free.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

/// Waits until `ready` says yes; panics with `what` when it takes too long.
pub fn wait_for(what: &str, patience: Duration, mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < patience, "{what}: not after {patience:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sends a signal to a process that we started.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
    assert!(sent.success(), "kill -{name} {pid}");
}

/// A child that dies with its guard.
pub struct Guard(pub Child);

impl Guard {
    /// Starts a program, its words going to a file.
    pub fn start(command: &mut Command, log: &Path) -> Guard {
        let out = File::options().create(true).append(true).open(log).unwrap();
        let err = out.try_clone().unwrap();
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Guard(child.unwrap_or_else(|e| panic!("{command:?}: {e}")))
    }

    /// kill -9, and waits for the end.
    pub fn kill(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Copies a folder with everything in it.
pub fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())) {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }
}

/// A Redis of the test's own: append-only, so that what it acknowledged survives a kill but for a second.
pub struct RedisServer {
    port: u16,
    dir: PathBuf,
    extra: Vec<String>,
    process: Option<Guard>,
}

impl RedisServer {
    /// Starts an empty one in `dir`.
    pub fn start(dir: &Path) -> RedisServer {
        RedisServer::start_with(dir, &[])
    }

    /// Starts an empty one with more arguments.
    pub fn start_with(dir: &Path, extra: &[&str]) -> RedisServer {
        std::fs::create_dir_all(dir).unwrap();
        let extra = extra.iter().map(|&arg| arg.to_owned()).collect();
        let mut server = RedisServer { port: free_port(), dir: dir.to_owned(), extra, process: None };
        server.up();
        server
    }

    /// Starts it again after [`RedisServer::kill`].
    pub fn up(&mut self) {
        let mut command = Command::new("redis-server");
        command.current_dir(&self.dir).args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"]);
        command.args(&self.extra);
        self.process = Some(Guard::start(&mut command, &self.dir.join("redis.log")));
        let client = redis::Client::open(self.url()).unwrap();
        wait_for("redis-server answers", Duration::from_secs(60), || {
            let Ok(mut connection) = client.get_connection() else { return false };
            redis::cmd("PING").query::<String>(&mut connection).is_ok()
        });
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process.take();
    }

    /// `redis://…/0`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Its directory.
    pub fn home(&self) -> &Path {
        &self.dir
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A connection.
    pub fn connect(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().expect("the test's Redis answers")
    }
}

/// MySQL's server, where `cargo xtask test` runs its second pass.
fn mysqld() -> Option<std::ffi::OsString> {
    std::env::var_os("TWINSTOCK_TEST_MYSQLD")
}

/// A MariaDB of the test's own; in the second pass a MySQL.
pub struct MariaDb {
    port: u16,
    dir: PathBuf,
    extra: Vec<String>,
    process: Option<Guard>,
}

impl MariaDb {
    /// Installs and starts an empty one in `dir` (some seconds).
    pub fn start(dir: &Path) -> MariaDb {
        MariaDb::start_with(dir, &[])
    }

    /// Installs and starts an empty one with more arguments.
    pub fn start_with(dir: &Path, extra: &[&str]) -> MariaDb {
        std::fs::create_dir_all(dir).unwrap();
        let mut install = match mysqld() {
            Some(program) => {
                let mut command = Command::new(program);
                command.arg("--initialize-insecure");
                command
            }
            None => {
                let mut command = Command::new("mariadb-install-db");
                command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
                command
            }
        };
        install.arg(format!("--user={}", user())).arg(format!("--datadir={}", dir.join("data").display()));
        // A server that starts deletes the temporary tables that it finds, also those of another one at work.
        let temporary = dir.join("tmp");
        std::fs::create_dir_all(&temporary).unwrap();
        install.env("TMPDIR", &temporary);
        let installed = install.output().unwrap_or_else(|e| panic!("{install:?}: {e}"));
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        let extra = extra.iter().map(|&arg| arg.to_owned()).collect();
        let mut server = MariaDb { port: free_port(), dir: dir.to_owned(), extra, process: None };
        server.up();
        server
    }

    /// Starts it again after [`MariaDb::kill`].
    pub fn up(&mut self) {
        let program = ["/usr/sbin/mariadbd", "/usr/bin/mariadbd"].into_iter().find(|p| Path::new(p).exists());
        let mut command = match mysqld() {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(["--mysqlx=OFF", "--secure-file-priv=NULL"]);
                command
            }
            None => {
                let mut command = Command::new(program.unwrap_or("mariadbd"));
                command.arg("--no-defaults");
                command
            }
        };
        command.args(["--bind-address=127.0.0.1", "--innodb-buffer-pool-size=64M"]);
        command.arg(format!("--user={}", user())).arg(format!("--port={}", self.port));
        command.arg(format!("--datadir={}", self.dir.join("data").display()));
        command.arg(format!("--tmpdir={}", self.dir.join("tmp").display()));
        command.arg(format!("--socket={}", self.dir.join("s.sock").display())).args(&self.extra);
        self.process = Some(Guard::start(&mut command, &self.dir.join("mariadb.log")));
        let port = self.port;
        wait_for("mariadbd listens", Duration::from_secs(60), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process.take();
    }

    /// SIGTERM, and waits for the end: an orderly stop.
    pub fn stop(&mut self) {
        let Some(mut guard) = self.process.take() else { return };
        signal(guard.0.id(), "TERM");
        wait_for("mariadbd ends", Duration::from_secs(60), || guard.0.try_wait().unwrap().is_some());
    }

    /// Its files.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `mysql://root@…` without a database.
    pub fn url(&self) -> String {
        format!("mysql://root@127.0.0.1:{}", self.port)
    }

    /// A connection without a database.
    pub fn connect(&self) -> Db {
        Db::mysql(&self.url())
    }
}

/// Who we are: MariaDB refuses to run as root unless told by name.
fn user() -> String {
    let said = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}
