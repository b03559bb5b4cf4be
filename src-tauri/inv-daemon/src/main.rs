//! `inv-daemon`: the engine without a screen.
fn main() {}
