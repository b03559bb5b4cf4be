//! The audit's decisions (DESIGN §4): what one value of the stock means beside a snapshot of the ledger, and which
//! corrections make it right. Pure; reads no store. Must never alarm on a value that is right, nor judge a value by
//! a ledger that is behind it.

mod bulk;
mod careful;
pub mod cuts;
pub mod findings;
mod ids;
pub mod judge;
mod keys;
pub mod log;
mod mend;
mod proof;
pub mod replay;
mod rows;
mod run;
mod verdicts;
pub mod watch;
pub mod words;

pub use run::{Auditor, Request, moves_last_check};
