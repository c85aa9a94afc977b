//! Which rows are wanted: the same flags for every report and list.

mod item;
mod owner;
mod tag;

use std::time::Duration;

use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;
use ipnetwork::IpNetwork;

use super::failure::Failure;
use crate::appraisal::{Accepted, Wanted};
use crate::config::{self, TimeSpan};
use crate::domain::{Port, ScanId, Severity, Timestamp, UnknownSeverity, Zone, in_days};
use crate::judge::{ALL, InvalidPattern, Pattern, Policy};
use crate::report::InstallationState;
use crate::store::{Expiry, Filter, SerialNumber};

/// Different filters all hold; the same one repeated, or the two on expiry
/// together, mean either.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters (different ones all hold, repeated ones mean either)")]
pub(super) struct Filters {
    /// Ends within this time, and is not over yet (30d)
    #[arg(long, value_name = "TIME")]
    expiring: Vec<TimeSpan>,

    /// Is over
    #[arg(long)]
    expired: bool,

    /// The issuer contains this text, in any case
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    issuer: Vec<String>,

    /// Common name, alternative name, server name, PTR name or host fits this
    /// pattern (*.example.com)
    #[arg(long, value_name = "GLOB", value_parser = pattern)]
    name: Vec<String>,

    /// The address lies in this network
    #[arg(long, value_name = "CIDR", value_parser = config::network)]
    network: Vec<IpNetwork>,

    /// The port
    #[arg(long, value_name = "PORT")]
    port: Vec<Port>,

    /// From where it was seen
    #[arg(long, value_name = "NAME")]
    zone: Vec<Zone>,

    /// The serial number in hexadecimal, with or without colons
    #[arg(long, value_name = "HEX")]
    serial: Vec<SerialNumber>,

    /// This certificate: its SHA-1 or SHA-256, or a file; any of those in it
    #[arg(long, value_name = "HASH|FILE")]
    cert: Vec<String>,

    /// This key: the SHA-256 of its SubjectPublicKeyInfo, or a file with
    /// certificates, requests or public keys; any of those in it
    #[arg(long, value_name = "SHA256|FILE")]
    key: Vec<String>,

    /// This certificate at any depth of the chain, sent or not
    #[arg(long, value_name = "SHA256|FILE")]
    ca: Vec<String>,

    /// Has this finding, and nobody accepted it (docs/rules.md lists them)
    #[arg(long, value_name = "NAME", value_parser = finding)]
    finding: Vec<&'static str>,

    /// Has this finding, and somebody accepted it; or `any`
    #[arg(long, value_name = "NAME", value_parser = accepted)]
    accepted: Vec<Accepted>,

    /// The worst that was found there, and nobody accepted, is this severe; or
    /// `none`
    #[arg(long, value_name = "SEVERITY", value_parser = worst)]
    severity: Vec<Worst>,

    /// The configuration says that they own it, alone or with others
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    owner: Vec<String>,

    /// The configuration gives it this tag
    #[arg(long, value_name = "TAG", value_parser = NonEmptyStringValueParser::new())]
    tag: Vec<String>,

    /// Last seen by this scan
    #[arg(long, value_name = "ID", value_parser = scan_id)]
    scan: Vec<ScanId>,

    /// Still there or not, as it stands now [default: current and missing; for
    /// diff all]
    #[arg(long, value_name = "STATE")]
    state: Vec<State>,
}

/// The severity of the worst finding; `None` without one.
type Worst = Option<Severity>;

/// Where nothing was found.
const NONE: &str = "none";

/// Every accepted finding, whatever it is.
const ANY: &str = "any";

/// Whether an installation is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum State {
    Current,
    Missing,
    Gone,
    All,
}

impl Filters {
    /// What they mean at `now`, with the owners that a policy knows.
    pub(super) fn into_wanted(self, now: Timestamp, policy: &Policy) -> Result<Wanted, Failure> {
        Ok(Wanted {
            findings: self.finding.clone(),
            accepted: self.accepted.clone(),
            severities: self.severity.clone(),
            owners: owner::read(&self.owner, policy)?,
            tags: tag::read(&self.tag, policy)?,
            authorities: item::read(&self.ca, "--ca", item::authorities)?,
            authorities_at_hand: item::read(&self.ca, "--ca", item::certificates_at_hand)?,
            chain_expiry: Vec::new(),
            inventory: self.into_filter(now)?,
        })
    }

