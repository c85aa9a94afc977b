//! The engine: wires the stages into one scan.
//!
//! Blocks → fixed workers (resolve, pace, probe) → collector (parse, ledger)
//! → writer → sink. Every channel is bounded, so that a slow disk stops the
//! workers and memory does not grow.

mod breaker;
mod canaries;
mod candidates;
mod capacity;
mod claims;
mod collector;
mod dialects;
mod directory;
mod expected;
mod fate;
mod feed;
mod guard;
mod inquiry;
mod journal;
mod known;
mod ledger;
mod look;
mod nameless;
mod no_answer;
mod progress;
mod recency;
mod resumption;
mod sentry;
mod settings;
mod sighting;
mod stop;
mod summary;
mod verdict;
mod visit;
mod worker;
mod writer;

use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tracing::info;

pub use breaker::Outages;
pub use expected::Expected;
pub use feed::RETRY_SPACING;
pub use progress::Progress;
pub use recency::Recency;
pub use sentry::LONGEST_OUTAGE;
pub use settings::{Approach, Depth, FurtherNames, Pointers, Reach, Settings};
pub use sighting::Sighting;
pub use stop::Stop;
pub use summary::{NameNotAsked, Nameless, Summary, WhyNotAsked};

use crate::domain::{EarlyEnd, OutcomeKind, ScanId, ScanState, clock};
use crate::net::Dialer;
use crate::probe::Prober;
use crate::resolve::Resolver;
use crate::store::{NewScan, ScanEnd, Sink, StoreError};
use crate::target::Plan;
use claims::Claims;
use collector::{Collected, Collector};
use directory::Directory;
use feed::{Feed, Start};
use guard::Guard;
use resumption::Resumption;
use worker::{Bench, LookEnd};
use writer::Written;

/// Settled targets that may wait for the collector: few, since each may hold
/// a chain of a megabyte.
const SETTLED_WAITING: usize = 64;

/// Batches that may wait for the writer.
const BATCHES_WAITING: usize = 2;

