//! The main job: a plan and settings → a scan in the inventory.

use std::mem;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::ahead::scan_ahead;
use super::crowd::{crowds, neighbours};
use super::exit::Exit;
use super::failure::Failure;
use super::json_lines;
use super::kernel::Kernel;
use super::printer::Printer;
use super::recall::Recall;
use super::resumption::{self, Resume};
use super::verdicts::{self, Severities};
use super::{operator, progress, signals, summary, workforce};
use crate::config::{Settings, Terms};
use crate::domain::{Fingerprint, ScanId, ScanState, Timestamp, clock};
use crate::judge::{Policy, TrustStore};
use crate::net::{self, TcpDialer};
use crate::pace::Pacer;
use crate::probe::Prober;
use crate::resolve::{self, DnsResolver, Resident};
use crate::scan::{
    self, Neighbours, Progress, Scan, ScanError, Sighting, Stop, Summary, VisitingHours, Visits,
};
use crate::schedule::{ClockJumps, Hours, Keeper};
use crate::store::{FileMode, NewScan, Opened, PastScan, SqliteSink};
use crate::target::{Plan, PlanBuilder, PlanError};

/// A scan about to run for real.
pub(super) struct Sweep {
    /// What the operator wrote; what is known comes to it at the beginning.
    pub(super) plan: Arc<Plan>,
    /// That of the plan.
    pub(super) builder: PlanBuilder,
    pub(super) written: Written,
    pub(super) settings: Settings,
    /// What the inventory is judged by at the end.
    pub(super) stores: Vec<TrustStore>,
    pub(super) policy: Policy,
    /// Whom the inventory lets in; as it was, where nothing is said.
    pub(super) file_mode: Option<FileMode>,
    /// JSON lines on stdout instead of a summary for people.
    pub(super) json: bool,
    /// The scan to go on with, if any.
    pub(super) resume: Option<Resume>,
    /// The seed that the operator asked for.
    pub(super) seed: Option<u64>,
}

/// What the operator wrote, kept with the scan: files by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    pub(super) targets: Vec<String>,
    pub(super) exclude: Vec<String>,
    pub(super) sni: Vec<String>,
}

impl Sweep {
    /// Runs it into the inventory at `db`, which is created where there is
    /// none.
    pub(super) async fn run(self, db: &Path, printer: &Printer) -> Result<Exit, Failure> {
        let json = self.json;
        let (summary, severities) = self.summary(db, printer).await?;
        if json {
            let line = summary::json(&summary, severities).to_string();
            printer.data(|out| writeln!(out, "{line}"))?;
        } else {
            printer.say(&summary::text(&summary, severities, db))?;
        }
        Ok(summary::exit(&summary))
    }

    /// The same without the last word. A scan that went through is followed by
    /// a judgement of the whole inventory.
    pub(super) async fn summary(
        mut self,
        db: &Path,
        printer: &Printer,
    ) -> Result<(Summary, Option<Severities>), Failure> {
        let stores = mem::take(&mut self.stores);
        let policy = mem::take(&mut self.policy);
        let summary = self.sweep(db, printer).await?;
        if summary.state != ScanState::Complete {
            return Ok((summary, None));
        }
        match verdicts::renew(db, stores, &policy).await {
            Ok(severities) => Ok((summary, Some(severities))),
            // What was found is stored; the next scan judges it.
            Err(failure) => {
                printer.note(&format!("note: not judged: {}", failure.message));
                Ok((summary, None))
            }
        }
    }

