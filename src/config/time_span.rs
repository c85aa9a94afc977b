use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time, as people write it: `90m`, `36h`, `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpan(Duration);

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no length of time (like 90m, 36h or 30d)")]
pub struct InvalidTimeSpan(pub String);

impl From<TimeSpan> for Duration {
    fn from(span: TimeSpan) -> Self {
        span.0
    }
}

impl FromStr for TimeSpan {
    type Err = InvalidTimeSpan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = humantime::parse_duration(text);
        span.map(Self).map_err(|_| InvalidTimeSpan(text.to_owned()))
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_a_unit() {
        let hours = |text: &str| text.parse().map(|span: TimeSpan| span.0.as_secs() / 3600);
        assert_eq!(hours("36h"), Ok(36));
        assert_eq!(hours("1w 2d"), Ok(9 * 24));
        for wrong in ["30", "-5d", "soon", "d", ""] {
            let error = wrong.parse::<TimeSpan>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`{wrong}` is no length of time (like 90m, 36h or 30d)")
            );
        }
    }
}
