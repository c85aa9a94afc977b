//! How fast a large inventory is judged and written: `cargo bench --bench
//! appraisal`. A million installations of a thousand certificates on hosts far
//! apart, and of two hundred thousand, each on five hosts next to each other.
//!
//! Beside each report stands what it can't be faster than: the same rows
//! written without a judgement, and a copy of the same bytes.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement prints what its clock says, and may fail loudly"
)]

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use certsweep::domain::{
    Chain, CipherSuite, Der, Dialect, Endpoint, Fingerprint, Observation, Outcome, Pointer, Port,
    Presented, ScanId, Session, Timestamp, TlsVersion, Zone, clock,
};
use certsweep::report::{Format, Head, INSTALLATIONS as TABLE, Report};
use certsweep::store::{
    Batch, Detail, Filter, Inventory, NewScan, Sink, SqliteInventory, SqliteSink,
};
use certsweep::x509;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_RSA_SHA256,
    PublicKeyData, SignatureAlgorithm,
};

const INSTALLATIONS: usize = 1_000_000;
const NETWORKS: [Network; 2] = [
    Network {
        certificates: 1_000,
        neighbours: 1,
    },
    Network {
        certificates: 200_000,
        neighbours: 5,
    },
];
const PER_BATCH: usize = 1_000;

/// Hosts of a block of the scan's plan, in which it asks in no order: of its
/// 2^20 targets a tenth answers.
const PER_BLOCK: usize = 100_000;

/// How many hosts the next to answer is further on, around the block.
const STRIDE: usize = 61_803;
const BEGAN: i64 = 1_700_000_000;

/// Which host shows which certificate.
#[derive(Clone, Copy)]
struct Network {
    certificates: usize,
    /// Hosts next to each other that show the same.
    neighbours: usize,
}

#[tokio::main]
async fn main() {
    // `cargo test --benches` only wants to know that it compiles.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for network in NETWORKS {
        let certificates = network.certificates;
        let path = directory.path().join(format!("{certificates}.db"));
        fill(&path, network).await;
        println!("{INSTALLATIONS} installations of {certificates} certificates");
        measure(&path).await;
        fs::remove_file(&path).unwrap();
    }
}

async fn measure(db: &Path) {
    let written = db.with_extension("csv");
    let start = Instant::now();
    unjudged(db, &written).await;
    let floor = start.elapsed();
    tell("csv, not judged", floor, None);
    let csv = ["report", "--format", "csv", "-o"];
    let (first, memory) = certsweep(db, &csv, Some(&written));
    tell("csv, judged for the first time", first, Some(memory));
    // A port that nobody listens on: what takes time is the judgement of all
    // that is known, at the end.
    for what in ["judged and kept", "judged and kept again"] {
        let (took, memory) = certsweep(db, &["scan", "-q", "127.0.0.1:1"], None);
        tell(what, took, Some(memory));
    }
    let (judged, memory) = certsweep(db, &csv, Some(&written));
    tell("csv", judged, Some(memory));
    let copied = copy(&written);
    tell("a copy of the same bytes", copied, None);
    println!(
        "  csv takes {:.2} of the time of the rows alone, {:.1} of that of a copy",
        judged.as_secs_f64() / floor.as_secs_f64(),
        judged.as_secs_f64() / copied.as_secs_f64()
    );
    fs::remove_file(&written).unwrap();
    for format in ["jsonl", "html"] {
        let arguments = ["report", "--format", format, "-o"];
        let (took, memory) = certsweep(db, &arguments, Some(&written));
        tell(format, took, Some(memory));
        fs::remove_file(&written).unwrap();
    }
    let commands = [
        &["check"][..],
        &["certs", "--json"],
        &["diff", "1", "--json"],
    ];
    for command in commands {
        let (took, memory) = certsweep(db, command, None);
        tell(command[0], took, Some(memory));
    }
}

fn tell(what: &str, took: Duration, kibibytes: Option<u64>) {
    let rate = INSTALLATIONS as f64 / took.as_secs_f64();
    let memory = kibibytes.map(|most| format!(", {} MiB at most", most / 1024));
    println!(
        "  {what}: {:.1} s, {rate:.0} a second{}",
        took.as_secs_f64(),
        memory.unwrap_or_default()
    );
}

/// Writes the rows as they are stored.
async fn unjudged(db: &Path, to: &Path) {
    let inventory = SqliteInventory::open(db).await.unwrap();
    let out = BufWriter::new(File::create(to).unwrap());
    let mut report = Report::begin(out, Format::Csv, &TABLE, Head::at(clock::now())).unwrap();
    let mut write = |row| {
        report.row(&row).unwrap();
        ControlFlow::Continue(())
    };
    let filter = Filter::default();
    let read = inventory.installations(&filter, Detail::Facts, &mut write);
    read.await.unwrap();
    report.end().unwrap();
    inventory.close().await;
}

