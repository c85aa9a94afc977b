//! Servers of old and odd habits, made of bytes: each a stub named by its
//! habit, that reads our hello and answers as such servers do.

use crate::domain::{
    Alert, Broken, Chain, Outcome, Phase, Presented, Refusal, ServerName, TlsVersion,
};
use crate::tls::{Cause, Client, End, Ending, Ladder, Rung, Step};

use super::transcript::{
    LEAF, SSLV2_ERROR, certificate, done, record_of, server_hello, sslv2_server_hello,
};

/// What a stub does about a hello.
enum Answer {
    Bytes(Vec<u8>),
    Close,
    Hang,
}

/// A server, by what it does about a hello.
type Stub = fn(&Hello) -> Answer;

/// A hello as a stub sees it.
#[derive(Debug)]
struct Hello {
    /// Whether it came in a frame of SSL 2.0.
    framed: bool,
    record_version: u16,
    version: u16,
    extensions: bool,
    length: usize,
    /// 24 bits each.
    specs: Vec<u32>,
}

impl Hello {
    fn read(bytes: &[u8]) -> Self {
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let length = bytes.len();
        if bytes[0] & 0x80 != 0 {
            assert_eq!(usize::from(word(0) & 0x7fff), length - 2);
            assert_eq!(bytes[2], 1, "CLIENT-HELLO");
            let specs = usize::from(word(5));
            let (session_id, challenge) = (usize::from(word(7)), usize::from(word(9)));
            assert_eq!(session_id, 0);
            assert!((16..=32).contains(&challenge));
            assert_eq!(length, 11 + specs + challenge);
            let spec = |spec: &[u8]| u32::from_be_bytes([0, spec[0], spec[1], spec[2]]);
            return Self {
                framed: true,
                record_version: 2,
                version: word(3),
                extensions: false,
                length,
                specs: bytes[11..11 + specs].chunks(3).map(spec).collect(),
            };
        }
        assert_eq!((bytes[0], bytes[5]), (22, 1));
        assert_eq!(usize::from(word(3)), length - 5);
        let session_id = usize::from(bytes[43]);
        let suites = 44 + session_id;
        let end = suites + 2 + usize::from(word(suites));
        let suite = |suite: &[u8]| u32::from(u16::from_be_bytes([suite[0], suite[1]]));
        Self {
            framed: false,
            record_version: word(1),
            version: word(9),
            extensions: length > end + 2,
            length,
            specs: bytes[suites + 2..end].chunks(2).map(suite).collect(),
        }
    }
}

fn alert(version: u16, description: u8) -> Answer {
    Answer::Bytes(record_of(version, 21, &[2, description]))
}

fn flight(version: u16, suite: u16) -> Answer {
    let flight = [
        server_hello(version, suite, &[]),
        certificate(&[LEAF]),
        done(),
    ];
    Answer::Bytes(record_of(version, 22, &flight.concat()))
}

/// Climbs the ladder against a stub: the sets offered, and the version by which
/// the certificate came.
fn climb(ladder: &Ladder, stub: Stub) -> (Vec<String>, Option<TlsVersion>) {
    let client = Client::new();
    let mut tried: Vec<(Rung, Outcome)> = Vec::new();
    let mut next = Some(ladder.first());
    while let Some(rung) = next {
        let (mut conversation, hello) = client.open(rung, None, [7; 32]).unwrap();
        let ending = match stub(&Hello::read(&hello)) {
            Answer::Close => conversation.end(End::Closed),
            Answer::Hang => conversation.end(End::Deadline),
            Answer::Bytes(bytes) => match conversation.feed(&bytes) {
                Step::Done(ending) => ending,
                Step::NeedMore | Step::Send(_) => conversation.end(End::Closed),
            },
        };
        tried.push((rung, outcome(ending)));
        next = ladder.next(&tried);
    }
    let version = match &tried.last().unwrap().1 {
        Outcome::Certificate(presented) => Some(presented.session.version),
        _ => None,
    };
    let offered = tried.iter().map(|(rung, _)| rung.offered.to_string());
    (offered.collect(), version)
}

