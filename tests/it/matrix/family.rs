//! Servers that are scanned together, and the table of what they gave.

use std::any::Any;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::document;
use crate::program::Inventory;

/// A family of servers. It keeps them alive.
pub(super) struct Family {
    title: &'static str,
    cases: Vec<Case>,
    options: Vec<String>,
    bounds: Option<Bounds>,
    servers: Vec<Box<dyn Any>>,
}

/// Whose server it is, as the table says it.
#[derive(Clone, Copy)]
pub(super) struct Program(pub(super) &'static str);

pub(super) const OPENSSL: Program = Program("OpenSSL");
pub(super) const JSSE: Program = Program("Java (JSSE)");
pub(super) const RUSTLS: Program = Program("rustls");
pub(super) const NGINX: Program = Program("nginx");
pub(super) const PYTHON: Program = Program("Python (ssl)");
pub(super) const STUB: Program = Program("stub, byte by byte");

/// What a scan may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) time: Duration,
    pub(super) memory_kib: u64,
}

/// One question to one server.
struct Case {
    server: String,
    program: Program,
    /// As the command line takes it.
    target: String,
    address: SocketAddr,
    /// The server name that is asked for; empty: none.
    name: String,
    expected: Expected,
}

enum Expected {
    /// A certificate and its chain, by their SHA-256, leaf first. Of a chain
    /// longer than [`MOST_KEPT`] the beginning.
    Certificates(Vec<String>),
    /// An outcome without one, and its detail.
    Nothing(&'static str, &'static str),
}

/// The program keeps so many certificates of a chain.
const MOST_KEPT: usize = 100;

impl Family {
    pub(super) fn new(title: &'static str) -> Self {
        Self {
            title,
            cases: Vec::new(),
            options: Vec::new(),
            bounds: None,
            servers: Vec::new(),
        }
    }

    /// Keeps a server running until everything is checked.
    pub(super) fn keep(&mut self, server: impl Any) {
        self.servers.push(Box::new(server));
    }

    /// Scans with these further options.
    pub(super) fn option(&mut self, name: &str, value: &str) {
        self.options.extend([name.to_owned(), value.to_string()]);
    }

    /// The scan of them all stays within these.
    pub(super) fn bounded(&mut self, bounds: Bounds) {
        self.bounds = Some(bounds);
    }

    /// A server that shows this chain, leaf first, to whoever sends no name.
    pub(super) fn shows(
        &mut self,
        server: impl Into<String>,
        program: Program,
        address: SocketAddr,
        chain: &[String],
    ) {
        self.shows_at(server, program, (address.to_string(), address), chain);
    }

    /// The same, of a target written in another way: with a dialect, say.
    pub(super) fn shows_at(
        &mut self,
        server: impl Into<String>,
        program: Program,
        (target, address): (String, SocketAddr),
        chain: &[String],
    ) {
        let host = target.split(':').next().unwrap_or_default();
        let is_address = host == address.ip().to_string();
        self.cases.push(Case {
            server: server.into(),
            program,
            address,
            name: if is_address { "" } else { host }.to_owned(),
            target,
            expected: Expected::Certificates(chain.to_vec()),
        });
    }

    /// A server from which no certificate is to be had, and the outcome with
    /// its detail that says so.
    pub(super) fn gives_nothing(
        &mut self,
        server: impl Into<String>,
        program: Program,
        (target, address): (String, SocketAddr),
        outcome: (&'static str, &'static str),
    ) {
        self.cases.push(Case {
            server: server.into(),
            program,
            target,
            address,
            name: String::new(),
            expected: Expected::Nothing(outcome.0, outcome.1),
        });
    }

