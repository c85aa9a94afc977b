//! Inventories of version 3.

use std::path::Path;

use sqlx::SqliteConnection;

use super::*;
use crate::report::InstallationState;

/// An inventory as it was when 0003 was the newest migration; see the README
/// beside it.
const VERSION_3: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/inventory-0003.sql"
));

/// The tables of then, and the columns they had.
const THEN: &[(&str, &str)] = &[
    (
        "scans",
        "id, started_at, finished_at, state, targets, outcomes, zone, note, settings, seed, \
         plan, tool_version",
    ),
    ("certificates", "*"),
    ("certificate_names", "*"),
    ("chains", "*"),
    ("chain_members", "*"),
    (
        "endpoints",
        "id, zone, address, port, transport, dialect, ip, first_seen, outcome, detail, banner, \
         attempts, ptr, checked_at, scan_id",
    ),
    ("questions", "*"),
    (
        "looks",
        "question_id, asked_at, outcome, scan_id, answered_at, answered_scan, tls_version, \
         cipher_suite, key_exchange, alpn, client_auth, truncated, ocsp_staple",
    ),
    (
        "installations",
        "id, question_id, certificate_id, chain_id, state, previous_id, first_seen, last_seen, \
         first_scan, last_scan, ended_scan, tls_version, cipher_suite, key_exchange, alpn, \
         client_auth",
    ),
    ("coverage", "*"),
    ("name_coverage", "*"),
];

/// The rows of then, byte for byte.
async fn rows(connection: &mut SqliteConnection) -> Vec<(&'static str, Vec<String>)> {
    let mut rows = Vec::new();
    for (table, columns) in THEN {
        let columns: Vec<String> = match *columns {
            "*" => {
                let names = AssertSqlSafe(format!("select name from pragma_table_info('{table}')"));
                sqlx::query_scalar(names)
                    .fetch_all(&mut *connection)
                    .await
                    .unwrap()
            }
            listed => listed.split(", ").map(str::to_owned).collect(),
        };
        let quoted: Vec<_> = columns
            .iter()
            .map(|name| format!("quote({name})"))
            .collect();
        let query = format!(
            "select {} as line from {table} order by line",
            quoted.join(" || ',' || ")
        );
        let found = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        rows.push((*table, found));
    }
    rows
}

/// The old inventory with some more rows, after the present program opened it
/// to write, and its rows before.
async fn migrated(more: &'static str) -> (Store, Vec<(&'static str, Vec<String>)>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let mut old = of_version(3, &path).await;
    sqlx::raw_sql(more).execute(&mut old).await.unwrap();
    let before = rows(&mut old).await;
    old.close().await.unwrap();
    let refused = SqliteInventory::open(&path).await.unwrap_err();
    assert!(matches!(refused, StoreError::OlderVersion { found: 3, .. }));
    let sink = SqliteSink::open(&path).await.unwrap();
    (Store { directory, sink }, before)
}

#[tokio::test]
async fn an_inventory_of_version_3_keeps_every_row() {
    let (mut store, before) = migrated("").await;
    assert!(before.iter().all(|(_, rows)| !rows.is_empty()));
    assert_eq!(rows(store.sink.connection()).await, before);
    let (endpoints, intervals) = store.marked().await;
    assert!(endpoints > 0 && intervals > 0);
    let installations = store.history().await;
    assert_eq!(installations.len(), 7);
    for row in &installations {
        assert_eq!(row.session.protocols, ["TLSv1.2"]);
        assert_eq!(row.session.client_auth_issuers, Vec::<String>::new());
        assert_eq!(row.session.hybrid_group, None);
    }
    assert_eq!(
        store.events().await,
        [
            "1 new 10.0.0.1",
            "1 new 10.0.0.1",
            "1 new 10.0.0.2",
            "1 new b.example",
            "1 new 2001:db8::1",
            "2 new 10.0.0.4",
            "2 replaced 10.0.0.1",
        ]
    );
    let gone = |row: &&Installation| row.state == InstallationState::Gone;
    assert_eq!(installations.iter().filter(gone).count(), 1);
    let named = store.questions("10.0.0.2", 443).await;
    assert_eq!(named[1].sni.as_deref(), Some("b.example"));
}

