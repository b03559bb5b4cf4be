//! `init` and `check`: is everything there, and if not, what to do.

use inventory::config::Config;
use inventory::error::{Code, Error, Result};
use serde::Serialize;

use crate::{Outcome, output};

/// Creates what is missing and says what it did.
pub async fn init(config: Config) -> Result<Outcome> {
    let done = inventory::setup::init(config, super::PROGRAM, super::clock()).await?;
    for line in done {
        output::line(&line)?;
    }
    Ok(Outcome::Clean)
}

#[derive(Serialize)]
struct Finding {
    part: &'static str,
    ok: bool,
    message: String,
    cure: String,
}

/// Tries every part. Exit code 3 when a server is out of reach, 1 when something else is wrong.
pub async fn check(config: Config, json: bool) -> Result<Outcome> {
    let findings = inventory::setup::check(&config).await;
    let rows: Vec<Finding> = findings
        .iter()
        .map(|found| Finding {
            part: found.part,
            ok: found.code.is_none(),
            message: found.message.clone(),
            cure: found.cure.clone(),
        })
        .collect();
    if json {
        output::json(&rows)?;
    } else {
        for row in &rows {
            output::line(&format!("{} {:<7} {}", if row.ok { "✓" } else { "✗" }, row.part, row.message))?;
            if !row.cure.is_empty() {
                output::line(&format!("          → {}", row.cure))?;
            }
        }
    }
    let codes: Vec<Code> = findings.iter().filter_map(|found| found.code).collect();
    if codes.contains(&Code::Unreachable) {
        return Err(Error::new(Code::Unreachable, "a needed server is out of reach"));
    }
    Ok(if codes.is_empty() { Outcome::Clean } else { Outcome::Found })
}
