//! The digest of counted rows, so that anybody can prove that no row was changed. Pure.

use xxhash_rust::xxh3::xxh3_64;

use crate::entry::{Entry, format_time};

/// XXH3-64 (seed 0) of one counted row. A source's digest is the sum of its rows' digests mod 2^64, kept as a
/// two's complement BIGINT. Row numbers (`id`) and tables take no part, so a row may change its place.
///
/// The bytes, in this order; integers are little-endian:
///
/// | bytes | what |
/// |---|---|
/// | 8 | `source_offset`, signed |
/// | 8 | `quantity`, signed |
/// | 1 | `drcr`: 01 for 1, ff for -1 |
/// | 19 | `create_time` as ASCII `YYYY-MM-DD HH:MM:SS` |
/// | 2 + n | `product_id`: its length in bytes, its UTF-8 |
/// | 2 + n | `company_id`, likewise |
/// | 2 + n | `warehouse_id`, likewise |
/// | 2 + n | `bill_id`, likewise |
/// | 1, or 3 + n | `description`: 00 for NULL, else 01, its length in bytes, its UTF-8 |
/// | 1 or 17 | `entry_id`: 00 for NULL, else 01 and its 16 bytes |
pub fn row_digest(entry: &Entry, source_offset: i64) -> u64 {
    let mut bytes = Vec::with_capacity(256);
    encode(&mut bytes, entry, source_offset);
    xxh3_64(&bytes)
}

fn encode(out: &mut Vec<u8>, entry: &Entry, source_offset: i64) {
    out.extend_from_slice(&source_offset.to_le_bytes());
    out.extend_from_slice(&entry.quantity.to_le_bytes());
    out.push(if entry.direction.drcr() > 0 { 0x01 } else { 0xff });
    out.extend_from_slice(format_time(entry.create_time).as_bytes());
    sized(out, entry.product_id.as_str());
    sized(out, entry.company_id.as_str());
    sized(out, entry.warehouse_id.as_str());
    sized(out, entry.bill_id.as_str());
    match &entry.description {
        None => out.push(0),
        Some(text) => {
            out.push(1);
            sized(out, text);
        }
    }
    match &entry.entry_id {
        None => out.push(0),
        Some(id) => {
            out.push(1);
            out.extend_from_slice(id.as_bytes());
        }
    }
}

/// Ids and descriptions are at most 512 characters, 2,048 bytes: two bytes hold the length.
fn sized(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// XXH3-64 (seed 0) of a message's payload as `sources.last_hash` keeps it.
pub fn payload_hash(payload: &[u8]) -> i64 {
    xxh3_64(payload) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{BillId, CompanyId, Direction, ProductId, WarehouseId, parse_time};

    #[test]
    fn encoding_is_what_the_table_says() {
        let entry = Entry {
            product_id: ProductId::parse("123").unwrap(),
            quantity: 10,
            direction: Direction::Out,
            company_id: CompanyId::parse("C1").unwrap(),
            warehouse_id: WarehouseId::parse("W1").unwrap(),
            bill_id: BillId::parse("B1").unwrap(),
            create_time: parse_time("2025-03-13 12:00:00").unwrap(),
            description: Some("入".to_owned()),
            entry_id: None,
        };
        let mut bytes = Vec::new();
        encode(&mut bytes, &entry, 7);
        let mut expected = vec![7, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0xff];
        expected
            .extend_from_slice(b"2025-03-13 12:00:00\x03\x00123\x02\x00C1\x02\x00W1\x02\x00B1\x01\x03\x00");
        expected.extend_from_slice("入".as_bytes());
        expected.push(0);
        assert_eq!(bytes, expected);
        assert_ne!(row_digest(&entry, 7), row_digest(&entry, 8));
    }
}
