//! The stock card's cursor as text: time, source and offset of the last movement shown.

use inventory::domain::entry::{format_time, parse_time};
use inventory::domain::words;
use inventory::ledger::{Movement, MovementCursor};

use crate::api::Failure;

/// The cursor behind a movement.
pub fn write(movement: &Movement) -> String {
    let time = format_time(movement.entry.create_time);
    format!("{time}|{}|{}", movement.source_id, movement.source_offset)
}

/// Reads it back.
pub fn read(text: &str) -> Result<MovementCursor, Failure> {
    let read = || {
        let mut parts = text.split('|');
        let create_time = parse_time(parts.next()?)?;
        let source_id = parts.next()?.parse().ok()?;
        let source_offset = parts.next()?.parse().ok()?;
        Some(MovementCursor { create_time, source_id, source_offset })
    };
    read().ok_or_else(|| {
        Failure::new(
            "invalid",
            words!("card_place_unknown", "this place in the stock card is not known; open the card again"),
        )
    })
}
