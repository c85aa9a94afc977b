//! The engine: wires the stages into one scan.
//!
//! Blocks → fixed workers (resolve, pace, probe) → collector (parse, ledger)
//! → writer → sink. Every channel is bounded, so that a slow disk stops the
//! workers and memory does not grow.

mod answers;
mod awaited;
mod breaker;
mod canaries;
mod candidates;
mod capacity;
mod claims;
mod collector;
mod crew;
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
mod name_service;
mod nameless;
mod neighbours;
mod no_answer;
mod outbox;
mod progress;
mod put_off;
mod quarantine;
mod recency;
mod register;
mod resumption;
mod sentry;
mod settings;
mod sighting;
mod stop;
mod subject;
mod summary;
mod trouble;
mod unplaced;
mod verdict;
mod visit;
mod visiting_hours;
mod whereabouts;
mod wording;
mod worker;
mod writer;

use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tracing::info;

pub use breaker::Outages;
pub use expected::{Expected, KnownNames};
pub use feed::RETRY_SPACING;
pub use neighbours::{NeighbourTable, Neighbours, SOUGHT};
pub use progress::Progress;
pub use quarantine::{REST, RETURN_SPACING};
pub use recency::Recency;
pub use sentry::LONGEST_OUTAGE;
pub use settings::{Approach, Depth, FurtherNames, Pointers, Reach, Settings};
pub use sighting::Sighting;
pub use stop::Stop;
pub use summary::{NameNotAsked, Nameless, Summary, WhyNotAsked};
pub use trouble::{Loss, LossMeter, ScanAhead, SlowedNetwork, Trouble};
pub use visiting_hours::{VisitingHours, Visits};

