//! Real servers in process: rustls, with certificates made by rcgen.

use std::sync::Arc;

use rcgen::{
    CertificateParams, CertifiedKey, KeyPair, SignatureAlgorithm, generate_simple_self_signed,
};
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::crypto::{
    ActiveKeyExchange, CompletedKeyExchange, CryptoProvider, SharedSecret, SupportedKxGroup,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign;
use rustls::version::TLS13;
use rustls::{
    Error, NamedGroup, RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
};

/// What a server is asked to be.
pub(crate) struct Wanted {
    pub(crate) version: &'static SupportedProtocolVersion,
    /// Its only suite; `None`: all of its version.
    pub(crate) suite: Option<SupportedCipherSuite>,
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
            suite: None,
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
        match self.suite {
            Some(suite) => provider.cipher_suites = vec![suite],
            None => provider
                .cipher_suites
                .retain(|suite| suite.version().version == version),
        }
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

/// A server of TLS 1.3 with one certificate for each of these algorithms, and
/// their DER. It shows the first that the client can verify.
pub(crate) fn server_of_key_types(
    algorithms: &[&'static SignatureAlgorithm],
) -> (Arc<ServerConfig>, Vec<Vec<u8>>) {
    let certified: Vec<_> = algorithms.iter().copied().map(certified).collect();
    let leaves = certified.iter().map(|key| key.cert[0].to_vec()).collect();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Shelf(certified)));
    (Arc::new(config), leaves)
}

fn certified(algorithm: &'static SignatureAlgorithm) -> Arc<sign::CertifiedKey> {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let params = CertificateParams::new(["server.test".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = aws_lc_rs::sign::any_supported_type(&der).unwrap();
    Arc::new(sign::CertifiedKey::new(
        vec![certificate.der().clone()],
        key,
    ))
}

#[derive(Debug)]
struct Shelf(Vec<Arc<sign::CertifiedKey>>);

impl ResolvesServerCert for Shelf {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<sign::CertifiedKey>> {
        let schemes = hello.signature_schemes();
        let fits =
            |certified: &&Arc<sign::CertifiedKey>| certified.key.choose_scheme(schemes).is_some();
        self.0.iter().find(fits).cloned()
    }
}

/// The server's side of P-384 with ML-KEM-1024.
#[derive(Debug)]
pub(crate) struct ServerSecp384r1MlKem1024;

impl SupportedKxGroup for ServerSecp384r1MlKem1024 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        unreachable!("a server answers a share")
    }

    fn start_and_complete(&self, peer: &[u8]) -> Result<CompletedKeyExchange, Error> {
        let (classical, post_quantum) = peer.split_at(97);
        let classical = kx_group::SECP384R1.start_and_complete(classical)?;
        let post_quantum = kx_group::MLKEM1024.start_and_complete(post_quantum)?;
        let secrets = [&classical.secret, &post_quantum.secret];
        let secret = secrets.map(SharedSecret::secret_bytes).concat();
        Ok(CompletedKeyExchange {
            group: self.name(),
            pub_key: [classical.pub_key, post_quantum.pub_key].concat(),
            secret: SharedSecret::from(secret),
        })
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::Unknown(0x11ed)
    }
}
