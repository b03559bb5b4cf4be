//! `cargo xtask`: everything a developer or CI does, behind one command.
fn main() {}
