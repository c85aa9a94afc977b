//! Long chains, large certificates, and how they are cut into records.

use super::family::{Family, OPENSSL, RUSTLS};
use crate::servers::{LongChain, RustlsServer, RustlsSetup, SServer};

const VERSIONS: [(&str, &str); 2] = [("-tls1_2", "TLS 1.2"), ("-tls1_3", "TLS 1.3")];

#[test]
fn chains_of_any_length_in_records_of_any_size() {
    let mut family = Family::new("Chains and records");
    for length in [1, 2, 10] {
        let chain = LongChain::of(length);
        for (option, version) in VERSIONS {
            let server = openssl(&chain, &[option]);
            let name = format!("chain of {length}, {version}");
            family.shows(name, OPENSSL, server.address, &chain.sha256());
            family.keep(server);
        }
        family.keep(chain);
    }

    let large = [
        ("chain of 400", LongChain::of(400)),
        ("10,000 names", LongChain::of_names(10_000)),
    ];
    for (name, chain) in large {
        let server = openssl(&chain, &["-tls1_2"]);
        family.shows(
            format!("{name}, TLS 1.2"),
            OPENSSL,
            server.address,
            &chain.sha256(),
        );
        family.keep(server);
        let server = openssl(&chain, &["-tls1_3"]);
        family.shows(
            format!("{name}, TLS 1.3"),
            OPENSSL,
            server.address,
            &chain.sha256(),
        );
        family.keep(server);
        family.keep(chain);
    }

    let chain = LongChain::of(10);
    for (option, version) in VERSIONS {
        let server = openssl(&chain, &[option, "-max_send_frag", "512"]);
        let name = format!("records of 512 bytes, {version}");
        family.shows(name, OPENSSL, server.address, &chain.sha256());
        family.keep(server);
    }
    for (version, name) in [
        (&rustls::version::TLS12, "TLS 1.2"),
        (&rustls::version::TLS13, "TLS 1.3"),
    ] {
        let server = RustlsServer::start(RustlsSetup {
            longest_record: Some(33),
            ..RustlsSetup::new(&chain, version)
        });
        let name_of_split = format!("records of 28 bytes, {name}");
        family.shows(name_of_split, RUSTLS, server.address, &chain.sha256());
        family.keep(server);
        let server = RustlsServer::start(RustlsSetup::new(&chain, version));
        let name_of_joined = format!("the whole flight in one record, {name}");
        family.shows(name_of_joined, RUSTLS, server.address, &chain.sha256());
        family.keep(server);
    }
    family.keep(chain);
    family.check();
}

fn openssl(chain: &LongChain, options: &[&str]) -> SServer {
    let issuers = chain.issuers_file.to_str().unwrap();
    let mut options = options.to_vec();
    if chain.certificates.len() > 1 {
        options.extend(["-cert_chain", issuers]);
    }
    SServer::showing(&chain.leaf_file, &chain.key_file, &options)
}
