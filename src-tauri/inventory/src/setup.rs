//! `init` and `check`: makes what is missing, tries everything, names cause and cure. Used by the daemon and by
//! the desktop's Settings.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Mode};
use crate::engine::{Clock, Engine, Parts, cluster, open_ledger, open_stock};
use crate::error::{Code, Error, Result};

/// Longest wait for a server to take a connection.
const REACH: Duration = Duration::from_secs(4);

/// One thing that `check` tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// config, outbox, queue, ledger or stock.
    pub part: &'static str,
    /// `None` = in order.
    pub code: Option<Code>,
    /// What was found.
    pub message: String,
    /// What to do; empty when in order.
    pub cure: String,
}

/// Creates database, tables and topic, and accepts sources whose first message is gone already. Says what it did.
pub async fn init(config: Config, program: &str, clock: Arc<dyn Clock>) -> Result<Vec<String>> {
    let mut done = Vec::new();
    if config.mode == Mode::Standalone {
        let folder = config.data_dir.display().to_string();
        Engine::open(config, Parts::Stores, program, clock).await?;
        done.push(format!("standalone stores in {folder} are ready"));
        return Ok(done);
    }
    let ledger = open_ledger(&config)?;
    done.extend(ledger.init().await.map_err(|error| error.at("ledger"))?);
    done.push(cluster::ensure_topic(&config).await.map_err(|error| error.at("queue"))?);
    for (identity, bounds) in cluster::bounds(&config).await? {
        if bounds.start > 0 && ledger.source(&identity).await?.is_none() {
            ledger.register_source(&identity, bounds.start).await?;
            done.push(format!(
                "partition {} begins at offset {}: what was there before is accepted as gone",
                identity.partition, bounds.start
            ));
        }
    }
    Ok(done)
}

/// Tries every part; each gives at least one finding.
pub async fn check(config: &Config) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        config.warnings.iter().map(|words| wrong("config", Code::Config, words.clone(), "")).collect();
    findings.push(data_dir(config));
    if config.mode == Mode::Cluster {
        findings.extend(queue(config).await);
    }
    findings.extend(ledger(config).await);
    findings.extend(stock(config).await);
    findings
}

fn fine(part: &'static str, message: impl Into<String>) -> Finding {
    Finding { part, code: None, message: message.into(), cure: String::new() }
}

fn wrong(part: &'static str, code: Code, message: String, cure: &str) -> Finding {
    Finding { part, code: Some(code), message, cure: cure.to_string() }
}

fn failed(part: &'static str, error: Error) -> Finding {
    wrong(part, error.code, error.message, "")
}

fn data_dir(config: &Config) -> Finding {
    let folder = &config.data_dir;
    let probe = folder.join(".writable");
    let tried = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => fine("outbox", format!("{} may be written", folder.display())),
        Err(error) => wrong(
            "outbox",
            Code::Config,
            format!("{} cannot be written: {error}", folder.display()),
            "make the folder writable, or name another one in [app] data_dir",
        ),
    }
}

async fn queue(config: &Config) -> Vec<Finding> {
    match cluster::check(config).await {
        Ok(findings) if findings.is_empty() => {
            vec![fine(
                "queue",
                format!("Kafka at {} has the topic {}", config.bootstrap_servers, config.topic),
            )]
        }
        Ok(findings) => findings
            .into_iter()
            .map(|(message, cure)| wrong("queue", Code::Refused, message, &cure))
            .collect(),
        Err(error) => vec![failed("queue", error)],
    }
}

/// In standalone mode the embedded files may belong to a running app: then they are in use, which is no fault.
fn embedded_in_use(config: &Config) -> bool {
    config.mode == Mode::Standalone
        && crate::outbox::DataDir::lock(&config.data_dir, "check")
            .is_err_and(|error| error.code == Code::Locked)
}

async fn ledger(config: &Config) -> Vec<Finding> {
    if embedded_in_use(config) {
        return vec![fine("ledger", "in use by the running app")];
    }
    let asked = async {
        if config.mode == Mode::Cluster {
            reach(&config.mysql_url).await?;
        }
        let ledger = open_ledger(config)?;
        if config.mode == Mode::Standalone {
            ledger.init().await?;
        }
        ledger.check().await
    };
    answered("ledger", asked.await)
}

/// The way to the ledger's server, by name and port: a pool of connections only says that it waited in vain.
async fn reach(url: &str) -> Result<()> {
    let Some(place) = place(url) else { return Ok(()) };
    let unreachable = |words: String| Error::new(Code::Unreachable, words);
    let found = tokio::net::lookup_host(&place).await.map_err(|error| {
        unreachable(format!("{place} does not resolve: {error}. Check the name in [mysql] url."))
    })?;
    let mut last = "the name has no address".to_string();
    for address in found {
        match tokio::time::timeout(REACH, tokio::net::TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = format!("no answer within {} seconds", REACH.as_secs()),
        }
    }
    Err(unreachable(format!(
        "nobody answers at {place}: {last}. Check that the server runs and that [mysql] url names it."
    )))
}

/// `host:port` of a ledger's URL; `None` where it names a socket or no host.
fn place(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?']).next()?.rsplit('@').next()?;
    if host.is_empty() || rest.contains("socket=") {
        return None;
    }
    let port =
        !host.ends_with(']') && host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Some(if port { host.to_string() } else { format!("{host}:3306") })
}

async fn stock(config: &Config) -> Vec<Finding> {
    if embedded_in_use(config) {
        return vec![fine("stock", "in use by the running app")];
    }
    let asked = async { open_stock(config)?.check().await };
    answered("stock", asked.await)
}

fn answered(part: &'static str, answer: Result<Vec<(String, String)>>) -> Vec<Finding> {
    match answer {
        Ok(findings) if findings.is_empty() => vec![fine(part, "answers and is in order")],
        Ok(findings) => {
            findings.into_iter().map(|(message, cure)| wrong(part, Code::Refused, message, &cure)).collect()
        }
        Err(error) => vec![failed(part, error)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_host_and_port() {
        let named = |url: &str| place(url).unwrap_or_default();
        assert_eq!(named("mysql://root@127.0.0.1:3307/inventory"), "127.0.0.1:3307");
        assert_eq!(named("mysql://me:p%40ss@db.house/inventory?ssl-mode=REQUIRED"), "db.house:3306");
        assert_eq!(named("mysql://[::1]/x"), "[::1]:3306");
        assert_eq!(named("mysql://[::1]:33/x"), "[::1]:33");
        assert_eq!(place("mysql:///x?socket=/run/s"), None);
    }

    #[tokio::test]
    async fn a_server_out_of_reach_is_told_from_a_name_that_is_none() {
        let words = |error: Error| error.message;
        let unknown = reach("mysql://root@nosuch.invalid:3306/x").await.map_err(words).unwrap_err();
        assert!(unknown.starts_with("nosuch.invalid:3306 does not resolve"), "{unknown}");
        let held = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        reach(&format!("mysql://root@127.0.0.1:{port}/x")).await.unwrap();
        drop(held);
        let closed = reach(&format!("mysql://root@127.0.0.1:{port}/x")).await.map_err(words).unwrap_err();
        assert!(closed.starts_with(&format!("nobody answers at 127.0.0.1:{port}")), "{closed}");
    }
}