/// As the prober has it.
fn outcome(ending: Ending) -> Outcome {
    let phase = ending.phase;
    let chain = ending.certificates.and_then(Chain::from_wire);
    if let (Some(chain), Some(session)) = (chain, ending.session) {
        let truncated = None;
        return Outcome::Certificate(Box::new(Presented {
            chain,
            session,
            truncated,
        }));
    }
    match ending.cause {
        Cause::Alert(alert) => Outcome::TlsRefused(Refusal::Alert(phase, alert)),
        Cause::Closed => Outcome::TlsRefused(Refusal::Closed(phase)),
        Cause::Silence => Outcome::Silent(Phase::Hello),
        Cause::Malformed => Outcome::Broken(Broken::Malformed),
        other => panic!("{other:?}"),
    }
}

const CLEAR: &str = "tls1.2+tls1.1+tls1.0";
const PLAIN: &str = "tls1.0+ssl3";
const MIXED: &str = "tls1.0+ssl3+ssl2";

#[test]
fn a_server_that_answers_with_its_own_older_version_takes_one_connection() {
    for (version, stub) in [
        (0x0301, (|_| flight(0x0301, 0x002f)) as Stub),
        (0x0300, |_| flight(0x0300, 0x000a)),
    ] {
        let (offered, found) = climb(&Ladder::standard(), stub);
        assert_eq!(offered, [CLEAR]);
        assert_eq!(found, Some(TlsVersion(version)));
    }
}

#[test]
fn a_server_that_does_not_bear_a_newer_version_is_found() {
    let stubs: [Stub; 3] = [
        |hello| match hello.version {
            0x0302.. => alert(0x0301, Alert::PROTOCOL_VERSION.0),
            _ => flight(0x0301, 0x002f),
        },
        |hello| match hello.version {
            0x0302.. => Answer::Close,
            _ => flight(0x0301, 0x002f),
        },
        |hello| match hello.version {
            0x0302.. => alert(0x0301, Alert::HANDSHAKE_FAILURE.0),
            _ => flight(0x0301, 0x002f),
        },
    ];
    for stub in stubs {
        let (offered, found) = climb(&Ladder::standard(), stub);
        assert_eq!(offered, [CLEAR, "tls1.3", PLAIN]);
        assert_eq!(found, Some(TlsVersion::TLS_1_0));
        assert_eq!(climb(&Ladder::venafi(), stub).0, [MIXED]);
    }
}

#[test]
fn a_server_that_hangs_on_a_newer_version_an_extension_or_a_long_hello_is_found() {
    let stubs: [Stub; 3] = [
        |hello| match hello.version {
            0x0302.. => Answer::Hang,
            _ => flight(0x0301, 0x002f),
        },
        |hello| {
            if hello.extensions {
                Answer::Hang
            } else {
                flight(0x0301, 0x002f)
            }
        },
        |hello| match hello.length {
            256.. => Answer::Hang,
            _ => flight(0x0300, 0x0005),
        },
    ];
    for stub in stubs {
        let (offered, found) = climb(&Ladder::standard(), stub);
        assert_eq!(offered, [CLEAR, PLAIN]);
        assert!(found.is_some());
    }
}

#[test]
fn a_terminator_that_hangs_on_256_to_511_bytes_is_found_at_once() {
    let (offered, found) = climb(&Ladder::standard(), |hello| match hello.length {
        256..=511 | 1401.. => Answer::Hang,
        _ => flight(0x0303, 0xc02f),
    });
    assert_eq!(offered, [CLEAR]);
    assert_eq!(found, Some(TlsVersion::TLS_1_2));
}

#[test]
fn a_server_of_ssl_3_0_that_bears_nothing_newer_is_found() {
    let stubs: [Stub; 3] = [
        |hello| match (hello.version, hello.framed, hello.record_version) {
            (0x0300, false, 0x0300) => flight(0x0300, 0x0004),
            _ => alert(0x0300, Alert::HANDSHAKE_FAILURE.0),
        },
        |hello| match (hello.version, hello.framed) {
            (0x0300, false) => flight(0x0300, 0x0004),
            _ => alert(0x0300, Alert::PROTOCOL_VERSION.0),
        },
        |hello| match (hello.version, hello.extensions) {
            (0x0300, false) => flight(0x0300, 0x0004),
            _ => Answer::Close,
        },
    ];
    for stub in stubs {
        let (offered, found) = climb(&Ladder::standard(), stub);
        assert_eq!(offered, [CLEAR, "tls1.3", PLAIN, "ssl3"]);
        assert_eq!(found, Some(TlsVersion::SSL_3));
    }
}

/// Picks a kind of SSL 2.0, as a server of it alone does.
fn sslv2(hello: &Hello) -> Answer {
    let kind = [1, 0, 0x80];
    if hello.specs.contains(&0x01_0080) {
        Answer::Bytes(sslv2_server_hello(LEAF, &kind))
    } else {
        Answer::Bytes(SSLV2_ERROR.to_vec())
    }
}