#[tokio::test]
async fn an_inventory_of_version_3_goes_on() {
    let (mut store, _) = migrated("").await;
    let intervals = store.dump("installations").await.len();
    // One chain was whole before it was cut short, the other never was.
    let seen = vec![
        presenting("10.0.0.1", 443, &["renewed.example", "ca"], 9000),
        presenting("10.0.0.2", 443, &["b.example", "ca"], 9000),
        presenting("10.0.0.4", 443, &["partial.example", "ca"], 9000),
    ];
    store.scan(batch(seen)).await;
    assert_eq!(store.dump("installations").await.len(), intervals);
    let rows = store.installations(&Filter::default()).await;
    let completed = rows.iter().find(|row| row.ip == Some(ip("10.0.0.4")));
    assert_eq!(*completed.unwrap().chain, [hash_of("ca")]);
}

#[tokio::test]
async fn an_inventory_of_version_3_knows_where_its_names_led() {
    let (mut store, _) = migrated("").await;
    let seen = presenting("10.0.0.77", 443, &["b.example", "ca"], 9000);
    let mut found = batch(vec![asking("b.example", seen)]);
    found.names.push(led("b.example", 443, 9000));
    found.leads.push(lead("b.example", "10.0.0.77", 443));
    store.scan(found).await;
    let events = store.events().await;
    assert_eq!(events.last().unwrap(), "3 moved b.example");
}

/// A question at which one certificate got another chain, was renewed, came
/// back and was replaced.
const EVENTFUL: &str = r#"
    insert into questions values (900, 1, 'eventful.example', 'rsa');
    insert into certificates (id, sha256, sha1, key_type, first_scan, der, subject_dn, san)
    values (901, x'01', x'', 'rsa', 1, x'', 'CN=a', '["a","b"]'),
           (902, x'02', x'', 'rsa', 1, x'', 'CN=a', '["b","a","c"]'),
           (903, x'03', x'', 'rsa', 1, x'', 'CN=a', '["a","c"]');
    insert into installations (question_id, certificate_id, chain_id, state, previous_id,
                               first_seen, last_seen, first_scan, last_scan, ended_scan)
    values (900, 901, 1, 'gone', null, 10, 11, 1, 1, 1),
           (900, 901, 2, 'gone', null, 20, 21, 1, 1, 1),
           (900, 902, 1, 'gone', 901, 30, 31, 1, 1, 1),
           (900, 901, 1, 'gone', 902, 40, 41, 1, 1, 1),
           (900, 903, 1, 'current', 901, 50, null, 1, null, null);
"#;

#[tokio::test]
async fn old_intervals_are_told_as_they_began_and_ended() {
    let (mut store, _) = migrated(EVENTFUL).await;
    let told: Vec<(String, Option<i64>, Option<String>)> = sqlx::query_as(
        "select began, ended_at, ended_as from installations where question_id = 900 order by id",
    )
    .fetch_all(store.sink.connection())
    .await
    .unwrap();
    let ended = |began: &str, at: i64| {
        let replaced = Some("replaced".to_owned());
        (began.to_owned(), Some(at), replaced)
    };
    assert_eq!(
        told,
        [
            ended("new", 20),
            ended("changed", 30),
            ended("renewed", 40),
            ended("returned", 50),
            ("replaced".to_owned(), None, None),
        ]
    );
}

/// A new inventory of a version, with what [`VERSION_3`] holds brought up to
/// it.
pub(super) async fn of_version(version: i64, path: &Path) -> SqliteConnection {
    let made = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut old = made.connect().await.unwrap();
    sqlx::raw_sql(VERSION_3).execute(&mut old).await.unwrap();
    let migrations = sqlx::migrate!("migrations/sqlite");
    migrations.run_to(version, &mut old).await.unwrap();
    old
}
