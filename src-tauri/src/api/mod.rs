//! Every type that crosses to the user interface, with its TypeScript twin (ts-rs writes ui/src/api/bindings).
//! Names are those of the ioentry (snake_case). Plain data only: nothing here opens, reads or decides.
//!
//! Numbers are JavaScript numbers (quantities stay below 2^50). Times are the warehouse's wall clock,
//! `YYYY-MM-DD HH:MM:SS`. Lists of choices are string unions.

pub mod app;
pub mod audit;
pub mod bills;
pub mod catalog;
pub mod charts;
pub mod replay;
pub mod reports;
pub mod settings;
pub mod stock;

use std::collections::BTreeMap;

use inventory::domain::error::{Code, Error};
use inventory::domain::words;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Words of the engine: the UI says them in its own language by their code, or in English where it knows none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Words {
    /// Which sentence; empty: nothing to say.
    pub code: String,
    /// What stands in its places.
    pub values: BTreeMap<String, Value>,
    /// The sentence in English.
    pub english: String,
}

/// What stands in a place of a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(untagged)]
#[ts(export)]
pub enum Value {
    /// The same in every language.
    Text(String),
    /// Words within words.
    Words(Words),
}

impl From<&words::Words> for Words {
    fn from(words: &words::Words) -> Self {
        let value = |value: &words::Value| match value {
            words::Value::Text(text) => Value::Text(text.clone()),
            words::Value::Words(words) => Value::Words(words.into()),
        };
        let values = words.values().iter().map(|(name, given)| ((*name).to_owned(), value(given)));
        Words { code: words.code().into(), values: values.collect(), english: words.english().into() }
    }
}

/// An error as the UI receives it: the code chooses title and severity there, the message says more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Failure {
    /// Stable, snake_case: config, unreachable, refused, locked, corrupt, full, not_found, invalid, internal,
    /// starting (the engine is not open yet), cancelled.
    pub code: String,
    /// What happened and what to do.
    pub message: Words,
    /// Field concerned, if one is.
    pub field: Option<String>,
}

impl Failure {
    /// Builds a failure without a field.
    pub fn new(code: &str, message: words::Words) -> Self {
        Failure { code: code.into(), message: (&message).into(), field: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.code {
            Code::Fenced | Code::Retry => "internal",
            code => code.name(),
        };
        Failure { code: code.into(), message: (&error.message).into(), field: None }
    }
}
