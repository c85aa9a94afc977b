//! Certificates for keys of every kind and size.

use rcgen::{PKCS_ML_DSA_44, PKCS_ML_DSA_65, PKCS_ML_DSA_87};

use super::family::{Family, OPENSSL, RUSTLS, STUB};
use crate::servers::{LongChain, Reply, RustlsServer, RustlsSetup, SServer, SelfSigned, Stub};
use crate::simulation::flight;

/// Lets OpenSSL 3 use keys and digests that it deems too weak.
const WEAK: [&str; 2] = ["-cipher", "ALL:@SECLEVEL=0"];

#[test]
fn keys_of_every_kind_and_size() {
    let mut family = Family::new("Keys");
    for bits in ["512", "1024", "2048", "3072", "4096"] {
        let key = SelfSigned::new(&format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"));
        openssl(&mut family, format!("RSA {bits}"), &["-tls1_2"], key);
    }
    for bits in ["8192", "16384"] {
        for (option, version) in [("-tls1_2", "TLS 1.2"), ("-tls1_3", "TLS 1.3")] {
            let key = SelfSigned::fixture(&format!("rsa-{bits}.pem"));
            openssl(
                &mut family,
                format!("RSA {bits}, {version}"),
                &[option],
                key,
            );
        }
    }
    for (option, version) in [("-tls1_2", "TLS 1.2"), ("-tls1_3", "TLS 1.3")] {
        for algorithm in ["RSA-PSS", "ED25519", "ED448"] {
            let key = SelfSigned::new(&format!("-algorithm {algorithm}"));
            openssl(
                &mut family,
                format!("{algorithm}, {version}"),
                &[option],
                key,
            );
        }
        for curve in ["P-256", "P-384", "P-521"] {
            let key = SelfSigned::new(&format!("-algorithm EC -pkeyopt ec_paramgen_curve:{curve}"));
            openssl(&mut family, format!("{curve}, {version}"), &[option], key);
        }
    }
    for curve in [
        "secp224r1",
        "secp256k1",
        "brainpoolP256r1",
        "brainpoolP384r1",
        "brainpoolP512r1",
    ] {
        let key = SelfSigned::new(&format!("-algorithm EC -pkeyopt ec_paramgen_curve:{curve}"));
        let groups = format!("{curve}:P-256");
        openssl(
            &mut family,
            curve.to_owned(),
            &["-tls1_2", "-groups", &groups],
            key,
        );
    }
    for bits in ["1024", "2048"] {
        let key = SelfSigned::fixture(&format!("dsa-{bits}.pem"));
        openssl(&mut family, format!("DSA {bits}"), &["-tls1_2"], key);
    }
    for (name, algorithm) in [
        ("ML-DSA-44", &PKCS_ML_DSA_44),
        ("ML-DSA-65", &PKCS_ML_DSA_65),
        ("ML-DSA-87", &PKCS_ML_DSA_87),
    ] {
        let chain = LongChain::of_key(algorithm);
        let server = RustlsServer::start(RustlsSetup::new(&chain, &rustls::version::TLS13));
        family.shows(name, RUSTLS, server.address, &chain.sha256());
        family.keep(server);
    }
    // OpenSSL 3.0 makes such certificates, and has no TLS for them.
    let key = SelfSigned::with_digest("-algorithm SM2", "-sm3");
    let answer = flight(&[&key.der()]);
    let server = Stub::start(move |heard| match heard {
        [0x16, ..] => Reply::Say(answer.clone()),
        _ => Reply::Close,
    });
    family.shows("SM2", STUB, server.address, &[key.sha256]);
    family.keep(server);
    family.check();
}

fn openssl(family: &mut Family, name: String, options: &[&str], key: SelfSigned) {
    let options = [options, &WEAK].concat();
    let server = SServer::showing(&key.certificate, &key.key, &options);
    family.shows(
        name,
        OPENSSL,
        server.address,
        std::slice::from_ref(&key.sha256),
    );
    family.keep(server);
    family.keep(key);
}
