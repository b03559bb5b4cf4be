//! One installation of the program under test: its config.ini, its database, its commands, and `run` in the
//! background. Ends what it started, by pid.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::data::Shape;
use crate::halves;
use crate::place::Place;

/// A folder with config.ini.
pub struct Site {
    pub dir: PathBuf,
    daemon: PathBuf,
    /// Its database, in a cluster.
    pub database: String,
}

impl Site {
    /// Kafka, MariaDB and Redis. With `tables` the day tables stand already, as they do in a running site, where they
    /// are made ahead of midnight; else the entries make them.
    pub fn cluster(place: &Place, shape: &Shape, topic: &str, tables: bool) -> Result<Site> {
        let database = format!("bench_{}", topic.replace(['-', '.'], "_"));
        let site = Site::folder(place, &database)?;
        site.config(&format!(
            "[app]\nmode = cluster\ndata_dir = {}\n[kafka]\nbootstrap_servers = {}\ntopic = {topic}\n\
             group_id = {database}-{}\n[mysql]\nurl = {}\n[redis]\nurl = {}\n[ledger]\nday_tables = {}\n",
            site.dir.join("data").display(),
            place.kafka,
            uuid::Uuid::new_v4().simple(),
            place.mysql(&database),
            place.redis(),
            shape.day_tables
        ))?;
        place.drop_database(&database)?;
        place.stock(true)?;
        site.call(&["init"])?;
        place.runtime.block_on(halves::stand(&place.mysql(&database), shape, tables))?;
        Ok(site)
    }

    /// Embedded stores.
    pub fn standalone(place: &Place, shape: &Shape) -> Result<Site> {
        let site = Site::folder(place, "standalone")?;
        let data = site.dir.join("data").display().to_string();
        site.config(&format!("[app]\ndata_dir = {data}\n[ledger]\nday_tables = {}\n", shape.day_tables))?;
        site.call(&["init"])?;
        if shape.first_open() > 0 {
            site.call(&["compact", "--before", &Shape::day(shape.first_open()).to_string()])?;
        }
        Ok(site)
    }

    fn folder(place: &Place, name: &str) -> Result<Site> {
        let dir = place.work.join(name);
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("cannot empty {}", dir.display()))?;
        }
        fs::create_dir_all(&dir)?;
        Ok(Site { dir, daemon: place.daemon.clone(), database: name.to_owned() })
    }

    fn config(&self, text: &str) -> Result<()> {
        fs::write(self.dir.join("config.ini"), text).context("cannot write config.ini")
    }

    /// A command of the daemon.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.daemon);
        command.arg("--config").arg(self.dir.join("config.ini")).args(args).current_dir(&self.dir);
        command.stdin(Stdio::null()).env_remove("RUST_LOG");
        command
    }

    /// Runs a command to its end; anything but success is an error. Returns its words.
    pub fn call(&self, args: &[&str]) -> Result<String> {
        let out = self.command(args).output().with_context(|| format!("{}", self.daemon.display()))?;
        let words = String::from_utf8_lossy(&out.stderr);
        ensure!(out.status.success(), "inv-daemon {} ended with {}: {words}", args.join(" "), out.status);
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Starts a command in the background, its words going to a log.
    pub fn start(&self, args: &[&str]) -> Result<Running> {
        let log = self.dir.join("run.log");
        let out = File::create(&log)?;
        let mut command = self.command(args);
        let child = command.stdout(out.try_clone()?).stderr(out).spawn();
        Ok(Running { child: child.with_context(|| format!("{}", self.daemon.display()))?, log })
    }

    /// The database and the folder go.
    pub fn remove(self, place: &Place) -> Result<()> {
        if self.database != "standalone" {
            place.drop_database(&self.database)?;
        }
        fs::remove_dir_all(&self.dir).with_context(|| format!("cannot remove {}", self.dir.display()))
    }
}

/// The program in the background; dies with this value.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An error with the program's last words when it has ended.
    pub fn alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the daemon ended with {status}: {}", self.words()),
        }
    }

    /// Its exit code once it has ended by itself.
    pub fn ended(&mut self) -> Result<Option<bool>> {
        Ok(self.child.try_wait()?.map(|status| status.success()))
    }

    /// The last lines of its log.
    pub fn words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// SIGTERM; it has to drain and end.
    pub fn stop(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "after SIGTERM the daemon ended with {status}: {}", self.words());
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the daemon does not end within 10 seconds of SIGTERM: {}", self.words())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
