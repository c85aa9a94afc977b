//! How fast the inventory takes what a scan sees: `cargo bench --bench store`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement prints what its clock says, and may fail loudly"
)]

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use certsweep::domain::{
    Chain, CipherSuite, ClientAuth, Der, Dialect, Endpoint, Fingerprint, KeyType, Observation,
    Outcome, Port, Presented, ScanId, Session, Timestamp, TlsVersion, Zone,
};
use certsweep::store::{Batch, NewScan, Sink, SqliteSink};
use certsweep::x509::{Certificate, Facts, Name, PublicKey};

const OBSERVATIONS: u32 = 50_000;
const PER_BATCH: u32 = 1_000;

#[tokio::main]
async fn main() {
    // `cargo test --benches` only wants to know that it compiles.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bench.db");
    let (mut sink, _) = SqliteSink::open_or_create(&path).await.unwrap();
    for (second, what) in [(0, "new"), (1, "unchanged"), (2, "unchanged again")] {
        let batches: Vec<_> = (0..OBSERVATIONS / PER_BATCH)
            .map(|number| batch(number * PER_BATCH, Timestamp::from_seconds(second)))
            .collect();
        let scan = begin(&mut sink).await;
        let start = Instant::now();
        for batch in batches {
            sink.write(scan, &batch).await.unwrap();
        }
        let rate = f64::from(OBSERVATIONS) / start.elapsed().as_secs_f64();
        println!("{OBSERVATIONS} observations, {what}: {rate:.0} a second");
    }
}

async fn begin(sink: &mut SqliteSink) -> ScanId {
    let scan = NewScan {
        started_at: Timestamp::from_seconds(0),
        targets: u64::from(OBSERVATIONS),
        zone: Zone::default(),
        note: None,
        settings: "{}".to_owned(),
        seed: 0,
        plan: Fingerprint::of(b""),
        identity: Fingerprint::of(b""),
        operator: "somebody".to_owned(),
        tool_version: String::new(),
    };
    sink.begin(scan).await.unwrap()
}

/// Hosts of their own certificates under one authority.
fn batch(first: u32, at: Timestamp) -> Batch {
    let authority = certificate(u32::MAX);
    let mut certificates = HashMap::new();
    let mut observations = Vec::new();
    for host in first..first + PER_BATCH {
        let leaf = certificate(host);
        let chain = vec![leaf.der.clone(), authority.der.clone()];
        let address = IpAddr::from((0x0a00_0000 + host).to_be_bytes());
        observations.push(Observation {
            endpoint: Endpoint::tcp(Zone::default(), address, Port::HTTPS, Dialect::Tls),
            server_name: None,
            asked_for: None,
            at,
            outcome: Outcome::Certificate(Box::new(Presented {
                chain: Chain::from_wire(chain).unwrap(),
                session: Session {
                    version: TlsVersion::TLS_1_2,
                    cipher_suite: CipherSuite(0xc02f),
                    key_exchange: None,
                    alpn: None,
                    client_auth: Some(ClientAuth::None),
                    acceptable_issuers: Vec::new(),
                    ocsp_staple: None,
                },
                truncated: None,
            })),
            attempts: Vec::new(),
            pointer: None,
            survey: None,
        });
        certificates.insert(leaf.fingerprint, leaf);
    }
    certificates.insert(authority.fingerprint, authority);
    Batch {
        observations,
        certificates,
        ..Batch::default()
    }
}

/// 1,200 bytes, as long as a usual one.
fn certificate(number: u32) -> Certificate {
    let mut bytes = vec![0x30; 1_200];
    bytes.extend(number.to_be_bytes());
    let der = Der::from(bytes);
    let name = Name {
        common_name: Some(format!("host-{number}.example")),
        distinguished_name: format!("CN=host-{number}.example"),
    };
    Certificate {
        fingerprint: der.fingerprint(),
        sha1: [0; 20],
        facts: Ok(Facts {
            version: 3,
            serial: number.to_be_bytes().to_vec(),
            subject: name.clone(),
            issuer: name,
            not_before: Some(Timestamp::from_seconds(0)),
            not_after: Some(Timestamp::from_seconds(86_400)),
            public_key: PublicKey {
                key_type: KeyType::Rsa,
                bits: Some(2048),
                curve: None,
                spki: Some(Fingerprint::of(&number.to_be_bytes())),
            },
            signature_algorithm: "sha256WithRSAEncryption".to_owned(),
            alternative_names: vec![format!("host-{number}.example")],
            key_usage: None,
            extended_key_usage: None,
            is_ca: None,
            must_staple: false,
            self_signed: Some(false),
            faults: Vec::new(),
        }),
        der,
    }
}
