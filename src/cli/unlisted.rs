//! Scans that ended before so many of their targets that the ledger does not
//! list them → what to say where it knows nothing.

use std::fmt::Write;
use std::ops::ControlFlow;

use super::failure::Failure;
use crate::store::Inventory;

/// A line for each such scan.
pub(super) async fn unlisted(inventory: &dyn Inventory) -> Result<String, Failure> {
    let mut text = String::new();
    let mut keep = |scan: crate::report::ScanRow| {
        if scan.unlisted > 0 {
            // Writing to a String can't fail.
            let _ = writeln!(
                text,
                "scan {} ({}) ended before {} targets that are not listed one by one",
                scan.id, scan.state, scan.unlisted
            );
        }
        ControlFlow::Continue(())
    };
    inventory.scans(&mut keep).await?;
    Ok(text)
}
