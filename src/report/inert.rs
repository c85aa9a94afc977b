use std::io;

use serde_json::ser::Formatter;

/// Compact JSON in which no string holds a character that acts where the text
/// is shown: they are written `\uXXXX`, which reads back the same.
pub(super) struct Inert<Acts: Fn(char) -> bool>(pub(super) Acts);

impl<Acts: Fn(char) -> bool> Formatter for Inert<Acts> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for part in fragment.split_inclusive(&self.0) {
            let active = part.chars().next_back().filter(|last| (self.0)(*last));
            let plain = part.len() - active.map_or(0, char::len_utf8);
            out.write_all(part.get(..plain).unwrap_or_default().as_bytes())?;
            if let Some(active) = active {
                for unit in active.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}
