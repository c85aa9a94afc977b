//! What pruning removes, and what it must never touch.

use tokio::sync::mpsc;

use super::super::cursor::{Columns, Cursor};
use super::super::reading::Reading;
use super::super::shared::Shared;
use super::super::told::{Repeated, Told};
use super::super::{dossiers, report};
use super::moves::{WEEK, find_name};
use super::*;
use crate::domain::OutcomeKind;
use crate::report::Source;
use crate::store::{Import, Pruned};

/// Two scans, of which the second sees another certificate at one of two
/// places; an import; a ledger.
async fn replaced() -> Store {
    let mut store = Store::new().await;
    let run = |second| AddressRun {
        zone: Zone::default(),
        port: port(443),
        first: ip("10.0.9.0"),
        last: ip("10.0.9.9"),
        outcome: OutcomeKind::Filtered,
        detail: String::new(),
        at: at(second),
    };
    let seen = vec![
        presenting("10.0.0.1", 443, &["old", "old-ca"], 10),
        presenting("10.0.0.2", 443, &["stays", "ca"], 10),
    ];
    let mut first = batch(seen);
    first.coverage.push(run(10));
    store.scan(first).await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["new", "ca"], 20)]))
        .await;
    let import = Import {
        certificates: vec![certificate("client")],
        label: None,
        at: at(5),
    };
    store.sink.import(import).await.unwrap();
    store
}

#[tokio::test]
async fn what_ended_before_goes_with_all_that_was_its_own() {
    let mut store = replaced().await;
    let before = store.dump_all().await;
    let expected = Pruned {
        installations: 1,
        chains: 1,
        certificates: 1,
        coverage: 1,
        ..Pruned::default()
    };
    assert_eq!(store.sink.prunable(at(30)).await.unwrap(), expected);
    assert_eq!(store.dump_all().await, before, "a trial removed something");
    // The predecessor stays known by its successor.
    let kept = store.history().await;
    assert_eq!(store.sink.prune(at(30)).await.unwrap(), expected);
    let rows = store.history().await;
    let gone = crate::report::InstallationState::Gone;
    let kept: Vec<_> = kept.into_iter().filter(|row| row.state != gone).collect();
    assert_eq!(rows, kept);
    assert_eq!(rows[0].previous, Some(hash_of("old")));
    assert!(store.sink.prune(at(30)).await.unwrap().is_nothing());
}

#[tokio::test]
async fn nothing_goes_that_ended_later_or_is_current() {
    let mut store = replaced().await;
    assert!(store.sink.prunable(at(-1)).await.unwrap().is_nothing());
    let before = store.dump_all().await;
    assert!(store.sink.prune(at(-1)).await.unwrap().is_nothing());
    assert_eq!(store.dump_all().await, before);
}

#[tokio::test]
async fn a_place_without_an_installation_goes_whole_and_the_latest_scan_stays() {
    let mut store = replaced().await;
    let mut raw = store.raw().await;
    sqlx::query("update installations set state = 'gone', last_seen = 0, last_scan = 1")
        .execute(&mut raw)
        .await
        .unwrap();
    raw.close().await.unwrap();
    let done = store.sink.prune(at(1000)).await.unwrap();
    assert_eq!(
        (done.installations, done.questions, done.endpoints),
        (3, 2, 2)
    );
    assert_eq!(store.dump("looks").await.len(), 0);
    assert_eq!(store.dump("surveys").await.len(), 0);
    let rows = store.history().await;
    assert_eq!(rows.len(), 1, "only the import is left");
    assert_eq!(store.dump("certificates").await.len(), 1);
    assert_eq!(store.dump("certificate_names").await.len(), 2);
    let scans: Vec<_> = store.scans().await.iter().map(|scan| scan.id).collect();
    assert_eq!(scans, [ScanId::new(2)]);
    // What the writer remembers of removed rows must not come back.
    let again = batch(vec![presenting("10.0.0.1", 443, &["new", "ca"], 30)]);
    store.scan(again).await;
    assert_eq!(store.history().await.len(), 2);
}

/// A place where a certificate was twice: from the 10th second to the 20th, and
/// from the 30th to the 60th.
async fn returned() -> Store {
    let mut store = Store::new().await;
    for (name, second) in [("old", 10), ("mid", 20), ("new", 30), ("newest", 60)] {
        let seen = presenting("10.0.0.1", 443, &[name, "ca"], second);
        store.scan(batch(vec![seen])).await;
    }
    let returned = "update installations set certificate_id = (select certificate_id \
          from installations where first_seen = 1700000010000000) \
          where first_seen = 1700000030000000";
    change(&store, returned).await;
    store
}

#[tokio::test]
async fn what_stays_of_a_certificate_tells_since_when_it_was_there() {
    let mut store = returned().await;
    let since = |rows: Vec<Installation>| {
        let of_old = rows.into_iter();
        let of_old = of_old.filter(|row| row.certificate.sha256 == hash_of("old"));
        of_old.map(|row| row.first_seen).collect::<Vec<_>>()
    };
    let then = Filter {
        known_at: Some(at(45)),
        ..every_state()
    };
    assert_eq!(since(store.history().await), [at(10)]);
    assert_eq!(store.sink.prune(at(40)).await.unwrap().installations, 1);
    assert_eq!(since(store.history().await), [at(10)]);
    assert_eq!(since(store.installations(&then).await), [at(10)]);
    assert_eq!(store.sink.prune(at(61)).await.unwrap().installations, 2);
    assert_eq!(since(store.history().await), []);
}

