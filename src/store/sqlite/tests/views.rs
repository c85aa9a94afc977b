use serde_json::{Value, json};

use super::super::query::Query;
use super::*;
use crate::domain::OutcomeKind;
use crate::report::CertificateRow;
use crate::store::NameLook;

/// Every row of a view as reports would write it: column names to values.
async fn view(store: &Store, view: &str) -> Vec<Value> {
    let mut raw = store.raw().await;
    let columns: Vec<String> = sqlx::query(AssertSqlSafe(format!("pragma table_info({view})")))
        .fetch_all(&mut raw)
        .await
        .unwrap()
        .iter()
        .map(|column| column.get(1))
        .collect();
    let pairs: Vec<_> = columns
        .iter()
        .map(|name| format!("'{name}', {name}"))
        .collect();
    let query = format!("select json_object({}) from {view}", pairs.join(", "));
    let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_all(&mut raw)
        .await
        .unwrap();
    rows.iter()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect()
}

async fn store() -> Store {
    let mut store = Store::new().await;
    let mut pointed = presenting("2001:db8::1", 8443, &["mail.example", "ca", "root"], 10);
    pointed.pointer = Pointer::Name("host.corp".to_owned());
    let mut garbage = presenting("10.0.0.2", 443, &["-"], 10);
    if let Outcome::Certificate(presented) = &mut garbage.outcome {
        presented.chain = Chain::from_wire(vec![Der::from(&[0xff][..])]).unwrap();
        presented.session.version = TlsVersion::TLS_1_0;
        presented.session.key_exchange = None;
        presented.session.client_auth = None;
    }
    let mut older = asking("a.example", presenting("10.0.0.1", 443, &["old", "ca"], 12));
    if let Outcome::Certificate(presented) = &mut older.outcome {
        presented.session.version = TlsVersion::TLS_1_3;
    }
    store
        .scan(batch(vec![
            presenting("10.0.0.1", 443, &["old", "ca"], 10),
            older,
            pointed,
            garbage,
        ]))
        .await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["new"], 20)]))
        .await;
    let imported = crate::store::Import {
        certificates: vec![certificate("new"), certificate("client")],
        label: Some("clients".to_owned()),
        at: at(30),
    };
    store.sink.import(imported).await.unwrap();
    store
}

fn list(texts: &[String]) -> String {
    json!(texts).to_string()
}

fn serial(octets: &[u8]) -> String {
    let octets: Vec<_> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    octets.join(":")
}

fn hex(octets: &[u8]) -> String {
    serial(octets).replace(':', "")
}

/// A row in the names and forms of the view.
fn installation(row: &Installation) -> Value {
    let chain: Vec<_> = row.chain.iter().map(ToString::to_string).collect();
    let session = &row.session;
    let mut told = json!({
        "zone": row.zone.as_ref().map(Zone::as_str), "host": row.host,
        "ip": row.ip.map(|ip| ip.to_string()), "port": row.port.map(Port::number),
        "sni": row.sni, "starttls": row.starttls, "ptr": row.pointer,
        "tls_version": session.tls_version, "protocols": list(&session.protocols),
        "cipher_suite": session.cipher_suite, "key_exchange": session.key_exchange,
        "client_auth": session.client_auth, "alpn": session.alpn,
        "chain_sha256": list(&chain),
        "chain_not_after": row.chain_not_after.map(|time| time.to_string()),
        "installations": row.installations, "state": row.state.as_str(),
        "previous_sha256": row.previous.map(|previous| previous.to_string()),
        "first_seen": row.first_seen.to_string(), "last_seen": row.last_seen.unwrap().to_string(),
        "last_checked": row.last_checked.unwrap().to_string(),
        "source": row.source.as_str(), "scan_id": row.scan.map(ScanId::number),
        "client_auth_issuers": list(&session.client_auth_issuers), "hybrid_group": session.hybrid_group,
    });
    let certificate = certificate_row(&row.certificate);
    let fields = certificate.as_object().unwrap().clone();
    told.as_object_mut().unwrap().extend(fields);
    told
}

