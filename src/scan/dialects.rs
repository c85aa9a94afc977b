//! A target and what its server said → the dialects it is asked in.
//!
//! A port that no dialect is forced on is asked in at most two: the one it
//! takes by its number, which may be TLS itself, and where the answer calls
//! for it another. Both are endpoints; of the second is told only where it
//! found more, so that a server which is dark, or speaks neither, is one.

use std::collections::HashMap;
use std::net::IpAddr;

use super::settings::Depth;
use crate::domain::{
    Dialect, Endpoint, NotTls, Observation, Outcome, OutcomeKind, Phase, Port, Refusal, Target,
};
use crate::starttls;
use crate::tls::{Alpn, Ladder};

/// The dialect of a target's first question: the one forced on the port, else
/// the one it takes by its number.
pub(super) fn first(target: &Target) -> Dialect {
    let by_number = || starttls::by_port(target.port).map(|protocol| protocol.dialect);
    target.dialect.or_else(by_number).unwrap_or_default()
}

/// The dialect of the second question, if the answer to the first calls for
/// one: a direct hello where the server does not speak the port's dialect, or
/// the dialect in which it greeted a direct hello.
pub(super) fn second(first: Dialect, answer: &Outcome) -> Option<Dialect> {
    match (first, answer) {
        (Dialect::Tls, Outcome::NotTls(_, said)) => {
            starttls::recognised(said).map(|protocol| protocol.dialect)
        }
        (Dialect::Tls, _) => None,
        (_, answer) => is_not_spoken(answer).then_some(Dialect::Tls),
    }
}

/// What is offered in a dialect.
pub(super) fn ladder(ladder: &Ladder, dialect: Dialect, port: Port, depth: Depth) -> Ladder {
    match dialect {
        // Without the words of its dialect, a port may insist on the
        // application protocol that stands for them.
        Dialect::Tls => match starttls::by_port(port) {
            Some(protocol) if !protocol.application_protocols.is_empty() => ladder
                .clone()
                .offering(Alpn::Offered(protocol.application_protocols)),
            Some(_) | None => ladder.clone(),
        },
        // It counts aborted handshakes, and locks out who makes too many.
        Dialect::Mysql if depth != Depth::Thorough => {
            Ladder::of_one(ladder.first().offered).offering(Alpn::Withheld)
        }
        _ => ladder.clone().offering(Alpn::Withheld),
    }
}

/// Drops what is not told of: the answers in a second dialect that found no
/// more at their address than the first did.
pub(super) fn drop_fruitless(observations: &mut Vec<Observation>, first: Dialect) {
    let mut best: HashMap<(IpAddr, Dialect), OutcomeKind> = HashMap::new();
    for seen in observations.iter() {
        let kind = seen.outcome.kind();
        let place = (seen.endpoint.address, seen.endpoint.dialect);
        let best = best.entry(place).or_insert(kind);
        *best = kind.min(*best);
    }
    observations.retain(|seen| {
        let Endpoint {
            address, dialect, ..
        } = seen.endpoint;
        dialect == first || best.get(&(address, dialect)) < best.get(&(address, first))
    });
}

/// Whether a server left a dialogue the way one does that speaks another
/// protocol. One that declined speaks it, and one that did not take the
/// connection is not asked again.
fn is_not_spoken(answer: &Outcome) -> bool {
    matches!(
        answer,
        Outcome::NotTls(NotTls::Foreign, _)
            | Outcome::Silent(Phase::Starttls)
            | Outcome::TlsRefused(
                Refusal::Closed(Phase::Starttls) | Refusal::Reset(Phase::Starttls)
            )
    )
}