    /// What of them the inventory tells.
    fn into_filter(self, now: Timestamp) -> Result<Filter, Failure> {
        let expiring = self.expiring.iter();
        let expiring = expiring.map(|within| Expiry::Expiring {
            now,
            within: (*within).into(),
        });
        let expired = self.expired.then_some(Expiry::Expired { now });
        Ok(Filter {
            expiry: expiring.chain(expired).collect(),
            issuers: self.issuer,
            names: self.name,
            networks: self.network,
            ports: self.port,
            zones: self.zone,
            serials: self.serial,
            certificates: item::read(&self.cert, "--cert", item::certificates)?,
            keys: item::read(&self.key, "--key", item::keys)?,
            authorities: Vec::new(),
            scans: self.scan,
            states: self.state.iter().flat_map(|state| state.states()).collect(),
            known_at: None,
            judged_at: None,
        })
    }

    /// How far ahead they look for what expires; `None` where they don't.
    pub(super) fn soon(&self) -> Option<Duration> {
        let expiring = self.expiring.iter();
        expiring.map(|within| (*within).into()).max()
    }

    /// The same filters in the words of the command line: flag and value,
    /// empty for a flag that takes none.
    pub(super) fn words(&self) -> Vec<(&'static str, String)> {
        // All fields by name: a new filter can't be forgotten here.
        let Self {
            expiring,
            expired,
            issuer,
            name,
            network,
            port,
            zone,
            serial,
            cert,
            key,
            ca,
            finding,
            accepted,
            severity,
            owner,
            tag,
            scan,
            state,
        } = self;
        let mut words = Words(Vec::new());
        words.add(
            "--expiring",
            expiring.iter().map(|within| in_days((*within).into())),
        );
        words.add("--expired", expired.then_some(""));
        words.add("--issuer", issuer);
        words.add("--name", name);
        words.add("--network", network);
        words.add("--port", port);
        words.add("--zone", zone);
        words.add("--serial", serial.iter().map(in_digits));
        words.add("--cert", cert.iter().map(|text| item::in_words(text)));
        words.add("--key", key.iter().map(|text| item::in_words(text)));
        words.add("--ca", ca.iter().map(|text| item::in_words(text)));
        words.add("--finding", finding);
        words.add(
            "--accepted",
            accepted.iter().map(|it| match it {
                Accepted::Any => ANY,
                Accepted::Of(rule) => rule,
            }),
        );
        words.add(
            "--severity",
            severity
                .iter()
                .map(|worst| worst.map_or(NONE, Severity::as_str)),
        );
        words.add("--owner", owner);
        words.add("--tag", tag);
        words.add("--scan", scan);
        words.add("--state", state.iter().map(|state| state.word()));
        words.0
    }
}

fn in_digits(serial: &SerialNumber) -> String {
    let octets = serial.significant().iter();
    let digits = octets.map(|octet| format!("{octet:02x}"));
    let digits = digits.collect::<Vec<_>>().concat();
    if digits.is_empty() {
        "0".to_owned()
    } else {
        digits
    }
}

