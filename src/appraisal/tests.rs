//! Whose hosts show one key, where the configuration says who owns what; and
//! which hosts are not alike.

use std::net::{IpAddr, Ipv4Addr};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
};
use tempfile::TempDir;

use super::*;
use crate::domain::{
    Chain, CipherSuite, Dialect, Endpoint, LeftOut, Observation, Outcome, Pointer, Port, Presented,
    ScanState, Session, Tally, TlsVersion, Zone,
};
use crate::judge::{Owner, Selector};
use crate::store::{Batch, MAX_KIN, NewScan, ScanEnd, Sink, SqliteInventory, SqliteSink};

/// An inventory in a directory of its own.
struct Store {
    directory: TempDir,
    sink: SqliteSink,
}

impl Store {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let (sink, _) = SqliteSink::open_or_create(&path).await.unwrap();
        Self { directory, sink }
    }

    /// A whole scan on a day that sees these chains.
    async fn scan(&mut self, day: i64, seen: impl IntoIterator<Item = (Ipv4Addr, &Vec<Der>)>) {
        let mut batch = Batch::default();
        for (address, chain) in seen {
            let parsed = chain.iter().map(x509::parse);
            let parsed = parsed.map(|certificate| (certificate.fingerprint, certificate));
            batch.certificates.extend(parsed);
            batch.observations.push(presenting(address, chain, at(day)));
        }
        let scan = self.sink.begin(new_scan(at(day))).await.unwrap();
        self.sink.write(scan, &batch).await.unwrap();
        let end = ScanEnd {
            incidents: Vec::new(),
            unlisted: 0,
            finished_at: at(day),
            state: ScanState::Complete,
            ended_by: None,
            outcomes: Tally::default(),
        };
        self.sink.finish(scan, end).await.unwrap();
    }

    async fn inventory(&self) -> SqliteInventory {
        let path = self.directory.path().join("test.db");
        SqliteInventory::open(&path).await.unwrap()
    }
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_seconds(1_780_000_000 + day * 86_400)
}

fn new_scan(started_at: Timestamp) -> NewScan {
    NewScan {
        started_at,
        targets: 1,
        zone: Zone::default(),
        note: None,
        settings: "{}".to_owned(),
        seed: 0,
        plan: Fingerprint::of(b"plan"),
        identity: Fingerprint::of(b"identity"),
        operator: "somebody".to_owned(),
        tool_version: "0".to_owned(),
    }
}

