use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::warn;

use super::clock_watch::ClockWatch;
use super::{ClockJumps, Hours};
use crate::domain::{EarlyEnd, Timestamp};

/// When a run may send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Outside of these nothing is sent; `None`: always.
    pub hours: Option<Hours>,
    /// The longest it may take, waiting for its hours included.
    pub longest: Option<Duration>,
    /// How long before an end it stops: the longest that what is under way
    /// may go on.
    pub drain: Duration,
}

impl Schedule {
    /// More runs than these are not counted.
    pub const MOST_RUNS: u32 = 1000;

    /// When a run that began and, once its hours had, was let go then has to
    /// stop; `None` if nothing limits it.
    #[must_use]
    pub fn ends(&self, began: Timestamp, from: Timestamp) -> Option<Timestamp> {
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let after = |time| Timestamp::from_micros(began.micros().saturating_add(micros(time)));
        let closes = self.hours.as_ref().and_then(|hours| hours.closes(from));
        let ends = closes.into_iter().chain(self.longest.map(after)).min()?;
        let drained = ends.micros().saturating_sub(micros(self.drain));
        Some(Timestamp::from_micros(drained))
    }

    /// Whether there is a time at which a run may not send.
    #[must_use]
    pub const fn has_limits(&self) -> bool {
        self.hours.is_some() || self.longest.is_some()
    }

    /// Whether a run that has taken so long may send now, and for so `long` from
    /// now on.
    #[must_use]
    pub fn allows(&self, now: Timestamp, taken: Duration, long: Duration) -> bool {
        let hours = self.hours.as_ref();
        self.longest.is_none_or(|longest| taken + long <= longest)
            && hours.is_none_or(|hours| hours.is_open_for(now, long))
    }

    /// How many runs so much work takes, each from when its window opens or
    /// the one before it ended; `None` if these are more than
    /// [`Self::MOST_RUNS`].
    #[must_use]
    pub fn runs_for(&self, mut work: Duration, from: Timestamp) -> Option<u32> {
        let longest = self.longest.unwrap_or(Duration::MAX);
        let mut moment = from;
        for run in 1..=Self::MOST_RUNS {
            let (opens, closes) = match &self.hours {
                None => (moment, None),
                Some(hours) => {
                    let opens = hours.opens(moment, self.drain)?;
                    (opens, hours.closes(opens))
                }
            };
            let open = closes.map_or(Duration::MAX, |closes| closes.since(opens));
            let run_time = open.min(longest).saturating_sub(self.drain);
            work = match work.checked_sub(run_time) {
                Some(left) if !left.is_zero() => left,
                Some(_) | None => return Some(run),
            };
            moment = closes.unwrap_or(opens);
        }
        None
    }
}

/// Keeps one run to its schedule.
///
/// It reads the clock on the wall every second: whoever sets it moves the
/// window with it at once.
#[derive(Debug)]
pub struct Keeper<Clock> {
    schedule: Schedule,
    clock: Clock,
    began: Instant,
    watch: ClockWatch,
    jumps: ClockJumps,
    /// How many there were.
    met: u64,
}

/// How often the clock on the wall is read.
const TICK: Duration = Duration::from_secs(1);

/// How often it is reckoned anew how long a window stays as it is: clocks that
/// are slewed drift apart.
const RECKONING: Duration = Duration::from_mins(1);

impl<Clock: Fn() -> Timestamp> Keeper<Clock> {
    /// The run begins now; `clock` tells what the clock on the wall shows.
    pub fn begin(schedule: Schedule, clock: Clock) -> Self {
        Self {
            watch: ClockWatch::begin(clock()),
            schedule,
            clock,
            began: Instant::now(),
            jumps: ClockJumps::default(),
            met: 0,
        }
    }

    /// Waits until sending is allowed, for longer than the drain takes. Tells
    /// `announce` once until when, if that is not at once.
    ///
    /// # Errors
    ///
    /// The reason to end the scan without sending anything.
    pub async fn open(&mut self, announce: impl FnOnce(Timestamp)) -> Result<(), EarlyEnd> {
        let mut announce = Some(announce);
        loop {
            let now = self.look();
            let opening = self.opening(now).ok_or(EarlyEnd::Window)?;
            let time_left = self.time_left();
            if opening <= now {
                let is_over = time_left.is_zero();
                return if is_over {
                    Err(EarlyEnd::Duration)
                } else {
                    Ok(())
                };
            }
            if time_left <= opening.since(now) {
                return Err(EarlyEnd::Window);
            }
            if let Some(announce) = announce.take() {
                announce(opening);
            }
            self.wait(opening.since(now)).await;
        }
    }