fn certificate_row(row: &CertificateRow) -> Value {
    let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let validity = row.not_before.zip(row.not_after);
    let seconds = validity.map(|(from, to)| to.seconds() - from.seconds());
    json!({
        "subject_cn": row.subject_cn, "subject_dn": row.subject_dn,
        "issuer_cn": row.issuer_cn, "issuer_dn": row.issuer_dn,
        "serial": row.serial.as_deref().map(serial),
        "not_before": text(row.not_before), "not_after": text(row.not_after),
        "validity_days": seconds.map(|seconds| seconds.div_euclid(86_400)),
        "san": list(&row.alternative_names),
        "key_type": row.key_type, "key_bits": row.key_bits,
        "signature_algorithm": row.signature_algorithm,
        "key_usage": list(&row.key_usage), "eku": list(&row.extended_key_usage),
        "self_signed": row.self_signed.map(i32::from), "is_ca": row.is_ca.map(i32::from),
        "sha256": row.sha256.to_string(), "sha1": hex(&row.sha1),
        "spki_sha256": row.spki_sha256.map(|key| key.to_string()),
    })
}

fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(ToString::to_string);
    rows
}

#[tokio::test]
async fn the_view_of_installations_says_what_the_report_says() {
    let store = store().await;
    let rows = store.history().await;
    assert_eq!(rows.len(), 7);
    let told = rows.iter().map(installation).collect();
    assert_eq!(sorted(view(&store, "v_installations").await), sorted(told));
    assert_eq!(rows[0].session.protocols, ["TLSv1.2", "TLSv1.3"]);
}

#[tokio::test]
async fn the_view_of_certificates_says_what_the_report_says() {
    let store = store().await;
    let inventory = store.inventory().await;
    let rows = view(&store, "v_certificates").await;
    assert_eq!(rows.len(), 7);
    for row in rows {
        let prefix = row["sha256"].as_str().unwrap().parse().unwrap();
        let [found] = &inventory.certificate(&prefix).await.unwrap()[..] else {
            panic!("one certificate has that fingerprint");
        };
        assert_eq!(row["installations"], found.installations);
        assert_eq!(row["parse_fault"], json!(found.certificate.parse_fault));
        for (name, value) in certificate_row(&found.certificate).as_object().unwrap() {
            assert_eq!(&row[name], value, "{name}");
        }
    }
}

#[tokio::test]
async fn the_view_of_events_says_what_the_report_says() {
    let mut store = store().await;
    let failed = looking("10.0.0.1", 443, Outcome::Refused, 30);
    store.scan(batch(vec![failed])).await;
    let rows = store.event_rows(&Filter::default()).await;
    assert_eq!(rows.len(), 6);
    let told = rows.iter().map(|row| {
        json!({
            "event_id": row.id, "kind": row.kind.as_str(), "cause": "network",
            "at": row.at.to_string(), "scan_id": row.scan.number(), "zone": row.zone.as_str(),
            "host": row.host, "ip": row.ip.to_string(), "port": row.port.number(),
            "sni": row.sni, "starttls": row.starttls, "subject": row.subject,
            "issuer_dn": row.issuer_dn, "not_after": row.not_after.map(|end| end.to_string()),
            "sha256": row.sha256.to_string(),
            "previous_sha256": row.previous.map(|previous| previous.to_string()),
            "moved_from": row.moved_from.map(|origin| origin.to_string()),
        })
    });
    let told = told.collect();
    assert_eq!(sorted(view(&store, "v_events").await), sorted(told));
}

#[tokio::test]
async fn the_view_of_the_ledger_says_what_the_report_says() {
    let mut store = Store::new().await;
    let run = |first: &str, last: &str, outcome, detail: &str, second| AddressRun {
        zone: Zone::default(),
        port: port(443),
        first: ip(first),
        last: ip(last),
        outcome,
        detail: detail.to_owned(),
        at: at(second),
    };
    let name = NameLook {
        zone: Zone::default(),
        name: "a.example".parse().unwrap(),
        port: port(443),
        outcome: OutcomeKind::Certificate,
        detail: String::new(),
        at: at(12),
    };
    let seen = Batch {
        coverage: vec![
            run("10.0.0.0", "10.0.1.255", OutcomeKind::Filtered, "", 10),
            run("10.0.0.3", "10.0.0.5", OutcomeKind::Excluded, "printer", 11),
            run("10.0.0.9", "10.0.0.9", OutcomeKind::Excluded, "pump", 11),
        ],
        names: vec![name],
        ..Batch::default()
    };
    store.scan(seen).await;
    let told = view(&store, "v_coverage").await;
    let mut rows = Vec::new();
    let mut visit = |row: crate::report::Coverage| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    let filter = Filter::default();
    store
        .inventory()
        .await
        .coverage(&filter, &mut visit)
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
    for row in &rows {
        let parts: Vec<_> = told
            .iter()
            .filter(|part| part["network"] == row.network)
            .collect();
        for (outcome, count) in row.outcomes.iter() {
            let of_outcome = parts
                .iter()
                .filter(|part| part["outcome"] == outcome.as_str());
            let told: u64 = of_outcome
                .map(|part| part["targets"].as_u64().unwrap())
                .sum();
            assert_eq!(told, count, "{} {outcome}", row.network);
        }
        let oldest = parts
            .iter()
            .map(|part| part["oldest_look"].as_str().unwrap())
            .min();
        let latest = parts
            .iter()
            .map(|part| part["latest_look"].as_str().unwrap())
            .max();
        assert_eq!(oldest, Some(row.oldest_look.to_string().as_str()));
        assert_eq!(latest, Some(row.latest_look.to_string().as_str()));
    }
}

