//! Between config.ini and the Settings screen. The file's other lines and comments stay as they are; a password
//! goes to the keychain and never into the file.

use std::path::PathBuf;

use inventory::config::{Config, Mode as EngineMode, Secret as EngineSecret, ini, save_in_keychain};
use inventory::domain::error::{Code, Error, Result};
use inventory::domain::words;
use inventory::domain::words::Words;
use inventory::setup;

use crate::api::app::{Mode, Part};
use crate::api::settings::{Connections, Property, Secret, Step, StepState, TestResult};

/// The file that Settings reads and writes.
pub fn path(config: &Config) -> PathBuf {
    config.file.clone().unwrap_or_else(Config::default_file)
}

/// What a configuration says, for the screen.
pub fn shown(config: &Config) -> Connections {
    let secret = |secret: &EngineSecret| match secret {
        EngineSecret::None => Secret::None,
        EngineSecret::Env(name) => Secret::Env { name: name.clone() },
        EngineSecret::Keychain(_) => Secret::Keychain { typed: None },
    };
    let property = |(name, value): &(String, String)| Property { name: name.clone(), value: value.clone() };
    Connections {
        mode: match config.mode {
            EngineMode::Standalone => Mode::Standalone,
            EngineMode::Cluster => Mode::Cluster,
        },
        data_dir: config.data_dir.display().to_string(),
        kafka_bootstrap_servers: config.bootstrap_servers.clone(),
        kafka_topic: config.topic.clone(),
        kafka_group_id: config.group_id.clone(),
        kafka_properties: config.kafka_properties.iter().map(property).collect(),
        mysql_url: config.mysql_url.clone(),
        mysql_password: secret(&config.mysql_password),
        redis_url: config.redis_url.clone(),
        redis_password: secret(&config.redis_password),
    }
}

/// Writes the connections into the file, after the text as a whole was read back and found right.
pub fn save(config: &Config, wanted: &Connections) -> Result<()> {
    let path = path(config);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let text = written(&before, config, wanted);
    Config::parse(&text).map_err(|error| error.at(Words::plain(path.display())))?;
    for (account, secret) in [("mysql", &wanted.mysql_password), ("redis", &wanted.redis_password)] {
        if let Secret::Keychain { typed: Some(password) } = secret {
            save_in_keychain(account, password)?;
        }
    }
    let failed = |error: std::io::Error| {
        Error::new(
            Code::Full,
            words!("cannot_write", "cannot write {path}: {error}", path = path.display(), error),
        )
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let new = path.with_extension("ini.new");
    std::fs::write(&new, text).map_err(failed)?;
    std::fs::rename(&new, &path).map_err(failed)
}

/// The file's text with the wanted connections; only what differs is touched.
fn written(before: &str, config: &Config, wanted: &Connections) -> String {
    let now = shown(config);
    let mut text = without_properties(before, config, wanted);
    let mut put = |section: &str, key: &str, old: &str, new: &str| {
        if old != new {
            text = ini::set(&text, section, key, new);
        }
    };
    put("app", "mode", mode(now.mode), mode(wanted.mode));
    put("kafka", "bootstrap_servers", &now.kafka_bootstrap_servers, &wanted.kafka_bootstrap_servers);
    put("kafka", "topic", &now.kafka_topic, &wanted.kafka_topic);
    put("kafka", "group_id", &now.kafka_group_id, &wanted.kafka_group_id);
    for property in &wanted.kafka_properties {
        let old = now.kafka_properties.iter().find(|one| one.name == property.name);
        put("kafka", &property.name, old.map_or("\0", |one| &one.value), &property.value);
    }
    put("mysql", "url", &now.mysql_url, &wanted.mysql_url);
    put("mysql", "password", &secret(&now.mysql_password), &secret(&wanted.mysql_password));
    put("redis", "url", &now.redis_url, &wanted.redis_url);
    put("redis", "password", &secret(&now.redis_password), &secret(&wanted.redis_password));
    text
}

/// The text without the Kafka properties that are no longer wanted.
fn without_properties(text: &str, config: &Config, wanted: &Connections) -> String {
    let gone = |key: &str| {
        config.kafka_properties.iter().any(|(name, _)| name == key)
            && !wanted.kafka_properties.iter().any(|property| property.name == key)
    };
    let settings = ini::parse(text).unwrap_or_default();
    let lines: Vec<usize> =
        settings.iter().filter(|s| s.section == "kafka" && gone(&s.key)).map(|s| s.line).collect();
    let kept = text.lines().zip(1..).filter(|(_, number)| !lines.contains(number));
    kept.map(|(line, _)| format!("{line}\n")).collect()
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Standalone => "standalone",
        Mode::Cluster => "cluster",
    }
}

