//! The audit's decisions (DESIGN §4): what one value of the stock means beside a snapshot of the ledger, and which
//! corrections make it right. Pure; reads no store. Must never alarm on a value that is right, nor judge a value by
//! a ledger that is behind it.

pub mod findings;
pub mod judge;
pub mod log;
pub mod words;
