use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::super::{copy_inventory, damages};
use super::*;
use crate::store::FileMode;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

async fn count(path: &Path) -> u64 {
    let inventory = SqliteInventory::open(path).await.unwrap();
    let mut count = 0;
    let mut visit = |_| {
        count += 1;
        ControlFlow::Continue(())
    };
    let filter = Filter::default();
    let read = inventory.installations(&filter, Detail::Facts, &mut visit);
    read.await.unwrap();
    inventory.close().await;
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_while_a_scan_writes_is_whole() {
    /// A batch is one transaction: a copy has all of it or none.
    const A_BATCH: u64 = 20;
    const BATCHES: u64 = 30;
    let mut store = Store::new().await;
    let scan = store.begin().await;
    let path = store.path();
    let folder = tempfile::tempdir().unwrap();
    let writing = async {
        for round in 0..BATCHES {
            let seen = (0..A_BATCH).map(|n| {
                let address = format!("10.0.{round}.{n}");
                presenting(&address, 443, &["a"], i64::try_from(round).unwrap())
            });
            let seen = seen.collect();
            store.sink.write(scan, &batch(seen)).await.unwrap();
        }
    };
    let copying = async {
        let mut counted = Vec::new();
        for n in 0..5 {
            let copy = folder.path().join(format!("{n}.db"));
            copy_inventory(&path, &copy, FileMode::OWNER).await.unwrap();
            assert_eq!(damages(&copy).await.unwrap(), [""; 0]);
            counted.push(count(&copy).await);
        }
        counted
    };
    let ((), counted) = tokio::join!(writing, copying);
    assert!(counted.is_sorted(), "{counted:?}");
    for seen in &counted {
        assert_eq!(seen % A_BATCH, 0, "half a batch: {counted:?}");
    }
    let last = folder.path().join("last.db");
    let placed = copy_inventory(&path, &last, FileMode::OWNER).await.unwrap();
    assert_eq!(placed, fs::canonicalize(&last).unwrap());
    assert_eq!(count(&last).await, A_BATCH * BATCHES);
    assert_eq!(names(folder.path()).len(), 6);
}

#[tokio::test]
async fn a_copy_is_an_inventory_to_write_to_and_for_its_owner_alone() {
    let mut store = Store::new().await;
    store.begin().await;
    let copy = store.directory.path().join("copy.db");
    copy_inventory(&store.path(), &copy, FileMode::OWNER)
        .await
        .unwrap();
    assert_eq!(mode(&copy), 0o600);
    let (sink, opened) = SqliteSink::open_or_create(&copy).await.unwrap();
    assert_eq!(opened, Opened::Existing);
    let directory = tempfile::tempdir().unwrap();
    let mut of_copy = Store { directory, sink };
    let begun = of_copy.begin().await;
    assert_eq!(begun.number(), 2, "the scan under way is in the copy");
    let shared = store.directory.path().join("shared.db");
    copy_inventory(&copy, &shared, FileMode::GROUP_READS)
        .await
        .unwrap();
    assert_eq!(mode(&shared), 0o640);
}

#[tokio::test]
async fn a_copy_replaces_nothing_and_leaves_nothing_behind() {
    let store = Store::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("taken.db"), "kept").unwrap();
    symlink("nowhere.db", path("link.db")).unwrap();
    for name in ["taken.db", "link.db"] {
        let copied = copy_inventory(&store.path(), &path(name), FileMode::OWNER).await;
        let error = copied.unwrap_err();
        assert!(matches!(error, StoreError::Taken { .. }), "{error}");
        assert!(error.hint().is_some());
    }
    let nowhere = path("no/such/copy.db");
    let copied = copy_inventory(&store.path(), &nowhere, FileMode::OWNER).await;
    assert_eq!(
        copied.unwrap_err().hint(),
        Some("create the directory first")
    );
    let foreign = copy_inventory(&path("taken.db"), &path("new.db"), FileMode::OWNER).await;
    let error = foreign.unwrap_err();
    assert!(
        matches!(error, StoreError::NotAnInventory { .. }),
        "{error}"
    );
    assert_eq!(names(folder.path()), ["link.db", "taken.db"]);
    assert_eq!(fs::read(path("taken.db")).unwrap(), b"kept");
}

#[tokio::test]
async fn damage_is_found() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 1)]))
        .await;
    let path = store.path();
    assert_eq!(damages(&path).await.unwrap(), [""; 0]);
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    let mut bytes = fs::read(&path).unwrap();
    // All pages but the first, which says what the file is.
    bytes[8192..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let told = damages(&path).await;
    assert!(told.is_err() || told.is_ok_and(|told| !told.is_empty()));
    drop(directory);
}

#[tokio::test]
async fn a_group_is_let_in_to_all_files_of_the_inventory() {
    let mut store = Store::new().await;
    let parts = ["test.db", "test.db-wal", "test.db-shm", "test.db.lock"];
    for (shared, bits) in [
        (FileMode::GROUP_WRITES, 0o660),
        (FileMode::GROUP_READS, 0o640),
        (FileMode::OWNER, 0o600),
    ] {
        store.sink.share(shared).unwrap();
        store
            .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 1)]))
            .await;
        for name in parts {
            assert_eq!(mode(&store.directory.path().join(name)), bits, "{name}");
        }
    }
    store.sink.share(FileMode::GROUP_READS).unwrap();
    let path = store.path();
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    let sink = SqliteSink::open(&path).await.unwrap();
    let mut store = Store { directory, sink };
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 2)]))
        .await;
    for name in parts {
        assert_eq!(mode(&store.directory.path().join(name)), 0o640, "{name}");
    }
}

#[tokio::test]
async fn no_link_makes_a_writer_empty_another_file() {
    let store = Store::new().await;
    let path = store.path();
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    let victim = directory.path().join("victim");
    let lock = directory.path().join("test.db.lock");
    fs::write(&victim, "dear").unwrap();
    let link: [fn(&Path, &Path) -> std::io::Result<()>; 2] = [
        |from, to| symlink(from, to),
        |from, to| fs::hard_link(from, to),
    ];
    for link in link {
        fs::remove_file(&lock).unwrap();
        link(&victim, &lock).unwrap();
        let error = SqliteSink::open(&path).await.err().unwrap();
        assert!(matches!(error, StoreError::Disguised { .. }), "{error}");
        assert_eq!(fs::read(&victim).unwrap(), b"dear");
    }
    fs::remove_file(&lock).unwrap();
    // SQLite follows no link to its log or index either.
    symlink(&victim, directory.path().join("test.db-wal")).unwrap();
    assert!(SqliteSink::open(&path).await.is_err());
    assert_eq!(fs::read(&victim).unwrap(), b"dear");
}
