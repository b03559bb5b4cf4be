//! config.ini: where the stores are and how the engine behaves. Every key has a default; an unknown key is an
//! error that names it, its line and the nearest known key. Passwords never stand here in clear.

pub mod ini;

use std::path::{Path, PathBuf};

use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;

/// Standalone (embedded stores) or cluster (Kafka, MySQL/MariaDB, Redis).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// SQLite and redb in the data directory; no server.
    #[default]
    Standalone,
    /// Kafka, MySQL/MariaDB and Redis.
    Cluster,
}

impl Mode {
    /// As written in config.ini and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Standalone => "standalone",
            Mode::Cluster => "cluster",
        }
    }
}

/// Where a password comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Secret {
    /// None given here (the URL may carry one).
    #[default]
    None,
    /// An environment variable.
    Env(String),
    /// The platform's keychain, service `twinstock`, account = section name.
    Keychain(&'static str),
}

impl Secret {
    /// Fetches the password. Blocking when it asks the keychain.
    pub fn fetch(&self) -> Result<Option<String>> {
        match self {
            Secret::None => Ok(None),
            Secret::Env(name) => std::env::var(name).map(Some).map_err(|_| {
                Error::new(
                    Code::Config,
                    words!(
                        "env_not_set",
                        "the environment variable {name} that holds a password is not set",
                        name
                    ),
                )
            }),
            Secret::Keychain(account) => keyring::Entry::new("twinstock", account)
                .and_then(|entry| entry.get_password())
                .map(Some)
                .map_err(|error| keychain_failed(account, &error)),
        }
    }
}

fn keychain_failed(account: &str, error: &keyring::Error) -> Error {
    Error::new(
        Code::Config,
        words!(
            "keychain_silent",
            "the keychain does not give the password for {account}: {error}. Save it again in Settings, or use env:NAME",
            account,
            error
        ),
    )
}

/// Saves a password in the platform's keychain; never falls back to clear text.
pub fn save_in_keychain(account: &'static str, password: &str) -> Result<()> {
    keyring::Entry::new("twinstock", account)
        .and_then(|entry| entry.set_password(password))
        .map_err(|error| keychain_failed(account, &error))
}

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// File it was read from, if any.
    pub file: Option<PathBuf>,
    /// `[app] mode`.
    pub mode: Mode,
    /// `[app] data_dir`: outbox, standalone stores, drafts.
    pub data_dir: PathBuf,
    /// `[app] writer`: whether the desktop takes part as consumer and writer in cluster mode.
    pub writer: bool,
    /// `[kafka] bootstrap_servers`.
    pub bootstrap_servers: String,
    /// `[kafka] topic`.
    pub topic: String,
    /// `[kafka] group_id`.
    pub group_id: String,
    /// `[kafka] partitions` of a topic that `init` creates.
    pub partitions: i32,
    /// `[kafka] replication_factor` of a topic that `init` creates.
    pub replication_factor: i32,
    /// `[kafka]` names with a dot: librdkafka properties, passed on.
    pub kafka_properties: Vec<(String, String)>,
    /// `[mysql] url`.
    pub mysql_url: String,
    /// `[mysql] password`.
    pub mysql_password: Secret,
    /// `[redis] url`.
    pub redis_url: String,
    /// `[redis] password`.
    pub redis_password: Secret,
    /// `[audit] expiration`, seconds.
    pub audit_expiration: u64,
    /// `[audit] storm_percent`.
    pub storm_percent: u32,
    /// `[ledger] day_tables`; `None`: 20,000 in MySQL/MariaDB, 2,000 in SQLite.
    pub day_tables: Option<usize>,
    /// `[entries] oldest_days`.
    pub oldest_days: i64,
    /// `[entries] newest_days`.
    pub newest_days: i64,
    /// What the owner should know, such as a password in a URL.
    pub warnings: Vec<Words>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            file: None,
            mode: Mode::Standalone,
            data_dir: platform_dir("XDG_DATA_HOME", ".local/share"),
            writer: true,
            bootstrap_servers: "127.0.0.1:9092".into(),
            topic: "PREFIX-TOPIC-INVENTORY".into(),
            group_id: "inv-daemon".into(),
            partitions: 12,
            replication_factor: 1,
            kafka_properties: Vec::new(),
            mysql_url: "mysql://root@127.0.0.1:3306/inventory".into(),
            mysql_password: Secret::None,
            redis_url: "redis://127.0.0.1:6379/0".into(),
            redis_password: Secret::None,
            audit_expiration: 3600,
            storm_percent: 5,
            day_tables: None,
            oldest_days: 3660,
            newest_days: 2,
            warnings: Vec::new(),
        }
    }
}

