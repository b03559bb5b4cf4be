//! What one snapshot of the ledger says of keys whose values were read before it, put together for the judge.

use domain::entry::StockKey;
use domain::error::Result;
use ledger::{Beyond, KeyState, LedgerView};
use stock::SourceName;

use super::judge::{self, KeyCut, SourceCut};

/// What the snapshot says of a key: every source that the ledger knows, without what lies beyond a value.
pub fn cut(view: &LedgerView, state: Option<&KeyState>) -> KeyCut {
    let mut cut = KeyCut::new();
    for source in view.sources() {
        let part = state.and_then(|state| state.parts.iter().find(|part| part.source == source.name));
        cut.insert(
            source.name.clone(),
            SourceCut {
                next_offset: source.next_offset,
                stock_offset: source.stock_offset,
                balance: part.map(|part| (part.last_offset, part.quantity)),
                beyond: Vec::new(),
            },
        );
    }
    cut
}

/// Adds to each key's cut what lies beyond its value. Of a source of which the value knows nothing, all rows lie
/// beyond, and their sum is the balance: no row has to be read for that. `right` may put right what was read of a
/// key's source beyond an offset: rows that the stock acknowledged, and the others.
pub async fn add_beyond(
    view: &mut LedgerView,
    keys: &[StockKey],
    values: &[Option<Vec<u8>>],
    cuts: &mut [KeyCut],
    right: impl Fn(&StockKey, &SourceName, i64, &mut [Beyond; 2]),
) -> Result<()> {
    let (mut places, mut wanted) = (Vec::new(), Vec::new());
    for (place, ((key, value), cut)) in keys.iter().zip(values).zip(cuts.iter_mut()).enumerate() {
        for (source, offset) in judge::rows_wanted(value.as_deref(), cut) {
            if offset >= 0 {
                places.push(place);
                wanted.push((key.clone(), source, offset));
            } else if let Some(source_cut) = cut.get_mut(&source) {
                source_cut.beyond = source_cut.balance.into_iter().collect();
            }
        }
    }
    let mut found = view.rows_beyond(&wanted).await?;
    for (place, (key, source, offset)) in places.into_iter().zip(wanted) {
        let mut beyond = found.remove(&(key.clone(), source.clone())).unwrap_or_default();
        right(&key, &source, offset, &mut beyond);
        if let Some(source_cut) = cuts[place].get_mut(&source) {
            // The offset at which a half ends only says on which side of the watermark it lies.
            let some = beyond.iter().filter(|half| half.rows > 0);
            source_cut.beyond = some.map(|half| (half.last, half.signed)).collect();
        }
    }
    Ok(())
}
