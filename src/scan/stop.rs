use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::domain::EarlyEnd;

/// Ends a scan early, and in order: probes in flight end, the rest is not
/// attempted, everything seen is stored. Clones end the same scan.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    token: CancellationToken,
    why: Arc<OnceLock<EarlyEnd>>,
}

impl Stop {
    /// Ends the scan. The first reason is the one that is told.
    pub fn stop(&self, why: EarlyEnd) {
        // Before the token, so that whoever sees it cancelled finds a reason.
        let _ = self.why.set(why);
        self.token.cancel();
    }

    /// Whether the scan was ended, and why.
    #[must_use]
    pub fn why(&self) -> Option<EarlyEnd> {
        self.why.get().copied()
    }

    /// Returns once the scan was ended.
    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }

    pub(super) const fn token(&self) -> &CancellationToken {
        &self.token
    }
}
