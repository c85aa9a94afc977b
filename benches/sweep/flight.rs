//! What a server of TLS says first: its flight up to TLS 1.2, which needs no
//! key of the client's and so can be made once and sent to everyone.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256, SerialNumber, SignatureAlgorithm,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

/// The leaf's serial number, which stands in the flight once.
pub(crate) const SERIAL: [u8; 16] = *b"certsweep canned";

/// ServerHello, Certificate, ServerKeyExchange and ServerHelloDone, as rustls
/// sends them to itself: 3.6 KB, with a chain of three RSA certificates.
pub(crate) fn canned() -> Vec<u8> {
    let client = ClientConfig::builder_with_protocol_versions(&[&TLS12])
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from("sweep.example").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    let (chain, key) = identity(&PKCS_RSA_SHA256);
    let server = ServerConfig::builder_with_protocol_versions(&[&TLS12])
        .with_no_client_auth()
        .with_single_cert(chain, key);
    let mut server = ServerConnection::new(Arc::new(server.unwrap())).unwrap();
    answer(&mut server, &hello)
}

/// A server of TLS 1.3 alone.
pub(crate) fn sealed() -> Arc<ServerConfig> {
    let (chain, key) = identity(&PKCS_ECDSA_P256_SHA256);
    let server = ServerConfig::builder_with_protocol_versions(&[&TLS13])
        .with_no_client_auth()
        .with_single_cert(chain, key);
    Arc::new(server.unwrap())
}

/// What a server says to what it received.
pub(crate) fn answer(server: &mut ServerConnection, mut received: &[u8]) -> Vec<u8> {
    server.read_tls(&mut received).unwrap();
    // What it makes of a client's mistake is an alert, to be sent as well.
    let _ = server.process_new_packets();
    let mut outgoing = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut outgoing).unwrap();
    }
    outgoing
}

/// A leaf, the authority that signed it and the root above.
fn identity(
    algorithm: &'static SignatureAlgorithm,
) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let key = || KeyPair::generate_for(algorithm).unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(authority.clone(), key()).unwrap();
    let issuing = CertifiedIssuer::signed_by(authority, key(), &root).unwrap();
    let names = (0..8).map(|number| format!("sweep-{number}.example"));
    let mut leaf = CertificateParams::new(names.collect::<Vec<_>>()).unwrap();
    leaf.serial_number = Some(SerialNumber::from_slice(&SERIAL));
    let leaf_key = key();
    let leaf = leaf.signed_by(&leaf_key, &issuing).unwrap();
    let chain = vec![
        leaf.der().clone(),
        issuing.der().clone(),
        root.der().clone(),
    ];
    (
        chain,
        PrivatePkcs8KeyDer::from(leaf_key.serialize_der()).into(),
    )
}