fn presenting(address: Ipv4Addr, chain: &[Der], at: Timestamp) -> Observation {
    let endpoint = Endpoint::tcp(Zone::default(), address.into(), Port::HTTPS, Dialect::Tls);
    Observation {
        endpoint,
        server_name: None,
        left_out: None,
        asked_for: None,
        at,
        outcome: Outcome::Certificate(Box::new(Presented {
            chain: Chain::from_wire(chain.to_vec()).unwrap(),
            session: Session {
                version: TlsVersion::TLS_1_2,
                cipher_suite: CipherSuite(0xc02f),
                key_exchange: None,
                alpn: None,
                client_auth: None,
                acceptable_issuers: Vec::new(),
                ocsp_staple: None,
            },
            truncated: None,
        })),
        attempts: Vec::new(),
        pointer: Pointer::default(),
        survey: None,
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([format!("{name}.test")]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn self_signed(name: &str, key: &KeyPair) -> Vec<Der> {
    vec![der(&named(name).self_signed(key).unwrap())]
}

fn der(certificate: &rcgen::Certificate) -> Der {
    Der::from(&certificate.der()[..])
}

/// The first that matches owns it.
fn policy(owners: &[(&str, Selector)]) -> Policy {
    let owners = owners.iter().map(|(owner, selector)| Owner {
        selector: selector.clone(),
        owner: (*owner).to_owned(),
        tags: Vec::new(),
    });
    Policy {
        owners: owners.collect(),
        ..Policy::default()
    }
}

fn network(text: &str) -> Selector {
    Selector {
        networks: vec![text.parse().unwrap()],
        ..Selector::default()
    }
}

/// What is said of keys on the hosts of different owners: address and detail.
async fn shared_keys(
    appraisal: &mut Appraisal<'_>,
    known_at: Option<Timestamp>,
) -> Vec<(IpAddr, String)> {
    told_by("shared-key", appraisal, known_at).await
}

/// What a rule finds: address and detail.
async fn told_by(
    rule: &str,
    appraisal: &mut Appraisal<'_>,
    known_at: Option<Timestamp>,
) -> Vec<(IpAddr, String)> {
    let wanted = Wanted::by(Filter {
        known_at,
        ..Filter::default()
    });
    let mut found = Vec::new();
    let visit = |row: Installation| {
        let findings = row.judgement.as_ref().unwrap().findings.iter();
        let told = findings.filter(|finding| finding.rule == rule);
        found.extend(told.map(|finding| (row.ip.unwrap(), finding.detail.clone())));
        ControlFlow::Continue(())
    };
    let read = appraisal.installations(&wanted, Detail::Facts, visit);
    read.await.unwrap();
    found
}

#[tokio::test]
async fn a_key_on_very_many_hosts_of_one_owner_may_be_on_one_of_another() {
    let mut store = Store::new().await;
    let wildcard = self_signed("wildcard", &KeyPair::generate().unwrap());
    let shop = (0..=u8::try_from(MAX_KIN).unwrap()).map(|host| Ipv4Addr::new(10, 0, 0, host));
    store
        .scan(1, shop.clone().map(|host| (host, &wildcard)))
        .await;
    let plant = Ipv4Addr::new(10, 1, 0, 0);
    store.scan(2, [(plant, &wildcard)]).await;
    let inventory = store.inventory().await;
    let policy = policy(&[
        ("shop", network("10.0.0.0/16")),
        ("plant", network("10.1.0.0/16")),
    ]);
    let appraisal = Appraisal::begin(&inventory, Vec::new(), &policy, at(3)).await;
    let found = shared_keys(&mut appraisal.unwrap(), None).await;
    assert_eq!(found.len(), shop.count() + 1);
    assert_eq!(found[0].1, "on hosts of shop, plant");
}

#[tokio::test]
async fn who_owns_a_key_goes_by_the_root_too() {
    let mut store = Store::new().await;
    let key = KeyPair::generate().unwrap();
    let root = KeyPair::generate().unwrap();
    let root = CertifiedIssuer::self_signed(authority("Corporate Root"), root).unwrap();
    let issuing = KeyPair::generate().unwrap();
    let issuing = CertifiedIssuer::signed_by(authority("Issuing"), issuing, &root).unwrap();
    let below = named("below").signed_by(&key, &issuing).unwrap();
    let below = vec![der(&below), der(issuing.as_ref())];
    let device = self_signed("device", &key);
    let [first, second] = [1, 2].map(|host| Ipv4Addr::new(10, 0, 0, host));
    store.scan(1, [(first, &below), (second, &device)]).await;
    let by_root = Selector {
        issuers: vec!["*Corporate Root*".parse().unwrap()],
        ..Selector::default()
    };
    let policy = policy(&[("pki", by_root), ("operations", Selector::default())]);
    let stores = vec![TrustStore::new("corporate", [der(root.as_ref())])];
    let inventory = store.inventory().await;
    let appraisal = Appraisal::begin(&inventory, stores, &policy, at(2)).await;
    let found = shared_keys(&mut appraisal.unwrap(), None).await;
    let detail = "on hosts of pki, operations".to_owned();
    assert_eq!(
        found,
        [first, second].map(|host| (IpAddr::from(host), detail.clone()))
    );
}

#[tokio::test]
async fn the_owners_of_an_earlier_day_are_not_those_of_today() {
    let mut store = Store::new().await;
    let shared = self_signed("shared", &KeyPair::generate().unwrap());
    let own = self_signed("own", &KeyPair::generate().unwrap());
    let (shop, plant) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 1, 0, 1));
    store.scan(1, [(shop, &shared), (plant, &shared)]).await;
    store.scan(3, [(shop, &shared), (plant, &own)]).await;
    let policy = policy(&[
        ("shop", network("10.0.0.0/16")),
        ("plant", network("10.1.0.0/16")),
    ]);
    let inventory = store.inventory().await;
    let appraisal = Appraisal::begin(&inventory, Vec::new(), &policy, at(4)).await;
    let mut appraisal = appraisal.unwrap();
    for _ in 0..2 {
        assert_eq!(shared_keys(&mut appraisal, Some(at(2))).await.len(), 2);
        assert_eq!(shared_keys(&mut appraisal, None).await, []);
    }
}

#[tokio::test]
async fn who_owns_a_key_goes_by_declined_names_too() {
    let mut store = Store::new().await;
    let shared = self_signed("shared", &KeyPair::generate().unwrap());
    let hosts = [1, 2].map(|host| Ipv4Addr::new(10, 0, 0, host));
    store.scan(1, hosts.map(|host| (host, &shared))).await;
    let scan = store.sink.begin(new_scan(at(2))).await.unwrap();
    let declining = hosts.map(|host| Observation {
        left_out: Some(LeftOut::Declined("shop.test".parse().unwrap())),
        ..presenting(host, &shared, at(2))
    });
    let batch = Batch {
        observations: declining[..1].to_vec(),
        ..Batch::default()
    };
    store.sink.write(scan, &batch).await.unwrap();
    let shop = Selector {
        names: vec!["shop.test".parse().unwrap()],
        ..Selector::default()
    };
    let policy = policy(&[("shop", shop), ("operations", Selector::default())]);
    let inventory = store.inventory().await;
    let appraisal = Appraisal::begin(&inventory, Vec::new(), &policy, at(3)).await;
    let found = shared_keys(&mut appraisal.unwrap(), None).await;
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].1, "on hosts of shop, operations");

    let batch = Batch {
        observations: declining[1..].to_vec(),
        ..Batch::default()
    };
    store.sink.write(scan, &batch).await.unwrap();
    let inventory = store.inventory().await;
    let appraisal = Appraisal::begin(&inventory, Vec::new(), &policy, at(3)).await;
    let found = shared_keys(&mut appraisal.unwrap(), None).await;
    assert_eq!(found, [], "both are the shop's");
}

