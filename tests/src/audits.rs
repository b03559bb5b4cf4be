//! Asks for audits as an operator does, and reads what they tell.

use serde_json::Value;

use crate::daemon::Daemon;

/// What an audit told.
#[derive(Debug, Clone)]
pub struct Told(pub Value);

/// Runs `audit --json` with more flags; exit codes other than 0 and 1 fail the test.
#[track_caller]
pub fn audit(daemon: &Daemon, flags: &[&str]) -> Told {
    let mut args = vec!["audit", "--json"];
    args.extend(flags);
    let output = daemon.call(&args, "");
    assert!(matches!(output.code, Some(0 | 1)), "{:?}\n{}\n{}", output.code, output.stdout, output.stderr);
    let told = Told(output.json());
    let left = matches!(told.outcome(), "deviations" | "storm");
    assert_eq!(output.code, Some(i32::from(left)), "exit code 1 means that something is left: {told:?}");
    told
}

impl Told {
    /// `outcome`.
    pub fn outcome(&self) -> &str {
        self.0["outcome"].as_str().unwrap()
    }

    /// A count.
    pub fn count(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_else(|| panic!("{name} in {}", self.0))
    }

    /// All deviations.
    pub fn deviations(&self) -> &[Value] {
        self.0["deviations"].as_array().unwrap()
    }

    /// (subject, cause, store, action) of all deviations, sorted.
    pub fn lines(&self) -> Vec<(String, String, String, String)> {
        let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        let line = |line: &Value| {
            (text(line, "subject"), text(line, "cause"), text(line, "store"), text(line, "action"))
        };
        let mut lines: Vec<_> = self.deviations().iter().map(line).collect();
        lines.sort();
        lines
    }

    /// The one deviation of a subject.
    #[track_caller]
    pub fn of(&self, subject: &str) -> &Value {
        let found: Vec<&Value> = self.deviations().iter().filter(|line| line["subject"] == subject).collect();
        assert_eq!(found.len(), 1, "{subject} in {:#}", self.0);
        found[0]
    }

    /// Demands the positive result.
    #[track_caller]
    pub fn must_be_clean(&self) {
        assert_eq!((self.outcome(), self.deviations().len()), ("clean", 0), "{:#}", self.0);
        assert_eq!(self.count("keys"), self.count("equal"), "{:#}", self.0);
        assert!(self.count("keys") > 0, "nothing was judged: {:#}", self.0);
    }
}
