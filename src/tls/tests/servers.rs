//! Real servers in process: rustls, with certificates made by rcgen.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

/// What a server is asked to be.
pub(crate) struct Wanted {
    pub(crate) version: &'static SupportedProtocolVersion,
    pub(crate) groups: Vec<&'static dyn SupportedKxGroup>,
    pub(crate) client_certificate: bool,
    pub(crate) staple: Vec<u8>,
    pub(crate) protocols: Vec<Vec<u8>>,
}

impl Wanted {
    /// A plain server of this version alone.
    pub(crate) fn version(version: &'static SupportedProtocolVersion) -> Self {
        Self {
            version,
            groups: aws_lc_rs::DEFAULT_KX_GROUPS.to_vec(),
            client_certificate: false,
            staple: Vec::new(),
            protocols: Vec::new(),
        }
    }

    /// The server, and the DER of its leaf.
    pub(crate) fn build(self) -> (Arc<ServerConfig>, Vec<u8>) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["server.test".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let mut provider = CryptoProvider {
            kx_groups: self.groups,
            ..aws_lc_rs::default_provider()
        };
        let version = self.version.version;
        provider
            .cipher_suites
            .retain(|suite| suite.version().version == version);
        let provider = Arc::new(provider);
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[self.version])
            .unwrap();
        let builder = if self.client_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(cert.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let leaf = cert.der().to_vec();
        let mut config = builder
            .with_single_cert_with_ocsp(vec![cert.der().clone()], key, self.staple)
            .unwrap();
        config.alpn_protocols = self.protocols;
        (Arc::new(config), leaf)
    }
}
