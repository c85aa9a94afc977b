//! What `--profile thorough` finds beyond the first certificate: the other
//! types of key, further names, versions and hybrid groups.

use std::any::Any;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::kx_group;
use serde_json::Value;

use super::document;
use super::family::{NGINX, OPENSSL, Program, RUSTLS};
use crate::program::{Inventory, Row};
use crate::servers::{
    Authority, Dns, Identity, Key, LongChain, Network, Nginx, RustlsServer, RustlsSetup, SServer,
};

/// A server, and all that a thorough scan is to find of it.
struct Server {
    name: String,
    program: Program,
    address: SocketAddr,
    /// Type of key and SHA-256 of each certificate.
    certificates: Vec<(&'static str, String)>,
    protocols: &'static str,
    hybrid_group: &'static str,
    _running: Box<dyn Any>,
}

#[test]
fn every_key_version_and_hybrid_group_of_a_server() {
    let authority = Authority::new();
    let [rsa, ecdsa, ed25519] =
        [Key::Rsa, Key::Ecdsa, Key::Ed25519].map(|key| authority.identity("dual.sweep.test", key));
    let mut servers = Vec::new();
    for (option, protocols) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        for pair in [[&rsa, &ecdsa], [&rsa, &ed25519], [&ecdsa, &ed25519]] {
            servers.push(dual_openssl(pair, option, protocols));
        }
    }
    let every_version = SServer::start(&rsa, &["-cipher", "ALL:@SECLEVEL=0"]);
    servers.push(Server {
        name: "every version, RSA".to_owned(),
        program: OPENSSL,
        address: every_version.address,
        certificates: shown(&[&rsa]),
        protocols: "TLSv1.0|TLSv1.1|TLSv1.2|TLSv1.3",
        hybrid_group: "refused",
        _running: Box::new(every_version),
    });
    let nginx = Nginx::with_keys("dual.sweep.test", &[&rsa, &ecdsa]);
    servers.push(Server {
        name: "RSA and ECDSA".to_owned(),
        program: NGINX,
        address: nginx.address,
        certificates: shown(&[&rsa, &ecdsa]),
        protocols: "TLSv1.2|TLSv1.3",
        hybrid_group: "refused",
        _running: Box::new(nginx),
    });
    let chain = LongChain::of(1);
    let groups: [(&str, Vec<&'static dyn SupportedKxGroup>, &str); 2] = [
        (
            "with a hybrid group",
            vec![kx_group::X25519MLKEM768, kx_group::X25519],
            "X25519MLKEM768",
        ),
        ("without a hybrid group", vec![kx_group::X25519], "refused"),
    ];
    for (name, groups, hybrid_group) in groups {
        let server = RustlsServer::start(RustlsSetup {
            groups,
            ..RustlsSetup::new(&chain, &rustls::version::TLS13)
        });
        servers.push(Server {
            name: name.to_owned(),
            program: RUSTLS,
            address: server.address,
            certificates: vec![("ecdsa", chain.sha256().remove(0))],
            protocols: "TLSv1.3",
            hybrid_group,
            _running: Box::new(server),
        });
    }

    let inventory = Inventory::new();
    let mut words = vec!["--profile".to_owned(), "thorough".to_owned()];
    words.extend(servers.iter().map(|server| server.address.to_string()));
    inventory.sweep(&words);
    let rows = inventory.installations();
    let mut table = String::from(
        "| server | program | certificates | versions | hybrid group |\n|---|---|---|---|---|\n",
    );
    for server in &servers {
        server.assert_found(&rows);
        let Server {
            name,
            program,
            certificates,
            protocols,
            hybrid_group,
            ..
        } = server;
        let keys: Vec<_> = certificates.iter().map(|(key, _)| *key).collect();
        let (keys, versions) = (keys.join(", "), protocols.replace('|', ", "));
        writeln!(
            table,
            "| {name} | {} | {keys} | {versions} | {hybrid_group} |",
            program.0
        )
        .unwrap();
    }
    document::settle("Several keys and versions, asked thoroughly", &table);
}

fn dual_openssl(pair: [&Identity; 2], option: &'static str, protocols: &'static str) -> Server {
    let [first, second] = pair;
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let options = [
        option.to_owned(),
        "-dcert".to_owned(),
        path(&second.certificate),
        "-dkey".to_owned(),
        path(&second.key),
    ];
    let running = SServer::start(first, &options);
    let [one, other] = pair.map(|identity| identity.key_type.word().to_uppercase());
    Server {
        name: format!("{one} and {other}"),
        program: OPENSSL,
        address: running.address,
        certificates: shown(&pair),
        protocols,
        hybrid_group: if option == "-tls1_3" { "refused" } else { "" },
        _running: Box::new(running),
    }
}

fn shown(identities: &[&Identity]) -> Vec<(&'static str, String)> {
    let shown = |identity: &&Identity| (identity.key_type.word(), identity.sha256.clone());
    identities.iter().map(shown).collect()
}

impl Server {
    #[track_caller]
    fn assert_found(&self, rows: &[Row]) {
        let (ip, port) = (
            self.address.ip().to_string(),
            self.address.port().to_string(),
        );
        let own: Vec<_> = rows
            .iter()
            .filter(|row| row["ip"] == ip && row["port"] == port)
            .collect();
        let mut found: Vec<_> = own
            .iter()
            .map(|row| (row["key_type"].as_str(), row["sha256"].clone()))
            .collect();
        let mut given = self.certificates.clone();
        found.sort();
        given.sort();
        assert_eq!(found, given, "{}: {own:#?}", self.name);
        for row in own {
            assert_eq!(row["protocols"], self.protocols, "{}: {row:#?}", self.name);
            assert_eq!(
                row["hybrid_group"], self.hybrid_group,
                "{}: {row:#?}",
                self.name
            );
        }
    }
}

const STRANGERS: [u8; 4] = [10, 77, 0, 5];
const DEMANDING: [u8; 4] = [10, 77, 0, 6];
const DNS: [u8; 4] = [10, 77, 0, 53];

/// A host with sites for these names: its PTR is the first, its certificate
/// for strangers also names the second, which leads there, and the third,
/// which leads elsewhere; nothing but the operator tells of the rest.
const SITES: [&str; 5] = [
    "host-5.sweep.test",
    "shop.sweep.test",
    "elsewhere.sweep.test",
    "listed.sweep.test",
    "hidden.sweep.test",
];

#[test]
fn every_name_that_a_host_is_known_by() {
    let network = Network::new();
    let authority = Authority::new();
    let fallback = authority.identity_for(&["fallback.sweep.test", SITES[1], SITES[2]], Key::Ecdsa);
    let sites = SITES.map(|name| (name, authority.identity(name, Key::Ecdsa)));
    let host_6 = authority.identity("host-6.sweep.test", Key::Ecdsa);
    let mut served = vec![("fallback.sweep.test", &fallback)];
    served.extend(sites.iter().map(|(name, identity)| (*name, identity)));
    let _nginx = Nginx::on(&network, STRANGERS.into(), &served);
    let _demanding = Nginx::for_names_alone_on(
        &network,
        DEMANDING.into(),
        &[("host-6.sweep.test", &host_6)],
    );
    let known: [(&str, IpAddr); 5] = [
        (SITES[0], STRANGERS.into()),
        (SITES[1], STRANGERS.into()),
        (SITES[2], DNS.into()),
        (SITES[3], STRANGERS.into()),
        ("host-6.sweep.test", DEMANDING.into()),
    ];
    let socket = network.open_on_server(|| UdpSocket::bind((IpAddr::from(DNS), 53)).unwrap());
    let _dns = Dns::at(socket, &known);

    let standard = Asked::of(&network, &[]);
    assert_eq!(standard.names, ["fallback.sweep.test"]);
    assert_eq!(standard.summary["endpoints_without_name"], 2);
    assert_eq!(standard.summary["endpoints_demanding_name"], 1);
    assert_eq!(standard.summary["outcomes"]["tls-refused"], 1);

    let thorough = Asked::of(&network, &["--profile", "thorough"]);
    let by_itself = [
        "fallback.sweep.test",
        SITES[0],
        "host-6.sweep.test",
        SITES[1],
    ];
    assert_eq!(thorough.names, by_itself);
    assert_eq!(thorough.summary["endpoints_without_name"], 0);
    assert_eq!(thorough.summary["outcomes"]["certificate"], 2);

    let listed = Asked::of(&network, &["--sni", SITES[3], "--sni", SITES[4]]);
    assert_eq!(listed.names, ["fallback.sweep.test", SITES[3]]);
    assert_eq!(listed.summary["names_not_asked"][0]["name"], SITES[4]);
    assert_eq!(listed.summary["endpoints_without_name"], 1);

    let everywhere = Asked::of(&network, &["--sni", SITES[4], "--sni-everywhere"]);
    assert_eq!(everywhere.names, ["fallback.sweep.test", SITES[4]]);
    assert_eq!(
        everywhere.summary["names_not_asked"],
        Value::Array(Vec::new())
    );

    let table = table([&standard, &thorough, &listed, &everywhere]);
    document::settle("Names, asked thoroughly", &table);
}

/// Whose certificate it is, how its name can be known, and the name.
const KNOWN_FROM: [(&str, &str, &str); 7] = [
    (
        "a server's first site",
        "nothing: shown to strangers",
        "fallback.sweep.test",
    ),
    ("another site", "PTR", SITES[0]),
    ("another site", "the first certificate's names", SITES[1]),
    (
        "another site",
        "the same, but it resolves to another address",
        SITES[2],
    ),
    ("another site", "the DNS", SITES[3]),
    ("another site", "nothing", SITES[4]),
    ("a server that demands a name", "PTR", "host-6.sweep.test"),
];

/// Which scan found which certificate.
fn table(scans: [&Asked; 4]) -> String {
    let mut table = String::from(
        "| certificate of | its name is known from | standard | thorough | --sni, the last two \
         sites | --sni-everywhere, the last site |\n|---|---|---|---|---|---|\n",
    );
    for (site, known_from, name) in KNOWN_FROM {
        let found = |scan: &Asked| scan.names.iter().any(|found| found == name);
        let cells = scans.map(|scan| if found(scan) { "found" } else { "" });
        writeln!(table, "| {site} | {known_from} | {} |", cells.join(" | ")).unwrap();
    }
    table
}

/// What a scan of both hosts found.
struct Asked {
    /// The subjects of every certificate, sorted.
    names: Vec<String>,
    summary: Value,
}

impl Asked {
    #[track_caller]
    fn of(network: &Network, options: &[&str]) -> Self {
        let inventory = Inventory::in_namespace(&network.client);
        let resolver = IpAddr::from(DNS).to_string();
        let words = [
            "10.77.0.5-6",
            "--json",
            "--resolver",
            &resolver,
            "--rate-per-host",
            "unlimited",
            "--retries",
            "0",
        ];
        let run = inventory.run("scan", &[&words, options].concat()).exits(0);
        let summary = run.json_lines().pop().unwrap();
        let rows = inventory.installations();
        for row in &rows {
            let asked = &row["sni"];
            assert!(
                asked.is_empty() || row["san"].contains(asked.as_str()),
                "{row:#?}"
            );
        }
        let mut names: Vec<_> = rows
            .into_iter()
            .map(|row| row["subject_cn"].clone())
            .collect();
        names.sort();
        names.dedup();
        Self { names, summary }
    }
}
