//! What comes from outside, fuzzed: ioentries, stock values, config.ini, catalogue lines; a million inputs a run.
//! No panic; nothing accepted that the rules forbid and nothing refused that they allow, by a second reading that
//! shares nothing with the engine (`json.rs` and the judges beside it); what is accepted comes back the same.
//! Here is the driver: a seed, a count, and for each input its own number, so that a failure is replayed alone.
//! TWINSTOCK_TEST_SEED sets the seed that a failure prints; TWINSTOCK_TEST_LONG=1 makes ten times as many.

mod catalogue;
mod configs;
mod dice;
mod entries;
mod json;
mod values;

use dice::Dice;

/// Runs a check on `count` inputs. `input` makes one, `check` panics on what is wrong; both seed and input are then
/// printed.
fn run(name: &str, count: u64, check: impl Fn(&mut Dice)) {
    let seed: u64 =
        std::env::var("TWINSTOCK_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_250_313);
    let count = if std::env::var_os("TWINSTOCK_TEST_LONG").is_some() { count * 10 } else { count };
    println!("{name}: {count} inputs, seed {seed}");
    for number in 0..count {
        let mut dice = Dice::new(seed, number);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&mut dice)));
        assert!(outcome.is_ok(), "{name}: seed {seed}, input {number}");
    }
}
