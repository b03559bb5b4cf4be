//! Holes 1 to 11 of the first design, each as its own trace through the engine's functions: the value comes out
//! right. Beside it the same trace with the rule dropped, where it comes out as wrong as the table says.

use inventory::audit::judge::{self, KeyCut, Part, Verdict};
use inventory::stock::value::{self, Value};
use inventory::stock::{Answer, Prev, StockCall};

use super::rules::{Rules, judge_all_in_flight, judge_ledger_current, step_at_alone, subtract_seen};
use super::runs::{message, one_queue, two_queues, world};
use super::state::{Auditor, Budget, Hold, Sent};
use super::steps::{Action, World};
use super::trace::Trace;

/// The stock's step, ours or one with a rule dropped.
type Step = fn(Option<&[u8]>, &StockCall) -> (Option<Value>, Answer);

fn one(faults: Budget) -> World {
    World { faults, pipelined: true, batch: 1, ..world("hole", one_queue(), &[2]) }
}

fn with(world: World, change: impl Fn(&mut Rules)) -> World {
    let mut world = world;
    change(&mut world.rules);
    world
}

/// The first design on this trace: an offset alone in `at`, nothing sent again.
fn first_design(world: World) -> World {
    with(world, |rules| {
        rules.step = step_at_alone;
        rules.owed_from = |_, _| None;
    })
}

#[test]
fn hole_01_crash_between_ledger_and_stock() {
    let world = World { batch: 2, ..one(Budget { crash: 1, ..Budget::default() }) };
    let trace = |world: World| {
        let trace = Trace::of(world).then(Action::Take(0)).counted(0, 0, 1);
        trace.then(Action::Commit(0, 0, 2)).then(Action::Crash(0, 0)).then(Action::Take(0))
    };
    let right = trace(world.clone()).then(Action::Owed(0, 0)).answered(0, 0);
    assert!(right.rests() && right.sound());
    assert_eq!(right.quantity(), Some(7));
    let wrong = trace(first_design(world));
    assert!(wrong.rests() && !wrong.sound());
    assert_eq!(wrong.quantity(), Some(1), "6 of 7 lost");
}

#[test]
fn hole_02_a_later_call_comes_before_an_earlier_one() {
    let world = World { ahead: 3, ..one(Budget::default()) };
    let trace = |world: World| {
        let trace = Trace::of(world).then(Action::Take(0)).counted(0, 0, 1);
        let trace = trace.then(Action::Commit(0, 0, 1)).then(Action::Commit(0, 0, 1));
        let (first, second) = (trace.flying(0, 1), trace.flying(0, 2));
        trace.then(second).then(first)
    };
    let right = trace(world.clone());
    assert!(right.sound());
    assert_eq!((right.quantity(), right.value().drift()), (Some(7), 0));
    let wrong = trace(first_design(world));
    assert_eq!(wrong.quantity(), Some(5), "its own at says 7");
    assert!(!wrong.sound());
}

#[test]
fn hole_03_a_zombie_sends_after_the_take_over() {
    let trace = |world: World| {
        let trace = Trace::of(world).then(Action::Take(0)).counted(0, 0, 1);
        let trace = trace.then(Action::Commit(0, 0, 1));
        let late = trace.flying(0, 1);
        let trace = trace.then(Action::Take(0));
        // The successor has no parcels yet, so it comes first or second by what it owes.
        let next = trace.state.holds[0].iter().position(|hold| hold.parcels.is_empty()).unwrap();
        (trace, next, late)
    };
    let (right, next, late) = trace(one(Budget::default()));
    let right = right.then(Action::Owed(0, next));
    let again = |hold: &Hold| matches!(hold.parcels[0].waiting[0].call, Sent::Step { prev: None, .. });
    let next = right.state.holds[0].iter().position(again).unwrap();
    let right = right.answered(0, next).then(late);
    assert_eq!(right.quantity(), Some(3));
    assert!(right.sound());
    let (wrong, next, late) = trace(first_design(one(Budget::default())));
    let wrong = wrong.then(Action::Commit(0, next, 1));
    let second = wrong.flying(0, 2);
    let wrong = wrong.then(second).then(late);
    assert_eq!(wrong.quantity(), Some(5));
    assert!(!wrong.sound());
}

#[test]
fn hole_04_an_acknowledged_write_is_lost() {
    let faults = Budget { snapshot: 1, fall_back: 1, ..Budget::default() };
    let trace = |world: World| {
        let trace = Trace::of(world).then(Action::Take(0)).counted(0, 0, 1).then(Action::Snapshot);
        trace.counted(0, 0, 1).then(Action::FallBack(0)).counted(0, 0, 1)
    };
    let right = trace(one(faults));
    assert!(right.rests() && right.sound());
    assert_eq!(right.quantity(), Some(7), "without any sweep");
    let wrong = trace(with(one(faults), |rules| rules.step = step_at_alone));
    assert!(wrong.rests() && !wrong.sound());
    assert_eq!(wrong.quantity(), Some(5));
}

