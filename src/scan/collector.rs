//! Settled targets → batches for the writer: parses what is new, and has the
//! register say what became of them.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::fate::Remark;
use super::known::Known;
use super::ledger::BlockLedger;
use super::look::Deferral;
use super::nameless::NamelessEndpoints;
use super::outbox::{LookEnd, Parcel};
use super::progress::Progress;
use super::register::Register;
use super::resumption::Resumption;
use super::sighting::Sighting;
use super::summary::Nameless;
use super::verdict::best_answers;
use super::worker::Settled;
use crate::domain::{
    Fingerprint, Host, LocalFault, Observation, Outcome, OutcomeKind, ScanId, Zone,
};
use crate::store::{Batch, Lead, Milestone};
use crate::target::Plan;
use crate::x509::Certificate;

/// Targets that make a batch full.
const MOST_TARGETS: u64 = 4000;

/// Bytes of certificates that make a batch full, however few they are.
const MOST_BYTES: usize = 16 << 20;

/// Observations that make a batch full: a thorough target has dozens.
const MOST_OBSERVATIONS: usize = 8000;

/// Different faults that are counted; there are a dozen.
const MOST_FAULTS: usize = 64;

/// How long a target may wait for its batch to fill: what a scan that is killed
/// has to ask again is younger.
const PATIENCE: Duration = Duration::from_secs(1);

/// Gathers what the workers settle.
pub(super) struct Collector<F> {
    plan: Arc<Plan>,
    scan: ScanId,
    register: Register,
    batch: Batch,
    /// Targets in the batch.
    waiting: u64,
    /// Bytes of certificates in the batch.
    bytes: usize,
    known: Known,
    leaves: HashSet<Fingerprint>,
    nameless: NamelessEndpoints,
    faults: HashMap<String, u64>,
    internal_errors: u64,
    progress: Arc<Progress>,
    watch: F,
}

/// What a scan's collector knows at its end.
pub(super) struct Collected {
    /// Different leaves.
    pub(super) certificates: u64,
    /// What may hide behind names.
    pub(super) nameless: Nameless,
    /// Our own faults and how often each was the outcome, most frequent first.
    pub(super) faults: Vec<(String, u64)>,
    /// Targets that met a fault in this program.
    pub(super) internal_errors: u64,
    /// Targets without a turn that the ledger does not list.
    pub(super) unlisted: u64,
}

/// Nobody takes batches any more: the writer has failed.
struct WriterGone;