#[test]
fn a_server_of_ssl_2_0_alone_is_found_whatever_it_does_about_tls() {
    let stubs: [(Stub, &[&str]); 4] = [
        (
            |hello| {
                if hello.framed {
                    sslv2(hello)
                } else {
                    Answer::Close
                }
            },
            &[CLEAR, "tls1.3", PLAIN, "ssl3", MIXED],
        ),
        (
            |hello| {
                if hello.framed {
                    sslv2(hello)
                } else {
                    Answer::Bytes(SSLV2_ERROR.to_vec())
                }
            },
            &[CLEAR, "tls1.3", PLAIN, "ssl3", MIXED],
        ),
        (
            |hello| {
                if hello.framed {
                    sslv2(hello)
                } else {
                    Answer::Hang
                }
            },
            &[CLEAR, PLAIN, MIXED],
        ),
        (
            |hello| match (hello.framed, hello.version) {
                (true, 2) => sslv2(hello),
                _ => Answer::Close,
            },
            &[CLEAR, "tls1.3", PLAIN, "ssl3", MIXED, "ssl2"],
        ),
    ];
    for (stub, expected) in stubs {
        let (offered, found) = climb(&Ladder::standard(), stub);
        assert_eq!(offered, expected);
        assert_eq!(found, Some(TlsVersion::SSL_2));
    }
}

#[test]
fn a_server_that_takes_only_the_frame_of_ssl_2_0_may_choose_ssl_3_0() {
    let (offered, found) = climb(&Ladder::standard(), |hello| {
        if hello.framed {
            flight(0x0300, 0x0005)
        } else {
            Answer::Close
        }
    });
    assert_eq!(offered.last().unwrap(), MIXED);
    assert_eq!(found, Some(TlsVersion::SSL_3));
}

#[test]
fn a_modern_server_under_the_field_s_own_ladder_is_found_on_its_third_set() {
    let stubs: [Stub; 3] = [
        // OpenSSL reads the frame, and has no version for it.
        |hello| match hello.version {
            0x0303 => flight(0x0303, 0xc02f),
            _ => alert(0x0301, Alert::PROTOCOL_VERSION.0),
        },
        // What takes the frame for the head of a longer record waits for it.
        |hello| match (hello.framed, hello.version) {
            (true, _) => Answer::Hang,
            (false, 0x0303) => flight(0x0303, 0xc02f),
            (false, _) => alert(0x0301, Alert::PROTOCOL_VERSION.0),
        },
        |hello| match hello.version {
            0x0303 => flight(0x0303, 0xc02f),
            _ => Answer::Close,
        },
    ];
    for stub in stubs {
        let (offered, found) = climb(&Ladder::venafi(), stub);
        assert_eq!(offered, [MIXED, PLAIN, CLEAR]);
        assert_eq!(found, Some(TlsVersion::TLS_1_2));
    }
}

#[test]
fn every_hello_keeps_to_what_intolerant_servers_can_bear() {
    const SEGMENT: usize = 1400;
    /// TLS_FALLBACK_SCSV, RFC 7507 section 2.
    const FALLBACK: u32 = 0x5600;
    let long: ServerName = vec!["abc"; 63].join(".").parse().unwrap();
    let ladders = [
        "tls1.1",
        "tls1.0",
        "tls1.2+tls1.1+tls1.0+ssl3",
        "tls1.2+ssl2",
    ]
    .map(|set| set.parse::<Ladder>().unwrap());
    let named = [Ladder::standard(), Ladder::gentle(), Ladder::venafi()];
    let client = Client::new();
    for rung in ladders.iter().chain(&named).flat_map(Ladder::rungs) {
        for name in [None, Some(&long)] {
            let (_, bytes) = client.open(rung, name, [7; 32]).unwrap();
            let hello = Hello::read(&bytes);
            assert!(hello.length <= SEGMENT, "{rung:?}: {}", hello.length);
            assert!(hello.record_version <= 0x0301, "{rung:?}");
            // TLS 1.3 is asked of servers that know better.
            let in_clear = !rung.offered.contains(TlsVersion::TLS_1_3);
            let hangs = (256..512).contains(&hello.length);
            assert!(!(in_clear && hangs), "{rung:?}: {}", hello.length);
            assert!(!hello.specs.contains(&FALLBACK), "{rung:?}");
        }
    }
}
