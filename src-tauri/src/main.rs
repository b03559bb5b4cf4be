//! Twinstock's desktop shell.
fn main() {}
