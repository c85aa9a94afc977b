//! Values → JSON that may stand inside a `<script>` element.

use std::io;

use serde::Serialize;

use crate::report::inert::Inert;

/// Compact JSON in which no string holds what an HTML parser acts on (`<`,
/// `>`, `&`) or what ends a line of script (U+2028, U+2029): they are written
/// `\uXXXX`, which reads back the same.
pub(super) fn json(value: &impl Serialize) -> io::Result<String> {
    let mut text = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut text,
        Inert(is_active),
    ))?;
    String::from_utf8(text).map_err(io::Error::other)
}

fn is_active(character: char) -> bool {
    matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_string_ends_the_script_or_opens_a_comment() {
        let texts = [
            "</script><script>alert(1)//",
            "<!--",
            "a&b\u{2028}\u{2029}\"\\",
        ];
        let written = json(&texts).unwrap();
        assert!(!written.contains(is_active), "{written}");
        let read: Vec<String> = serde_json::from_str(&written).unwrap();
        assert_eq!(read, texts);
    }
}
