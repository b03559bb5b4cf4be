//! Period reports, read from the ledger alone: their figures, the charts that are drawn of them, and their paper. Never
//! looks at the stock; a report sees one single state of the ledger.

pub mod chart;
mod figures;
pub mod fonts;
pub mod part_file;
mod pdf;
pub mod print;

pub use figures::*;
