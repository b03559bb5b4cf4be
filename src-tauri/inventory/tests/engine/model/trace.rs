//! A trace: steps of the model one after the other, as the table of holes writes them, to see where they end.

use inventory::stock::value::Value;
use stateright::Model;

use super::state::{Sent, State};
use super::steps::{Action, World};

/// A world on its way.
pub struct Trace {
    pub world: World,
    pub state: State,
}

impl Trace {
    pub fn of(world: World) -> Self {
        let state = world.begin();
        Trace { world, state }
    }

    /// Takes a step; one that changes nothing is a step too.
    pub fn then(mut self, action: Action) -> Self {
        let mut possible = Vec::new();
        self.world.actions(&self.state, &mut possible);
        assert!(possible.contains(&action), "{action:?} cannot happen here: {possible:#?}");
        if let Some(next) = self.world.next_state(&self.state, action) {
            self.state = next;
        }
        self
    }

    /// L and S of one batch: commits `count` messages and lets the stock answer until nothing waits.
    pub fn counted(self, source: usize, holder: usize, count: i16) -> Self {
        self.then(Action::Commit(source, holder, count)).answered(source, holder)
    }

    /// The stock answers whatever this writer waits for.
    pub fn answered(mut self, source: usize, holder: usize) -> Self {
        while self.state.holds[source][holder]
            .parcels
            .first()
            .is_some_and(|parcel| !parcel.waiting.is_empty())
        {
            self = self.then(Action::Answer(source, holder, 0, 0));
        }
        self
    }

    /// The call in flight that ends at this offset of a source.
    pub fn flying(&self, of: u8, at: i16) -> Action {
        let step =
            |call: &&Sent| matches!(call, Sent::Step { source, last, .. } if (*source, *last) == (of, at));
        Action::Late(*self.state.flying.iter().find(step).unwrap())
    }

    pub fn value(&self) -> Value {
        Value::read(self.state.stock[0].as_deref().unwrap()).unwrap()
    }

    /// The live quantity; `None`: the key is absent.
    pub fn quantity(&self) -> Option<i64> {
        self.state.stock[0].as_deref().map(|bytes| Value::read(bytes).unwrap().quantity())
    }

    /// All of (a), (b), (c), (d) hold here.
    pub fn sound(&self) -> bool {
        self.world.values_are_replays(&self.state)
            && self.world.agrees_at_rest(&self.state)
            && !self.state.false_alarm
            && !self.state.needless
    }

    /// At rest: (b) says something.
    pub fn rests(&self) -> bool {
        self.world.at_rest(&self.state)
    }
}
