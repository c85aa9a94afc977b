//! Scans that are gone on with.

use super::super::super::{Checkpoint, JournalPage, Milestone, Step};
use super::moves::{WEEK, find_name, name_found};
use super::*;
use crate::report::InstallationState::{self, Current, Gone, Missing};

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

    /// A scan that is stopped before it saw anything, to be gone on with.
    async fn stopped(&mut self) -> ScanId {
        let scan = self.begin().await;
        let end = ended(ScanState::Stopped);
        self.sink.finish(scan, end).await.unwrap();
        scan
    }

    /// The later part of a scan sees this.
    async fn go_on(&mut self, scan: ScanId, seen: &[Batch]) {
        self.resume(scan).await;
        for batch in seen {
            self.write(scan, batch).await;
        }
        self.finish(scan).await;
    }

    async fn states(&self) -> Vec<InstallationState> {
        let rows = self.history().await;
        rows.iter().map(|row| row.state).collect()
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

#[tokio::test]
async fn a_name_has_moved_in_the_later_part_of_a_scan_since_a_scan_in_between() {
    let mut store = Store::new().await;
    find_name(&mut store, "10.0.0.1", "a", 0).await;
    let scan = store.stopped().await;
    find_name(&mut store, "10.0.0.1", "a", 1).await;
    store.go_on(scan, &[name_found("10.0.0.2", "a", 2)]).await;
    assert_eq!(
        store.events().await,
        ["1 new www.example", "2 moved www.example"]
    );
    assert_eq!(store.states().await, [Gone, Current]);
}

#[tokio::test]
async fn the_later_part_of_a_scan_is_a_look_where_a_name_leads_no_more() {
    let both = |week| {
        let mut found = name_found("10.0.0.1", "a", week);
        let other = name_found("10.0.0.2", "a", week);
        found.observations.extend(other.observations);
        found.leads.extend(other.leads);
        found
    };
    for (later, failed) in [(name_found("10.0.0.2", "a", 2), 1), (both(2), 0)] {
        let mut store = Store::new().await;
        store.scan(both(0)).await;
        let scan = store.stopped().await;
        store.scan(both(1)).await;
        store.go_on(scan, &[later]).await;
        assert_eq!(store.dump("failures").await.len(), failed);
        assert_eq!(store.states().await, [Current; 2]);
    }
}

#[tokio::test]
async fn the_earlier_part_of_a_scan_says_nothing_of_where_a_name_led_after_it() {
    for known in [true, false] {
        let mut store = Store::new().await;
        if known {
            find_name(&mut store, "10.0.0.1", "a", 0).await;
        }
        // Killed before the ledger of names was written.
        let name_found = |address, week| {
            let mut found = name_found(address, "a", week);
            (std::mem::take(&mut found.names), found)
        };
        let scan = store.begin().await;
        let (names, earlier) = name_found("10.0.0.1", 1);
        store.write(scan, &earlier).await;
        store = store.killed().await;
        let between = store.begin().await;
        let (_, found) = name_found("10.0.0.2", 2);
        store.write(between, &found).await;
        store = store.killed().await;

        let ledger = Batch {
            names,
            ..Batch::default()
        };
        store.go_on(scan, &[ledger]).await;
        assert_eq!(store.states().await, [Current; 2], "{known}");
        assert_eq!(store.dump("failures").await.len(), 0, "{known}");
    }
}

#[tokio::test]
async fn what_the_later_part_of_a_scan_did_not_reach_is_refused_to_every_question_there() {
    let seen = |week: i64| {
        let own = presenting("10.0.0.1", 443, &["own"], week * WEEK);
        let www = presenting("10.0.0.1", 443, &["www"], week * WEEK + 1);
        let mut smtp = presenting("10.0.0.1", 443, &["smtp"], week * WEEK + 2);
        smtp.endpoint.dialect = Dialect::Smtp;
        batch(vec![own, asking("www.example", www), smtp])
    };
    // The run of the ledger is of the later part, or of the one before.
    for (week, expected) in [(3, Missing), (1, Current)] {
        let mut store = Store::new().await;
        store.scan(seen(0)).await;
        let scan = store.stopped().await;
        store.scan(seen(2)).await;
        let ledger = Batch {
            coverage: vec![run(
                "10.0.0.0",
                "10.0.0.1",
                443,
                OutcomeKind::Refused,
                week * WEEK,
            )],
            ..Batch::default()
        };
        store.go_on(scan, &[ledger]).await;
        assert_eq!(store.states().await, [expected; 3], "week {week}");
        let inventory = store.inventory().await;
        let endpoints = inventory.endpoint(ip("10.0.0.1"), port(443)).await.unwrap();
        let refused = endpoints
            .iter()
            .all(|row| row.outcome == OutcomeKind::Refused);
        assert_eq!(refused, expected == Missing);
    }
}
