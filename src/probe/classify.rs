use std::io;

use crate::domain::{
    Broken, Chain, Der, LocalFault, NoCertificate, NotTls, Outcome, Phase, Presented, Refusal,
    Session,
};
use crate::net::DialError;
use crate::pace::Denied;
use crate::starttls::Verdict;
use crate::tls::{Cause, End, Ending};

/// How one attempt ended.
#[derive(Debug)]
pub(super) enum Finish {
    /// The scan stopped before the dial, or the hours in which it may be made
    /// were over.
    Stopped,
    /// The endpoint is never to be touched, and why.
    Excluded(String),
    /// There was no connection.
    Undialled(DialError),
    /// Our timer ended the wait for one.
    ConnectTimeout,
    /// There was one, and it ended before a word was said of those that
    /// precede TLS.
    Wordless(End),
    /// Words came of those that precede TLS, and the time was over before
    /// they led anywhere.
    Unfinished,
    /// The words before TLS did not lead to it.
    Over(Verdict),
    /// There was TLS, or what came in its place, and this is what it told.
    Ended(Box<Ending>),
    /// It failed on this machine.
    Local(LocalFault),
}

impl From<Denied> for Finish {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Excluded { reason } => Self::Excluded(reason),
            Denied::OutOfHours => Self::Stopped,
        }
    }
}

/// What an attempt's end means.
pub(super) fn outcome(finish: Finish) -> Outcome {
    match finish {
        Finish::Stopped => Outcome::NotAttempted,
        Finish::Excluded(reason) => Outcome::Excluded(reason),
        Finish::Undialled(DialError::Refused) => Outcome::Refused,
        Finish::Undialled(DialError::Unreachable) => Outcome::Unreachable,
        Finish::Undialled(DialError::TimedOut) | Finish::ConnectTimeout => Outcome::Filtered,
        Finish::Undialled(DialError::Local(fault)) | Finish::Local(fault) => {
            Outcome::LocalError(fault)
        }
        Finish::Wordless(End::Closed) => Outcome::TlsRefused(Refusal::Closed(Phase::Starttls)),
        Finish::Wordless(End::Reset) => Outcome::TlsRefused(Refusal::Reset(Phase::Starttls)),
        Finish::Wordless(End::Deadline) => Outcome::Silent(Phase::Starttls),
        Finish::Unfinished => Outcome::Broken(Broken::Deadline),
        Finish::Over(verdict) => without_tls(verdict),
        Finish::Ended(ending) => answered(*ending),
    }
}

/// What an error of an established connection means: an end, or a fault of
/// ours.
pub(super) fn end(error: &io::Error) -> Result<End, LocalFault> {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected => Ok(End::Reset),
        io::ErrorKind::UnexpectedEof => Ok(End::Closed),
        // The peer, or the way to it, has gone without a word.
        io::ErrorKind::TimedOut
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable => Ok(End::Deadline),
        io::ErrorKind::OutOfMemory => Err(LocalFault::Exhausted(error.to_string())),
        _ => Err(LocalFault::Network(error.to_string())),
    }
}

/// The words before TLS did not lead to it.
fn without_tls(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Declined(said) => Outcome::NotTls(NotTls::StarttlsDeclined, said),
        Verdict::Plain(said) => Outcome::NotTls(NotTls::Other, said),
        Verdict::Foreign(said) => Outcome::NotTls(NotTls::Foreign, said),
        Verdict::Malformed => Outcome::Broken(Broken::Malformed),
        Verdict::TooLarge => Outcome::Broken(Broken::TooLarge),
    }
}

fn answered(ending: Ending) -> Outcome {
    let Ending {
        cause,
        phase,
        session,
        certificates,
    } = ending;
    match (session, certificates) {
        (Some(session), Some(certificates)) => listed(&cause, phase, session, certificates),
        (session, _) => unlisted(cause, phase, session),
    }
}

/// A Certificate message came, whatever came after it.
fn listed(cause: &Cause, phase: Phase, session: Session, certificates: Vec<Der>) -> Outcome {
    let Some(chain) = Chain::from_wire(certificates) else {
        return Outcome::NoCertificate(NoCertificate::EmptyList, Some(Box::new(session)));
    };
    Outcome::Certificate(Box::new(Presented {
        chain,
        session,
        truncated: match *cause {
            Cause::Complete => None,
            Cause::Alert(alert) => Some(Refusal::Alert(phase, alert)),
            Cause::Closed => Some(Refusal::Closed(phase)),
            Cause::Reset => Some(Refusal::Reset(phase)),
            Cause::Silence | Cause::Stalled => Some(Refusal::Stalled(phase)),
            Cause::Malformed | Cause::UnsupportedGroup(_) | Cause::NotTls(_) => {
                Some(Refusal::Malformed(phase))
            }
            Cause::TooLarge => Some(Refusal::TooLarge(phase)),
        },
    }))
}

