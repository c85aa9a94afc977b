//! The engine: wires the stages into one scan.
//!
//! Blocks → fixed workers (resolve, pace, probe) → collector (parse, ledger)
//! → writer → sink. Every channel is bounded, so that a slow disk stops the
//! workers and memory does not grow.

mod collector;
mod feed;
mod ledger;
mod progress;
mod settings;
mod sighting;
mod summary;
mod worker;
mod writer;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

pub use feed::RETRY_SPACING;
pub use progress::Progress;
pub use settings::{Pointers, Settings};
pub use sighting::Sighting;
pub use summary::Summary;

use crate::domain::{ScanState, clock};
use crate::net::Dialer;
use crate::probe::Prober;
use crate::resolve::Resolver;
use crate::store::{NewScan, ScanEnd, Sink, StoreError};
use crate::target::Plan;
use collector::Collector;
use feed::Feed;
use worker::Bench;

/// Settled targets that may wait for the collector.
const SETTLED_WAITING: usize = 1024;

/// Batches that may wait for the writer.
const BATCHES_WAITING: usize = 4;

/// One scan, ready to run.
pub struct Scan<D: Dialer, R: Resolver> {
    /// What is scanned.
    pub plan: Arc<Plan>,
    /// How.
    pub settings: Settings,
    /// What asks the servers; its pacer carries the plan's exclusions.
    pub prober: Prober<D>,
    /// What asks the DNS.
    pub resolver: R,
    /// Where it shows how far it has come.
    pub progress: Arc<Progress>,
}

/// Why a scan could not go on; what was found before is stored.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The inventory can't be written.
    #[error("the inventory can't be written: {0}")]
    Store(#[from] StoreError),
    /// A task of the engine panicked.
    #[error("a part of the scan failed: {0}")]
    Panicked(String),
}

impl<D: Dialer, R: Resolver> Scan<D, R> {
    /// Sweeps every target of the plan into `sink`, and tells `watch` what is
    /// found as it comes. After `stop`, probes in flight end, the rest is not
    /// attempted, and everything seen is stored.
    ///
    /// # Errors
    ///
    /// When the inventory can't be written; the scan then ends at once.
    pub async fn run(
        self,
        mut sink: Box<dyn Sink>,
        record: NewScan,
        stop: CancellationToken,
        watch: impl FnMut(Sighting<'_>) + Send + 'static,
    ) -> Result<Summary, ScanError> {
        let began = record.started_at;
        let targets = self.plan.len();
        let scan = sink.begin(record).await?;
        let workers = self.workers();
        info!(%scan, targets, workers, "scan began");

        let (settled, to_collect) = mpsc::channel(SETTLED_WAITING);
        let (batches, to_write) = mpsc::channel(BATCHES_WAITING);
        let collector = Collector::new(
            Arc::clone(&self.plan),
            self.settings.zone.clone(),
            scan,
            began,
            Arc::clone(&self.progress),
            watch,
        );
        let writer = tokio::spawn(writer::run(sink, scan, to_write));
        let collected = tokio::spawn(collector.run(to_collect, batches));
        self.work(workers, settled, &stop).await;

        let collected = collected.await.map_err(|error| panicked(&error))?;
        let (mut sink, written) = writer.await.map_err(|error| panicked(&error))?;
        let state = match &written {
            Err(_) => ScanState::Failed,
            Ok(()) if stop.is_cancelled() => ScanState::Interrupted,
            Ok(()) => ScanState::Complete,
        };
        let finished_at = clock::now();
        let end = ScanEnd {
            state,
            finished_at,
            outcomes: collected.outcomes,
        };
        let finished = sink.finish(scan, end).await;
        let closed = sink.close().await;
        written.and(finished).and(closed)?;
        info!(%scan, %state, certificates = collected.certificates, "scan ended");
        Ok(Summary {
            scan,
            state,
            targets,
            outcomes: collected.outcomes,
            certificates: collected.certificates,
            elapsed: finished_at.since(began),
        })
    }

    /// How many workers: never more than there are targets.
    fn workers(&self) -> usize {
        let targets = usize::try_from(self.plan.len()).unwrap_or(usize::MAX);
        self.settings.workers.get().min(targets)
    }

    /// Runs the workers to the end of the plan, or of the running probes.
    async fn work(
        self,
        workers: usize,
        settled: mpsc::Sender<worker::Settled>,
        stop: &CancellationToken,
    ) {
        let bench = Arc::new(Bench {
            feed: Feed::new(Arc::clone(&self.plan)),
            plan: self.plan,
            settings: self.settings,
            prober: self.prober,
            resolver: self.resolver,
            stop: stop.clone(),
        });
        let tracker = TaskTracker::new();
        for _ in 0..workers {
            tracker.spawn(Arc::clone(&bench).work(settled.clone()));
        }
        drop(settled);
        tracker.close();
        tokio::select! {
            () = tracker.wait() => {}
            () = stop.cancelled() => {
                bench.feed.stop();
                tracker.wait().await;
            }
        }
    }
}

fn panicked(error: &JoinError) -> ScanError {
    ScanError::Panicked(error.to_string())
}
