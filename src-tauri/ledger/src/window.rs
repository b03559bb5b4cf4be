//! How far an entry's day may lie from its message's own day, as the ledger keeps it: an English text, written and read
//! here alone; a screen says it in its own language. Decides nothing: the verdict was made when the text was written.

use chrono::NaiveDate;

use super::Limits;
use domain::entry::Refusal;
use domain::words;
use domain::words::Words;

/// Between the numbers.
const BACK: &str = " back to ";
const AHEAD: &str = " ahead)";

/// The text that the ledger keeps.
pub(crate) fn reason(refusal: &Refusal, own_day: NaiveDate, limits: &Limits) -> String {
    format!("{refusal} ({own_day}; {}{BACK}{}{AHEAD}", days(limits.oldest_days), days(limits.newest_days))
}

fn days(count: i64) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}

/// The message's own day and the days accepted before and after it.
fn read(text: &str) -> Option<(NaiveDate, i64, i64)> {
    let (own_day, window) = text.strip_suffix(AHEAD)?.rsplit_once(" (")?.1.split_once("; ")?;
    let (oldest, newest) = window.split_once(BACK)?;
    let count = |days: &str| days.split_once(" day")?.0.parse().ok();
    Some((own_day.parse().ok()?, count(oldest)?, count(newest)?))
}

/// The text that the ledger keeps, in words again.
pub(crate) fn told(text: &str) -> Words {
    let told = text.to_owned();
    match read(text) {
        Some((own_day, oldest, newest)) => {
            words!("rejected_window_days", told told; own_day, oldest, newest)
        }
        None => words!("rejected_window", told told;),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::entry::Rule;

    #[test]
    fn what_is_written_is_read_again_and_stays_the_same_in_english() {
        let refusal = Refusal::new("create_time", "2031-01-01 12:00:00", Rule::Window);
        let own_day: NaiveDate = "2025-03-13".parse().unwrap();
        for (oldest_days, newest_days) in [(400, 2), (1, 1), (0, 0)] {
            let limits = Limits { day_tables: 0, oldest_days, newest_days };
            let text = reason(&refusal, own_day, &limits);
            assert_eq!(read(&text), Some((own_day, oldest_days, newest_days)));
            let words = told(&text);
            let seen = (words.code(), words.values().len(), words.english());
            assert_eq!(seen, ("rejected_window_days", 3, text.as_str()));
        }
    }

    #[test]
    fn another_text_is_said_as_it_stands() {
        for text in ["", "create_time (x)", "create_time (2025-03-13; two days back to 2 days ahead)"] {
            let words = told(text);
            assert_eq!((words.code(), words.english()), ("rejected_window", text));
        }
    }
}
