//! Transcripts of TLS 1.0, SSL 3.0 and SSL 2.0. No server of SSL 2.0 can be
//! had any more; its bytes here are those of its specification.

use crate::domain::{Alert, CipherSuite, ClientAuth, Der, KeyExchange, Phase, TlsVersion};
use crate::tls::{Cause, Client, End, Ending, Ladder, Rung, Step, Suites};

use super::transcript::{
    LEAF, SSLV2_ERROR, SSLV2_RC4, alert, certificate, done, full_flight, old_certificate_request,
    padded_sslv2_server_hello, record_of, records, server_hello, sslv2_server_hello,
};

fn rung(set: &str) -> Rung {
    set.parse::<Ladder>().unwrap().first()
}

/// Feeds `bytes` in pieces of `size`, then ends as told.
fn converse_by(rung: Rung, bytes: &[u8], size: usize, end: End) -> Ending {
    let (mut conversation, _) = Client::new().open(rung, None, [7; 32]).unwrap();
    for piece in bytes.chunks(size) {
        match conversation.feed(piece) {
            Step::NeedMore => (),
            Step::Done(ending) => return ending,
            Step::Send(_) => panic!("a reader in clear has nothing to send"),
        }
    }
    conversation.end(end)
}

fn converse(set: &str, bytes: &[u8]) -> Ending {
    converse_by(rung(set), bytes, usize::MAX, End::Closed)
}

fn leaf() -> Vec<Der> {
    vec![Der::from(LEAF)]
}

/// The flight of an old server that wants a client certificate, in a record of
/// its version.
fn old_flight(version: u16) -> Vec<u8> {
    let flight = [
        server_hello(version, 0x002f, &[]),
        certificate(&[LEAF]),
        old_certificate_request(&[b"one", b"another"]),
        done(),
    ];
    record_of(version, 22, &flight.concat())
}

const MIXED: &str = "tls1.0+ssl3+ssl2";

#[test]
fn a_flight_without_extensions_tells_everything() {
    for (set, version) in [
        ("ssl3", 0x0300),
        ("tls1.0+ssl3", 0x0300),
        ("tls1.0+ssl3", 0x0301),
        ("tls1.1+tls1.0", 0x0302),
        (MIXED, 0x0300),
        (MIXED, 0x0301),
    ] {
        let ending = converse(set, &old_flight(version));
        assert_eq!(
            (ending.cause, ending.phase),
            (Cause::Complete, Phase::Flight)
        );
        assert_eq!(ending.certificates, Some(leaf()));
        let session = ending.session.unwrap();
        assert_eq!(session.version, TlsVersion(version));
        assert_eq!(session.cipher_suite, CipherSuite(0x002f));
        assert_eq!(session.client_auth, Some(ClientAuth::Requested));
        let issuers = [b"one".to_vec(), b"another".to_vec()];
        assert_eq!(session.acceptable_issuers, issuers);
    }
}

#[test]
fn a_server_hello_of_ssl_2_0_shows_a_chain_of_one_however_it_is_cut() {
    let hellos = [
        sslv2_server_hello(LEAF, SSLV2_RC4),
        padded_sslv2_server_hello(LEAF, 0),
        padded_sslv2_server_hello(LEAF, 7),
    ];
    for (set, hello) in ["ssl2", MIXED]
        .iter()
        .flat_map(|set| hellos.iter().map(move |hello| (set, hello)))
    {
        for size in [1, 2, 7, 1000] {
            let ending = converse_by(rung(set), hello, size, End::Closed);
            assert_eq!(
                (ending.cause, ending.phase),
                (Cause::Complete, Phase::Flight)
            );
            assert_eq!(ending.certificates, Some(leaf()));
            let session = ending.session.unwrap();
            assert_eq!(session.version, TlsVersion::SSL_2);
            let suite = session.cipher_suite.to_string();
            assert_eq!(suite, "SSL_CK_RC4_128_WITH_MD5");
            assert_eq!(session.key_exchange, Some(KeyExchange::Rsa));
            assert_eq!(session.client_auth, None, "asked for later, if at all");
        }
    }
}

