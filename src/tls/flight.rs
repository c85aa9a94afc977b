use std::ops::ControlFlow;

use crate::domain::{CipherSuite, ClientAuth, Der, KeyExchange, NamedGroup, Session, TlsVersion};

use super::certificate_request::acceptable_issuers;
use super::codec::{Malformed, Reader};
use super::ending::Cause;
use super::hello::{APPLICATION_LAYER_PROTOCOL_NEGOTIATION, KEY_SHARE, SUPPORTED_VERSIONS};
use super::record::{MAX_MESSAGE, Message};
use super::suite::{Agreement, Authentication, Traits};

/// The server's flight in clear, message by message, up to ServerHelloDone
/// (RFC 5246 section 7.3).
///
/// Only what the certificate depends on must read well; where another message
/// is odd inside, its fact stays unknown and the reading goes on.
#[derive(Debug, Default)]
pub(super) struct Flight {
    session: Option<Session>,
    certificates: Option<Vec<Der>>,
    hello_requests: usize,
}

// IANA "TLS HandshakeType".
const HELLO_REQUEST: u8 = 0;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CERTIFICATE_REQUEST: u8 = 13;
const SERVER_HELLO_DONE: u8 = 14;
const CERTIFICATE_STATUS: u8 = 22;

/// curl keeps 100 too (MAX_ALLOWED_CERT_AMOUNT); honest chains have five.
pub(super) const MAX_CHAIN: usize = 100;
/// rustls allows one renegotiation request.
const MAX_HELLO_REQUESTS: usize = 1;
/// RFC 5246 section 7.4.1.2.
const MAX_SESSION_ID: usize = 32;
/// A 16-bit length has no larger value.
const MAX_U16: usize = 0xffff;
/// RFC 7301 section 3.1: a name behind an 8-bit length.
const MAX_PROTOCOL_NAME: usize = 255;

impl Flight {
    /// Takes the next message; breaks when nothing more is to be learnt.
    pub(super) fn read(&mut self, message: Message<'_>) -> ControlFlow<Cause> {
        let Message { kind, body } = message;
        match (kind, &mut self.session) {
            (HELLO_REQUEST, _) => self.hello_request(),
            (SERVER_HELLO, None) => self.server_hello(body),
            (CERTIFICATE, Some(_)) if self.certificates.is_none() => self.certificate(body),
            (CERTIFICATE_STATUS, Some(session)) => {
                session.ocsp_staple = certificate_status(body).ok();
                ControlFlow::Continue(())
            }
            (SERVER_KEY_EXCHANGE, Some(session)) => {
                let agreement = Traits::of(session.cipher_suite).agreement;
                session.key_exchange = key_exchange(agreement, body).ok().flatten();
                ControlFlow::Continue(())
            }
            (CERTIFICATE_REQUEST, Some(session)) => {
                session.client_auth = Some(ClientAuth::Requested);
                session.acceptable_issuers = acceptable_issuers(session.version, body);
                ControlFlow::Continue(())
            }
            (SERVER_HELLO_DONE, Some(session)) if self.certificates.is_some() => {
                session.client_auth.get_or_insert(ClientAuth::None);
                ControlFlow::Break(Cause::Complete)
            }
            _ => ControlFlow::Break(Cause::Malformed),
        }
    }

    /// Takes what has arrived of a message that will not become whole.
    pub(super) fn read_unfinished(&mut self, message: Message<'_>) {
        let wanted = self.session.is_some() && self.certificates.is_none();
        if wanted && message.kind == CERTIFICATE {
            let (certificates, _cut_short) = certificate_list(message.body);
            self.certificates = (!certificates.is_empty()).then_some(certificates);
        }
    }

    /// What it told: the session, and the certificates.
    pub(super) fn into_parts(self) -> (Option<Session>, Option<Vec<Der>>) {
        (self.session, self.certificates)
    }

    fn hello_request(&mut self) -> ControlFlow<Cause> {
        self.hello_requests += 1;
        if self.hello_requests > MAX_HELLO_REQUESTS {
            return ControlFlow::Break(Cause::TooLarge);
        }
        ControlFlow::Continue(())
    }