#[tokio::test]
async fn a_latest_answer_that_stays_keeps_its_beginning() {
    let mut store = returned().await;
    change(
        &store,
        "delete from installations where first_seen = 1700000060000000; \
         update installations set state = 'gone', ended_as = 'gone', last_seen = null, \
                ended_at = 1700000035000000 where first_seen = 1700000030000000; \
         update looks set asked_at = 1700000050000000",
    )
    .await;
    assert_eq!(store.sink.prune(at(40)).await.unwrap().installations, 1);
    let rows = store.history().await;
    let rows: Vec<_> = rows.iter().map(|row| row.first_seen).collect();
    assert_eq!(rows, [at(10)]);
    let forgotten = store.sink.prune(at(60)).await.unwrap();
    assert_eq!((forgotten.installations, forgotten.questions), (2, 1));
}

/// Runs statements on the file, as if time had passed.
async fn change(store: &Store, statements: &'static str) {
    let mut raw = store.raw().await;
    sqlx::raw_sql(statements).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
}

#[tokio::test]
async fn the_latest_answer_stays_as_long_as_its_question_is_asked() {
    let mut store = replaced().await;
    change(
        &store,
        "update installations set state = 'gone', ended_as = 'gone', ended_at = 1700000015000000 \
          where last_seen is null and question_id = (select q.id from questions q \
            join endpoints e on e.id = q.endpoint_id where e.ip = '10.0.0.2'); \
         update looks set asked_at = 1700000050000000 where question_id = (select q.id from questions q \
            join endpoints e on e.id = q.endpoint_id where e.ip = '10.0.0.2');",
    )
    .await;
    let still_asked = store.sink.prune(at(40)).await.unwrap();
    assert_eq!((still_asked.installations, still_asked.questions), (1, 0));
    assert_eq!(store.history().await.len(), 3);
    assert!(store.sink.prunable(at(10)).await.unwrap().is_nothing());
    let forgotten = store.sink.prune(at(60)).await.unwrap();
    assert_eq!((forgotten.installations, forgotten.questions), (1, 1));
    let left: Vec<_> = store
        .history()
        .await
        .into_iter()
        .map(|row| row.ip)
        .collect();
    assert_eq!(left, [Some(ip("10.0.0.1")), None]);
}

#[tokio::test]
async fn a_place_that_is_still_scanned_stays_retired() {
    let mut store = Store::new().await;
    let seen = presenting("10.0.0.1", 443, &["old", "ca"], 10);
    store.scan(batch(vec![seen])).await;
    for day in [1, 2, 3, 9, 10, 11, 90] {
        let refusing = looking("10.0.0.1", 443, refused(), day * 86_400);
        store.scan(batch(vec![refusing])).await;
    }
    let known = async |store: &Store| {
        let inventory = store.inventory().await;
        let known = inventory.known(&Zone::default(), at(100 * 86_400)).await;
        known.unwrap()
    };
    assert_eq!(known(&store).await, []);
    assert!(
        store
            .history()
            .await
            .iter()
            .any(|row| row.last_seen.is_some())
    );
    let limit = at(80 * 86_400);
    assert_eq!(store.sink.prune(limit).await.unwrap().installations, 0);
    assert_eq!(known(&store).await, []);
    let limit = at(95 * 86_400);
    let done = store.sink.prune(limit).await.unwrap();
    assert_eq!((done.installations, done.endpoints), (1, 1));
}

#[tokio::test]
async fn a_certificate_that_is_back_keeps_the_day_it_was_first_seen() {
    let mut store = Store::new().await;
    for (name, second) in [("old", 10), ("new", 20), ("old", 30)] {
        let seen = presenting("10.0.0.1", 443, &[name, "ca"], second);
        store.scan(batch(vec![seen])).await;
    }
    let before = store.installations(&Filter::default()).await;
    store.sink.prune(at(1000)).await.unwrap();
    assert_eq!(store.installations(&Filter::default()).await, before);
    assert!(before.iter().any(|row| row.first_seen == at(10)));
}

#[tokio::test]
async fn what_was_said_and_asked_of_what_goes_goes_with_it() {
    let mut store = replaced().await;
    change(
        &store,
        "insert into judgements select id, 1 from installations; \
         insert into surveys select id, 'TLSv1.2', 'accepted', 0, 1 from endpoints; \
         insert into failures select id, 1, 1, 0, 1 from installations; \
         update installations set state = 'gone', ended_at = 1700000025000000 where last_seen is null \
            and question_id = (select min(id) from questions);",
    )
    .await;
    store.sink.prune(at(30)).await.unwrap();
    for table in [
        "judgements",
        "surveys",
        "failures",
        "endpoints",
        "questions",
    ] {
        assert_eq!(store.dump(table).await.len(), 1, "{table}");
    }
    assert_sound(&store).await;
}

