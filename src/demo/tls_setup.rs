//! Identities become a TLS server: which certificate it shows to whom, which
//! versions it speaks, and whether it asks who is there.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;

use super::authority::Identity;
use super::{DemoError, Installed};
use crate::domain::{Fingerprint, InvalidServerName, ServerName};

/// A TLS server to be.
pub(super) struct TlsSetup {
    identities: Vec<(Option<ServerName>, Identity)>,
    versions: Vec<&'static SupportedProtocolVersion>,
    client_root: Option<CertificateDer<'static>>,
}

/// The certificates of one server, in the order of its preference.
#[derive(Debug)]
struct Certificates(Vec<(Option<ServerName>, Arc<CertifiedKey>)>);

impl TlsSetup {
    /// A server that shows one certificate to everybody, over every version
    /// that rustls speaks: TLS 1.2 and 1.3.
    pub(super) fn new(identity: Identity) -> Self {
        Self {
            identities: vec![(None, identity)],
            versions: rustls::ALL_VERSIONS.to_vec(),
            client_root: None,
        }
    }

    /// With another certificate, for those who can't check the ones before.
    pub(super) fn or(mut self, identity: Identity) -> Self {
        self.identities.push((None, identity));
        self
    }

    /// With a certificate of its own for those who ask for `name`.
    pub(super) fn under(
        mut self,
        name: &str,
        identity: Identity,
    ) -> Result<Self, InvalidServerName> {
        self.identities.push((Some(name.parse()?), identity));
        Ok(self)
    }

    /// Speaks nothing but `version`.
    pub(super) fn only(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    /// Turns away everybody without a certificate that `root` vouches for.
    pub(super) fn for_clients_of(mut self, root: CertificateDer<'static>) -> Self {
        self.client_root = Some(root);
        self
    }

    /// What it will show.
    pub(super) fn installed(&self) -> Vec<Installed> {
        self.identities
            .iter()
            .map(|(server_name, identity)| Installed {
                fingerprint: Fingerprint::of(&identity.leaf),
                key_type: identity.key_type,
                server_name: server_name.clone(),
            })
            .collect()
    }

    /// The server's side of the handshake.
    pub(super) fn acceptor(self) -> Result<TlsAcceptor, DemoError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certificates = Certificates::load(self.identities, &provider)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions)?;
        let builder = match self.client_root {
            None => builder.with_no_client_auth(),
            Some(root) => {
                let mut roots = RootCertStore::empty();
                roots.add(root)?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let config = builder.with_cert_resolver(Arc::new(certificates));
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl Certificates {
    fn load(
        identities: Vec<(Option<ServerName>, Identity)>,
        provider: &CryptoProvider,
    ) -> Result<Self, rustls::Error> {
        identities
            .into_iter()
            .map(|(server_name, identity)| {
                let mut chain = vec![identity.leaf];
                chain.extend(identity.issuers);
                let key = CertifiedKey::from_der(chain, identity.key, provider)?;
                Ok((server_name, Arc::new(key)))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl ResolvesServerCert for Certificates {
    /// The first that bears the name asked for, else the first for everybody,
    /// whose signature the client can check.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name();
        let of_that_name = self.0.iter().filter(|(name, _)| {
            name.as_ref()
                .is_some_and(|name| Some(name.as_str()) == asked)
        });
        let of_no_name = self.0.iter().filter(|(name, _)| name.is_none());
        of_that_name
            .chain(of_no_name)
            .map(|(_, key)| key)
            .find(|key| key.key.choose_scheme(hello.signature_schemes()).is_some())
            .cloned()
    }
}
