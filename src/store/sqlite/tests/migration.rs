//! Inventories of earlier versions.

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

#[tokio::test]
async fn what_had_moved_before_is_not_looked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("old.db");
    let mut old = of_version(20, &path).await;
    let moved = "update installations set state = 'gone', ended_as = 'moved', ended_at = 50 \
                 where id in (select id from installations order by id limit 1)";
    sqlx::query(moved).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
    let (mut sink, _) = SqliteSink::open_or_create(&path).await.unwrap();
    let found = "select count(*), sum(vacated_at = 50) from installations where ended_as = 'moved'";
    let found: (i64, i64) = sqlx::query_as(found)
        .fetch_one(sink.connection())
        .await
        .unwrap();
    assert_eq!(found, (1, 1));
}

#[tokio::test]
async fn who_else_asked_where_names_had_been_declined_before_is_not_known() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("old.db");
    let mut old = of_version(22, &path).await;
    let declined = "insert into declined_names values (1, 'a.example', 5, 5, 1, null)";
    sqlx::query(declined).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
    let mut sink = SqliteSink::open(&path).await.unwrap();
    let shared: Vec<i64> = sqlx::query_scalar("select is_shared from declined_names")
        .fetch_all(sink.connection())
        .await
        .unwrap();
    assert_eq!(shared, [1]);
}

/// A new inventory of a version, with what [`VERSION_3`] holds brought up to
/// it.
async fn of_version(version: i64, path: &Path) -> SqliteConnection {
    let made = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut old = made.connect().await.unwrap();
    sqlx::raw_sql(VERSION_3).execute(&mut old).await.unwrap();
    let migrations = sqlx::migrate!("migrations/sqlite");
    migrations.run_to(version, &mut old).await.unwrap();
    old
}

/// What an inventory of version 7 holds that those before did not.
const SINCE_VERSION_3: &str = r#"
    insert into surveys values (1, 'TLSv1.2', 'accepted', 1, 1);
    insert into failures values (1, 2, 1, 1, 1);
    insert into judged values (1, 1, '0.1.0', '["mozilla"]');
    insert into judgements
    select id, 'trusted', '', '[]', null, null, null, '[]', '[]', '[]' from installations;
"#;

#[tokio::test]
async fn an_inventory_of_version_7_keeps_every_row_and_takes_imports() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let mut old = of_version(7, &path).await;
    sqlx::raw_sql(SINCE_VERSION_3)
        .execute(&mut old)
        .await
        .unwrap();
    old.close().await.unwrap();
    let refused = SqliteInventory::open(&path).await.unwrap_err();
    assert!(matches!(refused, StoreError::OlderVersion { found: 7, .. }));

    let sink = SqliteSink::open(&path).await;
    let mut store = Store {
        directory,
        sink: sink.unwrap(),
    };
    store
        .sink
        .import(crate::store::Import {
            certificates: vec![certificate("client")],
            label: None,
            at: at(1),
        })
        .await
        .unwrap();
    let rows = store.installations(&every_state()).await;
    assert_eq!(rows.len(), 8, "seven of then and the import");
    for (table, count) in [
        ("judgements", 7),
        ("verdicts", 7),
        ("judged", 1),
        ("surveys", 1),
        ("failures", 1),
    ] {
        assert_eq!(store.dump(table).await.len(), count, "{table}");
    }
    let mut raw = store.raw().await;
    let checked: Vec<String> = sqlx::query_scalar("pragma integrity_check")
        .fetch_all(&mut raw)
        .await
        .unwrap();
    assert_eq!(checked, ["ok"]);
    let viewed: i64 = sqlx::query_scalar("select count(*) from v_installations")
        .fetch_one(&mut raw)
        .await
        .unwrap();
    assert_eq!(viewed, 8);
}

/// A question that pruning had left without an interval, since another had
/// moved from there.
const STRANDED: &str = "
    insert into questions values (900, 1, 'left.example', 'rsa');
    insert into looks (question_id, asked_at, outcome, scan_id, answered_at, answered_scan,
                       tls_version, cipher_suite)
    values (900, 1, 'certificate', 1, 1, 1, 'TLSv1.2', 'x');
    update installations set began = 'moved', moved_from = 900 where id = 1;
";

#[tokio::test]
async fn a_question_that_pruning_left_without_an_interval_is_answered_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let mut old = of_version(10, &path).await;
    sqlx::raw_sql(STRANDED).execute(&mut old).await.unwrap();
    let address: String = sqlx::query_scalar("select ip from endpoints where id = 1")
        .fetch_one(&mut old)
        .await
        .unwrap();
    old.close().await.unwrap();

    let sink = SqliteSink::open(&path).await.unwrap();
    let mut store = Store { directory, sink };
    let seen = presenting(&address, 443, &["found again"], 9000);
    store.scan(batch(vec![asking("left.example", seen)])).await;
    let questions = store.questions(&address, 443).await;
    assert!(
        questions
            .iter()
            .any(|row| row.sni.as_deref() == Some("left.example"))
    );
}

