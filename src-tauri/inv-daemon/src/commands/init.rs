//! `init` and `check`: is everything there, and if not, what to do.

use inventory::config::Config;
use inventory::domain::error::{Code, Error, Result};
use inventory::domain::words::Words;
use inventory::setup::State;
use serde::Serialize;

use super::watched::progress_bar;
use crate::{Outcome, output};

/// Creates what is missing and says what it did.
pub async fn init(config: Config) -> Result<Outcome> {
    let bar = progress_bar();
    bar.set_message("rolling up for reports");
    let tell = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let done = inventory::setup::init(config, super::PROGRAM, super::clock(), tell).await;
    bar.finish_and_clear();
    let done = done?;
    for line in done {
        output::line(&line)?;
    }
    Ok(Outcome::Clean)
}

#[derive(Serialize)]
struct Finding<'a> {
    part: &'static str,
    step: &'static str,
    state: &'static str,
    ok: bool,
    message: &'a str,
    cure: &'a str,
}

/// Tries every part step by step. Exit code 3 when a server is out of reach, 1 when something else is wrong.
pub async fn check(config: Config, json: bool) -> Result<Outcome> {
    let findings = inventory::setup::check(&config).await;
    let rows: Vec<Finding> = findings
        .iter()
        .map(|found| Finding {
            part: found.part,
            step: found.step.name(),
            state: found.state.name(),
            ok: found.state == State::Ok,
            message: found.told().0,
            cure: found.told().1,
        })
        .collect();
    if json {
        output::json(&rows)?;
    } else {
        for (row, found) in rows.iter().zip(&findings) {
            let (sign, words) = match found.state {
                State::Ok => ("✓", row.message),
                State::Failed(_) => ("✗", row.message),
                State::NotReached => ("–", "not reached"),
            };
            output::line(&format!("{sign} {:<7} {:<9} {words}", row.part, row.step))?;
            if !row.cure.is_empty() {
                output::line(&format!("                    → {}", row.cure))?;
            }
        }
    }
    let codes: Vec<Code> = findings
        .iter()
        .filter_map(|found| match found.state {
            State::Failed(code) => Some(code),
            State::Ok | State::NotReached => None,
        })
        .collect();
    if codes.contains(&Code::Unreachable) {
        return Err(Error::new(Code::Unreachable, Words::plain("a needed server is out of reach")));
    }
    Ok(if codes.is_empty() { Outcome::Clean } else { Outcome::Found })
}
