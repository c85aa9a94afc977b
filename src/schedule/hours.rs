use std::fmt;
use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::{self, DateTime};

use super::{TimeZone, Window};
use crate::domain::Timestamp;

/// A window in the clocks of a place: when sending is allowed.
///
/// A moment is in it if the clock on the wall shows an hour of it. So hours
/// that a change to summer time leaves out never come, and hours that a change
/// to winter time repeats come twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    window: Window,
    zone: TimeZone,
}

/// How far ahead a change is looked for: a weekly hour that a change of the
/// clocks leaves out comes again a week later.
const HORIZON_DAYS: i64 = 15;

impl Hours {
    /// The window in this place.
    #[must_use]
    pub const fn new(window: Window, zone: TimeZone) -> Self {
        Self { window, zone }
    }

    /// Whether a moment is in it.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.wall(at).is_some_and(|wall| self.has(wall))
    }

    /// Whether it is open at a moment and for so long after it.
    #[must_use]
    pub fn is_open_for(&self, at: Timestamp, least: Duration) -> bool {
        // Windows open and close at whole minutes.
        let minutes = (0..least.as_secs()).step_by(60).map(Duration::from_secs);
        let mut moments = minutes.chain([least]);
        moments.all(|after| {
            let after = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
            self.is_open(Timestamp::from_micros(at.micros().saturating_add(after)))
        })
    }

    /// When it closes next; `None` where it is closed, and where it does not
    /// close in the next fortnight.
    #[must_use]
    pub fn closes(&self, at: Timestamp) -> Option<Timestamp> {
        self.is_open(at).then(|| self.changes(at))?
    }

    /// When it is next open for longer than `least`: now, if it is; `None` if
    /// that does not come in the next fortnight.
    #[must_use]
    pub fn opens(&self, at: Timestamp, least: Duration) -> Option<Timestamp> {
        let horizon = at.micros().saturating_add(HORIZON_DAYS * 86_400_000_000);
        let mut moment = at;
        while moment.micros() < horizon {
            let change = self.changes(moment);
            let is_long = change.is_none_or(|change| change.since(moment) > least);
            if is_long && self.is_open(moment) {
                return Some(moment);
            }
            moment = change?;
        }
        None
    }

    /// The next moment at which it opens or closes.
    fn changes(&self, at: Timestamp) -> Option<Timestamp> {
        let is_open = self.is_open(at);
        let mut candidates = self.candidates(at)?;
        candidates.sort_unstable();
        let differs = |moment: &Timestamp| *moment > at && self.is_open(*moment) != is_open;
        candidates.into_iter().find(differs)
    }

    /// Every moment near at which it may change: its borders, and changes of
    /// the clocks.
    fn candidates(&self, at: Timestamp) -> Option<Vec<Timestamp>> {
        let today = self.wall(at)?.date();
        let rules = self.zone.rules();
        let mut candidates = Vec::new();
        for ahead in -1..=HORIZON_DAYS {
            let date = today.checked_add(ahead.days()).ok()?;
            for minute in self.window.borders(day_of_week(date)) {
                let midnight = date.at(0, 0, 0, 0);
                let wall = midnight.checked_add(i64::from(minute).minutes()).ok()?;
                let moments = rules.to_ambiguous_timestamp(wall);
                candidates.extend(moments.earlier().ok());
                candidates.extend(moments.later().ok());
            }
        }
        let horizon = rules.to_timestamp(today.checked_add(HORIZON_DAYS.days()).ok()?.into());
        let horizon = horizon.ok()?;
        let changes = rules
            .following(instant(at)?)
            .map(|change| change.timestamp());
        candidates.extend(changes.take_while(|change| *change < horizon));
        Some(candidates.into_iter().map(timestamp).collect())
    }

    fn has(&self, wall: DateTime) -> bool {
        let minute = i16::from(wall.hour()) * 60 + i16::from(wall.minute());
        let day = day_of_week(wall.date());
        self.window.has(day * 24 * 60 + minute.unsigned_abs())
    }

    /// What the clock on the wall shows; `None` for years that no calendar
    /// has.
    fn wall(&self, at: Timestamp) -> Option<DateTime> {
        Some(self.zone.rules().to_datetime(instant(at)?))
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.window, self.zone)
    }
}

/// Monday is 0.
fn day_of_week(date: civil::Date) -> u16 {
    u16::from(date.weekday().to_monday_zero_offset().unsigned_abs())
}

fn instant(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(at.micros()).ok()
}