/// No certificate came.
fn unlisted(cause: Cause, phase: Phase, session: Option<Session>) -> Outcome {
    match cause {
        Cause::Complete => Outcome::NoCertificate(NoCertificate::Anonymous, session.map(Box::new)),
        Cause::Alert(alert) => Outcome::TlsRefused(Refusal::Alert(phase, alert)),
        Cause::Closed => Outcome::TlsRefused(Refusal::Closed(phase)),
        Cause::Reset => Outcome::TlsRefused(Refusal::Reset(phase)),
        Cause::Silence => Outcome::Silent(phase),
        Cause::Stalled => Outcome::Broken(Broken::Deadline),
        Cause::Malformed => Outcome::Broken(Broken::Malformed),
        Cause::TooLarge => Outcome::Broken(Broken::TooLarge),
        Cause::UnsupportedGroup(group) => Outcome::Broken(Broken::UnsupportedGroup(group)),
        Cause::NotTls(first) => Outcome::NotTls(NotTls::Other, first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Alert, CipherSuite, NamedGroup, TlsVersion};

    fn ending(cause: Cause, certificates: Option<Vec<Der>>) -> Outcome {
        outcome(Finish::Ended(Box::new(Ending {
            cause,
            phase: Phase::Flight,
            session: certificates.is_some().then_some(Session {
                version: TlsVersion::TLS_1_2,
                cipher_suite: CipherSuite(0xc02f),
                key_exchange: None,
                alpn: None,
                client_auth: None,
                acceptable_issuers: Vec::new(),
                ocsp_staple: None,
            }),
            certificates,
        })))
    }

    fn every_cause() -> Vec<Cause> {
        vec![
            Cause::Complete,
            Cause::Alert(Alert::HANDSHAKE_FAILURE),
            Cause::Closed,
            Cause::Reset,
            Cause::Silence,
            Cause::Stalled,
            Cause::Malformed,
            Cause::TooLarge,
            Cause::UnsupportedGroup(NamedGroup(0x0029)),
            Cause::NotTls(b"x".to_vec()),
        ]
    }

    #[test]
    fn a_leaf_is_a_certificate_whatever_followed_it() {
        for cause in every_cause() {
            let complete = cause == Cause::Complete;
            let outcome = ending(cause, Some(vec![Der::from(&b"leaf"[..])]));
            let Outcome::Certificate(presented) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(presented.truncated.is_none(), complete);
        }
    }

    #[test]
    fn without_a_leaf_the_cause_decides() {
        let words: Vec<String> = every_cause()
            .into_iter()
            .map(|cause| {
                let outcome = ending(cause, None);
                format!("{} {}", outcome.kind(), outcome.detail())
            })
            .collect();
        assert_eq!(
            words,
            [
                "no-certificate anonymous",
                "tls-refused alert handshake_failure(40) at flight",
                "tls-refused closed at flight",
                "tls-refused reset at flight",
                "silent flight",
                "broken deadline",
                "broken malformed",
                "broken too-large",
                "broken unsupported-group curveSM2",
                "not-tls ",
            ]
        );
        let empty = ending(Cause::Closed, Some(Vec::new()));
        assert_eq!(empty.detail(), "empty-list");
    }

    #[test]
    fn a_failed_dial_is_told_by_whose_doing_it_was() {
        let exhausted = LocalFault::Exhausted("no descriptors".to_owned());
        let dials = [
            (DialError::Refused, Outcome::Refused),
            (DialError::Unreachable, Outcome::Unreachable),
            (DialError::TimedOut, Outcome::Filtered),
            (
                DialError::Local(exhausted.clone()),
                Outcome::LocalError(exhausted),
            ),
        ];
        for (error, expected) in dials {
            assert_eq!(outcome(Finish::Undialled(error)), expected);
        }
        assert_eq!(outcome(Finish::ConnectTimeout), Outcome::Filtered);
    }

    #[test]
    fn words_that_lead_to_no_tls_are_told_by_what_was_said() {
        let said = || b"220 x".to_vec();
        let finishes = [
            Finish::Wordless(End::Closed),
            Finish::Wordless(End::Reset),
            Finish::Wordless(End::Deadline),
            Finish::Unfinished,
            Finish::Over(Verdict::Declined(said())),
            Finish::Over(Verdict::Plain(said())),
            Finish::Over(Verdict::Foreign(said())),
            Finish::Over(Verdict::Malformed),
            Finish::Over(Verdict::TooLarge),
        ];
        let outcomes = [
            Outcome::TlsRefused(Refusal::Closed(Phase::Starttls)),
            Outcome::TlsRefused(Refusal::Reset(Phase::Starttls)),
            Outcome::Silent(Phase::Starttls),
            Outcome::Broken(Broken::Deadline),
            Outcome::NotTls(NotTls::StarttlsDeclined, said()),
            Outcome::NotTls(NotTls::Other, said()),
            Outcome::NotTls(NotTls::Foreign, said()),
            Outcome::Broken(Broken::Malformed),
            Outcome::Broken(Broken::TooLarge),
        ];
        assert_eq!(finishes.map(outcome), outcomes);
    }

    #[test]
    fn an_error_on_the_wire_is_the_peers_end_or_our_fault() {
        let end_of = |kind: io::ErrorKind| end(&kind.into());
        assert_eq!(end_of(io::ErrorKind::ConnectionReset), Ok(End::Reset));
        assert_eq!(end_of(io::ErrorKind::BrokenPipe), Ok(End::Reset));
        assert_eq!(end_of(io::ErrorKind::ConnectionAborted), Ok(End::Reset));
        assert_eq!(end_of(io::ErrorKind::UnexpectedEof), Ok(End::Closed));
        assert_eq!(end_of(io::ErrorKind::TimedOut), Ok(End::Deadline));
        assert_eq!(end_of(io::ErrorKind::HostUnreachable), Ok(End::Deadline));
        let ours = end_of(io::ErrorKind::PermissionDenied);
        assert!(matches!(ours, Err(LocalFault::Network(_))));
        let ours = end_of(io::ErrorKind::OutOfMemory);
        assert!(matches!(ours, Err(LocalFault::Exhausted(_))));
    }
}
