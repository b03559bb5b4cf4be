//! The digest of a counted row, by the README's byte table alone.

use crate::spec::Entry;

/// XXH3-64 of one row.
pub fn of(entry: &Entry, offset: i64) -> u64 {
    let mut bytes = offset.to_le_bytes().to_vec();
    bytes.extend(entry.quantity.to_le_bytes());
    bytes.push(entry.drcr as i8 as u8);
    bytes.extend(entry.time.bytes());
    for id in [&entry.product, &entry.company, &entry.warehouse, &entry.bill] {
        text(&mut bytes, id);
    }
    match &entry.description {
        None => bytes.push(0),
        Some(words) => {
            bytes.push(1);
            text(&mut bytes, words);
        }
    }
    match &entry.entry_id {
        None => bytes.push(0),
        Some(hex) => {
            bytes.push(1);
            bytes.extend((0..16).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()));
        }
    }
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
}