    async fn sweep(mut self, db: &Path, printer: &Printer) -> Result<Summary, Failure> {
        let resolver = self.resolver()?;
        let dialer = TcpDialer::new(net::Settings {
            source: self.settings.source,
        });
        dialer.check_source().map_err(|fault| {
            Failure::usage(format_args!(
                "can't connect from the source address: {fault}"
            ))
            .hint(Some("--source takes an address of this machine"))
        })?;
        self.check_schedule()?;
        let event_loops = workforce::event_loops()?;
        let workers = workforce::workers(&self.settings, &event_loops);
        let mut sink = self.open(db, printer).await?;
        let past = self.resume(&mut sink).await?;
        let identity = resumption::identity(&self.plan, &self.settings);
        let (resumes, recall) = self.recall(db, past, printer).await?;
        let kernel = Kernel::system();
        let crowds = crowds(&self.plan, &kernel);
        for crowd in &crowds {
            printer.note(&format!("note: {}", crowd.warning()));
        }
        let progress = Arc::new(Progress::default());
        let targets = self.plan.len();
        let show = progress::show(Arc::clone(&progress), targets, printer.clone());
        let watch = self.watch(printer);
        let schedule = self.settings.schedule();
        let mut record = self.record(identity);
        let stop = Stop::default();
        let mut scan = Scan {
            event_loops: event_loops.runtimes(),
            ..self.scan(dialer, resolver, workers, progress, recall, resumes)
        };
        scan.settings.neighbours = neighbours(&crowds, &kernel);
        scan.ahead = scan_ahead(db, clock::now()).await?;
        if let Some(ahead) = scan.ahead {
            printer.note(&format!("warning: {ahead}"));
        }
        let keeping = async {
            let began = clock::now();
            let mut keeper = Keeper::begin(schedule.clone(), clock::now);
            scan.clock_jumps = keeper.jumps();
            wait_for_window(&mut keeper, &stop, printer).await;
            record.started_at = clock::now();
            let ends = schedule.ends(began, record.started_at);
            scan.settings.hours = scan.settings.hours.waiting_until(ends);
            let mut running = Box::pin(scan.run(Box::new(sink), record, stop.clone(), watch));
            tokio::select! {
                ended = &mut running => ended,
                why = keeper.end() => {
                    stop.stop(why);
                    running.await
                }
            }
        };
        tokio::select! {
            ended = keeping => ended.map_err(Failure::from),
            never = show => match never {},
            error = signals::obey(&stop, printer) => Err(error),
        }
    }

    /// A scan of a certain number can only be in an inventory that is there.
    async fn open(&self, db: &Path, printer: &Printer) -> Result<SqliteSink, Failure> {
        let (sink, opened) = match self.resume {
            Some(Resume::Scan(_)) => (SqliteSink::open(db).await?, Opened::Existing),
            Some(Resume::Last) | None => SqliteSink::open_or_create(db).await?,
        };
        if let Some(mode) = self.file_mode {
            sink.share(mode)?;
        }
        if opened == Opened::Created {
            printer.note(&format!("new inventory {}", sink.path().display()));
        }
        Ok(sink)
    }

    /// The scan to go on with.
    async fn resume(&self, sink: &mut SqliteSink) -> Result<Option<PastScan>, Failure> {
        let Some(resume) = self.resume else {
            return Ok(None);
        };
        resumption::choose(sink, resume, &self.plan, &self.settings, self.seed).await
    }

    /// Completes the plan by what is known: of a scan that is gone on with, by
    /// what was known when it began, in its order. Returns that scan, and what
    /// is left out.
    async fn recall(
        &mut self,
        db: &Path,
        past: Option<PastScan>,
        printer: &Printer,
    ) -> Result<(Option<ScanId>, Recall), Failure> {
        if let Some(past) = past {
            let (recall, plan) = self.complete(db, past.started_at).await?;
            let plan = plan.in_order_of(past.seed);
            if resumption::has_targets_of(&past, &plan) {
                printer.note(&format!("going on with scan {}", past.id));
                self.plan = Arc::new(plan);
                if past.plan != self.plan_fingerprint() {
                    printer.note(
                        "note: the exclusions are others than when it began; those of now hold",
                    );
                }
                return Ok((Some(past.id), recall));
            }
            let message = format!("scan {} began with other known endpoints", past.id);
            if let Some(Resume::Scan(_)) = self.resume {
                return Err(Failure::usage(message).hint(Some("begin another scan")));
            }
            printer.note(&format!("note: {message}: another begins"));
        }
        let (recall, plan) = self.complete(db, clock::now()).await?;
        self.plan = Arc::new(plan);
        Ok((None, recall))
    }

    async fn complete(&self, db: &Path, at: Timestamp) -> Result<(Recall, Plan), Failure> {
        let recall = Recall::read(db, &self.settings, at).await?;
        let plan = recall.plan(self.builder.clone(), &self.plan, &self.settings)?;
        Ok((recall, plan))
    }

