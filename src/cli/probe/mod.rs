//! `certsweep probe`: one host and one port in full, for a person. It writes
//! nothing into the inventory.

mod document;
mod examination;
mod judging;
mod page;
mod pem;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::failure::Failure;
use super::trust::TrustFlags;
use super::{Context, scan, targets};
use crate::config::{Options, Settings, Timeout};
use crate::domain::{Endpoint, Host, LocalFault, Outcome, ServerName, Target, clock, printable};
use crate::net::{self, TcpDialer};
use crate::pace::{Pacer, Rate};
use crate::probe::{Prober, Verdict, dialects};
use crate::report;
use crate::resolve::{self, AddressFamily, DnsResolver, LookupError, NameServer, Resolver};
use crate::scan::Pointers;
use crate::target::{Exclusion, Plan};
use crate::tls::Ladder;
use examination::{Client, Examination, Examiner};
use judging::Judging;

/// Ask one server everything: versions, keys, chains, names, client
/// certificates
#[derive(clap::Args)]
#[command(after_help = "\
Each address of a name is asked, one after the other, with a few dozen
connections at the rate of one host. Nothing goes into the inventory. MySQL and
MariaDB count handshakes that end early, and may lock out who makes too many.

With --client-cert and --client-key the handshake is completed, first without
the certificate, then with it: accepted, rejected, unreachable and tls-error are
different things. In TLS 1.3 a server judges its client after the handshake: a
session ticket, data, or two seconds without an alert show that it is content.

Exit status: 0 a certificate was found (with --client-cert: the server accepted
it; with --ca: the server's chain verifies), 1 it was not, 2 wrong usage.

Examples:
  certsweep probe www.example.com
  certsweep probe 10.0.0.7:5696 --client-cert client.pem --client-key client.key
  certsweep probe mail.example.com:25 --json
  certsweep probe '[2001:db8::1]:8443/tls' --sni www.example.com")]
pub(super) struct Arguments {
    /// An address or a name, with :PORT or :PORT/DIALECT [default port: 443],
    /// or a URL
    #[arg(value_name = "HOST[:PORT]")]
    host: String,

    /// Ask for this server name [default: the host, where it is a name]
    #[arg(long, value_name = "NAME")]
    sni: Option<ServerName>,

    /// Show this certificate (PEM, its chain behind it) to a server that asks
    /// for one
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,

    /// Its private key (PEM: PKCS#8, PKCS#1 or SEC 1)
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,

    /// Complete the handshake, and say whether the server's chain verifies
    /// under these roots (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    #[command(flatten)]
    trust: TrustFlags,

    #[command(flatten)]
    network: Network,

    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// How the server is reached.
#[derive(clap::Args)]
struct Network {
    /// Protocol sets to try, in order, as for a scan [default: the scan's]
    #[arg(long, value_name = "SETS")]
    protocol_sets: Option<Ladder>,

    /// New connections a second to one address [default: 5]
    #[arg(long, value_name = "N")]
    rate_per_host: Option<Rate>,

    /// How long TCP may take to connect [default: 3500ms]
    #[arg(long, value_name = "TIME")]
    connect_timeout: Option<Timeout>,

    /// How long one TLS attempt may take; the greeting of a server before it
    /// has 10s of its own [default: 5s]
    #[arg(long, value_name = "TIME")]
    handshake_timeout: Option<Timeout>,

    /// How long one question may take with all its attempts, waiting for
    /// rates left out [default: 20s]
    #[arg(long, value_name = "TIME")]
    target_timeout: Option<Timeout>,

    /// The local address to connect from [default: any]
    #[arg(long, value_name = "IP")]
    source: Option<IpAddr>,

    /// The DNS server to ask, IP or IP:PORT [default: the system's resolver]
    #[arg(long, value_name = "IP[:PORT]")]
    resolver: Option<NameServer>,

    /// Only the IPv4 addresses of a name
    #[arg(short = '4', conflicts_with = "ipv6")]
    ipv4: bool,

    /// Only the IPv6 addresses of a name
    #[arg(short = '6')]
    ipv6: bool,
}

/// Addresses of one name that are asked: a person reads them all.
const MOST_ADDRESSES: usize = 8;

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let flags = self.network.flags();
        let options = flags.clone().or(context.config.scan.clone());
        let stores = self.trust.clone().stores(&context)?;
        let plan = self.plan(&options)?;
        let target = only_target(&plan, &self.host)?;
        let client = self.client()?;
        let settings = Settings::from(options);
        let settings = settings.within_networks(&context.config.networks, &flags);
        let resolver = DnsResolver::new(resolve::Settings {
            name_server: settings.resolver,
            family: settings.family,
        })
        .map_err(Failure::failed)?;
        let examiner = Examiner {
            prober: prober(&plan, &settings)?,
            server_name: self.sni.clone().or_else(|| match &target.host {
                Host::Name(name) => Some(name.clone()),
                Host::Address(_) => None,
            }),
            ladder: settings.ladder.clone(),
            client,
            stop: CancellationToken::new(),
            target,
        };
        let session = Session {
            context: &context,
            json: self.json,
            examiner,
            resolver,
            settings,
            judging: Judging::by(stores, context.config.policy.clone()),
        };
        session.run(&plan).await
    }

    fn plan(&self, options: &Options) -> Result<Plan, Failure> {
        let specs = targets::read(std::slice::from_ref(&self.host))?;
        Plan::builder()
            .targets(specs)
            .exclusions(scan::exclusions(options)?)
            .build()
            .map_err(|error| {
                let hint = error.hint();
                Failure::usage(error).hint(hint)
            })
    }

    /// What handshakes are made with, if any are to be made.
    fn client(&self) -> Result<Option<Client>, Failure> {
        let identity = match (&self.client_cert, &self.client_key) {
            (Some(chain), Some(key)) => Some(pem::identity(chain, key)?),
            _ => None,
        };
        let anchors = self.ca.as_deref().map(pem::anchors).transpose()?;
        let wanted = identity.is_some() || anchors.is_some();
        Ok(wanted.then_some(Client { identity, anchors }))
    }
}

