//! What may happen in a state: every step that is possible, every fault that is left, sweeps and auditors; and the
//! whole as a model that the checker explores.

use std::sync::Arc;

use inventory::audit::judge::{self, KeyCut, SourceCut, Verdict};
use inventory::stock::corrections::Correction;
use inventory::stock::value::Value;
use stateright::{Model, Property};

use super::state::{Auditor, Bytes, Ledger, Sent, State};
use super::steps::{Action, World};

impl World {
    fn ours(&self, state: &State, source: usize, holder: usize) -> bool {
        let stamps = [state.holds[source][holder].stamp, state.ledger[source].stamp].map(|stamp| [stamp; 16]);
        (self.rules.still_ours)(&stamps[0], Some(&stamps[1]))
    }

    fn writer_actions(&self, state: &State, source: usize, actions: &mut Vec<Action>) {
        if state.holds[source].len() < self.writers[source] {
            actions.push(Action::Take(source));
        }
        for (holder, hold) in state.holds[source].iter().enumerate() {
            // Writers in one and the same state are one.
            if holder > 0 && state.holds[source][holder - 1] == *hold {
                continue;
            }
            if state.left.crash > 0 {
                actions.push(Action::Crash(source, holder));
            }
            if !self.ours(state, source, holder) {
                actions.push(Action::Fence(source, holder));
            }
            if hold.owed.is_some() {
                actions.push(Action::Owed(source, holder));
                continue;
            }
            if self.ours(state, source, holder) {
                let left = self.queues[source].len() as i16 - hold.next;
                if hold.parcels.len() < self.ahead {
                    let counts = 1..=left.min(self.batch);
                    actions.extend(counts.map(|count| Action::Commit(source, holder, count)));
                }
                if hold.acked > hold.saved {
                    actions.push(Action::Save(source, holder));
                }
            }
            for parcel in self.sending(hold) {
                for (at, waiting) in hold.parcels[parcel].waiting.iter().enumerate() {
                    actions.push(Action::Answer(source, holder, parcel, at));
                    if waiting.vector.is_some() && state.left.timeout > 0 {
                        actions.push(Action::Timeout(source, holder, parcel, at));
                    }
                }
            }
        }
    }

