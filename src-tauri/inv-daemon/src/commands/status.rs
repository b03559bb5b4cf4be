//! `status`: where every source stands.

use inventory::Parts;
use inventory::config::Config;
use inventory::domain::error::Result;
use serde::Serialize;

use crate::{Outcome, output};

#[derive(Serialize)]
struct Source {
    source: String,
    topic: String,
    partition: i32,
    next_offset: i64,
    end_offset: Option<i64>,
    lag: Option<i64>,
    state: &'static str,
    reason: String,
}

#[derive(Serialize)]
struct Status {
    mode: &'static str,
    sources: Vec<Source>,
    outbox: Option<u64>,
    rejected: i64,
    last_audit: Option<LastAudit>,
}

#[derive(Serialize)]
struct LastAudit {
    outcome: &'static str,
    kind: &'static str,
    started_ms: i64,
    keys: u64,
    equal: u64,
    pending: u64,
    who: String,
}

/// Prints the status; exit code 1 when a source is stopped.
pub async fn status(config: Config, json: bool) -> Result<Outcome> {
    let engine = super::open(config, Parts::Stores).await?;
    let seen = engine.status().await?;
    let last_audit = engine.last_audit().await?.map(|run| LastAudit {
        outcome: run.outcome.name(),
        kind: run.kind.name(),
        started_ms: run.started_ms,
        keys: run.keys,
        equal: run.equal,
        pending: run.pending,
        who: run.who,
    });
    let status = Status {
        mode: engine.config().mode.name(),
        sources: seen
            .sources
            .into_iter()
            .map(|source| Source {
                source: source.name,
                topic: source.topic,
                partition: source.partition,
                next_offset: source.next_offset,
                end_offset: source.end_offset,
                lag: source.end_offset.map(|end| (end - source.next_offset).max(0)),
                state: source.state.name(),
                reason: source.reason.to_string(),
            })
            .collect(),
        outbox: seen.waiting,
        rejected: seen.rejected,
        last_audit,
    };
    // A source whose topic is gone for good has no end: nothing of it can go on, and nothing is to be done.
    let stopped =
        status.sources.iter().any(|source| source.state == "stopped" && source.end_offset.is_some());
    if json {
        output::json(&status)?;
    } else {
        print(&status)?;
    }
    Ok(if stopped { Outcome::Found } else { Outcome::Clean })
}

fn print(status: &Status) -> Result<()> {
    let waiting =
        status.outbox.map_or_else(|| "belongs to another process".to_string(), |n| format!("{n} waiting"));
    output::line(&format!("mode {} · outbox {waiting} · {} rejected", status.mode, status.rejected))?;
    if let Some(last) = &status.last_audit {
        output::line(&format!("last audit {}: {} of {} keys equal", last.outcome, last.equal, last.keys))?;
    }
    let rows: Vec<Vec<String>> = status
        .sources
        .iter()
        .map(|s| {
            let number = |n: Option<i64>| n.map_or_else(|| "?".to_string(), |n| n.to_string());
            vec![
                s.source.clone(),
                s.topic.clone(),
                s.next_offset.to_string(),
                number(s.end_offset),
                number(s.lag),
                if s.reason.is_empty() { s.state.to_string() } else { format!("{}: {}", s.state, s.reason) },
            ]
        })
        .collect();
    output::table(&["source", "topic", "next", "end", "lag", "state"], &rows, &[2, 3, 4])
}
