//! Preferences of this desktop and the connections of config.ini. Secrets go in and never come out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Words;

use super::app::{Mode, Part};

/// What an outbound line below zero does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum NegativePolicy {
    /// Shown beside the line, posted all the same.
    #[default]
    Warn,
    /// Refused at posting.
    Block,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Theme {
    /// As the desktop has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How a scanner marks its bursts, where it does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct Scanner {
    /// Text before a code, may be empty.
    pub prefix: String,
    /// Text after a code, may be empty.
    pub suffix: String,
}

/// What this desktop remembers. Written whole by `preferences_set`, effective at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct Preferences {
    /// `zh-CN` or `en`.
    pub language: String,
    /// Light, dark or as the system.
    pub theme: Theme,
    /// Scanner marks.
    pub scanner: Scanner,
    /// Policy for warehouses without one of their own.
    pub negative: NegativePolicy,
    /// Policy by warehouse id.
    pub negative_by_warehouse: BTreeMap<String, NegativePolicy>,
    /// Company of the last bill, offered for the next.
    pub last_company: String,
    /// Warehouse of the last bill, offered for the next.
    pub last_warehouse: String,
    /// True until the first bill is posted or the welcome is closed.
    pub first_run: bool,
    /// The UI's own memory (columns, widths): name to JSON text.
    pub screen: BTreeMap<String, String>,
}

impl Default for Preferences {
    fn default() -> Self {
        Preferences {
            language: String::new(),
            theme: Theme::System,
            scanner: Scanner::default(),
            negative: NegativePolicy::Warn,
            negative_by_warehouse: BTreeMap::new(),
            last_company: String::new(),
            last_warehouse: String::new(),
            first_run: true,
            screen: BTreeMap::new(),
        }
    }
}

/// Where a password comes from. Clear text is never written to a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(tag = "from", rename_all = "snake_case")]
#[ts(export)]
pub enum Secret {
    /// No password.
    #[default]
    None,
    /// An environment variable.
    Env {
        /// Its name.
        name: String,
    },
    /// The system's keychain.
    Keychain {
        /// A new password to keep there; null leaves what is there. Never sent to the UI.
        typed: Option<String>,
    },
}

/// One librdkafka property, such as `security.protocol`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Property {
    /// Name, with a dot.
    pub name: String,
    /// Value.
    pub value: String,
}

/// The sections of config.ini that Settings shows. `connections_set` writes them; `engine_restart` applies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Connections {
    /// Standalone or cluster.
    pub mode: Mode,
    /// Where outbox, standalone stores and drafts lie. Shown, not changed here.
    pub data_dir: String,
    /// `[kafka] bootstrap_servers`.
    pub kafka_bootstrap_servers: String,
    /// `[kafka] topic`.
    pub kafka_topic: String,
    /// `[kafka] group_id`.
    pub kafka_group_id: String,
    /// Other properties of `[kafka]`, passed on to librdkafka.
    pub kafka_properties: Vec<Property>,
    /// `[mysql] url`, without a password.
    pub mysql_url: String,
    /// `[mysql] password`.
    pub mysql_password: Secret,
    /// `[redis] url`, without a password.
    pub redis_url: String,
    /// `[redis] password`.
    pub redis_password: Secret,
}

/// Answer of `settings_get`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Settings {
    /// This desktop's memory.
    pub preferences: Preferences,
    /// What config.ini says now.
    pub connections: Connections,
    /// The file that `connections_set` writes.
    pub config_path: String,
    /// The file differs from what the engine runs with.
    pub restart_needed: bool,
}

/// One step of a connection test, in the order in which they are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Step {
    /// The data folder may be written.
    Folder,
    /// The disk under it has room.
    Space,
    /// Address and settings can be read.
    Address,
    /// The name leads to an address.
    Dns,
    /// Somebody listens.
    Tcp,
    /// Encrypted as asked for.
    Tls,
    /// Whoever listens speaks the service's language.
    Protocol,
    /// User and password.
    Login,
    /// The topic.
    Topic,
    /// The brokers' own addresses.
    Brokers,
    /// The database.
    Database,
    /// What must be allowed.
    Grant,
    /// The fixed tables.
    Tables,
    /// The embedded store.
    Store,
    /// Settings of the server that would lose goods.
    Policy,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum StepState {
    /// In order.
    Ok,
    /// Not in order.
    Failed,
    /// An earlier step failed.
    NotReached,
}

/// One step's answer to `connections_test`; a step may have several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TestResult {
    /// Which part.
    pub part: Part,
    /// Which step.
    pub step: Step,
    /// How it ended.
    pub state: StepState,
    /// What was found; nothing when it was not reached. Where there is no cure beside it, its last sentence is it.
    pub message: Words,
    /// How to mend it; nothing unless it failed.
    pub cure: Words,
}
