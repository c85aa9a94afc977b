//! The scans of an inventory → the latest that was ahead of the clock.

use std::path::Path;

use super::failure::Failure;
use super::inventory;
use crate::domain::Timestamp;
use crate::report::ScanRow;
use crate::scan::ScanAhead;

/// The one of the inventory at `db` that was at work at the latest time after
/// `now`, if one was.
pub(super) async fn scan_ahead(db: &Path, now: Timestamp) -> Result<Option<ScanAhead>, Failure> {
    let inventory = inventory::open(db).await?;
    let scans = inventory::scans(&inventory).await?;
    inventory.close().await;
    Ok(latest(&scans, now))
}

fn latest(scans: &[ScanRow], now: Timestamp) -> Option<ScanAhead> {
    let last = |it: &ScanRow| it.finished_at.unwrap_or(it.started_at).max(it.started_at);
    let scans = scans.iter().map(|it| ScanAhead {
        scan: it.id,
        at: last(it),
    });
    scans.filter(|it| it.at > now).max_by_key(|it| it.at)
}
