//! What the brokers said a moment ago, so that a status that is asked every few seconds costs them little. Only good
//! news is remembered, and only for a while: what would stop a source is asked again each time.

use std::collections::HashMap;

use ledger::SourceRow;
use queue::{Bounds, SourceIdentity};

/// How long good news is believed.
const BELIEVED_MS: i64 = 10_000;

/// A source whose last message was read again and was the one that was counted.
struct Confirmed {
    at_ms: i64,
    log: Bounds,
    last_offset: i64,
    last_hash: i64,
}

/// Good news with its age. Must never outlive what it was about.
#[derive(Default)]
pub(super) struct Remembered {
    confirmed: HashMap<SourceIdentity, Confirmed>,
    /// When the group was seen to have members.
    consumed_ms: Option<i64>,
}

impl Remembered {
    /// These are the logs now. One that was cut, begins elsewhere or is gone is no longer believed.
    pub(super) fn saw(&mut self, bounds: &HashMap<SourceIdentity, Bounds>) {
        self.confirmed.retain(|identity, known| {
            let Some(log) = bounds.get(identity) else { return false };
            let before = std::mem::replace(&mut known.log, *log);
            log.end >= before.end && log.start == before.start
        });
    }

    /// Whether the source's last message must be read again. Not while its position only went on since that was done:
    /// a ledger that was set back is looked at anew.
    pub(super) fn must_read(&self, row: &SourceRow, now_ms: i64) -> bool {
        let Some(known) = self.confirmed.get(&row.identity) else { return true };
        let went_on = match row.last_offset == known.last_offset {
            true => row.last_hash == known.last_hash,
            false => row.last_offset > known.last_offset,
        };
        !(went_on && believed(known.at_ms, now_ms))
    }

    /// The source's last message was read: was it the one that was counted?
    pub(super) fn was_read(&mut self, row: &SourceRow, log: Bounds, same: bool, now_ms: i64) {
        if !same {
            self.confirmed.remove(&row.identity);
            return;
        }
        let (last_offset, last_hash) = (row.last_offset, row.last_hash);
        self.confirmed.insert(row.identity.clone(), Confirmed { at_ms: now_ms, log, last_offset, last_hash });
    }

    /// Whether the group must be asked for its members.
    pub(super) fn must_count_members(&self, now_ms: i64) -> bool {
        self.consumed_ms.is_none_or(|at_ms| !believed(at_ms, now_ms))
    }

    /// The group was asked.
    pub(super) fn has_members(&mut self, members: usize, now_ms: i64) {
        self.consumed_ms = (members > 0).then_some(now_ms);
    }
}

/// A clock that was set back makes nothing young again.
fn believed(at_ms: i64, now_ms: i64) -> bool {
    (0..BELIEVED_MS).contains(&now_ms.saturating_sub(at_ms))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const LOG: Bounds = Bounds { start: 5, end: 100 };

    fn row(last_offset: i64, last_hash: i64) -> SourceRow {
        let identity = SourceIdentity { topic: "stock".into(), topic_uuid: Uuid::from_u128(7), partition: 2 };
        SourceRow {
            id: 1,
            name: "stock-2".into(),
            identity,
            next_offset: last_offset + 1,
            stock_offset: last_offset + 1,
            stamp: [0; 16],
            last_offset,
            last_hash,
            entries: 40,
            rejected: 0,
            signed_quantity: 0,
            digest: 0,
        }
    }

    fn confirmed() -> Remembered {
        let mut remembered = Remembered::default();
        assert!(remembered.must_read(&row(40, 11), 1_000), "nothing is known yet");
        remembered.was_read(&row(40, 11), LOG, true, 1_000);
        remembered
    }

    /// Whether it is read again once the log has these bounds, one after the other.
    fn read_after(logs: &[Bounds]) -> bool {
        let mut known = confirmed();
        logs.iter().for_each(|log| known.saw(&HashMap::from([(row(40, 11).identity, *log)])));
        known.must_read(&row(40, 11), 1_001)
    }

    #[test]
    fn a_log_that_grows_and_a_position_that_goes_on_are_believed_for_a_while() {
        let known = confirmed();
        assert!(!known.must_read(&row(40, 11), 1_001));
        assert!(!known.must_read(&row(40, 11), 10_999));
        assert!(!known.must_read(&row(70, 12), 4_000));
        assert!(known.must_read(&row(40, 11), 11_000), "too old");
        assert!(known.must_read(&row(40, 11), 999), "the clock was set back");
        assert!(!read_after(&[LOG, Bounds { end: 180, ..LOG }, Bounds { end: 180, ..LOG }]));
    }

    #[test]
    fn what_may_have_changed_is_read_again() {
        let known = confirmed();
        assert!(known.must_read(&row(40, 12), 1_001), "another message counts as the last");
        assert!(known.must_read(&row(39, 11), 1_001), "the ledger was set back");
        let mut other = row(40, 11);
        other.identity.topic_uuid = Uuid::from_u128(8);
        assert!(known.must_read(&other, 1_001), "another life of the topic");
        assert!(read_after(&[Bounds { end: 99, ..LOG }]), "cut");
        assert!(read_after(&[Bounds { end: 180, ..LOG }, Bounds { end: 150, ..LOG }]), "grown, then cut");
        assert!(read_after(&[Bounds { end: 99, ..LOG }, LOG]), "cut and filled again");
        assert!(read_after(&[Bounds { start: 6, ..LOG }]), "begins elsewhere");
        let mut gone = confirmed();
        gone.saw(&HashMap::new());
        gone.saw(&HashMap::from([(row(40, 11).identity, LOG)]));
        assert!(gone.must_read(&row(40, 11), 1_001), "was away");
    }

    #[test]
    fn bad_news_is_never_believed() {
        let mut known = confirmed();
        known.was_read(&row(40, 11), LOG, false, 2_000);
        assert!(known.must_read(&row(40, 11), 2_001));
        assert!(known.must_count_members(2_000));
        known.has_members(0, 2_000);
        assert!(known.must_count_members(2_001), "whoever starts to consume is seen at once");
        known.has_members(2, 3_000);
        assert!(!known.must_count_members(12_999));
        assert!(known.must_count_members(13_000) && known.must_count_members(2_999));
    }
}
