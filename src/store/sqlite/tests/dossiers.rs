//! What a judgement is told of an installation.

use tokio::sync::mpsc;

use super::renewals::showing;
use super::*;
use crate::store::Dossier;
use crate::x509::Staple;

pub(super) async fn dossiers(store: &Store) -> Vec<Dossier> {
    dossiers_by(store, &every_state()).await
}

pub(super) async fn dossiers_by(store: &Store, filter: &Filter) -> Vec<Dossier> {
    let (send, mut pages) = mpsc::channel(100);
    let inventory = store.inventory().await;
    inventory
        .dossiers(filter, Detail::Facts, send)
        .await
        .unwrap();
    let mut all = Vec::new();
    while let Some(page) = pages.recv().await {
        all.extend(page);
    }
    all
}

pub(super) fn of<'a>(dossiers: &'a [Dossier], name: &str, address: &str) -> &'a Dossier {
    let mut found = dossiers.iter().filter(|dossier| {
        dossier.row.certificate.sha256 == hash_of(name) && dossier.row.ip == Some(ip(address))
    });
    found.next().unwrap()
}

/// What of a batch is parsed of a certificate, made to say something else.
pub(super) fn facts<'a>(batch: &'a mut Batch, name: &str) -> &'a mut Facts {
    let certificate = batch.certificates.get_mut(&hash_of(name)).unwrap();
    certificate.facts.as_mut().unwrap()
}

#[tokio::test]
async fn pages_hold_every_installation_in_the_order_of_reports() {
    let mut store = Store::new().await;
    let looks = (0..1500).map(|host: u16| {
        let [high, low] = host.to_be_bytes();
        presenting(&format!("10.0.{high}.{low}"), 443, &["a", "ca"], 10)
    });
    store.scan(batch(looks.collect())).await;
    let listed = store.installations(&every_state()).await;
    let listed: Vec<_> = listed.iter().map(|row| row.ip).collect();
    let paged = dossiers(&store).await;
    let paged: Vec<_> = paged.iter().map(|dossier| dossier.row.ip).collect();
    assert_eq!(paged.len(), 1500);
    assert_eq!(paged, listed);
}

#[tokio::test]
async fn of_one_port_what_goes_by_name_comes_first() {
    let mut store = Store::new().await;
    let looks = (0..2100_u32).map(|number| {
        let name = format!("host-{}.example", number * 11 % 2100 / 3);
        let dialects = [Dialect::Tls, Dialect::Smtp, Dialect::Imap];
        let dialect = dialects[number as usize % 3];
        let mut look = presenting("10.0.0.2", 25, &["a"], 10);
        look.endpoint = Endpoint::tcp(Zone::default(), ip("10.0.0.2"), port(25), dialect);
        look.server_name = Some(name.parse().unwrap());
        look
    });
    let others = ["10.0.0.1", "10.0.0.3"];
    let others = others.map(|address| presenting(address, 25, &["ecdsa"], 10));
    store.scan(batch(looks.chain(others).collect())).await;
    let paged = dossiers(&store).await;
    let told = paged.iter().map(|dossier| {
        let row = &dossier.row;
        let dialect = row.starttls.clone().unwrap_or("tls".to_owned());
        (row.ip, row.sni.clone(), dialect)
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 2102);
    assert!(told.is_sorted(), "{told:?}");
}

#[tokio::test]
async fn a_reader_that_leaves_ends_the_pages() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 10)]))
        .await;
    let (send, pages) = mpsc::channel(1);
    drop(pages);
    let inventory = store.inventory().await;
    inventory
        .dossiers(&every_state(), Detail::Facts, send)
        .await
        .unwrap();
}