    fn server_hello(&mut self, body: &[u8]) -> ControlFlow<Cause> {
        let session = match server_hello(body) {
            Ok(session) => self.session.insert(session),
            Err(malformed) => return ControlFlow::Break(malformed.into()),
        };
        // Not offered, but chosen all the same: all that follows is encrypted.
        if session.version == TlsVersion::TLS_1_3 {
            return ControlFlow::Break(Cause::Malformed);
        }
        match Traits::of(session.cipher_suite).authentication {
            Authentication::Key(_) | Authentication::Certificate => ControlFlow::Continue(()),
            Authentication::Other => ControlFlow::Break(Cause::Complete),
        }
    }

    fn certificate(&mut self, body: &[u8]) -> ControlFlow<Cause> {
        let (certificates, fault) = certificate_list(body);
        if fault.is_none() || !certificates.is_empty() {
            self.certificates = Some(certificates);
        }
        fault.map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }
}

/// RFC 5246 section 7.4.1.3. The version is whatever the server chose.
pub(super) fn server_hello(body: &[u8]) -> Result<Session, Malformed> {
    const RANDOM: usize = 32;
    let mut reader = Reader::new(body);
    let version = TlsVersion(reader.u16()?);
    reader.take(RANDOM)?;
    reader.sub_u8(MAX_SESSION_ID)?;
    let cipher_suite = CipherSuite(reader.u16()?.into());
    let _compression = reader.u8()?;
    let mut session = Session {
        version,
        cipher_suite,
        key_exchange: match Traits::of(cipher_suite).agreement {
            Agreement::Fixed(key_exchange) => Some(key_exchange),
            Agreement::Dhe | Agreement::Ecdhe | Agreement::Unknown => None,
        },
        alpn: None,
        client_auth: None,
        acceptable_issuers: Vec::new(),
        ocsp_staple: None,
    };
    // The certificate does not depend on the extensions: odd ones are left.
    let _ = server_extensions(reader, &mut session);
    Ok(session)
}

fn server_extensions(mut reader: Reader<'_>, session: &mut Session) -> Result<(), Malformed> {
    let mut block = reader.sub_u16(MAX_U16)?;
    while !block.is_empty() {
        let kind = block.u16()?;
        let mut content = block.sub_u16(MAX_U16)?;
        match kind {
            SUPPORTED_VERSIONS => session.version = TlsVersion(content.u16()?),
            // RFC 8446 section 4.2.8: in TLS 1.3 alone.
            KEY_SHARE => {
                session.key_exchange = Some(KeyExchange::Group(NamedGroup(content.u16()?)));
            }
            APPLICATION_LAYER_PROTOCOL_NEGOTIATION => {
                let mut list = content.sub_u16(MAX_U16)?;
                session.alpn = Some(list.sub_u8(MAX_PROTOCOL_NAME)?.rest().to_vec());
            }
            _ => (),
        }
    }
    reader.finish()
}

/// RFC 5246 section 7.4.2: every entry that is there whole, and what is wrong
/// with the list, if something is. An entry that began within the list goes by
/// its own length, should the list's be too short for it.
fn certificate_list(body: &[u8]) -> (Vec<Der>, Option<Cause>) {
    /// Bytes of the length before each certificate.
    const ENTRY_LENGTH: usize = 3;
    let mut certificates = Vec::new();
    let mut message = Reader::new(body);
    let Ok(declared) = message.u24() else {
        return (certificates, Some(Cause::Malformed));
    };
    let present = message.rest();
    let mut list = Reader::new(present);
    let mut read = 0;
    while read < declared && !list.is_empty() {
        if certificates.len() == MAX_CHAIN {
            return (certificates, Some(Cause::TooLarge));
        }
        match list.sub_u24(MAX_MESSAGE) {
            Ok(entry) if !entry.is_empty() => {
                let der = entry.rest();
                read += ENTRY_LENGTH + der.len();
                certificates.push(Der::from(der));
            }
            Ok(_) => return (certificates, Some(Cause::Malformed)),
            Err(malformed) => return (certificates, Some(malformed.into())),
        }
    }
    let fault = (read != declared || declared != present.len()).then_some(Cause::Malformed);
    (certificates, fault)
}