/// The platform's folder for our data or configuration.
fn platform_dir(xdg: &str, home_part: &str) -> PathBuf {
    if cfg!(windows)
        && let Some(dir) = std::env::var_os("APPDATA")
    {
        return PathBuf::from(dir).join("Twinstock");
    }
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
    if cfg!(target_os = "macos") {
        return home.join("Library/Application Support/Twinstock");
    }
    std::env::var_os(xdg).map_or_else(|| home.join(home_part), PathBuf::from).join("twinstock")
}

const KEYS: [(&str, &[&str]); 7] = [
    ("app", &["mode", "data_dir", "writer"]),
    ("kafka", &["bootstrap_servers", "topic", "group_id", "partitions", "replication_factor"]),
    ("mysql", &["url", "password"]),
    ("redis", &["url", "password"]),
    ("audit", &["expiration", "storm_percent"]),
    ("ledger", &["day_tables"]),
    ("entries", &["oldest_days", "newest_days"]),
];

impl Config {
    /// Where the configuration is looked for when no file is named: `./config.ini`, else the platform's folder.
    pub fn find() -> Option<PathBuf> {
        let own = platform_dir("XDG_CONFIG_HOME", ".config").join("config.ini");
        [PathBuf::from("config.ini"), own].into_iter().find(|path| path.is_file())
    }

    /// Where Settings writes when no file was there.
    pub fn default_file() -> PathBuf {
        platform_dir("XDG_CONFIG_HOME", ".config").join("config.ini")
    }

    /// Reads the named file, else the one that `find` finds, else the defaults.
    pub fn load(named: Option<&Path>) -> Result<Self> {
        let Some(path) = named.map(Path::to_path_buf).or_else(Config::find) else {
            return Ok(Config::default());
        };
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Error::new(
                Code::Config,
                words!(
                    "config_not_read",
                    "cannot read the configuration {path}: {error}",
                    path = path.display(),
                    error
                ),
            )
        })?;
        let mut config = Config::parse(&text).map_err(|error| error.at(Words::plain(path.display())))?;
        config.file = Some(path);
        Ok(config)
    }

    /// Reads config.ini text.
    pub fn parse(text: &str) -> Result<Self> {
        let settings = ini::parse(text).map_err(|(line, words)| {
            Error::new(Code::Config, words!("line_words", "line {line}: {words}", line, words))
        })?;
        let mut config = Config::default();
        for setting in &settings {
            config
                .set(setting)
                .map_err(|error| error.at(words!("the_line", "line {line}", line = setting.line)))?;
        }
        for (name, url) in [("mysql", &config.mysql_url), ("redis", &config.redis_url)] {
            if has_password(url) {
                config.warnings.push(words!("url_with_password", "[{name}] url carries a password in clear; use `password = env:NAME` or `password = keychain`", name));
            }
        }
        Ok(config)
    }

    fn set(&mut self, setting: &ini::Setting) -> Result<()> {
        let value = setting.value.as_str();
        match (setting.section.as_str(), setting.key.as_str()) {
            ("app", "mode") => {
                self.mode = match value {
                    "standalone" => Mode::Standalone,
                    "cluster" => Mode::Cluster,
                    _ => return Err(wrong(setting, words!("must_be_mode", "must be standalone or cluster"))),
                }
            }
            ("app", "data_dir") => self.data_dir = PathBuf::from(filled(setting)?),
            ("app", "writer") => {
                self.writer = match value {
                    "yes" | "true" | "on" | "1" => true,
                    "no" | "false" | "off" | "0" => false,
                    _ => return Err(wrong(setting, words!("must_be_yes_or_no", "must be yes or no"))),
                }
            }
            ("kafka", "bootstrap_servers") => self.bootstrap_servers = filled(setting)?,
            ("kafka", "topic") => self.topic = filled(setting)?,
            ("kafka", "group_id") => self.group_id = filled(setting)?,
            ("kafka", "partitions") => self.partitions = number(setting, 1, 10_000)?,
            ("kafka", "replication_factor") => self.replication_factor = number(setting, 1, 100)?,
            ("kafka", key) if key.contains('.') => self.kafka_properties.push((key.into(), value.into())),
            ("mysql", "url") => self.mysql_url = filled(setting)?,
            ("mysql", "password") => self.mysql_password = secret(setting, "mysql")?,
            ("redis", "url") => self.redis_url = filled(setting)?,
            ("redis", "password") => self.redis_password = secret(setting, "redis")?,
            ("audit", "expiration") => self.audit_expiration = number(setting, 1, i64::from(u32::MAX))?,
            ("audit", "storm_percent") => self.storm_percent = number(setting, 0, 100)?,
            ("ledger", "day_tables") => self.day_tables = Some(number(setting, 0, 1_000_000)?),
            ("entries", "oldest_days") => self.oldest_days = number(setting, 0, 3_000_000)?,
            ("entries", "newest_days") => self.newest_days = number(setting, 0, 3_000_000)?,
            _ => return Err(unknown(setting)),
        }
        Ok(())
    }
}

