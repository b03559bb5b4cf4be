//! What the whole house speaks of: the entry and its wire format, the bill, the catalogue, the source an entry came
//! from, what a committed batch tells the stock, and the words that are said to people. Pure: no I/O, no runtime, no
//! clock.

pub mod bill;
pub mod catalogue;
pub mod entry;
pub mod error;
pub mod ioentry;
pub mod source;
pub mod stock_call;
pub mod words;
