use std::fmt;
use std::str::FromStr;

use jiff::tz;

use crate::domain::Timestamp;

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

    /// The day that its calendars show: `2026-11-21`; empty for years that no
    /// calendar has.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> String {
        let at = jiff::Timestamp::from_microsecond(at.micros());
        let day = at.map(|at| self.0.to_datetime(at).date().to_string());
        day.unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_the_place() {
        let at = "2026-11-21T23:30:00Z".parse().unwrap();
        let day = |zone: &str| zone.parse::<TimeZone>().unwrap().day(at);
        assert_eq!(day("UTC"), "2026-11-21");
        assert_eq!(day("Europe/Berlin"), "2026-11-22");
        let never = Timestamp::from_micros(i64::MAX);
        assert_eq!(TimeZone::local().day(never), "");
    }
}