impl Network {
    /// What the flags say, as one layer of options.
    fn flags(&self) -> Options {
        let mut flags = Options::default();
        flags.protocol_sets.clone_from(&self.protocol_sets);
        flags.rate_per_host = self.rate_per_host;
        flags.connect_timeout = self.connect_timeout;
        flags.handshake_timeout = self.handshake_timeout;
        flags.target_timeout = self.target_timeout;
        flags.source = self.source;
        flags.resolver = self.resolver;
        flags.family = match (self.ipv4, self.ipv6) {
            (true, _) => Some(AddressFamily::Ipv4),
            (false, true) => Some(AddressFamily::Ipv6),
            (false, false) => None,
        };
        flags
    }
}

fn only_target(plan: &Plan, written: &str) -> Result<Target, Failure> {
    match (plan.len(), plan.get(0)) {
        (1, Some(target)) => Ok(target),
        (many, _) => Err(Failure::usage(format_args!(
            "`{}` is {many} targets, and one is asked",
            printable(written)
        ))
        .hint(Some("write one host and one port: 10.0.0.1:443"))),
    }
}

fn prober(plan: &Plan, settings: &Settings) -> Result<Prober<TcpDialer>, Failure> {
    let dialer = TcpDialer::new(net::Settings {
        source: settings.source,
    });
    dialer.check_source().map_err(|fault| {
        Failure::usage(format_args!(
            "can't connect from the source address: {fault}"
        ))
        .hint(Some("--source takes an address of this machine"))
    })?;
    let plan = plan.clone();
    let pacer = Pacer::new(
        settings.rates,
        settings.concurrency_per_host,
        move |address, port| plan.excluded_at(address, port).map(Exclusion::why),
    );
    let terms = settings.terms();
    let pacer = pacer.limited(terms.map(|terms| terms.limits));
    let timeouts = terms.map(|terms| terms.timeouts);
    Ok(Prober::new(dialer, Arc::new(pacer), timeouts))
}

/// One run of the command, everything read and decided.
struct Session<'a> {
    context: &'a Context,
    json: bool,
    examiner: Examiner<TcpDialer>,
    resolver: DnsResolver,
    settings: Settings,
    judging: Judging,
}