impl<F: FnMut(Sighting<'_>) + Send> Collector<F> {
    pub(super) fn new(
        plan: Arc<Plan>,
        zone: Zone,
        scan: ScanId,
        mut resumption: Resumption,
        progress: Arc<Progress>,
        watch: F,
    ) -> Self {
        Self {
            scan,
            leaves: mem::take(&mut resumption.certificates)
                .into_iter()
                .collect(),
            register: Register::new(Arc::clone(&plan), zone, resumption),
            plan,
            batch: Batch::default(),
            waiting: 0,
            bytes: 0,
            known: Known::default(),
            nameless: NamelessEndpoints::default(),
            faults: HashMap::new(),
            internal_errors: 0,
            progress,
            watch,
        }
    }

    /// Collects until every worker has gone.
    pub(super) async fn run(
        mut self,
        mut parcels: mpsc::Receiver<Parcel>,
        batches: mpsc::Sender<Batch>,
    ) -> Collected {
        // The writer's own error tells why it is gone.
        let _ = self.collect(&mut parcels, &batches).await;
        let mut faults: Vec<_> = self.faults.into_iter().collect();
        faults.sort_unstable_by(|(a, more), (b, most)| most.cmp(more).then_with(|| a.cmp(b)));
        Collected {
            unlisted: self.register.unlisted(),
            certificates: self.leaves.len() as u64,
            nameless: self.nameless.count(),
            faults,
            internal_errors: self.internal_errors,
        }
    }

    async fn collect(
        &mut self,
        parcels: &mut mpsc::Receiver<Parcel>,
        batches: &mpsc::Sender<Batch>,
    ) -> Result<(), WriterGone> {
        let mut due = Instant::now() + PATIENCE;
        loop {
            match timeout_at(due, parcels.recv()).await {
                Ok(Some(parcel)) => self.unpack(parcel, batches).await?,
                Ok(None) => break,
                Err(_) => {}
            }
            if Instant::now() >= due {
                self.flush(batches).await?;
                due = Instant::now() + PATIENCE;
            }
        }
        self.write_ledger(batches).await?;
        self.write_unbegun(batches).await
    }

    async fn unpack(
        &mut self,
        parcel: Parcel,
        batches: &mpsc::Sender<Batch>,
    ) -> Result<(), WriterGone> {
        for end in parcel.ends {
            match end {
                LookEnd::Settled(settled) => self.take(settled, batches).await?,
                LookEnd::Deferred(deferral) => self.note(deferral, batches).await?,
            }
            if self.is_full() {
                self.flush(batches).await?;
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.waiting >= MOST_TARGETS
            || self.batch.observations.len() >= MOST_OBSERVATIONS
            || self.bytes >= MOST_BYTES
    }

    async fn take(
        &mut self,
        mut settled: Settled,
        batches: &mpsc::Sender<Batch>,
    ) -> Result<(), WriterGone> {
        self.open_block(settled.index, batches).await?;
        self.register.settle(&settled);
        let kind = settled.outcome.kind();
        self.waiting += 1;
        if let Outcome::LocalError(fault) = &settled.outcome {
            self.count(fault);
        }
        self.progress.settle(kind == OutcomeKind::Certificate);
        self.tell(&mut settled.observations);
        self.note_leads(&settled);
        let mut observations = settled.observations;
        if settled.remark.is_some_and(Remark::is_doubt) {
            observations.retain(|seen| !seen.outcome.kind().is_silence());
        }
        self.batch.observations.extend(observations);
        Ok(())
    }

    /// Notes where a target that is a name led. Of one that was not looked at
    /// everywhere nobody knows where it does not lead.
    fn note_leads(&mut self, settled: &Settled) {
        if settled.cut_short || settled.remark.is_some() {
            return;
        }
        let target = self.plan.get(settled.index).map(|target| target.host);
        let Some(Host::Name(name)) = target else {
            return;
        };
        let own = settled.observations.iter();
        let own = own.filter(|seen| seen.server_name.as_ref() == Some(&name));
        self.batch.leads.extend(own.map(|seen| Lead {
            zone: seen.endpoint.zone.clone(),
            name: name.clone(),
            port: seen.endpoint.port,
            address: seen.endpoint.address,
        }));
    }

    fn count(&mut self, fault: &LocalFault) {
        if matches!(fault, LocalFault::Internal(_)) {
            self.internal_errors += 1;
        }
        if self.faults.len() < MOST_FAULTS {
            *self.faults.entry(fault.to_string()).or_default() += 1;
        }
    }

    /// Notes in the journal that a target had a look.
    async fn note(
        &mut self,
        deferral: Deferral,
        batches: &mpsc::Sender<Batch>,
    ) -> Result<(), WriterGone> {
        self.open_block(deferral.index, batches).await?;
        self.register.defer(deferral);
        Ok(())
    }

    /// Makes `index` fall into the open block; the one before it is complete.
    async fn open_block(
        &mut self,
        index: u64,
        batches: &mpsc::Sender<Batch>,
    ) -> Result<(), WriterGone> {
        if !self.register.has_open(index) {
            self.write_ledger(batches).await?;
            self.register.open(index);
        }
        Ok(())
    }

    /// Tells whoever watches of every certificate once for each name, and of
    /// each endpoint that spoke and has none.
    fn tell(&mut self, observations: &mut [Observation]) {
        let read = observations.iter_mut().map(|seen| self.read(seen));
        let read: Vec<_> = read.collect();
        let mut told = Vec::new();
        for (observation, chain) in observations.iter().zip(&read) {
            self.nameless.note(observation);
            let Some(leaf) = chain.first().map(|leaf| leaf.fingerprint) else {
                continue;
            };
            self.leaves.insert(leaf);
            let sight = (&observation.endpoint, &observation.server_name, leaf);
            if !told.contains(&sight) {
                told.push(sight);
                self.sight(observation, chain);
            }
        }
        for best in best_answers(observations) {
            let kind = best.outcome.kind();
            if kind.connected() && kind != OutcomeKind::Certificate {
                self.sight(best, &[]);
            }
        }
    }

    fn sight(&mut self, observation: &Observation, chain: &[Arc<Certificate>]) {
        (self.watch)(Sighting {
            scan: self.scan,
            observation,
            chain,
        });
    }

    /// The certificates of an observation. Those that nobody has read yet go
    /// into the batch; the bytes of the others are kept once.
    fn read(&mut self, observation: &mut Observation) -> Arc<[Arc<Certificate>]> {
        let Outcome::Certificate(presented) = &mut observation.outcome else {
            return Arc::default();
        };
        let (batch, bytes) = (&mut self.batch.certificates, &mut self.bytes);
        let read = self.known.read(&presented.chain, |certificate| {
            *bytes += certificate.der.as_bytes().len();
            batch.insert(certificate.fingerprint, certificate.clone());
        });
        presented.chain = read.chain;
        read.certificates
    }

    async fn flush(&mut self, batches: &mpsc::Sender<Batch>) -> Result<(), WriterGone> {
        if self.waiting == 0 && !self.register.has_page() {
            return Ok(());
        }
        self.bytes = 0;
        self.waiting = 0;
        let mut batch = mem::take(&mut self.batch);
        batch.milestone = self.register.turn_page();
        batches.send(batch).await.map_err(|_| WriterGone)
    }

    /// Lays the open block over the inventory's ledger. If it is done, its
    /// journal goes in the same moment as the last slice comes.
    async fn write_ledger(&mut self, batches: &mpsc::Sender<Batch>) -> Result<(), WriterGone> {
        self.flush(batches).await?;
        match self.register.close() {
            Some((ledger, done)) => write_slices(&ledger, done, batches).await,
            None => Ok(()),
        }
    }

    /// Says in the ledger of the blocks that had no turn that nothing there
    /// was attempted.
    async fn write_unbegun(&mut self, batches: &mpsc::Sender<Batch>) -> Result<(), WriterGone> {
        for ledger in self.register.unbegun() {
            write_slices(&ledger, None, batches).await?;
        }
        Ok(())
    }
}

/// Writes a block's slices, and with the last of them the milestone.
async fn write_slices(
    ledger: &BlockLedger,
    milestone: Option<Milestone>,
    batches: &mpsc::Sender<Batch>,
) -> Result<(), WriterGone> {
    let mut slices = ledger.slices().peekable();
    while let Some(slice) = slices.next() {
        let is_last = slices.peek().is_none();
        let batch = Batch {
            coverage: slice.addresses,
            names: slice.names,
            milestone: milestone.clone().filter(|_| is_last),
            ..Batch::default()
        };
        batches.send(batch).await.map_err(|_| WriterGone)?;
    }
    Ok(())
}
