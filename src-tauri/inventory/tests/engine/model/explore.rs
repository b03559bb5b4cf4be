//! Exploring a world: breadth first through every state, or up to a cap; and, for the smaller ones, whether rest can
//! be reached from every state (no livelock).

use std::collections::{HashMap, VecDeque};

use stateright::{Checker, HasDiscoveries, Model};

use super::state::State;
use super::steps::{Action, World};
use super::truth::{A, B, C, D, REST};

/// The long form takes the caps off.
pub fn long() -> bool {
    std::env::var_os("TWINSTOCK_TEST_LONG").is_some()
}

/// How a run ended.
pub struct Explored {
    pub states: usize,
    pub whole: bool,
    /// Name of a broken property, with the steps that led there.
    pub broken: Vec<(&'static str, Vec<Action>)>,
    pub rested: bool,
}

/// Explores a world, at most `cap` states of it, and stops when one of these properties is broken.
pub fn explore(world: &World, cap: Option<usize>, properties: &[&'static str]) -> Explored {
    let broken = HasDiscoveries::AnyOf(properties.iter().copied().collect());
    let mut checker = world.clone().checker().finish_when(broken);
    if let Some(cap) = cap {
        checker = checker.target_state_count(cap);
    }
    let checker = checker.spawn_bfs().join();
    let mut explored =
        Explored { states: checker.unique_state_count(), whole: true, broken: Vec::new(), rested: false };
    for (name, path) in checker.discoveries() {
        if name == REST {
            explored.rested = true;
        } else {
            explored.broken.push((name, path.into_actions()));
        }
    }
    explored.whole = cap.is_none_or(|cap| checker.state_count() < cap);
    explored
}

/// Demands that nothing is broken, and says how far that was seen.
pub fn holds(world: &World, cap: Option<usize>) -> usize {
    let explored = explore(world, cap, &[A, B, C, D]);
    let whole = if explored.whole { "all of them" } else { "stopped at the cap" };
    println!("{:<8} {:>9} states, {whole}", world.name, explored.states);
    assert!(explored.broken.is_empty(), "{}: {:#?}", world.name, explored.broken);
    assert!(explored.rested, "{}: nobody ever came to rest, so (b) says nothing", world.name);
    explored.states
}

/// Demands that from every state of a world some way leads to rest.
pub fn rest_is_near(world: &World) {
    let mut known: HashMap<State, usize> = HashMap::new();
    let mut before: Vec<Vec<usize>> = Vec::new();
    let mut near = VecDeque::new();
    let mut waiting = VecDeque::new();
    let mut actions = Vec::new();
    for state in world.init_states() {
        known.insert(state.clone(), 0);
        before.push(Vec::new());
        waiting.push_back((0, state));
    }
    while let Some((from, state)) = waiting.pop_front() {
        if world.at_rest(&state) {
            near.push_back(from);
        }
        world.actions(&state, &mut actions);
        for action in actions.drain(..) {
            let Some(next) = world.next_state(&state, action) else { continue };
            let to = *known.entry(next.clone()).or_insert_with(|| {
                before.push(Vec::new());
                waiting.push_back((before.len() - 1, next));
                before.len() - 1
            });
            before[to].push(from);
        }
    }
    let mut reached = vec![false; before.len()];
    while let Some(state) = near.pop_front() {
        if !std::mem::replace(&mut reached[state], true) {
            near.extend(before[state].iter().copied());
        }
    }
    let stuck = reached.iter().filter(|reached| !**reached).count();
    println!("{:<8} {:>9} states, rest is near from all but {stuck}", world.name, reached.len());
    assert_eq!(stuck, 0, "{}: a livelock", world.name);
}
