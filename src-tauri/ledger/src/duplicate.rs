//! Where an entry that comes a second time was counted before. The ledger keeps it as an English text, written and read
//! here alone; a screen says it in its own language. Decides nothing: the verdict was made when the text was written.

use uuid::Uuid;

use domain::words;
use domain::words::Words;

/// Between the id and its place.
const BEFORE: &str = " was counted before, at offset ";

/// Where it was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the source in which it comes again, at this offset.
    Here(i64),
    /// At this offset of the source of this name.
    There(i64, String),
}

impl Place {
    /// The text that the ledger keeps.
    pub fn reason(&self, id: Uuid) -> String {
        match self {
            Place::Here(offset) => format!("entry_id {id}{BEFORE}{offset} of this source"),
            Place::There(offset, source) => format!("entry_id {id}{BEFORE}{offset} of source {source}"),
        }
    }

    fn read(text: &str) -> Option<(Uuid, Place)> {
        let (id, place) = text.strip_prefix("entry_id ")?.split_once(BEFORE)?;
        let (offset, source) = place.split_once(" of ")?;
        let offset = offset.parse().ok()?;
        let place = match source {
            "this source" => Place::Here(offset),
            other => Place::There(offset, other.strip_prefix("source ")?.to_owned()),
        };
        Some((id.parse().ok()?, place))
    }
}

/// The text that the ledger keeps, in words again.
pub(crate) fn told(text: &str) -> Words {
    let told = text.to_owned();
    match Place::read(text) {
        Some((id, Place::Here(offset))) => words!("rejected_duplicate_here", told told; id, offset),
        Some((id, Place::There(offset, source))) => {
            words!("rejected_duplicate_there", told told; id, offset, source)
        }
        None => words!("rejected_duplicate", told told;),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_stays_the_same_in_english() {
        let id = Uuid::from_u128(7);
        for (place, code, values) in [
            (Place::Here(0), "rejected_duplicate_here", 2),
            (Place::There(12, "8f3a01c2.3".to_owned()), "rejected_duplicate_there", 3),
        ] {
            let text = place.reason(id);
            assert_eq!(Place::read(&text), Some((id, place)));
            let words = told(&text);
            assert_eq!((words.code(), words.values().len(), words.english()), (code, values, text.as_str()));
        }
    }

    #[test]
    fn another_text_is_said_as_it_stands() {
        for text in [
            "",
            "entry_id x",
            "entry_id 7 was counted before, at offset 1 of this source",
            "entry_id 00000000-0000-0000-0000-000000000007 was counted before, at offset one of this source",
            "entry_id 00000000-0000-0000-0000-000000000007 was counted before, at offset 1 of nothing",
        ] {
            let words = told(text);
            assert_eq!((words.code(), words.english()), ("rejected_duplicate", text));
        }
    }
}
