//! The only place that asks the system what time it is; everything else
//! takes the moment as an argument, or runs under tokio's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use super::Timestamp;

/// The wall clock, now. Clocks before 1970 read as negative.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the system for the time"
)]
pub fn now() -> Timestamp {
    let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    };
    Timestamp::from_micros(micros)
}
