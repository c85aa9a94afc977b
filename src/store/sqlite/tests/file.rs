use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::domain::OutcomeKind;

/// Every file of a directory, byte for byte.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let bytes = if path.is_dir() {
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            (path, bytes)
        })
        .collect()
}

async fn refusals(path: &Path) -> [StoreError; 3] {
    [
        SqliteSink::open(path).await.err().unwrap(),
        SqliteSink::open_or_create(path).await.err().unwrap(),
        SqliteInventory::open(path).await.err().unwrap(),
    ]
}

async fn raw(path: &Path) -> SqliteConnection {
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_no_inventory_is_refused_untouched() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("empty.db"), b"").unwrap();
    fs::write(path("garbage.db"), [0xa5; 5000]).unwrap();
    fs::write(path("short.db"), b"SQLite format 3\0").unwrap();
    fs::create_dir(path("directory.db")).unwrap();
    let mut foreign = raw(&path("foreign.db")).await;
    sqlx::raw_sql("create table t (x); insert into t values (1)")
        .execute(&mut foreign)
        .await
        .unwrap();
    foreign.close().await.unwrap();
    let before = contents(directory.path());
    for name in [
        "empty.db",
        "garbage.db",
        "short.db",
        "directory.db",
        "foreign.db",
    ] {
        for error in refusals(&path(name)).await {
            assert!(
                matches!(error, StoreError::NotAnInventory { .. }),
                "{name}: {error}"
            );
            assert!(error.hint().is_some());
        }
    }
    assert_eq!(contents(directory.path()), before);
}

#[tokio::test]
async fn a_newer_inventory_is_refused_untouched() {
    let mut store = Store::new().await;
    store.scan(Batch::default()).await;
    let path = store.path();
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    let mut newer = raw(&path).await;
    sqlx::raw_sql("pragma user_version = 99")
        .execute(&mut newer)
        .await
        .unwrap();
    // Not yet in the file itself, only in its log.
    let before = contents(directory.path());
    for error in refusals(&path).await {
        assert!(
            matches!(error, StoreError::NewerVersion { found: 99, .. }),
            "{error}"
        );
    }
    let after = contents(directory.path());
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    assert_eq!(after[&path], before[&path]);
    newer.close().await.unwrap();
    let before = contents(directory.path());
    for error in refusals(&path).await {
        assert!(
            matches!(error, StoreError::NewerVersion { found: 99, .. }),
            "{error}"
        );
    }
    assert_eq!(contents(directory.path()), before);
}

#[tokio::test]
async fn nothing_is_created_by_reading() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none.db");
    for error in [
        SqliteInventory::open(&path).await.err().unwrap(),
        SqliteSink::open(&path).await.err().unwrap(),
    ] {
        assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    }
    let nowhere = directory.path().join("no/such/directory.db");
    let error = SqliteSink::open_or_create(&nowhere).await.err().unwrap();
    assert!(matches!(error, StoreError::File { .. }), "{error}");
    assert!(contents(directory.path()).is_empty());
}

#[tokio::test]
async fn an_inventory_is_its_owners_alone() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 1)]))
        .await;
    for name in ["test.db", "test.db-wal", "test.db-shm", "test.db.lock"] {
        let metadata = fs::metadata(store.directory.path().join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    store.sink.close().await.unwrap();
    let left: Vec<_> = contents(store.directory.path()).into_keys().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[tokio::test]
async fn what_a_broken_creation_left_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    fs::write(directory.path().join("test.db.new"), [1; 100]).unwrap();
    fs::write(directory.path().join("test.db.new-wal"), [1; 100]).unwrap();
    let (sink, opened) = SqliteSink::open_or_create(&path).await.unwrap();
    assert_eq!(opened, Opened::Created);
    assert_eq!(sink.path(), fs::canonicalize(&path).unwrap());
    sink.close().await.unwrap();
    assert!(!directory.path().join("test.db.new").exists());
    let (_, opened) = SqliteSink::open_or_create(&path).await.unwrap();
    assert_eq!(opened, Opened::Existing);
}

#[tokio::test]
async fn there_is_one_writer_and_it_is_named() {
    let store = Store::new().await;
    let path = store.path();
    let link = store.directory.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for path in [&path, &link] {
        let error = SqliteSink::open(path).await.err().unwrap();
        let StoreError::Locked { holder, .. } = error else {
            panic!("{error}");
        };
        assert!(holder.starts_with(&format!("process {} since ", std::process::id())));
    }
    SqliteInventory::open(&path).await.unwrap();
    let Store { directory, sink } = store;
    drop(sink);
    SqliteSink::open(&path).await.unwrap();
    drop(directory);
}

#[tokio::test]
async fn a_reader_sees_what_is_stored_while_the_scan_goes_on() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    let inventory = store.inventory().await;
    for n in 1..=3 {
        let seen = presenting(&format!("10.0.0.{n}"), 443, &["a"], n);
        store.sink.write(scan, &batch(vec![seen])).await.unwrap();
        let mut count = 0;
        let mut visit = |_| {
            count += 1;
            ControlFlow::Continue(())
        };
        let filter = Filter::default();
        let rows = inventory.installations(&filter, Detail::Facts, &mut visit);
        rows.await.unwrap();
        assert_eq!(count, n);
    }
}

