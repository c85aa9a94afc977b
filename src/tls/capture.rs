use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{self, CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    SupportedProtocolVersion,
};

use crate::domain::{KeyType, ProtocolSet, ServerName};

use super::agreement::{Agreed, Agreement};
use super::classic::Classic;
use super::ending::{Cause, Ending};
use super::provider::{provider, signature_schemes};
use super::rung::{Alpn, Groups, Rung};
use super::sealed::Sealed;

/// Reads the flight of a server that was offered TLS 1.3, which encrypts its
/// certificate: rustls makes the hello and agrees on the key, and from there
/// on the flight is read here, as far as it comes, with our own limits. Where
/// the server chose an older version, it is in clear.
#[derive(Debug)]
pub(super) struct Capture {
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Agreement(Box<Agreement>),
    Sealed(Box<Sealed>),
    Clear(Box<Classic>),
}

/// The part of a client that every connection shares: one for each kind of
/// hello.
#[derive(Clone, Debug)]
pub(super) struct CaptureConfig {
    newest: ClientConfig,
    two_newest: ClientConfig,
    hybrid: ClientConfig,
}

/// Offers signature schemes, and verifies nothing.
#[derive(Debug)]
struct Unverified {
    key_type: Option<KeyType>,
}

impl CaptureConfig {
    pub(super) fn new() -> Self {
        Self {
            newest: config(&[&TLS13], Groups::All),
            two_newest: config(&[&TLS13, &TLS12], Groups::All),
            hybrid: config(&[&TLS13], Groups::Hybrid),
        }
    }

    /// A connection and the bytes of its ClientHello, for a rung that offers
    /// TLS 1.3. Fails where the system has no random numbers.
    pub(super) fn open(
        &self,
        rung: Rung,
        server_name: Option<&ServerName>,
    ) -> Result<(Capture, Vec<u8>), Error> {
        let mut config = self.kind(rung).clone();
        config.enable_sni = server_name.is_some();
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(Unverified {
                key_type: rung.key_type,
            }));
        if let Alpn::Offered(protocols) = rung.alpn {
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        }
        let (agreement, hello) = Agreement::open(config, rustls_name(server_name)?)?;
        let stage = Stage::Agreement(Box::new(agreement));
        Ok((Capture { stage }, hello))
    }

    fn kind(&self, rung: Rung) -> &ClientConfig {
        match rung.groups {
            Groups::Hybrid => &self.hybrid,
            Groups::All if rung.offered == ProtocolSet::TLS_1_3 => &self.newest,
            Groups::All => &self.two_newest,
        }
    }
}

fn config(versions: &[&'static SupportedProtocolVersion], groups: Groups) -> ClientConfig {
    let provider = Arc::new(provider(groups));
    #[expect(
        clippy::expect_used,
        reason = "the provider's suites and groups are constants and serve both versions"
    )]
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(StoppedClock))
        .with_protocol_versions(versions)
        .expect("a provider for these versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unverified { key_type: None }))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    config.check_selected_alpn = false;
    config
}

impl Capture {
    /// Takes what has arrived and says what to send; breaks when the
    /// conversation is over.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> ControlFlow<Cause, Vec<u8>> {
        match &mut self.stage {
            Stage::Agreement(agreement) => {
                let (next, unread) = match agreement.feed(bytes)? {
                    Agreed::NotYet(outgoing) => return ControlFlow::Continue(outgoing),
                    Agreed::Sealed(sealed, unread) => (Stage::Sealed(sealed), unread),
                    Agreed::Clear(unread) => (Stage::Clear(Box::default()), unread),
                };
                self.stage = next;
                self.feed(&unread)
            }
            Stage::Sealed(sealed) => sealed.feed(bytes).map_continue(|()| Vec::new()),
            Stage::Clear(classic) => classic.feed(bytes).map_continue(|()| Vec::new()),
        }
    }

    /// All that is known at the end.
    pub(super) fn ending(self, cause: Cause) -> Ending {
        match self.stage {
            Stage::Agreement(agreement) => agreement.ending(cause),
            Stage::Sealed(sealed) => sealed.ending(cause),
            Stage::Clear(classic) => classic.ending(cause),
        }
    }
}

impl ServerCertVerifier for Unverified {
    /// Refuses: rustls has nothing more to do.
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &pki_types::ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Err(given_up())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(given_up())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(given_up())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        signature_schemes(self.key_type)
    }
}

/// Nothing is verified, so no time is asked for.
#[derive(Debug)]
struct StoppedClock;

impl TimeProvider for StoppedClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::ZERO))
    }
}

/// Without a name to send, rustls still wants one to check; it never does.
fn rustls_name(server_name: Option<&ServerName>) -> Result<pki_types::ServerName<'static>, Error> {
    match server_name {
        None => Ok(pki_types::ServerName::from(Ipv4Addr::UNSPECIFIED)),
        Some(name) => pki_types::ServerName::try_from(name.as_str().to_owned())
            .map_err(|_| Error::General(format!("`{name}` is no name to rustls"))),
    }
}

fn given_up() -> Error {
    Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
}
