//! The inventory through its two seams, on real files.

mod authorities;
mod backup;
mod batch;
mod chains;
mod clocks;
mod declined;
mod dialects;
mod dossiers;
mod events;
mod file;
mod filter;
mod heirs;
mod history;
mod hostile;
mod imports;
mod judgements;
mod key_types;
mod known;
mod later_versions;
mod ledger;
mod left_behind;
mod migration;
mod moved_hosts;
mod moves;
mod nameless;
mod notices;
mod prune;
mod reading;
mod renewals;
mod renewed_imports;
mod restricted;
mod resume;
mod same_key;
mod session;
mod store;
mod survey;
mod ten_scans;
mod unreached;
mod versions;
mod views;
mod weight;

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use tempfile::TempDir;

use super::super::{
    AddressRun, Batch, Detail, Filter, Inventory, Lead, NameLook, NewScan, Opened, ScanEnd, Sink,
    StoreError,
};
use super::{SqliteInventory, SqliteSink};
use crate::domain::{
    Alert, Chain, CipherSuite, ClientAuth, Der, Dialect, Endpoint, Fingerprint, KeyExchange,
    KeyType, LeftOut, NamedGroup, Observation, Outcome, OutcomeKind, Phase, Pointer, Port,
    Presented, Refusal, ScanId, ScanState, ServerName, Session, Tally, Timestamp, TlsVersion, Zone,
};
use crate::report::Installation;
use crate::x509::{Certificate, Facts, Name, ParseFault, PublicKey};
use store::Store;

fn ended(state: ScanState) -> ScanEnd {
    ScanEnd {
        incidents: Vec::new(),
        unlisted: 0,
        finished_at: at(9999),
        state,
        ended_by: None,
        outcomes: Tally::default(),
    }
}

fn every_state() -> Filter {
    use crate::report::InstallationState::{Current, Gone, Missing};
    Filter {
        states: vec![Current, Missing, Gone],
        ..Filter::default()
    }
}

