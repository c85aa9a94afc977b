use std::fmt;
use std::sync::Arc;

use super::{Exclusion, ExclusionError, SpecError, TargetSpec};

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
}

/// Longest line of a list, in bytes: room for the longest host name, a
/// hundred ports and a reason in prose.
const MAX_LINE: usize = 4096;

/// Reads a list of targets: one a line, `#` comments, blank lines.
///
/// `source_name` is what errors call it: a path, or `-`.
pub fn parse_list(
    text: &str,
    source_name: &str,
) -> Result<Vec<(TargetSpec, Origin)>, ListError<SpecError>> {
    parse_lines(text, source_name, |line, origin| {
        Ok((line.parse()?, origin))
    })
}

/// Reads a list of exclusions: one a line, with ` reason=... owner=...
/// until=YYYY-MM-DD` after it or without, `#` comments, blank lines.
pub fn parse_exclusions(
    text: &str,
    source_name: &str,
) -> Result<Vec<Exclusion>, ListError<ExclusionError>> {
    parse_lines(text, source_name, Exclusion::parse)
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

impl ListError<SpecError> {
    /// What would be accepted.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Line { error, .. } => error.hint(),
            Self::TooLong { .. } => Some("write one target a line".to_owned()),
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
        }
    }
}

fn parse_lines<T, E>(
    text: &str,
    source_name: &str,
    parse: impl Fn(&str, Origin) -> Result<T, E>,
) -> Result<Vec<T>, ListError<E>> {
    let source: Arc<str> = Arc::from(source_name);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let origin = Origin {
            source: Arc::clone(&source),
            line: Some(number + 1),
        };
        if line.len() > MAX_LINE {
            let length = line.len();
            return Err(ListError::TooLong { origin, length });
        }
        let line = without_comment(line).trim();
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
    fn a_line_of_another_kind_of_file_is_refused() {
        let text = format!("10.0.0.1\n{}", "a".repeat(MAX_LINE + 1));
        let error = parse_list(&text, "-").unwrap_err();
        assert!(matches!(error, ListError::TooLong { length: 4097, .. }));
        assert!(error.to_string().starts_with("-:2: "));
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
