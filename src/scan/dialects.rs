//! A target and what its server said → the dialects it is asked in.
//!
//! A port that no dialect is forced on is asked in at most two: the one it
//! takes by its number, which may be TLS itself, and where the answer calls
//! for it another. Both are endpoints; of the second is told only where it
//! found more, so that a server which is dark, or speaks neither, is one.

use std::collections::HashMap;
use std::net::IpAddr;

use super::answers::Answers;
use super::expected::Expected;
use super::settings::Depth;
use super::subject::{OtherDialects, Subject};
use crate::domain::{
    Broken, Dialect, Endpoint, Observation, Outcome, OutcomeKind, Phase, Port, Refusal,
};
use crate::probe;
use crate::tls::Ladder;

/// What is offered in a dialect, where the port is asked in `first` first: of
/// a server that does not speak that, one direct hello tells whether it speaks
/// TLS.
pub(super) fn ladder(
    ladder: &Ladder,
    first: Dialect,
    dialect: Dialect,
    port: Port,
    depth: Depth,
) -> Ladder {
    let whole = probe::dialects::ladder(ladder, dialect, port);
    // It counts aborted handshakes, and locks out who makes too many.
    if [first, dialect].contains(&Dialect::Mysql) && depth != Depth::Thorough {
        first_rung(&whole)
    } else if first != dialect && dialect == Dialect::Tls {
        whole.while_it_speaks_tls()
    } else {
        whole
    }
}

/// The dialect of the second question about a subject, if there is one.
pub(super) fn second(subject: &Subject<'_>, seen: &Answers) -> Option<Dialect> {
    if subject.other_dialects == OtherDialects::Never {
        return None;
    }
    let first = subject.endpoint.dialect;
    probe::dialects::second(first, &subject.first_answer(seen, first)?.outcome)
}

/// The dialect in which the server may speak TLS, if it may.
pub(super) fn spoken(subject: &Subject<'_>, seen: &Answers) -> Option<Dialect> {
    let first = Some(subject.endpoint.dialect);
    let asked = first.into_iter().chain(second(subject, seen));
    let better = asked
        .filter_map(|dialect| subject.first_answer(seen, dialect))
        .min_by_key(|seen| Merit::of(&seen.outcome))?;
    probe::dialects::may_be_tls(&better.outcome).then_some(better.endpoint.dialect)
}

/// A ladder's first hello, and no other.
pub(super) fn first_rung(ladder: &Ladder) -> Ladder {
    let first = ladder.first();
    Ladder::of_one(first.offered).offering(first.alpn)
}

/// What an answer is worth beside one in another dialect; the least is the
/// best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Merit(OutcomeKind, Refused);

/// How a server refused: an alert shows that it speaks TLS, a close does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Refused {
    ByAlert,
    Wordlessly,
}

impl Merit {
    pub(super) fn of(answer: &Outcome) -> Self {
        let by_alert = matches!(answer, Outcome::TlsRefused(Refusal::Alert(..)));
        Self(
            answer.kind(),
            if by_alert {
                Refused::ByAlert
            } else {
                Refused::Wordlessly
            },
        )
    }
}

/// Drops what is not told of: the answers in a second dialect that found no
/// more at their address than the first did, unless certificates were expected
/// there, of which they speak.
pub(super) fn drop_fruitless(
    observations: &mut Vec<Observation>,
    first: Dialect,
    expected: &Expected,
) {
    if observations
        .iter()
        .all(|seen| seen.endpoint.dialect == first)
    {
        return;
    }
    let mut best: HashMap<(IpAddr, Dialect), Merit> = HashMap::new();
    for seen in observations.iter() {
        let merit = Merit::of(&seen.outcome);
        let place = (seen.endpoint.address, seen.endpoint.dialect);
        let best = best.entry(place).or_insert(merit);
        *best = merit.min(*best);
    }
    observations.retain(|seen| {
        let Endpoint {
            address,
            port,
            dialect,
            ..
        } = seen.endpoint;
        dialect == first
            || best.get(&(address, dialect)) < best.get(&(address, first))
            || expected.awaits(address, port, dialect)
    });
}

/// Whether a hello was met by nothing that ends before the time does.
pub(super) const fn is_silence(answer: &Outcome) -> bool {
    matches!(
        answer,
        Outcome::Silent(Phase::Hello) | Outcome::Broken(Broken::Deadline)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Alert, KeyType, NoCertificate, Pointer, Timestamp};
    use crate::scan::KnownNames;
    use crate::store::{Askers, KnownQuestion, Standing};
    use crate::target::Plan;

    #[test]
    fn mysql_gets_one_connection_a_question_unless_all_is_to_be_known() {
        let port = Port::new(3306).unwrap();
        let full = Ladder::default();
        for dialect in [Dialect::Mysql, Dialect::Tls] {
            let asked = |depth| ladder(&full, Dialect::Mysql, dialect, port, depth).to_string();
            assert_eq!(asked(Depth::Names), full.first().offered.to_string());
            assert_eq!(asked(Depth::Thorough), full.to_string());
        }
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
            left_out: None,
            asked_for: None,
            at: Timestamp::from_seconds(0),
            outcome,
            attempts: Vec::new(),
            pointer: Pointer::default(),
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
        drop_fruitless(&mut observations, Dialect::Smtp, &Expected::default());
        assert_eq!(observations, expected);
    }

    #[test]
    fn an_alert_in_the_second_dialect_is_told_of_beside_a_close_in_the_first() {
        let closed = |phase| Outcome::TlsRefused(Refusal::Closed(phase));
        let alert = Refusal::Alert(Phase::Hello, Alert::PROTOCOL_VERSION);
        let mut observations = vec![
            seen(Dialect::Smtp, 1, closed(Phase::Starttls)),
            seen(Dialect::Tls, 1, Outcome::TlsRefused(alert)),
            seen(Dialect::Smtp, 2, closed(Phase::Starttls)),
            seen(Dialect::Tls, 2, closed(Phase::Hello)),
        ];
        let expected = observations[..3].to_vec();
        drop_fruitless(&mut observations, Dialect::Smtp, &Expected::default());
        assert_eq!(observations, expected);
    }

    #[test]
    fn a_second_dialect_with_certificates_before_is_told_of_whatever_it_found() {
        let closed = |phase| Outcome::TlsRefused(Refusal::Closed(phase));
        let first = seen(Dialect::Smtp, 1, closed(Phase::Starttls));
        let second = seen(Dialect::Tls, 1, closed(Phase::Hello));
        let Endpoint { address, port, .. } = second.endpoint;
        let known = KnownQuestion {
            address,
            port,
            dialect: Dialect::Tls,
            server_name: None,
            key_type: KeyType::Rsa,
            askers: Askers::Own,
            standing: Standing::Current,
            asked_at: Timestamp::from_seconds(0),
        };
        let plan = Plan::builder().or_nothing().build().unwrap();
        let expected = Expected::new(&[], &[known], KnownNames::Listed, &plan);
        let elsewhere = seen(Dialect::Smtp, 2, closed(Phase::Starttls));
        let fruitless = seen(Dialect::Tls, 2, closed(Phase::Hello));
        let mut observations = vec![first.clone(), second.clone(), elsewhere.clone(), fruitless];
        drop_fruitless(&mut observations, Dialect::Smtp, &expected);
        assert_eq!(observations, [first, second, elsewhere]);
    }
}
