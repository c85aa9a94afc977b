use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionStore, ResolvesClientCert, Resumption, Tls12ClientSessionValue, Tls12Resumption,
    Tls13ClientSessionValue,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{self, CertificateDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, DigitallySignedStruct, Error, NamedGroup,
    ProtocolVersion, SignatureScheme,
};

use super::authenticator::{Authenticator, why};
use super::handshake::{Handshake, Rejection, Sign, TlsFault, Verdict};
use crate::domain::{
    self, Alert, Chain, CipherSuite, ClientAuth, Der, KeyExchange, Session, TlsVersion, clock,
};
use crate::tls::{Alpn, End};

/// The client's side of a complete handshake. Bytes in, bytes out.
pub(super) struct Client {
    connection: ClientConnection,
    witness: Arc<Witness>,
    /// Whether application data has come.
    data: bool,
}

/// What is seen on the way through a handshake.
#[derive(Debug)]
struct Witness {
    identity: Option<Arc<CertifiedKey>>,
    authenticator: Option<Authenticator>,
    ticket: AtomicBool,
    seen: Mutex<Seen>,
}

/// What a server shows of itself and wants of its client.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) chain: Option<Vec<Der>>,
    pub(super) asked: bool,
    pub(super) sent: bool,
    pub(super) acceptable_issuers: Vec<Vec<u8>>,
    pub(super) ocsp_staple: Option<Vec<u8>>,
    /// Why it is not verified; `Some(Ok)` when it is.
    pub(super) verified: Option<Result<(), String>>,
}

/// All that a server could sign with: without roots nothing is verified, so
/// nothing has to be implemented here.
const SCHEMES: [SignatureScheme; 15] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::ED25519,
    SignatureScheme::ED448,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::ML_DSA_44,
    SignatureScheme::ML_DSA_65,
    SignatureScheme::ML_DSA_87,
    SignatureScheme::RSA_PKCS1_SHA1,
];

impl Client {
    /// A client for one handshake. Fails where the system has no random
    /// numbers, or no root is given to verify with.
    pub(super) fn new(wanted: &Handshake<'_>) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let authenticator = wanted
            .anchors
            .map(|anchors| Authenticator::new(anchors, &provider));
        let identity = wanted
            .identity
            .map(|identity| Arc::clone(identity.certified_key()));
        let witness = Arc::new(Witness {
            identity,
            authenticator: authenticator.transpose()?,
            ticket: AtomicBool::default(),
            seen: Mutex::default(),
        });
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(OwnClock))
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)?
            .dangerous()
            .with_custom_certificate_verifier(witness.clone())
            .with_client_cert_resolver(witness.clone());
        config.enable_sni = wanted.server_name.is_some();
        config.check_selected_alpn = false;
        config.resumption =
            Resumption::store(witness.clone()).tls12_resumption(Tls12Resumption::Disabled);
        if let Alpn::Offered(protocols) = wanted.alpn {
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        }
        let name = match wanted.server_name {
            Some(name) => pki_types::ServerName::try_from(name.as_str().to_owned())
                .map_err(|_| Error::General(format!("`{name}` is no name to rustls")))?,
            None => pki_types::ServerName::from(wanted.endpoint.address),
        };
        Ok(Self {
            connection: ClientConnection::new(Arc::new(config), name)?,
            witness,
            data: false,
        })
    }

    /// What is to be sent.
    pub(super) fn outgoing(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a Vec can't fail.
        while self.connection.wants_write() && self.connection.write_tls(&mut bytes).is_ok() {}
        bytes
    }

    /// Whether our side is through.
    pub(super) fn is_finished(&self) -> bool {
        !self.connection.is_handshaking()
    }

    /// Takes what has arrived; breaks when it is decided. A fatal alert
    /// decides, whatever came before it; a close_notify only where nothing
    /// did.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> ControlFlow<Verdict> {
        let mut closed = false;
        while !bytes.is_empty() && !closed {
            let taken = match self.connection.read_tls(&mut bytes) {
                Ok(taken) => taken,
                Err(error) => return ControlFlow::Break(failed(error.to_string())),
            };
            match self.connection.process_new_packets() {
                Ok(state) => {
                    self.data |= state.plaintext_bytes_to_read() > 0;
                    closed = state.peer_has_closed() || taken == 0;
                }
                Err(error) => return ControlFlow::Break(self.broken(&error)),
            }
        }
        match self.sign() {
            Some(sign) => ControlFlow::Break(Verdict::Accepted(sign)),
            None if closed => ControlFlow::Break(self.alert(Alert::CLOSE_NOTIFY)),
            None => ControlFlow::Continue(()),
        }
    }

    /// The time to wait for the server's next word is over: one that has all
    /// it needs is content.
    pub(super) fn waited(&self) -> Verdict {
        if self.is_finished() {
            Verdict::Accepted(Sign::Quiet)
        } else {
            self.ended(End::Deadline)
        }
    }

    /// The transport's end, or that of the time to send.
    pub(super) fn ended(&self, end: End) -> Verdict {
        match end {
            End::Closed if self.is_before_the_judge() => Verdict::Rejected(Rejection::Closed),
            End::Reset if self.is_before_the_judge() => Verdict::Rejected(Rejection::Reset),
            End::Deadline | End::Closed | End::Reset => Verdict::TlsError(TlsFault::Ended(end)),
        }
    }

    /// What was seen, and what was negotiated.
    pub(super) fn into_seen(self) -> (Seen, Option<Session>) {
        let mut seen = std::mem::take(&mut *self.witness.seen());
        let session = self.session(&mut seen);
        (seen, session)
    }

    /// What shows that the server is content.
    fn sign(&self) -> Option<Sign> {
        if !self.is_finished() {
            return None;
        }
        // RFC 5246 section 7.3: its Finished is the last message, and comes
        // after ours.
        if self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_2) {
            return Some(Sign::Finished);
        }
        if self.witness.ticket.load(Ordering::Relaxed) {
            return Some(Sign::Ticket);
        }
        self.data.then_some(Sign::Data)
    }

    fn broken(&self, error: &Error) -> Verdict {
        match error {
            Error::AlertReceived(AlertDescription::Unknown(code)) => self.alert(Alert(*code)),
            Error::AlertReceived(description) => self.alert(Alert((*description).into())),
            other => failed(other.to_string()),
        }
    }

    fn alert(&self, alert: Alert) -> Verdict {
        if self.is_before_the_judge() {
            Verdict::Rejected(Rejection::Alert(alert))
        } else {
            Verdict::TlsError(TlsFault::Alert(alert))
        }
    }

    /// Whether the server has what it judges a client by: all of ours, which
    /// follows its certificate at once in TLS 1.2.
    fn is_before_the_judge(&self) -> bool {
        match self.connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => self.witness.seen().chain.is_some(),
            _ => self.is_finished(),
        }
    }

    fn session(&self, seen: &mut Seen) -> Option<Session> {
        let suite = self.connection.negotiated_cipher_suite()?;
        let group = self.connection.negotiated_key_exchange_group();
        let client_auth = match (seen.asked, &seen.chain) {
            (true, _) => Some(ClientAuth::Requested),
            (false, Some(_)) => Some(ClientAuth::None),
            (false, None) => None,
        };
        Some(Session {
            version: TlsVersion(self.connection.protocol_version()?.into()),
            cipher_suite: CipherSuite(u16::from(suite.suite()).into()),
            key_exchange: group
                .map(|group| KeyExchange::Group(domain::NamedGroup(group.name().into()))),
            alpn: self.connection.alpn_protocol().map(<[u8]>::to_vec),
            client_auth,
            acceptable_issuers: std::mem::take(&mut seen.acceptable_issuers),
            ocsp_staple: seen.ocsp_staple.take(),
        })
    }
}

