//! What the test files share: starting the real programs, feeding them, and the oracle that judges what they
//! wrote. Shares no code with the engine: it reads the specification anew, so that a mistake there is not
//! repeated here. It never repairs anything it finds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::float_arithmetic)]

pub mod clerk;
pub mod daemon;
pub mod digest;
pub mod feed;
pub mod kafka;
pub mod oracle;
pub mod own_kafka;
pub mod processes;
pub mod servers;
pub mod site;
pub mod snapshot;
pub mod spec;
pub mod sql;
pub mod truth;
pub mod window;
