use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::{OutcomeKind, Tally};

/// How far a running scan has come; read by whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    settled: AtomicU64,
    certificates: AtomicU64,
}

impl Progress {
    /// Targets that have their outcome.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.settled.load(Ordering::Relaxed)
    }

    /// Targets that yielded a certificate.
    #[must_use]
    pub fn certificates(&self) -> u64 {
        self.certificates.load(Ordering::Relaxed)
    }

    /// Counts what earlier runs of the scan have settled.
    pub(super) fn resume(&self, outcomes: &Tally) {
        let certificates = outcomes.count(OutcomeKind::Certificate);
        self.settled.fetch_add(outcomes.total(), Ordering::Relaxed);
        self.certificates.fetch_add(certificates, Ordering::Relaxed);
    }

    pub(super) fn settle(&self, found: bool) {
        self.settled.fetch_add(1, Ordering::Relaxed);
        if found {
            self.certificates.fetch_add(1, Ordering::Relaxed);
        }
    }
}