impl Session<'_> {
    async fn run(self, plan: &Plan) -> Result<Exit, Failure> {
        let target = &self.examiner.target;
        let server_name = self.examiner.server_name.as_ref();
        let excluded_name =
            || server_name.and_then(|name| plan.exclusions().covers_name(name, target.port));
        if let Some(exclusion) = plan.excluded(target).or_else(excluded_name) {
            return self.conclude(&[], &Outcome::Excluded(exclusion.why()));
        }
        let addresses = match &target.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => match self.resolver.addresses(name).await {
                Ok(addresses) => addresses,
                Err(error) => return self.conclude(&[], &unresolved(error)),
            },
        };
        if addresses.len() > MOST_ADDRESSES {
            self.context.printer.note(&format!(
                "note: {target} has {} addresses; the first {MOST_ADDRESSES} are asked",
                addresses.len()
            ));
        }
        let mut examinations = Vec::new();
        for address in addresses.into_iter().take(MOST_ADDRESSES) {
            let examination = self.examine(address).await;
            if !self.json {
                let mut text = page::text(&examination, clock::now());
                if !examinations.is_empty() {
                    text.insert(0, '\n');
                }
                let printer = &self.context.printer;
                printer.data(|out| out.write_all(text.as_bytes()))?;
            }
            examinations.push(examination);
        }
        let outcomes = examinations.iter().filter_map(Examination::best);
        let outcomes = outcomes.map(|look| look.observation.outcome.clone());
        let best = outcomes.min_by_key(Outcome::kind);
        self.conclude(&examinations, &best.unwrap_or(Outcome::NotAttempted))
    }

    async fn examine(&self, address: IpAddr) -> Examination {
        let target = &self.examiner.target;
        let endpoint = Endpoint::tcp(
            self.settings.zone.clone(),
            address,
            target.port,
            dialects::first(target),
        );
        let mut examination = self.examiner.examine(endpoint).await;
        let connected = |look: &examination::Look| look.observation.outcome.kind().connected();
        if self.settings.pointers == Pointers::LookUp && examination.best().is_some_and(connected) {
            examination.pointer = self.resolver.pointer(address).await;
        }
        self.judging.judge(&mut examination, clock::now());
        examination
    }

    /// Prints the JSON object, and says in the exit status what came of it.
    fn conclude(&self, examinations: &[Examination], outcome: &Outcome) -> Result<Exit, Failure> {
        let target = self.examiner.target.to_string();
        if self.json {
            let document = document::document(&target, outcome, examinations, clock::now());
            let printer = &self.context.printer;
            printer.data(|out| report::document(out, &document))?;
        }
        if let Some(client) = &self.examiner.client
            && outcome.kind().connected()
        {
            if client.anchors.is_some() {
                verified(&target, examinations)?;
            }
            if client.identity.is_some() {
                return judged(&target, examinations);
            }
        }
        if examinations.iter().any(Examination::found) {
            return Ok(Exit::Done);
        }
        let told = page::in_words(outcome);
        Err(Failure::failed(format_args!(
            "{target}: no certificate: {}",
            printable(&told)
        )))
    }
}

/// Fails where an address's chain does not verify under the roots given, or
/// none came to be verified.
fn verified(target: &str, examinations: &[Examination]) -> Result<(), Failure> {
    let handshakes = examinations.iter().flat_map(|one| &one.handshakes);
    let mut results = handshakes.filter_map(|handshaken| handshaken.verified.as_ref());
    match results.clone().find_map(|result| result.as_ref().err()) {
        Some(why) => Err(Failure::failed(format_args!(
            "{target}: not verified: {}",
            printable(why)
        ))),
        None if results.next().is_some() => Ok(()),
        None => judged(target, examinations).map(drop),
    }
}

/// Whether any address made a handshake to the end.
fn judged(target: &str, examinations: &[Examination]) -> Result<Exit, Failure> {
    let mut verdicts = examinations.iter().filter_map(Examination::verdict);
    let is_accepted = |verdict: &&Verdict| matches!(verdict, Verdict::Accepted(_));
    if verdicts.clone().any(|verdict| is_accepted(&verdict)) {
        return Ok(Exit::Done);
    }
    let Some(verdict) = verdicts.next() else {
        return Err(Failure::failed(format_args!("{target}: no handshake")));
    };
    let hint = match verdict {
        Verdict::TlsError(fault) => fault.hint(),
        Verdict::Accepted(_) | Verdict::Rejected(_) | Verdict::Unreachable(_) => None,
    };
    let told = page::verdict(verdict);
    Err(Failure::failed(format_args!("{target}: {}", printable(&told))).hint(hint))
}

fn unresolved(error: LookupError) -> Outcome {
    match error {
        LookupError::Unresolved(why) => Outcome::Unresolved(why),
        LookupError::Resolver(what) => Outcome::LocalError(LocalFault::Resolver(what)),
    }
}
