//! What must come of a log, by its own few lines: which messages count, what each key then holds. Knows nothing of
//! the engine but the names of sources.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// One partition's log: offset and payload.
pub type Log = Vec<(i64, Vec<u8>)>;

/// What a log comes to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Per key, in offset order: offset and signed quantity of each counted entry.
    pub rows: BTreeMap<String, Vec<(i64, i64)>>,
    pub counted: i64,
    pub rejected: i64,
}

/// Replays one partition. An id counts once for its product and day; a line always has its key's partition, so no
/// other partition can hold it.
pub fn replay(log: &Log) -> Replay {
    let mut replay = Replay::default();
    let mut seen = BTreeSet::new();
    for (offset, payload) in log {
        let Some((key, signed, id)) = counted(payload).filter(|(_, _, id)| seen.insert(id.clone())) else {
            replay.rejected += 1;
            continue;
        };
        let _ = id;
        replay.counted += 1;
        replay.rows.entry(key).or_default().push((*offset, signed));
    }
    replay
}

fn counted(payload: &[u8]) -> Option<(String, i64, [String; 3])> {
    let entry: Value = serde_json::from_slice(payload).ok()?;
    let text = |field: &str| entry[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let quantity = entry["quantity"].as_i64().filter(|quantity| (1..=2_147_483_647).contains(quantity))?;
    let drcr = entry["drcr"].as_i64().filter(|drcr| drcr.abs() == 1)?;
    let (product, warehouse) = (text("product_id")?, text("warehouse_id")?);
    let day = text("create_time")?[..10].to_owned();
    Some((format!("{warehouse}:{product}"), quantity * drcr, [product, day, text("entry_id")?]))
}

impl Replay {
    /// The key's sum up to an offset, that one included.
    pub fn sum(&self, key: &str, upto: i64) -> i64 {
        let rows = self.rows.get(key).map(Vec::as_slice).unwrap_or_default();
        rows.iter().filter(|(offset, _)| *offset <= upto).map(|(_, signed)| signed).sum()
    }
}
