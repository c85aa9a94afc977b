use rustls::crypto::aws_lc_rs::kx_group;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection};
use std::sync::Arc;

use crate::domain::{Alert, ClientAuth, Der, KeyExchange, NamedGroup, Phase, TlsVersion};
use crate::tls::groups::Secp521r1;
use crate::tls::key_of_one::{BRAINPOOL, FINITE_FIELD, X448};
use crate::tls::{Cause, Client, End, Ending, Ladder, Rung, Step};

use super::servers::Wanted;
use super::transcript::{alert, record, server_hello};

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
        let client_auth = ending.session.unwrap().client_auth;
        assert_eq!(client_auth, Some(ClientAuth::Requested));
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
    let name = "www.example.com".parse().unwrap();
    for (name, carried) in [(Some(&name), true), (None, false)] {
        let (_, hello) = client.open(rung("tls1.3"), name, [7; 32]).unwrap();
        let found = hello.windows(15).any(|window| window == b"www.example.com");
        assert_eq!(found, carried);
        assert!(hello.len() < 1220, "{}", hello.len());
    }
}