    fn scan(
        self,
        dialer: TcpDialer,
        resolver: DnsResolver,
        workers: NonZeroUsize,
        progress: Arc<Progress>,
        recall: Recall,
        resumes: Option<ScanId>,
    ) -> Scan<TcpDialer, Resident<DnsResolver>> {
        let plan = Arc::clone(&self.plan);
        let terms = self.settings.terms();
        let pacer = Pacer::new(
            self.settings.rates,
            self.settings.concurrency_per_host,
            move |address, port| {
                plan.excluded_at(address, port)
                    .map(crate::target::Exclusion::why)
            },
        );
        let hours = VisitingHours::new(terms.map(Terms::visits), clock::now);
        let (visiting, schedule, began) = (hours.clone(), self.settings.schedule(), Instant::now());
        let mut pacer = pacer.limited(terms.map(|terms| terms.limits));
        if schedule.has_limits() || hours.are_anywhere() {
            pacer = pacer.within(move |address, longest| {
                schedule.allows(clock::now(), began.elapsed(), longest)
                    && visiting.allow(address, longest)
            });
        }
        Scan {
            expected: recall.expected(&self.plan),
            recency: recall.into_recency(),
            plan: self.plan,
            settings: scan::Settings {
                zone: self.settings.zone,
                hours,
                neighbours: Neighbours::default(),
                approach: terms.map(Terms::approach),
                workers,
                pointers: self.settings.pointers,
                further_names: self.settings.further_names,
            },
            prober: Prober::new(dialer, Arc::new(pacer), terms.map(|terms| terms.timeouts)),
            resolver: Resident::new(resolver, Handle::current()),
            progress,
            resumes,
            event_loops: Vec::new(),
            clock_jumps: ClockJumps::default(),
            ahead: None,
            losses: Kernel::system().losses_from_now(),
        }
    }

    /// Refuses limits within which nothing could be sent.
    fn check_schedule(&self) -> Result<(), Failure> {
        let schedule = self.settings.schedule();
        let drain = humantime::format_duration(schedule.drain);
        let refuse = |what: &str| {
            Err(Failure::usage(format_args!("{what} is no longer than {drain}")).hint(Some(
                "a scan stops as long before its end as one question may take (--target-timeout)",
            )))
        };
        if schedule
            .longest
            .is_some_and(|longest| longest <= schedule.drain)
        {
            return refuse("--max-duration");
        }
        let never = |hours: &Hours| hours.opens(clock::now(), schedule.drain).is_none();
        if schedule.hours.as_ref().is_some_and(never) {
            return refuse("--window");
        }
        for (range, terms) in &self.settings.networks {
            let visits = terms.visits();
            let never = |it: &Visits| it.hours.opens(clock::now(), it.drain).is_none();
            if visits.as_ref().is_some_and(never) {
                return refuse(&format!("the window of {range}"));
            }
        }
        Ok(())
    }

    fn resolver(&self) -> Result<DnsResolver, Failure> {
        DnsResolver::new(resolve::Settings {
            name_server: self.settings.resolver,
            family: self.settings.family,
        })
        .map_err(Failure::failed)
    }

    fn record(&self, identity: Fingerprint) -> NewScan {
        let mut settings = self.settings.describe();
        settings.insert("targets".to_owned(), self.written.targets.clone().into());
        settings.insert("exclude".to_owned(), self.written.exclude.clone().into());
        settings.insert("sni".to_owned(), self.written.sni.clone().into());
        settings.insert(
            resumption::TARGETS.to_owned(),
            self.plan.targets_fingerprint().into(),
        );
        NewScan {
            started_at: clock::now(),
            targets: self.plan.len(),
            zone: self.settings.zone.clone(),
            note: self.settings.note.clone(),
            plan: self.plan_fingerprint(),
            identity,
            settings: Value::from(settings).to_string(),
            seed: self.plan.seed(),
            operator: operator::name(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The plan prints its SHA-256 in hexadecimal.
    fn plan_fingerprint(&self) -> Fingerprint {
        let printed = self.plan.fingerprint();
        let read = printed.parse();
        read.unwrap_or_else(|_| Fingerprint::of(printed.as_bytes()))
    }

    fn watch(&self, printer: &Printer) -> impl FnMut(Sighting<'_>) + Send + use<> {
        let printer = self.json.then(|| printer.clone());
        move |sighting| {
            if let Some(printer) = &printer {
                // The reader of a closed pipe has enough; the scan goes on.
                let _ = printer.data(|out| json_lines::write(out, &sighting));
            }
        }
    }
}

/// Returns when the scan may send, or was stopped: by a signal, or because it
/// may not within the time that it has.
async fn wait_for_window(
    keeper: &mut Keeper<impl Fn() -> Timestamp>,
    stop: &Stop,
    printer: &Printer,
) {
    let announce = |opening| {
        printer.note(&format!("waiting for the window, which opens at {opening}"));
    };
    tokio::select! {
        opened = keeper.open(announce) => {
            if let Err(why) = opened {
                stop.stop(why);
            }
        }
        () = stop.stopped() => {}
    }
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Store(error) => Self::from(error),
            ScanError::Panicked(_) => Self::failed(error),
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let hint = error.hint();
        Self::usage(error).hint(hint)
    }
}
