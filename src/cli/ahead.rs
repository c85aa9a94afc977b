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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ScanId, ScanState, Tally};

    #[test]
    fn the_scan_that_was_latest_of_those_after_now_is_told_of() {
        let scan = |number, began: i64, ended: Option<i64>| ScanRow {
            id: ScanId::new(number),
            started_at: Timestamp::from_seconds(began),
            finished_at: ended.map(Timestamp::from_seconds),
            state: ScanState::Complete,
            ended_by: None,
            operator: None,
            targets: 1,
            outcomes: Tally::default(),
            note: None,
            settings: String::new(),
            run: number,
            incidents: Vec::new(),
            unlisted: 0,
        };
        let scans = [
            scan(1, 10, Some(20)),
            scan(2, 70, Some(90)),
            scan(3, 80, None),
            scan(4, 30, Some(60)),
        ];
        let ahead = |now| latest(&scans, Timestamp::from_seconds(now));
        let second = ScanAhead {
            scan: ScanId::new(2),
            at: Timestamp::from_seconds(90),
        };
        assert_eq!(ahead(50), Some(second));
        assert_eq!(ahead(89), Some(second));
        assert_eq!(ahead(90), None);
    }
}
