use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

/// Runs out when nobody answers: whoever asks for something that a scan can
/// do without asks less often then, and does not wait for it at every host.
#[derive(Debug, Default)]
pub(super) struct Patience {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    silences: u32,
    resting_until: Option<Instant>,
}

/// Silences in a row after which it runs out: single losses are no reason.
const MOST_SILENCES: u32 = 16;

/// How long it then rests before asking again.
const REST: Duration = Duration::from_mins(1);

impl Patience {
    /// Whether asking is worth while now.
    pub(super) fn is_left(&self) -> bool {
        let resting_until = self.state().resting_until;
        resting_until.is_none_or(|until| until <= Instant::now())
    }

    /// Somebody answered.
    pub(super) fn answered(&self) {
        *self.state() = State::default();
    }

    /// Nobody answered in time.
    pub(super) fn silence(&self) {
        let mut state = self.state();
        state.silences += 1;
        if state.silences >= MOST_SILENCES {
            if state.resting_until.is_none() {
                warn!("nobody answers for PTR names: asking again once a minute");
            }
            state.resting_until = Some(Instant::now() + REST);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_runs_out_after_silences_in_a_row_and_comes_back() {
        let patience = Patience::default();
        for _ in 1..MOST_SILENCES {
            patience.silence();
        }
        patience.answered();
        patience.silence();
        assert!(patience.is_left(), "one answer forgives what came before");
        for _ in 1..MOST_SILENCES {
            patience.silence();
        }
        assert!(!patience.is_left());
        advance(REST).await;
        assert!(patience.is_left(), "it is tried again after a rest");
        patience.silence();
        assert!(!patience.is_left(), "and a single silence is enough then");
    }
}
