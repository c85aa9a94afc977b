//! Looks that are over → parcels for the collector.
//!
//! A crew hands over together what came to its end together: one parcel wakes
//! the collector once.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::feed::Feed;
use super::look::{Deferral, Look, held};
use super::no_answer::NoAnswer;
use super::worker::Settled;

/// What a crew has to hand over.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    /// Kibibytes that may still be put in, or be with the collector.
    room: Arc<Semaphore>,
    changed: Notify,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    conclusions: Vec<Conclusion>,
    /// What they take of the room.
    room: Option<OwnedSemaphorePermit>,
}

/// What a look came to.
#[derive(Debug)]
pub(super) enum Conclusion {
    Settled(Settled),
    /// Another one follows, for this reason.
    Again(Look, NoAnswer),
}

/// How a look ended, for the collector.
#[derive(Debug)]
pub(super) enum LookEnd {
    Settled(Settled),
    /// Another one follows.
    Deferred(Deferral),
}

/// Ends of looks, in their order.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) ends: Vec<LookEnd>,
    /// Given back when the collector is done with them.
    pub(super) _room: Option<OwnedSemaphorePermit>,
}

/// Kibibytes that a crew's ends may hold before its workers wait for the
/// collector. Most ends weigh one; each may hold a chain of a megabyte.
const ROOM: u32 = 8192;

