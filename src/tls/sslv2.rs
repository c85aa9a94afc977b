//! SSL 2.0 (draft-hickman-netscape-ssl-00): its CLIENT-HELLO, in which newer
//! versions may be offered as well (RFC 5246 appendix E.2), and its
//! SERVER-HELLO, which holds the certificate.
//!
//! A record has a header of two bytes, or of three where padding follows, and
//! holds one message. SSL 2.0 leaves the choice of the cipher to the client
//! and asks for the client's certificate later, encrypted.

use std::ops::ControlFlow;

use crate::domain::{
    Alert, CipherSuite, Der, KeyExchange, Phase, ProtocolSet, Session, TlsVersion,
};

use super::codec::{Malformed, Reader, write_code_points};
use super::ending::{Cause, Ending};
use super::offer;
use super::rung::{Rung, Suites};

/// Reads the one message of an SSL 2.0 server that is wanted.
///
/// Invariant: `bytes` hold no more than one record, header included.
#[derive(Debug, Default)]
pub(super) struct SslV2 {
    bytes: Vec<u8>,
}

/// What a record's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    /// Bytes of the header itself.
    length: usize,
    /// Bytes that follow it, padding included.
    record: usize,
    /// Bytes of them that are padding, at the end.
    padding: usize,
}

/// What a SERVER-HELLO told, as far as it read well.
#[derive(Debug, Default)]
struct ServerHello {
    session: Option<Session>,
    certificates: Option<Vec<Der>>,
}

/// In the first byte: the header has two bytes.
const TWO_BYTES: u8 = 0x80;
/// In the first byte of three: the record is none of the handshake's.
const ESCAPE: u8 = 0x40;
/// The longest header.
const MAX_HEADER: usize = 3;
/// What the 15 bits of a length can count; a header of three has 14.
const MAX_RECORD: usize = 0x7fff;

const ERROR: u8 = 0;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 4;

/// An ERROR record, whole: header, message type, code.
pub(super) const ERROR_RECORD: usize = 5;

/// The CLIENT-HELLO that offers what `rung` does, in less than 256 bytes.
pub(super) fn client_hello(rung: Rung, random: [u8; 32]) -> Vec<u8> {
    // Servers of SSL 2.0 know 16 bytes best; a hello that offers more must
    // have 32 (RFC 5246 appendix E.2).
    let challenge = match rung.offered {
        ProtocolSet::SSL_2 => random.get(..16).unwrap_or(&random),
        _ => &random,
    };
    let specs = cipher_specs(rung);
    let mut message = vec![CLIENT_HELLO];
    let session_id = 0;
    let lengths = [specs.len(), session_id, challenge.len()];
    write_code_points(&mut message, &[rung.offered.newest().0]);
    write_code_points(&mut message, &lengths.map(saturated));
    message.extend(specs);
    message.extend(challenge);
    let mut record = Vec::with_capacity(message.len() + MAX_HEADER);
    let header = u16::from(TWO_BYTES) << 8 | saturated(message.len());
    write_code_points(&mut record, &[header]);
    record.extend(message);
    record
}

/// The alert of the same meaning as the ERROR record that `bytes` begin with.
/// JSSE, too, begins with one where it refuses an SSL 2.0 frame.
pub(super) fn error(bytes: &[u8]) -> Option<Alert> {
    const NO_CERTIFICATE: Alert = Alert(41);
    const BAD_CERTIFICATE: Alert = Alert(42);
    const UNSUPPORTED_CERTIFICATE: Alert = Alert(43);
    match *bytes.first_chunk::<ERROR_RECORD>()? {
        [TWO_BYTES, 3, ERROR, 0, 1] => Some(Alert::HANDSHAKE_FAILURE),
        [TWO_BYTES, 3, ERROR, 0, 2] => Some(NO_CERTIFICATE),
        [TWO_BYTES, 3, ERROR, 0, 4] => Some(BAD_CERTIFICATE),
        [TWO_BYTES, 3, ERROR, 0, 6] => Some(UNSUPPORTED_CERTIFICATE),
        _ => None,
    }
}

/// Whether `bytes` may yet become an ERROR record.
pub(super) fn begins_error(bytes: &[u8]) -> bool {
    bytes.len() < ERROR_RECORD && [TWO_BYTES, 3, ERROR, 0].starts_with(bytes)
}