async fn assert_sound(store: &Store) {
    let mut raw = store.raw().await;
    let broken = sqlx::query("pragma foreign_key_check")
        .fetch_all(&mut raw)
        .await
        .unwrap();
    assert!(broken.is_empty());
}

#[tokio::test]
async fn a_place_that_a_name_left_goes_and_may_be_found_again() {
    let mut store = Store::new().await;
    find_name(&mut store, "10.0.0.1", "a", 0).await;
    find_name(&mut store, "10.0.0.2", "a", 1).await;
    let done = store.sink.prune(at(2 * WEEK)).await.unwrap();
    assert_eq!(
        (done.installations, done.questions, done.endpoints),
        (1, 1, 1)
    );
    assert_sound(&store).await;
    find_name(&mut store, "10.0.0.1", "a", 3).await;
    let current = store.installations(&Filter::default()).await;
    assert!(current.iter().any(|row| row.ip == Some(ip("10.0.0.1"))));
}

#[tokio::test]
async fn no_event_takes_the_name_of_one_that_was_pruned() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 10)]))
        .await;
    store
        .scan(batch(vec![presenting("10.0.0.2", 443, &["b"], 20)]))
        .await;
    let closed = || looking("10.0.0.2", 443, Outcome::Refused, 30);
    store.scan(batch(vec![closed()])).await;
    let later = Observation {
        at: at(30 + WEEK),
        ..closed()
    };
    store.scan(batch(vec![later])).await;
    let told: Vec<_> = ids(&store).await;
    let done = store.sink.prune(at(2 * WEEK)).await.unwrap();
    assert_eq!(done.installations, 1);
    let kept = ids(&store).await;
    let seen = presenting("10.0.0.3", 443, &["c"], 3 * WEEK);
    store.scan(batch(vec![seen])).await;
    let new = ids(&store).await;
    let new: Vec<_> = new.iter().filter(|id| !kept.contains(id)).collect();
    assert_eq!(new.len(), 1);
    assert!(!told.contains(new[0]), "{new:?} was told before");
}

/// The names of all events.
async fn ids(store: &Store) -> Vec<String> {
    let events = store.event_rows(&Filter::default()).await;
    events.into_iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn whatever_has_more_to_be_said_of_it_is_marked_after_pruning_too() {
    let mut store = replaced().await;
    let named = |name, address, leaf, second| {
        let look = presenting(address, 443, &[leaf, "ca"], second);
        asking(name, look)
    };
    let look = named("a.example", "10.0.0.2", "stays", 25);
    store.scan(batch(vec![look])).await;
    assert_eq!(store.marked().await, (1, 2));
    let done = store.sink.prune(at(30)).await.unwrap();
    assert_eq!((done.installations, done.questions), (1, 0));
    assert_eq!(store.marked().await, (1, 1), "a mark stays");
    let looks = vec![
        presenting("10.0.0.2", 443, &["renewed", "ca"], 40),
        named("b.example", "10.0.0.1", "new", 40),
    ];
    store.scan(batch(looks)).await;
    assert_eq!(store.marked().await, (2, 3));
}

#[tokio::test]
async fn up_to_when_was_pruned_is_known() {
    let mut store = replaced().await;
    let known = async |store: &Store| store.inventory().await.pruned_before().await.unwrap();
    store.sink.prunable(at(30)).await.unwrap();
    assert_eq!(known(&store).await, None);
    for moment in [30, 20] {
        store.sink.prune(at(moment)).await.unwrap();
        assert_eq!(known(&store).await, Some(at(30)));
    }
}

#[tokio::test]
async fn a_report_leaves_out_what_is_pruned_while_it_reads() {
    let mut store = replaced().await;
    let mut raw = store.raw().await;
    let mut query = report::select_installations();
    query.push(" where 1").push(report::INSTALLATION_ORDER);
    let (send, mut pages) = mpsc::channel(1);
    let cursor = Cursor::open(&Reading::Tidy, &store.path()).unwrap();
    let taken = tokio::task::spawn_blocking(move || {
        let mut repeated = Repeated::on(&cursor)?;
        let read = |columns: Columns<'_>| Told::read(Source::Scan, columns, &mut repeated);
        cursor.pages(&query, read, &send)
    });
    let rows = pages.recv().await.unwrap();
    assert!(taken.await.unwrap().unwrap().is_continue());
    assert_eq!(rows.len(), 3);
    store.sink.prune(at(30)).await.unwrap();
    let mut shared = Shared::new(Detail::Facts, None, None);
    let parts = dossiers::parts(&mut raw, rows, &mut shared).await;
    let [part] = <[_; 1]>::try_from(parts.unwrap()).ok().unwrap();
    let page = dossiers::page(&mut raw, part, &mut shared).await.unwrap();
    let left = page.iter().map(|dossier| dossier.row.certificate.sha256);
    assert_eq!(left.collect::<Vec<_>>(), ["new", "stays"].map(hash_of));
}
