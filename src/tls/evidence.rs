use std::cmp::Reverse;

use crate::domain::{Alert, Broken, Outcome, Phase, ProtocolSet, Refusal, TlsVersion};

use super::ladder::{Climb, Ladder};
use super::rung::{Alpn, Rung, Shape, Suites};

/// RFC 5246 section 7.2.2: its suites are all stronger than ours.
const INSUFFICIENT_SECURITY: Alert = Alert(71);
/// RFC 8446 section 6.2.
const MISSING_EXTENSION: Alert = Alert(109);
/// RFC 7301 section 3.2.
const NO_APPLICATION_PROTOCOL: Alert = Alert(120);

impl Ladder {
    /// The rung that may still find what those `tried` did not, going by how
    /// they ended; `None` when the question is answered, or no hello would
    /// change the answer.
    ///
    /// No rung is climbed twice, but for a server that wants other application
    /// protocols: it is asked the same without any.
    #[must_use]
    pub fn next(&self, tried: &[(Rung, Outcome)]) -> Option<Rung> {
        let (rung, outcome) = tried.last()?;
        match outcome {
            _ if rung.suites == Suites::Anonymous => None,
            Outcome::TlsRefused(refusal)
                if self.climb == Climb::WhileTls && !matches!(refusal, Refusal::Alert(..)) =>
            {
                None
            }
            Outcome::Silent(_) if self.climb == Climb::WhileTls => None,
            Outcome::TlsRefused(Refusal::Alert(_, alert)) => self.after_alert(tried, *rung, *alert),
            // Before the hello there was nothing a hello could have changed.
            Outcome::TlsRefused(refusal) if phase(*refusal) < Phase::Hello => None,
            Outcome::TlsRefused(_) | Outcome::Broken(Broken::Malformed) => {
                self.untried(tried).next().or_else(|| self.anonymous(tried))
            }
            Outcome::Silent(Phase::Hello) => self.untried(tried).next(),
            Outcome::Silent(Phase::Connect | Phase::Starttls | Phase::Flight)
            | Outcome::Broken(Broken::TooLarge | Broken::Deadline | Broken::UnsupportedGroup(_))
            | Outcome::Certificate(_)
            | Outcome::NoCertificate(..)
            | Outcome::NotTls(..)
            | Outcome::Refused
            | Outcome::Filtered
            | Outcome::Unreachable
            | Outcome::Unresolved(_)
            | Outcome::Excluded(_)
            | Outcome::Fresh
            | Outcome::NotAttempted
            | Outcome::LocalError(_) => None,
        }
    }

    fn after_alert(&self, tried: &[(Rung, Outcome)], rung: Rung, alert: Alert) -> Option<Rung> {
        match alert {
            // It knows the extension, and not the name: an older hello, which
            // says no name, would be shown the certificate of another. One
            // that had no room for a name leads to one that has.
            Alert::UNRECOGNIZED_NAME if rung.shape() == Shape::Extended => None,
            Alert::UNRECOGNIZED_NAME => self
                .untried(tried)
                .find(|next| next.shape() == Shape::Extended),
            // Said by servers of TLS 1.3; from such a hello, mostly for want
            // of a name (RFC 8446 section 9.2).
            MISSING_EXTENSION => self
                .untried(tried)
                .find(|next| next.offered.contains(TlsVersion::TLS_1_3)),
            NO_APPLICATION_PROTOCOL if offered_protocols(rung) => Some(Rung {
                alpn: Alpn::Withheld,
                ..rung
            }),
            Alert::PROTOCOL_VERSION => self
                .untried(tried)
                .find(|next| may_answer(*next, rung))
                .or_else(|| self.anonymous(tried)),
            _ => self.untried(tried).next().or_else(|| self.anonymous(tried)),
        }
    }

    /// The last resort, once every rung was refused: a server that found no
    /// suite to its liking may have no certificate. It is asked by the newest
    /// hello that it so refused, but not in a frame of SSL 2.0: JSSE answers
    /// any with the same alert. A ladder of one rung means one hello, and one
    /// for a key type a certificate of that; they have no such resort.
    fn anonymous(&self, tried: &[(Rung, Outcome)]) -> Option<Rung> {
        if self.rungs().count() == 1 || self.key_type().is_some() || met_silence(tried) {
            return None;
        }
        let no_common_suite = |(rung, outcome): &&(Rung, Outcome)| {
            !rung.offered.contains(TlsVersion::TLS_1_3)
                && rung.shape() != Shape::Version2
                && matches!(
                    outcome,
                    Outcome::TlsRefused(Refusal::Alert(
                        Phase::Hello,
                        Alert::HANDSHAKE_FAILURE | INSUFFICIENT_SECURITY
                    ))
                )
        };
        let (rung, _) = tried
            .iter()
            .filter(no_common_suite)
            .min_by_key(|(rung, _)| Reverse(rung.offered.newest()))?;
        Some(Rung {
            suites: Suites::Anonymous,
            ..*rung
        })
    }