/// Whether a hello was sent and not answered in plain text, so that asking
/// for another name may find more.
pub(super) fn may_be_tls(answer: &Outcome) -> bool {
    match answer {
        Outcome::Certificate(_) | Outcome::NoCertificate(..) | Outcome::Broken(_) => true,
        Outcome::Silent(phase)
        | Outcome::TlsRefused(
            Refusal::Alert(phase, _)
            | Refusal::Closed(phase)
            | Refusal::Reset(phase)
            | Refusal::Stalled(phase)
            | Refusal::Malformed(phase)
            | Refusal::TooLarge(phase),
        ) => *phase > Phase::Starttls,
        Outcome::NotTls(..)
        | Outcome::Refused
        | Outcome::Filtered
        | Outcome::Unreachable
        | Outcome::Unresolved(_)
        | Outcome::Excluded(_)
        | Outcome::Fresh
        | Outcome::NotAttempted
        | Outcome::LocalError(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Alert, Broken, Host, NoCertificate, Timestamp};

    #[test]
    fn a_direct_hello_follows_only_where_the_dialect_is_not_spoken() {
        let said = b"\x15\x03\x01".to_vec();
        let closed = |phase| Outcome::TlsRefused(Refusal::Closed(phase));
        for answer in [
            Outcome::NotTls(NotTls::Foreign, said.clone()),
            Outcome::Silent(Phase::Starttls),
            closed(Phase::Starttls),
            Outcome::TlsRefused(Refusal::Reset(Phase::Starttls)),
        ] {
            let second = second(Dialect::Smtp, &answer);
            assert_eq!(second, Some(Dialect::Tls), "{answer:?}");
        }
        for answer in [
            Outcome::NotTls(NotTls::StarttlsDeclined, said.clone()),
            Outcome::NotTls(NotTls::Other, said),
            Outcome::Silent(Phase::Hello),
            closed(Phase::Hello),
            Outcome::TlsRefused(Refusal::Alert(Phase::Hello, Alert::HANDSHAKE_FAILURE)),
            Outcome::Broken(Broken::Malformed),
            Outcome::NoCertificate(NoCertificate::Anonymous, None),
            Outcome::Refused,
            Outcome::Filtered,
            Outcome::Unreachable,
            Outcome::Excluded(String::new()),
            Outcome::NotAttempted,
        ] {
            assert_eq!(second(Dialect::Smtp, &answer), None, "{answer:?}");
        }
    }

    #[test]
    fn a_forced_dialect_is_the_first() {
        let target = Target {
            host: Host::Address(IpAddr::from([10, 0, 0, 1])),
            port: Port::HTTPS,
            dialect: Some(Dialect::Smtp),
        };
        assert_eq!(first(&target), Dialect::Smtp);
        let bare = Target {
            dialect: None,
            ..target
        };
        assert_eq!(first(&bare), Dialect::Tls);
    }

    #[test]
    fn mysql_gets_one_connection_a_question_unless_all_is_to_be_known() {
        let port = Port::new(3306).unwrap();
        let full = Ladder::default();
        let asked = |depth| ladder(&full, Dialect::Mysql, port, depth).to_string();
        assert_eq!(asked(Depth::Names), full.first().offered.to_string());
        assert_eq!(asked(Depth::Thorough), full.to_string());
    }

    fn seen(dialect: Dialect, last_octet: u8, outcome: Outcome) -> Observation {
        Observation {
            endpoint: Endpoint::tcp(
                "default".parse().unwrap(),
                IpAddr::from([10, 0, 0, last_octet]),
                Port::new(25).unwrap(),
                dialect,
            ),
            server_name: None,
            asked_for: None,
            at: Timestamp::from_seconds(0),
            outcome,
            attempts: Vec::new(),
            pointer: None,
            survey: None,
        }
    }

    #[test]
    fn a_second_dialect_is_told_of_where_it_found_more() {
        let found = Outcome::NoCertificate(NoCertificate::Anonymous, None);
        let mut observations = vec![
            seen(Dialect::Smtp, 1, Outcome::Silent(Phase::Starttls)),
            seen(Dialect::Tls, 1, Outcome::Silent(Phase::Hello)),
            seen(Dialect::Smtp, 2, Outcome::Silent(Phase::Starttls)),
            seen(Dialect::Tls, 2, found.clone()),
            seen(Dialect::Tls, 2, Outcome::Filtered),
            seen(Dialect::Smtp, 3, found),
        ];
        let mut expected = observations.clone();
        expected.remove(1);
        drop_fruitless(&mut observations, Dialect::Smtp);
        assert_eq!(observations, expected);
    }
}
