use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{self, CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    Error, InvalidMessage, KeyLog, PeerMisbehaved, SignatureScheme, SupportedProtocolVersion,
};

use crate::domain::{
    Alert, KeyExchange, KeyType, NamedGroup, Phase, ProtocolSet, ServerName, Session, TlsVersion,
};

use super::classic::Classic;
use super::ending::{Cause, Ending};
use super::flight::server_hello;
use super::ladder::{Alpn, Groups, Rung};
use super::provider::{provider, signature_schemes};
use super::record::Records;
use super::seal::Seal;
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

/// Up to the ServerHello that settles version and key.
#[derive(Debug)]
struct Agreement {
    connection: ClientConnection,
    secret: Arc<Secret>,
    /// Reads along: rustls passes over a warning or a close_notify here.
    records: Records,
    /// What the latest ServerHello told, or the HelloRetryRequest.
    session: Option<Session>,
    /// All that has arrived, for whoever reads on.
    received: Vec<u8>,
}

/// The part of a client that every connection shares.
#[derive(Clone, Debug)]
pub(super) struct CaptureConfig {
    newest: ClientConfig,
    newest_two: ClientConfig,
    hybrid: ClientConfig,
}

/// Receives the server's handshake traffic secret (RFC 8446 section 7.1).
#[derive(Debug, Default)]
struct Secret(OnceLock<Vec<u8>>);

/// Offers signature schemes, and verifies nothing.
#[derive(Debug)]
struct Unverified {
    key_type: Option<KeyType>,
}

impl CaptureConfig {
    pub(super) fn new() -> Self {
        Self {
            newest: config(&[&TLS13], Groups::All),
            newest_two: config(&[&TLS13, &TLS12], Groups::All),
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
        let secret = Arc::new(Secret::default());
        let mut config = self.kind(rung).clone();
        config.key_log = secret.clone();
        config.enable_sni = server_name.is_some();
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(Unverified {
                key_type: rung.key_type,
            }));
        if let Alpn::Offered(protocols) = rung.alpn {
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        }
        let mut agreement = Agreement {
            connection: ClientConnection::new(Arc::new(config), rustls_name(server_name)?)?,
            secret,
            records: Records::default(),
            session: None,
            received: Vec::new(),
        };
        let hello = agreement.outgoing();
        let stage = Stage::Agreement(Box::new(agreement));
        Ok((Capture { stage }, hello))
    }

    fn kind(&self, rung: Rung) -> &ClientConfig {
        match rung.groups {
            Groups::Hybrid => &self.hybrid,
            Groups::All if rung.offered == ProtocolSet::TLS_1_3 => &self.newest,
            Groups::All => &self.newest_two,
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
                    Agreed::On(next, unread) => (next, unread),
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
            Stage::Agreement(agreement) => Ending {
                phase: agreement.records.phase(),
                cause: agreement.records.told(cause),
                session: agreement.session,
                certificates: None,
            },
            Stage::Sealed(sealed) => sealed.ending(cause),
            Stage::Clear(classic) => classic.ending(cause),
        }
    }
}

/// What the bytes so far have settled.
enum Agreed {
    /// Nothing; these are to be sent.
    NotYet(Vec<u8>),
    /// Who reads on, and what: everything, from the first byte.
    On(Stage, Vec<u8>),
}

impl Agreement {
    fn feed(&mut self, bytes: &[u8]) -> ControlFlow<Cause, Agreed> {
        self.received.extend(bytes);
        self.records.push(bytes);
        if self.hear()? {
            return self.on(Stage::Clear(Box::default()));
        }
        if let (Phase::Hello, Some(cause)) = (self.records.phase(), self.records.stopped()) {
            return ControlFlow::Break(cause);
        }
        self.agree(bytes)?;
        match (self.seal(), self.session.take()) {
            (Some(seal), Some(session)) => {
                self.on(Stage::Sealed(Box::new(Sealed::new(session, seal))))
            }
            (_, session) => {
                self.session = session;
                ControlFlow::Continue(Agreed::NotYet(self.outgoing()))
            }
        }
    }

    /// Reads what came in clear, and says whether the rest will, too.
    fn hear(&mut self) -> ControlFlow<Cause, bool> {
        const SERVER_HELLO: u8 = 2;
        while let Some(message) = self.records.message() {
            if message.kind != SERVER_HELLO {
                continue;
            }
            match server_hello(message.body) {
                Ok(session) if session.version == TlsVersion::TLS_1_3 => {
                    self.session = Some(session);
                }
                Ok(_) => return ControlFlow::Continue(true),
                Err(malformed) => return ControlFlow::Break(malformed.into()),
            }
        }
        ControlFlow::Continue(false)
    }

    /// Lets rustls read on, up to the key.
    fn agree(&mut self, mut bytes: &[u8]) -> ControlFlow<Cause> {
        while !bytes.is_empty() {
            // It fails when its buffer is full, which is over rustls's limits.
            let Ok(taken) = self.connection.read_tls(&mut bytes) else {
                return ControlFlow::Break(Cause::TooLarge);
            };
            let processed = self.connection.process_new_packets();
            if self.secret.0.get().is_some() {
                break;
            }
            if let Err(error) = processed {
                return ControlFlow::Break(self.cause(&error));
            }
            if taken == 0 {
                return ControlFlow::Break(Cause::Malformed);
            }
        }
        ControlFlow::Continue(())
    }

    fn seal(&self) -> Option<Seal> {
        let suite = self.connection.negotiated_cipher_suite()?.tls13()?;
        Seal::new(suite, self.secret.0.get()?)
    }

    fn on(&mut self, stage: Stage) -> ControlFlow<Cause, Agreed> {
        ControlFlow::Continue(Agreed::On(stage, std::mem::take(&mut self.received)))
    }

    fn cause(&self, error: &Error) -> Cause {
        match (error, self.group()) {
            (Error::AlertReceived(AlertDescription::Unknown(code)), _) => {
                Cause::Alert(Alert(*code))
            }
            (Error::AlertReceived(description), _) => Cause::Alert(Alert((*description).into())),
            (
                Error::PeerSentOversizedRecord
                | Error::InvalidMessage(
                    InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::MessageTooLarge,
                ),
                _,
            ) => Cause::TooLarge,
            (
                Error::PeerMisbehaved(
                    PeerMisbehaved::IllegalHelloRetryRequestWithUnofferedNamedGroup,
                ),
                Some(group),
            ) => Cause::UnsupportedGroup(group),
            // rustls may add to its errors; each says that it can't read on.
            _ => Cause::Malformed,
        }
    }

    /// The group that the latest hello of the server names.
    fn group(&self) -> Option<NamedGroup> {
        match self.session.as_ref()?.key_exchange? {
            KeyExchange::Group(group) => Some(group),
            _ => None,
        }
    }

    fn outgoing(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            if self.connection.write_tls(&mut bytes).is_err() {
                // Writing to a Vec can't fail.
                break;
            }
        }
        bytes
    }
}

impl KeyLog for Secret {
    fn log(&self, _label: &str, _client_random: &[u8], secret: &[u8]) {
        // A connection has one, so the cell is still empty.
        let _ = self.0.set(secret.to_vec());
    }

    fn will_log(&self, label: &str) -> bool {
        label == "SERVER_HANDSHAKE_TRAFFIC_SECRET"
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