impl Seen {
    /// The chain it showed, if it showed one.
    pub(super) fn chain(&mut self) -> Option<Chain> {
        self.chain.take().and_then(Chain::from_wire)
    }
}

impl Witness {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A signature counts with the chain: whoever has no key for it only
    /// shows what it copied.
    fn signed(&self, result: Result<HandshakeSignatureValid, Error>) {
        if let Err(error) = result {
            let mut seen = self.seen();
            if let Some(Ok(())) = seen.verified {
                seen.verified = Some(Err(why(&error)));
            }
        }
    }
}

impl ServerCertVerifier for Witness {
    /// Keeps what it is shown, and lets it pass: who the server is does not
    /// decide what it makes of its client.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &pki_types::ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.authenticator.as_ref().map(|authenticator| {
            let verified = authenticator.verify(end_entity, intermediates, server_name, now);
            verified.map_err(|error| why(&error))
        });
        let sent = std::iter::once(end_entity).chain(intermediates);
        let mut seen = self.seen();
        seen.chain = Some(sent.map(|der| Der::from(&**der)).collect());
        seen.ocsp_staple = (!ocsp_response.is_empty()).then(|| ocsp_response.to_vec());
        seen.verified = verified;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if let Some(authenticator) = &self.authenticator {
            self.signed(authenticator.verifier().verify_tls12_signature(
                message,
                certificate,
                signature,
            ));
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if let Some(authenticator) = &self.authenticator {
            self.signed(authenticator.verifier().verify_tls13_signature(
                message,
                certificate,
                signature,
            ));
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}

impl ResolvesClientCert for Witness {
    /// Runs when a CertificateRequest has come.
    fn resolve(
        &self,
        authorities: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let usable = |identity: &&Arc<CertifiedKey>| identity.key.choose_scheme(schemes).is_some();
        let identity = self.identity.as_ref().filter(usable);
        let mut seen = self.seen();
        seen.asked = true;
        seen.sent = identity.is_some();
        seen.acceptable_issuers = authorities.iter().map(|name| name.to_vec()).collect();
        identity.map(Arc::clone)
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}

/// Keeps nothing: a ticket only shows that the server is content.
impl ClientSessionStore for Witness {
    fn set_kx_hint(&self, _: pki_types::ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &pki_types::ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: pki_types::ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &pki_types::ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &pki_types::ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: pki_types::ServerName<'static>, _: Tls13ClientSessionValue) {
        self.ticket.store(true, Ordering::Relaxed);
    }

    fn take_tls13_ticket(
        &self,
        _: &pki_types::ServerName<'static>,
    ) -> Option<Tls13ClientSessionValue> {
        None
    }
}

/// The time that certificates are judged by.
#[derive(Debug)]
struct OwnClock;

impl TimeProvider for OwnClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(clock::now().seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

fn failed(why: String) -> Verdict {
    Verdict::TlsError(TlsFault::Handshake(why))
}
