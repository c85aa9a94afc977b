use std::ops::ControlFlow;
use std::path::Path;

use super::failure::Failure;
use super::printer::Printer;
use crate::appraisal::Wanted;
use crate::domain::{ScanId, Timestamp};
use crate::report::ScanRow;
use crate::store::{Inventory, SqliteInventory, StoreError};

/// Opens the inventory to read it; only `scan`, `import` and
/// `demo` create one.
pub(super) async fn open(path: &Path) -> Result<SqliteInventory, Failure> {
    SqliteInventory::open(path).await.map_err(Failure::from)
}

/// Opens the inventory to read what is wanted, as it stands at one moment; the
/// scans that filters name must be in it.
pub(super) async fn open_for(path: &Path, wanted: &Wanted) -> Result<SqliteInventory, Failure> {
    let inventory = open(path).await?.at_one_moment();
    let named = &wanted.inventory.scans;
    if !named.is_empty() {
        let known = scans(&inventory).await?;
        let is_unknown = |id: &&ScanId| known.iter().all(|scan| scan.id != **id);
        if let Some(id) = named.iter().find(is_unknown) {
            return Err(no_such_scan(*id));
        }
    }
    Ok(inventory)
}

/// All its scans, oldest first.
pub(super) async fn scans(inventory: &SqliteInventory) -> Result<Vec<ScanRow>, StoreError> {
    let mut scans = Vec::new();
    let mut keep = |scan| {
        scans.push(scan);
        ControlFlow::Continue(())
    };
    inventory.scans(&mut keep).await?;
    Ok(scans)
}

/// Tells, where an earlier day is told of, that what had ended since may have
/// been pruned.
pub(super) async fn tell_pruned(
    inventory: &SqliteInventory,
    day: Timestamp,
    printer: &Printer,
) -> Result<(), StoreError> {
    let pruned = inventory.pruned_before().await?;
    if let Some(before) = pruned.filter(|before| *before > day) {
        let line = format!("note: what was over by {before} was pruned, and is missing here");
        printer.note(&line);
    }
    Ok(())
}

/// The operator named a scan that the inventory does not have.
pub(super) fn no_such_scan(id: ScanId) -> Failure {
    Failure::usage(format_args!("there is no scan {id}")).hint(Some("`certsweep scans` lists them"))
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let hint = error.hint();
        match error {
            StoreError::Locked { .. } => Self::busy(error),
            _ => Self::failed(error),
        }
        .hint(hint)
    }
}
