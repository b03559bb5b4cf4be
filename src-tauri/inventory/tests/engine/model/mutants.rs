//! The engine broken on purpose, one rule at a time: each must lead to a counterexample, or the model sees nothing.

use inventory::stock::value;
use inventory::stock::{Answer, Prev, StockCall};

use super::explore::explore;
use super::rules::{Rules, Stored, bring_over, judge_ledger_current, subtract_seen};
use super::runs::{s1, s2, s9, s10, s11};
use super::steps::World;
use super::truth::{A, B, C};

/// States within which a mutant must be caught.
const ENOUGH: usize = 400_000;

/// Demands that one of these properties breaks, and shows the way there.
fn caught(name: &str, world: &World, properties: &[&'static str]) {
    let explored = explore(world, Some(ENOUGH), properties);
    println!("{name}: {} states, {:?}", explored.states, explored.broken);
    let found = explored.broken.iter().any(|(property, _)| properties.contains(property));
    assert!(found, "{name} was not caught in {} states: {:?}", explored.states, explored.broken);
}

fn mutant(world: World, change: impl Fn(&mut Rules)) -> World {
    let mut world = world;
    change(&mut world.rules);
    world
}

/// A gap closed by the delta alone: whatever lies between is lost.
fn step_by_delta(stored: Stored, call: &StockCall) -> (Option<value::Value>, Answer) {
    let Some(Ok(value)) = stored.map(value::Value::read) else { return value::step(stored, call) };
    let (offset, counted) = value.entry(&call.source);
    let call = StockCall { prev: Prev::At(offset), sum: counted + call.delta, ..call.clone() };
    value::step(stored, &call)
}

#[test]
fn m1_no_resume_from_stock_offset() {
    caught("M1", &mutant(s1(), |rules| rules.owed_from = |_, _| None), &[B]);
}

#[test]
fn m2_the_vector_overwrites() {
    caught("M2", &mutant(s2(), |rules| rules.bring = bring_over), &[A, B]);
}

#[test]
fn m3_stock_offset_ahead_of_the_acknowledgement() {
    let ahead = mutant(s1(), |rules| {
        rules.watermark = |acked, parcels| parcels.iter().fold(acked, |acked, parcel| acked.max(parcel.upto));
    });
    caught("M3", &ahead, &[B]);
}

#[test]
fn m4_audit_against_a_ledger_that_is_behind() {
    caught("M4", &mutant(s11(), |rules| rules.judge = judge_ledger_current), &[A, C]);
}

#[test]
fn m5_a_gap_is_closed_by_the_delta() {
    caught("M5", &mutant(s2(), |rules| rules.step = step_by_delta), &[A, B]);
}

#[test]
fn m6_the_difference_is_computed_earlier() {
    caught("M6", &mutant(s9(), |rules| rules.drop_drift = subtract_seen), &[A, B]);
    caught("M6", &mutant(s10(), |rules| rules.drop_drift = subtract_seen), &[A, B]);
}

/// Beyond the table: a value is read before the ledger's snapshot, and what it lacked may be acknowledged in
/// between. Who believes the first reading alarms on a stock that forgot nothing.
#[test]
fn m7_a_loss_is_believed_at_the_first_reading() {
    caught("M7", &mutant(s11(), |rules| rules.forgot = None), &[C]);
}
