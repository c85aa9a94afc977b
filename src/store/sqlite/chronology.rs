//! When each scan ran, by its own clock → when something was at the latest.
//!
//! A clock may have been behind for a scan (a machine that resumed, one whose
//! battery was empty) or ahead. What such a scan missed has not been missed since
//! the time that it wrote down. Scans have numbers and runs in the order in which
//! they really began.

use sqlx::Row;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::super::StoreError;
use super::fault::during;
use super::moment::Moment;
use super::row;
use crate::domain::{ScanId, Timestamp};

/// The scans of an inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chronology(Vec<Run>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    scan: ScanId,
    /// Its place in the order of runs.
    place: i64,
    /// When the scan began, and when it last began to run.
    began: Timestamp,
    ran: Timestamp,
}

impl Chronology {
    pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let failed = during("reading when scans ran");
        // The rows themselves hold settings, which may be long.
        let scans = "select id, run, started_at, coalesce(resumed_at, started_at) \
            from scans indexed by scans_by_run";
        let found = sqlx::query(scans).fetch_all(connection).await;
        let runs = found.map_err(&failed)?;
        let runs: Result<_, _> = runs.iter().map(Run::read).collect();
        runs.map(Self).map_err(failed)
    }

    /// When that was at the latest, by the clock of `now`, a look of the latest
    /// run: at its own time, unless the clock was another then.
    pub(super) fn at_the_latest(&self, moment: Moment, now: Moment) -> Timestamp {
        if moment.scan == now.scan {
            return moment.at;
        }
        let runs = || self.0.iter();
        let own = runs().find(|it| it.scan == moment.scan);
        let resumed = own.filter(|own| own.goes_on_at(moment.at));
        let earlier = runs().filter_map(|it| match resumed {
            Some(own) => (it.place < own.place).then_some(it.ran),
            None => (it.scan.number() < moment.scan.number()).then_some(it.began),
        });
        let bound = earlier.filter(|at| *at <= now.at).max();
        let is_behind = |at: Timestamp| bound.is_some_and(|bound| at < bound);
        if moment.at <= now.at && !is_behind(moment.at) {
            return moment.at;
        }
        let place = own.map(|own| own.place);
        let later = runs().filter(|it| Some(it.place) > place).map(|it| it.ran);
        let later = later.filter(|at| *at <= now.at && !is_behind(*at));
        later.min().unwrap_or(now.at)
    }
}

impl Run {
    /// Whether it was gone on with at a moment.
    fn goes_on_at(&self, at: Timestamp) -> bool {
        self.ran != self.began && at >= self.ran
    }

    fn read(found: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            scan: row::scan(found, 0)?,
            place: found.try_get(1)?,
            began: row::time(found, 2)?,
            ran: row::time(found, 3)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scans that began on these days, in the order in which they really did.
    fn chronology(days: &[i64]) -> Chronology {
        let run = |(number, day): (i64, &i64)| Run {
            scan: ScanId::new(number),
            place: number,
            began: at(*day),
            ran: at(*day),
        };
        Chronology((1..).zip(days).map(run).collect())
    }

    fn at(day: i64) -> Timestamp {
        Timestamp::from_seconds(day * 24 * 3600)
    }

    /// By what the last of them says.
    fn latest(days: &[i64], scan: i64) -> i64 {
        let day = |scan: i64| days[usize::try_from(scan).unwrap() - 1];
        let moment = |scan| Moment {
            at: at(day(scan)),
            scan: ScanId::new(scan),
        };
        let now = moment(i64::try_from(days.len()).unwrap());
        let latest = chronology(days).at_the_latest(moment(scan), now);
        latest.micros() / at(1).micros()
    }

    #[test]
    fn a_time_by_a_right_clock_stands() {
        for scan in 1..=4 {
            let days = [1, 2, 2, 9];
            assert_eq!(
                latest(&days, scan),
                days[usize::try_from(scan).unwrap() - 1]
            );
        }
        assert_eq!(latest(&[1, 2, 400, 3, 4], 4), 3, "another was ahead");
        assert_eq!(latest(&[10, 11, 2, 12], 2), 11, "another was behind");
    }

    #[test]
    fn what_a_clock_that_was_behind_says_counts_from_the_next_right_one() {
        assert_eq!(latest(&[3, 10, 2, 12, 13], 3), 12);
        assert_eq!(latest(&[3, 10, 2, 2, 12, 13], 3), 12, "twice in a row");
        assert_eq!(latest(&[3, 10, 2, 2], 3), 2, "it may be right now");
    }

    #[test]
    fn what_a_clock_that_was_ahead_says_counts_from_the_next_right_one() {
        assert_eq!(latest(&[1, 400, 2, 3, 9], 2), 2);
        assert_eq!(latest(&[1, 400, 300, 3, 9], 2), 3);
        assert_eq!(latest(&[1, 400, 2], 2), 2);
    }

    #[test]
    fn a_scan_that_was_gone_on_with_has_seen_what_it_wrote_down() {
        let mut chronology = chronology(&[1, 2, 20]);
        chronology.0[0].place = 4;
        chronology.0[0].ran = at(3);
        chronology.0.push(Run {
            scan: ScanId::new(4),
            place: 5,
            began: at(10),
            ran: at(10),
        });
        let moment = |day, scan| Moment {
            at: at(day),
            scan: ScanId::new(scan),
        };
        let seen = |day, scan| {
            let latest = chronology.at_the_latest(moment(day, scan), moment(10, 4));
            latest.micros() / at(1).micros()
        };
        assert_eq!(seen(3, 1), 3, "by its second run");
        assert_eq!(seen(20, 3), 3, "ahead of the run after it");
        chronology.0[1].began = at(5);
        chronology.0[1].ran = at(5);
        let late = chronology.at_the_latest(moment(3, 1), moment(10, 4));
        assert_eq!(late, at(10), "gone on with by a clock that was behind");
        let first = chronology.at_the_latest(moment(1, 1), moment(10, 4));
        assert_eq!(first, at(1), "by its first run");
    }
}
