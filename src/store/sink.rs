use futures_util::future::BoxFuture;

use super::{Batch, Checkpoint, NewScan, ScanEnd, StoreError};
use crate::domain::ScanId;

/// Takes what a scan sees: the one writer of an inventory.
///
/// A batch is stored whole or not at all, also when its future is dropped.
/// Storing a batch again changes nothing, and so does any batch of a scan that
/// is over.
pub trait Sink: Send {
    /// Numbers a scan. Until it ends, all its targets count as not attempted;
    /// if it is killed, the next sink ends it as interrupted.
    fn begin(&mut self, scan: NewScan) -> BoxFuture<'_, Result<ScanId, StoreError>>;

    /// Goes on with a scan that ended early or was killed: it runs again,
    /// under its number and since it first began, by this record.
    ///
    /// Which one it may be is for the caller to decide: one of the same
    /// identity, without a successor.
    fn resume(
        &mut self,
        scan: ScanId,
        record: NewScan,
    ) -> BoxFuture<'_, Result<Checkpoint, StoreError>>;

    /// Stores what a scan saw.
    fn write<'a>(
        &'a mut self,
        scan: ScanId,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends a scan; when this returns, all of it outlasts a power failure.
    fn finish(&mut self, scan: ScanId, end: ScanEnd) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Closes the inventory in order. A sink that is only dropped loses
    /// nothing either, but may leave files of the database beside it.
    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;
}
