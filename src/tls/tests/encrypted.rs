use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_ML_DSA_65, PKCS_RSA_SHA256};
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection};
use std::sync::Arc;

use crate::domain::{Alert, ClientAuth, Der, KeyExchange, KeyType, NamedGroup, Phase, TlsVersion};
use crate::tls::groups::Secp521r1;
use crate::tls::key_of_one::{BRAINPOOL, FINITE_FIELD, X448};
use crate::tls::{Cause, Client, End, Ending, Groups, Ladder, Rung, Step};

use super::servers::{ServerSecp384r1MlKem1024, Wanted, server_of_key_types};
use super::transcript::{alert, message, record, server_hello};

const SMALLEST_SEGMENT: usize = 1220;
/// RFC 8446 section 4.1.3: the random of a ServerHello that asks again.
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

fn rung(ladder: &str) -> Rung {
    ladder.parse::<Ladder>().unwrap().first()
}

/// Runs a conversation against a rustls server, `size` bytes at a time.
fn converse(rung: Rung, server: &Arc<ServerConfig>, size: usize) -> Ending {
    let name = "server.test".parse().unwrap();
    let (mut conversation, hello) = Client::new().open(rung, Some(&name), [7; 32]).unwrap();
    let mut server = ServerConnection::new(server.clone()).unwrap();
    let mut to_server = hello;
    loop {
        let mut unread = &to_server[..];
        while !unread.is_empty() && server.read_tls(&mut unread).unwrap() > 0 {
            let _ = server.process_new_packets();
        }
        let mut to_client = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut to_client).unwrap();
        }
        to_server = Vec::new();
        for piece in to_client.chunks(size) {
            match conversation.feed(piece) {
                Step::NeedMore => (),
                Step::Send(bytes) => to_server.extend(bytes),
                Step::Done(ending) => return ending,
            }
        }
        if to_server.is_empty() {
            return conversation.end(End::Closed);
        }
    }
}

#[test]
fn a_server_of_tls_1_3_shows_its_chain_whatever_the_pieces() {
    let (server, leaf) = Wanted {
        staple: b"staple".to_vec(),
        protocols: vec![b"http/1.1".to_vec()],
        ..Wanted::version(&TLS13)
    }
    .build();
    for size in [1, 100, 1 << 14] {
        let ending = converse(rung("tls1.3"), &server, size);
        assert_eq!(
            (ending.cause, ending.phase),
            (Cause::Complete, Phase::Flight)
        );
        assert_eq!(ending.certificates, Some(vec![Der::from(&leaf[..])]));
        let session = ending.session.unwrap();
        assert_eq!(session.version, TlsVersion::TLS_1_3);
        assert_eq!(
            session.key_exchange,
            Some(KeyExchange::Group(NamedGroup(29)))
        );
        assert_eq!(session.alpn.as_deref(), Some(&b"http/1.1"[..]));
        assert_eq!(session.client_auth, Some(ClientAuth::None));
        assert_eq!(session.ocsp_staple.as_deref(), Some(&b"staple"[..]));
        assert!(session.cipher_suite.to_string().starts_with("TLS_"));
    }
}

#[test]
fn a_server_that_wants_a_client_certificate_shows_its_own_first() {
    for (version, ladder) in [(&TLS13, "tls1.3"), (&TLS12, "tls1.2")] {
        let (server, leaf) = Wanted {
            client_certificate: true,
            ..Wanted::version(version)
        }
        .build();
        let ending = converse(rung(ladder), &server, 1000);
        assert_eq!(ending.cause, Cause::Complete);
        assert_eq!(ending.certificates, Some(vec![Der::from(&leaf[..])]));
        let session = ending.session.unwrap();
        assert_eq!(session.client_auth, Some(ClientAuth::Requested));
        if version == &TLS13 {
            let [issuer] = &session.acceptable_issuers[..] else {
                panic!("{:?}", session.acceptable_issuers);
            };
            let mut within = leaf.windows(issuer.len());
            assert!(issuer[0] == 0x30 && within.any(|window| window == issuer));
        }
    }
}

