use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::pki_types::{self, CertificateDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    Error, InvalidMessage, SignatureScheme,
};

use crate::domain::{
    Alert, CipherSuite, ClientAuth, Der, KeyExchange, NamedGroup, Phase, ServerName, Session,
    TlsVersion,
};

use super::ending::{Cause, Ending};
use super::flight::MAX_CHAIN;
use super::groups;
use super::offer;
use super::record::Records;
use super::rung::Alpn;

/// Reads the flight of a TLS 1.3 server, which only a handshake decrypts:
/// rustls runs it up to the moment it would judge the chain, and there it is
/// recorded and the handshake given up.
///
/// Limits of rustls: a Certificate message over 64 KiB is
/// [`Cause::TooLarge`], and a chain is lost whose server falls silent before
/// its CertificateVerify.
#[derive(Debug)]
pub(super) struct Capture {
    connection: ClientConnection,
    recorder: Arc<Recorder>,
    /// Reads along until the flight begins: rustls passes over a warning or a
    /// close_notify there.
    prelude: Records,
}

/// What one connection showed.
#[derive(Debug, Default)]
struct Recorder {
    shown: OnceLock<Shown>,
    client_certificate_asked: AtomicBool,
}

#[derive(Debug)]
struct Shown {
    certificates: Vec<Der>,
    ocsp_staple: Option<Vec<u8>>,
    cause: Cause,
}

/// The part of a TLS 1.3 client that every connection shares.
#[derive(Clone, Debug)]
pub(super) struct CaptureConfig(ClientConfig);

impl CaptureConfig {
    pub(super) fn new() -> Self {
        let recorder = Arc::new(Recorder::default());
        let provider = Arc::new(provider());
        #[expect(
            clippy::expect_used,
            reason = "the provider's suites and groups are constants and serve TLS 1.3"
        )]
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(StoppedClock))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("a provider for TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(recorder.clone())
            .with_client_cert_resolver(recorder);
        config.resumption = rustls::client::Resumption::disabled();
        config.check_selected_alpn = false;
        Self(config)
    }

    /// A connection and the bytes of its ClientHello. Fails where the system
    /// has no random numbers.
    pub(super) fn open(
        &self,
        server_name: Option<&ServerName>,
        alpn: Alpn,
    ) -> Result<(Capture, Vec<u8>), Error> {
        let recorder = Arc::new(Recorder::default());
        let mut config = self.0.clone();
        config
            .dangerous()
            .set_certificate_verifier(recorder.clone());
        config.client_auth_cert_resolver = recorder.clone();
        config.enable_sni = server_name.is_some();
        if let Alpn::Offered(protocols) = alpn {
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        }
        let connection = ClientConnection::new(Arc::new(config), rustls_name(server_name)?)?;
        let mut capture = Capture {
            connection,
            recorder,
            prelude: Records::default(),
        };
        let hello = capture.outgoing();
        Ok((capture, hello))
    }
}

