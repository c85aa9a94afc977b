use crate::domain::{
    Alert, CipherSuite, ClientAuth, Der, KeyExchange, NamedGroup, Phase, TlsVersion,
};
use crate::tls::{Cause, Client, Conversation, End, Ending, Ladder, Step};

use super::transcript::{
    ALPN_H2, INTERMEDIATE, LEAF, alert, certificate, certificate_request, done, full_flight,
    message, named_curve, prime, record, records, server_hello,
};

fn conversation(client: &Client) -> Conversation {
    let (conversation, _) = client.open(Ladder::fast().first(), None, [7; 32]).unwrap();
    conversation
}

/// Feeds `bytes` in pieces of `size`, then ends as told.
fn converse_by(client: &Client, bytes: &[u8], size: usize, end: End) -> Ending {
    let mut conversation = conversation(client);
    for piece in bytes.chunks(size) {
        match conversation.feed(piece) {
            Step::NeedMore => (),
            Step::Done(ending) => return ending,
            Step::Send(_) => panic!("a reader in clear has nothing to send"),
        }
    }
    conversation.end(end)
}

fn converse(bytes: &[u8]) -> Ending {
    converse_by(&Client::new(), bytes, usize::MAX, End::Closed)
}

fn ders(certificates: &[&[u8]]) -> Vec<Der> {
    certificates.iter().map(|der| Der::from(*der)).collect()
}

#[test]
fn a_whole_flight_tells_everything_however_it_is_cut() {
    let client = Client::new();
    let whole = converse(&records(&full_flight(), 1 << 14));
    assert_eq!(whole.cause, Cause::Complete);
    assert_eq!(whole.phase, Phase::Flight);
    assert_eq!(whole.certificates, Some(ders(&[LEAF, INTERMEDIATE])));
    let session = whole.session.clone().unwrap();
    assert_eq!(session.version, TlsVersion::TLS_1_2);
    assert_eq!(session.cipher_suite, CipherSuite(0xc02f));
    assert_eq!(
        session.key_exchange,
        Some(KeyExchange::Group(NamedGroup(0x0017)))
    );
    assert_eq!(session.alpn.as_deref(), Some(&b"h2"[..]));
    assert_eq!(session.client_auth, Some(ClientAuth::Requested));
    assert_eq!(session.ocsp_staple.as_deref(), Some(&b"staple"[..]));
    for record_size in [1, 3, 50, 1 << 14] {
        let bytes = records(&full_flight(), record_size);
        for piece in [1, 2, 7, 1000] {
            assert_eq!(converse_by(&client, &bytes, piece, End::Closed), whole);
        }
    }
}

#[test]
fn every_prefix_keeps_what_had_arrived() {
    let client = Client::new();
    let flight = full_flight();
    let leaf_ends = server_hello(0x0303, 0xc02f, ALPN_H2).len() + 4 + 3 + 3 + LEAF.len();
    for arrived in 0..flight.len() {
        let mut bytes = records(&flight, 1 << 14);
        bytes.truncate(5 + arrived);
        for (end, cause) in [
            (End::Closed, Cause::Closed),
            (End::Reset, Cause::Reset),
            (End::Deadline, Cause::Stalled),
        ] {
            let ending = converse_by(&client, &bytes, 11, end);
            assert_eq!(ending.cause, cause);
            let leaf = ending.certificates.as_ref().and_then(|list| list.first());
            assert_eq!(leaf.is_some(), arrived >= leaf_ends, "{arrived}");
            assert!(leaf.is_none_or(|leaf| leaf.as_bytes() == LEAF));
        }
    }
}

#[test]
fn no_mutation_panics_or_hangs() {
    let client = Client::new();
    let clean = records(&full_flight(), 60);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    for _ in 0..20_000 {
        let mut bytes = clean.clone();
        for _ in 0..=random(4) {
            let place = random(bytes.len());
            match random(3) {
                0 => bytes[place] = u8::try_from(random(256)).unwrap(),
                1 => drop(bytes.remove(place)),
                _ => bytes.insert(place, u8::try_from(random(256)).unwrap()),
            }
        }
        let _ = converse_by(&client, &bytes, 1 + random(200), End::Reset);
    }
}