#[tokio::test]
async fn staples_and_ports_are_told() {
    let mut store = Store::new().await;
    let mut bare = presenting("10.0.0.2", 443, &["b"], 10);
    presented(&mut bare).session.ocsp_staple = None;
    let mut cut = presenting("10.0.0.3", 443, &["c"], 10);
    presented(&mut cut).session.ocsp_staple = None;
    presented(&mut cut).truncated = Some(Refusal::Closed(Phase::Hello));
    // It is judged by what is kept of it.
    let mut empty = presenting("10.0.0.4", 443, &["d"], 10);
    presented(&mut empty).session.ocsp_staple = Some(Vec::new());
    let mut longest = presenting("10.0.0.5", 443, &["e"], 10);
    let begins = [0x30, 0x83, 1, 0, 6, 0x0a, 1, 0, 0xa0, 0x82, 0xff, 0xff];
    let response = [begins.to_vec(), vec![0; 0xffff]].concat();
    presented(&mut longest).session.ocsp_staple = Some(response);
    let ports = [443, 8443, 9443].map(|port| presenting("10.0.0.1", port, &["a"], 10));
    store
        .scan(batch(
            [ports.to_vec(), vec![bare, cut, empty, longest]].concat(),
        ))
        .await;
    let all = dossiers(&store).await;
    assert_eq!(of(&all, "a", "10.0.0.1").staple, Some(Staple::Response));
    assert_eq!(of(&all, "a", "10.0.0.1").ports_with_it, 3);
    assert_eq!(of(&all, "b", "10.0.0.2").staple, Some(Staple::Missing));
    assert_eq!(of(&all, "b", "10.0.0.2").ports_with_it, 1);
    assert_eq!(of(&all, "c", "10.0.0.3").staple, None);
    assert_eq!(of(&all, "d", "10.0.0.4").staple, Some(Staple::Empty));
    assert_eq!(of(&all, "e", "10.0.0.5").staple, Some(Staple::Response));
}

#[tokio::test]
async fn an_earlier_day_has_the_kin_of_that_day() {
    const DAY: i64 = 86_400;
    let mut store = Store::new().await;
    let both = ["10.0.0.1", "10.0.0.2"];
    let old = both.map(|address| presenting(address, 443, &["old"], 10));
    let other_port = presenting("10.0.0.2", 8443, &["old"], 10);
    store.scan(batch([&old[..], &[other_port]].concat())).await;
    let mut renewed = showing(both[0], "newer", 1);
    let own = facts(&mut renewed, "newer");
    own.public_key.spki = Some(Fingerprint::of(b"key of old"));
    store.scan(renewed).await;
    // Today the new one is gone again, and so is the second port.
    let third = presenting("10.0.0.1", 443, &["third"], 2 * DAY);
    let closed = looking("10.0.0.2", 8443, Outcome::Refused, 2 * DAY);
    store.scan(batch(vec![third, closed])).await;

    let mut told = Vec::new();
    for known_at in [Some(at(20)), Some(at(DAY + 20)), None] {
        let filter = Filter {
            known_at,
            ..every_state()
        };
        let all = dossiers_by(&store, &filter).await;
        let straggler = of(&all, "old", "10.0.0.2");
        let kin = (straggler.successor.is_some(), straggler.same_key.len());
        told.push((kin, straggler.ports_with_it));
    }
    let [before, between, today] = [((false, 0), 2), ((true, 1), 2), ((false, 0), 1)];
    assert_eq!(told, [before, between, today]);
}

#[tokio::test]
async fn an_earlier_day_tells_nothing_that_only_later_looks_saw() {
    const DAY: i64 = 86_400;
    let mut store = Store::new().await;
    let both = |day: i64| {
        ["10.0.0.1", "10.0.0.2"].map(|address| presenting(address, 443, &["a"], day * DAY))
    };
    store.scan(batch(both(0).to_vec())).await;
    // A later scan asks one of them alone, and its server is another.
    let [mut later, _] = both(2);
    presented(&mut later).session.version = TlsVersion::TLS_1_0;
    store.scan(batch(vec![later])).await;
    let filter = Filter {
        known_at: Some(at(DAY)),
        ..every_state()
    };
    let all = dossiers_by(&store, &filter).await;
    let asked_later = of(&all, "a", "10.0.0.1");
    let row = &asked_later.row;
    assert_eq!(
        (row.last_seen, row.last_checked, row.scan),
        (None, None, None)
    );
    assert_eq!(
        (&row.session.tls_version, asked_later.staple),
        (&None, None)
    );
    assert_eq!(row.session.protocols, [""; 0]);
    let asked_then = of(&all, "a", "10.0.0.2");
    let row = &asked_then.row;
    assert_eq!(
        (row.last_seen, row.last_checked),
        (Some(at(0)), Some(at(0)))
    );
    assert_eq!(row.session.tls_version.as_deref(), Some("TLSv1.2"));
    assert_eq!(asked_then.staple, Some(Staple::Response));
    assert_eq!(row.session.protocols, ["TLSv1.2"]);
}

