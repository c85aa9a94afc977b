use std::fmt;
use std::iter;
use std::ops::Range;
use std::str::FromStr;

/// Hours of the week, by the clock on the wall: `mon-fri 22:00-06:00`.
///
/// Parts are separated by commas or semicolons. Hours that end before they
/// begin go over midnight and belong to the day on which they begin; without
/// days they are daily. Days may be listed: `mon,wed 22:00-06:00`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    text: String,
    /// Minutes of the week from Monday 00:00: ascending, apart, not empty.
    open: Vec<Range<u16>>,
}

/// A text that is no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindow {
    /// It has no hours at all.
    #[error("an empty window")]
    Empty,
    /// Neither a day nor days from one to another.
    #[error("`{0}` is not a day of the week")]
    Day(String),
    /// Not two times of the day.
    #[error("`{0}` is not hours of a day")]
    Hours(String),
    /// Days, and nothing said of their hours.
    #[error("`{0}` has no hours")]
    NoHours(String),
}

const MINUTES_PER_DAY: u16 = 24 * 60;
const MINUTES_PER_WEEK: u16 = 7 * MINUTES_PER_DAY;

const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

impl Window {
    /// Whether it has a minute of the week, counted from Monday 00:00.
    pub(super) fn has(&self, minute: u16) -> bool {
        self.open.iter().any(|open| open.contains(&minute))
    }

    /// The minutes of a day (Monday is 0) at which it may open or close.
    pub(super) fn borders(&self, day: u16) -> impl Iterator<Item = u16> {
        let ends = self.open.iter().flat_map(|open| [open.start, open.end]);
        ends.map(|minute| minute % MINUTES_PER_WEEK)
            .filter(move |minute| minute / MINUTES_PER_DAY == day)
            .map(|minute| minute % MINUTES_PER_DAY)
    }
}

impl FromStr for Window {
    type Err = InvalidWindow;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut open = Vec::new();
        for group in text.split(';') {
            let mut listed = Vec::new();
            let mut waiting = None;
            for part in group.split(',').map(str::trim).filter(|it| !it.is_empty()) {
                let (days, hours) = split(part);
                listed.extend(days_of(days)?);
                let Some(hours) = hours else {
                    waiting = Some(part);
                    continue;
                };
                waiting = None;
                let hours = hours_of(hours)?;
                let days = if listed.is_empty() {
                    (0..7).collect()
                } else {
                    std::mem::take(&mut listed)
                };
                open.extend(days.into_iter().flat_map(|day| within_week(day, &hours)));
            }
            if let Some(days) = waiting {
                return Err(InvalidWindow::NoHours(days.to_owned()));
            }
        }
        if open.is_empty() {
            return Err(InvalidWindow::Empty);
        }
        Ok(Self {
            text: text.trim().to_owned(),
            open: joined(open),
        })
    }
}

impl fmt::Display for Window {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl InvalidWindow {
    /// What would be accepted.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Empty | Self::Day(_) | Self::Hours(_) => {
                "a window is days and hours: \"mon-fri 22:00-06:00, sat,sun 00:00-24:00\""
            }
            Self::NoHours(_) => "00:00-24:00 is the whole day",
        };
        Some(hint.to_owned())
    }
}

/// The days of a part, which may be empty, and its hours.
fn split(part: &str) -> (&str, Option<&str>) {
    let is_hours = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    match part.split_once(char::is_whitespace) {
        _ if is_hours(part) => ("", Some(part)),
        Some((days, hours)) => (days, Some(hours.trim_start())),
        None => (part, None),
    }
}

fn days_of(text: &str) -> Result<Vec<u16>, InvalidWindow> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    let more = (last + 7 - first) % 7;
    Ok((first..=first + more).map(|day| day % 7).collect())
}

/// A day of the week by its name, or by three letters of it.
fn day(text: &str) -> Result<u16, InvalidWindow> {
    let written = text.to_ascii_lowercase();
    let is_meant = |name: &str| written.len() >= 3 && name.starts_with(&written);
    (0..)
        .zip(DAYS)
        .find_map(|(number, name)| is_meant(name).then_some(number))
        .ok_or_else(|| InvalidWindow::Day(text.to_owned()))
}

