use crate::domain::{ServerName, TlsVersion};

use super::codec::{write_code_points, write_u8_prefixed, write_u16_prefixed, write_u24_prefixed};
use super::ladder::{Alpn, Suites};
use super::offer;

/// A ClientHello for the versions that send their certificate in clear
/// (RFC 5246 section 7.4.1.2). It names its newest version; a server may
/// answer with any older one.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientHello<'a> {
    /// The newest version offered, TLS 1.2 or older.
    pub(super) newest: TlsVersion,
    /// The name to send; without one the extension is left out, since it has
    /// no room for addresses.
    pub(super) server_name: Option<&'a ServerName>,
    /// Whether to offer application protocols.
    pub(super) alpn: Alpn,
    /// Which cipher suites to offer.
    pub(super) suites: Suites,
    /// Its 32 random bytes.
    pub(super) random: [u8; 32],
}

/// The record's version, whatever the hello's: servers that know only old
/// versions look at it first (RFC 5246 appendix E.1).
const RECORD_VERSION: TlsVersion = TlsVersion::TLS_1_0;
const HANDSHAKE_RECORD: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// RFC 7685 section 1: some F5 terminators hang on a ClientHello of 256 to
/// 511 bytes.
const SAFE_LENGTH: usize = 512;
/// Room for the largest hello, a name of 253 characters in it.
const CAPACITY: usize = 1024;

// IANA "TLS ExtensionType Values".
const SERVER_NAME: u16 = 0;
pub(super) const STATUS_REQUEST: u16 = 5;
const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
pub(super) const APPLICATION_LAYER_PROTOCOL_NEGOTIATION: u16 = 16;
const PADDING: u16 = 21;
const EXTENDED_MASTER_SECRET: u16 = 23;
pub(super) const SUPPORTED_VERSIONS: u16 = 43;
pub(super) const KEY_SHARE: u16 = 51;
const RENEGOTIATION_INFO: u16 = 0xff01;

impl ClientHello<'_> {
    /// The record that carries it, less than one segment long.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(CAPACITY);
        out.push(HANDSHAKE_RECORD);
        write_code_points(&mut out, &[RECORD_VERSION.0]);
        write_u16_prefixed(&mut out, |out| {
            let message = out.len();
            out.push(CLIENT_HELLO);
            write_u24_prefixed(out, |out| self.body(out, message));
        });
        out
    }

    /// `message` is where the handshake message begins in `out`.
    fn body(&self, out: &mut Vec<u8>, message: usize) {
        write_code_points(out, &[self.newest.0]);
        out.extend(self.random);
        write_u8_prefixed(out, |_session_id| ());
        let suites = match self.suites {
            Suites::Certified => offer::CIPHER_SUITES,
            Suites::Anonymous => offer::ANONYMOUS_CIPHER_SUITES,
        };
        write_u16_prefixed(out, |out| write_code_points(out, suites));
        write_u8_prefixed(out, |compression| compression.push(0));
        write_u16_prefixed(out, |out| {
            self.extensions(out);
            pad(out, message);
        });
    }

    /// The last one is never empty: WebSphere 7 refuses a hello that ends in
    /// an empty extension.
    fn extensions(&self, out: &mut Vec<u8>) {
        if let Some(name) = self.server_name {
            extension(out, SERVER_NAME, |out| server_name_list(out, name));
        }
        extension(out, EXTENDED_MASTER_SECRET, |_empty| ());
        extension(out, RENEGOTIATION_INFO, |out| out.push(0));
        extension(out, STATUS_REQUEST, |out| {
            const OCSP: u8 = 1;
            const NO_RESPONDERS: [u8; 2] = [0, 0];
            const NO_REQUEST_EXTENSIONS: [u8; 2] = [0, 0];
            out.push(OCSP);
            out.extend(NO_RESPONDERS);
            out.extend(NO_REQUEST_EXTENSIONS);
        });
        if let Alpn::Offered(protocols) = self.alpn {
            extension(out, APPLICATION_LAYER_PROTOCOL_NEGOTIATION, |out| {
                write_u16_prefixed(out, |out| {
                    for protocol in protocols.iter().copied() {
                        write_u8_prefixed(out, |out| out.extend(protocol));
                    }
                });
            });
        }
        extension(out, SUPPORTED_GROUPS, |out| {
            write_u16_prefixed(out, |out| write_code_points(out, offer::GROUPS));
        });
        extension(out, EC_POINT_FORMATS, |out| {
            const UNCOMPRESSED: u8 = 0;
            write_u8_prefixed(out, |out| out.push(UNCOMPRESSED));
        });
        // RFC 5246 section 7.4.1.4.1: not for clients of older versions.
        if self.newest >= TlsVersion::TLS_1_2 {
            extension(out, SIGNATURE_ALGORITHMS, |out| {
                write_u16_prefixed(out, |out| {
                    write_code_points(out, offer::SIGNATURE_SCHEMES);
                });
            });
        }
    }
}

