//! Batches → the sink, one at a time: the inventory's only writer.

use tokio::sync::mpsc;

use crate::domain::ScanId;
use crate::store::{Batch, Sink, StoreError};

/// Writes every batch that comes. After a failure it takes no more, which
/// stops the collector, and through it the workers. The sink comes back to
/// close the scan with.
pub(super) async fn run(
    mut sink: Box<dyn Sink>,
    scan: ScanId,
    mut batches: mpsc::Receiver<Batch>,
) -> (Box<dyn Sink>, Result<(), StoreError>) {
    while let Some(batch) = batches.recv().await {
        if let Err(error) = sink.write(scan, batch).await {
            return (sink, Err(error));
        }
    }
    (sink, Ok(()))
}