/// From a minute of a day to one of the same day or the next.
fn hours_of(text: &str) -> Result<Range<u16>, InvalidWindow> {
    let refuse = || InvalidWindow::Hours(text.to_owned());
    let (from, to) = text.split_once('-').ok_or_else(refuse)?;
    let from = minute_of(from).filter(|from| *from < MINUTES_PER_DAY);
    let (from, to) = from.zip(minute_of(to)).ok_or_else(refuse)?;
    if from == to {
        return Err(refuse());
    }
    let over_midnight = if to < from { MINUTES_PER_DAY } else { 0 };
    Ok(from..to + over_midnight)
}

/// `HH:MM` as minutes since midnight; 24:00 is the end of the day.
fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |text: &str, most: usize| {
        let are_all = text.bytes().all(|byte| byte.is_ascii_digit());
        (are_all && (1..=most).contains(&text.len())).then(|| text.parse().ok())?
    };
    let (hour, minute): (u16, u16) = (digits(hour, 2)?, digits(minute, 2)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_PER_DAY).then_some(total)
}

/// The hours of a day in minutes of the week; those after Sunday's midnight
/// are Monday's.
fn within_week(day: u16, hours: &Range<u16>) -> impl Iterator<Item = Range<u16>> + use<> {
    let begin = day * MINUTES_PER_DAY;
    let (start, end) = (begin + hours.start, begin + hours.end);
    let next_week = (end > MINUTES_PER_WEEK).then(|| 0..end - MINUTES_PER_WEEK);
    iter::once(start..end.min(MINUTES_PER_WEEK)).chain(next_week)
}

/// The same minutes, ascending, each once.
fn joined(mut ranges: Vec<Range<u16>>) -> Vec<Range<u16>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<u16>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn open(text: &str) -> Vec<Range<u16>> {
        text.parse::<Window>().unwrap().open
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_they_begin_on() {
        let day = |number: u16, hour: u16| number * MINUTES_PER_DAY + hour * 60;
        let friday = iter::once(day(4, 22)..day(5, 6));
        assert!(open("fri 22:00-06:00").into_iter().eq(friday));
        assert_eq!(
            open("sun 22:00-06:00"),
            [0..day(0, 6), day(6, 22)..day(7, 0)],
            "into Monday"
        );
    }

    #[test]
    fn days_are_ranges_lists_or_all_of_them() {
        let always = iter::once(0..MINUTES_PER_WEEK);
        assert!(open("00:00-24:00").into_iter().eq(always));
        assert_eq!(
            open("fri-mon 00:00-24:00"),
            open("mon,fri,sat,sun 00:00-24:00")
        );
        assert_eq!(
            open("Monday, WED 8:00-9:00"),
            open("mon 8:00-9:00; wed 8:00-9:00")
        );
        assert_eq!(open("1:00-2:00,3:00-4:00").len(), 14);
        assert_eq!(open("mon 1:00-2:00, 2:00-3:00 ;").len(), 7);
    }

    #[test]
    fn what_overlaps_is_open_once() {
        assert_eq!(
            open("mon 08:00-10:00, mon 09:00-12:00, mon 12:00-13:00"),
            open("mon 08:00-13:00")
        );
    }

    #[test]
    fn what_is_no_window_is_refused_with_a_hint() {
        for wrong in [
            "",
            " ; ",
            "22:00",
            "22-06",
            "mon",
            "mon-fri 22:00-06:00, sat-sun",
            "mon 22:00-22:00",
            "mon 24:00-06:00",
            "mon 22:00-24:01",
            "mon 22:60-23:00",
            "mo 22:00-23:00",
            "mondays 22:00-23:00",
            "mon-fri-sun 22:00-23:00",
            "mon +2:00-23:00",
        ] {
            let error = wrong.parse::<Window>().unwrap_err();
            assert!(error.hint().is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_window_reads_back_what_it_prints() {
        let window: Window = " mon-fri 22:00-06:00 ".parse().unwrap();
        assert_eq!(window.to_string(), "mon-fri 22:00-06:00");
        assert_eq!(window.to_string().parse(), Ok(window));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0-9:;, -]{0,40}|\\PC{0,20}") {
            let _ = text.parse::<Window>();
        }
    }
}
