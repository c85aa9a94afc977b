use std::fmt;
use std::sync::Arc;

use super::{Exclusion, ExclusionError, SpecError, TargetSpec};
use crate::domain::{InvalidServerName, ServerName};

/// Where something was written: an option, or a line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    source: Arc<str>,
    line: Option<usize>,
}

/// A list that can't be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError<E = SpecError> {
    /// A line that says nothing we understand.
    #[error("{origin}: {error}")]
    Line {
        /// The file and the line.
        origin: Origin,
        /// What is wrong with it.
        error: E,
    },
    /// A line that no list has: most likely it is another kind of file.
    #[error("{origin}: line of {length} bytes, more than {MAX_LINE}")]
    TooLong {
        /// The file and the line.
        origin: Origin,
        /// Its length in bytes.
        length: usize,
    },
    /// A line in another encoding, most likely an older one.
    #[error("{origin}: byte {byte:#04x} is not UTF-8")]
    NotUtf8 {
        /// The file and the line.
        origin: Origin,
        /// The first byte that is wrong.
        byte: u8,
    },
}

/// Longest line of a list, in bytes: room for the longest host name, a
/// hundred ports and a reason in prose.
const MAX_LINE: usize = 4096;

/// What an editor may put before the first line of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a list of targets: one a line, `#` comments, blank lines.
///
/// `list` is the file as it is, and `source_name` what errors call it: a path,
/// or `-`.
pub fn parse_list(
    list: impl AsRef<[u8]>,
    source_name: &str,
) -> Result<Vec<(TargetSpec, Origin)>, ListError<SpecError>> {
    parse_lines(list.as_ref(), source_name, |line, origin| {
        Ok((line.parse()?, origin))
    })
}

/// Reads a list of exclusions: one a line, with ` reason=... owner=...
/// until=YYYY-MM-DD` after it or without, `#` comments, blank lines.
pub fn parse_exclusions(
    list: impl AsRef<[u8]>,
    source_name: &str,
) -> Result<Vec<Exclusion>, ListError<ExclusionError>> {
    parse_lines(list.as_ref(), source_name, Exclusion::parse)
}

/// Reads a list of server names: one a line, `#` comments, blank lines.
pub fn parse_names(
    list: impl AsRef<[u8]>,
    source_name: &str,
) -> Result<Vec<ServerName>, ListError<InvalidServerName>> {
    parse_lines(list.as_ref(), source_name, |line, _| line.parse())
}

impl Origin {
    /// An option or a section of the configuration: `-x`.
    #[must_use]
    pub fn of(source: &str) -> Self {
        Self {
            source: Arc::from(source),
            line: None,
        }
    }

    /// Line `line` (from 1) of a file.
    #[must_use]
    pub fn line(source: &str, line: usize) -> Self {
        Self {
            source: Arc::from(source),
            line: Some(line),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.source),
            None => f.write_str(&self.source),
        }
    }
}

/// What to do about a file in another encoding.
const SAVE_AS_UTF_8: &str = "save the file as UTF-8";

impl ListError<SpecError> {
    /// What would be accepted.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Line { error, .. } => error.hint(),
            Self::TooLong { .. } => Some("write one target a line".to_owned()),
            Self::NotUtf8 { .. } => Some(SAVE_AS_UTF_8.to_owned()),
        }
    }
}

impl ListError<ExclusionError> {
    /// What would be accepted.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Line { error, .. } => error.hint(),
            Self::TooLong { .. } => Some("write one exclusion a line".to_owned()),
            Self::NotUtf8 { .. } => Some(SAVE_AS_UTF_8.to_owned()),
        }
    }
}

impl ListError<InvalidServerName> {
    /// What would be accepted.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Line { .. } | Self::TooLong { .. } => "write one host name a line".to_owned(),
            Self::NotUtf8 { .. } => SAVE_AS_UTF_8.to_owned(),
        })
    }
}