    /// Returns when the scan has to stop, so that what is under way ends in
    /// time, with the reason; never if nothing limits it.
    pub async fn end(&mut self) -> EarlyEnd {
        loop {
            let now = self.look();
            let time_left = self.time_left();
            if time_left.is_zero() {
                return EarlyEnd::Duration;
            }
            let window_left = self.window_left(now);
            if window_left.is_zero() {
                return EarlyEnd::Window;
            }
            self.wait(time_left.min(window_left)).await;
        }
    }

    /// The jumps of the clock on the wall that it meets.
    #[must_use]
    pub fn jumps(&self) -> ClockJumps {
        self.jumps.clone()
    }

    /// Lets time pass: at most a minute, and less where the clock on the wall
    /// jumps.
    async fn wait(&mut self, time: Duration) {
        let known = self.met;
        let until = Instant::now() + time.min(RECKONING);
        while self.met == known && Instant::now() < until {
            sleep(TICK.min(until - Instant::now())).await;
            self.look();
        }
    }

    fn look(&mut self) -> Timestamp {
        let now = (self.clock)();
        if let Some(jump) = self.watch.look(now) {
            warn!("the clock jumped {jump}");
            self.met += 1;
            self.jumps.note(jump);
        }
        now
    }

    /// When sending is next allowed; `None` if that is not to be seen.
    fn opening(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.schedule.hours {
            None => Some(now),
            Some(hours) => hours.opens(now, self.schedule.drain),
        }
    }

    /// Until it has to stop for its duration.
    fn time_left(&self) -> Duration {
        let longest = self.schedule.longest.unwrap_or(Duration::MAX);
        longest
            .saturating_sub(self.schedule.drain)
            .saturating_sub(self.began.elapsed())
    }

