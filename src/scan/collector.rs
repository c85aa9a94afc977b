//! Settled targets → batches for the writer: parses what is new, keeps the
//! block's ledger and the tally.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::ledger::BlockLedger;
use super::progress::Progress;
use super::sighting::Sighting;
use super::worker::Settled;
use crate::domain::{
    Der, Fingerprint, Observation, Outcome, OutcomeKind, ScanId, Tally, Timestamp, Zone, clock,
};
use crate::store::Batch;
use crate::target::{Block, Plan};
use crate::x509::{self, Certificate};

/// Observations that make a batch full.
const BATCH: usize = 1000;

/// How long an observation may wait for its batch to fill.
const PATIENCE: Duration = Duration::from_secs(1);

/// Parsed certificates kept so that a certificate on many hosts is parsed
/// once; when full, it starts anew.
const MAX_KNOWN: usize = 1 << 14;

/// Gathers what the workers settle.
pub(super) struct Collector<F> {
    plan: Arc<Plan>,
    zone: Zone,
    scan: ScanId,
    began: Timestamp,
    ledger: Option<BlockLedger>,
    batch: Batch,
    known: HashMap<Fingerprint, Arc<Certificate>>,
    leaves: HashSet<Fingerprint>,
    tally: Tally,
    progress: Arc<Progress>,
    watch: F,
}

/// What a scan's collector knows at its end.
pub(super) struct Collected {
    pub(super) outcomes: Tally,
    pub(super) certificates: u64,
}

/// Nobody takes batches any more: the writer has failed.
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
            batch: Batch::default(),
            known: HashMap::new(),
            leaves: HashSet::new(),
            tally: Tally::default(),
            progress,
            watch,
        }
    }

    /// Collects until every worker has gone, then enters what nobody came to
    /// as not attempted.
    pub(super) async fn run(
        mut self,
        mut settled: mpsc::Receiver<Settled>,
        batches: mpsc::Sender<Batch>,
    ) -> Collected {
        // The writer's own error tells why it is gone.
        let _ = self.collect(&mut settled, &batches).await;
        self.close();
        Collected {
            outcomes: self.tally,
            certificates: self.leaves.len() as u64,
        }
    }

    async fn collect(
        &mut self,
        settled: &mut mpsc::Receiver<Settled>,
        batches: &mpsc::Sender<Batch>,
    ) -> Result<(), WriterGone> {
        let mut due = Instant::now() + PATIENCE;
        loop {
            match timeout_at(due, settled.recv()).await {
                Ok(Some(target)) => self.take(target, batches).await?,
                Ok(None) => break,
                Err(_) => {}
            }
            if self.batch.observations.len() >= BATCH || Instant::now() >= due {
                self.flush(batches).await?;
                due = Instant::now() + PATIENCE;
            }
        }
        self.flush(batches).await?;
        self.write_ledger(batches).await
    }

    async fn take(
        &mut self,
        settled: Settled,
        batches: &mpsc::Sender<Batch>,
    ) -> Result<(), WriterGone> {
        self.open_block(settled.index, batches).await?;
        let kind = settled.outcome.kind();
        let latest = settled.observations.iter().map(|seen| seen.at).max();
        let at = latest.unwrap_or_else(clock::now);
        if let Some(ledger) = &mut self.ledger {
            ledger.enter(settled.index, kind, &settled.outcome.detail(), at);
            if settled.by_name {
                for observation in &settled.observations {
                    ledger.enter_address(observation);
                }
            }
        }
        self.tally.add(kind);
        self.progress.settle(kind == OutcomeKind::Certificate);
        for observation in settled.observations {
            self.observe(observation);
        }
        Ok(())
    }

    /// Makes `index` fall into the open block; the one before it is complete.
    async fn open_block(
        &mut self,
        index: u64,
        batches: &mpsc::Sender<Batch>,
    ) -> Result<(), WriterGone> {
        let number = index / Block::MAX_LENGTH;
        let within = |ledger: &BlockLedger| ledger.block().number() == number;
        if self.ledger.as_ref().is_some_and(within) {
            return Ok(());
        }
        self.write_ledger(batches).await?;
        self.ledger = self.plan.block(number).map(|block| {
            BlockLedger::new(Arc::clone(&self.plan), self.zone.clone(), block, self.began)
        });
        Ok(())
    }

    fn observe(&mut self, observation: Observation) {
        let chain: Vec<_> = match &observation.outcome {
            Outcome::Certificate(presented) => {
                self.leaves.insert(presented.chain.leaf().fingerprint());
                presented.chain.iter().map(|der| self.read(der)).collect()
            }
            _ => Vec::new(),
        };
        if observation.outcome.kind().connected() {
            (self.watch)(Sighting {
                scan: self.scan,
                observation: &observation,
                chain: &chain,
            });
        }
        self.batch.observations.push(observation);
    }

    /// The certificate's facts, parsed where they are not known yet; then it
    /// also goes into the batch.
    fn read(&mut self, der: &Der) -> Arc<Certificate> {
        let fingerprint = der.fingerprint();
        if let Some(certificate) = self.known.get(&fingerprint) {
            return Arc::clone(certificate);
        }
        let certificate = x509::parse(der);
        self.batch
            .certificates
            .insert(fingerprint, certificate.clone());
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let certificate = Arc::new(certificate);
        self.known.insert(fingerprint, Arc::clone(&certificate));
        certificate
    }

    async fn flush(&mut self, batches: &mpsc::Sender<Batch>) -> Result<(), WriterGone> {
        if self.batch.observations.is_empty() {
            return Ok(());
        }
        let batch = mem::take(&mut self.batch);
        batches.send(batch).await.map_err(|_| WriterGone)
    }

    async fn write_ledger(&mut self, batches: &mpsc::Sender<Batch>) -> Result<(), WriterGone> {
        let Some(ledger) = self.ledger.take() else {
            return Ok(());
        };
        for slice in ledger.slices() {
            let batch = Batch {
                coverage: slice.addresses,
                names: slice.names,
                ..Batch::default()
            };
            batches.send(batch).await.map_err(|_| WriterGone)?;
        }
        Ok(())
    }

    /// What the scan did not come to, so that the outcomes add up.
    fn close(&mut self) {
        let missing = self.plan.len().saturating_sub(self.tally.total());
        self.tally.add_many(OutcomeKind::NotAttempted, missing);
    }
}
