use crate::domain::{ProtocolSet, ServerName, TlsVersion};

use super::codec::{write_code_points, write_u8_prefixed, write_u16_prefixed, write_u24_prefixed};
use super::offer;
use super::rung::{Alpn, Rung, Shape};
use super::sslv2;

/// A ClientHello for the versions that send their certificate in clear
/// (RFC 5246 section 7.4.1.2). It names its newest version; a server may
/// answer with any older one.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientHello<'a> {
    /// What it offers: anything but TLS 1.3.
    pub(super) rung: Rung,
    /// The name to send; without one the extension is left out, since it has
    /// no room for addresses.
    pub(super) server_name: Option<&'a ServerName>,
    /// Its 32 random bytes.
    pub(super) random: [u8; 32],
}

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
const SIGNATURE_ALGORITHMS_CERT: u16 = 50;
pub(super) const KEY_SHARE: u16 = 51;
const RENEGOTIATION_INFO: u16 = 0xff01;

impl ClientHello<'_> {
    /// The bytes that carry it, less than one segment long.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self.rung.shape() {
            Shape::Extended | Shape::Plain => self.record(),
            Shape::Version2 => sslv2::client_hello(self.rung, self.random),
        }
    }

    fn record(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(CAPACITY);
        out.push(HANDSHAKE_RECORD);
        write_code_points(&mut out, &[record_version(self.rung.offered).0]);
        write_u16_prefixed(&mut out, |out| {
            let message = out.len();
            out.push(CLIENT_HELLO);
            write_u24_prefixed(out, |out| self.body(out, message));
        });
        out
    }

    /// `message` is where the handshake message begins in `out`.
    fn body(&self, out: &mut Vec<u8>, message: usize) {
        write_code_points(out, &[self.rung.offered.newest().0]);
        out.extend(self.random);
        write_u8_prefixed(out, |_session_id| ());
        write_u16_prefixed(out, |out| {
            write_code_points(out, &offer::cipher_suites(self.rung));
        });
        write_u8_prefixed(out, |compression| compression.push(0));
        if self.rung.shape() == Shape::Extended {
            write_u16_prefixed(out, |out| {
                self.extensions(out);
                pad(out, message);
            });
        }
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
        if let Alpn::Offered(protocols) = self.rung.alpn {
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
        if self.rung.offered.newest() >= TlsVersion::TLS_1_2 {
            self.signature_algorithms(out);
        }
    }

    /// Where the leaf is to be of one key type, those above it need not be, and
    /// have an extension of their own (RFC 8446 section 4.2.3).
    fn signature_algorithms(&self, out: &mut Vec<u8>) {
        let mut list = |kind, key_type| {
            extension(out, kind, |out| {
                write_u16_prefixed(out, |out| {
                    write_code_points(out, &offer::signature_schemes(key_type));
                });
            });
        };
        list(SIGNATURE_ALGORITHMS, self.rung.key_type);
        if self.rung.key_type.is_some() {
            list(SIGNATURE_ALGORITHMS_CERT, None);
        }
    }
}