/// One scan, ready to run.
pub struct Scan<D: Dialer, R: Resolver> {
    /// What is scanned.
    pub plan: Arc<Plan>,
    /// What of it need not be looked at again yet.
    pub recency: Recency,
    /// What of it answered in earlier scans.
    pub expected: Expected,
    /// How.
    pub settings: Settings,
    /// What asks the servers; its pacer carries the plan's exclusions.
    pub prober: Prober<D>,
    /// What asks the DNS.
    pub resolver: R,
    /// Where it shows how far it has come.
    pub progress: Arc<Progress>,
    /// The scan of the same targets and settings that it goes on with.
    pub resumes: Option<ScanId>,
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
    /// A scan that goes on with another begins where that one ended, however
    /// it ended; its outcomes are those of both.
    ///
    /// # Errors
    ///
    /// When the inventory can't be written; the scan then ends at once.
    pub async fn run(
        self,
        mut sink: Box<dyn Sink>,
        record: NewScan,
        stop: Stop,
        watch: impl FnMut(Sighting<'_>) + Send + 'static,
    ) -> Result<Summary, ScanError> {
        let began = record.started_at;
        let targets = self.plan.len();
        let (scan, mut resumption) = self.begin(sink.as_mut(), record).await?;
        let workers = self.workers();
        info!(%scan, targets, workers, "scan began");
        let further = &self.settings.further_names;
        let directory = Directory::look_up(further, &self.plan, &self.resolver, stop.token()).await;
        let directory = Arc::new(directory);

        let (ends, to_collect) = mpsc::channel(SETTLED_WAITING);
        let (batches, to_write) = mpsc::channel(BATCHES_WAITING);
        let start = mem::take(&mut resumption.start);
        let settled = resumption.outcomes;
        self.progress.resume(&settled);
        let collector = Collector::new(
            Arc::clone(&self.plan),
            self.settings.zone.clone(),
            scan,
            resumption,
            Arc::clone(&self.progress),
            watch,
        );
        let writer = tokio::spawn(writer::run(sink, scan, settled, to_write));
        let collector = tokio::spawn(collector.run(to_collect, batches));
        let resumes = self.resumes;
        let worked = self
            .work(workers, Arc::clone(&directory), start, ends, &stop)
            .await;
        let collected = collector.await.map_err(panicked);
        let Written {
            mut sink,
            mut outcomes,
            result: written,
        } = writer.await.map_err(panicked)?;

        let unsettled = targets.saturating_sub(outcomes.total());
        outcomes.add_many(OutcomeKind::NotAttempted, unsettled);
        let (state, ended_by) = match (&worked, &collected, &written) {
            (Ok((End::Done, _)), Ok(_), Ok(())) if unsettled == 0 => (ScanState::Complete, None),
            (Ok(_), Ok(_), Ok(())) => {
                let why = stop.why().unwrap_or(EarlyEnd::Signal);
                (why.state(), Some(why.to_string()))
            }
            (Err(error), _, _) | (_, Err(error), _) => (ScanState::Failed, Some(error.to_string())),
            (_, _, Err(error)) => (ScanState::Failed, Some(error.to_string())),
        };
        let finished_at = clock::now();
        let end = ScanEnd {
            finished_at,
            state,
            ended_by: ended_by.clone(),
            outcomes,
        };
        let finished = sink.finish(scan, end).await;
        let closed = sink.close().await;
        written.and(finished).and(closed)?;
        let (_, outages) = worked?;
        let Collected {
            certificates,
            faults,
            internal_errors,
            nameless,
        } = collected?;
        info!(%scan, %state, certificates, "scan ended");
        Ok(Summary {
            scan,
            state,
            ended_by,
            targets,
            outcomes,
            faults,
            internal_errors,
            outages,
            certificates,
            nameless,
            names_not_asked: directory.not_asked(state, resumes),
            clock_jumps: Vec::new(),
            elapsed: finished_at.since(began),
        })
    }

    /// Numbers the scan, or goes on with one.
    async fn begin(
        &self,
        sink: &mut dyn Sink,
        record: NewScan,
    ) -> Result<(ScanId, Resumption), StoreError> {
        let began = record.started_at;
        match self.resumes {
            None => {
                let scan = sink.begin(record).await?;
                Ok((scan, Resumption::at_the_beginning(began)))
            }
            Some(scan) => {
                let checkpoint = sink.resume(scan, record).await?;
                let zone = &self.settings.zone;
                let resumption = Resumption::read(&checkpoint, scan, &self.plan, zone);
                Ok((scan, resumption))
            }
        }
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
        directory: Arc<Directory>,
        start: Start,
        ends: mpsc::Sender<LookEnd>,
        whole: &Stop,
    ) -> Result<(End, Outages), ScanError> {
        // A fault of the engine stops it too, and is not the caller's stop.
        let stop = whole.token().child_token();
        let expected = Arc::new(self.expected);
        let bench = Arc::new(Bench {
            feed: Feed::new(Arc::clone(&self.plan), start, workers, stop.clone()),
            guard: Guard::new(Arc::clone(&expected), &stop),
            expected,
            plan: self.plan,
            recency: self.recency,
            settings: self.settings,
            prober: self.prober,
            resolver: self.resolver,
            directory,
            claims: Claims::default(),
            stop: stop.clone(),
            cut_short: AtomicBool::new(false),
        });
        let mut tasks = JoinSet::new();
        for _ in 0..workers {
            tasks.spawn(Arc::clone(&bench).work(ends.clone()));
        }
        let mut worked = Ok(());
        let mut watch = pin!(bench.keep_watch(&ends, whole));
        let mut watches = true;
        loop {
            tokio::select! {
                ended = tasks.join_next() => match ended {
                    None => break,
                    Some(Ok(())) => {}
                    Some(Err(error)) => {
                        stop.cancel();
                        worked = worked.and(Err(panicked(error)));
                    }
                },
                () = stop.cancelled(), if !bench.feed.is_stopped() => bench.feed.stop(),
                () = &mut watch, if watches => watches = false,
            }
        }
        if watches && stop.is_cancelled() {
            watch.await;
        }
        // What the stop has left there.
        bench.guard.empty();
        bench.tell_vouched(&ends).await;
        let end = if bench.cut_short.load(Ordering::Relaxed) {
            End::CutShort
        } else {
            End::Done
        };
        worked.map(|()| (end, bench.guard.outages()))
    }
}

/// How the workers came to their end.
enum End {
    /// Every target they came to had all its looks.
    Done,
    /// The stop took some.
    CutShort,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it takes the place of the error"
)]
fn panicked(error: JoinError) -> ScanError {
    ScanError::Panicked(error.to_string())
}
