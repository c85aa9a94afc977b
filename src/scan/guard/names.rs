//! What the DNS says, or does not, among the workers.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::Guard;
use crate::scan::breaker::{Custody, Outages};
use crate::scan::name_service::{Freed, LookupFailure};

impl<H> Guard<H> {
    /// The DNS answers.
    pub(in super::super) fn name_answered(&self) {
        let mut state = self.state();
        match state.names.answered(Instant::now()) {
            Freed::Told(told) => state.released.vouched.extend(told),
            Freed::Again(again) => state.released.again.extend(again),
        }
    }

    /// Decides on a look whose look-up failed.
    pub(in super::super) fn take_name(&self, failure: LookupFailure, look: H) -> Custody<H> {
        let mut state = self.state();
        if state.breaker.is_open() {
            // Without a network a resolver may say anything.
            return Custody::Again(look);
        }
        let was_down = state.names.is_down();
        let look = state.names.take(failure, look, Instant::now());
        if state.names.is_down() != was_down {
            warn!("the DNS answers no more: names wait until it does");
        }
        self.names_changed.notify_one();
        look.map_or(Custody::Held, Custody::Told)
    }

    /// Holds a look at a name while the DNS is down; else returns it.
    pub(in super::super) fn put_off_name(&self, look: H) -> Option<H> {
        let look = self.state().names.put_off(look);
        self.names_changed.notify_one();
        look
    }

    /// Returns the looks at names that are tried now, when it is time.
    ///
    /// Cancel safe.
    pub(in super::super) async fn names_to_try(&self) -> Vec<H> {
        loop {
            let next = self.state().names.next_try();
            match next {
                None => self.names_changed.notified().await,
                Some(next) => tokio::select! {
                    () = self.names_changed.notified() => {}
                    () = sleep_until(next) => {
                        return self.state().names.tried(Instant::now());
                    }
                },
            }
        }
    }

    /// The times without a DNS.
    pub(in super::super) fn name_outages(&self) -> Outages {
        self.state().names.outages(Instant::now())
    }

    /// How long it has been without one now.
    pub(in super::super) fn without_names_for(&self) -> Duration {
        self.state().names.down_for(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_util::sync::CancellationToken;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A guard for which the DNS has answered, and after that the first name
    /// got no answer.
    fn guard() -> Guard<&'static str> {
        let guard = Guard::new(Arc::default(), &CancellationToken::new());
        guard.name_answered();
        assert_eq!(
            guard.take_name(LookupFailure::Refusal, "first"),
            Custody::Held
        );
        guard
    }

    #[tokio::test(start_paused = true)]
    async fn names_that_failed_before_an_outage_showed_are_had_again() {
        let guard = guard();
        assert_eq!(guard.open(Instant::now() + SECOND), Some(vec!["first"]));
        guard.name_answered();
        assert!(guard.released().is_none(), "nobody is told without a look");
    }

    #[tokio::test(start_paused = true)]
    async fn names_that_fail_in_an_outage_are_had_again() {
        let guard = guard();
        guard.open(Instant::now() + SECOND);
        let custody = guard.take_name(LookupFailure::Refusal, "second");
        assert_eq!(custody, Custody::Again("second"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_failed_alone_is_told_with_the_next_answer() {
        let guard = guard();
        guard.name_answered();
        let released = guard.released().unwrap();
        assert_eq!(released.vouched, ["first"]);
    }
}
