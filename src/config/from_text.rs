use std::fmt::{self, Display};
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};

/// What reads the text of a flag by its [`FromStr`]. The error has a second
/// line with what would be accepted, as the error of a target has.
pub(crate) fn advised<T: FromStr<Err: Display>>(
    hint: fn(&T::Err) -> Option<String>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        text.parse()
            .map_err(|error| with_hint(&error, hint(&error)))
    }
}

/// What is wrong, and on a line of its own what would be accepted.
pub(super) fn with_hint(error: &dyn Display, hint: Option<String>) -> String {
    match hint {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

/// Reads what is written as a text, or as a number where its text is one, by
/// its [`FromStr`]: the file refuses what the flag refuses, in the same words.
pub(super) fn from_text<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    read(deserializer, |text| {
        text.parse().map_err(|error: T::Err| error.to_string())
    })
}

/// As [`from_text`], by a function that says more about what is wrong.
pub(super) fn read<'de, T, D>(
    deserializer: D,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(Text(parse)).map(Some)
}

struct Text<T>(fn(&str) -> Result<T, String>);

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}
