use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How long a step may take: from a millisecond to an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(Duration);

/// A text that is no such time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time-out (from 1ms to 1h, like 900ms, 3s or 2m)")]
pub struct InvalidTimeout(pub String);

impl From<Timeout> for Duration {
    fn from(timeout: Timeout) -> Self {
        timeout.0
    }
}

impl FromStr for Timeout {
    type Err = InvalidTimeout;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let limits = Duration::from_millis(1)..=Duration::from_hours(1);
        humantime::parse_duration(text)
            .ok()
            .filter(|duration| limits.contains(duration))
            .map(Self)
            .ok_or_else(|| InvalidTimeout(text.to_owned()))
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_out_has_a_unit_and_limits() {
        let seconds = |text: &str| text.parse().map(|timeout: Timeout| timeout.0.as_secs_f64());
        assert_eq!(seconds("900ms"), Ok(0.9));
        assert_eq!(seconds("3s"), Ok(3.0));
        for wrong in ["3", "0s", "2h", "-1s", "soon", ""] {
            assert!(wrong.parse::<Timeout>().is_err(), "{wrong}");
        }
    }
}
