//! Parcels → the sink, one at a time: the inventory's only writer.

use tokio::sync::mpsc;

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
        result = sink.write(scan, parcel.batch).await;
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
