//! The workers of one event loop.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::outbox::Parcel;
use super::worker::Bench;
use crate::net::Dialer;
use crate::resolve::Resolver;

impl<D: Dialer, R: Resolver> Bench<D, R> {
    /// Has so many workers work to the end, here, and hands over what their
    /// looks come to.
    ///
    /// What it has made is gone when it returns.
    pub(super) async fn have_worked(
        self,
        workers: usize,
        parcels: mpsc::Sender<Parcel>,
    ) -> Result<(), JoinError> {
        let bench = Arc::new(self);
        let mut crew = JoinSet::new();
        for _ in 0..workers {
            crew.spawn(Arc::clone(&bench).work());
        }
        let work = async {
            let mut worked = Ok(());
            while let Some(ended) = crew.join_next().await {
                if ended.is_err() {
                    // A fault of the engine: the others need not go on, nor
                    // wait for what that one had.
                    bench.stop.cancel();
                    bench.feed.abandon();
                }
                worked = worked.and(ended);
            }
            bench.outbox.close();
            worked
        };
        let carry = bench.outbox.carry(&bench.feed, &parcels, &bench.stop);
        let (worked, ()) = tokio::join!(work, carry);
        worked
    }
}

/// Deals workers out to so many crews, evenly; none is empty, but for the
/// first.
pub(super) fn deal(workers: usize, crews: usize) -> impl Iterator<Item = usize> {
    let crews = crews.clamp(1, workers.max(1));
    (0..crews).map(move |place| (workers + crews - 1 - place) / crews)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_is_in_one_crew() {
        let dealt = |workers, crews| deal(workers, crews).collect::<Vec<_>>();
        assert_eq!(dealt(7, 3), [3, 2, 2]);
        assert_eq!(dealt(2, 4), [1, 1]);
        assert_eq!(dealt(0, 4), [0]);
        assert_eq!(dealt(5, 0), [5]);
    }
}
