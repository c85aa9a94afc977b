use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, Error, InvalidMessage, KeyLog, PeerMisbehaved,
};

use crate::domain::{Alert, KeyExchange, NamedGroup, Phase, Session, TlsVersion};

use super::ending::{Cause, Ending};
use super::flight::server_hello;
use super::record::Records;
use super::seal::Seal;
use super::sealed::Sealed;

/// The conversation up to the ServerHello that settles version and key: rustls
/// makes the hello, makes another where it is asked to, and agrees on the key.
#[derive(Debug)]
pub(super) struct Agreement {
    connection: ClientConnection,
    secret: Arc<Secret>,
    /// Reads along: rustls passes over a warning or a close_notify here.
    records: Records,
    /// What the latest ServerHello told, or the HelloRetryRequest.
    session: Option<Session>,
    /// All that has arrived, for whoever reads on.
    received: Vec<u8>,
}

/// What the bytes so far have settled.
pub(super) enum Agreed {
    /// Nothing; these are to be sent.
    NotYet(Vec<u8>),
    /// The key. Who reads on, and what: everything, from the first byte.
    Sealed(Box<Sealed>, Vec<u8>),
    /// An older version, in clear: everything, from the first byte.
    Clear(Vec<u8>),
}

/// Receives the server's handshake traffic secret (RFC 8446 section 7.1).
#[derive(Debug, Default)]
struct Secret(OnceLock<Vec<u8>>);

impl Agreement {
    /// A connection and the bytes of its ClientHello.
    pub(super) fn open(
        mut config: ClientConfig,
        server_name: ServerName<'static>,
    ) -> Result<(Self, Vec<u8>), Error> {
        let secret = Arc::new(Secret::default());
        config.key_log = secret.clone();
        let mut agreement = Self {
            connection: ClientConnection::new(Arc::new(config), server_name)?,
            secret,
            records: Records::default(),
            session: None,
            received: Vec::new(),
        };
        let hello = agreement.outgoing();
        Ok((agreement, hello))
    }

    /// Takes what has arrived; breaks when the conversation is over.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> ControlFlow<Cause, Agreed> {
        self.received.extend(bytes);
        self.records.push(bytes);
        if self.hear()? {
            return ControlFlow::Continue(Agreed::Clear(self.take_received()));
        }
        if let (Phase::Hello, Some(cause)) = (self.records.phase(), self.records.stopped()) {
            return ControlFlow::Break(cause);
        }
        self.agree(bytes)?;
        if self.secret.0.get().is_none() {
            return ControlFlow::Continue(Agreed::NotYet(self.outgoing()));
        }
        match (self.seal(), self.session.take()) {
            (Some(seal), Some(session)) => {
                let sealed = Box::new(Sealed::new(session, seal));
                ControlFlow::Continue(Agreed::Sealed(sealed, self.take_received()))
            }
            _ => ControlFlow::Break(Cause::Malformed),
        }
    }

    /// All that is known at the end.
    pub(super) fn ending(self, cause: Cause) -> Ending {
        Ending {
            phase: self.records.phase(),
            cause: self.records.told(cause),
            session: self.session,
            certificates: None,
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

    fn take_received(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
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
