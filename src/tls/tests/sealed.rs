//! What a server of TLS 1.3 may say once the key is agreed on.

use rustls::CipherSuite as Suite;
use rustls::SupportedCipherSuite;

use crate::domain::{
    Alert, ClientAuth, Der, KeyExchange, NamedGroup, Phase, ProtocolSet, TlsVersion,
};
use crate::tls::provider::provider;
use crate::tls::{Cause, Client, End, Ending, Groups, Rung, Step};

use super::scripted::{SUITE, Script, Scripted};
use super::transcript::{ALPN_H2, alert, message, record};

const LEAF: &[u8] = b"the leaf, whatever it is";
const INTERMEDIATE: &[u8] = b"its issuer";

/// A client, and a server that says what it is told.
struct Pair {
    client: Client,
    server: Scripted,
}

impl Pair {
    fn new(suite: SupportedCipherSuite) -> Self {
        Self {
            client: Client::new(),
            server: Scripted::new(suite),
        }
    }

    /// Runs a conversation whose server says what `script` makes, in pieces
    /// of `size`, and then ends as told.
    fn converse_by(
        &self,
        script: impl FnOnce(&mut Script) -> Vec<u8>,
        size: usize,
        end: End,
    ) -> Ending {
        let rung = Rung::new(ProtocolSet::TLS_1_3);
        let (mut conversation, hello) = self.client.open(rung, None, [7; 32]).unwrap();
        let (mut bytes, mut key) = self.server.answer(&hello);
        bytes.extend(script(&mut key));
        for piece in bytes.chunks(size) {
            match conversation.feed(piece) {
                Step::NeedMore => (),
                Step::Done(ending) => return ending,
                Step::Send(_) => panic!("nothing to send once the key is agreed on"),
            }
        }
        conversation.end(end)
    }

    fn converse(&self, script: impl FnOnce(&mut Script) -> Vec<u8>) -> Ending {
        self.converse_by(script, usize::MAX, End::Closed)
    }
}

fn ders(certificates: &[&[u8]]) -> Vec<Der> {
    certificates.iter().map(|der| Der::from(*der)).collect()
}

fn behind_u16(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], bytes].concat()
}

fn behind_u24(bytes: &[u8]) -> Vec<u8> {
    let [.., high, middle, low] = bytes.len().to_be_bytes();
    [&[high, middle, low], bytes].concat()
}

fn encrypted_extensions() -> Vec<u8> {
    message(8, &behind_u16(ALPN_H2))
}

fn certificate_request() -> Vec<u8> {
    let names = [behind_u16(b"one name"), behind_u16(b"another")].concat();
    let authorities = behind_u16(&behind_u16(&names));
    let schemes = [0, 13, 0, 4, 0, 2, 4, 3];
    let extensions = [&schemes[..], &[0, 47], &authorities].concat();
    message(13, &[&[0], &behind_u16(&extensions)[..]].concat())
}

/// Certificate, with a staple to the first.
fn certificate(certificates: &[&[u8]]) -> Vec<u8> {
    let staple = [&[1], &behind_u24(b"staple")[..]].concat();
    let mut extensions = [&[0, 5], &behind_u16(&staple)[..]].concat();
    let mut list = Vec::new();
    for der in certificates {
        list.extend(behind_u24(der));
        list.extend(behind_u16(&std::mem::take(&mut extensions)));
    }
    message(11, &[&[0], &behind_u24(&list)[..]].concat())
}

fn flight() -> Vec<u8> {
    [
        encrypted_extensions(),
        certificate_request(),
        certificate(&[LEAF, INTERMEDIATE]),
    ]
    .concat()
}

