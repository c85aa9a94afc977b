use super::*;
use crate::domain::{Attempt, NotTls, OutcomeKind, ProtocolSet};
use crate::report::CertificateRow;

const HOSTILE: &str =
    "a\0b'\"; drop table scans; --\n\r\t\u{202e}\u{1b}[31m\u{10ffff}%_*?[\\|,=1+1";

#[tokio::test]
async fn whatever_a_peer_says_comes_back_as_it_was() {
    let mut store = Store::new().await;
    let mut seen = presenting("10.0.0.1", 443, &[HOSTILE], 10);
    seen.pointer = Pointer::Name(HOSTILE.to_owned());
    let bytes = Der::from(&[0xff, 0x00, 0xfe][..]);
    let mut garbage = presenting("10.0.0.2", 443, &["-"], 10);
    if let Outcome::Certificate(presented) = &mut garbage.outcome {
        presented.chain = Chain::from_wire(vec![bytes.clone()]).unwrap();
        presented.session.alpn = Some(vec![0xff, b'h', 0]);
    }
    let mut banner = looking(
        "10.0.0.3",
        22,
        Outcome::NotTls(NotTls::Other, vec![0xff, 0, b'x']),
        10,
    );
    banner.attempts = vec![Attempt {
        offered: ProtocolSet::TLS_1_3,
        resort: None,
        outcome: OutcomeKind::NotTls,
        detail: HOSTILE.to_owned(),
    }];
    let mut all = batch(vec![seen, garbage, banner]);
    all.coverage.push(AddressRun {
        zone: Zone::default(),
        port: port(443),
        first: ip("10.0.0.9"),
        last: ip("10.0.0.9"),
        outcome: OutcomeKind::Excluded,
        detail: HOSTILE.to_owned(),
        at: at(10),
    });
    store.scan(all).await;
    let rows = store.history().await;
    let [one, other] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!(one.pointer.as_deref(), Some(HOSTILE));
    assert_eq!(one.certificate.subject_cn.as_deref(), Some(HOSTILE));
    assert_eq!(
        one.certificate.alternative_names,
        [HOSTILE, &format!("www.{HOSTILE}")]
    );
    assert_eq!(one.certificate.der, Some(Der::from(HOSTILE.as_bytes())));
    assert_eq!(other.certificate.der, Some(bytes));
    assert_eq!(
        other.certificate.parse_fault.as_deref(),
        Some("not a SEQUENCE")
    );
    assert_eq!(
        (
            other.certificate.key_type.as_deref(),
            other.certificate.is_ca
        ),
        (Some("unparsed"), None)
    );
    assert_eq!(other.session.alpn.as_deref(), Some("\\xffh\\x00"));
    let inventory = store.inventory().await;
    let spoke = inventory.endpoint(ip("10.0.0.3"), port(22)).await.unwrap();
    assert_eq!(spoke[0].banner.as_deref(), Some("\u{fffd}\0x"));
    assert!(spoke[0].attempts[0].contains(HOSTILE));
    let look = inventory.address(ip("10.0.0.9")).await.unwrap();
    assert_eq!(look[0].detail, HOSTILE);
}

#[tokio::test]
async fn a_name_cut_by_a_nul_is_not_the_shorter_name() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting(
            "10.0.0.1",
            443,
            &["bank.example\0.evil"],
            1,
        )]))
        .await;
    let named = |name: &str| Filter {
        names: vec![name.to_owned()],
        ..Filter::default()
    };
    assert_eq!(store.installations(&named("bank.example")).await.len(), 0);
    assert_eq!(store.installations(&named("bank.example*")).await.len(), 1);
}

#[tokio::test]
async fn a_filter_is_a_value_and_never_a_piece_of_the_query() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 1)]))
        .await;
    let before = store.dump_all().await;
    for text in [
        "' or 1=1 --",
        "\") or true --",
        "a' ; drop table looks; --",
        "[",
        "\0",
    ] {
        let filter = Filter {
            names: vec![text.to_owned()],
            issuers: vec![format!("x{text}")],
            ..Filter::default()
        };
        assert_eq!(store.installations(&filter).await, []);
    }
    assert_eq!(store.dump_all().await, before);
}

#[tokio::test]
async fn what_nothing_can_be_read_in_is_reported_as_unparsed() {
    let mut store = Store::new().await;
    let garbage = unparsed(&[0xff]);
    let mut keyless = certificate("keyless");
    keyless.facts.as_mut().unwrap().public_key.key_type = KeyType::Unparsed;
    let certificates = [garbage, keyless];
    let mut seen = Batch::default();
    for (certificate, address) in certificates.iter().zip(["10.0.0.1", "10.0.0.2"]) {
        let mut look = presenting(address, 443, &["-"], 10);
        if let Outcome::Certificate(presented) = &mut look.outcome {
            presented.chain = Chain::from_wire(vec![certificate.der.clone()]).unwrap();
        }
        seen.observations.push(look);
        let parsed = certificate.clone();
        seen.certificates.insert(certificate.fingerprint, parsed);
    }
    store.scan(seen).await;
    let rows = store.installations(&Filter::default()).await;
    for (row, certificate) in rows.iter().zip(&certificates) {
        assert_eq!(row.certificate.key_type.as_deref(), Some("unparsed"));
        let live = CertificateRow::of(certificate);
        assert_eq!(row.certificate.key_type, live.key_type);
    }
    for view in ["v_installations", "v_certificates"] {
        let query = format!("select key_type from {view}");
        let words: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_all(&mut store.raw().await)
            .await
            .unwrap();
        assert_eq!(words, ["unparsed", "unparsed"], "{view}");
    }
}