#[test]
fn a_certificate_of_32_thousand_bytes_fits_a_record_of_ssl_2_0() {
    let large = vec![7; 0x7fff - 11 - SSLV2_RC4.len() - 16];
    let hello = sslv2_server_hello(&large, SSLV2_RC4);
    let ending = converse_by(rung("ssl2"), &hello, 1400, End::Closed);
    assert_eq!(ending.cause, Cause::Complete);
    assert_eq!(ending.certificates, Some(vec![Der::from(&large[..])]));
}

#[test]
fn a_server_of_ssl_2_0_without_a_common_cipher_shows_its_certificate_all_the_same() {
    let ending = converse("ssl2", &sslv2_server_hello(LEAF, &[]));
    assert_eq!(
        (ending.cause, ending.certificates),
        (Cause::Complete, Some(leaf()))
    );
    assert_eq!(ending.session.unwrap().cipher_suite, CipherSuite::NULL);
    let ending = converse("ssl2", &sslv2_server_hello(&[], SSLV2_RC4));
    assert_eq!(ending.certificates, Some(vec![]), "an empty one is none");
}

#[test]
fn every_prefix_of_a_hello_of_ssl_2_0_keeps_what_had_arrived() {
    let hello = sslv2_server_hello(LEAF, SSLV2_RC4);
    for arrived in 0..hello.len() {
        for (end, cause) in [
            (End::Closed, Cause::Closed),
            (End::Reset, Cause::Reset),
            (End::Deadline, Cause::Stalled),
        ] {
            let ending = converse_by(rung("ssl2"), &hello[..arrived], 5, end);
            let cause = match (arrived, end) {
                (0, End::Deadline) => Cause::Silence,
                _ => cause,
            };
            assert_eq!(ending.cause, cause, "{arrived}");
            let whole = arrived >= 2 + 11 + LEAF.len();
            assert_eq!(ending.certificates, whole.then(leaf), "{arrived}");
            assert_eq!(ending.session.is_some(), arrived >= 2 + 5, "{arrived}");
        }
    }
}

#[test]
fn lengths_that_lie_lose_only_what_they_lie_about() {
    let length_of = |field: usize, length: u8| {
        let mut hello = sslv2_server_hello(LEAF, SSLV2_RC4);
        hello[2 + 5 + 2 * field] = 0;
        hello[2 + 5 + 2 * field + 1] = length;
        converse("ssl2", &hello)
    };
    for (field, length, certificates) in [
        (0, 255, None),
        (0, 1, Some(vec![Der::from(&LEAF[..1])])),
        (1, 255, Some(leaf())),
        (1, 0, Some(leaf())),
        (2, 255, Some(leaf())),
        (2, 0, Some(leaf())),
    ] {
        let ending = length_of(field, length);
        assert_eq!(ending.cause, Cause::Malformed, "{field} {length}");
        assert_eq!(ending.certificates, certificates, "{field} {length}");
    }
    let mut padding = padded_sslv2_server_hello(LEAF, 0);
    padding[2] = 255;
    let ending = converse("ssl2", &padding);
    assert_eq!(
        (ending.cause, ending.certificates),
        (Cause::Malformed, None)
    );
    let empty = converse("ssl2", &[0x80, 0, 4]);
    assert_eq!((empty.cause, empty.certificates), (Cause::Malformed, None));
}

#[test]
fn what_follows_a_hello_of_ssl_2_0_is_not_read() {
    let (mut conversation, _) = Client::new().open(rung("ssl2"), None, [7; 32]).unwrap();
    let flood = [sslv2_server_hello(LEAF, SSLV2_RC4), vec![0; 3 << 20]].concat();
    let Step::Done(ending) = conversation.feed(&flood) else {
        panic!("the hello is whole");
    };
    assert_eq!(
        (ending.cause, ending.certificates),
        (Cause::Complete, Some(leaf()))
    );
    assert_eq!(conversation.feed(&flood), Step::NeedMore);
}

