//! Who may read an inventory, and what that leaves beside it.

use std::fs::{self, Permissions};
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::super::reading::Reading;
use super::*;

/// `nobody` on every system we know.
const NOBODY: u32 = 65_534;

/// Runs `work` without a superuser's right to write anywhere: the rights of a
/// thread go over to those it starts, so to the database's.
fn as_a_guest<T: Send, F: Future<Output = T>>(work: impl FnOnce() -> F + Send) -> T {
    let guest = || {
        if rustix::process::geteuid().is_root() {
            let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
            set_thread_groups(&[]).unwrap();
            set_thread_res_gid(group, group, group).unwrap();
            set_thread_res_uid(user, user, user).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(work())
    };
    std::thread::scope(|scope| scope.spawn(guest).join().unwrap())
}

/// All may read what is in the directory; nobody may write it, or beside it.
fn forbid_writing(directory: &Path) {
    for name in files(directory) {
        set_mode(&directory.join(name), 0o444);
    }
    set_mode(directory, 0o555);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Its files, the lock left out.
fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "test.db.lock")
        .collect();
    names.sort();
    names
}

async fn seen(path: &Path) -> Result<usize, StoreError> {
    let inventory = SqliteInventory::open(path).await?;
    let rows = inventory.endpoint(ip("10.0.0.1"), port(443)).await;
    inventory.close().await;
    rows.map(|rows| rows.len())
}

async fn store() -> Store {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 1)]))
        .await;
    store
}

/// What a killed writer leaves: the file and its log, each still needed.
async fn killed() -> TempDir {
    let store = store().await;
    let copy = tempfile::tempdir().unwrap();
    for name in files(store.directory.path()) {
        fs::copy(store.directory.path().join(&name), copy.path().join(&name)).unwrap();
    }
    copy
}

#[tokio::test]
async fn an_inventory_in_a_directory_one_may_not_write_can_be_read() {
    let store = store().await;
    let path = store.path();
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    forbid_writing(directory.path());
    assert_eq!(as_a_guest(|| seen(&path)).unwrap(), 1);
    assert_eq!(files(directory.path()), ["test.db"]);
    set_mode(directory.path(), 0o700);
}

#[tokio::test]
async fn a_guest_reads_while_the_scan_goes_on() {
    let store = store().await;
    forbid_writing(store.directory.path());
    let path = store.path();
    assert_eq!(as_a_guest(|| seen(&path)).unwrap(), 1);
    set_mode(store.directory.path(), 0o700);
}

#[tokio::test]
async fn a_guest_reads_what_a_killed_scan_left() {
    let directory = killed().await;
    let path = directory.path().join("test.db");
    forbid_writing(directory.path());
    let before = files(directory.path());
    assert_eq!(before, ["test.db", "test.db-shm", "test.db-wal"]);
    assert_eq!(as_a_guest(|| seen(&path)).unwrap(), 1);
    assert_eq!(files(directory.path()), before);
    set_mode(directory.path(), 0o700);
}

#[tokio::test]
async fn a_guest_reads_beside_an_empty_log() {
    let store = store().await;
    let path = store.path();
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    fs::write(directory.path().join("test.db-wal"), []).unwrap();
    for size in [0, 32_768] {
        fs::write(directory.path().join("test.db-shm"), vec![0; size]).unwrap();
        forbid_writing(directory.path());
        assert_eq!(as_a_guest(|| seen(&path)).unwrap(), 1);
        set_mode(directory.path(), 0o700);
        set_mode(&directory.path().join("test.db-shm"), 0o600);
    }
    fs::remove_file(directory.path().join("test.db-shm")).unwrap();
    forbid_writing(directory.path());
    assert_eq!(as_a_guest(|| seen(&path)).unwrap(), 1);
    set_mode(directory.path(), 0o700);
}