impl Capture {
    /// Takes what has arrived and says what to send; breaks when the
    /// conversation is over.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> ControlFlow<Cause, Vec<u8>> {
        if self.prelude.phase() == Phase::Hello {
            self.prelude.push(bytes);
            if let (Phase::Hello, Some(cause)) = (self.prelude.phase(), self.prelude.stopped()) {
                return ControlFlow::Break(cause);
            }
        }
        while !bytes.is_empty() {
            // It fails when its buffer is full, which is over rustls's limits.
            let Ok(taken) = self.connection.read_tls(&mut bytes) else {
                return ControlFlow::Break(Cause::TooLarge);
            };
            if let Err(error) = self.connection.process_new_packets() {
                return ControlFlow::Break(self.cause(&error));
            }
            if taken == 0 {
                return ControlFlow::Break(Cause::Malformed);
            }
        }
        ControlFlow::Continue(self.outgoing())
    }

    /// All that is known at the end.
    pub(super) fn ending(self, cause: Cause) -> Ending {
        let phase = self.prelude.phase();
        let cause = self.prelude.told(cause);
        let session = self.session();
        let certificates = match self.recorder.shown.get() {
            Some(shown) => Some(shown.certificates.clone()),
            // TLS 1.3 ends well without a chain only where the list is empty.
            None => (cause == Cause::Complete).then(Vec::new),
        };
        Ending {
            cause,
            phase,
            session,
            certificates,
        }
    }

    fn session(&self) -> Option<Session> {
        let suite = self.connection.negotiated_cipher_suite()?;
        let shown = self.recorder.shown.get();
        let asked = self
            .recorder
            .client_certificate_asked
            .load(Ordering::Relaxed);
        // The request precedes the certificate (RFC 8446 section 4.3.2).
        let client_auth = match (asked, shown) {
            (true, _) => Some(ClientAuth::Requested),
            (false, Some(_)) => Some(ClientAuth::None),
            (false, None) => None,
        };
        Some(Session {
            version: TlsVersion(self.connection.protocol_version()?.into()),
            cipher_suite: CipherSuite(u16::from(suite.suite()).into()),
            key_exchange: self
                .connection
                .negotiated_key_exchange_group()
                .map(|group| KeyExchange::Group(NamedGroup(group.name().into()))),
            alpn: self.connection.alpn_protocol().map(<[u8]>::to_vec),
            client_auth,
            acceptable_issuers: Vec::new(),
            ocsp_staple: shown.and_then(|shown| shown.ocsp_staple.clone()),
        })
    }

    fn cause(&self, error: &Error) -> Cause {
        if let Some(shown) = self.recorder.shown.get() {
            return shown.cause.clone();
        }
        match error {
            Error::NoCertificatesPresented => Cause::Complete,
            Error::AlertReceived(AlertDescription::Unknown(code)) => Cause::Alert(Alert(*code)),
            Error::AlertReceived(description) => Cause::Alert(Alert((*description).into())),
            Error::PeerSentOversizedRecord
            | Error::InvalidMessage(
                InvalidMessage::HandshakePayloadTooLarge
                | InvalidMessage::CertificatePayloadTooLarge
                | InvalidMessage::MessageTooLarge,
            ) => Cause::TooLarge,
            // rustls may add to its errors; each says that it can't read on.
            _ => Cause::Malformed,
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

impl ServerCertVerifier for Recorder {
    /// Records, and refuses: nothing more is wanted of the handshake.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &pki_types::ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let sent = std::iter::once(end_entity).chain(intermediates);
        let certificates = sent.take(MAX_CHAIN).map(|der| Der::from(&**der)).collect();
        let shown = Shown {
            certificates,
            ocsp_staple: (!ocsp_response.is_empty()).then(|| ocsp_response.to_vec()),
            cause: if intermediates.len() < MAX_CHAIN {
                Cause::Complete
            } else {
                Cause::TooLarge
            },
        };
        // A connection shows one chain, so the cell is still empty.
        let _ = self.shown.set(shown);
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

    /// All of them: a server keeps back a certificate whose signature its
    /// client does not list (RFC 8446 section 4.4.2.2).
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let schemes = offer::SIGNATURE_SCHEMES.iter().copied();
        schemes.map(SignatureScheme::from).collect()
    }
}

impl ResolvesClientCert for Recorder {
    /// Runs when a CertificateRequest has come; we have nothing to show.
    fn resolve(
        &self,
        _authorities: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.client_certificate_asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
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

/// x25519 goes first, since rustls sends a key share for the first group
/// alone: the hello stays within one segment, and a server that insists on
/// another asks for it (RFC 8446 section 4.1.4).
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![
        kx_group::X25519,
        kx_group::SECP256R1,
        kx_group::SECP384R1,
        &groups::Secp521r1,
        kx_group::X25519MLKEM768,
        kx_group::SECP256R1MLKEM768,
        kx_group::MLKEM768,
        kx_group::MLKEM1024,
    ];
    provider.kx_groups.extend(groups::FINITE_FIELD);
    provider
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