fn wrong(setting: &ini::Setting, demand: Words) -> Error {
    let (section, key, value) = (&setting.section, &setting.key, format!("{:?}", setting.value));
    Error::new(
        Code::Config,
        words!("setting_wrong", "[{section}] {key} {value} {demand}", section, key, value, demand),
    )
}

fn filled(setting: &ini::Setting) -> Result<String> {
    if setting.value.is_empty() {
        Err(wrong(setting, words!("demand_empty", "must not be empty")))
    } else {
        Ok(setting.value.clone())
    }
}

fn number<T: TryFrom<i64>>(setting: &ini::Setting, least: i64, most: i64) -> Result<T> {
    let value = setting.value.parse::<i64>().ok().filter(|n| (least..=most).contains(n));
    value.and_then(|n| T::try_from(n).ok()).ok_or_else(|| {
        wrong(setting, words!("must_be_number", "must be a whole number from {least} to {most}", least, most))
    })
}

fn secret(setting: &ini::Setting, account: &'static str) -> Result<Secret> {
    match setting.value.as_str() {
        "" => Ok(Secret::None),
        "keychain" => Ok(Secret::Keychain(account)),
        value => match value.strip_prefix("env:") {
            Some(name) if !name.is_empty() => Ok(Secret::Env(name.into())),
            // The value itself is not repeated: it may be the password.
            _ => Err(Error::new(
                Code::Config,
                words!(
                    "password_in_clear",
                    "[{section}] password must be env:NAME or keychain; a password in clear is not read",
                    section = setting.section
                ),
            )),
        },
    }
}

fn unknown(setting: &ini::Setting) -> Error {
    let keys = KEYS.iter().find(|(section, _)| *section == setting.section).map(|(_, keys)| *keys);
    let words = match keys {
        Some(keys) => {
            let near = ini::nearest(&setting.key, keys.iter().copied()).unwrap_or_default();
            words!(
                "unknown_key",
                "unknown key {key} in [{section}]; the nearest known key is {near}",
                key = format!("{:?}", setting.key),
                section = setting.section,
                near = format!("{near:?}")
            )
        }
        None => {
            let near =
                ini::nearest(&setting.section, KEYS.iter().map(|(section, _)| *section)).unwrap_or_default();
            words!(
                "unknown_section",
                "unknown key {key} in the unknown section [{section}]; the nearest known section is [{near}]",
                key = format!("{:?}", setting.key),
                section = setting.section,
                near
            )
        }
    };
    Error::new(Code::Config, words)
}

/// Whether `scheme://user:password@host` carries a password.
fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let host = rest.split('/').next().unwrap_or(rest);
    host.rsplit_once('@')
        .is_some_and(|(login, _)| login.split_once(':').is_some_and(|(_, word)| !word.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
        let error = Config::parse("[audit]\n\nexperation = 1\n").unwrap_err();
        assert!(error.message.contains("line 3") && error.message.contains("\"experation\""));
        assert!(error.message.contains("\"expiration\""), "{error}");
        assert!(Config::parse("[audits]\nexpiration = 1").unwrap_err().message.contains("[audit]"));
    }

    #[test]
    fn passwords_in_clear_are_refused_or_warned_about() {
        let error = Config::parse("[mysql]\npassword = hunter2").unwrap_err();
        assert!(!error.message.contains("hunter2"));
        assert_eq!(Config::parse("[mysql]\nurl = mysql://a:b@h/d").unwrap().warnings.len(), 1);
        assert!(Config::parse("[mysql]\nurl = mysql://a@h/d").unwrap().warnings.is_empty());
        assert_eq!(
            Config::parse("[redis]\npassword = env:X").unwrap().redis_password,
            Secret::Env("X".into())
        );
    }

    #[test]
    fn the_designs_file_is_read() {
        let text = "[app]\nmode = cluster # x\n[kafka]\nsecurity.protocol = SASL_SSL\n[audit]\nexpiration = 3600  # 单位：秒\n[ledger]\nday_tables = 0\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.mode, Mode::Cluster);
        assert_eq!(config.kafka_properties, [("security.protocol".to_string(), "SASL_SSL".to_string())]);
        assert_eq!((config.audit_expiration, config.day_tables), (3600, Some(0)));
    }
}
