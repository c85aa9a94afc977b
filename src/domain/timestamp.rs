use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

/// A moment in UTC, to the microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A text that is no RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an RFC 3339 time, like 2026-11-21T08:00:00Z")]
pub struct InvalidTimestamp(pub String);

impl Timestamp {
    /// The moment so many microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The moment so many seconds after 1970-01-01T00:00:00Z; beyond what
    /// microseconds hold in 64 bits (the year 294,000) it stops there.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Its day in UTC; the nearest that a calendar has where it has none.
    #[must_use]
    pub fn date(self) -> Date {
        let time = OffsetDateTime::from_unix_timestamp(self.seconds());
        match time {
            Ok(time) => time.date(),
            Err(_) if self.0 < 0 => Date::MIN,
            Err(_) => Date::MAX,
        }
    }

    /// The beginning of its second: what a certificate's dates, which have
    /// whole seconds, are held against.
    #[must_use]
    pub const fn to_the_second(self) -> Self {
        Self::from_seconds(self.seconds())
    }

    /// Whether what is valid up to `end` is over by now. All of the second that
    /// `end` names is still inside (RFC 5280 section 4.1.2.5).
    #[must_use]
    pub const fn is_past(self, end: Self) -> bool {
        self.to_the_second().0 > end.0
    }

    /// Whole days of 86,400 seconds from this second to `end`, rounded down: -1
    /// for all of the day after it, so negative where it [is past](Self::is_past).
    #[must_use]
    pub const fn days_until(self, end: Self) -> i64 {
        const DAY: i64 = 86_400_000_000;
        let begin = self.to_the_second();
        end.0.saturating_sub(begin.0).div_euclid(DAY)
    }

    /// How long after `earlier` this is; zero if it isn't.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// Whether this is said of what has been, and can't be: it lies further
    /// ahead of `now` than a clock is set back in the course of things.
    #[must_use]
    pub fn is_ahead_of(self, now: Self) -> bool {
        self.since(now) > SET_BACK
    }
}

/// How far a clock that goes a little wrong is set back at most.
const SET_BACK: Duration = Duration::from_mins(5);

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, to the second: `2026-11-21T08:00:00Z`. Years that
    /// RFC 3339 can't write (before 0 or after 9999) are written signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.seconds().div_euclid(86_400);
        let second = self.seconds().rem_euclid(86_400);
        let (year, month, day) = civil(days);
        let mut text = *b"0000-00-00T00:00:00Z";
        let numbers = [
            (0..4, year),
            (5..7, month),
            (8..10, day),
            (11..13, second / 3600),
            (14..16, second / 60 % 60),
            (17..19, second % 60),
        ];
        for (place, number) in numbers {
            put_digits(number, text.get_mut(place).unwrap_or_default());
        }
        let text = str::from_utf8(&text).map_err(|_| fmt::Error)?;
        if (0..=9999).contains(&year) {
            return f.write_str(text);
        }
        write!(f, "{year:+05}")?;
        f.write_str(text.trim_start_matches(|character| character != '-'))
    }
}

/// Puts the last digits of a number that is not negative. A million rows have
/// seven million times, and `{:02}` takes ten times as long.
fn put_digits(mut number: i64, places: &mut [u8]) {
    for digit in places.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time =
            OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp(text.to_owned()))?;
        i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000))
            .map(Self)
            .map_err(|_| InvalidTimestamp(text.to_owned()))
    }
}

/// The Gregorian date of a day counted from 1970-01-01 (Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`): a date
/// in a certificate may lie outside what calendar libraries hold.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_prints_as_rfc_3339_in_utc() {
        assert_eq!(
            Timestamp::from_micros(0).to_string(),
            "1970-01-01T00:00:00Z"
        );
        let leap = Timestamp::from_seconds(1_709_210_096);
        assert_eq!(leap.to_string(), "2024-02-29T12:34:56Z");
        let before = Timestamp::from_micros(-1);
        assert_eq!(before.to_string(), "1969-12-31T23:59:59Z");
        let last = Timestamp::from_seconds(253_402_300_799);
        assert_eq!(last.to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(
            Timestamp::from_seconds(253_402_300_800).to_string(),
            "+10000-01-01T00:00:00Z"
        );
    }

    #[test]
    fn the_second_that_a_validity_ends_with_is_all_of_it_inside() {
        let end = Timestamp::from_seconds(1_798_761_599);
        let after = |micros: i64| Timestamp::from_micros(end.micros() + micros);
        for (now, is_past, days_left) in [
            (after(-1), false, 0),
            (end, false, 0),
            (after(999_999), false, 0),
            (after(1_000_000), true, -1),
            (after(86_400_999_999), true, -1),
            (after(86_401_000_000), true, -2),
            (after(-86_399_000_001), false, 1),
            (after(-86_399_000_000), false, 0),
        ] {
            let found = (now.is_past(end), now.days_until(end));
            assert_eq!(found, (is_past, days_left), "{}", now.micros());
        }
        let first = Timestamp::from_micros(i64::MIN);
        assert!(end.is_past(first) && !first.is_past(end));
    }

    #[test]
    fn a_time_reads_back_with_its_offset() {
        let time: Timestamp = "2024-02-29T14:34:56+02:00".parse().unwrap();
        assert_eq!(time, Timestamp::from_seconds(1_709_210_096));
        assert!("yesterday".parse::<Timestamp>().is_err());
    }
}