/// The version on the record, not above TLS 1.0 whatever the hello's: servers
/// that know only old versions look at it first (RFC 5246 appendix E.1).
fn record_version(offered: ProtocolSet) -> TlsVersion {
    offered.newest().min(TlsVersion::TLS_1_0)
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
    use crate::domain::KeyType;
    use crate::tls::codec::Reader;

    /// A TLS hello, taken apart.
    struct Parts {
        record_version: u16,
        version: u16,
        suites: Vec<u16>,
        /// Kind and length; `None` where there is no block of them.
        extensions: Option<Vec<(u16, usize)>>,
        length: usize,
    }

    impl Parts {
        fn of(hello: ClientHello) -> Self {
            let bytes = hello.encode();
            let mut record = Reader::new(&bytes);
            assert_eq!(record.u8(), Ok(22));
            let record_version = record.u16().unwrap();
            let mut message = record.sub_u16(1 << 14).unwrap();
            record.finish().unwrap();
            assert_eq!(message.u8(), Ok(1));
            let mut body = message.sub_u24(1 << 14).unwrap();
            message.finish().unwrap();
            let version = body.u16().unwrap();
            assert_eq!(body.take(32).unwrap(), hello.random);
            assert!(body.sub_u8(0).unwrap().is_empty());
            let mut suites = Vec::new();
            let mut list = body.sub_u16(400).unwrap();
            while !list.is_empty() {
                suites.push(list.u16().unwrap());
            }
            assert_eq!(body.sub_u8(1).unwrap().rest(), [0]);
            Self {
                record_version,
                version,
                suites,
                extensions: (!body.is_empty()).then(|| extensions(body)),
                length: bytes.len(),
            }
        }

        fn kinds(&self) -> Vec<u16> {
            let extensions = self.extensions.iter().flatten();
            extensions.map(|(kind, _)| *kind).collect()
        }
    }

    fn extensions(mut body: Reader<'_>) -> Vec<(u16, usize)> {
        let mut block = body.sub_u16(1000).unwrap();
        body.finish().unwrap();
        let mut extensions = Vec::new();
        while !block.is_empty() {
            let kind = block.u16().unwrap();
            extensions.push((kind, block.sub_u16(1000).unwrap().rest().len()));
        }
        extensions
    }

    fn hello<'a>(set: &str, server_name: Option<&'a ServerName>) -> ClientHello<'a> {
        ClientHello {
            rung: Rung::new(set.parse().unwrap()),
            server_name,
            random: [7; 32],
        }
    }

    const CLEAR: &str = "tls1.2+tls1.1+tls1.0";

    #[test]
    fn no_hello_is_of_the_length_that_hangs_and_each_fits_a_segment() {
        const SMALLEST_SEGMENT: usize = 1220;
        let parts = Parts::of(hello(CLEAR, None));
        assert_eq!(parts.length, 5 + SAFE_LENGTH);
        assert_eq!(parts.kinds().last(), Some(&PADDING));
        let key_types = KeyType::ALL.iter().copied().map(Some).chain([None]);
        let rungs: Vec<Rung> = key_types
            .flat_map(|key_type| {
                ["tls1.2", CLEAR, "tls1.1", "tls1.0"].map(|set| Rung {
                    key_type,
                    ..hello(set, None).rung
                })
            })
            .collect();
        for labels in 1..=63 {
            let name: ServerName = vec!["abc"; labels].join(".").parse().unwrap();
            for rung in rungs.iter().copied().filter(|rung| rung.is_available()) {
                let parts = Parts::of(ClientHello {
                    rung,
                    ..hello(CLEAR, Some(&name))
                });
                let fitting = 5 + SAFE_LENGTH..=SMALLEST_SEGMENT;
                assert!(fitting.contains(&parts.length), "{}", parts.length);
                assert!(parts.extensions.unwrap().last().unwrap().1 > 0);
                assert_eq!(parts.record_version, 0x0301);
            }
        }
    }

    #[test]
    fn a_hello_for_old_servers_is_short_and_has_no_extensions() {
        const HANGS_FROM: usize = 256;
        let name: ServerName = "www.example.com".parse().unwrap();
        for (set, record_version, version) in [
            ("ssl3", 0x0300, 0x0300),
            ("tls1.0+ssl3", 0x0301, 0x0301),
            ("tls1.2+tls1.1+tls1.0+ssl3", 0x0301, 0x0303),
        ] {
            let hello = hello(set, Some(&name));
            let parts = Parts::of(hello);
            assert_eq!(parts.record_version, record_version);
            assert_eq!(parts.version, version);
            assert_eq!(parts.extensions, None, "not even a block of none");
            assert!(parts.length < HANGS_FROM, "{set}: {}", parts.length);
            let anonymous = Parts::of(ClientHello {
                rung: Rung {
                    suites: crate::tls::Suites::Anonymous,
                    ..hello.rung
                },
                ..hello
            });
            assert!(anonymous.length < HANGS_FROM);
        }
    }

    #[test]
    fn a_name_is_sent_only_where_there_is_one() {
        let name: ServerName = "www.example.com".parse().unwrap();
        let bytes = hello(CLEAR, Some(&name)).encode();
        assert!(bytes.windows(15).any(|window| window == b"www.example.com"));
        let parts = Parts::of(hello(CLEAR, Some(&name)));
        assert_eq!(parts.extensions.unwrap()[0], (SERVER_NAME, 20));
        let parts = Parts::of(hello(CLEAR, None));
        assert!(!parts.kinds().contains(&SERVER_NAME));
    }

    #[test]
    fn signature_algorithms_are_for_tls_1_2_alone() {
        let mut old = hello("tls1.1+tls1.0", None);
        old.rung.alpn = Alpn::Withheld;
        let kinds = Parts::of(old).kinds();
        assert!(kinds.contains(&SUPPORTED_GROUPS));
        for unfit in [SIGNATURE_ALGORITHMS, APPLICATION_LAYER_PROTOCOL_NEGOTIATION] {
            assert!(!kinds.contains(&unfit));
        }
    }

    #[test]
    fn a_key_type_restricts_the_leaf_and_leaves_its_issuers_free() {
        let mut restricted = hello(CLEAR, None);
        restricted.rung.key_type = Some(KeyType::Eddsa);
        let parts = Parts::of(restricted);
        assert!(parts.suites.contains(&0xc02b) && !parts.suites.contains(&0xc02f));
        let extensions = parts.extensions.unwrap();
        assert!(extensions.contains(&(SIGNATURE_ALGORITHMS, 2 + 2 * 2)));
        let every_scheme = 2 + 2 * offer::SIGNATURE_SCHEMES.len();
        assert!(extensions.contains(&(SIGNATURE_ALGORITHMS_CERT, every_scheme)));
        let free = Parts::of(hello(CLEAR, None));
        assert!(!free.kinds().contains(&SIGNATURE_ALGORITHMS_CERT));
    }
}
