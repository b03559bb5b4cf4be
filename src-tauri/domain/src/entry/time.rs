//! The one shape of a moment, `YYYY-MM-DD HH:MM:SS`: the warehouse's wall clock, whole seconds. Pure.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

/// Reads `YYYY-MM-DD HH:MM:SS`, exactly in this shape, years 1000..=9999 (MySQL's DATETIME begins there).
pub fn parse_time(text: &str) -> Option<NaiveDateTime> {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 19
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b' ',
            13 | 16 => *byte == b':',
            _ => byte.is_ascii_digit(),
        });
    if !shape || bytes[0] == b'0' {
        return None;
    }
    let part = |from: usize, to: usize| text[from..to].parse::<u32>().ok();
    let day = NaiveDate::from_ymd_opt(part(0, 4)? as i32, part(5, 7)?, part(8, 10)?)?;
    day.and_hms_opt(part(11, 13)?, part(14, 16)?, part(17, 19)?)
}

/// Writes a moment as `YYYY-MM-DD HH:MM:SS`.
pub fn format_time(time: NaiveDateTime) -> String {
    let mut text = String::with_capacity(19);
    write_time(&mut text, time);
    text
}

/// Writes a moment as `YYYY-MM-DD HH:MM:SS` at the end of a text. By hand: every row of the ledger goes through here, and
/// chrono reads its pattern anew each time.
pub fn write_time(out: &mut String, time: NaiveDateTime) {
    let Ok(year @ 1000..=9999) = u32::try_from(time.year()) else {
        return out.push_str(&time.format("%Y-%m-%d %H:%M:%S").to_string());
    };
    two_digits(out, year / 100);
    two_digits(out, year % 100);
    let parts = [
        ('-', time.month()),
        ('-', time.day()),
        (' ', time.hour()),
        (':', time.minute()),
        (':', time.second()),
    ];
    for (before, number) in parts {
        out.push(before);
        two_digits(out, number);
    }
}

fn two_digits(out: &mut String, number: u32) {
    let digit = |number: u32| char::from(b'0' + (number % 10) as u8);
    out.push(digit(number / 10));
    out.push(digit(number));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_has_one_shape() {
        for good in
            ["2025-03-13 12:00:00", "1000-01-01 00:00:00", "9999-12-31 23:59:59", "2024-02-29 09:05:07"]
        {
            let time = parse_time(good).unwrap();
            assert_eq!((format_time(time), time.to_string()), (good.to_owned(), good.to_owned()));
        }
        for bad in [
            "2025-02-29 12:00:00",
            "2025-3-13 12:00:00",
            "2025-03-13T12:00:00",
            "2025-03-13 24:00:00",
            "2025-03-13 12:00:60",
            "2025-03-13 12:00:00 ",
            "0999-03-13 12:00:00",
            "+025-03-13 12:00:00",
        ] {
            assert!(parse_time(bad).is_none(), "{bad}");
        }
    }
}
