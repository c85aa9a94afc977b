//! A target and what its server said → the dialects it is asked in.
//!
//! A port that no dialect is forced on is asked in at most two: the one it
//! takes by its number, which may be TLS itself, and where the answer calls
//! for it another.

use crate::domain::{Dialect, KeyType, NotTls, Outcome, Phase, Port, Refusal, Target};
use crate::starttls;
use crate::tls::{Alpn, Ladder};

/// The types of key that a hello can ask for.
pub const KEY_TYPES: [KeyType; 3] = [KeyType::Rsa, KeyType::Ecdsa, KeyType::Eddsa];

/// The dialect of a target's first question: the one forced on the port, else
/// the one it takes by its number.
#[must_use]
pub fn first(target: &Target) -> Dialect {
    let by_number = || starttls::by_port(target.port).map(|protocol| protocol.dialect);
    target.dialect.or_else(by_number).unwrap_or_default()
}

/// The dialect of the second question of a port that none is forced on, if
/// the answer to the first calls for one: a direct hello where the server
/// does not speak the port's dialect, or the dialect in which it greeted a
/// direct hello.
#[must_use]
pub fn second(first: Dialect, answer: &Outcome) -> Option<Dialect> {
    match (first, answer) {
        (Dialect::Tls, Outcome::NotTls(_, said)) => {
            starttls::recognised(said).map(|protocol| protocol.dialect)
        }
        (Dialect::Tls, _) => None,
        (_, answer) => is_not_spoken(answer).then_some(Dialect::Tls),
    }
}

/// What is offered in a dialect: behind its words no application protocol is
/// left to choose, and without them a port may insist on the one that stands
/// for them.
#[must_use]
pub fn ladder(ladder: &Ladder, dialect: Dialect, port: Port) -> Ladder {
    let ladder = ladder.clone();
    if dialect != Dialect::Tls {
        return ladder.offering(Alpn::Withheld);
    }
    match starttls::by_port(port).map(|protocol| protocol.application_protocols) {
        None | Some([]) => ladder,
        Some(own) => ladder.offering(Alpn::Offered(own)),
    }
}

/// Whether a hello was sent and not answered in plain text, so that another
/// hello may find more.
#[must_use]
pub fn may_be_tls(answer: &Outcome) -> bool {
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

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::domain::{Alert, Broken, Host};

    #[test]
    fn a_direct_hello_follows_only_where_the_dialect_is_not_spoken() {
        let said = || b"\x15\x03\x01".to_vec();
        let closed = |phase| Outcome::TlsRefused(Refusal::Closed(phase));
        for (answer, expected) in [
            (Outcome::NotTls(NotTls::Foreign, said()), true),
            (Outcome::Silent(Phase::Starttls), true),
            (closed(Phase::Starttls), true),
            (Outcome::TlsRefused(Refusal::Reset(Phase::Starttls)), true),
            (Outcome::NotTls(NotTls::StarttlsDeclined, said()), false),
            (Outcome::NotTls(NotTls::Other, said()), false),
            (Outcome::Silent(Phase::Hello), false),
            (closed(Phase::Hello), false),
            (
                Outcome::TlsRefused(Refusal::Alert(Phase::Hello, Alert::HANDSHAKE_FAILURE)),
                false,
            ),
            (Outcome::Broken(Broken::Malformed), false),
            (Outcome::Refused, false),
            (Outcome::Filtered, false),
        ] {
            let direct = expected.then_some(Dialect::Tls);
            assert_eq!(second(Dialect::Smtp, &answer), direct, "{answer:?}");
        }
        let banner = Outcome::NotTls(NotTls::Other, b"SSH-2.0-x\r\n".to_vec());
        assert_eq!(second(Dialect::Tls, &banner), None);
    }

    #[test]
    fn a_forced_dialect_is_the_first() {
        let mut target = Target {
            host: Host::Address(IpAddr::from([10, 0, 0, 1])),
            port: Port::HTTPS,
            dialect: Some(Dialect::Smtp),
        };
        assert_eq!(first(&target), Dialect::Smtp);
        target.dialect = None;
        assert_eq!(first(&target), Dialect::Tls);
    }

    #[test]
    fn application_protocols_are_offered_to_direct_hellos_alone() {
        let standard = Ladder::default();
        let offered = |dialect| ladder(&standard, dialect, Port::HTTPS).first().alpn;
        assert_eq!(offered(Dialect::Tls), Alpn::WEB);
        assert_eq!(offered(Dialect::Smtp), Alpn::Withheld);
    }
}