#[test]
fn a_flight_tells_everything_however_it_is_cut_and_padded() {
    let pair = Pair::new(SUITE);
    let whole = pair.converse(|key| key.handshake(&flight(), 1 << 14));
    assert_eq!(whole.cause, Cause::Complete);
    assert_eq!(whole.phase, Phase::Flight);
    assert_eq!(whole.certificates, Some(ders(&[LEAF, INTERMEDIATE])));
    let session = whole.session.clone().unwrap();
    assert_eq!(session.version, TlsVersion::TLS_1_3);
    assert_eq!(session.cipher_suite.to_string(), "TLS_AES_128_GCM_SHA256");
    let x25519 = KeyExchange::Group(NamedGroup(0x001d));
    assert_eq!(session.key_exchange, Some(x25519));
    assert_eq!(session.alpn.as_deref(), Some(&b"h2"[..]));
    assert_eq!(session.client_auth, Some(ClientAuth::Requested));
    let issuers = vec![b"one name".to_vec(), b"another".to_vec()];
    assert_eq!(session.acceptable_issuers, issuers);
    assert_eq!(session.ocsp_staple.as_deref(), Some(&b"staple"[..]));
    for record_size in [1, 3, 50, 512] {
        for piece in [1, 7, 1000] {
            let script = |key: &mut Script| key.handshake(&flight(), record_size);
            assert_eq!(pair.converse_by(script, piece, End::Closed), whole);
        }
    }
    let padded = pair.converse(|key| key.seal_padded(22, &flight(), 900));
    assert_eq!(padded, whole);
    let with_cipher_changes = pair.converse(|key| {
        let change = record(20, &[1]);
        let flight = flight();
        let (first, second) = flight.split_at(30);
        [
            change.clone(),
            key.seal(22, first),
            change,
            key.seal(22, second),
        ]
        .concat()
    });
    assert_eq!(with_cipher_changes, whole);
}

#[test]
fn a_server_of_aes_ccm_alone_shows_its_chain() {
    let suites = provider(Groups::All).cipher_suites;
    for (suite, name) in [
        (Suite::TLS13_AES_128_CCM_SHA256, "TLS_AES_128_CCM_SHA256"),
        (
            Suite::TLS13_AES_128_CCM_8_SHA256,
            "TLS_AES_128_CCM_8_SHA256",
        ),
    ] {
        let ccm = suites.iter().find(|offered| offered.suite() == suite);
        let script = |key: &mut Script| key.handshake(&flight(), 40);
        let ending = Pair::new(*ccm.unwrap()).converse_by(script, 100, End::Closed);
        assert_eq!(ending.certificates, Some(ders(&[LEAF, INTERMEDIATE])));
        assert_eq!(ending.session.unwrap().cipher_suite.to_string(), name);
    }
}

#[test]
fn every_prefix_keeps_what_had_arrived() {
    let pair = Pair::new(SUITE);
    let flight = flight();
    let before = encrypted_extensions().len() + certificate_request().len();
    let leaf_ends = before + 4 + 1 + 3 + 3 + LEAF.len();
    for arrived in 0..flight.len() {
        let script = |key: &mut Script| key.handshake(&flight[..arrived], 11);
        let ending = pair.converse_by(script, 100, End::Reset);
        assert_eq!((ending.cause, ending.phase), (Cause::Reset, Phase::Flight));
        let leaf = ending.certificates.as_ref().and_then(|list| list.first());
        assert_eq!(leaf.is_some(), arrived >= leaf_ends, "{arrived}");
        assert!(leaf.is_none_or(|leaf| leaf.as_bytes() == LEAF));
    }
}

#[test]
fn no_mutation_panics_or_hangs() {
    let pair = Pair::new(SUITE);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    for _ in 0..300 {
        let mut stream = flight();
        for _ in 0..=random(4) {
            let place = random(stream.len());
            match random(3) {
                0 => stream[place] = u8::try_from(random(256)).unwrap(),
                1 => drop(stream.remove(place)),
                _ => stream.insert(place, u8::try_from(random(256)).unwrap()),
            }
        }
        let script = |key: &mut Script| key.handshake(&stream, 60);
        let _ = pair.converse_by(script, 1 + random(200), End::Reset);
    }
}

#[test]
fn an_empty_list_is_no_chain_and_an_odd_message_does_not_lose_one() {
    let pair = Pair::new(SUITE);
    let ending = pair.converse(|key| key.handshake(&certificate(&[]), 100));
    assert_eq!(
        (ending.cause, ending.certificates),
        (Cause::Complete, Some(Vec::new()))
    );
    let odd = [
        message(8, &[0xff, 0xff, 1]),
        message(13, &[9]),
        certificate(&[LEAF]),
    ]
    .concat();
    let ending = pair.converse(|key| key.handshake(&odd, 100));
    assert_eq!(ending.cause, Cause::Complete);
    assert_eq!(ending.certificates, Some(ders(&[LEAF])));
    let session = ending.session.unwrap();
    assert_eq!(session.alpn, None);
    assert_eq!(session.client_auth, Some(ClientAuth::Requested));
}

