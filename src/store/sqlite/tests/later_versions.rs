//! Inventories of the versions after the third.

use super::migration::of_version;
use super::*;

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
