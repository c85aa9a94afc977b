use std::borrow::Cow;

use serde::ser::{Serialize, Serializer};

use crate::domain::{Tally, Timestamp};

/// What one column holds of one row, before any format's escaping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Not known, or not there.
    Absent,
    /// Anything, the network's own words included.
    Text(Cow<'a, str>),
    /// A whole number.
    Number(i64),
    /// True or false.
    Boolean(bool),
    /// A moment.
    Time(Timestamp),
    /// Texts, in their order.
    List(Cow<'a, [String]>),
    /// A count of every outcome.
    Counts(Tally),
    /// A JSON document that we wrote ourselves.
    Json(&'a str),
}

impl<'a> Value<'a> {
    /// A text that is borrowed from the row.
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A text that is made for the report.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "so that it can be mapped over an option"
    )]
    pub(super) fn made(text: impl ToString) -> Self {
        Self::Text(Cow::Owned(text.to_string()))
    }

    /// A list that is borrowed from the row.
    pub(super) fn list(items: &'a [String]) -> Self {
        Self::List(Cow::Borrowed(items))
    }

    /// A count; what 63 bits can't hold is as good as their largest.
    pub(super) fn count(count: u64) -> Self {
        Self::Number(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl<T> From<Option<T>> for Value<'_>
where
    Self: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::from)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::text(text)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(i64::from(number))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl Serialize for Value<'_> {
    /// JSON: numbers as numbers, lists as arrays, counts as a map, nothing
    /// as null.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Self::Time(time) => serializer.collect_str(time),
            Self::List(items) => serializer.collect_seq(items.iter()),
            Self::Counts(tally) => {
                serializer.collect_map(tally.iter().map(|(kind, count)| (kind.as_str(), count)))
            }
            Self::Json(text) => match serde_json::from_str::<serde_json::Value>(text) {
                Ok(document) => document.serialize(serializer),
                Err(_) => serializer.serialize_str(text),
            },
        }
    }
}