#[test]
fn a_list_that_lies_keeps_the_certificates_before_the_lie() {
    let pair = Pair::new(SUITE);
    let whole = certificate(&[LEAF, INTERMEDIATE]);
    let body = &whole[4..];
    let lies = [
        (message(11, &[body, &[0]].concat()), 2, Cause::Malformed),
        (message(11, &body[..body.len() - 1]), 2, Cause::Malformed),
        (message(11, &body[..body.len() - 3]), 1, Cause::Malformed),
        (certificate(&[LEAF, &[]]), 1, Cause::Malformed),
        (certificate(&[LEAF; 101]), 100, Cause::TooLarge),
    ];
    for (lie, kept, cause) in lies {
        let ending = pair.converse(|key| key.handshake(&lie, 1 << 14));
        assert_eq!(ending.cause, cause);
        assert_eq!(ending.certificates.unwrap().len(), kept);
    }
}

#[test]
fn large_chains_are_read_and_larger_ones_cut() {
    let pair = Pair::new(SUITE);
    let large = vec![0x30; 10_000];
    for (number, kept, cause) in [(100, 100, Cause::Complete), (120, 100, Cause::TooLarge)] {
        let script = |key: &mut Script| {
            let chain = certificate(&vec![&large[..]; number]);
            key.handshake(&chain, 1 << 14)
        };
        let ending = pair.converse_by(script, 4096, End::Closed);
        assert_eq!(ending.cause, cause);
        assert_eq!(ending.certificates.unwrap().len(), kept);
    }
}

#[test]
fn trouble_in_place_of_the_certificate_is_told_apart() {
    type Says = fn(&mut Script) -> Vec<u8>;
    let pair = Pair::new(SUITE);
    let troubles: [(Says, Cause); 12] = [
        (|_| Vec::new(), Cause::Closed),
        (
            |key| key.seal(21, &[2, 40]),
            Cause::Alert(Alert::HANDSHAKE_FAILURE),
        ),
        (
            |key| key.seal(21, &[1, 0]),
            Cause::Alert(Alert::CLOSE_NOTIFY),
        ),
        (
            |key| key.seal(21, &[1, 112]),
            Cause::Alert(Alert::UNRECOGNIZED_NAME),
        ),
        (|_| alert(2, 80), Cause::Alert(Alert(80))),
        (|_| record(23, &[0x17; 60]), Cause::Malformed),
        (|_| record(23, &[]), Cause::Malformed),
        (|key| key.seal(23, b"data"), Cause::Malformed),
        (|key| key.seal(22, &message(20, &[1; 32])), Cause::Malformed),
        (|key| key.seal(0, &[]), Cause::Malformed),
        (
            |_| b"HTTP/1.1 400 Bad Request\r\n".to_vec(),
            Cause::Malformed,
        ),
        (|_| record(20, &[1]).repeat(9), Cause::TooLarge),
    ];
    for (says, cause) in troubles {
        let ending = pair.converse(says);
        assert_eq!((ending.cause, ending.certificates), (cause, None));
        assert_eq!(ending.phase, Phase::Flight);
        assert!(ending.session.is_some());
    }
}

#[test]
fn endless_records_meet_a_limit() {
    let pair = Pair::new(SUITE);
    let floods: [fn(&mut Script) -> Vec<u8>; 4] = [
        |key| key.seal(22, &[]),
        |key| key.seal(21, &[1, 112]),
        |key| key.seal(22, &message(8, &[0; 10_000])),
        |_| record(22, &[0; 10_000]),
    ];
    for flood in floods {
        let script = |key: &mut Script| (0..400).flat_map(|_| flood(key)).collect();
        let ending = pair.converse_by(script, 4096, End::Closed);
        assert_eq!((ending.cause, ending.certificates), (Cause::TooLarge, None));
    }
}