fn new_scan() -> NewScan {
    NewScan {
        started_at: at(0),
        targets: 256,
        zone: Zone::default(),
        note: Some("weekly".to_owned()),
        settings: "{}".to_owned(),
        seed: u64::MAX,
        plan: Fingerprint::of(b"plan"),
        identity: Fingerprint::of(b"identity"),
        operator: "somebody".to_owned(),
        tool_version: "0.1.0".to_owned(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + second)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn port(number: u16) -> Port {
    Port::new(number).unwrap()
}

/// A certificate by its name alone; RSA unless the name says otherwise.
fn certificate(name: &str) -> Certificate {
    let said = |key_type: &KeyType| name.contains(key_type.as_str());
    let said = [KeyType::Ecdsa, KeyType::Eddsa].into_iter().find(said);
    let key_type = said.unwrap_or(KeyType::Rsa);
    let der = Der::from(name.as_bytes());
    Certificate {
        fingerprint: der.fingerprint(),
        sha1: sha1_of(name),
        facts: Ok(Facts {
            version: 3,
            serial: vec![0x00, 0xaf, name.len().try_into().unwrap()],
            subject: named(name),
            issuer: named(&format!("Issuer, of {name}")),
            not_before: Some(at(-86_400)),
            not_after: Some(at(86_400 * i64::try_from(name.len()).unwrap())),
            public_key: PublicKey {
                key_type,
                bits: Some(2048),
                curve: None,
                spki: Some(Fingerprint::of(format!("key of {name}").as_bytes())),
            },
            signature_algorithm: "sha256WithRSAEncryption".to_owned(),
            signature_hashes: Vec::new(),
            alternative_names: vec![name.to_owned(), format!("www.{name}")],
            key_usage: Some(vec!["digitalSignature".to_owned()]),
            extended_key_usage: None,
            is_ca: None,
            must_staple: false,
            self_signed: Some(false),
            faults: Vec::new(),
        }),
        der,
    }
}

/// Not a SHA-1, but as good as one to tell certificates apart.
fn sha1_of(name: &str) -> [u8; 20] {
    Fingerprint::of(name.as_bytes()).as_bytes()[..20]
        .try_into()
        .unwrap()
}

fn unparsed(bytes: &[u8]) -> Certificate {
    let der = Der::from(bytes);
    Certificate {
        fingerprint: der.fingerprint(),
        sha1: [7; 20],
        facts: Err(ParseFault("not a SEQUENCE".to_owned())),
        der,
    }
}

fn named(common_name: &str) -> Name {
    Name {
        common_name: Some(common_name.to_owned()),
        distinguished_name: format!("CN={}", common_name.replace(',', "\\,")),
    }
}

fn session() -> Session {
    Session {
        version: TlsVersion::TLS_1_2,
        cipher_suite: CipherSuite(0xc02f),
        key_exchange: Some(KeyExchange::Group(NamedGroup(29))),
        alpn: Some(b"h2".to_vec()),
        client_auth: Some(ClientAuth::None),
        acceptable_issuers: Vec::new(),
        ocsp_staple: Some(vec![0x30, 7, 0x0a, 1, 0, 0xa0, 2, 0x30, 0]),
    }
}

/// A look at an address and port that presents these certificates.
fn presenting(address: &str, number: u16, chain: &[&str], second: i64) -> Observation {
    let chain = chain
        .iter()
        .map(|name| Der::from(name.as_bytes()))
        .collect();
    looking(
        address,
        number,
        Outcome::Certificate(Box::new(Presented {
            chain: Chain::from_wire(chain).unwrap(),
            session: session(),
            truncated: None,
        })),
        second,
    )
}

fn looking(address: &str, number: u16, outcome: Outcome, second: i64) -> Observation {
    Observation {
        endpoint: Endpoint::tcp(Zone::default(), ip(address), port(number), Dialect::Tls),
        server_name: None,
        left_out: None,
        asked_for: None,
        at: at(second),
        outcome,
        attempts: Vec::new(),
        pointer: Pointer::default(),
        survey: None,
    }
}

fn asking(name: &str, observation: Observation) -> Observation {
    Observation {
        server_name: Some(name.parse::<ServerName>().unwrap()),
        ..observation
    }
}

/// A look restricted to a key type.
fn restricted(key_type: KeyType, observation: Observation) -> Observation {
    Observation {
        asked_for: Some(key_type),
        ..observation
    }
}

/// What a look presented.
fn presented(observation: &mut Observation) -> &mut Presented {
    match &mut observation.outcome {
        Outcome::Certificate(presented) => presented,
        other => panic!("{other:?}"),
    }
}

fn refused() -> Outcome {
    Outcome::TlsRefused(Refusal::Alert(Phase::Hello, Alert::HANDSHAKE_FAILURE))
}

/// A batch with all that its observations need.
fn batch(observations: Vec<Observation>) -> Batch {
    let certificates: HashMap<_, _> = observations
        .iter()
        .filter_map(|observation| match &observation.outcome {
            Outcome::Certificate(presented) => Some(presented.chain.iter()),
            _ => None,
        })
        .flatten()
        .map(|der| {
            let parsed = match std::str::from_utf8(der.as_bytes()) {
                Ok(name) => certificate(name),
                Err(_) => unparsed(der.as_bytes()),
            };
            (parsed.fingerprint, parsed)
        })
        .collect();
    Batch {
        observations,
        certificates,
        ..Batch::default()
    }
}

/// A run of the ledger.
fn run(first: &str, last: &str, number: u16, outcome: OutcomeKind, second: i64) -> AddressRun {
    AddressRun {
        zone: Zone::default(),
        port: port(number),
        first: ip(first),
        last: ip(last),
        outcome,
        detail: String::new(),
        at: at(second),
    }
}

/// A target that is a name, found with a certificate.
fn led(name: &str, number: u16, second: i64) -> NameLook {
    NameLook {
        zone: Zone::default(),
        name: name.parse().unwrap(),
        port: port(number),
        outcome: OutcomeKind::Certificate,
        detail: String::new(),
        at: at(second),
    }
}

/// A target that is a name led here.
fn lead(name: &str, address: &str, number: u16) -> Lead {
    Lead {
        zone: Zone::default(),
        name: name.parse().unwrap(),
        port: port(number),
        address: ip(address),
    }
}

fn hash_of(name: &str) -> Fingerprint {
    Fingerprint::of(name.as_bytes())
}