fn timestamp(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(window: &str, zone: &str) -> Hours {
        Hours::new(window.parse().unwrap(), zone.parse().unwrap())
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_night_is_open_from_evening_to_morning() {
        let night = hours("mon-fri 22:00-06:00", "UTC");
        // 2026-11-20 is a Friday.
        assert!(!night.is_open(at("2026-11-20T21:59:59Z")));
        assert!(night.is_open(at("2026-11-20T22:00:00Z")));
        assert!(night.is_open(at("2026-11-21T05:59:59Z")));
        assert!(!night.is_open(at("2026-11-21T06:00:00Z")));
        let noon = at("2026-11-21T12:00:00Z");
        assert_eq!(night.closes(noon), None);
        let monday = at("2026-11-23T22:00:00Z");
        assert_eq!(night.opens(noon, Duration::ZERO), Some(monday));
        assert_eq!(night.closes(monday), Some(at("2026-11-24T06:00:00Z")));
    }

    #[test]
    fn what_is_always_open_never_closes() {
        let always = hours("00:00-24:00", "Europe/Berlin");
        let now = at("2026-03-28T12:00:00Z");
        assert_eq!(always.opens(now, Duration::from_hours(100)), Some(now));
        assert_eq!(always.closes(now), None);
    }

    #[test]
    fn an_opening_too_short_is_passed_over() {
        let hours = hours("08:00-08:01, 09:00-10:00", "UTC");
        let now = at("2026-11-21T07:00:00Z");
        let long = hours.opens(now, Duration::from_mins(1));
        assert_eq!(long, Some(at("2026-11-21T09:00:00Z")));
        // What is left of an hour counts, and not the hour.
        let late = hours.opens(at("2026-11-21T09:59:30Z"), Duration::from_mins(1));
        assert_eq!(late, Some(at("2026-11-22T09:00:00Z")));
        assert_eq!(hours.opens(now, Duration::from_hours(2)), None);
    }

    /// In Berlin the clocks go from 02:00 to 03:00 on 2026-03-29, at 01:00Z.
    #[test]
    fn hours_that_summer_time_leaves_out_never_come() {
        let gap = hours("sun 02:00-03:00", "Europe/Berlin");
        let before = at("2026-03-29T00:00:00Z");
        let next = at("2026-04-05T00:00:00Z");
        assert_eq!(gap.opens(before, Duration::ZERO), Some(next));
        let into = hours("22:00-02:30", "Europe/Berlin");
        assert_eq!(into.closes(before), Some(at("2026-03-29T01:00:00Z")));
        let over = hours("22:00-06:00", "Europe/Berlin");
        assert_eq!(over.closes(before), Some(at("2026-03-29T04:00:00Z")));
    }

    /// In Berlin the clocks go from 03:00 to 02:00 on 2026-10-25, at 01:00Z.
    #[test]
    fn hours_that_winter_time_repeats_come_twice() {
        let night = hours("22:00-02:30", "Europe/Berlin");
        let before = at("2026-10-25T00:00:00Z");
        let first_end = at("2026-10-25T00:30:00Z");
        assert_eq!(night.closes(before), Some(first_end));
        let again = at("2026-10-25T01:00:00Z");
        assert_eq!(night.opens(first_end, Duration::ZERO), Some(again));
        assert_eq!(night.closes(again), Some(at("2026-10-25T01:30:00Z")));
        let over = hours("22:00-06:00", "Europe/Berlin");
        assert_eq!(over.closes(before), Some(at("2026-10-25T05:00:00Z")));
    }

    #[test]
    fn every_change_is_found_where_clocks_do_what_they_like() {
        // Lord Howe goes by half an hour, Dublin has negative summer time.
        for zone in ["Australia/Lord_Howe", "Europe/Dublin", "America/St_Johns"] {
            let hours = hours("mon-sat 01:45-02:15, sun 23:00-01:50", zone);
            let mut moment = at("2026-01-01T00:00:00Z");
            let end = at("2027-01-01T00:00:00Z");
            while moment < end {
                let change = hours.changes(moment).unwrap();
                let state = hours.is_open(moment);
                let mut between = moment;
                while between < change {
                    assert_eq!(hours.is_open(between), state, "{zone} {between}");
                    between = Timestamp::from_seconds(between.seconds() + 300);
                }
                assert_ne!(hours.is_open(change), state, "{zone} {change}");
                moment = change;
            }
        }
    }

    #[test]
    fn a_clock_beyond_all_calendars_is_in_no_window() {
        let always = hours("00:00-24:00", "UTC");
        for micros in [i64::MIN, i64::MAX] {
            let at = Timestamp::from_micros(micros);
            assert!(!always.is_open(at));
            assert_eq!(always.opens(at, Duration::ZERO), None);
        }
    }
}
