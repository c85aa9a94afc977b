//! Batches → the sink, one at a time: the inventory's only writer.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::domain::{ScanId, Tally};
use crate::store::{Batch, Sink, StoreError};

/// What became of all batches.
pub(super) struct Written {
    /// To close the scan with.
    pub(super) sink: Box<dyn Sink>,
    /// The targets whose outcomes are stored, those of earlier runs included.
    pub(super) outcomes: Tally,
    pub(super) result: Result<(), StoreError>,
}

/// Writes every batch that comes, on top of the outcomes of earlier runs.
/// After a failure it takes no more, which stops the collector, and through
/// it the workers.
pub(super) async fn run(
    mut sink: Box<dyn Sink>,
    scan: ScanId,
    mut outcomes: Tally,
    mut batches: mpsc::Receiver<Batch>,
) -> Written {
    let mut result = Ok(());
    while let Some(batch) = batches.recv().await {
        result = write(sink.as_mut(), scan, &batch).await;
        if result.is_err() {
            break;
        }
        if let Some(milestone) = batch.milestone {
            outcomes = milestone.outcomes;
        }
    }
    Written {
        sink,
        outcomes,
        result,
    }
}

/// How long another program may keep the inventory locked: a backup or a
/// query by hand, not a second scan.
const PATIENCE: Duration = Duration::from_mins(5);

/// Writes a batch, again and again while another program holds the database.
/// Meanwhile the workers wait, and nothing is lost.
async fn write(sink: &mut dyn Sink, scan: ScanId, batch: &Batch) -> Result<(), StoreError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match sink.write(scan, batch).await {
            Err(StoreError::Busy { operation, holders }) if Instant::now() < until => {
                warn!(
                    operation,
                    ?holders,
                    "another program has the inventory locked: waiting"
                );
                sleep(BETWEEN_TRIES).await;
            }
            written => return written,
        }
    }
}

/// The database itself waits some seconds in each try.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);
