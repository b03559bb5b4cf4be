//! The digest of counted rows, so that anybody can prove that no row was changed. Pure.

use xxhash_rust::xxh3::xxh3_64;

use domain::entry::{Entry, write_time};

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
    Digester::default().of(entry, source_offset)
}

/// Makes the digests of one row after another in the same memory.
#[derive(Default)]
pub(crate) struct Digester {
    time: String,
    bytes: Vec<u8>,
}

impl Digester {
    /// [`row_digest`].
    pub fn of(&mut self, entry: &Entry, source_offset: i64) -> u64 {
        self.time.clear();
        write_time(&mut self.time, entry.create_time);
        self.bytes.clear();
        let fields = Fields {
            source_offset,
            quantity: entry.quantity,
            drcr: entry.direction.drcr(),
            create_time: &self.time,
            product_id: entry.product_id.as_str(),
            company_id: entry.company_id.as_str(),
            warehouse_id: entry.warehouse_id.as_str(),
            bill_id: entry.bill_id.as_str(),
            description: entry.description.as_deref(),
            entry_id: entry.entry_id.as_ref().map(|id| id.as_bytes()),
        };
        encode(&mut self.bytes, &fields);
        xxh3_64(&self.bytes)
    }
}

/// A row's fields as they stand in a table.
pub(crate) struct Fields<'a> {
    pub source_offset: i64,
    pub quantity: i64,
    pub drcr: i64,
    pub create_time: &'a str,
    pub product_id: &'a str,
    pub company_id: &'a str,
    pub warehouse_id: &'a str,
    pub bill_id: &'a str,
    pub description: Option<&'a str>,
    pub entry_id: Option<&'a [u8; 16]>,
}

/// The digest of a row that stands.
pub(crate) fn digest_of(row: &Fields<'_>) -> u64 {
    let mut bytes = Vec::with_capacity(256);
    encode(&mut bytes, row);
    xxh3_64(&bytes)
}

fn encode(out: &mut Vec<u8>, row: &Fields<'_>) {
    out.extend_from_slice(&row.source_offset.to_le_bytes());
    out.extend_from_slice(&row.quantity.to_le_bytes());
    out.push(if row.drcr > 0 { 0x01 } else { 0xff });
    out.extend_from_slice(row.create_time.as_bytes());
    for text in [row.product_id, row.company_id, row.warehouse_id, row.bill_id] {
        sized(out, text);
    }
    match row.description {
        None => out.push(0),
        Some(text) => {
            out.push(1);
            sized(out, text);
        }
    }
    match row.entry_id {
        None => out.push(0),
        Some(id) => {
            out.push(1);
            out.extend_from_slice(id);
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
    use domain::entry::{BillId, CompanyId, Direction, ProductId, WarehouseId, parse_time};

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
        let row = Fields {
            source_offset: 7,
            quantity: 10,
            drcr: -1,
            create_time: "2025-03-13 12:00:00",
            product_id: "123",
            company_id: "C1",
            warehouse_id: "W1",
            bill_id: "B1",
            description: Some("入"),
            entry_id: None,
        };
        let mut bytes = Vec::new();
        encode(&mut bytes, &row);
        let mut expected = vec![7, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0xff];
        expected
            .extend_from_slice(b"2025-03-13 12:00:00\x03\x00123\x02\x00C1\x02\x00W1\x02\x00B1\x01\x03\x00");
        expected.extend_from_slice("入".as_bytes());
        expected.push(0);
        assert_eq!(bytes, expected);
        assert_eq!(row_digest(&entry, 7), digest_of(&row));
        assert_ne!(row_digest(&entry, 7), row_digest(&entry, 8));
    }
}
