use std::fmt::{Display, Write};
use std::time::Duration;

/// A text from the network, made safe to show on one line of a terminal or a
/// log: control characters (C0, C1, DEL), line and paragraph separators,
/// bidirectional and zero-width formatting are written as `\u{…}`.
///
/// The result is for people; what must read back keeps the bytes.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hazardous(character) {
            // Writing to a String can't fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character is one of those that [`printable`] escapes: control
/// characters, and the invisible ones that reorder or hide text (Unicode 16,
/// general categories Cc, Cf, Zl, Zp as far as text runs).
#[must_use]
pub fn is_hazardous(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// `30d` where it is whole days.
#[must_use]
pub fn in_days(time: Duration) -> String {
    const DAY: Duration = Duration::from_hours(24);
    let days = time.as_secs() / DAY.as_secs();
    if Duration::from_secs(days * DAY.as_secs()) == time {
        return format!("{days}d");
    }
    humantime::format_duration(time).to_string()
}

/// `1 day`, `2 days`: so many of what takes an `s`.
#[must_use]
pub fn counted<Count: Copy + Display + PartialEq + From<u8>>(count: Count, noun: &str) -> String {
    let ending = if count == Count::from(1) { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_of_a_thing_is_without_an_s() {
        assert_eq!(counted(0_u64, "day"), "0 days");
        assert_eq!(counted(1_usize, "day"), "1 day");
        assert_eq!(counted(-1_i64, "day"), "-1 days");
        assert_eq!(counted(12_u32, "day"), "12 days");
    }

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        assert_eq!(printable("plain Größe 日本"), "plain Größe 日本");
        assert_eq!(printable("\x1b[31mred"), "\\u{1b}[31mred");
        assert_eq!(printable("a\nb\0c\u{9b}d"), "a\\u{a}b\\u{0}c\\u{9b}d");
        assert_eq!(printable("a\u{202e}b"), "a\\u{202e}b");
    }
}