#[tokio::test]
async fn hosts_are_judged_by_what_they_staple() {
    let mut store = Store::new().await;
    let mut params = named("stapled");
    // RFC 7633: status_request(5)
    let features = vec![0x30, 3, 2, 1, 5];
    let oid = [1, 3, 6, 1, 5, 5, 7, 1, 24];
    let feature = CustomExtension::from_oid_content(&oid, features);
    params.custom_extensions.push(feature);
    let chain = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let chain = vec![der(&chain)];
    let hosts = [1, 2, 3, 4].map(|host| Ipv4Addr::new(10, 0, 0, host));
    store.scan(1, hosts.map(|host| (host, &chain))).await;
    let response = vec![0x30, 7, 0x0a, 1, 0, 0xa0, 2, 0x30, 0];
    let staples = [None, Some(vec![]), Some(b"hello".to_vec()), Some(response)];
    let stapling = hosts.iter().zip(staples).map(|(host, staple)| {
        let mut seen = presenting(*host, &chain, at(2));
        let Outcome::Certificate(presented) = &mut seen.outcome else {
            unreachable!("it presents a chain");
        };
        presented.session.ocsp_staple = staple;
        seen
    });
    let batch = Batch {
        observations: stapling.collect(),
        ..Batch::default()
    };
    let scan = store.sink.begin(new_scan(at(2))).await.unwrap();
    store.sink.write(scan, &batch).await.unwrap();
    let inventory = store.inventory().await;
    let policy = Policy::default();
    let appraisal = Appraisal::begin(&inventory, Vec::new(), &policy, at(3)).await;
    let found = told_by("must-staple", &mut appraisal.unwrap(), None).await;
    let expected = [
        (hosts[0], "no OCSP response was stapled"),
        (hosts[1], "the staple is empty"),
        (hosts[2], "what was stapled is no OCSP response"),
    ];
    let expected = expected.map(|(host, detail)| (IpAddr::from(host), detail.to_owned()));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn alike_hosts_are_told_apart_by_the_names_that_they_decline() {
    let mut store = Store::new().await;
    let own = self_signed("own", &KeyPair::generate().unwrap());
    let hosts = [1, 2, 3].map(|host| Ipv4Addr::new(10, 0, 0, host));
    store.scan(1, hosts.map(|host| (host, &own))).await;
    let scan = store.sink.begin(new_scan(at(2))).await.unwrap();
    let declining = [(hosts[1], "other.test"), (hosts[2], "own.test")];
    let declining = declining.map(|(host, name)| Observation {
        left_out: Some(LeftOut::Declined(name.parse().unwrap())),
        ..presenting(host, &own, at(2))
    });
    let batch = Batch {
        observations: declining.to_vec(),
        ..Batch::default()
    };
    store.sink.write(scan, &batch).await.unwrap();
    let inventory = store.inventory().await;
    let appraisal = Appraisal::begin(&inventory, Vec::new(), &Policy::default(), at(3)).await;
    let found = told_by("name-mismatch", &mut appraisal.unwrap(), None).await;
    let detail = "not for other.test, which the server does not know, but for own.test";
    assert_eq!(found, [(IpAddr::from(hosts[1]), detail.to_owned())]);
}

#[tokio::test]
async fn what_is_due_is_told_to_be_left_behind_by_a_renewal_that_nobody_saw() {
    let root = CertifiedIssuer::self_signed(authority("Root"), KeyPair::generate().unwrap());
    let root = root.unwrap();
    let issued = |from: (i32, u8, u8), to: (i32, u8, u8)| {
        let mut params = named("shop");
        params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        params.not_after = rcgen::date_time_ymd(to.0, to.1, to.2);
        let key = KeyPair::generate().unwrap();
        vec![der(&params.signed_by(&key, &root).unwrap())]
    };
    let old = issued((2025, 7, 1), (2026, 6, 10));
    let new = issued((2026, 5, 1), (2027, 5, 1));
    let [first, second] = [1, 2].map(|host| Ipv4Addr::new(10, 0, 0, host));
    let mut store = Store::new().await;
    store.scan(1, [(first, &old), (second, &new)]).await;
    let inventory = store.inventory().await;
    let policy = Policy::default();
    for (day, expected) in [(-18, None), (2, Some("10 days left; its successor is "))] {
        let appraisal = Appraisal::begin(&inventory, Vec::new(), &policy, at(day)).await;
        let found = told_by("renewal-incomplete", &mut appraisal.unwrap(), None).await;
        let expected = expected.map(|words| {
            let words = format!("{words}{}", new[0].fingerprint());
            (IpAddr::from(first), words)
        });
        assert_eq!(found, Vec::from_iter(expected));
    }
}