#[tokio::test]
async fn a_year_no_calendar_holds_takes_nothing_else_of_the_row() {
    let mut store = Store::new().await;
    let mut seen = batch(vec![presenting("10.0.0.1", 443, &["a"], 10)]);
    let facts = seen.certificates.get_mut(&hash_of("a")).unwrap();
    let facts = facts.facts.as_mut().unwrap();
    facts.not_before = Some(Timestamp::from_seconds(-62_167_219_200));
    facts.not_after = Some(Timestamp::from_seconds(253_402_300_800));
    store.scan(seen).await;
    let rows = store.history().await;
    let mut told = installation(&rows[0]);
    assert_eq!(told["not_before"], "0000-01-01T00:00:00Z");
    assert_eq!(told["not_after"], "+10000-01-01T00:00:00Z");
    assert_eq!(told["validity_days"], 3_652_425);
    for time in ["not_after", "chain_not_after"] {
        told[time] = Value::Null;
    }
    assert_eq!(view(&store, "v_installations").await, [told]);
}

/// The steps SQLite takes for the main report, each with the step it is part
/// of: 0 for those of the report itself.
async fn plan(store: &Store, filter: &Filter) -> Vec<(i64, String)> {
    let mut query = super::super::report::select_installations();
    super::super::select::installations(&mut query, filter);
    query.push(super::super::report::INSTALLATION_ORDER);
    steps(store, query).await
}

/// The same of any query.
async fn steps(store: &Store, query: Query) -> Vec<(i64, String)> {
    let explained = format!("explain query plan {}", query.text());
    let steps = sqlx::query(AssertSqlSafe(explained))
        .fetch_all(&mut store.raw().await)
        .await
        .unwrap();
    steps
        .iter()
        .map(|step| (step.get(1), step.get(3)))
        .collect()
}

#[tokio::test]
async fn an_endpoint_is_found_by_its_address_in_whatever_zone() {
    let store = store().await;
    let mut query = super::super::visits::select_endpoints();
    query.push(" where e.address = ").push_bind(vec![4_u8]);
    let plan = steps(&store, query).await;
    let skips = |(_, step): &(i64, String)| step.contains("(ANY(zone) AND address=?)");
    assert!(plan.iter().any(skips), "{plan:#?}");
}

#[tokio::test]
async fn the_report_is_read_port_by_port_without_sorting_and_without_its_certificates() {
    let store = store().await;
    let plan = plan(&store, &Filter::default()).await;
    let is_more = |step: &str| step.contains("ORDER BY") || step.starts_with("SEARCH c ");
    let mut steps = plan.iter().filter(|(part_of, _)| *part_of == 0);
    assert!(!steps.any(|(_, step)| is_more(step)), "{plan:#?}");
}

#[tokio::test]
async fn a_narrow_filter_is_found_by_an_index() {
    let store = store().await;
    let f = Filter::default;
    let fingerprint = Fingerprint::of(b"");
    let narrow = [
        Filter {
            certificates: vec!["ab".repeat(20).parse().unwrap()],
            ..f()
        },
        Filter {
            certificates: vec!["ab".repeat(32).parse().unwrap()],
            ..f()
        },
        Filter {
            keys: vec![fingerprint],
            ..f()
        },
        Filter {
            serials: vec!["af".parse().unwrap()],
            ..f()
        },
        Filter {
            networks: vec!["10.0.0.0/30".parse().unwrap()],
            ..f()
        },
        Filter {
            zones: vec![Zone::default()],
            ..f()
        },
    ];
    for filter in narrow {
        let plan = plan(&store, &filter).await;
        let scans_all = |(_, step): &(i64, String)| {
            let table = step.split(' ').nth(1).unwrap_or_default();
            step.starts_with("SCAN ") && ["e", "q", "l", "i", "c"].contains(&table)
        };
        assert!(!plan.iter().any(scans_all), "{filter:?} {plan:#?}");
    }
}
