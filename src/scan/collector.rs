//! Settled targets → parcels for the writer: parses what is new, keeps the
//! block's ledger and the tally.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::known::Known;
use super::ledger::BlockLedger;
use super::nameless::NamelessEndpoints;
use super::progress::Progress;
use super::sighting::Sighting;
use super::summary::Nameless;
use super::worker::Settled;
use super::writer::Parcel;
use crate::domain::{
    Der, Fingerprint, Observation, Outcome, OutcomeKind, ScanId, Tally, Timestamp, Zone, clock,
};
use crate::store::Batch;
use crate::target::{Block, Plan};
use crate::x509::{self, Certificate};

/// Targets that make a parcel full.
const MOST_TARGETS: u64 = 1000;

/// Bytes of certificates that make a parcel full, however few they are.
const MOST_BYTES: usize = 16 << 20;

/// Observations that make a parcel full: a thorough target has dozens.
const MOST_OBSERVATIONS: usize = 8000;

/// Different faults that are counted; there are a dozen.
const MOST_FAULTS: usize = 64;

/// How long a target may wait for its parcel to fill.
const PATIENCE: Duration = Duration::from_secs(1);

/// Gathers what the workers settle.
pub(super) struct Collector<F> {
    plan: Arc<Plan>,
    zone: Zone,
    scan: ScanId,
    began: Timestamp,
    ledger: Option<BlockLedger>,
    parcel: Parcel,
    /// Bytes of certificates in the parcel.
    bytes: usize,
    known: Known,
    leaves: HashSet<Fingerprint>,
    nameless: NamelessEndpoints,
    faults: HashMap<String, u64>,
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
}

/// Nobody takes parcels any more: the writer has failed.
struct WriterGone;

