//! How fast a large inventory is judged and written: `cargo bench --bench
//! appraisal`. Two of them: each certificate on one host, and each on a
//! hundred.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement prints what its clock says, and may fail loudly"
)]

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use certsweep::domain::{
    Chain, CipherSuite, Der, Dialect, Endpoint, Fingerprint, Observation, Outcome, Port, Presented,
    ScanId, Session, Timestamp, TlsVersion, Zone,
};
use certsweep::store::{Batch, NewScan, Sink, SqliteSink};
use certsweep::x509;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

const INSTALLATIONS: usize = 200_000;
const PER_BATCH: usize = 1_000;

#[tokio::main]
async fn main() {
    // `cargo test --benches` only wants to know that it compiles.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for hosts in [100, 1] {
        let path = directory.path().join(format!("{hosts}.db"));
        fill(&path, hosts).await;
        for format in ["csv", "jsonl"] {
            let seconds = report(&path, format);
            println!(
                "{INSTALLATIONS} installations, a certificate on {hosts}: {format} in {seconds:.1} s, {:.0} a second",
                INSTALLATIONS as f64 / seconds
            );
        }
    }
}

fn report(path: &Path, format: &str) -> f64 {
    let start = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_certsweep"));
    command.args(["report", "--format", format, "-o", "/dev/null", "--db"]);
    assert!(command.arg(path).status().unwrap().success());
    start.elapsed().as_secs_f64()
}

/// Fills a new inventory with one scan, each certificate on so many hosts.
async fn fill(path: &Path, hosts: usize) {
    let (mut sink, _) = SqliteSink::open_or_create(path).await.unwrap();
    let scan = begin(&mut sink).await;
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let issuer = Der::from(root.der().to_vec());
    let mut leaf = None;
    let mut ders = Vec::new();
    for first in (0..INSTALLATIONS).step_by(PER_BATCH) {
        let mut batch = Batch::default();
        for host in first..first + PER_BATCH {
            if host % hosts == 0 {
                let name = format!("host-{host}.example");
                let key = KeyPair::generate().unwrap();
                let parameters = CertificateParams::new([name]).unwrap();
                let signed = parameters.signed_by(&key, &root).unwrap();
                leaf = Some(Der::from(signed.der().to_vec()));
            }
            let shown = leaf.clone().unwrap();
            if ders.last() != Some(&shown) {
                ders.push(shown.clone());
            }
            let chain = vec![shown, issuer.clone()];
            batch.observations.push(observation(host, chain));
        }
        let parsed = ders.drain(..).chain([issuer.clone()]);
        let parsed = parsed.map(|der| (der.fingerprint(), x509::parse(&der)));
        batch.certificates = parsed.collect::<HashMap<_, _>>();
        sink.write(scan, &batch).await.unwrap();
    }
    sink.close().await.unwrap();
}

fn observation(host: usize, chain: Vec<Der>) -> Observation {
    let number = 0x0a00_0000 + u32::try_from(host).unwrap();
    let address = IpAddr::from(number.to_be_bytes());
    Observation {
        endpoint: Endpoint::tcp(Zone::default(), address, Port::HTTPS, Dialect::Tls),
        server_name: None,
        asked_for: None,
        at: Timestamp::from_seconds(1_700_000_000),
        outcome: Outcome::Certificate(Box::new(Presented {
            chain: Chain::from_wire(chain).unwrap(),
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
        pointer: None,
        survey: None,
    }
}

async fn begin(sink: &mut SqliteSink) -> ScanId {
    let scan = NewScan {
        started_at: Timestamp::from_seconds(1_700_000_000),
        targets: INSTALLATIONS as u64,
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
