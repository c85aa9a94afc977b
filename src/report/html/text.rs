//! Texts from the network → texts that a page shows: safe to read, of bounded
//! length. Markup is escaped where they are written, by the template.

use std::fmt::{self, Write};

use crate::domain::printable;

/// Most characters of one text: names in use are shorter, and a page of
/// 50,000 rows must load.
const MOST: usize = 120;

/// A text on one line: control and bidirectional characters made visible,
/// what is too long cut with the number of characters left out.
pub(super) fn shown(text: &str) -> String {
    let mut characters = text.chars();
    let begin: String = characters.by_ref().take(MOST).collect();
    let mut shown = printable(&begin);
    let rest = characters.count();
    if rest > 0 {
        // Writing to a String can't fail.
        let _ = write!(shown, "…(+{rest})");
    }
    shown
}

/// A number as people read it: `1,234,567`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Count(pub(super) u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_made_visible_and_cut_with_a_count() {
        assert_eq!(shown("a\u{202e}\0\nb"), "a\\u{202e}\\u{0}\\u{a}b");
        assert_eq!(shown(&"x".repeat(120)), "x".repeat(120));
        let long = format!("{}…(+65416)", "😀".repeat(120));
        assert_eq!(shown(&"😀".repeat(65_536)), long);
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let text = |count| Count(count).to_string();
        assert_eq!([text(0), text(999), text(1_000)], ["0", "999", "1,000"]);
        assert_eq!(text(1_234_567), "1,234,567");
    }
}
