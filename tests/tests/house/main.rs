//! The house's own rules: what every file must keep (`tidy`), and that every sentence has its translation (`words`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod tidy;
mod words;