    /// Scans them all and checks what was found, then the document.
    #[track_caller]
    pub(super) fn check(self) {
        let inventory = Inventory::new();
        let mut words = self.options.clone();
        words.push("--json".to_owned());
        words.extend(self.cases.iter().map(|case| case.target.clone()));
        let (run, memory_kib) = inventory.sweep_measured(&words);
        let lines = run.json_lines();
        if let Some(bounds) = self.bounds {
            let elapsed = lines.last().unwrap()["elapsed_ms"].as_u64().unwrap();
            assert!(u128::from(elapsed) <= bounds.time.as_millis(), "{run}");
            assert!(memory_kib <= bounds.memory_kib, "{memory_kib} KiB: {run}");
        }
        let mut table = String::from(HEADER);
        let mut wrong = String::new();
        for case in &self.cases {
            let found: Vec<&Value> = lines.iter().filter(|line| case.is_answer(line)).collect();
            let [line] = found.as_slice() else {
                writeln!(wrong, "{}: {} answers", case.server, found.len()).unwrap();
                continue;
            };
            if let Err(difference) = case.expected.met_by(line) {
                writeln!(wrong, "{} ({}): {difference}", case.server, case.target).unwrap();
            }
            let Case {
                server, program, ..
            } = case;
            let gave = case.expected.gave(line);
            writeln!(table, "| {server} | {} | {gave} |", program.0).unwrap();
        }
        assert!(wrong.is_empty(), "not as given:\n{wrong}\n{run}");
        document::settle(self.title, &table);
    }
}

const HEADER: &str = "\
| server | program | outcome | version | cipher suite | key exchange | key | chain | client certificate |
|---|---|---|---|---|---|---|---|---|
";

impl Case {
    /// Whether a line of the scan is this question's answer. Where a port was
    /// asked in two dialects, and one gave a certificate, that is.
    fn is_answer(&self, line: &Value) -> bool {
        let wanted = matches!(self.expected, Expected::Certificates(_));
        if wanted && line["type"] != "installation" {
            return false;
        }
        line["ip"] == self.address.ip().to_string()
            && line["port"] == self.address.port()
            && line.get("sni").and_then(Value::as_str).unwrap_or_default() == self.name
    }
}

impl Expected {
    fn met_by(&self, line: &Value) -> Result<(), String> {
        match self {
            Self::Certificates(given) => {
                let found = chain_of(line);
                let kept = &given[..given.len().min(MOST_KEPT)];
                if found == kept {
                    Ok(())
                } else {
                    Err(format!("{} instead of {kept:?}", outcome_of(line)))
                }
            }
            Self::Nothing(outcome, detail) => {
                if line["outcome"] == *outcome && line["detail"] == *detail {
                    Ok(())
                } else {
                    Err(format!(
                        "{} instead of {outcome} ({detail})",
                        outcome_of(line)
                    ))
                }
            }
        }
    }

    /// The cells of the table from the outcome on.
    fn gave(&self, line: &Value) -> String {
        let Self::Certificates(given) = self else {
            return format!("{} | | | | | |", outcome_of(line));
        };
        let found = chain_of(line).len();
        let chain = if found == given.len() {
            found.to_string()
        } else {
            format!("{found} of {}", given.len())
        };
        let cell = |name: &str| match &line[name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        format!(
            "certificate | {} | {} | {} | {} {} | {chain} | {}",
            cell("tls_version"),
            cell("cipher_suite"),
            cell("key_exchange"),
            cell("key_type"),
            cell("key_bits"),
            cell("client_auth"),
        )
    }
}

/// The certificates of a line by their SHA-256, leaf first.
fn chain_of(line: &Value) -> Vec<String> {
    let rest = line["chain_sha256"].as_array();
    let all = line["sha256"].as_str().into_iter().chain(
        rest.into_iter()
            .flatten()
            .filter_map(|sha256| sha256.as_str()),
    );
    all.map(str::to_owned).collect()
}

fn outcome_of(line: &Value) -> String {
    match (line["outcome"].as_str(), line["detail"].as_str()) {
        (None, _) => format!("certificate {:?}", chain_of(line)),
        (Some(outcome), Some(detail)) if !detail.is_empty() => format!("{outcome} ({detail})"),
        (Some(outcome), _) => outcome.to_owned(),
    }
}
