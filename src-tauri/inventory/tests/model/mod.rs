//! A model of two writers, auditors, sweeps and everything that may befall them. It holds queues, stores, calls and
//! faults; every decision is taken by the engine's own functions, through the table in `rules.rs`.

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