/// RFC 6066 section 8.
fn certificate_status(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    const STATUS_TYPE: usize = 1;
    let mut reader = Reader::new(body);
    reader.take(STATUS_TYPE)?;
    let response = reader.sub_u24(MAX_MESSAGE)?;
    reader.finish()?;
    Ok(response.rest().to_vec())
}

/// RFC 5246 section 7.4.3, RFC 8422 section 5.4. The signature is not read.
fn key_exchange(agreement: Agreement, body: &[u8]) -> Result<Option<KeyExchange>, Malformed> {
    const EXPLICIT_PRIME: u8 = 1;
    const EXPLICIT_CHAR2: u8 = 2;
    const NAMED_CURVE: u8 = 3;
    let mut reader = Reader::new(body);
    Ok(match agreement {
        // An export suite brings a short-lived RSA key (RFC 2246 section 7.4.3).
        Agreement::Fixed(key_exchange) => Some(key_exchange),
        Agreement::Dhe => Some(KeyExchange::Dhe {
            bits: bits(reader.sub_u16(MAX_U16)?.rest()),
        }),
        Agreement::Ecdhe => match reader.u8()? {
            NAMED_CURVE => Some(KeyExchange::Group(NamedGroup(reader.u16()?))),
            EXPLICIT_PRIME | EXPLICIT_CHAR2 => Some(KeyExchange::ExplicitCurve),
            _ => None,
        },
        Agreement::Unknown => None,
    })
}

/// Bits of a big-endian number, leading zeros left out.
fn bits(number: &[u8]) -> u32 {
    let mut significant = number.iter().skip_while(|byte| **byte == 0);
    let Some(first) = significant.next() else {
        return 0;
    };
    let whole_bytes = u32::try_from(significant.count()).unwrap_or(u32::MAX);
    whole_bytes.saturating_mul(8) + (u8::BITS - first.leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_prime_leaves_leading_zeros_out() {
        assert_eq!(bits(&[]), 0);
        assert_eq!(bits(&[0, 0]), 0);
        assert_eq!(bits(&[0, 1]), 1);
        assert_eq!(bits(&[0, 0x80, 0]), 16);
        assert_eq!(bits(&[0x7f; 128]), 1023);
    }

    #[test]
    fn a_list_that_lies_about_its_length_still_gives_its_entries() {
        let entries = [0, 0, 2, 0xaa, 0xbb, 0, 0, 1, 0xcc];
        let ders = [Der::from(&[0xaa, 0xbb][..]), Der::from(&[0xcc][..])];
        let list =
            |declared: u8, entries: &[u8]| certificate_list(&[&[0, 0, declared], entries].concat());
        assert_eq!(list(9, &entries), (ders.to_vec(), None));
        assert_eq!(list(99, &entries), (ders.to_vec(), Some(Cause::Malformed)));
        let leaf = ders[..1].to_vec();
        assert_eq!(list(5, &entries), (leaf.clone(), Some(Cause::Malformed)));
        assert_eq!(
            list(8, &entries[..8]),
            (leaf.clone(), Some(Cause::Malformed))
        );
        assert_eq!(
            list(4, &entries[..5]),
            (leaf.clone(), Some(Cause::Malformed)),
            "a certificate that arrived is kept, though the list is said to end in it"
        );
        assert_eq!(list(0, &[]), (vec![], None));
        assert_eq!(list(3, &[0, 0, 0]), (vec![], Some(Cause::Malformed)));
        assert_eq!(certificate_list(&[0, 0]), (vec![], Some(Cause::Malformed)));
    }

    #[test]
    fn a_hundred_certificates_are_kept_and_the_rest_told_of() {
        let list = |count: u16| {
            let length = (count * 4).to_be_bytes();
            let entries = [0, 0, 1, 7].repeat(count.into());
            certificate_list(&[&[0], &length[..], &entries].concat())
        };
        let (kept, fault) = list(100);
        assert_eq!((kept.len(), fault), (100, None));
        let (kept, fault) = list(101);
        assert_eq!((kept.len(), fault), (100, Some(Cause::TooLarge)));
    }
}
