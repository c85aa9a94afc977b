use std::ops::ControlFlow;

use crate::domain::{ClientAuth, Der, Session};

use super::certificate_request::keep_names;
use super::codec::{Malformed, Reader};
use super::ending::Cause;
use super::flight::MAX_CHAIN;
use super::hello::{APPLICATION_LAYER_PROTOCOL_NEGOTIATION, STATUS_REQUEST};
use super::record::{MAX_MESSAGE, Message};

/// The flight of a TLS 1.3 server after its ServerHello, message by message,
/// up to the Certificate (RFC 8446 section 2): no later message tells more.
///
/// Only what the certificate depends on must read well; where another message
/// is odd inside, its fact stays unknown and the reading goes on.
#[derive(Debug)]
pub(super) struct SealedFlight {
    session: Session,
    certificates: Option<Vec<Der>>,
}

// IANA "TLS HandshakeType".
const ENCRYPTED_EXTENSIONS: u8 = 8;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_REQUEST: u8 = 13;
// IANA "TLS ExtensionType Values".
const CERTIFICATE_AUTHORITIES: u16 = 47;

/// An 8-bit length has no larger value.
const MAX_U8: usize = 0xff;
/// A 16-bit length has no larger value.
const MAX_U16: usize = 0xffff;

impl SealedFlight {
    /// `session` is what the ServerHello told.
    pub(super) const fn new(session: Session) -> Self {
        Self {
            session,
            certificates: None,
        }
    }

    /// Takes the next message; breaks when nothing more is to be learnt.
    pub(super) fn read(&mut self, message: Message<'_>) -> ControlFlow<Cause> {
        let Message { kind, body } = message;
        match kind {
            ENCRYPTED_EXTENSIONS => {
                self.session.alpn = application_protocol(body).ok().flatten();
                ControlFlow::Continue(())
            }
            CERTIFICATE_REQUEST => {
                self.session.client_auth = Some(ClientAuth::Requested);
                self.session.acceptable_issuers = acceptable_issuers(body);
                ControlFlow::Continue(())
            }
            CERTIFICATE => ControlFlow::Break(match self.certificate(body) {
                Ok(()) => Cause::Complete,
                Err(malformed) => malformed.into(),
            }),
            _ => ControlFlow::Break(Cause::Malformed),
        }
    }

    /// Takes what has arrived of a message that will not become whole.
    pub(super) fn read_unfinished(&mut self, message: Message<'_>) {
        if self.certificates.is_none() && message.kind == CERTIFICATE {
            // It is cut short, and what came before the cut stands.
            let _ = self.certificate(message.body);
        }
    }

    /// What it told: the session, and the certificates.
    pub(super) fn into_parts(self) -> (Session, Option<Vec<Der>>) {
        (self.session, self.certificates)
    }

    /// RFC 8446 section 4.4.2: takes every certificate that is there whole.
    fn certificate(&mut self, body: &[u8]) -> Result<(), Malformed> {
        // The request comes before the certificate (section 4.3.2).
        self.session.client_auth.get_or_insert(ClientAuth::None);
        let mut certificates = Vec::new();
        let read = entries(body, |certificate, extensions| {
            if certificates.is_empty() {
                self.session.ocsp_staple = ocsp_staple(extensions).ok().flatten();
            }
            certificates.push(Der::from(certificate));
        });
        if read.is_ok() || !certificates.is_empty() {
            self.certificates = Some(certificates);
        }
        read
    }
}

/// Hands out each certificate of a Certificate message with the extensions
/// behind it; none where those are cut short.
fn entries(body: &[u8], mut entry: impl FnMut(&[u8], &[u8])) -> Result<(), Malformed> {
    let mut message = Reader::new(body);
    let _context = message.sub_u8(MAX_U8)?;
    let declared = message.u24()?;
    let present = message.rest();
    let mut list = Reader::new(present.get(..declared).unwrap_or(present));
    for _ in 0..MAX_CHAIN {
        if list.is_empty() {
            break;
        }
        let certificate = list.sub_u24(MAX_MESSAGE)?.rest();
        if certificate.is_empty() {
            return Err(Malformed::Short);
        }
        let extensions = list.sub_u16(MAX_U16);
        entry(certificate, extensions.map_or(&[], |block| block.rest()));
        extensions?;
    }
    if !list.is_empty() {
        Err(Malformed::TooLong)
    } else if declared > present.len() {
        Err(Malformed::Short)
    } else if declared < present.len() {
        Err(Malformed::Trailing)
    } else {
        Ok(())
    }
}

/// RFC 8446 section 4.3.1, RFC 7301 section 3.1.
fn application_protocol(body: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    let mut message = Reader::new(body);
    let block = message.sub_u16(MAX_U16)?;
    let Some(mut content) = extension(block, APPLICATION_LAYER_PROTOCOL_NEGOTIATION)? else {
        return Ok(None);
    };
    let name = content.sub_u16(MAX_U16)?.sub_u8(MAX_U8)?;
    Ok(Some(name.rest().to_vec()))
}

/// The names that a CertificateRequest lists (RFC 8446 sections 4.3.2 and
/// 4.2.4), as far as they read, and up to a limit.
fn acceptable_issuers(body: &[u8]) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    let _ = read_issuers(body, &mut names);
    names
}

fn read_issuers(body: &[u8], names: &mut Vec<Vec<u8>>) -> Result<(), Malformed> {
    let mut message = Reader::new(body);
    let _context = message.sub_u8(MAX_U8)?;
    let block = message.sub_u16(MAX_U16)?;
    let Some(mut content) = extension(block, CERTIFICATE_AUTHORITIES)? else {
        return Ok(());
    };
    keep_names(content.sub_u16(MAX_U16)?, names)
}

/// RFC 8446 section 4.4.2.1.
fn ocsp_staple(extensions: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    let Some(mut content) = extension(Reader::new(extensions), STATUS_REQUEST)? else {
        return Ok(None);
    };
    let _status_type = content.u8()?;
    Ok(Some(content.sub_u24(MAX_MESSAGE)?.rest().to_vec()))
}

/// The content of the extension of this kind.
fn extension(mut block: Reader<'_>, wanted: u16) -> Result<Option<Reader<'_>>, Malformed> {
    while !block.is_empty() {
        let kind = block.u16()?;
        let content = block.sub_u16(MAX_U16)?;
        if kind == wanted {
            return Ok(Some(content));
        }
    }
    Ok(None)
}

/// Reads opened records as the flight of TLS 1.3: a way in for the fuzzer,
/// which has no key to seal them with.
#[cfg(fuzzing)]
#[must_use]
pub fn opened_flight(records: &[u8]) -> Option<Vec<Der>> {
    use crate::domain::{CipherSuite, TlsVersion};
    let mut flight = SealedFlight::new(Session {
        version: TlsVersion::TLS_1_3,
        cipher_suite: CipherSuite::NULL,
        key_exchange: None,
        alpn: None,
        client_auth: None,
        acceptable_issuers: Vec::new(),
        ocsp_staple: None,
    });
    let mut reader = super::record::Records::default();
    reader.push(records);
    while let Some(message) = reader.message() {
        if flight.read(message).is_break() {
            return flight.into_parts().1;
        }
    }
    if let Some(message) = reader.unfinished() {
        flight.read_unfinished(message);
    }
    flight.into_parts().1
}
