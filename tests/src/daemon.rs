//! Runs the program under test as a user would: its commands with a time limit, and `run` in the background with
//! signals by pid. Reads exit codes, standard output and standard error, nothing inside.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::processes::{Guard, signal};
use crate::servers;

/// In the environment of a daemon that shall say which transactions it tries again.
pub const TALKATIVE: [(&str, &str); 1] =
    [("RUST_LOG", "warn,audit=debug,inventory=debug,ledger=debug,queue=debug,stock=debug,writer=debug")];

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// Exit code; `None` when it was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Demands an exit code and hands the output on.
    #[track_caller]
    pub fn expect(self, code: i32) -> Output {
        assert_eq!(self.code, Some(code), "stdout:\n{:.4000}\nstderr:\n{:.4000}", self.stdout, self.stderr);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let value = serde_json::from_str(&self.stdout);
        value.unwrap_or_else(|e| panic!("{e} in\n{:.2000}\nstderr:\n{:.2000}", self.stdout, self.stderr))
    }
}

/// The program with its configuration.
#[derive(Debug, Clone)]
pub struct Daemon {
    /// config.ini.
    pub config: PathBuf,
    /// Where it is started and where its log goes.
    pub dir: PathBuf,
}

impl Daemon {
    /// The command, ready for more settings.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(servers::daemon());
        command.arg("--config").arg(&self.config).args(args).current_dir(&self.dir);
        command.env_remove("RUST_LOG").env("NO_COLOR", "1");
        command
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn call(&self, args: &[&str], stdin: &str) -> Output {
        finish(self.command(args), stdin.as_bytes(), Duration::from_secs(300))
    }

    /// Runs a command that is killed after `life`; `None`: it ended before.
    pub fn call_and_kill(&self, args: &[&str], stdin: &str, life: Duration) -> Option<Output> {
        let mut child = Guard(
            self.command(args)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let mut pipe = child.0.stdin.take().unwrap();
        let input = stdin.to_owned();
        let writing = std::thread::spawn(move || pipe.write_all(input.as_bytes()).ok());
        let started = Instant::now();
        let mut ended = None;
        while started.elapsed() < life && ended.is_none() {
            std::thread::sleep(Duration::from_millis(2));
            ended = child.0.try_wait().unwrap();
        }
        child.kill();
        writing.join().ok();
        ended.map(|status| Output { code: status.code(), stdout: String::new(), stderr: String::new() })
    }

    /// Starts `run` in the background.
    pub fn start(&self) -> Running {
        self.start_with(&[])
    }

    /// Starts `run` in the background with variables in its environment.
    pub fn start_with(&self, environment: &[(&str, &str)]) -> Running {
        self.start_command(&["run"], environment)
    }

    /// Starts any command in the background, its words going to the log.
    pub fn start_command(&self, args: &[&str], environment: &[(&str, &str)]) -> Running {
        let log = self.dir.join("run.log");
        let mut command = self.command(args);
        command.envs(environment.iter().copied());
        let guard = Guard::start(&mut command, &log);
        Running { guard, log, started: Instant::now() }
    }

    /// Everything that was ever written to the log.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.dir.join("run.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// `inv-daemon run`.
pub struct Running {
    guard: Guard,
    log: PathBuf,
    started: Instant,
}

impl Running {
    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.guard.0.id()
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.guard.kill();
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Has it ended by itself?
    pub fn ended(&mut self) -> Option<i32> {
        self.guard.0.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// SIGTERM; demands that it drains within `patience` and exits with 0. Returns how long it took.
    #[track_caller]
    pub fn stop(mut self, patience: Duration) -> Duration {
        // A process that has not reached its main yet cannot listen for signals.
        std::thread::sleep(Duration::from_millis(300).saturating_sub(self.started.elapsed()));
        assert_eq!(self.ended(), None, "run ended by itself:\n{}", self.words());
        self.signal("TERM");
        let started = Instant::now();
        while started.elapsed() < patience {
            if let Some(code) = self.ended() {
                assert_eq!(code, 0, "run after SIGTERM:\n{}", self.words());
                return started.elapsed();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("run does not end within {patience:?} of SIGTERM:\n{}", self.words());
    }

    /// The last words of its log.
    pub fn words(&self) -> String {
        let all = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = all.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

/// Runs a program to its end with input and a time limit; panics when the limit is passed.
#[track_caller]
pub fn finish(mut command: Command, stdin: &[u8], limit: Duration) -> Output {
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = Guard(spawned.unwrap_or_else(|e| panic!("{command:?}: {e}")));
    let mut pipe = child.0.stdin.take().unwrap();
    let input = stdin.to_vec();
    let writing = std::thread::spawn(move || {
        pipe.write_all(&input).ok();
    });
    let (mut out, mut err) = (child.0.stdout.take().unwrap(), child.0.stderr.take().unwrap());
    let reading_out = std::thread::spawn(move || read_all(&mut out));
    let reading_err = std::thread::spawn(move || read_all(&mut err));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.0.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > limit {
            child.kill();
            panic!("{command:?} not done after {limit:?}; stderr:\n{}", reading_err.join().unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    writing.join().ok();
    Output { code: status.code(), stdout: reading_out.join().unwrap(), stderr: reading_err.join().unwrap() }
}

fn read_all(pipe: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).ok();
    String::from_utf8_lossy(&bytes).into_owned()
}