/// Parcels that may wait for the collector; what they hold is bounded by their
/// room.
pub(super) const PARCELS_WAITING: usize = 16;

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            room: Arc::new(Semaphore::new(ROOM as usize)),
            changed: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }

    /// Puts a conclusion in, once there is room.
    pub(super) async fn put(&self, conclusion: Conclusion) {
        let weight = conclusion.weight();
        let room = match Arc::clone(&self.room).try_acquire_many_owned(weight) {
            Ok(room) => Some(room),
            // In a box of its own, since as a rule nobody waits. It is never
            // closed.
            Err(_) => Box::pin(Arc::clone(&self.room).acquire_many_owned(weight))
                .await
                .ok(),
        };
        if self.waiting().add(conclusion, room) {
            self.changed.notify_one();
        }
    }

    /// Nothing more is put in.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    /// Hands everything over that is put in, until it is closed and empty.
    /// When nobody takes it any more, it stops the scan.
    pub(super) async fn carry(
        &self,
        feed: &Feed,
        parcels: &mpsc::Sender<Parcel>,
        stop: &CancellationToken,
    ) {
        loop {
            // In this order: what is put in before the close is found.
            let closed = self.closed.load(Ordering::Acquire);
            let waiting = mem::take(&mut *self.waiting());
            if !waiting.conclusions.is_empty() {
                if hand_over(waiting, feed, parcels).await.is_err() {
                    stop.cancel();
                }
            } else if closed {
                return;
            } else {
                self.changed.notified().await;
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Returns whether it is the first.
    fn add(&mut self, conclusion: Conclusion, room: Option<OwnedSemaphorePermit>) -> bool {
        self.conclusions.push(conclusion);
        match (&mut self.room, room) {
            (Some(all), Some(its)) => all.merge(its),
            (all, its) => *all = its,
        }
        self.conclusions.len() == 1
    }
}

/// First the hand-over, then the count: a block is over only when the
/// collector has all of it.
async fn hand_over(
    waiting: Waiting,
    feed: &Feed,
    parcels: &mpsc::Sender<Parcel>,
) -> Result<(), CollectorGone> {
    let mut ends = Vec::with_capacity(waiting.conclusions.len());
    let (mut settled, mut again) = (0, Vec::new());
    for conclusion in waiting.conclusions {
        match conclusion {
            Conclusion::Settled(target) => {
                settled += 1;
                ends.push(LookEnd::Settled(target));
            }
            Conclusion::Again(look, no_answer) => {
                ends.extend(look.deferral().map(LookEnd::Deferred));
                again.push((look, no_answer));
            }
        }
    }
    let parcel = Parcel {
        ends,
        _room: waiting.room,
    };
    let sent = parcels.send(parcel).await.map_err(|_| CollectorGone);
    feed.settle(settled);
    for (look, no_answer) in again {
        feed.defer(look, no_answer);
    }
    sent
}

/// Nobody takes parcels any more: the collector has failed.
struct CollectorGone;

impl Conclusion {
    /// What it holds, in kibibytes, and never more than there is room.
    fn weight(&self) -> u32 {
        let held = match self {
            Self::Settled(target) => held(&target.observations),
            // What it has seen waits in the feed.
            Self::Again(..) => 0,
        };
        u32::try_from(held / 1024).map_or(ROOM, |held| ROOM.min(held.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::domain::{
        Dialect, Endpoint, NotTls, Observation, Outcome, Pointer, Port, Timestamp, Zone,
    };
    use crate::scan::feed::Start;
    use crate::target::Plan;

    /// A feed of three targets that workers have.
    async fn feed(stop: &CancellationToken) -> Feed {
        let spec = "10.0.0.1-10.0.0.3".parse().unwrap();
        let plan = Plan::builder().targets([spec]).build().unwrap();
        let feed = Feed::new(Arc::new(plan), Start::default(), 3, stop.clone());
        for _ in 0..3 {
            assert!(feed.next().await.is_some());
        }
        feed
    }

    /// A target whose server said so many bytes.
    fn settled(index: u64, said: usize) -> Conclusion {
        let address = [10, 0, 0, 1].into();
        let outcome = Outcome::NotTls(NotTls::Other, vec![0; said]);
        Conclusion::Settled(Settled {
            index,
            by_name: false,
            observations: vec![Observation {
                endpoint: Endpoint::tcp(Zone::default(), address, Port::HTTPS, Dialect::Tls),
                server_name: None,
                left_out: None,
                asked_for: None,
                at: Timestamp::from_seconds(0),
                outcome: outcome.clone(),
                attempts: Vec::new(),
                pointer: Pointer::default(),
                survey: None,
            }],
            outcome,
            cut_short: false,
            remark: None,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_together_is_one_parcel_and_counts_once_it_is_handed_over() {
        let (stop, outbox) = (CancellationToken::new(), Outbox::new());
        let (feed, (parcels, mut handed_over)) = (feed(&stop).await, mpsc::channel(1));
        for index in 0..2 {
            outbox.put(settled(index, 0)).await;
        }
        outbox
            .put(Conclusion::Again(Look::first(2), NoAnswer::Filtered))
            .await;
        outbox.close();
        let finished = feed.next().now_or_never();
        assert!(finished.is_none(), "the workers still have all three");
        outbox.carry(&feed, &parcels, &stop).await;
        let parcel = handed_over.recv().await.unwrap();
        assert_eq!(parcel.ends.len(), 2, "nothing was seen that could wait");
        assert!(handed_over.try_recv().is_err());
        assert_eq!(feed.next().await.unwrap().index, 2);
        feed.settle(1);
        assert!(feed.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_brings_more_than_there_is_room_for_waits_for_the_collector() {
        let (stop, outbox) = (CancellationToken::new(), Outbox::new());
        let (feed, (parcels, mut handed_over)) = (feed(&stop).await, mpsc::channel(1));
        let most = ROOM as usize * 1024;
        assert!(outbox.put(settled(0, 2 * most)).now_or_never().is_some());
        let mut next = Box::pin(outbox.put(settled(1, 0)));
        assert!((&mut next).now_or_never().is_none());
        let mut carry = Box::pin(outbox.carry(&feed, &parcels, &stop));
        assert!((&mut carry).now_or_never().is_none());
        assert!((&mut next).now_or_never().is_none());
        drop(handed_over.recv().await.unwrap());
        assert!(next.now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_collector_the_scan_stops_and_nobody_waits() {
        let (stop, outbox) = (CancellationToken::new(), Outbox::new());
        let (feed, (parcels, handed_over)) = (feed(&stop).await, mpsc::channel(1));
        drop(handed_over);
        for index in 0..3 {
            outbox
                .put(settled(index, ROOM as usize * 1024))
                .now_or_never();
            outbox.carry(&feed, &parcels, &stop).now_or_never();
        }
        assert!(stop.is_cancelled());
        assert!(feed.next().await.is_none());
    }
}