    /// Until it has to stop for its window.
    fn window_left(&self, now: Timestamp) -> Duration {
        let Some(hours) = &self.schedule.hours else {
            return Duration::MAX;
        };
        match hours.closes(now) {
            Some(closes) => closes.since(now).saturating_sub(self.schedule.drain),
            None if hours.is_open(now) => Duration::MAX,
            None => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A clock on the wall that goes with tokio's, and can be set.
    #[derive(Clone)]
    struct Wall {
        at: Rc<Cell<Timestamp>>,
        set: Rc<Cell<Instant>>,
    }

    impl Wall {
        fn at(text: &str) -> Self {
            Self {
                at: Rc::new(Cell::new(text.parse().unwrap())),
                set: Rc::new(Cell::new(Instant::now())),
            }
        }

        fn set(&self, text: &str) {
            self.at.set(text.parse().unwrap());
            self.set.set(Instant::now());
        }

        fn now(&self) -> Timestamp {
            let passed = i64::try_from(self.set.get().elapsed().as_micros()).unwrap();
            Timestamp::from_micros(self.at.get().micros() + passed)
        }

        fn keeper(&self, schedule: Schedule) -> Keeper<impl Fn() -> Timestamp + use<>> {
            let wall = self.clone();
            Keeper::begin(schedule, move || wall.now())
        }
    }

    fn night(longest: Option<Duration>) -> Schedule {
        Schedule {
            hours: Some(Hours::new(
                "22:00-06:00".parse().unwrap(),
                "UTC".parse().unwrap(),
            )),
            longest,
            drain: 20 * SECOND,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_waits_for_its_window_says_so_once_and_stops_before_its_end() {
        let wall = Wall::at("2026-11-21T20:00:00.5Z");
        let mut keeper = wall.keeper(night(None));
        let mut told = Vec::new();
        let opened = keeper.open(|opening| told.push(opening)).await;
        assert_eq!(opened, Ok(()));
        let opening = "2026-11-21T22:00:00Z".parse().unwrap();
        assert_eq!(told, [opening]);
        assert_eq!(wall.now(), opening);
        assert_eq!(keeper.end().await, EarlyEnd::Window);
        assert_eq!(wall.now(), "2026-11-22T05:59:40Z".parse().unwrap());
        assert!(keeper.jumps().list().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_duration_holds_for_the_wait_too() {
        let wall = Wall::at("2026-11-21T20:00:00Z");
        let hour = Duration::from_hours(1);
        let mut keeper = wall.keeper(night(Some(hour)));
        assert_eq!(keeper.open(|_| ()).await, Err(EarlyEnd::Window));
        let mut keeper = wall.keeper(night(Some(3 * hour)));
        let began = Instant::now();
        assert_eq!(keeper.open(|_| ()).await, Ok(()));
        assert_eq!(keeper.end().await, EarlyEnd::Duration);
        assert_eq!(began.elapsed() + 20 * SECOND, 3 * hour);
    }

    #[test]
    fn a_run_ends_by_its_hours_or_so_long_after_its_beginning() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (began, let_go) = (at("2026-11-21T20:00:00Z"), at("2026-11-21T22:00:00Z"));
        for (longest, ends) in [
            (None, "2026-11-22T05:59:40Z"),
            (Some(Duration::from_hours(24)), "2026-11-22T05:59:40Z"),
            (Some(Duration::from_hours(3)), "2026-11-21T22:59:40Z"),
        ] {
            assert_eq!(night(longest).ends(began, let_go), Some(at(ends)));
        }
        assert_eq!(Schedule::default().ends(began, let_go), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_about_to_close_is_not_begun() {
        let wall = Wall::at("2026-11-21T05:59:45Z");
        let mut keeper = wall.keeper(night(None));
        assert_eq!(keeper.open(|_| ()).await, Ok(()));
        assert_eq!(wall.now(), "2026-11-21T22:00:00Z".parse().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_set_out_of_the_window_ends_the_scan_within_a_second() {
        let wall = Wall::at("2026-11-21T23:00:00Z");
        let mut keeper = wall.keeper(night(None));
        keeper.open(|_| ()).await.unwrap();
        let began = Instant::now();
        let setting = async {
            sleep(100 * SECOND).await;
            wall.set("2026-11-21T12:00:00Z");
            std::future::pending::<()>().await;
        };
        let why = tokio::select! {
            why = keeper.end() => why,
            () = setting => unreachable!(),
        };
        assert_eq!(why, EarlyEnd::Window);
        assert!(began.elapsed() <= 101 * SECOND, "{:?}", began.elapsed());
        assert_eq!(keeper.jumps().list().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_set_into_the_window_opens_it_and_never_lengthens_a_duration() {
        let wall = Wall::at("2026-11-21T12:00:00Z");
        let mut keeper = wall.keeper(night(Some(Duration::from_hours(12))));
        let began = Instant::now();
        let setting = async {
            sleep(100 * SECOND).await;
            wall.set("2026-11-21T23:00:00Z");
            sleep(100 * SECOND).await;
            wall.set("2026-11-21T22:00:00Z");
            std::future::pending::<()>().await;
        };
        let keeping = async {
            keeper.open(|_| ()).await.unwrap();
            assert!(began.elapsed() <= 101 * SECOND);
            keeper.end().await
        };
        let why = tokio::select! {
            why = keeping => why,
            () = setting => unreachable!(),
        };
        assert_eq!(why, EarlyEnd::Window);
        assert_eq!(wall.now(), "2026-11-22T05:59:40Z".parse().unwrap());
        assert_eq!(keeper.jumps().list().len(), 2);
    }

    #[test]
    fn what_would_last_beyond_an_end_is_not_allowed() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let schedule = night(Some(Duration::from_hours(1)));
        let late = Duration::from_secs(3590);
        for (now, taken, long, allowed) in [
            ("2026-11-21T23:00:00Z", SECOND, 20 * SECOND, true),
            ("2026-11-21T23:00:00Z", late, 10 * SECOND, true),
            ("2026-11-21T23:00:00Z", late, 11 * SECOND, false),
            ("2026-11-22T05:59:55Z", SECOND, 4 * SECOND, true),
            ("2026-11-22T05:59:55Z", SECOND, 5 * SECOND, false),
            ("2026-11-22T06:00:01Z", SECOND, Duration::ZERO, false),
        ] {
            assert_eq!(
                schedule.allows(at(now), taken, long),
                allowed,
                "{now} {taken:?}"
            );
        }
        let always = Schedule::default();
        assert!(always.allows(at("2026-11-22T06:00:01Z"), late, late));
    }

    #[test]
    fn runs_are_counted_by_what_fits_into_each() {
        let from = "2026-11-21T12:00:00Z".parse().unwrap();
        let hour = Duration::from_hours(1);
        let runs = |schedule: &Schedule, work| schedule.runs_for(work, from);
        assert_eq!(runs(&Schedule::default(), 1000 * hour), Some(1));
        let nights = night(None);
        assert_eq!(runs(&nights, hour), Some(1));
        assert_eq!(runs(&nights, Duration::from_secs(8 * 3600 - 20)), Some(1));
        assert_eq!(runs(&nights, 8 * hour), Some(2));
        assert_eq!(runs(&nights, 20_000 * hour), None);
        assert_eq!(runs(&night(Some(2 * hour)), 4 * hour), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_ends_a_run_without_limits() {
        let wall = Wall::at("2026-11-21T12:00:00Z");
        let mut keeper = wall.keeper(Schedule::default());
        assert_eq!(keeper.open(|_| unreachable!()).await, Ok(()));
        let day = Duration::from_hours(24);
        assert!(tokio::time::timeout(day, keeper.end()).await.is_err());
    }
}
