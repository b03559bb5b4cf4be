//! Servers in the background: started away from our terminal, found again by pid and command line.
//! Never signals a pid whose command line is not the one that was started: pids are reused.
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One server as the state file keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Server {
    pub name: String,
    pub pid: u32,
    pub port: u16,
    /// The process is ours if its command line contains one of these.
    pub marks: Vec<String>,
    pub log: PathBuf,
}

/// Starts a server in its own process group (Ctrl-C in our terminal does not reach it), output into `log`.
pub fn start(name: &str, port: u16, marks: Vec<String>, log: &Path, command: &mut Command) -> Result<Server> {
    let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let err = out.try_clone()?;
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let child =
        command.spawn().with_context(|| format!("cannot start {name}: {}", crate::sh::show(command)))?;
    Ok(Server { name: name.to_owned(), pid: child.id(), port, marks, log: log.to_path_buf() })
}

impl Server {
    /// Whether the process lives and is the one that was started. A zombie has no command line: it is gone.
    pub fn alive(&self) -> bool {
        let line = command_line(self.pid);
        self.marks.iter().any(|mark| line.contains(mark))
    }

    /// The last lines of the log, for an error message.
    pub fn log_tail(&self) -> String {
        let text = fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let text = text.unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

/// The command line of a process; empty when there is none.
fn command_line(pid: u32) -> String {
    if cfg!(target_os = "linux") {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        return String::from_utf8_lossy(&bytes).replace('\0', " ");
    }
    Command::new("ps")
        .args(["-ww", "-o", "command=", "-p", &pid.to_string()])
        .output()
        .map(|out| String::from_utf8_lossy(&out.stdout).into_owned())
        .unwrap_or_default()
}

fn signal(server: &Server, name: &str) {
    if server.alive() {
        let _gone = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", server.pid)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// Asks all to stop, waits up to 20 seconds, then kills what is left. An error names what survives even that.
pub fn stop(servers: &[Server]) -> Result<()> {
    for server in servers {
        signal(server, "TERM");
    }
    if wait_for(Duration::from_secs(20), || servers.iter().all(|server| !server.alive())) {
        return Ok(());
    }
    for server in servers {
        signal(server, "KILL");
    }
    if wait_for(Duration::from_secs(10), || servers.iter().all(|server| !server.alive())) {
        return Ok(());
    }
    let left: Vec<String> =
        servers.iter().filter(|s| s.alive()).map(|s| format!("{} (pid {})", s.name, s.pid)).collect();
    bail!("these servers do not stop: {}; stop them by hand", left.join(", "));
}

/// What a process and those of its children that have ended have had of the processors; zero where nobody counts it.
pub fn processor_time(pid: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = text.rsplit_once(") ").map(|(_, fields)| fields).unwrap_or_default();
    // Own and children's time for the program and for the system, in hundredths of a second.
    let hundredths = fields.split(' ').skip(11).take(4).filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(10 * hundredths.sum::<u64>())
}

/// Kills a process that we started, and everything that it started.
pub fn end_with_descendants(pid: u32) -> Result<()> {
    let said = crate::sh::output(Command::new("ps").args(["-A", "-o", "pid=,ppid="]))?;
    let pairs: Vec<(u32, u32)> = said
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().map(str::parse);
            Some((words.next()?.ok()?, words.next()?.ok()?))
        })
        .collect();
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        all.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    let pids = all.iter().map(u32::to_string);
    Command::new("kill").arg("-KILL").args(pids).stderr(Stdio::null()).status()?;
    Ok(())
}

/// Polls until the condition holds; false when the time is over.
pub fn wait_for(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_of_somebody_else_is_not_ours() {
        let mine = Server {
            name: "x".into(),
            pid: std::process::id(),
            port: 0,
            marks: vec!["/no/such/data/folder".into()],
            log: PathBuf::new(),
        };
        assert!(!mine.alive());
        assert!(stop(&[mine]).is_ok(), "and so it is left alone");
    }
}
