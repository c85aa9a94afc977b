//! Who is on the demo network.

use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};

use super::authority::{Algorithm, Authority, Request, Validity, self_signed};
use super::server::Service;
use super::tls_setup::TlsSetup;
use super::{DemoError, Installed};
use crate::domain::{OutcomeKind, Timestamp};

/// A host before it has a port.
pub(super) struct Blueprint {
    pub(super) description: &'static str,
    pub(super) outcome: OutcomeKind,
    pub(super) service: Service,
    pub(super) certificates: Vec<Installed>,
}

/// Every host that listens, and the root that vouches for most of them.
pub(super) struct Roster {
    pub(super) root: CertificateDer<'static>,
    pub(super) blueprints: Vec<Blueprint>,
}

impl Roster {
    /// Makes all keys and certificates; it takes a moment of pure computing.
    pub(super) fn draw_up(now: Timestamp) -> Result<Self, DemoError> {
        let authority = Authority::establish(now)?;
        let mut blueprints = ordinary_hosts(&authority, now)?;
        blueprints.extend(particular_hosts(&authority)?);
        blueprints.extend(hosts_without_tls());
        Ok(Self {
            root: authority.root().clone(),
            blueprints,
        })
    }
}

/// One certificate each, and something about it.
fn ordinary_hosts(authority: &Authority, now: Timestamp) -> Result<Vec<Blueprint>, DemoError> {
    let printer = Request::new("printer-3.office.demo")
        .of("Demo Printers Inc")
        .with(Algorithm::Rsa2048)
        .valid(Validity::DECADE);
    let printer = self_signed(printer, now)?;
    let shop = authority.issue(Request::new("www.shop.demo").also(&["shop.demo"]))?;
    let intranet = authority
        .issue(Request::new("intranet.office.demo").valid(Validity::YEAR))?
        .without_issuers();
    let wiki = authority.issue(Request::new("wiki.office.demo").valid(Validity::EXPIRED))?;
    let mail = authority.issue(Request::new("webmail.shop.demo").valid(Validity::EXPIRING))?;
    let apps = authority.issue(Request::new("*.apps.demo").also(&["apps.demo"]))?;
    let sensor = authority.issue(Request::new("sensor-7.plant.demo").with(Algorithm::Ed25519))?;

    [
        ("printer: self-signed for ten years", printer),
        ("web shop: private CA, intermediate sent", shop),
        ("intranet: intermediate not sent", intranet),
        ("wiki: expired ten days ago", wiki),
        ("webmail: expires in five days", mail),
        ("applications: wildcard", apps),
        ("sensor: Ed25519 key", sensor),
    ]
    .into_iter()
    .map(|(description, identity)| Blueprint::tls(description, TlsSetup::new(identity)))
    .collect()
}

/// What is special about them is the server.
fn particular_hosts(authority: &Authority) -> Result<Vec<Blueprint>, DemoError> {
    let request = Request::new("gateway.shop.demo");
    let gateway = TlsSetup::new(authority.issue(request)?)
        .or(authority.issue(request.with(Algorithm::Rsa2048))?);

    let request = Request::new("api.shop.demo");
    let interface = TlsSetup::new(authority.issue(request)?).only(&TLS13);

    let request = Request::new("board-1.plant.demo")
        .with(Algorithm::Rsa2048)
        .valid(Validity::YEAR);
    let board = TlsSetup::new(authority.issue(request)?).only(&TLS12);

    let request = Request::new("kmip.office.demo").valid(Validity::YEAR);
    let keys = TlsSetup::new(authority.issue(request)?).for_clients_of(authority.root().clone());

    let hosting = TlsSetup::new(authority.issue(Request::new("hosting.demo"))?)
        .under("blue.demo", authority.issue(Request::new("blue.demo"))?)?
        .under("green.demo", authority.issue(Request::new("green.demo"))?)?;

    [
        ("gateway: ECDSA and RSA, as the client can", gateway),
        ("interface: TLS 1.3 only", interface),
        ("control board: TLS 1.2 only", board),
        ("key manager: client certificate required", keys),
        ("hosting: two more certificates, by name", hosting),
    ]
    .into_iter()
    .map(|(description, setup)| Blueprint::tls(description, setup))
    .collect()
}

fn hosts_without_tls() -> [Blueprint; 3] {
    let without = |description, outcome, service| Blueprint {
        description,
        outcome,
        service,
        certificates: Vec::new(),
    };
    [
        without(
            "mail relay: greets in plain text",
            OutcomeKind::NotTls,
            Service::Mail,
        ),
        without("web server: plain HTTP", OutcomeKind::NotTls, Service::Http),
        without(
            "silent: accepts and says nothing",
            OutcomeKind::Silent,
            Service::Silence,
        ),
    ]
}

impl Blueprint {
    fn tls(description: &'static str, setup: TlsSetup) -> Result<Self, DemoError> {
        Ok(Self {
            description,
            outcome: OutcomeKind::Certificate,
            certificates: setup.installed(),
            service: Service::Tls(setup.acceptor()?),
        })
    }
}
