//! The engine's error: a code that callers act on and words that say what happened and what to do.
//! The code decides the exit code of `inv-daemon` and the title in the UI; it is never parsed from text.

use std::fmt;

use crate::words;
use crate::words::{Given, Value, Words};

/// What kind of failure; stable, snake_case in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Wrong usage, configuration or data that the caller can mend (exit 2).
    Config,
    /// A needed server is out of reach (exit 3).
    Unreachable,
    /// A server refuses us: login, grant, missing topic or database (exit 2).
    Refused,
    /// The data directory belongs to another process (exit 2).
    Locked,
    /// A store holds what it must not hold; the partition stops (exit 1).
    Corrupt,
    /// The ledger's compare-and-set found somebody else's batch; the caller takes the source anew.
    Fenced,
    /// A transaction failed as a whole and may be tried again (deadlock, lock timeout, duplicate key).
    Retry,
    /// No space, or the store refuses writes; try later (exit 3).
    Full,
    /// Nothing by that name.
    NotFound,
    /// The caller's input is refused; words name field and rule.
    Invalid,
    /// Anything else: a bug or an unknown answer of a server.
    Internal,
}

impl Code {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Code::Config => "config",
            Code::Unreachable => "unreachable",
            Code::Refused => "refused",
            Code::Locked => "locked",
            Code::Corrupt => "corrupt",
            Code::Fenced => "fenced",
            Code::Retry => "retry",
            Code::Full => "full",
            Code::NotFound => "not_found",
            Code::Invalid => "invalid",
            Code::Internal => "internal",
        }
    }
}

/// An error with its code and its words.
#[derive(Debug, Clone)]
pub struct Error {
    /// What kind.
    pub code: Code,
    /// What happened and what to do, one sentence each.
    pub message: Words,
}

/// Result of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Builds an error.
    pub fn new(code: Code, message: Words) -> Self {
        Error { code, message }
    }

    /// Puts the place in front of the words: "ledger: …".
    pub fn at(self, place: Words) -> Self {
        Error {
            code: self.code,
            message: words!("at_place", "{place}: {message}", place, message = self.message),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.english())
    }
}

impl std::error::Error for Error {}

impl Given<'_, Error> {
    /// As a value.
    pub fn value(&self) -> Value {
        Value::Words(self.0.message.clone())
    }
}

impl Given<'_, &Error> {
    /// As a value.
    pub fn value(&self) -> Value {
        Value::Words(self.0.message.clone())
    }
}
