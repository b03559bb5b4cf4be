//! The runs of the table: who writes, which faults come together, how far each is explored. In the short form every
//! run ends at a cap; in the long form all but the X runs are exhaustive within their bounds.

use inventory::domain::entry::StockKey;

use super::explore::{holds, long, rest_is_near};
use super::rules::Rules;
use super::state::Budget;
use super::steps::{Message, World};

/// States of one run in the short form.
const SHORT: usize = 250_000;
/// States of an X run in the long form.
const CAP: usize = 1_500_000;

/// A message of a key; quantities are powers of two, so that a sum tells its parts.
pub fn message(key: u8, quantity: i16) -> Message {
    Message { key, quantity, id: None }
}

/// A world without faults over these queues.
pub fn world(name: &'static str, queues: Vec<Vec<Message>>, writers: &[usize]) -> World {
    let keys = queues.iter().flatten().map(|message| usize::from(message.key) + 1).max().unwrap_or(1);
    let names = ["8f3a01c2.0", "8f3a01c2.1"];
    World {
        name,
        sources: names[..queues.len()].iter().map(|name| (*name).into()).collect(),
        stock_keys: (0..keys).map(|key| StockKey::parse(&format!("W:{key}")).unwrap()).collect(),
        queues,
        keys,
        writers: writers.to_vec(),
        batch: 2,
        ahead: 2,
        pipelined: false,
        faults: Budget::default(),
        auditors: 0,
        planted: 0,
        final_sweep: false,
        final_audit: false,
        only_rest: false,
        rules: Rules::engine(),
    }
}

/// Quantities 1, 2, 4 at offsets 0, 1, 2 of one key.
pub fn one_queue() -> Vec<Vec<Message>> {
    vec![vec![message(0, 1), message(0, 2), message(0, 4)]]
}

/// One key in two partitions.
pub fn two_queues() -> Vec<Vec<Message>> {
    vec![vec![message(0, 1), message(0, 2)], vec![message(0, 4), message(0, 8)]]
}

/// Two writers on one source: one of them is a zombie.
fn zombie(name: &'static str) -> World {
    world(name, one_queue(), &[2])
}

/// One writer on each of two partitions that carry one key.
fn apart(name: &'static str) -> World {
    world(name, two_queues(), &[1, 1])
}

pub fn s1() -> World {
    World { faults: Budget { crash: 1, timeout: 1, ..Budget::default() }, ..apart("S1") }
}

pub fn s2() -> World {
    World { faults: Budget { crash: 1, timeout: 1, ..Budget::default() }, pipelined: true, ..zombie("S2") }
}

pub fn s2_live() -> World {
    let faults = Budget { crash: 1, timeout: 1, wipe: 1, ..Budget::default() };
    World { faults, final_sweep: true, ..zombie("S2-live") }
}

pub fn s3a() -> World {
    let faults = Budget { timeout: 1, snapshot: 1, restore_stock: 1, ..Budget::default() };
    World { faults, pipelined: true, final_sweep: true, ..zombie("S3a") }
}

pub fn s3b() -> World {
    let faults = Budget { crash: 1, snapshot: 1, fall_back: 1, ..Budget::default() };
    World { faults, pipelined: true, final_sweep: true, ..zombie("S3b") }
}

pub fn s3c() -> World {
    let faults = Budget { sweep: 1, wipe: 1, evict: 1, ..Budget::default() };
    World { faults, pipelined: true, final_sweep: true, ..zombie("S3c") }
}

pub fn s4a() -> World {
    let faults = Budget { timeout: 1, snapshot: 1, restore_stock: 1, ..Budget::default() };
    World { faults, final_sweep: true, ..apart("S4a") }
}

pub fn s4b() -> World {
    let faults = Budget { sweep: 1, crash: 1, evict: 1, ..Budget::default() };
    World { faults, final_sweep: true, ..apart("S4b") }
}

pub fn s5() -> World {
    let queues = vec![vec![message(0, 1), message(1, 2)], vec![message(1, 4), message(0, 8)]];
    let faults = Budget { crash: 1, wipe: 1, ..Budget::default() };
    World { faults, final_sweep: true, ..world("S5", queues, &[1, 1]) }
}

pub fn s6a() -> World {
    let faults = Budget { backup: 1, restore_ledger: 1, snapshot: 1, restore_stock: 1, ..Budget::default() };
    World { faults, final_sweep: true, ..world("S6a", one_queue(), &[1]) }
}

pub fn s6b() -> World {
    let faults = Budget { backup: 1, restore_ledger: 1, crash: 1, timeout: 1, ..Budget::default() };
    World { faults, ..world("S6b", one_queue(), &[1]) }
}