#[tokio::test]
async fn another_certificate_at_every_look_is_ephemeral() {
    let mut store = Store::new().await;
    for day in 0..10 {
        let fresh = format!("fresh {day}");
        let fresh = presenting("10.0.0.1", 443, &[&fresh], day * 86_400);
        let lasting = presenting("10.0.0.2", 443, &["lasting"], day * 86_400);
        store.scan(batch(vec![fresh, lasting])).await;
    }
    let all = dossiers(&store).await;
    for dossier in &all {
        let is_fresh = dossier.row.ip == Some(ip("10.0.0.1"));
        assert_eq!(dossier.is_ephemeral, is_fresh, "{dossier:?}");
    }
    let questions = store.questions("10.0.0.1", 443).await;
    assert!(questions.iter().all(|row| row.is_ephemeral));
}

#[tokio::test]
async fn authorities_of_many_chains_come_before_those_of_one_endpoint() {
    let mut store = Store::new().await;
    let rogues = ["leaf 0", "rogue 1", "rogue 2", "rogue 3"];
    let mut seen = batch(vec![
        presenting("10.0.0.1", 443, &rogues, 10),
        presenting("10.0.0.2", 443, &["leaf 1", "issuer"], 20),
        presenting("10.0.0.3", 443, &["leaf 2", "issuer"], 30),
        presenting("10.0.0.4", 443, &["leaf 3", "rare"], 40),
    ]);
    for name in ["rogue 1", "rogue 2", "rogue 3", "issuer", "rare"] {
        facts(&mut seen, name).is_ca = Some(true);
    }
    store.scan(seen).await;
    let authorities = store.inventory().await.authorities(None).await.unwrap();
    let authorities = authorities
        .iter()
        .map(|der| str::from_utf8(der.as_bytes()).unwrap());
    let mut authorities: Vec<_> = authorities.collect();
    // Two of one chain each, next to the leaf.
    authorities[1..3].sort_unstable();
    let expected = ["issuer", "rare", "rogue 1", "rogue 2", "rogue 3"];
    assert_eq!(authorities, expected);
}

#[tokio::test]
async fn a_root_is_known_to_chains_once_it_is_imported() {
    let mut store = Store::new().await;
    let mut root = certificate("root");
    let facts = root.facts.as_mut().unwrap();
    (facts.is_ca, facts.self_signed) = (Some(true), Some(true));
    let mut client = certificate("client");
    client.facts.as_mut().unwrap().self_signed = Some(true);
    let import = crate::store::Import {
        certificates: vec![root, client],
        label: None,
        at: at(10),
    };
    store.sink.import(import).await.unwrap();
    let authorities = store.inventory().await.authorities(None).await.unwrap();
    assert_eq!(authorities, [certificate("root").der]);
}

#[tokio::test]
async fn authorities_are_what_others_were_sent_with() {
    let mut store = Store::new().await;
    let mut seen = batch(vec![
        presenting("10.0.0.1", 443, &["leaf", "issuer", "root"], 10),
        presenting("10.0.0.2", 443, &["device"], 10),
    ]);
    for name in ["issuer", "root", "device"] {
        facts(&mut seen, name).is_ca = Some(true);
    }
    for name in ["root", "device"] {
        facts(&mut seen, name).self_signed = Some(true);
    }
    store.scan(seen).await;
    let inventory = store.inventory().await;
    let authorities = inventory.authorities(None).await.unwrap();
    let mut authorities: Vec<_> = authorities.iter().map(Der::as_bytes).collect();
    authorities.sort_unstable();
    assert_eq!(authorities, [&b"issuer"[..], b"root"]);
    let wanted = [hash_of("leaf"), hash_of("nobody")];
    let ders = inventory.ders(&wanted).await.unwrap();
    assert_eq!(ders.len(), 1);
    assert_eq!(ders[&hash_of("leaf")].as_bytes(), b"leaf");
    let key = Fingerprint::of(b"key of leaf");
    let hosts = inventory.key_hosts(&[key], None).await.unwrap();
    assert_eq!(hosts.len(), 1);
    assert_eq!((hosts[0].key, hosts[0].address), (key, ip("10.0.0.1")));
    let then = inventory.key_hosts(&[key], Some(at(0))).await.unwrap();
    assert_eq!(then, [], "before it was seen");
    let then = inventory.key_hosts(&[key], Some(at(1_000))).await.unwrap();
    assert_eq!(then, hosts);
}
