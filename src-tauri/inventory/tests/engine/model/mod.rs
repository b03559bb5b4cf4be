//! The rules of DESIGN §3 and §4, explored: a model of two writers, auditors, sweeps and everything that may befall
//! them. It holds queues, stores, calls that stay in flight for ever, and faults; every decision is taken by the engine's
//! own functions, through the table in `rules.rs`. TWINSTOCK_TEST_LONG=1 takes the caps off the runs.

mod explore;
mod faults;
mod holes;
mod mutants;
mod rules;
mod runs;
mod state;
mod steps;
mod trace;
mod truth;