fn parse_lines<T, E>(
    list: &[u8],
    source_name: &str,
    parse: impl Fn(&str, Origin) -> Result<T, E>,
) -> Result<Vec<T>, ListError<E>> {
    let source: Arc<str> = Arc::from(source_name);
    let list = list.strip_prefix(BYTE_ORDER_MARK).unwrap_or(list);
    let mut entries = Vec::new();
    for (number, line) in list.split(|byte| *byte == b'\n').enumerate() {
        let origin = Origin {
            source: Arc::clone(&source),
            line: Some(number + 1),
        };
        if line.len() > MAX_LINE {
            let length = line.len();
            return Err(ListError::TooLong { origin, length });
        }
        let line = match str::from_utf8(line) {
            Ok(line) => without_comment(line).trim(),
            Err(error) => {
                let byte = line.get(error.valid_up_to()).copied().unwrap_or_default();
                return Err(ListError::NotUtf8 { origin, byte });
            }
        };
        if line.is_empty() {
            continue;
        }
        match parse(line, origin.clone()) {
            Ok(entry) => entries.push(entry),
            Err(error) => return Err(ListError::Line { origin, error }),
        }
    }
    Ok(entries)
}

/// The line up to a `#` that begins it or follows white space, outside of
/// double quotes.
fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let mut after_space = true;
    for (position, character) in line.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '#' if after_space && !quoted => return line.get(..position).unwrap_or(line),
            _ => {}
        }
        after_space = character.is_whitespace();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_blank_lines_crlf_and_bom_are_tolerated() {
        let text = "\u{feff}# all of it\r\n10.0.0.1\r\n\r\n  name:443  # the web\n\t#x\n::1";
        let list = parse_list(text, "hosts.txt").unwrap();
        let shown: Vec<_> = list
            .iter()
            .map(|(spec, origin)| format!("{origin} {spec}"))
            .collect();
        assert_eq!(
            shown,
            [
                "hosts.txt:2 10.0.0.1",
                "hosts.txt:4 name:443",
                "hosts.txt:6 ::1"
            ]
        );
    }

    #[test]
    fn an_error_names_the_file_and_the_line() {
        let error = parse_list("10.0.0.1\n10.0.0.0/33\n", "hosts.txt").unwrap_err();
        assert_eq!(
            error.to_string(),
            "hosts.txt:2: `10.0.0.0/33` has no such prefix length"
        );
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_list_of_names_has_nothing_but_names() {
        let names = parse_names("# ours\nWWW.corp\n\na.corp. # old\n", "names.txt");
        let names: Vec<_> = names.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["www.corp", "a.corp"]);
        let error = parse_names("a.corp\n10.0.0.1\n", "names.txt").unwrap_err();
        assert_eq!(
            error.to_string(),
            "names.txt:2: `10.0.0.1` is an address, not a name"
        );
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_line_of_another_kind_of_file_is_refused() {
        let text = format!("10.0.0.1\n{}", "a".repeat(MAX_LINE + 1));
        let error = parse_list(&text, "-").unwrap_err();
        assert!(matches!(error, ListError::TooLong { length: 4097, .. }));
        assert!(error.to_string().starts_with("-:2: "));
    }

    #[test]
    fn a_file_in_another_encoding_is_refused_with_its_line() {
        let latin = b"10.0.0.1\n# the Gr\xf6\xdfe\n10.0.0.0/33\n";
        let error = parse_list(latin, "hosts.txt").unwrap_err();
        assert_eq!(error.to_string(), "hosts.txt:2: byte 0xf6 is not UTF-8");
        assert!(error.hint().is_some());
        let error = parse_exclusions(latin, "exclude.txt").unwrap_err();
        assert_eq!(error.to_string(), "exclude.txt:2: byte 0xf6 is not UTF-8");
        assert!(error.hint().is_some());
        let wide = b"\xff\xfe1\x000\x00.\x00";
        let error = parse_list(wide, "hosts.txt").unwrap_err();
        assert_eq!(error.to_string(), "hosts.txt:1: byte 0xff is not UTF-8");
        let cut = parse_list(b"10.0.0.1\n\xe2\x82", "-").unwrap_err();
        assert_eq!(cut.to_string(), "-:2: byte 0xe2 is not UTF-8");
    }

    #[test]
    fn a_hash_inside_quotes_or_words_is_no_comment() {
        assert_eq!(without_comment("a#b #c"), "a#b ");
        assert_eq!(
            without_comment("a reason=\"x #1\" #c"),
            "a reason=\"x #1\" "
        );
        assert_eq!(without_comment("#"), "");
    }
}