use crate::domain::{EarlyEnd, OutcomeKind, ScanId, ScanState, clock};
use crate::net::Dialer;
use crate::probe::Prober;
use crate::resolve::Resolver;
use crate::schedule::ClockJumps;
use crate::store::{NewScan, ScanEnd, Sink, StoreError};
use crate::target::Plan;
use collector::{Collected, Collector};
use crew::deal;
use directory::Directory;
use feed::{Feed, Start};
use guard::Guard;
use outbox::{Outbox, PARCELS_WAITING, Parcel};
use resumption::Resumption;
use worker::Bench;
use writer::Written;

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
    /// What asks the servers; its pacer carries the plan's exclusions, and the
    /// hours.
    pub prober: Prober<D>,
    /// What asks the DNS.
    pub resolver: R,
    /// Where it shows how far it has come.
    pub progress: Arc<Progress>,
    /// The scan of the same targets and settings that it goes on with.
    pub resumes: Option<ScanId>,
    /// The event loops among which its workers are dealt out; all of them work
    /// on the caller's if there is none. On these the resolver is asked, too.
    pub event_loops: Vec<Handle>,
    /// What somebody who watches the clock on the wall notes meanwhile.
    pub clock_jumps: ClockJumps,
    /// The scan of the inventory that was ahead of the clock, if one was.
    pub ahead: Option<ScanAhead>,
    /// What tells how many packets the system lost meanwhile.
    pub losses: LossMeter,
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

        let (parcels, to_collect) = mpsc::channel(PARCELS_WAITING);
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
        let (clock_jumps, losses) = (self.clock_jumps.clone(), self.losses.clone());
        let ahead = self.ahead;
        let (worked, trouble) = self
            .work(workers, Arc::clone(&directory), start, parcels, &stop)
            .await;
        let collected = collector.await.map_err(panicked);
        let Written {
            mut sink,
            mut outcomes,
            result: written,
        } = writer.await.map_err(panicked)?;

        let unsettled = targets.saturating_sub(outcomes.total());
        outcomes.add_many(OutcomeKind::NotAttempted, unsettled);
        // What was left in a block that others followed is settled as that.
        let undone = outcomes.count(OutcomeKind::NotAttempted);
        let (state, ended_by) = match (&worked, &collected, &written) {
            (Ok(End::Done), Ok(_), Ok(())) if undone == 0 => (ScanState::Complete, None),
            (Ok(_), Ok(_), Ok(())) => {
                // Nothing else cuts a scan short but hours of networks.
                let why = stop.why().unwrap_or(EarlyEnd::Window);
                (why.state(), Some(why.to_string()))
            }
            (Err(error), _, _) | (_, Err(error), _) => (ScanState::Failed, Some(error.to_string())),
            (_, _, Err(error)) => (ScanState::Failed, Some(error.to_string())),
        };
        let finished_at = clock::now();
        let trouble = Trouble {
            clock_jumps: clock_jumps.list(),
            ahead,
            losses: losses.read(),
            ..trouble
        };
        let end = ScanEnd {
            finished_at,
            state,
            ended_by: ended_by.clone(),
            outcomes,
            incidents: trouble.incidents(),
            unlisted: collected.as_ref().map_or(0, |collected| collected.unlisted),
        };
        let finished = sink.finish(scan, end).await;
        let closed = sink.close().await;
        written.and(finished).and(closed)?;
        worked?;
        let Collected {
            certificates,
            faults,
            internal_errors,
            nameless,
            ..
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
            trouble,
            certificates,
            nameless,
            names_not_asked: directory.not_asked(state, resumes),
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
        parcels: mpsc::Sender<Parcel>,
        whole: &Stop,
    ) -> (Result<End, ScanError>, Trouble) {
        // A fault of the engine stops it too, and is not the caller's stop.
        let stop = whole.token().child_token();
        let feed = Feed::new(Arc::clone(&self.plan), start, workers, stop.clone());
        let expected = Arc::new(self.expected);
        let bench = Bench {
            feed: Arc::new(feed),
            guard: Arc::new(Guard::new(Arc::clone(&expected), &stop)),
            expected,
            plan: self.plan,
            recency: Arc::new(self.recency),
            settings: Arc::new(self.settings),
            prober: self.prober,
            resolver: Arc::new(self.resolver),
            directory,
            claims: Arc::default(),
            outbox: Outbox::new(),
            stop: stop.clone(),
            cut_short: Arc::default(),
        };
        let mut crews = JoinSet::new();
        let here = Handle::current();
        let loops = self.event_loops.iter().chain([&here]);
        for (workers, event_loop) in deal(workers, self.event_loops.len()).zip(loops) {
            let work = bench.apart().have_worked(workers, parcels.clone());
            crews.spawn_on(work, event_loop);
        }
        let watch = bench.watch_over(crews, whole);
        let carry = bench.outbox.carry(&bench.feed, &parcels, &stop);
        let (worked, ()) = tokio::join!(watch, carry);
        let end = if bench.cut_short.load(Ordering::Relaxed) {
            End::CutShort
        } else {
            End::Done
        };
        let trouble = Trouble {
            outages: bench.guard.outages(),
            name_outages: bench.guard.name_outages(),
            slowed: bench.guard.slowed(),
            ..Trouble::default()
        };
        (worked.map(|()| end).map_err(panicked), trouble)
    }
}

impl<D: Dialer, R: Resolver> Bench<D, R> {
    /// Keeps watch while the crews work, and concludes what they have left.
    async fn watch_over(
        &self,
        mut crews: JoinSet<Result<(), JoinError>>,
        whole: &Stop,
    ) -> Result<(), JoinError> {
        let mut worked = Ok(());
        let mut watch = pin!(self.keep_watch(whole));
        let mut watches = true;
        loop {
            tokio::select! {
                ended = crews.join_next() => match ended {
                    None => break,
                    Some(ended) => {
                        let ended = ended.flatten();
                        if ended.is_err() {
                            self.stop.cancel();
                            self.feed.abandon();
                        }
                        worked = worked.and(ended);
                    }
                },
                () = self.stop.cancelled(), if !self.feed.is_stopped() => self.feed.stop(),
                () = &mut watch, if watches => watches = false,
            }
        }
        if watches && self.stop.is_cancelled() {
            watch.await;
        }
        self.tell_left().await;
        self.outbox.close();
        worked
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
