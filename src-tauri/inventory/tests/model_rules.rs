//! The rules of DESIGN §3 and §4, explored: the engine's own pure functions in a model of queues, stores, calls that
//! stay in flight for ever, and faults. The model is in `model/`; TWINSTOCK_TEST_LONG=1 takes the caps off the runs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod model;