fn secret(secret: &Secret) -> String {
    match secret {
        Secret::None => String::new(),
        Secret::Env { name } => format!("env:{name}"),
        Secret::Keychain { .. } => "keychain".into(),
    }
}

/// Tries the connections as typed, saved or not, step by step.
pub async fn test(config: &Config, wanted: &Connections) -> Result<Vec<TestResult>> {
    let text = written("", &Config::default(), wanted);
    let mut tried = Config::parse(&text)?;
    tried.data_dir.clone_from(&config.data_dir);
    for (url, password, typed) in [
        (&mut tried.mysql_url, &mut tried.mysql_password, &wanted.mysql_password),
        (&mut tried.redis_url, &mut tried.redis_password, &wanted.redis_password),
    ] {
        if let Secret::Keychain { typed: Some(typed) } = typed {
            *url = with_password(url, typed);
            *password = EngineSecret::None;
        }
    }
    Ok(setup::check(&tried).await.into_iter().filter_map(result).collect())
}

fn result(finding: setup::Finding) -> Option<TestResult> {
    let part = match finding.part {
        "queue" | "outbox" => Part::Queue,
        "ledger" => Part::Ledger,
        "stock" => Part::Stock,
        _ => return None,
    };
    let state = match finding.state {
        setup::State::Ok => StepState::Ok,
        setup::State::Failed(_) => StepState::Failed,
        setup::State::NotReached => StepState::NotReached,
    };
    Some(TestResult {
        part,
        step: step(finding.step),
        state,
        message: (&finding.message).into(),
        cure: (&finding.cure).into(),
    })
}

fn step(step: setup::Step) -> Step {
    match step {
        setup::Step::Config | setup::Step::Address => Step::Address,
        setup::Step::Folder => Step::Folder,
        setup::Step::Space => Step::Space,
        setup::Step::Dns => Step::Dns,
        setup::Step::Tcp => Step::Tcp,
        setup::Step::Tls => Step::Tls,
        setup::Step::Protocol => Step::Protocol,
        setup::Step::Login => Step::Login,
        setup::Step::Topic => Step::Topic,
        setup::Step::Brokers => Step::Brokers,
        setup::Step::Database => Step::Database,
        setup::Step::Grant => Step::Grant,
        setup::Step::Tables => Step::Tables,
        setup::Step::Store => Step::Store,
        setup::Step::Policy => Step::Policy,
    }
}

/// The URL with a password in it, for a try that is written nowhere.
fn with_password(url: &str, password: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_string() };
    let (user, host) = rest.split_once('@').unwrap_or(("", rest));
    let user = user.split(':').next().unwrap_or_default();
    let hidden: String = password
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    format!("{scheme}://{user}:{hidden}@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_written_and_comments_stay() {
        let before = "# ours\n[app]\nmode = standalone   # yet\n[kafka]\nsecurity.protocol = SSL\n";
        let config = Config::parse(before).unwrap();
        let mut wanted = shown(&config);
        wanted.mode = Mode::Cluster;
        wanted.kafka_properties = vec![Property { name: "client.rack".into(), value: "a".into() }];
        wanted.mysql_password = Secret::Keychain { typed: Some("secret".into()) };
        let text = written(before, &config, &wanted);
        assert!(text.starts_with("# ours\n[app]\nmode = cluster  # yet\n"), "{text}");
        assert!(!text.contains("security.protocol") && text.contains("client.rack = a"), "{text}");
        assert!(!text.contains("secret") && text.contains("password = keychain"), "{text}");
        assert!(!text.contains("bootstrap_servers"), "{text}");
        assert_eq!(written(&text, &Config::parse(&text).unwrap(), &wanted), text);
    }

    #[test]
    fn a_typed_password_fits_into_a_url() {
        assert_eq!(with_password("mysql://me@h:1/db", "a:b"), "mysql://me:a%3Ab@h:1/db");
        assert_eq!(with_password("redis://h:1/0", "x"), "redis://:x@h:1/0");
    }
}