    fn fault_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let left = &state.left;
        let whole = [
            (left.wipe > 0, Action::Wipe),
            (left.snapshot > 0, Action::Snapshot),
            (left.restore_stock > 0 && state.snapshot.is_some(), Action::RestoreStock),
            (left.backup > 0, Action::Backup),
            (left.restore_ledger > 0 && state.backup.is_some(), Action::RestoreLedger),
            (left.plant > 0 && state.stock[0].is_some(), Action::Plant),
        ];
        actions.extend(whole.into_iter().filter(|(may, _)| *may).map(|(_, action)| action));
        for key in 0..self.keys {
            if left.evict > 0 && state.stock[key].is_some() {
                actions.push(Action::Evict(key));
            }
            if left.fall_back > 0 && state.snapshot.as_ref().is_some_and(|kept| kept[key] != state.stock[key])
            {
                actions.push(Action::FallBack(key));
            }
            match state.sweeping[key] {
                Some(_) => actions.push(Action::SweepSend(key)),
                None if left.sweep > 0 => actions.push(Action::SweepRead(key)),
                None => {}
            }
        }
        for (auditor, at) in state.auditors.iter().enumerate() {
            match at {
                Auditor::Idle if left.audit > 0 => {
                    actions.extend((0..self.keys).map(|key| Action::AuditRead(auditor, key)));
                }
                Auditor::Idle => {}
                Auditor::Read { .. } => actions.push(Action::AuditJudge(auditor)),
                Auditor::Suspects { .. } => actions.push(Action::AuditAgain(auditor)),
            }
        }
    }

    fn befall(&self, state: &mut State, action: Action) {
        match action {
            Action::Wipe => state.stock.iter_mut().for_each(|value| *value = None),
            Action::Evict(key) => state.stock[key] = None,
            Action::Snapshot => state.snapshot = Some(state.stock.clone()),
            Action::RestoreStock => state.stock = state.snapshot.clone().unwrap_or_default(),
            Action::FallBack(key) => {
                state.stock[key] = state.snapshot.as_ref().and_then(|kept| kept[key].clone());
            }
            Action::Backup => state.backup = Some(state.ledger),
            Action::RestoreLedger => state.ledger = state.backup.unwrap_or(state.ledger),
            Action::Plant => {
                let mut value = Value::read(state.stock[0].as_deref().unwrap()).unwrap();
                value.change += i64::from(self.planted);
                state.stock[0] = Some(Arc::from(value.print()));
            }
            _ => {}
        }
        let left = &mut state.left;
        let spent = match action {
            Action::Wipe => &mut left.wipe,
            Action::Evict(_) => &mut left.evict,
            Action::Snapshot => &mut left.snapshot,
            Action::RestoreStock => &mut left.restore_stock,
            Action::FallBack(_) => &mut left.fall_back,
            Action::Backup => &mut left.backup,
            Action::RestoreLedger => &mut left.restore_ledger,
            Action::Plant => &mut left.plant,
            _ => return,
        };
        *spent -= 1;
        state.lost |=
            matches!(action, Action::Wipe | Action::Evict(_) | Action::RestoreStock | Action::FallBack(_));
    }

    /// What the ledger's snapshot says of a key, with the rows beyond where the value stands.
    pub fn cut(&self, ledger: &Ledger, key: u8, value: Option<&[u8]>) -> KeyCut {
        let mut cut = KeyCut::new();
        for (source, name) in self.sources.iter().enumerate() {
            let row = ledger[source];
            let balance = self.balance(ledger, source, key);
            cut.insert(
                name.clone(),
                SourceCut {
                    next_offset: i64::from(row.next),
                    stock_offset: i64::from(row.stock),
                    balance: balance.map(|(last, sum)| (i64::from(last), i64::from(sum))),
                    beyond: Vec::new(),
                },
            );
        }
        for (name, offset) in judge::rows_wanted(value, &cut) {
            let source = self.sources.iter().position(|source| *source == name).unwrap();
            let rows =
                self.rows(ledger, source, key).map(|(row, signed)| (i64::from(row), i64::from(signed)));
            cut.get_mut(&name).unwrap().beyond = rows.filter(|(row, _)| *row > offset).collect();
        }
        cut
    }

    /// The calls that an audit's corrections travel in.
    pub fn corrections(&self, key: u8, judged: &judge::Judged) -> Vec<Sent> {
        let small = |number: i64| i16::try_from(number).unwrap();
        let calls = judged.corrections(true).into_iter().filter_map(|correction| match correction {
            Correction::DropDrift => Some(Sent::Drop { key, seen: small(judged.drift) }),
            Correction::ReplaceEntry { source, offset, wrong, right } => {
                let source = self.sources.iter().position(|name| *name == source).unwrap() as u8;
                let (offset, wrong, right) = (small(offset), small(wrong), small(right));
                Some(Sent::Replace { key, source, offset, wrong, right })
            }
            _ => None,
        });
        calls.collect()
    }

    fn audit(&self, state: &mut State, auditor: usize) {
        let Auditor::Read { key, value } = state.auditors[auditor].clone() else { return };
        state.auditors[auditor] = Auditor::Idle;
        let cut = self.cut(&state.ledger, key, value.as_deref());
        let Verdict::Judged(judged) = (self.rules.judge)(value.as_deref(), &cut) else { return };
        if judged.deviates() {
            state.false_alarm |= self.is_right(key, &value);
            self.corrections(key, &judged).into_iter().for_each(|call| state.send(call));
        }
        if judged.forgot() {
            if self.rules.forgot.is_some() {
                state.auditors[auditor] = Auditor::Suspects { key, value, ledger: state.ledger };
            } else {
                state.false_alarm |= !state.lost;
            }
        }
    }

    fn audit_again(&self, state: &mut State, auditor: usize) {
        let Auditor::Suspects { key, value, ledger } = state.auditors[auditor].clone() else { return };
        state.auditors[auditor] = Auditor::Idle;
        let cut = self.cut(&ledger, key, value.as_deref());
        let again = state.stock[key as usize].clone();
        if self.rules.forgot.is_some_and(|forgot| forgot(again.as_deref(), &cut)) {
            state.false_alarm |= !state.lost;
            state.send(self.vector(&ledger, key));
        }
    }

    /// Whether the value is the replay at its own `at`, without any drift.
    fn is_right(&self, key: u8, value: &Bytes) -> bool {
        self.replayed(key, value, &[0])
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.begin()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for source in 0..self.queues.len() {
            self.writer_actions(state, source, actions);
        }
        actions.extend(state.flying.iter().map(|call| Action::Late(*call)));
        self.fault_actions(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        let state = &mut next;
        match action {
            Action::Take(source) => self.take(state, source),
            Action::Owed(source, holder) => self.owed(state, source, holder),
            Action::Commit(source, holder, count) => self.commit(state, source, holder, count),
            Action::Answer(source, holder, parcel, at) => self.answer(state, (source, holder, parcel, at)),
            Action::Timeout(source, holder, parcel, at) => {
                state.left.timeout -= 1;
                state.holds[source][holder].parcels[parcel].waiting[at].vector = None;
            }
            Action::Save(source, holder) => self.save(state, source, holder),
            Action::Fence(source, holder) => drop(state.holds[source].remove(holder)),
            Action::Crash(source, holder) => {
                state.left.crash -= 1;
                state.holds[source].remove(holder);
            }
            Action::Late(call) => drop(self.execute(&mut state.stock, &call)),
            Action::SweepRead(key) => {
                state.left.sweep -= 1;
                state.sweeping[key] = Some(self.vector(&state.ledger, key as u8));
            }
            Action::SweepSend(key) => {
                if let Some(vector) = state.sweeping[key].take()
                    && self.lags(&vector, &state.stock[key])
                {
                    state.send(vector);
                }
            }
            Action::AuditRead(auditor, key) => {
                state.left.audit -= 1;
                state.auditors[auditor] = Auditor::Read { key: key as u8, value: state.stock[key].clone() };
            }
            Action::AuditJudge(auditor) => self.audit(state, auditor),
            Action::AuditAgain(auditor) => self.audit_again(state, auditor),
            fault => self.befall(state, fault),
        }
        next.settle();
        (next != *last).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(super::truth::A, |world: &World, state| world.values_are_replays(state)),
            Property::always(super::truth::B, |world: &World, state| world.agrees_at_rest(state)),
            Property::always(super::truth::C, |_, state: &State| !state.false_alarm),
            Property::always(super::truth::D, |_, state: &State| !state.needless),
            Property::sometimes(super::truth::REST, |world: &World, state| world.at_rest(state)),
        ]
    }
}
