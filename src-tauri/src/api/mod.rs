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

use inventory::error::{Code, Error};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An error as the UI receives it: the code chooses words and severity there, the message is English detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Failure {
    /// Stable, snake_case: config, unreachable, refused, locked, corrupt, full, not_found, invalid, internal,
    /// starting (the engine is not open yet), cancelled.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
    /// Field concerned, if one is.
    pub field: Option<String>,
}

impl Failure {
    /// Builds a failure without a field.
    pub fn new(code: &str, message: impl std::fmt::Display) -> Self {
        Failure { code: code.into(), message: message.to_string(), field: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.code {
            Code::Fenced | Code::Retry => "internal",
            code => code.name(),
        };
        Failure { code: code.into(), message: error.message, field: None }
    }
}