impl<F: FnMut(Sighting<'_>) + Send> Collector<F> {
    pub(super) fn new(
        plan: Arc<Plan>,
        zone: Zone,
        scan: ScanId,
        began: Timestamp,
        progress: Arc<Progress>,
        watch: F,
    ) -> Self {
        Self {
            plan,
            zone,
            scan,
            began,
            ledger: None,
            parcel: Parcel::default(),
            bytes: 0,
            known: Known::default(),
            leaves: HashSet::new(),
            nameless: NamelessEndpoints::default(),
            faults: HashMap::new(),
            progress,
            watch,
        }
    }

    /// Collects until every worker has gone.
    pub(super) async fn run(
        mut self,
        mut settled: mpsc::Receiver<Settled>,
        parcels: mpsc::Sender<Parcel>,
    ) -> Collected {
        // The writer's own error tells why it is gone.
        let _ = self.collect(&mut settled, &parcels).await;
        let mut faults: Vec<_> = self.faults.into_iter().collect();
        faults.sort_unstable_by(|(a, more), (b, most)| most.cmp(more).then_with(|| a.cmp(b)));
        Collected {
            certificates: self.leaves.len() as u64,
            nameless: self.nameless.count(),
            faults,
        }
    }

    async fn collect(
        &mut self,
        settled: &mut mpsc::Receiver<Settled>,
        parcels: &mpsc::Sender<Parcel>,
    ) -> Result<(), WriterGone> {
        let mut due = Instant::now() + PATIENCE;
        loop {
            match timeout_at(due, settled.recv()).await {
                Ok(Some(target)) => self.take(target, parcels).await?,
                Ok(None) => break,
                Err(_) => {}
            }
            if self.is_full() || Instant::now() >= due {
                self.flush(parcels).await?;
                due = Instant::now() + PATIENCE;
            }
        }
        self.flush(parcels).await?;
        self.write_ledger(parcels).await
    }

    fn is_full(&self) -> bool {
        self.parcel.outcomes.total() >= MOST_TARGETS
            || self.parcel.batch.observations.len() >= MOST_OBSERVATIONS
            || self.bytes >= MOST_BYTES
    }

    async fn take(
        &mut self,
        settled: Settled,
        parcels: &mpsc::Sender<Parcel>,
    ) -> Result<(), WriterGone> {
        self.open_block(settled.index, parcels).await?;
        let kind = settled.outcome.kind();
        let latest = settled.observations.iter().map(|seen| seen.at).max();
        let at = latest.unwrap_or_else(clock::now);
        if let Some(ledger) = &mut self.ledger {
            ledger.enter(settled.index, kind, &settled.outcome.detail(), at);
            if settled.by_name {
                for best in best_answers(&settled.observations) {
                    ledger.enter_address(best);
                }
            }
        }
        self.parcel.outcomes.add(kind);
        if let Outcome::LocalError(fault) = &settled.outcome
            && self.faults.len() < MOST_FAULTS
        {
            *self.faults.entry(fault.to_string()).or_default() += 1;
        }
        self.progress.settle(kind == OutcomeKind::Certificate);
        self.tell(&settled.observations);
        self.parcel.batch.observations.extend(settled.observations);
        Ok(())
    }

    /// Makes `index` fall into the open block; the one before it is complete.
    async fn open_block(
        &mut self,
        index: u64,
        parcels: &mpsc::Sender<Parcel>,
    ) -> Result<(), WriterGone> {
        let number = index / Block::MAX_LENGTH;
        let within = |ledger: &BlockLedger| ledger.block().number() == number;
        if self.ledger.as_ref().is_some_and(within) {
            return Ok(());
        }
        self.write_ledger(parcels).await?;
        self.ledger = self.plan.block(number).map(|block| {
            BlockLedger::new(Arc::clone(&self.plan), self.zone.clone(), block, self.began)
        });
        Ok(())
    }

    /// Tells whoever watches of every certificate once for each name, and of
    /// each endpoint that spoke and has none.
    fn tell(&mut self, observations: &[Observation]) {
        let mut told = HashSet::new();
        for observation in observations {
            self.nameless.note(observation);
            let Outcome::Certificate(presented) = &observation.outcome else {
                continue;
            };
            let leaf = presented.chain.leaf().fingerprint();
            self.leaves.insert(leaf);
            let chain: Vec<_> = presented.chain.iter().map(|der| self.read(der)).collect();
            if told.insert((&observation.endpoint, &observation.server_name, leaf)) {
                self.sight(observation, &chain);
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

    /// The certificate's facts, parsed where they are not known yet; then it
    /// also goes into the parcel.
    fn read(&mut self, der: &Der) -> Arc<Certificate> {
        self.bytes += der.as_bytes().len();
        let fingerprint = der.fingerprint();
        if let Some(certificate) = self.known.get(fingerprint) {
            return certificate;
        }
        let certificate = x509::parse(der);
        self.parcel
            .batch
            .certificates
            .insert(fingerprint, certificate.clone());
        self.known.keep(certificate)
    }

    async fn flush(&mut self, parcels: &mpsc::Sender<Parcel>) -> Result<(), WriterGone> {
        if self.parcel.outcomes.total() == 0 {
            return Ok(());
        }
        self.bytes = 0;
        let parcel = mem::take(&mut self.parcel);
        parcels.send(parcel).await.map_err(|_| WriterGone)
    }

    async fn write_ledger(&mut self, parcels: &mpsc::Sender<Parcel>) -> Result<(), WriterGone> {
        let Some(ledger) = self.ledger.take() else {
            return Ok(());
        };
        for slice in ledger.slices() {
            let batch = Batch {
                coverage: slice.addresses,
                names: slice.names,
                ..Batch::default()
            };
            let parcel = Parcel {
                batch,
                outcomes: Tally::default(),
            };
            parcels.send(parcel).await.map_err(|_| WriterGone)?;
        }
        Ok(())
    }
}

/// The best answer of each endpoint, of equal ones the first.
fn best_answers(observations: &[Observation]) -> Vec<&Observation> {
    let mut best: Vec<&Observation> = Vec::new();
    let mut positions = HashMap::new();
    for seen in observations {
        let position = *positions.entry(&seen.endpoint).or_insert(best.len());
        match best.get_mut(position) {
            Some(known) if seen.outcome.kind() < known.outcome.kind() => *known = seen,
            Some(_) => {}
            None => best.push(seen),
        }
    }
    best
}