#[test]
fn what_comes_after_the_leaf_does_not_lose_it() {
    let begun = [server_hello(0x0303, 0xc02f, &[]), certificate(&[LEAF])].concat();
    let begun = records(&begun, 1 << 14);
    let endings = [
        (alert(2, 40), Cause::Alert(Alert::HANDSHAKE_FAILURE)),
        (alert(1, 0), Cause::Alert(Alert::CLOSE_NOTIFY)),
        (record(23, b"sealed"), Cause::Malformed),
        (b"HTTP/1.1 500".to_vec(), Cause::Malformed),
        (record(22, &certificate(&[LEAF])), Cause::Malformed),
        (record(22, &message(99, b"")), Cause::Malformed),
        (record(22, &[]).repeat(33), Cause::TooLarge),
        (Vec::new(), Cause::Closed),
    ];
    for (after, cause) in endings {
        let ending = converse(&[begun.clone(), after].concat());
        assert_eq!(ending.certificates, Some(ders(&[LEAF])));
        assert_eq!(ending.cause, cause);
        assert_eq!(ending.session.unwrap().client_auth, None, "not known");
    }
}

#[test]
fn a_warning_is_passed_over_and_told_only_where_nothing_follows() {
    const UNRECOGNIZED_NAME: Alert = Alert::UNRECOGNIZED_NAME;
    let warning = alert(1, UNRECOGNIZED_NAME.0);
    let flight = records(&full_flight(), 1 << 14);
    let ending = converse(&[warning.clone(), flight].concat());
    assert_eq!(ending.cause, Cause::Complete);
    let ending = converse(&warning);
    assert_eq!(ending.cause, Cause::Alert(UNRECOGNIZED_NAME));
    assert_eq!(ending.phase, Phase::Hello);
}

#[test]
fn the_key_exchange_is_told_as_the_suite_has_it() {
    let key_exchange = |suite: u16, more: Vec<u8>| {
        let hello = server_hello(0x0301, suite, &[]);
        let flight = [hello, certificate(&[LEAF]), more, done()].concat();
        let ending = converse(&records(&flight, 1 << 14));
        assert_eq!(ending.cause, Cause::Complete);
        let session = ending.session.unwrap();
        assert_eq!(session.client_auth, Some(ClientAuth::None));
        session.key_exchange
    };
    assert_eq!(key_exchange(0x002f, vec![]), Some(KeyExchange::Rsa));
    assert_eq!(
        key_exchange(0x0003, prime(&[1; 64])),
        Some(KeyExchange::Rsa)
    );
    assert_eq!(key_exchange(0xc004, vec![]), Some(KeyExchange::StaticDh));
    let dhe = key_exchange(0x0033, prime(&[0xff; 128]));
    assert_eq!(dhe, Some(KeyExchange::Dhe { bits: 1024 }));
    let explicit = message(12, &[1, 9, 9]);
    assert_eq!(
        key_exchange(0xc013, explicit),
        Some(KeyExchange::ExplicitCurve)
    );
    let unread = message(12, &[3, 0]);
    assert_eq!(key_exchange(0xc013, unread), None);
    let unknown = key_exchange(0x0a0a, named_curve(0x0017));
    assert_eq!(unknown, None);
}

#[test]
fn a_version_that_was_not_offered_is_recorded() {
    let flight = |version| {
        [
            server_hello(version, 0x002f, &[]),
            certificate(&[LEAF]),
            done(),
        ]
    };
    for version in [0x0300, 0x0301, 0x0302, 0x7f1c] {
        let ending = converse(&records(&flight(version).concat(), 1 << 14));
        assert_eq!(ending.cause, Cause::Complete);
        assert_eq!(ending.session.unwrap().version, TlsVersion(version));
    }
    let supported_versions = [0, 43, 0, 2, 3, 4];
    let hello = server_hello(0x0303, 0x1301, &supported_versions);
    let sealed = record(23, &[9; 100]);
    let ending = converse(&[record(22, &hello), sealed].concat());
    assert_eq!(ending.session.unwrap().version, TlsVersion::TLS_1_3);
    assert_eq!(
        (ending.cause, ending.certificates),
        (Cause::Malformed, None)
    );
}

#[test]
fn odd_extensions_do_not_lose_the_certificate() {
    for extensions in [&[0, 16][..], &[0, 16, 0, 9, 0], &[0xff], &[0, 16, 0, 0]] {
        let hello = server_hello(0x0303, 0xc02f, extensions);
        let flight = [hello, certificate(&[LEAF]), done()].concat();
        let ending = converse(&records(&flight, 1 << 14));
        assert_eq!(ending.certificates, Some(ders(&[LEAF])), "{extensions:?}");
        assert_eq!(ending.cause, Cause::Complete);
    }
}

