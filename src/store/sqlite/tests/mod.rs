//! The inventory through its two seams, on real files.

mod backup;
mod batch;
mod dialects;
mod dossiers;
mod events;
mod file;
mod filter;
mod history;
mod hostile;
mod imports;
mod judgements;
mod known;
mod ledger;
mod migration;
mod moves;
mod notices;
mod prune;
mod reading;
mod restricted;
mod resume;
mod session;
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
    Chain, CipherSuite, ClientAuth, Der, Dialect, Endpoint, Fingerprint, KeyExchange, KeyType,
    NamedGroup, Observation, Outcome, OutcomeKind, Phase, Port, Presented, Refusal, ScanId,
    ScanState, ServerName, Session, Tally, Timestamp, TlsVersion, Zone,
};
use crate::report::{EndpointRow, Installation, QuestionRow, ScanRow};
use crate::x509::{Certificate, Facts, Name, ParseFault, PublicKey};

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

/// An inventory in a directory of its own, open for writing.
struct Store {
    directory: TempDir,
    sink: SqliteSink,
}

impl Store {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let (sink, opened) = SqliteSink::open_or_create(&path).await.unwrap();
        assert_eq!(opened, Opened::Created);
        Self { directory, sink }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("test.db")
    }

    async fn begin(&mut self) -> ScanId {
        self.sink.begin(new_scan()).await.unwrap()
    }

    /// A whole scan that sees this.
    async fn scan(&mut self, batch: Batch) -> ScanId {
        let scan = self.begin().await;
        self.sink.write(scan, &batch).await.unwrap();
        self.finish(scan).await;
        scan
    }

    async fn finish(&mut self, scan: ScanId) {
        let end = ended(ScanState::Complete);
        self.sink.finish(scan, end).await.unwrap();
    }

    /// From now on the disk has no room for another page, until the connection
    /// is made anew.
    async fn fill_disk(&mut self) {
        let pages: i64 = sqlx::query_scalar("pragma page_count")
            .fetch_one(self.sink.connection())
            .await
            .unwrap();
        let limit = format!("pragma max_page_count = {pages}");
        sqlx::query(AssertSqlSafe(limit))
            .execute(self.sink.connection())
            .await
            .unwrap();
    }

    async fn inventory(&self) -> SqliteInventory {
        SqliteInventory::open(&self.path()).await.unwrap()
    }

    async fn installations(&self, filter: &Filter) -> Vec<Installation> {
        let mut rows = Vec::new();
        let mut visit = |row| {
            rows.push(row);
            ControlFlow::Continue(())
        };
        let inventory = self.inventory().await;
        inventory
            .installations(filter, Detail::FactsAndDer, &mut visit)
            .await
            .unwrap();
        rows
    }

    async fn endpoint(&self, address: &str, number: u16) -> EndpointRow {
        let found = self.inventory().await;
        let found = found.endpoint(ip(address), port(number)).await.unwrap();
        let [row] = <[_; 1]>::try_from(found).unwrap();
        row
    }

    async fn questions(&self, address: &str, number: u16) -> Vec<QuestionRow> {
        let endpoint = self.endpoint(address, number).await;
        self.inventory().await.questions(&endpoint).await.unwrap()
    }

    async fn scans(&self) -> Vec<ScanRow> {
        let mut rows = Vec::new();
        let mut visit = |row| {
            rows.push(row);
            ControlFlow::Continue(())
        };
        self.inventory().await.scans(&mut visit).await.unwrap();
        rows
    }

    /// Installations in every state.
    async fn history(&self) -> Vec<Installation> {
        self.installations(&every_state()).await
    }

    /// A connection of our own, to look behind the seams.
    async fn raw(&self) -> SqliteConnection {
        sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.path())
            .connect()
            .await
            .unwrap()
    }

    /// How many endpoints and intervals are marked as ones of which there is
    /// more to be said; there is no more to be said of any other.
    async fn marked(&self) -> (i64, i64) {
        let mut raw = self.raw().await;
        let unmarked: i64 = sqlx::query_scalar(
            "select (select count(*) from endpoints e where not has_more \
                        and (1 < (select count(*) from questions q where q.endpoint_id = e.id) \
                             or exists (select 1 from surveys s where s.endpoint_id = e.id))) \
                  + (select count(*) from installations i where not has_others \
                        and exists (select 1 from installations other \
                                     where other.question_id = i.question_id \
                                       and other.id <> i.id))",
        )
        .fetch_one(&mut raw)
        .await
        .unwrap();
        assert_eq!(unmarked, 0);
        let marked = "select (select sum(has_more) from endpoints), \
                             (select sum(has_others) from installations)";
        let row = sqlx::query(marked).fetch_one(&mut raw).await.unwrap();
        raw.close().await.unwrap();
        (row.get(0), row.get(1))
    }

    /// Every value of every row of a table, byte for byte.
    async fn dump(&self, table: &str) -> Vec<String> {
        let mut raw = self.raw().await;
        let columns = sqlx::query(AssertSqlSafe(format!("pragma table_info({table})")))
            .fetch_all(&mut raw)
            .await
            .unwrap();
        let values: Vec<String> = columns
            .iter()
            .map(|column| column.get::<String, _>(1))
            .map(|name| format!("typeof({name}) || ':' || hex({name})"))
            .collect();
        let query = format!(
            "select {} as value from {table} order by value",
            values.join(" || ',' || ")
        );
        let rows = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_all(&mut raw)
            .await
            .unwrap();
        raw.close().await.unwrap();
        rows
    }

    async fn dump_all(&self) -> Vec<(&'static str, Vec<String>)> {
        let mut dumps = Vec::new();
        for table in TABLES {
            dumps.push((*table, self.dump(table).await));
        }
        dumps
    }
}

const TABLES: &[&str] = &[
    "scans",
    "certificates",
    "certificate_names",
    "chains",
    "chain_members",
    "endpoints",
    "questions",
    "looks",
    "installations",
    "failures",
    "surveys",
    "coverage",
    "name_coverage",
    "imports",
    "notices",
];

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
        ocsp_staple: Some(vec![0x30, 0x00]),
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
        asked_for: None,
        at: at(second),
        outcome,
        attempts: Vec::new(),
        pointer: None,
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
    Outcome::TlsRefused(Refusal::Closed(Phase::Hello))
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
