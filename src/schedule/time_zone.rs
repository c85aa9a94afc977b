use std::fmt;
use std::str::FromStr;

use jiff::tz;

/// The rules of a place's clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(tz::TimeZone);

/// A name that the system's time zone database does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone of this system (like Europe/Berlin or UTC)")]
pub struct UnknownTimeZone(pub String);

impl TimeZone {
    /// That of this machine; UTC where it has none.
    #[must_use]
    pub fn local() -> Self {
        Self(tz::TimeZone::try_system().unwrap_or(tz::TimeZone::UTC))
    }

    pub(super) const fn rules(&self) -> &tz::TimeZone {
        &self.0
    }
}

impl FromStr for TimeZone {
    type Err = UnknownTimeZone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        tz::TimeZone::get(text)
            .map(Self)
            .map_err(|_| UnknownTimeZone(text.to_owned()))
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("local time"))
    }
}
