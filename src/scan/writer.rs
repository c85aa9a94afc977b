//! Parcels → the sink, one at a time: the inventory's only writer.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::domain::{ScanId, Tally};
use crate::store::{Batch, Sink, StoreError};

/// What is stored at once, and the targets that are settled by it.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    pub(super) batch: Batch,
    pub(super) outcomes: Tally,
}

/// What became of all parcels.
pub(super) struct Written {
    /// To close the scan with.
    pub(super) sink: Box<dyn Sink>,
    /// The targets whose parcels are stored.
    pub(super) outcomes: Tally,
    pub(super) result: Result<(), StoreError>,
}

/// Writes every parcel that comes. After a failure it takes no more, which
/// stops the collector, and through it the workers.
pub(super) async fn run(
    mut sink: Box<dyn Sink>,
    scan: ScanId,
    mut parcels: mpsc::Receiver<Parcel>,
) -> Written {
    let mut outcomes = Tally::default();
    let mut result = Ok(());
    while let Some(parcel) = parcels.recv().await {
        result = write(sink.as_mut(), scan, &parcel.batch).await;
        if result.is_err() {
            break;
        }
        outcomes += parcel.outcomes;
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
            Err(StoreError::Busy { operation }) if Instant::now() < until => {
                warn!(
                    operation,
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