#[test]
fn one_hello_of_two_versions_is_answered_in_either() {
    let offered = "tls1.3+tls1.2".parse().unwrap();
    for (version, chosen) in [(&TLS13, TlsVersion::TLS_1_3), (&TLS12, TlsVersion::TLS_1_2)] {
        let (server, leaf) = Wanted {
            client_certificate: true,
            staple: b"staple".to_vec(),
            ..Wanted::version(version)
        }
        .build();
        for size in [1, 1000] {
            let ending = converse(Rung::new(offered), &server, size);
            assert_eq!(ending.cause, Cause::Complete);
            assert_eq!(ending.certificates, Some(vec![Der::from(&leaf[..])]));
            let session = ending.session.unwrap();
            assert_eq!(session.version, chosen);
            assert_eq!(session.client_auth, Some(ClientAuth::Requested));
            assert_eq!(session.ocsp_staple.as_deref(), Some(&b"staple"[..]));
        }
    }
}

#[test]
fn a_server_with_a_certificate_of_every_type_shows_the_one_that_is_asked_for() {
    let key_types = [
        (&PKCS_ML_DSA_65, KeyType::MlDsa),
        (&PKCS_ECDSA_P256_SHA256, KeyType::Ecdsa),
        (&PKCS_ED25519, KeyType::Eddsa),
        (&PKCS_RSA_SHA256, KeyType::Rsa),
    ];
    let (server, leaves) = server_of_key_types(&key_types.map(|(algorithm, _)| algorithm));
    for (leaf, (_, key_type)) in leaves.iter().zip(key_types) {
        let rung = Rung {
            key_type: Some(key_type),
            ..rung("tls1.3")
        };
        let ending = converse(rung, &server, 1000);
        let shown = ending.certificates.unwrap_or_default();
        assert_eq!(shown, [Der::from(&leaf[..])], "{key_type}");
    }
    let (ecdsa_alone, _) = server_of_key_types(&[&PKCS_ECDSA_P256_SHA256]);
    for key_type in [KeyType::Rsa, KeyType::Eddsa, KeyType::MlDsa] {
        let rung = Rung {
            key_type: Some(key_type),
            ..rung("tls1.3")
        };
        let ending = converse(rung, &ecdsa_alone, 1000);
        assert!(matches!(ending.cause, Cause::Alert(_)), "{key_type}");
        assert_eq!(ending.certificates, None);
    }
}

#[test]
fn a_server_of_one_group_alone_is_asked_again_with_it() {
    let mut groups = vec![
        kx_group::SECP384R1,
        &Secp521r1,
        kx_group::X25519MLKEM768,
        kx_group::SECP256R1MLKEM768,
        kx_group::MLKEM1024,
        &X448,
    ];
    for group in FINITE_FIELD.iter().chain(&BRAINPOOL) {
        groups.push(group);
    }
    for group in groups {
        let (server, leaf) = Wanted {
            groups: vec![group],
            ..Wanted::version(&TLS13)
        }
        .build();
        let ending = converse(rung("tls1.3"), &server, 1000);
        assert_eq!(
            ending.certificates,
            Some(vec![Der::from(&leaf[..])]),
            "{group:?}"
        );
        let expected = KeyExchange::Group(NamedGroup(group.name().into()));
        assert_eq!(ending.session.unwrap().key_exchange, Some(expected));
    }
}

#[test]
fn a_hybrid_group_is_agreed_on_where_nothing_else_is_offered() {
    let hybrid = Rung {
        groups: Groups::Hybrid,
        ..rung("tls1.3")
    };
    let groups: [&dyn SupportedKxGroup; 3] = [
        kx_group::X25519MLKEM768,
        kx_group::SECP256R1MLKEM768,
        &ServerSecp384r1MlKem1024,
    ];
    for group in groups {
        let (server, leaf) = Wanted {
            groups: vec![group],
            ..Wanted::version(&TLS13)
        }
        .build();
        let expected = KeyExchange::Group(NamedGroup(group.name().into()));
        for rung in [hybrid, rung("tls1.3")] {
            let ending = converse(rung, &server, 1000);
            assert_eq!(ending.certificates, Some(vec![Der::from(&leaf[..])]));
            assert_eq!(ending.session.unwrap().key_exchange, Some(expected));
        }
    }
    let (classical, _) = Wanted {
        groups: vec![kx_group::X25519, kx_group::SECP256R1],
        ..Wanted::version(&TLS13)
    }
    .build();
    let ending = converse(hybrid, &classical, 1000);
    assert_eq!(ending.cause, Cause::Alert(Alert::HANDSHAKE_FAILURE));
}

