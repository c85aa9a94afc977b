use std::fmt;
use std::str::FromStr;

/// A text with `*` for any characters, `?` for any one and `[...]` for one of
/// several, in any case of its ASCII letters. It matches the whole of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(glob::Pattern);

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// It matches nothing but the empty text, which is nobody's name.
    #[error("the pattern is empty")]
    Empty,
    /// What is wrong, and where.
    #[error("`{text}` is no pattern: {problem}")]
    Malformed {
        /// What was written.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Pattern {
    /// Whether it matches all of `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let any_case = glob::MatchOptions {
            case_sensitive: false,
            require_literal_separator: false,
            require_literal_leading_dot: false,
        };
        self.0.matches_with(text, any_case)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidPattern::Empty);
        }
        let pattern = glob::Pattern::new(text);
        pattern
            .map(Self)
            .map_err(|error| InvalidPattern::Malformed {
                text: text.to_owned(),
                problem: error.msg,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_text_in_any_case() {
        let matches = |pattern: &str, text| pattern.parse::<Pattern>().unwrap().matches(text);
        assert!(matches("*.Example.com", "www.EXAMPLE.com"));
        assert!(matches("*.example.com", "a.b.example.com"));
        assert!(matches("*", ".hidden/with a slash"));
        assert!(matches("db[0-9]?", "db1x"));
        assert!(!matches("example.com", "www.example.com"));
        assert!(!matches("*.example.com", "example.com"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert_eq!("".parse::<Pattern>(), Err(InvalidPattern::Empty));
        assert!("[a".parse::<Pattern>().is_err());
        assert!("a**b".parse::<Pattern>().is_err());
    }
}
