//! Words on paper: numbers in groups of three, one line of text without control signs, where a line may be broken.

/// A number in groups of three: `-1,234,567`.
pub fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    if number < 0 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A sign as it stands on one line.
pub fn clean(c: char) -> char {
    if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{a0}') { ' ' } else { c }
}

/// Signs of Chinese, Japanese and Korean writing: a font that lacks one of them lacks thousands.
pub fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' |
        '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

/// Signs that show nothing of themselves: joiners, selectors, marks of direction.
pub fn is_silent(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' |
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a line may end between two signs.
pub fn may_break(before: char, after: char) -> bool {
    // What closes stays with what it closes.
    let closes =
        matches!(after, '，' | '。' | '、' | '；' | '：' | '！' | '？' | '）' | '】' | '》' | '”' | '’');
    let opens = matches!(before, '（' | '【' | '《' | '“' | '‘');
    if closes || opens {
        return false;
    }
    matches!(before, ' ' | '-' | '/' | '_' | ',' | ';' | '，' | '、') || is_cjk(before) || is_cjk(after)
}
