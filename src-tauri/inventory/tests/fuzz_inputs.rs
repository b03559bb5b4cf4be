//! What comes from outside, fuzzed: ioentries, stock values, config.ini, catalogue lines; a million inputs a run.
//! No panic; nothing accepted that the rules forbid and nothing refused that they allow, by a second reading that
//! shares nothing with the engine (`fuzz/json.rs` and the judges beside it); what is accepted comes back the same.
//! TWINSTOCK_TEST_SEED sets the seed that a failure prints; TWINSTOCK_TEST_LONG=1 makes ten times as many.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fuzz;