/// Whether `bytes` begin a SERVER-HELLO; `None` while they are too few to
/// tell.
pub(super) fn begins_server_hello(bytes: &[u8]) -> Option<bool> {
    let kind = match *bytes.first()? {
        first if first & TWO_BYTES != 0 => bytes.get(2),
        first if first & ESCAPE != 0 => return Some(false),
        _ => bytes.get(3),
    };
    kind.map(|kind| *kind == SERVER_HELLO)
}

impl SslV2 {
    /// Takes what has arrived; breaks when the message is whole.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> ControlFlow<Cause> {
        let room = (MAX_HEADER + MAX_RECORD).saturating_sub(self.bytes.len());
        self.bytes.extend(bytes.iter().take(room));
        match Header::of(&self.bytes) {
            Some(header) if self.bytes.len() >= header.length + header.record => {
                let (_, read) = ServerHello::read(self.message());
                ControlFlow::Break(read.map_or_else(Cause::from, |()| Cause::Complete))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// All that is known at the end.
    pub(super) fn ending(self, cause: Cause) -> Ending {
        let (hello, _cut_short) = ServerHello::read(self.message());
        Ending {
            cause,
            phase: Phase::Flight,
            session: hello.session,
            certificates: hello.certificates,
        }
    }

    /// The message, as far as it has arrived.
    fn message(&self) -> &[u8] {
        let Some(header) = Header::of(&self.bytes) else {
            return &[];
        };
        let arrived = self.bytes.get(header.length..).unwrap_or(&[]);
        let declared = header.record.saturating_sub(header.padding);
        arrived.get(..declared).unwrap_or(arrived)
    }
}

impl Header {
    /// `None` while it has not arrived whole.
    fn of(bytes: &[u8]) -> Option<Self> {
        let [high, low] = *bytes.first_chunk()?;
        if high & TWO_BYTES != 0 {
            return Some(Self {
                length: 2,
                record: usize::from(high & !TWO_BYTES) << 8 | usize::from(low),
                padding: 0,
            });
        }
        let [_, _, padding] = *bytes.first_chunk()?;
        Some(Self {
            length: 3,
            record: usize::from(high & !ESCAPE) << 8 | usize::from(low),
            padding: padding.into(),
        })
    }
}

impl ServerHello {
    /// What is there of a message, and what is wrong with it, if something is.
    fn read(message: &[u8]) -> (Self, Result<(), Malformed>) {
        let mut hello = Self::default();
        let read = hello.take(Reader::new(message));
        (hello, read)
    }

    /// The lengths stand before the fields. A certificate is kept whatever its
    /// type is said to be: X.509 is the only one there is.
    fn take(&mut self, mut reader: Reader<'_>) -> Result<(), Malformed> {
        let _message_type = reader.u8()?;
        let _session_id_hit = reader.u8()?;
        let _certificate_type = reader.u8()?;
        let session = self.session.insert(session(TlsVersion(reader.u16()?)));
        let certificate = reader.u16()?;
        let kinds = reader.u16()?;
        let connection_id = reader.u16()?;
        let certificate = reader.take(certificate.into())?;
        let listed = (!certificate.is_empty()).then(|| Der::from(certificate));
        self.certificates = Some(listed.into_iter().collect());
        let kinds = reader.take(kinds.into())?;
        session.cipher_suite = first_kind(kinds).unwrap_or(CipherSuite::NULL);
        reader.take(connection_id.into())?;
        reader.finish()
    }
}

/// The session as its version alone tells it.
const fn session(version: TlsVersion) -> Session {
    Session {
        version,
        cipher_suite: CipherSuite::NULL,
        // The client encrypts the master key to the certificate's.
        key_exchange: Some(KeyExchange::Rsa),
        alpn: None,
        client_auth: None,
        acceptable_issuers: Vec::new(),
        ocsp_staple: None,
    }
}

/// The first of those that both sides have, which we would choose.
fn first_kind(kinds: &[u8]) -> Option<CipherSuite> {
    let [high, middle, low] = *kinds.first_chunk()?;
    Some(CipherSuite(u32::from_be_bytes([0, high, middle, low])))
}

/// The suites of TLS with a zero before them, then the kinds of SSL 2.0.
fn cipher_specs(rung: Rung) -> Vec<u8> {
    let suites = offer::cipher_suites(rung).into_iter().map(u32::from);
    let kinds = match rung.suites {
        Suites::Certified => offer::CIPHER_KINDS,
        Suites::Anonymous => &[],
    };
    let kinds = kinds.iter().map(|kind| kind.0);
    let last_three = |code: u32| code.to_be_bytes().into_iter().skip(1);
    suites.chain(kinds).flat_map(last_three).collect()
}

/// What is written here is ours, and far below it.
fn saturated(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(set: &str, suites: Suites) -> Vec<u8> {
        let rung = Rung {
            suites,
            ..Rung::new(set.parse().unwrap())
        };
        client_hello(rung, [7; 32])
    }

    #[test]
    fn a_hello_of_ssl_2_0_alone_is_the_48_bytes_its_servers_know() {
        let expected = [
            &[0x80, 46, 1, 0, 2, 0, 21, 0, 0, 0, 16][..],
            &[1, 0, 0x80, 2, 0, 0x80, 3, 0, 0x80, 4, 0, 0x80],
            &[5, 0, 0x80, 6, 0, 0x40, 7, 0, 0xc0],
            &[7; 16],
        ]
        .concat();
        assert_eq!(hello("ssl2", Suites::Certified), expected);
    }

    #[test]
    fn a_hello_that_offers_more_names_its_newest_version_and_stays_short() {
        for (set, version) in [
            ("ssl3+ssl2", [3, 0]),
            ("tls1.0+ssl3+ssl2", [3, 1]),
            ("tls1.2+tls1.1+tls1.0+ssl3+ssl2", [3, 3]),
        ] {
            let bytes = hello(set, Suites::Certified);
            assert!(bytes.len() < 256, "{set}: {}", bytes.len());
            assert_eq!(usize::from(bytes[1]), bytes.len() - 2);
            assert_eq!(bytes[3..5], version);
            let specs = usize::from(bytes[6]);
            assert_eq!(bytes[9..11], [0, 32], "the challenge");
            assert_eq!(bytes.len(), 2 + 9 + specs + 32);
            let specs: Vec<_> = bytes[11..11 + specs].chunks(3).collect();
            assert!(specs.contains(&&[0, 0, 0x2f][..]));
            assert!(specs.contains(&&[7, 0, 0xc0][..]));
            let anonymous = hello(set, Suites::Anonymous);
            assert!(anonymous.len() < 256);
            assert!(!anonymous.windows(3).any(|spec| spec == [7, 0, 0xc0]));
        }
    }

    #[test]
    fn an_error_has_the_meaning_of_an_alert() {
        assert_eq!(error(&[0x80, 3, 0, 0, 1]), Some(Alert::HANDSHAKE_FAILURE));
        let more = [0x80, 3, 0, 0, 6, 21, 3, 1];
        assert_eq!(error(&more), Some(Alert(43)));
        assert_eq!(error(&[0x80, 3, 0, 0, 3]), None);
        for length in 0..ERROR_RECORD {
            assert_eq!(error(&more[..length]), None);
            assert!(begins_error(&more[..length]));
        }
        assert!(!begins_error(&[0x80, 3, 1]));
        assert!(!begins_error(&more[..ERROR_RECORD]));
    }

    #[test]
    fn a_header_has_two_bytes_or_three() {
        let header = |bytes: &[u8]| {
            Header::of(bytes).map(|header| (header.length, header.record, header.padding))
        };
        assert_eq!(header(&[0xff, 0xff]), Some((2, MAX_RECORD, 0)));
        assert_eq!(header(&[0x81, 2, 4]), Some((2, 0x102, 0)));
        assert_eq!(header(&[0x01, 2, 5]), Some((3, 0x102, 5)));
        assert_eq!(header(&[0x01, 2]), None);
        assert_eq!(begins_server_hello(&[0x80, 9, 4]), Some(true));
        assert_eq!(begins_server_hello(&[0x00, 9, 0, 4]), Some(true));
        assert_eq!(begins_server_hello(&[0x80, 9, 2]), Some(false));
        assert_eq!(begins_server_hello(&[0x40, 9]), Some(false));
        assert_eq!(begins_server_hello(&[0x00, 9, 4]), None);
        assert_eq!(begins_server_hello(&[]), None);
    }
}