#[tokio::test]
async fn a_reader_writes_nothing_into_the_inventory() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 1)]))
        .await;
    let path = store.path();
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    let inventory = SqliteInventory::open(&path).await.unwrap();
    assert!(inventory.endpoint(ip("10.0.0.1"), port(443)).await.is_ok());
    inventory.close().await;
    assert_eq!(fs::read(&path).unwrap(), before);
    drop(directory);
}

#[tokio::test]
async fn the_version_stands_in_the_header_too() {
    let store = Store::new().await;
    let mut raw = store.raw().await;
    let version: i64 = sqlx::query_scalar("pragma user_version")
        .fetch_one(&mut raw)
        .await
        .unwrap();
    let newest: i64 = sqlx::query_scalar("select max(version) from _sqlx_migrations")
        .fetch_one(&mut raw)
        .await
        .unwrap();
    assert_eq!(version, newest);
    assert_eq!(version, super::super::file::known_version());
}

#[tokio::test]
async fn an_impossible_value_is_called_damage() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 1)]))
        .await;
    let mut raw = store.raw().await;
    sqlx::raw_sql("update installations set state = 'lost'")
        .execute(&mut raw)
        .await
        .unwrap();
    sqlx::raw_sql("update endpoints set outcome = 'odd'")
        .execute(&mut raw)
        .await
        .unwrap();
    let inventory = store.inventory().await;
    let error = inventory
        .endpoint(ip("10.0.0.1"), port(443))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Corrupted { .. }), "{error}");
}

#[tokio::test]
async fn a_killed_scan_runs_no_longer_when_the_next_writer_comes() {
    let mut store = Store::new().await;
    store.scan(Batch::default()).await;
    store.begin().await;
    let path = store.path();
    let Store { directory, sink } = store;
    drop(sink);
    let sink = SqliteSink::open(&path).await.unwrap();
    let mut store = Store { directory, sink };
    store.begin().await;
    let scans = store.scans().await;
    let states: Vec<_> = scans.iter().map(|scan| scan.state).collect();
    assert_eq!(
        states,
        [
            ScanState::Complete,
            ScanState::Interrupted,
            ScanState::Running
        ]
    );
    let killed = &scans[1];
    assert_eq!(killed.finished_at, None);
    assert_eq!(killed.outcomes.count(OutcomeKind::NotAttempted), 256);
}

#[tokio::test]
async fn a_file_with_two_names_is_not_written_by_either() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 1)]))
        .await;
    let path = store.path();
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    let other = directory.path().join("other.db");
    fs::hard_link(&path, &other).unwrap();
    let before = contents(directory.path());
    for name in [&path, &other] {
        for error in [
            SqliteSink::open(name).await.err().unwrap(),
            SqliteSink::open_or_create(name).await.err().unwrap(),
        ] {
            assert!(
                matches!(error, StoreError::HardLinked { links: 2, .. }),
                "{error}"
            );
            assert!(error.hint().is_some());
        }
    }
    assert_eq!(contents(directory.path()), before);
    fs::remove_file(&other).unwrap();
    SqliteSink::open(&path).await.unwrap();
}

#[tokio::test]
async fn an_inventory_is_created_where_a_dangling_link_leads() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::create_dir(path("data")).unwrap();
    std::os::unix::fs::symlink("second.db", path("first.db")).unwrap();
    std::os::unix::fs::symlink("data/real.db", path("second.db")).unwrap();
    let (sink, opened) = SqliteSink::open_or_create(&path("first.db")).await.unwrap();
    assert_eq!(opened, Opened::Created);
    let real = fs::canonicalize(path("data")).unwrap().join("real.db");
    assert_eq!(sink.path(), real);
    let error = SqliteSink::open(&path("data/real.db")).await.err().unwrap();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    sink.close().await.unwrap();
    assert!(!path("first.db.lock").exists());
    assert!(path("data/real.db.lock").exists());
    SqliteInventory::open(&path("second.db")).await.unwrap();
}

#[tokio::test]
async fn a_link_that_leads_nowhere_is_refused_with_nothing_left() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::os::unix::fs::symlink("no/such/directory.db", path("far.db")).unwrap();
    std::os::unix::fs::symlink("circle.db", path("circle.db")).unwrap();
    for name in ["far.db", "circle.db"] {
        let error = SqliteSink::open_or_create(&path(name)).await.err().unwrap();
        assert!(matches!(error, StoreError::File { .. }), "{error}");
        if name == "far.db" {
            assert_eq!(error.hint(), Some("create the directory first"));
        }
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn a_statement_may_change_more_than_memory_holds_to_take_it_back() {
    let store = Store::new().await;
    let mut raw = store.raw().await;
    let rows = "create table pages (id integer primary key, number integer unique, octets blob); \
                insert into pages (number, octets) \
                with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000) \
                select i, zeroblob(4000) from n; \
                begin; \
                update pages set number = number + 10000, octets = zeroblob(4001); \
                commit;";
    sqlx::raw_sql(rows).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
}