#[test]
fn an_error_of_ssl_2_0_is_a_refusal_unless_more_is_said() {
    let refused = Cause::Alert(Alert::HANDSHAKE_FAILURE);
    for set in ["tls1.2+tls1.1+tls1.0", "ssl3", MIXED, "ssl2", "tls1.3"] {
        for end in [End::Closed, End::Reset, End::Deadline] {
            for size in [1, 5] {
                let ending = converse_by(rung(set), SSLV2_ERROR, size, end);
                assert_eq!(
                    (ending.cause, ending.phase),
                    (refused.clone(), Phase::Hello)
                );
            }
        }
        let flood = converse(set, &SSLV2_ERROR.repeat(1000));
        assert_eq!(flood.cause, refused);
        // JSSE 17, where SSLv2Hello is on and SSL 2.0 alone was offered, as
        // captured.
        let jsse = [SSLV2_ERROR, &[21, 3, 1, 0, 2, 2, 10]].concat();
        for size in [1, 2, 100] {
            let ending = converse_by(rung(set), &jsse, size, End::Closed);
            assert_eq!(ending.cause, Cause::Alert(Alert(10)), "unexpected_message");
        }
    }
    let text = [SSLV2_ERROR, b"500 what?\r\n"].concat();
    assert_eq!(converse(MIXED, &text).cause, refused);
}

#[test]
fn bytes_of_no_protocol_are_kept_whatever_was_asked() {
    let answers: [&[u8]; 4] = [
        b"HTTP/1.0 400 Bad Request\r\n\r\n",
        b"220 mail.example.com ESMTP\r\n",
        &[0x80, 3, 0, 0, 9],
        &[0x80, 9, 7, 1, 2, 3],
    ];
    for answer in answers {
        for size in [1, 1000] {
            let ending = converse_by(rung(MIXED), answer, size, End::Closed);
            let Cause::NotTls(kept) = ending.cause else {
                panic!("{:?} to {answer:?}", ending.cause);
            };
            assert!(!kept.is_empty() && answer.starts_with(&kept));
        }
    }
}

#[test]
fn no_mutation_of_an_old_answer_panics_or_hangs() {
    let answers = [
        sslv2_server_hello(LEAF, SSLV2_RC4),
        padded_sslv2_server_hello(LEAF, 3),
        [SSLV2_ERROR, &old_flight(0x0300)].concat(),
        old_flight(0x0301),
        records(&full_flight(), 60),
    ];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let sets = ["ssl2", MIXED, "tls1.0+ssl3", "ssl3"].map(rung);
    for _ in 0..20_000 {
        let mut bytes = answers[random(answers.len())].clone();
        for _ in 0..=random(4) {
            let place = random(bytes.len());
            match random(3) {
                0 => bytes[place] = u8::try_from(random(256)).unwrap(),
                1 => drop(bytes.remove(place)),
                _ => bytes.insert(place, u8::try_from(random(256)).unwrap()),
            }
        }
        let set = sets[random(sets.len())];
        let _ = converse_by(set, &bytes, 1 + random(200), End::Reset);
    }
}

#[test]
fn a_server_of_passwords_that_misses_the_user_s_name_has_no_certificate() {
    let anonymous = Rung {
        suites: Suites::Anonymous,
        ..rung("tls1.2")
    };
    let ending = converse_by(anonymous, &alert(2, 115), 100, End::Closed);
    assert_eq!((ending.cause, ending.certificates), (Cause::Complete, None));
}

#[test]
fn a_rung_that_no_hello_can_express_is_not_opened() {
    let unavailable = Rung {
        key_type: Some(crate::domain::KeyType::Eddsa),
        ..rung("tls1.0+ssl3")
    };
    assert!(Client::new().open(unavailable, None, [7; 32]).is_err());
}
