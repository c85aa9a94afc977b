//! How fast the inventory takes what a scan sees, and what CPU time that takes
//! in all threads: `cargo bench --bench store`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement prints what its clock says, and may fail loudly"
)]

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use certsweep::domain::{
    Chain, CipherSuite, ClientAuth, Der, Dialect, Endpoint, Fingerprint, KeyType, Observation,
    Outcome, Port, Presented, ScanId, Session, Timestamp, TlsVersion, Zone,
};
use certsweep::store::{Batch, NewScan, Sink, SqliteSink};
use certsweep::x509::{Certificate, Facts, Name, PublicKey};
use rustix::time::{ClockId, clock_gettime};

const OBSERVATIONS: u32 = 60_000;
/// As many as the collector puts into a batch.
const PER_BATCH: u32 = 4_000;

/// The first address of those that answer, and of those that never did.
const ANSWERING: u32 = 0x0a00_0000;
const DARK: u32 = 0x0b00_0000;

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
        measure(&mut sink, what, |host| {
            presented(host, Timestamp::from_seconds(second))
        })
        .await;
    }
    measure(&mut sink, "dark", |host| {
        silent(host, Timestamp::from_seconds(3))
    })
    .await;
}

/// Stores as many batches as it takes.
async fn measure(sink: &mut SqliteSink, what: &str, batch: impl Fn(Range<u32>) -> Batch) {
    let scan = begin(sink).await;
    let batches: Vec<_> = (0..OBSERVATIONS / PER_BATCH)
        .map(|number| batch(number * PER_BATCH..(number + 1) * PER_BATCH))
        .collect();
    let (start, cpu_before) = (Instant::now(), cpu_time());
    for batch in &batches {
        sink.write(scan, batch).await.unwrap();
    }
    let rate = f64::from(OBSERVATIONS) / start.elapsed().as_secs_f64();
    let cpu = cpu_time().saturating_sub(cpu_before).as_secs_f64() * 1e6 / f64::from(OBSERVATIONS);
    println!("{OBSERVATIONS} observations, {what}: {rate:.0} a second, {cpu:.1} us of CPU each");
}

/// The CPU time of all threads until now.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap()
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
fn presented(hosts: Range<u32>, at: Timestamp) -> Batch {
    let authority = certificate(u32::MAX);
    let mut certificates = HashMap::new();
    let mut observations = Vec::new();
    for host in hosts {
        let leaf = certificate(host);
        let chain = vec![leaf.der.clone(), authority.der.clone()];
        let outcome = Outcome::Certificate(Box::new(Presented {
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
        }));
        observations.push(observation(ANSWERING + host, at, outcome));
        certificates.insert(leaf.fingerprint, leaf);
    }
    certificates.insert(authority.fingerprint, authority);
    Batch {
        observations,
        certificates,
        ..Batch::default()
    }
}

/// Hosts that nobody ever heard of.
fn silent(hosts: Range<u32>, at: Timestamp) -> Batch {
    let hosts = hosts.map(|host| observation(DARK + host, at, Outcome::Filtered));
    Batch {
        observations: hosts.collect(),
        ..Batch::default()
    }
}

fn observation(address: u32, at: Timestamp, outcome: Outcome) -> Observation {
    let address = IpAddr::from(address.to_be_bytes());
    Observation {
        endpoint: Endpoint::tcp(Zone::default(), address, Port::HTTPS, Dialect::Tls),
        server_name: None,
        asked_for: None,
        at,
        outcome,
        attempts: Vec::new(),
        pointer: None,
        survey: None,
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
            signature_hashes: Vec::new(),
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