#[tokio::test]
async fn who_was_told_of_a_chain_before_was_told_of_its_leaf() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let mut old = of_version(14, &path).await;
    sqlx::raw_sql("insert into notices values (1, 'web', 'expired', 'critical', 7)")
        .execute(&mut old)
        .await
        .unwrap();
    let certificates = "select lower(hex(sha256)) from certificates where id in (1, 2) order by id";
    let certificates: Vec<String> = sqlx::query_scalar(certificates)
        .fetch_all(&mut old)
        .await
        .unwrap();
    old.close().await.unwrap();

    let mut sink = SqliteSink::open(&path).await.unwrap();
    let [leaf, other] = <[String; 2]>::try_from(certificates)
        .unwrap()
        .map(|sha256| sha256.parse().unwrap());
    let of = |member| crate::store::Crossing {
        certificate: leaf,
        member,
        owner: "web".to_owned(),
        finding: "expired",
        severity: crate::domain::Severity::Critical,
    };
    let untold = sink.untold(&[of(leaf), of(other)]).await.unwrap();
    assert_eq!(untold, [of(other)]);
}

#[tokio::test]
async fn a_root_whose_hash_stood_in_the_finding_is_known_to_be_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let mut old = of_version(21, &path).await;
    let root = hash_of("a root that nobody sent");
    let notices = format!(
        "insert into notices values (1, 1, 'web', 'expired', 'critical', 7), \
         (1, 1, 'web', 'expiring of {}', 'error', 8)",
        root.to_string().to_uppercase()
    );
    sqlx::raw_sql(AssertSqlSafe(notices))
        .execute(&mut old)
        .await
        .unwrap();
    let leaf: String =
        sqlx::query_scalar("select lower(hex(sha256)) from certificates where id = 1")
            .fetch_one(&mut old)
            .await
            .unwrap();
    old.close().await.unwrap();

    let mut sink = SqliteSink::open(&path).await.unwrap();
    let leaf: Fingerprint = leaf.parse().unwrap();
    let of = |member, finding, severity| crate::store::Crossing {
        certificate: leaf,
        member,
        owner: "web".to_owned(),
        finding,
        severity,
    };
    let told = [
        of(leaf, "expired", crate::domain::Severity::Critical),
        of(root, "expiring", crate::domain::Severity::Error),
    ];
    assert_eq!(sink.untold(&told).await.unwrap(), []);
    let untold = [of(root, "expired", crate::domain::Severity::Critical)];
    assert_eq!(sink.untold(&untold).await.unwrap(), untold);
}

/// Failed looks at questions with one certificate, with two that are looked for,
/// with one that was replaced by the latest answer, and with one that is gone
/// since.
const COUNTED: &str = "
    insert into questions values (900, 1, 'one', 'rsa'), (901, 1, 'two', 'rsa'),
                                 (902, 1, 'replaced', 'rsa'), (903, 1, 'gone', 'rsa');
    insert into looks (question_id, asked_at, outcome, scan_id, answered_at, answered_scan,
                       tls_version, cipher_suite)
    select id, 90, 'silent', 2, 50, 1, 'TLSv1.2', 'x' from questions where id >= 900;
    insert into failures select id, 2, 1, 90, 2 from questions where id >= 900;
    insert into installations (id, question_id, certificate_id, chain_id, state, began,
                               first_seen, first_scan, last_seen, last_scan, ended_at, ended_scan,
                               ended_as)
    values (910, 900, 1, 1, 'current', 'new', 10, 1, null, null, null, null, null),
           (911, 901, 1, 1, 'current', 'new', 10, 1, 20, 1, null, null, null),
           (912, 901, 2, 1, 'current', 'new', 20, 1, null, null, null, null, null),
           (913, 902, 1, 1, 'gone', 'new', 10, 1, 20, 1, 50, 1, 'replaced'),
           (914, 902, 2, 1, 'current', 'new', 50, 1, null, null, null, null, null),
           (915, 903, 1, 1, 'gone', 'new', 10, 1, 20, 1, 80, 2, 'gone'),
           (916, 903, 2, 1, 'current', 'new', 20, 1, null, null, null, null, null);
";

#[tokio::test]
async fn failed_looks_that_two_shared_are_counted_anew_and_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let mut old = of_version(22, &path).await;
    sqlx::raw_sql(COUNTED).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
    let mut sink = SqliteSink::open(&path).await.unwrap();
    let counted = "select installation_id, looks, scans, at, scan_id from failures order by 1";
    let counted: Vec<(i64, i64, i64, i64, i64)> = sqlx::query_as(counted)
        .fetch_all(sink.connection())
        .await
        .unwrap();
    assert_eq!(
        counted,
        [
            (910, 2, 1, 90, 2),
            (911, 0, 0, 90, 2),
            (912, 0, 0, 90, 2),
            (914, 2, 1, 90, 2),
            (916, 0, 0, 90, 2),
        ]
    );
}