pub fn s7() -> World {
    let faults = Budget { backup: 1, restore_ledger: 1, wipe: 1, ..Budget::default() };
    World { faults, final_sweep: true, ..apart("S7") }
}

pub fn s9() -> World {
    let faults = Budget { plant: 1, audit: 2, crash: 1, ..Budget::default() };
    World { faults, auditors: 2, planted: -64, final_audit: true, ..world("S9", one_queue(), &[1]) }
}

pub fn s10() -> World {
    let faults = Budget { plant: 1, audit: 1, crash: 1, snapshot: 1, restore_stock: 1, ..Budget::default() };
    World {
        faults,
        auditors: 1,
        planted: 64,
        final_sweep: true,
        final_audit: true,
        ..world("S10", one_queue(), &[1])
    }
}

pub fn s11() -> World {
    let queues = vec![vec![message(0, 8), message(0, -2), message(0, 1)]];
    let faults = Budget { audit: 2, crash: 1, backup: 1, restore_ledger: 1, ..Budget::default() };
    World { faults, auditors: 1, final_audit: true, ..world("S11", queues, &[1]) }
}

/// One entry with its id in both partitions: a foreign producer without a message key.
pub fn s12() -> World {
    let twice = Message { key: 0, quantity: 4, id: Some(1) };
    let queues = vec![vec![message(0, 1), twice], vec![twice, message(0, 8)]];
    let faults = Budget { backup: 1, restore_ledger: 1, ..Budget::default() };
    World { faults, final_audit: true, only_rest: true, ..world("S12", queues, &[1, 1]) }
}

fn x1() -> World {
    let faults = Budget {
        crash: 1,
        timeout: 1,
        wipe: 1,
        evict: 1,
        snapshot: 1,
        restore_stock: 1,
        fall_back: 1,
        sweep: 1,
        ..Budget::default()
    };
    World { faults, final_sweep: true, ..apart("X1") }
}

fn x2() -> World {
    let queues = vec![vec![message(0, 1), message(0, 2)], vec![message(0, 4)]];
    let faults = Budget { timeout: 1, wipe: 1, evict: 1, ..Budget::default() };
    World { faults, final_sweep: true, ..world("X2", queues, &[2, 1]) }
}

fn x3() -> World {
    let faults = Budget {
        crash: 1,
        timeout: 1,
        snapshot: 1,
        restore_stock: 1,
        backup: 1,
        restore_ledger: 1,
        ..Budget::default()
    };
    World { faults, final_sweep: true, ..zombie("X3") }
}

fn x4() -> World {
    let faults = Budget {
        crash: 2,
        timeout: 2,
        wipe: 2,
        evict: 2,
        snapshot: 2,
        restore_stock: 2,
        fall_back: 2,
        sweep: 2,
        backup: 2,
        restore_ledger: 2,
        ..Budget::default()
    };
    World { faults, final_sweep: true, ..apart("X4") }
}

fn x5() -> World {
    let faults = Budget { backup: 1, restore_ledger: 1, ..s9().faults };
    World { faults, name: "X5", ..s9() }
}

fn x6() -> World {
    let faults = Budget { crash: 1, timeout: 1, ..s12().faults };
    World { faults, name: "X6", ..s12() }
}

/// A run of the table: to its end, or to the short form's cap.
fn run(world: &World) -> usize {
    holds(world, if long() { None } else { Some(SHORT) })
}

/// A run that is never exhaustive.
fn capped(world: &World) -> usize {
    holds(world, Some(if long() { CAP } else { SHORT }))
}

#[test]
fn the_runs_of_the_table_hold() {
    let runs = [
        s1(),
        s2(),
        s2_live(),
        s3a(),
        s3b(),
        s3c(),
        s4a(),
        s4b(),
        s5(),
        s6a(),
        s6b(),
        s7(),
        s9(),
        s10(),
        s11(),
        s12(),
    ];
    let states: usize = runs.iter().map(run).sum();
    let more: usize = [x1(), x2(), x3(), x4(), x5(), x6()].iter().map(capped).sum();
    println!("{} states", states + more);
    assert!(!long() || states + more >= 1_000_000, "the long form is a million states at least");
}

#[test]
fn rest_can_be_reached_from_every_state() {
    let short = [s1(), s6b()];
    let longer = [s2_live(), s4a(), s5(), s6a()];
    short.iter().for_each(rest_is_near);
    if long() {
        longer.iter().for_each(rest_is_near);
    }
}
