//! rustls as a server, in this process: for what it alone has, such as
//! post-quantum groups and keys, and for what no program lets one configure.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::LongChain;
use super::accepting::Accepting;

/// A running server.
pub(crate) struct RustlsServer {
    pub(crate) address: SocketAddr,
    _accepting: Accepting,
}

/// How it is set up.
pub(crate) struct RustlsSetup {
    /// Leaf first; it may be empty, and then the server shows an empty list.
    pub(crate) chain: Vec<Vec<u8>>,
    /// PKCS#8, DER.
    pub(crate) key: Vec<u8>,
    pub(crate) version: &'static SupportedProtocolVersion,
    /// All of rustls's own where it is empty.
    pub(crate) groups: Vec<&'static dyn SupportedKxGroup>,
    /// The longest record it writes, header included.
    pub(crate) longest_record: Option<usize>,
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

impl RustlsServer {
    pub(crate) fn start(setup: RustlsSetup) -> Self {
        let config = Arc::new(setup.config());
        let accepting = Accepting::anywhere(move |connection| {
            let config = Arc::clone(&config);
            thread::spawn(move || shake_hands(connection, config));
        });
        Self {
            address: accepting.address,
            _accepting: accepting,
        }
    }
}

impl RustlsSetup {
    /// Shows this chain in one version, and leaves the rest to rustls.
    pub(crate) fn new(chain: &LongChain, version: &'static SupportedProtocolVersion) -> Self {
        Self {
            chain: chain.certificates.clone(),
            key: chain.key.clone(),
            version,
            groups: Vec::new(),
            longest_record: None,
        }
    }

    pub(crate) fn config(self) -> ServerConfig {
        let mut provider = aws_lc_rs::default_provider();
        if !self.groups.is_empty() {
            provider.kx_groups = self.groups;
        }
        let key = certified_key(self.chain, self.key, &provider);
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[self.version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Always(Arc::new(key))));
        config.max_fragment_size = self.longest_record;
        config
    }
}

fn certified_key(chain: Vec<Vec<u8>>, key: Vec<u8>, provider: &CryptoProvider) -> CertifiedKey {
    let key = PrivateKeyDer::Pkcs8(key.into());
    let key = provider.key_provider.load_private_key(key).unwrap();
    CertifiedKey::new(chain.into_iter().map(CertificateDer::from).collect(), key)
}

/// Serves one client; a scanner leaves before the handshake is done.
fn shake_hands(mut connection: TcpStream, config: Arc<ServerConfig>) {
    let mut tls = ServerConnection::new(config).unwrap();
    while tls.is_handshaking() {
        if tls.complete_io(&mut connection).is_err() {
            // The alert, if there is one to say.
            let _ = tls.write_tls(&mut connection);
            return;
        }
    }
}
