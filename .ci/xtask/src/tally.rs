//! Counts tests in what cargo and vitest print, while it passes on to the terminal.
//! A run whose program dies without a summary still counts as a failure.
use crate::sh;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// Tests that passed and failed.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Runs a command, shows its output as it comes and counts the tests in it.
pub fn run(command: &mut Command) -> Result<Tally> {
    run_into(command, &mut std::io::stdout())
}

/// The same, its output going elsewhere.
pub fn run_into(command: &mut Command, shown: &mut dyn Write) -> Result<Tally> {
    let line = sh::show(command);
    eprintln!("$ {line}");
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start: {line}"))?;
    let mut tally = Tally::default();
    if let Some(out) = child.stdout.take() {
        let mut reader = BufReader::new(out);
        let mut text = Vec::new();
        while reader.read_until(b'\n', &mut text)? > 0 {
            shown.write_all(&text)?;
            tally.add(count(&String::from_utf8_lossy(&text)));
            text.clear();
        }
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        eprintln!("failed with {status}: {line}");
        tally.failed = 1;
    }
    Ok(tally)
}

/// Counts the tests in a whole output.
pub fn counted(text: &str) -> Tally {
    let mut sum = Tally::default();
    text.lines().for_each(|line| sum.add(count(line)));
    sum
}

/// `test result: ok. 3 passed; 0 failed; …` of cargo; `Tests  1 failed | 14 passed (15)` of vitest.
fn count(line: &str) -> Tally {
    let plain = without_colours(line);
    let plain = plain.trim();
    if !plain.starts_with("test result:") && !plain.starts_with("Tests ") {
        return Tally::default();
    }
    let words: Vec<&str> = plain.split([' ', ';', '|', '.']).filter(|word| !word.is_empty()).collect();
    let before = |name: &str| {
        let at = words.iter().position(|word| *word == name);
        at.and_then(|at| words.get(at.wrapping_sub(1))).and_then(|word| word.parse().ok()).unwrap_or(0)
    };
    Tally { passed: before("passed"), failed: before("failed") }
}

fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_and_vitest_are_counted() {
        let cargo = "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out";
        assert_eq!(count(cargo), Tally { passed: 12, failed: 2 });
        let vitest = "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[31m1 failed\u{1b}[39m | 14 passed (15)";
        assert_eq!(count(vitest), Tally { passed: 14, failed: 1 });
        assert_eq!(count("      Tests  7 passed (7)"), Tally { passed: 7, failed: 0 });
        assert_eq!(count("test a ... ok"), Tally::default());
    }
}
