//! Verdicts: what is counted and what is not, decided once, from the message and the ledger alone. Pure.
//! No clock, no zone: the window is measured against the message's own timestamp.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};
use hashbrown::HashMap;
use uuid::Uuid;

use super::duplicate::Place;
use super::{Incoming, Limits, window};
use domain::entry::{Entry, MAX_BALANCE, ProductId, Refusal, Rule, StockKey, format_time};

/// A message that is kept but not counted.
#[derive(Debug, Clone)]
pub(crate) struct Rejection {
    /// invalid, duplicate, window or overflow.
    pub kind: &'static str,
    /// Field concerned.
    pub field: &'static str,
    /// Why, English.
    pub reason: String,
}

impl Rejection {
    fn from(kind: &'static str, refusal: &Refusal) -> Self {
        Rejection { kind, field: refusal.field, reason: refusal.to_string() }
    }
}

/// What can be said without looking at the ledger: invalid and out of window.
pub(crate) fn first_look<'a>(message: &'a Incoming, limits: &Limits) -> Result<&'a Entry, Rejection> {
    let entry = message.decoded.as_ref().map_err(|refusal| Rejection::from("invalid", refusal))?;
    let own_day =
        message.timestamp_ms.and_then(DateTime::from_timestamp_millis).map(|time| time.date_naive());
    if let Some(own_day) = own_day {
        let age = own_day.signed_duration_since(entry.day()).num_days();
        if age > limits.oldest_days || -age > limits.newest_days {
            let refusal = Refusal::new("create_time", format_time(entry.create_time), Rule::Window);
            let reason = window::reason(&refusal, own_day, limits);
            return Err(Rejection { kind: "window", field: refusal.field, reason });
        }
    }
    Ok(entry)
}

/// Where an entry id stands already: product and day make it the same entry.
pub(crate) type IdKey = (ProductId, NaiveDate, Uuid);

/// A key's state in one source, as the transaction found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// Offset of the last counted entry, -1 if none.
    pub last_offset: i64,
    /// Signed sum.
    pub quantity: i64,
}

/// What a batch adds to one key.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Before the batch.
    pub before: Held,
    /// After it.
    pub after: Held,
    /// Entries counted.
    pub entries: i64,
}

/// In and out of one key on one day within a batch.
#[derive(Debug, Clone, Default)]
pub(crate) struct DayStep {
    /// Pieces in.
    pub in_quantity: i64,
    /// Pieces out.
    pub out_quantity: i64,
    /// Entries counted.
    pub entries: i64,
}

/// A batch after judgement.
#[derive(Debug, Default)]
pub(crate) struct Judged<'a> {
    /// Counted entries with their offsets, per product and day.
    pub counted: BTreeMap<(NaiveDate, ProductId), Vec<(i64, &'a Entry)>>,
    /// Kept but not counted.
    pub rejected: Vec<(&'a Incoming, Rejection)>,
    /// Per key.
    pub steps: BTreeMap<StockKey, Step>,
    /// Per day, product, warehouse.
    pub days: BTreeMap<(NaiveDate, StockKey), DayStep>,
    /// Sum of all counted entries.
    pub signed: i64,
    /// Number of all counted entries.
    pub entries: usize,
    /// Number of duplicates among `rejected`.
    pub duplicates: usize,
}

/// Judges a batch in offset order. `held` tells a key's state in this source; `there` names the place of an id
/// that an earlier transaction counted.
pub(crate) fn judge<'a>(
    looked: &[(&'a Incoming, Result<&'a Entry, Rejection>)],
    held: &HashMap<StockKey, Held>,
    there: &HashMap<IdKey, Place>,
) -> Judged<'a> {
    let mut judged = Judged::default();
    let mut tally = Tally::default();
    let mut seen: HashMap<IdKey, i64> = HashMap::new();
    for (message, look) in looked {
        let entry = match look {
            Ok(entry) => *entry,
            Err(rejection) => {
                judged.rejected.push((message, rejection.clone()));
                continue;
            }
        };
        let id = entry.entry_id.map(|id| (entry.product_id.clone(), entry.day(), id));
        if let Some(id) = &id {
            let here = || seen.get(id).copied().map(Place::Here);
            if let Some(place) = there.get(id).cloned().or_else(here) {
                let reason = place.reason(id.2);
                judged.rejected.push((message, Rejection { kind: "duplicate", field: "entry_id", reason }));
                judged.duplicates += 1;
                continue;
            }
        }
        if let Err(rejection) = tally.count(entry, message.offset, held) {
            judged.rejected.push((message, rejection));
            continue;
        }
        judged.signed += entry.signed();
        judged.entries += 1;
        if let Some(id) = id {
            seen.insert(id, message.offset);
        }
    }
    tally.hand_over(&mut judged);
    judged
}

/// A batch while it is counted. Looked up by hash and put in order once at the end: with thousands of keys to a batch
/// ordered maps would compare texts a dozen times for each entry.
#[derive(Default)]
struct Tally<'a> {
    places: HashMap<StockKey, usize>,
    steps: Vec<(StockKey, Step)>,
    days: HashMap<(NaiveDate, usize), DayStep>,
    counted: HashMap<(NaiveDate, &'a str), Vec<(i64, &'a Entry)>>,
}

impl<'a> Tally<'a> {
    fn count(
        &mut self,
        entry: &'a Entry,
        offset: i64,
        held: &HashMap<StockKey, Held>,
    ) -> Result<(), Rejection> {
        let place = self.place(entry.key(), held);
        let step = &mut self.steps[place].1;
        let after = step.after.quantity + entry.signed();
        if after.abs() > MAX_BALANCE {
            let refusal = Refusal::new("quantity", entry.quantity, Rule::Overflow);
            return Err(Rejection::from("overflow", &refusal));
        }
        step.after = Held { last_offset: offset, quantity: after };
        step.entries += 1;
        let day = self.days.entry((entry.day(), place)).or_default();
        if entry.signed() > 0 {
            day.in_quantity += entry.quantity;
        } else {
            day.out_quantity += entry.quantity;
        }
        day.entries += 1;
        self.counted.entry((entry.day(), entry.product_id.as_str())).or_default().push((offset, entry));
        Ok(())
    }

    fn place(&mut self, key: StockKey, held: &HashMap<StockKey, Held>) -> usize {
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        let before = held.get(&key).copied().unwrap_or(Held { last_offset: -1, quantity: 0 });
        let place = self.steps.len();
        self.steps.push((key.clone(), Step { before, after: before, entries: 0 }));
        self.places.insert(key, place);
        place
    }

    /// In the order in which every writer locks its rows. A key whose every entry was refused takes no step.
    fn hand_over(self, judged: &mut Judged<'a>) {
        let days = self.days.into_iter();
        judged.days = days.map(|((day, place), step)| ((day, self.steps[place].0.clone()), step)).collect();
        judged.steps = self.steps.into_iter().filter(|(_, step)| step.entries > 0).collect();
        let counted = self.counted.into_iter().filter_map(|((day, _), entries)| {
            let product = entries.first()?.1.product_id.clone();
            Some(((day, product), entries))
        });
        judged.counted = counted.collect();
    }
}
