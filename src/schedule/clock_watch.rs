use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::Timestamp;

/// The clock on the wall was set, or the machine slept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockJump {
    /// What it should have shown.
    pub from: Timestamp,
    /// What it showed.
    pub to: Timestamp,
}

/// Jumps of the clock on the wall as they are met: the first ones. Clones share
/// them.
#[derive(Clone, Debug, Default)]
pub struct ClockJumps(Arc<Mutex<Vec<ClockJump>>>);

/// Jumps that are kept; a clock that jumps more often is told of by these.
const MOST_JUMPS: usize = 100;

impl ClockJumps {
    /// Those so far.
    #[must_use]
    pub fn list(&self) -> Vec<ClockJump> {
        self.jumps().clone()
    }

    pub(super) fn note(&self, jump: ClockJump) {
        let mut jumps = self.jumps();
        if jumps.len() < MOST_JUMPS {
            jumps.push(jump);
        }
    }

    fn jumps(&self) -> MutexGuard<'_, Vec<ClockJump>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More than clocks are slewed by from look to look.
const TOLERANCE: Duration = Duration::from_secs(1);

/// Compares the clock on the wall with the monotonic one.
#[derive(Debug)]
pub(super) struct ClockWatch {
    wall: Timestamp,
    at: Instant,
}

impl ClockWatch {
    /// Begins with what both show now.
    pub(super) fn begin(wall: Timestamp) -> Self {
        Self {
            wall,
            at: Instant::now(),
        }
    }

    /// What the clock on the wall shows now, and whether it jumped since the
    /// last time.
    pub(super) fn look(&mut self, wall: Timestamp) -> Option<ClockJump> {
        let now = Instant::now();
        let passed = i64::try_from((now - self.at).as_micros()).unwrap_or(i64::MAX);
        let from = Timestamp::from_micros(self.wall.micros().saturating_add(passed));
        *self = Self { wall, at: now };
        let jump = ClockJump { from, to: wall };
        (jump.distance() > TOLERANCE).then_some(jump)
    }
}

impl ClockJump {
    fn distance(self) -> Duration {
        self.to.since(self.from).max(self.from.since(self.to))
    }
}

impl fmt::Display for ClockJump {
    /// `back by 1h, to 2026-11-21T08:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.to < self.from {
            "back"
        } else {
            "forward"
        };
        let by = Duration::from_secs(self.distance().as_secs());
        let by = humantime::format_duration(by);
        write!(f, "{way} by {by}, to {}", self.to)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_jump_either_way_is_seen_once_and_time_that_passes_never() {
        let at = Timestamp::from_seconds;
        let mut watch = ClockWatch::begin(at(1000));
        advance(Duration::from_mins(10)).await;
        assert_eq!(watch.look(at(1601)), None);
        let back = watch.look(at(1001)).unwrap();
        assert_eq!(back.to_string(), "back by 10m, to 1970-01-01T00:16:41Z");
        assert_eq!(watch.look(at(1001)), None);
        let forward = watch.look(at(4601)).unwrap();
        assert_eq!(
            forward.to_string(),
            "forward by 1h, to 1970-01-01T01:16:41Z"
        );
    }
}