#[tokio::test]
async fn what_a_guest_can_not_read_is_named_with_a_hint() {
    let directory = killed().await;
    let path = directory.path().join("test.db");
    let log = directory.path().join("test.db-wal");
    forbid_writing(directory.path());
    set_mode(&log, 0o000);
    let error = as_a_guest(|| seen(&path)).unwrap_err();
    assert!(error.to_string().contains("test.db-wal"), "{error}");
    assert!(error.hint().is_some());
    set_mode(&log, 0o444);
    set_mode(directory.path(), 0o700);
    fs::remove_file(directory.path().join("test.db-shm")).unwrap();
    set_mode(directory.path(), 0o555);
    let error = as_a_guest(|| seen(&path)).unwrap_err();
    assert!(matches!(error, StoreError::NotClosed { .. }), "{error}");
    assert!(error.hint().is_some());
    set_mode(directory.path(), 0o700);
}

#[tokio::test]
async fn a_file_written_while_read_without_locks_is_not_believed() {
    let store = store().await;
    let path = store.path();
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    forbid_writing(directory.path());
    let reading = as_a_guest(async || Reading::of(&path)).unwrap();
    assert!(reading.judge(Ok(())).is_ok());
    set_mode(directory.path(), 0o700);
    set_mode(&path, 0o600);
    let mut store = Store {
        sink: SqliteSink::open(&path).await.unwrap(),
        directory,
    };
    store
        .scan(batch(vec![presenting("10.0.0.2", 443, &["b"], 2)]))
        .await;
    store.sink.close().await.unwrap();
    let error = reading.judge(Ok(())).unwrap_err();
    assert!(
        matches!(error, StoreError::ChangedWhileRead { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_reader_that_closes_leaves_nothing() {
    let store = store().await;
    let path = store.path();
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    let inventory = SqliteInventory::open(&path).await.unwrap();
    let mut enough = |_| ControlFlow::Break(());
    let filter = Filter::default();
    let rows = inventory.installations(&filter, Detail::Facts, &mut enough);
    rows.await.unwrap();
    let other = SqliteInventory::open(&path).await.unwrap();
    inventory.close().await;
    other.endpoint(ip("10.0.0.1"), port(443)).await.unwrap();
    other.close().await;
    assert_eq!(files(directory.path()), ["test.db"]);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn all_that_is_asked_of_one_moment_is_of_the_first() {
    let mut store = store().await;
    let path = store.path();
    let open = || async { SqliteInventory::open(&path).await.unwrap() };
    let (each, one) = (open().await, open().await.at_one_moment());
    assert_eq!((counts(&each).await, counts(&one).await), ([1; 3], [1; 3]));
    let next = presenting("10.0.0.2", 443, &["b"], 2);
    store.scan(batch(vec![next])).await;
    assert_eq!((counts(&each).await, counts(&one).await), ([2; 3], [1; 3]));
    each.close().await;
    one.close().await;
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    assert_eq!(files(directory.path()), ["test.db"]);
}

/// How many installations, endpoints and looks at them there are.
async fn counts(inventory: &SqliteInventory) -> [usize; 3] {
    let filter = Filter::default();
    let mut counts = [0; 3];
    let [installations, endpoints, looks] = &mut counts;
    let mut installation = |_| count(installations);
    let read = inventory.installations(&filter, Detail::Facts, &mut installation);
    read.await.unwrap();
    let mut endpoint = |_| count(endpoints);
    inventory.endpoints(&filter, &mut endpoint).await.unwrap();
    let mut look = |_| count(looks);
    inventory.endpoint_looks(&filter, &mut look).await.unwrap();
    counts
}

fn count(counter: &mut usize) -> ControlFlow<()> {
    *counter += 1;
    ControlFlow::Continue(())
}

#[tokio::test]
async fn a_reader_tidies_up_after_a_killed_scan() {
    let directory = killed().await;
    let path = directory.path().join("test.db");
    assert_eq!(seen(&path).await.unwrap(), 1);
    assert_eq!(files(directory.path()), ["test.db"]);
    assert_eq!(seen(&path).await.unwrap(), 1);
}

#[tokio::test]
async fn a_reader_with_the_right_to_write_can_not() {
    let store = store().await;
    let options = Reading::of(&store.path()).unwrap();
    let mut reader = options.options(&store.path()).connect().await.unwrap();
    let written = sqlx::raw_sql("delete from looks")
        .execute(&mut reader)
        .await;
    assert!(written.unwrap_err().to_string().contains("readonly"));
}