#[test]
fn a_server_that_insists_on_a_group_of_nobodys_is_told_with_it() {
    let (mut conversation, hello) = Client::new().open(rung("tls1.3"), None, [7; 32]).unwrap();
    let session_id = &hello[5 + 4 + 2 + 32..][..33];
    let retry = message(
        2,
        &[
            &[3, 3],
            &HELLO_RETRY_REQUEST[..],
            session_id,
            &[0x13, 1, 0],
            &[0, 12, 0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 0x29],
        ]
        .concat(),
    );
    let Step::Done(ending) = conversation.feed(&record(22, &retry)) else {
        panic!("there is nothing to go on with");
    };
    assert_eq!(ending.cause, Cause::UnsupportedGroup(NamedGroup(0x0029)));
    assert_eq!((ending.phase, ending.certificates), (Phase::Flight, None));
}

#[test]
fn a_server_of_the_other_version_refuses_with_an_alert() {
    for (version, ladder) in [(&TLS13, "tls1.2+tls1.1+tls1.0"), (&TLS12, "tls1.3")] {
        let (server, _) = Wanted::version(version).build();
        let ending = converse(rung(ladder), &server, 1000);
        let expected = [Alert::PROTOCOL_VERSION, Alert::HANDSHAKE_FAILURE];
        let Cause::Alert(alert) = ending.cause else {
            panic!("{:?}", ending.cause);
        };
        assert!(expected.contains(&alert), "{alert}");
        assert_eq!((ending.phase, ending.certificates), (Phase::Hello, None));
    }
}

#[test]
fn an_answer_that_tls_1_3_does_not_allow_is_told_apart() {
    let answers = [
        (alert(2, 40), Cause::Alert(Alert::HANDSHAKE_FAILURE)),
        (alert(2, 201), Cause::Alert(Alert(201))),
        (alert(1, 0), Cause::Alert(Alert::CLOSE_NOTIFY)),
        (record(22, &server_hello(0x0304, 0, &[])), Cause::Malformed),
        (record(22, &[0xff; 40]), Cause::TooLarge),
        (
            b"SSH-2.0-x\n".to_vec(),
            Cause::NotTls(b"SSH-2.0-x\n".to_vec()),
        ),
        (vec![22, 3, 3], Cause::Reset),
    ];
    for (answer, cause) in answers {
        let (mut conversation, _) = Client::new().open(rung("tls1.3"), None, [7; 32]).unwrap();
        let ending = match conversation.feed(&answer) {
            Step::Done(ending) => ending,
            Step::NeedMore => conversation.end(End::Reset),
            Step::Send(_) => panic!("nothing to answer"),
        };
        assert_eq!((ending.cause, ending.certificates), (cause, None));
    }
}

#[test]
fn the_hello_fits_a_segment_and_carries_a_name_only_where_there_is_one() {
    let client = Client::new();
    let longest = vec!["abc"; 63].join(".").parse().unwrap();
    for set in ["tls1.3", "tls1.3+tls1.2"] {
        let rung = Rung::new(set.parse().unwrap());
        for (name, carried) in [(Some(&longest), true), (None, false)] {
            let (_, hello) = client.open(rung, name, [7; 32]).unwrap();
            let found = hello.windows(7).any(|window| window == b"abc.abc");
            assert_eq!(found, carried);
            assert!(hello.len() < SMALLEST_SEGMENT, "{}", hello.len());
        }
    }
}
