//! How fast the inventory takes what a scan sees, and what CPU time that takes
//! in all threads: `cargo bench --bench store`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement prints what its clock says, and may fail loudly"
)]

use std::net::IpAddr;
use std::time::{Duration, Instant};

use certsweep::domain::{
    Chain, CipherSuite, ClientAuth, Der, Dialect, Endpoint, Fingerprint, KeyType, Observation,
    Outcome, Pointer, Port, Presented, ScanId, Session, Timestamp, TlsVersion, Zone,
};
use certsweep::store::{Batch, NewScan, Sink, SqliteSink};
use certsweep::x509::{Certificate, Facts, Name, PublicKey};
use rustix::time::{ClockId, clock_gettime};

/// How many hosts a scan looks at.
const HOSTS: u32 = 64_000;
/// As many as the collector puts into a batch.
const PER_BATCH: usize = 4_000;
/// From one host to the next in the order of a scan, in which neighbours are
/// far apart: a prime that does not divide [`HOSTS`], so that all come once.
const STRIDE: u32 = 25_013;

/// The first addresses of those that share a certificate, of those that have
/// their own, and of those that never answered.
const ALIKE: u32 = 0x0a00_0000;
const DIFFERENT: u32 = 0x0b00_0000;
const DARK: u32 = 0x0c00_0000;

#[tokio::main]
async fn main() {
    // `cargo test --benches` only wants to know that it compiles.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bench.db");
    let (mut sink, _) = SqliteSink::open_or_create(&path).await.unwrap();
    println!("| {HOSTS} hosts | observations a second | CPU us each |");
    println!("|---|--:|--:|");
    for what in ["first scan", "second scan", "third scan"] {
        let what = format!("of one certificate, {what}");
        measure(&mut sink, &what, ALIKE, |_| Some(0)).await;
    }
    for what in ["first scan", "second scan"] {
        let what = format!("of a certificate each, {what}");
        measure(&mut sink, &what, DIFFERENT, Some).await;
    }
    let renewed = |host| Some(HOSTS + host);
    measure(&mut sink, "that changed it", DIFFERENT, renewed).await;
    measure(&mut sink, "that never answered", DARK, |_| None).await;
}

/// Stores a scan of hosts from the address `first` on, each of which has the
/// certificate of a number, or none.
async fn measure(
    sink: &mut SqliteSink,
    what: &str,
    first: u32,
    shown: impl Fn(u32) -> Option<u32>,
) {
    let scan = begin(sink).await;
    let at = Timestamp::from_seconds(scan.number());
    let turns: Vec<_> = (0..HOSTS).collect();
    let batches: Vec<_> = turns
        .chunks(PER_BATCH)
        .map(|turns| {
            let hosts = turns.iter().map(|turn| turn * STRIDE % HOSTS);
            batch(hosts.map(|host| (first + host, shown(host))), at)
        })
        .collect();
    let (start, cpu_before) = (Instant::now(), cpu_time());
    for batch in &batches {
        sink.write(scan, batch).await.unwrap();
    }
    let rate = f64::from(HOSTS) / start.elapsed().as_secs_f64();
    let cpu = cpu_time().saturating_sub(cpu_before).as_secs_f64() * 1e6 / f64::from(HOSTS);
    println!("| {what} | {rate:.0} | {cpu:.1} |");
}

/// The CPU time of all threads until now.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap()
}

async fn begin(sink: &mut SqliteSink) -> ScanId {
    let scan = NewScan {
        started_at: Timestamp::from_seconds(0),
        targets: u64::from(HOSTS),
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

/// Hosts and the numbers of their certificates, all under one authority.
fn batch(hosts: impl Iterator<Item = (u32, Option<u32>)>, at: Timestamp) -> Batch {
    let authority = certificate(u32::MAX);
    let mut batch = Batch::default();
    for (address, number) in hosts {
        let outcome = match number.map(certificate) {
            Some(leaf) => {
                let outcome = presented(&leaf, &authority);
                batch.certificates.insert(leaf.fingerprint, leaf);
                outcome
            }
            None => Outcome::Filtered,
        };
        batch.observations.push(observation(address, at, outcome));
    }
    batch.certificates.insert(authority.fingerprint, authority);
    batch
}

fn presented(leaf: &Certificate, authority: &Certificate) -> Outcome {
    let chain = vec![leaf.der.clone(), authority.der.clone()];
    Outcome::Certificate(Box::new(Presented {
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
    }))
}

fn observation(address: u32, at: Timestamp, outcome: Outcome) -> Observation {
    let address = IpAddr::from(address.to_be_bytes());
    Observation {
        endpoint: Endpoint::tcp(Zone::default(), address, Port::HTTPS, Dialect::Tls),
        server_name: None,
        left_out: None,
        asked_for: None,
        at,
        outcome,
        attempts: Vec::new(),
        pointer: Pointer::default(),
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
