use time::{Duration, Month};

use super::text::Count;
use crate::domain::Timestamp;

/// When certificates end: those of the next year by week.
#[derive(Debug)]
pub(super) struct Timeline {
    now: Timestamp,
    expired: u64,
    weeks: [u64; WEEKS],
    later: u64,
    unknown: u64,
}

/// What the chart of it draws, in the units of its `viewBox`.
#[derive(Debug)]
pub(super) struct Drawing {
    pub(super) bars: Vec<WeekBar>,
    pub(super) months: Vec<MonthMark>,
    /// The count that the top line stands for.
    pub(super) top: Count,
    pub(super) expired: Count,
    pub(super) within_a_year: Count,
    pub(super) later: Count,
    pub(super) unknown: Count,
}

/// The certificates that end in one week.
#[derive(Debug)]
pub(super) struct WeekBar {
    pub(super) x: usize,
    pub(super) y: u64,
    pub(super) height: u64,
    /// `week`, `month` or `later`: how soon that is.
    pub(super) urgency: &'static str,
    /// Its first and last day.
    pub(super) first: String,
    pub(super) last: String,
    pub(super) count: Count,
}

/// Where a month begins.
#[derive(Debug)]
pub(super) struct MonthMark {
    pub(super) x: usize,
    pub(super) name: String,
}

const WEEKS: usize = 52;

/// Microseconds in 604,800 seconds.
const WEEK: i64 = 604_800_000_000;

/// Width of a week.
const STEP: usize = 16;
/// Left of the first week, for the scale.
const LEFT: usize = 44;
/// The line that bars stand on, and how high they grow.
const BASE: u64 = 136;
const HEIGHT: u64 = 120;

impl Timeline {
    pub(super) fn from(now: Timestamp) -> Self {
        Self {
            now,
            expired: 0,
            weeks: [0; WEEKS],
            later: 0,
            unknown: 0,
        }
    }

    pub(super) fn add(&mut self, end: Option<Timestamp>) {
        let Some(end) = end else {
            self.unknown += 1;
            return;
        };
        if self.now.is_past(end) {
            self.expired += 1;
            return;
        }
        let now = self.now.to_the_second();
        let left = end.micros().saturating_sub(now.micros());
        let week = usize::try_from(left / WEEK).ok();
        match week.and_then(|week| self.weeks.get_mut(week)) {
            Some(count) => *count += 1,
            None => self.later += 1,
        }
    }

    pub(super) fn drawing(&self) -> Drawing {
        let top = self.weeks.iter().copied().max().unwrap_or(0).max(1);
        let weeks = self.weeks.iter().enumerate();
        Drawing {
            bars: weeks
                .filter(|(_, count)| **count > 0)
                .map(|(week, count)| self.bar(week, *count, top))
                .collect(),
            months: self.months(),
            top: Count(top),
            expired: Count(self.expired),
            within_a_year: Count(self.weeks.iter().sum()),
            later: Count(self.later),
            unknown: Count(self.unknown),
        }
    }

    fn bar(&self, week: usize, count: u64, top: u64) -> WeekBar {
        // However few, something is to be seen.
        let height = (count * HEIGHT / top).max(2);
        let day = |days: i64| {
            let micros = days.saturating_mul(WEEK / 7);
            Timestamp::from_micros(self.now.micros().saturating_add(micros)).date()
        };
        let first = i64::try_from(week).unwrap_or(0) * 7;
        WeekBar {
            x: LEFT + week * STEP,
            y: BASE - height,
            height,
            urgency: match week {
                0 => "week",
                1..=4 => "month",
                _ => "later",
            },
            first: day(first).to_string(),
            last: day(first + 7).to_string(),
            count: Count(count),
        }
    }

    /// The first days of the year's months.
    fn months(&self) -> Vec<MonthMark> {
        let today = self.now.date();
        let days = i64::try_from(WEEKS).unwrap_or(0) * 7;
        let days = (0..days).filter_map(|day| Some((day, today.checked_add(Duration::days(day))?)));
        days.filter(|(_, date)| date.day() == 1)
            .map(|(day, date)| MonthMark {
                x: LEFT + usize::try_from(day).unwrap_or(0) * STEP / 7,
                name: match date.month() {
                    Month::January => format!("Jan {}", date.year()),
                    month => month.to_string().chars().take(3).collect(),
                },
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_falls_into_its_week_to_the_second() {
        let now: Timestamp = "2026-11-21T08:00:00.999999Z".parse().unwrap();
        let mut timeline = Timeline::from(now);
        let in_seconds = |seconds: i64| Some(Timestamp::from_seconds(now.seconds() + seconds));
        let day = 86_400;
        timeline.add(None);
        timeline.add(in_seconds(-1));
        for seconds in [0, 7 * day - 1, 7 * day, 364 * day - 1, 364 * day] {
            timeline.add(in_seconds(seconds));
        }
        let drawing = timeline.drawing();
        let ends = [drawing.expired, drawing.later, drawing.unknown, drawing.top];
        assert_eq!(ends.map(|count| count.0), [1, 1, 1, 2]);
        let bars = drawing.bars.iter();
        let bars: Vec<_> = bars
            .map(|bar| {
                (
                    bar.first.as_str(),
                    bar.last.as_str(),
                    bar.count.0,
                    bar.height,
                )
            })
            .collect();
        assert_eq!(
            bars,
            [
                ("2026-11-21", "2026-11-28", 2, 120),
                ("2026-11-28", "2026-12-05", 1, 60),
                ("2027-11-13", "2027-11-20", 1, 60),
            ]
        );
        assert_eq!(drawing.months.len(), 12);
        assert_eq!(drawing.months.first().unwrap().name, "Dec");
    }
}
