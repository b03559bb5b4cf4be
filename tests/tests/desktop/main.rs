//! The real window, by WebDriver, in one program; one window at a time, for only one of them has the keyboard.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::float_arithmetic)]

mod audit;
mod audit_asks;
mod bills;
mod first;
mod kill;
mod looks;
mod outage;
mod reports;
mod settings;

/// Held by whoever has a window. In a process of its own, as `cargo xtask test` runs each test, nobody waits.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