    /// The rungs that what was tried leaves worth a connection.
    fn untried(&self, tried: &[(Rung, Outcome)]) -> impl Iterator<Item = Rung> {
        let is_tried = |set: ProtocolSet| tried.iter().any(|(rung, _)| rung.offered == set);
        let withheld = tried.iter().any(|(rung, _)| rung.alpn == Alpn::Withheld);
        self.rungs()
            .filter(move |rung| !is_tried(rung.offered))
            .filter(|rung| !is_known_to_fail(*rung, tried))
            .map(move |rung| Rung {
                alpn: if withheld { Alpn::Withheld } else { rung.alpn },
                ..rung
            })
    }
}

/// Silence costs a whole timeout, so it allows one hello of each shape that
/// the server has not seen, two at most: another of the same would meet the
/// same silence. (A server of TLS 1.3 alone is not silent: it answers an older
/// hello with an alert, RFC 8446 appendix D.2.)
///
/// And a server that answers an SSL 2.0 frame with an alert has read it, and
/// speaks something newer: it has nothing for SSL 2.0 alone, which was offered.
fn is_known_to_fail(rung: Rung, tried: &[(Rung, Outcome)]) -> bool {
    let of_its_shape = |(earlier, _): &&(Rung, Outcome)| earlier.shape() == rung.shape();
    let mut alike = tried.iter().filter(of_its_shape);
    match rung.shape() {
        _ if met_silence(tried) => alike.next().is_some(),
        Shape::Extended | Shape::Plain => false,
        Shape::Version2 => alike.any(|(earlier, outcome)| {
            let alert = matches!(outcome, Outcome::TlsRefused(Refusal::Alert(..)));
            alert && earlier.offered.holds(rung.offered)
        }),
    }
}

/// Only a hello with extensions can have.
fn offered_protocols(rung: Rung) -> bool {
    rung.alpn != Alpn::Withheld && rung.shape() == Shape::Extended
}

const fn phase(refusal: Refusal) -> Phase {
    match refusal {
        Refusal::Alert(phase, _)
        | Refusal::Closed(phase)
        | Refusal::Reset(phase)
        | Refusal::Stalled(phase)
        | Refusal::Malformed(phase)
        | Refusal::TooLarge(phase) => phase,
    }
}

fn met_silence(tried: &[(Rung, Outcome)]) -> bool {
    tried
        .iter()
        .any(|(_, outcome)| matches!(outcome, Outcome::Silent(_)))
}