/// Runs the program; how long it took, and its largest memory in KiB.
fn certsweep(db: &Path, arguments: &[&str], to: Option<&Path>) -> (Duration, u64) {
    let start = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_certsweep"));
    command.args(arguments).args(to).arg("--db").arg(db);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let mut most = 0;
    let status = loop {
        most = most.max(memory(&child));
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    // Four: `check` found something, as it was to.
    assert!(status.success() || status.code() == Some(4));
    (start.elapsed(), most)
}

/// The most that a process held in memory so far, in KiB; 0 where that can't
/// be told.
fn memory(process: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()));
    let status = status.unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let most = most.and_then(|most| most.trim().strip_suffix(" kB"));
    most.and_then(|most| most.parse().ok()).unwrap_or(0)
}

/// Copies a file beside itself, byte by byte through memory.
fn copy(from: &Path) -> Duration {
    let start = Instant::now();
    let beside = from.with_extension("copy");
    let mut bytes = vec![0; 64 * 1024];
    let mut from = File::open(from).unwrap();
    let mut to = File::create(&beside).unwrap();
    loop {
        match from.read(&mut bytes).unwrap() {
            0 => break,
            count => to.write_all(&bytes[..count]).unwrap(),
        }
    }
    let took = start.elapsed();
    fs::remove_file(&beside).unwrap();
    took
}

/// Fills a new inventory with one scan, each certificate on as many hosts.
async fn fill(path: &Path, network: Network) {
    let Network {
        certificates,
        neighbours,
    } = network;
    let (mut sink, _) = SqliteSink::open_or_create(path).await.unwrap();
    let scan = begin(&mut sink).await;
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let issuer = Der::from(root.der().to_vec());
    let mut leaves = Vec::new();
    for number in 0..certificates {
        let name = format!("host-{number}.example");
        let parameters = CertificateParams::new([name]).unwrap();
        let key = Modulus::of(u64::try_from(number).unwrap());
        let signed = parameters.signed_by(&key, &root).unwrap();
        leaves.push(Der::from(signed.der().to_vec()));
    }
    let mut known = HashSet::new();
    for first in (0..INSTALLATIONS).step_by(PER_BATCH) {
        let mut batch = Batch::default();
        let hosts = (first..first + PER_BATCH).map(host);
        let shown = hosts
            .clone()
            .map(|host| &leaves[host / neighbours % certificates]);
        let chains = shown.clone().map(|leaf| vec![leaf.clone(), issuer.clone()]);
        batch.observations = hosts.zip(chains).map(observation).collect();
        let new = shown.chain([&issuer]);
        let new = new.filter(|der| known.insert(der.fingerprint()));
        let parsed = new.map(|der| (der.fingerprint(), x509::parse(der)));
        batch.certificates = parsed.collect();
        sink.write(scan, &batch).await.unwrap();
    }
    sink.close().await.unwrap();
}

/// The host that is the scan's so many-th to answer.
fn host(turn: usize) -> usize {
    let within = turn % PER_BLOCK;
    turn - within + within * STRIDE % PER_BLOCK
}

/// An RSA public key of 2048 bits that nobody has the private key of: what it
/// costs to look at is what any costs.
struct Modulus(Vec<u8>);

impl Modulus {
    fn of(number: u64) -> Self {
        // SEQUENCE of INTEGER (257 octets) and INTEGER 65537.
        let mut der = vec![0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
        let octets = (0_u64..8).flat_map(|part| {
            let part = Fingerprint::of(&[number.to_be_bytes(), part.to_be_bytes()].concat());
            part.as_bytes().to_vec()
        });
        let modulus = der.len();
        der.extend(octets);
        der[modulus] |= 0x80;
        *der.last_mut().unwrap() |= 1;
        der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
        Self(der)
    }
}

impl PublicKeyData for Modulus {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

fn observation((host, chain): (usize, Vec<Der>)) -> Observation {
    let number = 0x0a00_0000 + u32::try_from(host).unwrap();
    let address = IpAddr::from(number.to_be_bytes());
    Observation {
        endpoint: Endpoint::tcp(Zone::default(), address, Port::HTTPS, Dialect::Tls),
        server_name: None,
        left_out: None,
        asked_for: None,
        at: Timestamp::from_seconds(BEGAN),
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
        pointer: Pointer::default(),
        survey: None,
    }
}

async fn begin(sink: &mut SqliteSink) -> ScanId {
    let scan = NewScan {
        started_at: Timestamp::from_seconds(BEGAN),
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