#[test]
fn hole_05_an_old_seed_comes_after_an_eviction() {
    let queues = vec![vec![message(0, 1)], vec![message(0, 4), message(0, 8)]];
    let faults = Budget { evict: 1, ..Budget::default() };
    let trace = |step: Step| {
        let world = World { faults, batch: 1, ..world("hole", queues.clone(), &[1, 1]) };
        let world = with(world, |rules| rules.step = step);
        let trace = Trace::of(world).then(Action::Take(0)).then(Action::Commit(0, 0, 1));
        // A's seed is read and under way.
        let trace = trace.then(Action::Answer(0, 0, 0, 0));
        let old_seed = Action::Late(trace.state.holds[0][0].parcels[0].waiting[0].vector.unwrap());
        let trace = trace.then(Action::Take(1)).counted(1, 0, 1).then(Action::Evict(0)).then(old_seed);
        assert_eq!(trace.quantity(), Some(1));
        trace.counted(1, 0, 1)
    };
    let right = trace(value::step);
    assert_eq!((right.quantity(), right.value().drift()), (Some(13), 0));
    assert!(right.sound());
    let wrong = trace(step_at_alone);
    assert_eq!(wrong.quantity(), Some(9), "its own at says 13");
    assert!(!wrong.sound());
}

#[test]
fn hole_06_ids_of_a_restored_ledger_go_to_other_partitions() {
    // Partition 0 counted 1, 2; partition 1 counted 4. The ledger is restored to nothing, and partition 1 registers
    // first.
    let key = world("hole", two_queues(), &[1, 1]).stock_keys[0].clone();
    let count = |names: [&str; 2]| {
        let mut stored = br#"{"base":0,"change":7,"at":{"1":[1,3],"2":[0,4]}}"#.to_vec();
        if names[0] != "1" && names[0] != "2" {
            let text =
                format!(r#"{{"base":0,"change":7,"at":{{"{}":[1,3],"{}":[0,4]}}}}"#, names[0], names[1]);
            stored = text.into_bytes();
        }
        // Consumed again from 0, then a new message of partition 1.
        let calls = [(1, -1, 0, 4, 4), (0, -1, 1, 3, 3), (1, 0, 1, 8, 12)];
        for (partition, prev, last, delta, sum) in calls {
            let source = names[partition].into();
            let call = StockCall { key: key.clone(), source, prev: Prev::At(prev), last, delta, sum };
            if let (Some(next), _) = value::step(Some(&stored), &call) {
                stored = next.print();
            }
        }
        Value::read(&stored).unwrap().quantity()
    };
    assert_eq!(
        count(["8f3a01c2.0", "8f3a01c2.1"]),
        15,
        "a source's name is the topic's UUID and the partition"
    );
    assert_ne!(count(["2", "1"]), 15, "the ledger's own ids are handed out anew");
}

/// After hole 1: the stock has 1 of 7, and everything is acknowledged in the ledger.
fn after_a_loss(judge: fn(Option<&[u8]>, &KeyCut) -> Verdict) -> Trace {
    let faults = Budget { snapshot: 1, fall_back: 1, audit: 1, ..Budget::default() };
    let world = World { auditors: 1, final_audit: true, ..one(faults) };
    let trace = Trace::of(with(world, |rules| rules.judge = judge)).then(Action::Take(0)).counted(0, 0, 1);
    let trace = trace.then(Action::Snapshot).counted(0, 0, 1).counted(0, 0, 1).then(Action::Save(0, 0));
    trace.then(Action::FallBack(0)).then(Action::AuditRead(0, 0)).then(Action::AuditJudge(0))
}

#[test]
fn hole_07_what_is_missing_is_called_in_flight_without_limit() {
    let right = after_a_loss(judge::judge);
    assert!(matches!(right.state.auditors[0], Auditor::Suspects { .. }));
    let right = right.then(Action::AuditAgain(0));
    let brought = right.state.flying.iter().rev().find(|call| right.world.lags(call, &right.state.stock[0]));
    let brought = Action::Late(*brought.unwrap());
    let right = right.then(brought);
    assert_eq!(right.quantity(), Some(7));
    assert!(right.sound());
    let wrong = after_a_loss(judge_all_in_flight);
    assert_eq!(wrong.state.auditors[0], Auditor::Idle, "nothing found: the rest is in flight, for ever");
    assert_eq!(wrong.quantity(), Some(1));
    assert!(!wrong.sound());
}

#[test]
fn hole_08_the_ledger_is_behind_the_stock() {
    let queues = vec![vec![message(0, 8), message(0, -2)]];
    let faults = Budget { audit: 1, backup: 1, restore_ledger: 1, ..Budget::default() };
    let trace = |judge: fn(Option<&[u8]>, &KeyCut) -> Verdict| {
        let world = World { faults, auditors: 1, batch: 1, ..world("hole", queues.clone(), &[1]) };
        let trace =
            Trace::of(with(world, |rules| rules.judge = judge)).then(Action::Take(0)).counted(0, 0, 1);
        let trace = trace.then(Action::Backup).counted(0, 0, 1).then(Action::RestoreLedger);
        trace.then(Action::AuditRead(0, 0)).then(Action::AuditJudge(0))
    };
    let right = trace(judge::judge);
    assert!(right.sound() && !right.state.flying.iter().any(|call| matches!(call, Sent::Replace { .. })));
    let cut = right.world.cut(&right.state.ledger, 0, right.state.stock[0].as_deref());
    let Verdict::Judged(judged) = judge::judge(right.state.stock[0].as_deref(), &cut) else {
        panic!("a readable value is judged")
    };
    assert!(judged.pending() && judged.parts.values().all(|part| *part == Part::LedgerBehind));
    let wrong = trace(judge_ledger_current);
    assert!(wrong.state.false_alarm, "8 in the ledger, 6 in the stock: +2");
    let repair = *wrong.state.flying.iter().find(|call| matches!(call, Sent::Replace { .. })).unwrap();
    let wrong = wrong.then(Action::Late(repair));
    assert_eq!(wrong.quantity(), Some(8), "a wrong repair that stays");
}

/// -64 planted, seen by two auditors, each sends its correction, and one of them twice.
fn corrected_thrice(drop_drift: fn(Option<&[u8]>, i64) -> Option<Value>) -> Trace {
    let faults = Budget { plant: 1, audit: 2, ..Budget::default() };
    let world = World { faults, auditors: 2, planted: -64, ..world("hole", one_queue(), &[1]) };
    let trace = Trace::of(with(world, |rules| rules.drop_drift = drop_drift)).then(Action::Take(0));
    let trace = trace.counted(0, 0, 2).counted(0, 0, 1).then(Action::Plant);
    assert_eq!(trace.quantity(), Some(-57));
    let trace = trace.then(Action::AuditRead(0, 0)).then(Action::AuditRead(0, 0));
    let trace = trace.then(Action::AuditJudge(0)).then(Action::AuditJudge(1));
    let drop = Action::Late(Sent::Drop { key: 0, seen: -64 });
    trace.then(drop).then(drop).then(drop)
}

#[test]
fn hole_09_a_correction_is_sent_twice() {
    let right = corrected_thrice(Rules::engine().drop_drift);
    assert_eq!(right.quantity(), Some(7));
    assert!(right.sound());
    let wrong = corrected_thrice(subtract_seen);
    assert_eq!(wrong.quantity(), Some(7 + 2 * 64));
    assert!(!wrong.sound());
}

#[test]
fn hole_10_the_stock_is_restored_before_the_correction_comes() {
    let faults = Budget { plant: 1, audit: 1, snapshot: 1, restore_stock: 1, ..Budget::default() };
    let trace = |drop_drift: fn(Option<&[u8]>, i64) -> Option<Value>| {
        let world = World { faults, auditors: 1, planted: -64, ..world("hole", one_queue(), &[1]) };
        let trace = Trace::of(with(world, |rules| rules.drop_drift = drop_drift)).then(Action::Take(0));
        let trace = trace.counted(0, 0, 2).counted(0, 0, 1).then(Action::Snapshot).then(Action::Plant);
        let trace =
            trace.then(Action::AuditRead(0, 0)).then(Action::AuditJudge(0)).then(Action::RestoreStock);
        trace.then(Action::Late(Sent::Drop { key: 0, seen: -64 }))
    };
    assert_eq!(trace(Rules::engine().drop_drift).quantity(), Some(7));
    assert_eq!(trace(subtract_seen).quantity(), Some(7 + 64), "added to a value that did not need it");
}

#[test]
fn hole_11_a_key_without_traffic_is_evicted() {
    let faults = Budget { evict: 1, sweep: 1, ..Budget::default() };
    let trace =
        Trace::of(one(faults)).then(Action::Take(0)).counted(0, 0, 1).counted(0, 0, 1).counted(0, 0, 1);
    let trace = trace.then(Action::Evict(0));
    assert!(trace.rests() && !trace.sound(), "nobody calls, so nobody is told");
    let trace = trace.then(Action::SweepRead(0)).then(Action::SweepSend(0));
    let vector = trace.world.vector(&trace.state.ledger, 0);
    let trace = trace.then(Action::Late(vector));
    assert_eq!(trace.quantity(), Some(7));
    assert!(trace.sound());
}