/// Whether a server that refused the versions of `refused` may take `next`: it
/// has a version that was not offered, or a lower one on top, for servers that
/// refuse a newer version where they should answer with an older. And what was
/// refused in a frame of SSL 2.0 may be taken in another.
fn may_answer(next: Rung, refused: Rung) -> bool {
    next.offered.newest() < refused.offered.newest()
        || !refused.offered.holds(next.offered)
        || (refused.shape() == Shape::Version2 && next.shape() != Shape::Version2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{KeyType, LocalFault, NamedGroup, NoCertificate, NotTls};

    fn alert(alert: Alert) -> Outcome {
        Outcome::TlsRefused(Refusal::Alert(Phase::Hello, alert))
    }

    fn closed() -> Outcome {
        Outcome::TlsRefused(Refusal::Closed(Phase::Hello))
    }

    const SILENT: Outcome = Outcome::Silent(Phase::Hello);

    /// The sets offered to a server that answers as told, from the first on.
    fn climb(ladder: &Ladder, answer: impl Fn(Rung) -> Outcome) -> Vec<String> {
        let mut tried = Vec::new();
        let mut next = Some(ladder.first());
        while let Some(rung) = next {
            assert!(tried.len() < 20, "it ends");
            tried.push((rung, answer(rung)));
            next = ladder.next(&tried);
        }
        let words = |(rung, _): &(Rung, Outcome)| match rung.suites {
            Suites::Certified => rung.offered.to_string(),
            Suites::Anonymous => format!("{} anonymous", rung.offered),
        };
        tried.iter().map(words).collect()
    }

    fn offers(set: &'static str) -> impl Fn(Rung) -> bool {
        move |rung| rung.offered.to_string() == set
    }

    const CLEAR: &str = "tls1.2+tls1.1+tls1.0";
    const MIXED: &str = "tls1.0+ssl3+ssl2";

    #[test]
    fn a_refusal_without_a_reason_leads_up_the_whole_ladder() {
        let refusals = [
            closed(),
            Outcome::TlsRefused(Refusal::Reset(Phase::Hello)),
            Outcome::TlsRefused(Refusal::Reset(Phase::Flight)),
            Outcome::Broken(Broken::Malformed),
        ];
        for refusal in refusals {
            assert_eq!(
                climb(&Ladder::standard(), |_| refusal.clone()),
                [CLEAR, "tls1.3", "tls1.0+ssl3", "ssl3", MIXED, "ssl2"],
            );
        }
    }

    #[test]
    fn a_server_that_always_answers_with_an_alert_costs_six_connections_at_most() {
        for refusal in [Alert::ILLEGAL_PARAMETER, Alert::PROTOCOL_VERSION, Alert(80)] {
            assert_eq!(
                climb(&Ladder::standard(), |_| alert(refusal)),
                [CLEAR, "tls1.3", "tls1.0+ssl3", "ssl3", MIXED],
                "what reads the frame of SSL 2.0 and answers in TLS has no SSL 2.0"
            );
        }
        for refusal in [Alert::HANDSHAKE_FAILURE, INSUFFICIENT_SECURITY] {
            let climbed = climb(&Ladder::standard(), |_| alert(refusal));
            assert_eq!(climbed.len(), 6);
            assert_eq!(climbed[5], "tls1.2+tls1.1+tls1.0 anonymous");
        }
    }

    #[test]
    fn whatever_a_server_answers_no_rung_is_climbed_twice() {
        let answers = [
            closed(),
            SILENT,
            alert(Alert::HANDSHAKE_FAILURE),
            alert(Alert::PROTOCOL_VERSION),
            alert(NO_APPLICATION_PROTOCOL),
        ];
        let ladders = [Ladder::standard(), Ladder::venafi(), Ladder::fast()];
        let mut pending: Vec<_> = ladders
            .iter()
            .map(|ladder| (ladder, ladder.first(), Vec::new()))
            .collect();
        while let Some((ladder, rung, tried)) = pending.pop() {
            let earlier: Vec<Rung> = tried.iter().map(|(rung, _)| *rung).collect();
            assert!(!earlier.contains(&rung), "{rung:?} after {tried:?}");
            assert!(rung.is_available());
            for answer in &answers {
                let mut tried = tried.clone();
                tried.push((rung, answer.clone()));
                let silent_for = tried.iter().skip_while(|(_, answer)| *answer != SILENT);
                let mut sets: Vec<_> = silent_for.map(|(rung, _)| rung.offered).collect();
                sets.dedup();
                assert!(sets.len() <= 3, "two more after silence: {tried:?}");
                if let Some(next) = ladder.next(&tried) {
                    pending.push((ladder, next, tried));
                }
            }
        }
    }

    #[test]
    fn what_no_other_hello_would_change_ends_it() {
        let ends = [
            Outcome::NoCertificate(NoCertificate::Anonymous, None),
            Outcome::NotTls(NotTls::Other, b"SSH-2.0".to_vec()),
            Outcome::NotTls(NotTls::StarttlsDeclined, Vec::new()),
            Outcome::Silent(Phase::Starttls),
            Outcome::TlsRefused(Refusal::Closed(Phase::Starttls)),
            Outcome::Broken(Broken::Deadline),
            Outcome::Broken(Broken::TooLarge),
            Outcome::Broken(Broken::UnsupportedGroup(NamedGroup(30))),
            Outcome::Refused,
            Outcome::Filtered,
            Outcome::Unreachable,
            Outcome::Excluded(String::new()),
            Outcome::LocalError(LocalFault::Internal(String::new())),
        ];
        for end in ends {
            assert_eq!(climb(&Ladder::standard(), |_| end.clone()), [CLEAR]);
        }
    }

    #[test]
    fn after_silence_each_shape_of_hello_is_tried_once() {
        let silent = |ladder: &Ladder| climb(ladder, |_| SILENT);
        let two_more = [CLEAR, "tls1.0+ssl3", MIXED];
        assert_eq!(silent(&Ladder::standard()), two_more);
        assert_eq!(silent(&Ladder::fast()), [CLEAR]);
        assert_eq!(silent(&Ladder::gentle()), ["tls1.3+tls1.2"]);
        assert_eq!(silent(&Ladder::venafi()), [MIXED, "tls1.0+ssl3", CLEAR]);
        let then_refuses = climb(&Ladder::standard(), |rung| match rung {
            _ if offers(CLEAR)(rung) => SILENT,
            _ => alert(Alert::HANDSHAKE_FAILURE),
        });
        assert_eq!(then_refuses, two_more);
        let later = climb(&Ladder::standard(), |rung| match rung {
            _ if offers("tls1.0+ssl3")(rung) => SILENT,
            _ => closed(),
        });
        assert_eq!(later, [CLEAR, "tls1.3", "tls1.0+ssl3", MIXED]);
    }

    #[test]
    fn a_refused_version_is_followed_by_a_rung_that_may_answer() {
        let ladder: Ladder = "tls1.2+tls1.1,tls1.2,tls1.0,tls1.3".parse().unwrap();
        assert_eq!(
            climb(&ladder, |_| alert(Alert::PROTOCOL_VERSION)),
            ["tls1.2+tls1.1", "tls1.0", "tls1.2", "tls1.3"],
            "what was offered to no avail comes after what was not"
        );
        let failure = climb(&ladder, |_| alert(Alert::ILLEGAL_PARAMETER));
        assert_eq!(failure, ["tls1.2+tls1.1", "tls1.2", "tls1.0", "tls1.3"]);
        let venafi = climb(&Ladder::venafi(), |_| alert(Alert::PROTOCOL_VERSION));
        assert_eq!(venafi, [MIXED, "tls1.0+ssl3", CLEAR, "ssl3"]);
    }

    #[test]
    fn a_hello_on_the_off_chance_is_followed_only_where_tls_is_spoken() {
        let ladder = Ladder::standard().while_it_speaks_tls();
        let closed = climb(&ladder, |_| {
            Outcome::TlsRefused(Refusal::Closed(Phase::Hello))
        });
        assert_eq!(closed, [CLEAR]);
        let silent = climb(&ladder, |_| Outcome::Silent(Phase::Hello));
        assert_eq!(silent, [CLEAR]);
        let version = climb(&ladder, |_| alert(Alert::PROTOCOL_VERSION));
        assert_eq!(version.get(1).map(String::as_str), Some("tls1.3"));
    }

    #[test]
    fn an_unrecognized_name_ends_it_since_an_older_hello_would_find_another() {
        let unrecognized = climb(&Ladder::standard(), |_| alert(Alert::UNRECOGNIZED_NAME));
        assert_eq!(unrecognized, [CLEAR]);
        let named = climb(&Ladder::venafi(), |_| alert(Alert::UNRECOGNIZED_NAME));
        assert_eq!(named, [MIXED, CLEAR], "the first had no room for a name");
        let missing = climb(&Ladder::standard(), |_| alert(MISSING_EXTENSION));
        assert_eq!(missing, [CLEAR, "tls1.3"]);
    }

    #[test]
    fn a_server_that_wants_other_application_protocols_is_asked_without() {
        let ladder = Ladder::fast();
        let refused = alert(NO_APPLICATION_PROTOCOL);
        let with = ladder.first();
        let without = Rung {
            alpn: Alpn::Withheld,
            ..with
        };
        let mut tried = vec![(with, refused.clone())];
        assert_eq!(ladder.next(&tried), Some(without));
        tried.push((without, refused.clone()));
        let next = ladder.next(&tried).unwrap();
        assert_eq!(next.offered, ProtocolSet::TLS_1_3);
        assert_eq!(next.alpn, Alpn::Withheld, "it is known not to like them");
        tried.push((next, refused));
        assert_eq!(ladder.next(&tried), None);
    }

    #[test]
    fn a_server_that_likes_no_suite_is_last_asked_for_those_without_a_certificate() {
        let refuses = |ladder: &str, first: Alert, then: Alert| {
            let ladder: Ladder = ladder.parse().unwrap();
            let first_rung = ladder.first();
            climb(&ladder, |rung| match rung {
                _ if rung == first_rung => alert(first),
                _ => alert(then),
            })
        };
        let (failure, version) = (Alert::HANDSHAKE_FAILURE, Alert::PROTOCOL_VERSION);
        let fast = "tls1.2+tls1.1+tls1.0,tls1.3";
        let anonymous = "tls1.2+tls1.1+tls1.0 anonymous";
        assert_eq!(
            refuses(fast, failure, version),
            [CLEAR, "tls1.3", anonymous]
        );
        let no_suite_was_looked_at = refuses(fast, version, failure);
        assert_eq!(no_suite_was_looked_at, [CLEAR, "tls1.3"]);
        assert_eq!(refuses(CLEAR, failure, failure), [CLEAR], "one is one");
        let newest_that_was_read = refuses("venafi", failure, failure);
        assert_eq!(newest_that_was_read.last().unwrap(), anonymous);
        let frame = refuses("tls1.0+ssl3+ssl2,ssl3", failure, version);
        assert_eq!(frame, [MIXED, "ssl3"], "that it does not read the frame");
    }

    #[test]
    fn a_ladder_for_one_key_type_has_neither_old_rungs_nor_a_last_resort() {
        let ladder = Ladder::standard().restricted_to(KeyType::Ecdsa).unwrap();
        for refusal in [alert(Alert::HANDSHAKE_FAILURE), closed()] {
            assert_eq!(climb(&ladder, |_| refusal.clone()), [CLEAR, "tls1.3"]);
        }
        assert_eq!(climb(&ladder, |_| SILENT), [CLEAR]);
    }
}
