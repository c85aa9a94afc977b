use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smallvec::SmallVec;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Whether a connection that was made may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a stream over the limit must be dropped at once"]
pub enum Established {
    /// It counts among the established ones until the slot is dropped.
    Kept,
    /// The host has as many connections as it may: drop the stream and the
    /// slot, and ask again.
    OverLimit,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Half-open, since then.
    Dialled(Instant),
    Established,
}

/// The connections of one host: at most `limit` are established at a time,
/// and the half-open ones are limited by the rates alone.
///
/// A dial to a host that answers will be established in a moment, so it
/// counts while its answer may be under way; a dial to a dark port stops
/// counting soon and does not hold up the others.
#[derive(Debug)]
pub(super) struct Slots {
    occupancy: Mutex<Occupancy>,
    /// Awaited by the holder of the host's turn alone.
    released: Notify,
}

#[derive(Debug)]
struct Occupancy {
    limit: usize,
    established: usize,
    /// When each half-open connection was dialled, in that order: as a rule one.
    dialled: SmallVec<[Instant; 1]>,
    /// The longest that an answer of this host has taken; `None` before it
    /// has answered at all.
    slowest_answer: Option<Duration>,
}

/// When one more connection fits.
#[derive(Debug, PartialEq, Eq)]
enum Vacancy {
    Now,
    /// Then, or on a release before that.
    At(Instant),
    OnRelease,
}

/// An answer may take so many times as long as the slowest before it.
const PATIENCE: u32 = 4;
/// Even on a local network an answer is this late when a machine is busy.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);
/// One answer to a repeated SYN must not make every dark port count for long.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

impl Slots {
    pub(super) fn new(limit: NonZeroUsize) -> Self {
        Self {
            occupancy: Mutex::new(Occupancy {
                limit: limit.get(),
                established: 0,
                dialled: SmallVec::new(),
                slowest_answer: None,
            }),
            released: Notify::new(),
        }
    }

    /// Waits until one more connection fits; it goes on fitting while the
    /// host's turn is held, except for old dials that are answered late.
    pub(super) async fn vacancy(&self) {
        loop {
            let vacancy = self.occupancy().vacancy(Instant::now());
            // A release since then has left its permit with the Notify.
            match vacancy {
                Vacancy::Now => return,
                Vacancy::At(instant) => {
                    let _released_or_due = timeout_at(instant, self.released.notified()).await;
                }
                Vacancy::OnRelease => self.released.notified().await,
            }
        }
    }

    /// Counts one more dial.
    pub(super) fn dial(&self, now: Instant) -> Stage {
        self.occupancy().dialled.push(now);
        Stage::Dialled(now)
    }

    /// Counts a dial as established, if that many may be.
    pub(super) fn establish(&self, dialled: Instant) -> Established {
        self.occupancy().establish(dialled, Instant::now())
    }

    /// Counts a connection no more.
    pub(super) fn release(&self, stage: Stage) {
        {
            let mut occupancy = self.occupancy();
            match stage {
                Stage::Dialled(at) => occupancy.forget(at),
                Stage::Established => occupancy.established -= 1,
            }
        }
        self.released.notify_one();
    }

    fn occupancy(&self) -> MutexGuard<'_, Occupancy> {
        self.occupancy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Occupancy {
    fn vacancy(&self, now: Instant) -> Vacancy {
        let Some(room) = self
            .limit
            .checked_sub(self.established)
            .filter(|room| *room > 0)
        else {
            return Vacancy::OnRelease;
        };
        // There is room once the room-th youngest dial no longer counts.
        let Some(youngest) = self.dialled.iter().rev().nth(room - 1) else {
            return Vacancy::Now;
        };
        let counts_until = *youngest + self.answer_wait();
        if counts_until > now {
            Vacancy::At(counts_until)
        } else {
            Vacancy::Now
        }
    }

    /// How long a dial counts as one that is about to be answered.
    fn answer_wait(&self) -> Duration {
        self.slowest_answer.map_or(Duration::ZERO, |slowest| {
            (slowest * PATIENCE).clamp(SHORTEST_WAIT, LONGEST_WAIT)
        })
    }

    fn establish(&mut self, dialled: Instant, now: Instant) -> Established {
        let answer = now.saturating_duration_since(dialled);
        self.slowest_answer = self.slowest_answer.max(Some(answer));
        if self.established >= self.limit {
            return Established::OverLimit;
        }
        self.forget(dialled);
        self.established += 1;
        Established::Kept
    }

    /// Takes one dial of that moment away; those of one moment are alike.
    fn forget(&mut self, dialled: Instant) {
        if let Ok(index) = self.dialled.binary_search(&dialled) {
            self.dialled.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn occupancy(limit: usize) -> Occupancy {
        Occupancy {
            limit,
            established: 0,
            dialled: SmallVec::new(),
            slowest_answer: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_never_answered_may_have_any_number_half_open() {
        let now = Instant::now();
        let mut occupancy = occupancy(1);
        occupancy.dialled = SmallVec::from_elem(now, 1000);
        assert_eq!(occupancy.vacancy(now), Vacancy::Now);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dial_counts_while_its_answer_may_be_under_way() {
        let start = Instant::now();
        let mut occupancy = occupancy(2);
        occupancy.dialled.push(start);
        let answered = start + 20 * MILLISECOND;
        assert_eq!(occupancy.establish(start, answered), Established::Kept);
        assert_eq!(occupancy.vacancy(answered), Vacancy::Now);

        occupancy.dialled.push(answered);
        let due = answered + 80 * MILLISECOND;
        assert_eq!(occupancy.vacancy(answered), Vacancy::At(due));
        assert_eq!(occupancy.vacancy(due), Vacancy::Now);
        occupancy.forget(answered);
        assert_eq!(occupancy.vacancy(answered), Vacancy::Now);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_host_has_room_on_release_only() {
        let start = Instant::now();
        let mut occupancy = occupancy(1);
        occupancy.dialled = SmallVec::from_elem(start, 2);
        assert_eq!(occupancy.establish(start, start), Established::Kept);
        assert_eq!(occupancy.establish(start, start), Established::OverLimit);
        let later = start + Duration::from_mins(1);
        assert_eq!(occupancy.vacancy(later), Vacancy::OnRelease);
        occupancy.established -= 1;
        assert_eq!(occupancy.vacancy(later), Vacancy::Now);
    }

    #[tokio::test(start_paused = true)]
    async fn one_late_answer_does_not_make_dials_count_for_long() {
        let start = Instant::now();
        let mut occupancy = occupancy(1);
        occupancy.dialled.push(start);
        let late = start + Duration::from_secs(3);
        assert_eq!(occupancy.establish(start, late), Established::Kept);
        assert_eq!(occupancy.answer_wait(), LONGEST_WAIT);
    }
}
