//! What the test files share: starting the real programs, feeding them, and the oracle that judges what they
//! wrote. Shares no code with the engine: it reads the specification anew, so that a mistake there is not
//! repeated here. It never repairs anything it finds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::float_arithmetic)]

pub mod audits;
pub mod broker;
pub mod clerk;
pub mod corrupt;
pub mod daemon;
pub mod dialog;
pub mod digest;
pub mod dropped;
pub mod feed;
pub mod ground;
pub mod guarded_kafka;
pub mod kafka;
pub mod load;
pub mod oracle;
pub mod planted;
pub mod plants;
pub mod points;
pub mod processes;
pub mod proxy;
pub mod servers;
pub mod site;
pub mod small_disk;
pub mod snapshot;
pub mod spec;
pub mod sql;
pub mod truth;
pub mod window;