/// RFC 6066 section 3.
fn server_name_list(out: &mut Vec<u8>, name: &ServerName) {
    const HOST_NAME: u8 = 0;
    write_u16_prefixed(out, |out| {
        out.push(HOST_NAME);
        write_u16_prefixed(out, |out| out.extend(name.as_str().as_bytes()));
    });
}

/// Brings the message that begins at `message` to [`SAFE_LENGTH`].
fn pad(out: &mut Vec<u8>, message: usize) {
    const HEADER: usize = 4;
    let length = out.len() - message;
    if length < SAFE_LENGTH {
        let padding = SAFE_LENGTH.saturating_sub(length + HEADER).max(1);
        extension(out, PADDING, |out| out.resize(out.len() + padding, 0));
    }
}

fn extension(out: &mut Vec<u8>, kind: u16, content: impl FnOnce(&mut Vec<u8>)) {
    write_code_points(out, &[kind]);
    write_u16_prefixed(out, content);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::codec::Reader;

    /// The extension kinds of a hello in order, and its whole length.
    fn extensions(hello: ClientHello) -> (Vec<(u16, usize)>, usize) {
        let bytes = hello.encode();
        let mut record = Reader::new(&bytes);
        assert_eq!(record.take(3).unwrap(), [22, 3, 1]);
        let mut message = record.sub_u16(1 << 14).unwrap();
        record.finish().unwrap();
        assert_eq!(message.u8(), Ok(1));
        let mut body = message.sub_u24(1 << 14).unwrap();
        message.finish().unwrap();
        assert_eq!(body.u16(), Ok(hello.newest.0));
        assert_eq!(body.take(32).unwrap(), hello.random);
        assert!(body.sub_u8(0).unwrap().is_empty());
        assert_eq!(body.sub_u16(400).unwrap().rest().len() % 2, 0);
        assert_eq!(body.sub_u8(1).unwrap().rest(), [0]);
        let mut block = body.sub_u16(1000).unwrap();
        body.finish().unwrap();
        let mut kinds = Vec::new();
        while !block.is_empty() {
            let kind = block.u16().unwrap();
            kinds.push((kind, block.sub_u16(1000).unwrap().rest().len()));
        }
        (kinds, bytes.len())
    }

    fn hello(server_name: Option<&ServerName>) -> ClientHello<'_> {
        ClientHello {
            newest: TlsVersion::TLS_1_2,
            server_name,
            alpn: Alpn::WEB,
            suites: Suites::Certified,
            random: [7; 32],
        }
    }

    #[test]
    fn a_hello_is_never_of_the_length_that_hangs_and_fits_a_segment() {
        const SMALLEST_SEGMENT: usize = 1220;
        let (kinds, length) = extensions(hello(None));
        assert_eq!(length, 5 + SAFE_LENGTH);
        assert_eq!(kinds.last().unwrap().0, PADDING);
        for labels in 1..=63 {
            let name: ServerName = vec!["abc"; labels].join(".").parse().unwrap();
            let (kinds, length) = extensions(hello(Some(&name)));
            assert!(
                (5 + SAFE_LENGTH..=SMALLEST_SEGMENT).contains(&length),
                "{length}"
            );
            assert!(kinds.last().unwrap().1 > 0);
        }
    }

    #[test]
    fn a_name_is_sent_only_where_there_is_one() {
        let name: ServerName = "www.example.com".parse().unwrap();
        let bytes = hello(Some(&name)).encode();
        assert!(bytes.windows(15).any(|window| window == b"www.example.com"));
        let (kinds, _) = extensions(hello(Some(&name)));
        assert_eq!(kinds[0], (SERVER_NAME, 20));
        let (kinds, _) = extensions(hello(None));
        assert!(kinds.iter().all(|(kind, _)| *kind != SERVER_NAME));
    }

    #[test]
    fn signature_algorithms_are_for_tls_1_2_alone() {
        let old = ClientHello {
            newest: TlsVersion::TLS_1_1,
            alpn: Alpn::Withheld,
            ..hello(None)
        };
        let (kinds, _) = extensions(old);
        let unfit = [SIGNATURE_ALGORITHMS, APPLICATION_LAYER_PROTOCOL_NEGOTIATION];
        assert!(kinds.iter().all(|(kind, _)| !unfit.contains(kind)));
    }
}