#[test]
fn an_anonymous_suite_and_an_empty_list_are_no_certificate() {
    let ending = converse(&record(22, &server_hello(0x0303, 0x0034, &[])));
    assert_eq!((ending.cause, ending.certificates), (Cause::Complete, None));
    let hello = server_hello(0x0303, 0xc02f, &[]);
    let flight = [hello, certificate(&[]), certificate_request(), done()].concat();
    let ending = converse(&record(22, &flight));
    assert_eq!(
        (ending.cause, ending.certificates),
        (Cause::Complete, Some(vec![]))
    );
    let session = ending.session.unwrap();
    assert_eq!(session.client_auth, Some(ClientAuth::Requested));
}

#[test]
fn how_the_bytes_were_cut_does_not_matter_behind_the_end_of_a_flight() {
    let anonymous = server_hello(0x0303, 0x0034, &[]);
    let malformed = message(2, &[3, 3, 0]);
    for beginning in [anonymous, malformed] {
        let bytes = record(22, &[beginning, certificate(&[LEAF])].concat());
        let client = Client::new();
        let at_once = converse_by(&client, &bytes, usize::MAX, End::Closed);
        assert_eq!(at_once.certificates, None);
        assert_eq!(converse_by(&client, &bytes, 1, End::Closed), at_once);
    }
}

#[test]
fn a_flight_in_the_wrong_order_is_malformed() {
    let hello = || server_hello(0x0303, 0xc02f, &[]);
    let wrong = [
        certificate(&[LEAF]),
        done(),
        [hello(), done()].concat(),
        [hello(), hello()].concat(),
        message(2, &[3, 3, 0]),
    ];
    for flight in wrong {
        let ending = converse(&record(22, &flight));
        assert_eq!(
            (ending.cause, ending.certificates),
            (Cause::Malformed, None)
        );
    }
}

#[test]
fn large_chains_are_read_and_larger_ones_cut() {
    let client = Client::new();
    let large = vec![0x30; 10_000];
    let flight = |number| {
        let chain = certificate(&vec![&large[..]; number]);
        let flight = [server_hello(0x0303, 0xc02f, &[]), chain, done()].concat();
        records(&flight, 1 << 14)
    };
    let ending = converse_by(&client, &flight(100), 4096, End::Closed);
    assert_eq!(ending.cause, Cause::Complete);
    assert_eq!(ending.certificates.unwrap().len(), 100);
    let ending = converse_by(&client, &flight(120), 4096, End::Closed);
    assert_eq!(ending.cause, Cause::TooLarge);
    assert_eq!(ending.certificates.unwrap().len(), 100);
}

#[test]
fn an_endless_stream_meets_the_limit_of_a_conversation() {
    let client = Client::new();
    let drops = record(20, &[1]);
    let mut conversation = conversation(&client);
    let mut received = 0;
    let ending = loop {
        received += drops.len();
        if let Step::Done(ending) = conversation.feed(&drops) {
            break ending;
        }
        assert!(received < 3 << 20);
    };
    assert_eq!(ending.cause, Cause::TooLarge);
    let giant = [22, 3, 3, 0xff, 0xff];
    assert_eq!(converse(&giant).cause, Cause::Malformed);
    let declared = record(22, &[2, 0xff, 0xff, 0xff, 3, 3]);
    assert_eq!(converse(&declared).cause, Cause::Closed);
}

#[test]
fn what_is_not_tls_is_kept_as_it_came() {
    let client = Client::new();
    let greetings: [&[u8]; 4] = [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n",
        b"220 mail.example.com ESMTP\r\n",
        b"no line end",
    ];
    for greeting in greetings {
        for size in [1, 4, 1000] {
            let ending = converse_by(&client, greeting, size, End::Deadline);
            assert_eq!(ending.cause, Cause::NotTls(greeting.to_vec()));
        }
    }
    let ending = converse(&[b'x'; 5000]);
    assert_eq!(ending.cause, Cause::NotTls(vec![b'x'; 512]));
}

#[test]
fn silence_is_told_from_a_stall() {
    let client = Client::new();
    let ending = converse_by(&client, &[], 1, End::Deadline);
    assert_eq!((ending.cause, ending.phase), (Cause::Silence, Phase::Hello));
    let ending = converse_by(&client, &[22, 3], 1, End::Deadline);
    assert_eq!((ending.cause, ending.phase), (Cause::Stalled, Phase::Hello));
    let ending = converse_by(&client, &[22, 3, 3, 0, 9], 1, End::Deadline);
    assert_eq!(
        (ending.cause, ending.phase),
        (Cause::Stalled, Phase::Flight)
    );
}

#[test]
fn after_its_end_a_conversation_reads_nothing() {
    let mut conversation = conversation(&Client::new());
    assert!(matches!(conversation.feed(&alert(2, 40)), Step::Done(_)));
    assert_eq!(conversation.feed(&alert(2, 40)), Step::NeedMore);
}
