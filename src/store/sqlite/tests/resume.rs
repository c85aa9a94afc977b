//! Scans that are gone on with.

use super::super::super::{Checkpoint, JournalPage, Milestone, Step};
use super::*;

fn tally(counts: &[(OutcomeKind, u64)]) -> Tally {
    let mut tally = Tally::default();
    for (kind, count) in counts {
        tally.add_many(*kind, *count);
    }
    tally
}

fn refused(count: u64) -> Tally {
    tally(&[(OutcomeKind::Refused, count)])
}

fn page(number: u64) -> JournalPage {
    JournalPage {
        number,
        entries: format!("page {number}"),
    }
}

fn reached(block: u64, outcomes: Tally, step: Step) -> Batch {
    Batch {
        milestone: Some(Milestone {
            outcomes,
            block,
            step,
        }),
        ..Batch::default()
    }
}

impl Store {
    /// The same inventory after its writer was killed.
    async fn killed(self) -> Self {
        let Self { directory, sink } = self;
        drop(sink);
        let sink = SqliteSink::open(&directory.path().join("test.db")).await;
        Self {
            directory,
            sink: sink.unwrap(),
        }
    }

    async fn write(&mut self, scan: ScanId, batch: &Batch) {
        self.sink.write(scan, batch).await.unwrap();
    }

    async fn resume(&mut self, scan: ScanId) -> Checkpoint {
        self.sink.resume(scan, new_scan()).await.unwrap()
    }

    async fn journal(&self) -> i64 {
        let count = sqlx::query_scalar("select count(*) from journal");
        count.fetch_one(&mut self.raw().await).await.unwrap()
    }
}

#[tokio::test]
async fn a_killed_scan_goes_on_from_its_last_batch() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    store
        .write(scan, &reached(0, refused(3), Step::Page(page(0))))
        .await;
    store
        .write(scan, &reached(0, refused(5), Step::Page(page(1))))
        .await;
    let mut store = store.killed().await;

    let row = store.scans().await.remove(0);
    assert_eq!((row.state, row.ended_by), (ScanState::Interrupted, None));
    let expected = tally(&[(OutcomeKind::Refused, 5), (OutcomeKind::NotAttempted, 251)]);
    assert_eq!(row.outcomes, expected, "they add up to its targets");

    let checkpoint = store.resume(scan).await;
    let expected = Checkpoint {
        started_at: at(0),
        block: 0,
        outcomes: Tally::default(),
        pages: vec![page(0), page(1)],
        certificates: Vec::new(),
    };
    assert_eq!(checkpoint, expected);
    assert_eq!(store.scans().await[0].state, ScanState::Running);
}

#[tokio::test]
async fn a_block_that_is_done_leaves_its_outcomes_and_no_pages() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    store
        .write(scan, &reached(0, refused(100), Step::Page(page(0))))
        .await;
    store
        .write(scan, &reached(0, refused(100), Step::Done))
        .await;
    store
        .write(scan, &reached(1, refused(101), Step::Page(page(0))))
        .await;
    let mut store = store.killed().await;
    let checkpoint = store.resume(scan).await;
    assert_eq!((checkpoint.block, checkpoint.outcomes), (1, refused(100)));
    assert_eq!(checkpoint.pages, [page(0)]);
}

#[tokio::test]
async fn a_milestone_that_is_stored_again_changes_nothing() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    let first = reached(0, refused(1), Step::Page(page(0)));
    store.write(scan, &first).await;
    store.write(scan, &first).await;
    let mut store = store.killed().await;
    assert_eq!(store.resume(scan).await.pages, [page(0)]);
}

#[tokio::test]
async fn a_scan_that_runs_again_is_the_same_one_by_another_hand() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    let end = ScanEnd {
        incidents: Vec::new(),
        unlisted: 0,
        finished_at: at(50),
        state: ScanState::Stopped,
        ended_by: Some("window".to_owned()),
        outcomes: tally(&[(OutcomeKind::NotAttempted, 256)]),
    };
    store.sink.finish(scan, end).await.unwrap();
    let record = NewScan {
        started_at: at(1000),
        note: None,
        settings: "{\"rate\":\"7\"}".to_owned(),
        operator: "another".to_owned(),
        ..new_scan()
    };
    store.sink.resume(scan, record).await.unwrap();
    let row = store.scans().await.remove(0);
    assert_eq!(row.started_at, at(0));
    assert_eq!((row.finished_at, row.ended_by), (None, None));
    assert_eq!(row.note.as_deref(), Some("weekly"));
    assert_eq!(row.operator.as_deref(), Some("another"));
    assert_eq!(row.settings, "{\"rate\":\"7\"}");
}

#[tokio::test]
async fn what_is_complete_is_not_gone_on_with() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    store
        .write(scan, &reached(0, refused(1), Step::Page(page(0))))
        .await;
    store.finish(scan).await;
    assert_eq!(store.journal().await, 0);
    for scan in [scan, ScanId::new(7)] {
        let error = store.sink.resume(scan, new_scan()).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupted { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_later_scan_of_the_same_identity_takes_the_place_of_one_before() {
    let mut store = Store::new().await;
    let first = store.begin().await;
    store
        .write(first, &reached(0, refused(1), Step::Page(page(0))))
        .await;
    let mut store = store.killed().await;
    let other = NewScan {
        identity: Fingerprint::of(b"others"),
        ..new_scan()
    };
    let other = store.sink.begin(other).await.unwrap();
    assert_eq!(store.journal().await, 1, "others are no successors");
    let identity = new_scan().identity;
    let latest = store.sink.latest_scan(identity).await.unwrap().unwrap();
    assert_eq!((latest.id, latest.successor), (first, None));
    assert_eq!(latest.identity, Some(identity));
    assert_eq!(latest.seed, u64::MAX);

    let second = store.begin().await;
    assert_eq!(store.journal().await, 0);
    let latest = store.sink.latest_scan(identity).await.unwrap().unwrap();
    assert_eq!(latest.id, second);
    let past = store.sink.past_scan(first).await.unwrap().unwrap();
    assert_eq!(past.successor, Some(second));
    let past = store.sink.past_scan(other).await.unwrap().unwrap();
    assert_eq!(past.successor, None);
    assert_eq!(store.sink.past_scan(ScanId::new(9)).await.unwrap(), None);
}