/// Flags and their values, as they stand on a command line.
struct Words(Vec<(&'static str, String)>);

impl Words {
    fn add(&mut self, flag: &'static str, values: impl IntoIterator<Item = impl ToString>) {
        let values = values.into_iter().map(|value| (flag, value.to_string()));
        self.0.extend(values);
    }
}

/// The first filter that the ledger knows nothing of: it speaks of addresses,
/// not of certificates.
pub(super) fn foreign_to_ledger(filters: &Filters) -> Option<&'static str> {
    let expiry = !filters.expiring.is_empty() || filters.expired;
    [
        ("--expiring or --expired", expiry),
        ("--issuer", !filters.issuer.is_empty()),
        ("--serial", !filters.serial.is_empty()),
        ("--cert", !filters.cert.is_empty()),
        ("--key", !filters.key.is_empty()),
        ("--ca", !filters.ca.is_empty()),
        ("--finding", !filters.finding.is_empty()),
        ("--accepted", !filters.accepted.is_empty()),
        ("--severity", !filters.severity.is_empty()),
        ("--owner", !filters.owner.is_empty()),
        ("--tag", !filters.tag.is_empty()),
        ("--state", !filters.state.is_empty()),
    ]
    .into_iter()
    .find_map(|(flag, given)| given.then_some(flag))
}

impl State {
    /// Its word on the command line.
    fn word(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn states(self) -> Vec<InstallationState> {
        match self {
            Self::Current => vec![InstallationState::Current],
            Self::Missing => vec![InstallationState::Missing],
            Self::Gone => vec![InstallationState::Gone],
            Self::All => InstallationState::ALL.to_vec(),
        }
    }
}

/// A pattern for names, of the form that the configuration has them in.
fn pattern(text: &str) -> Result<String, InvalidPattern> {
    text.parse().map(|_: Pattern| text.to_owned())
}

/// The id of a rule.
fn finding(text: &str) -> Result<&'static str, String> {
    let rule = ALL.iter().find(|rule| rule.id == text);
    rule.map(|rule| rule.id).ok_or_else(|| {
        let known: Vec<_> = ALL.iter().map(|rule| rule.id).collect();
        format!(
            "no rule finds that\nhint: the findings: {}",
            known.join(", ")
        )
    })
}

fn accepted(text: &str) -> Result<Accepted, String> {
    match text {
        ANY => Ok(Accepted::Any),
        rule => finding(rule)
            .map(Accepted::Of)
            .map_err(|error| format!("{error}, or {ANY}")),
    }
}

fn worst(text: &str) -> Result<Worst, String> {
    match text {
        NONE => Ok(None),
        severity => severity
            .parse()
            .map(Some)
            .map_err(|error: UnknownSeverity| {
                format!("{error}, or {NONE} where nothing was found")
            }),
    }
}

/// The number of a scan.
pub(super) fn scan_id(text: &str) -> Result<ScanId, String> {
    text.parse().map(ScanId::new).map_err(|_| {
        format!("`{text}` is not the number of a scan\nhint: `certsweep scans` lists them")
    })
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;
    use crate::judge::{Owner, Selector};

    fn parsed(words: &[&str]) -> Filters {
        let command = Filters::augment_args(clap::Command::new("report").no_binary_name(true));
        let matches = command.try_get_matches_from(words).unwrap();
        Filters::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn every_filter_reads_back_from_its_words() {
        let hash = "ab".repeat(32);
        let words = [
            "--expiring",
            "30d",
            "--expiring",
            "12h",
            "--expired",
            "--issuer",
            "Our CA",
            "--name",
            "*.it",
            "--network",
            "10.0.0.0/8",
            "--port",
            "443",
            "--zone",
            "plant",
            "--serial",
            "0",
            "--serial",
            "00:ff",
            "--cert",
            &hash,
            "--key",
            &hash,
            "--ca",
            &hash,
            "--finding",
            "expired",
            "--severity",
            "error",
            "--severity",
            "none",
            "--owner",
            "The shop",
            "--tag",
            "pci",
            "--scan",
            "7",
            "--state",
            "all",
        ];
        let filters = parsed(&words);
        let now = Timestamp::from_seconds(0);
        let told = filters.words();
        let told: Vec<&str> = told
            .iter()
            .flat_map(|(flag, value)| [*flag, value])
            .filter(|word| !word.is_empty())
            .collect();
        let policy = Policy {
            owners: vec![Owner {
                selector: Selector::default(),
                owner: "The shop".to_owned(),
                tags: vec!["pci".to_owned()],
            }],
            ..Policy::default()
        };
        let read = parsed(&told).into_wanted(now, &policy).unwrap();
        assert_eq!(read, filters.into_wanted(now, &policy).unwrap());
    }
}
