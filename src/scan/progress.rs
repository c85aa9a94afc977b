use std::sync::atomic::{AtomicU64, Ordering};

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

    pub(super) fn settle(&self, found: bool) {
        self.settled.fetch_add(1, Ordering::Relaxed);
        if found {
            self.certificates.fetch_add(1, Ordering::Relaxed);
        }
    }
}
