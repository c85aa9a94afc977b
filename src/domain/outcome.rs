use std::fmt;
use std::str::FromStr;

use super::{Alert, NamedGroup, Phase, Presented, Session};

/// What became of a target, an endpoint, a question or one attempt.
///
/// What a peer does is data, never an error; our own faults have a variant of
/// their own, so that nothing is said about a target that was our doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// At least the leaf arrived.
    Certificate(Box<Presented>),
    /// TLS was spoken, and there is no certificate to be had.
    NoCertificate(NoCertificate, Option<Box<Session>>),
    /// An alert, a close or a reset instead of a flight.
    TlsRefused(Refusal),
    /// It answered something else: the first bytes, bounded.
    NotTls(NotTls, Vec<u8>),
    /// TCP open, nothing said within the deadline.
    Silent(Phase),
    /// Malformed, over a size limit, or dripping into the deadline.
    Broken(Broken),
    /// TCP reset in answer to the SYN (nmap: closed).
    Refused,
    /// No answer to the SYN.
    Filtered,
    /// ICMP unreachable.
    Unreachable,
    /// The name has no address.
    Unresolved(Unresolved),
    /// Never touched, and why.
    Excluded(String),
    /// Looked at recently enough.
    Fresh,
    /// The scan ended first.
    NotAttempted,
    /// Our own fault; it says nothing about the target.
    LocalError(LocalFault),
}

/// The words of [`Outcome`], best first: a name's outcome is the best of its
/// addresses', an endpoint's the best of its questions'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the variant of Outcome of that name")]
pub enum OutcomeKind {
    Certificate,
    NoCertificate,
    TlsRefused,
    NotTls,
    Silent,
    Broken,
    Refused,
    Filtered,
    Unreachable,
    Unresolved,
    Excluded,
    Fresh,
    NotAttempted,
    LocalError,
}

/// A word that is none of the outcomes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an outcome")]
pub struct UnknownOutcome(pub String);

/// Why a server that speaks TLS has no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoCertificate {
    /// Its Certificate message listed nothing.
    EmptyList,
    /// It chose an anonymous, PSK or otherwise certificate-less suite.
    Anonymous,
    /// Its default certificate, which it shows to others, to a name that it is
    /// not for and that leads elsewhere.
    Default,
    /// The same, to a name of which the DNS did not tell where it leads: nobody
    /// knows whether that is what its visitors see.
    Unplaced,
}

/// What a server speaks instead of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotTls {
    /// Another protocol, or one we know that begins no TLS.
    Other,
    /// Another protocol than the dialect it was asked in: a direct hello may
    /// do better.
    Foreign,
    /// The dialect it was asked in; it declined to begin TLS.
    StarttlsDeclined,
}

/// How a server turned us away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A fatal alert, or close_notify.
    Alert(Phase, Alert),
    /// FIN.
    Closed(Phase),
    /// RST; it counts as a close.
    Reset(Phase),
    /// Nothing more came within the deadline.
    Stalled(Phase),
    /// What came could not be read on.
    Malformed(Phase),
    /// More came than the reader's limits allow.
    TooLarge(Phase),
}

/// How a peer that spoke failed to make sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// Bytes that no version of TLS allows.
    Malformed,
    /// More than the reader's limits allow.
    TooLarge,
    /// It kept talking until the deadline.
    Deadline,
    /// Well-formed TLS that we can't go on with: it insists on this key
    /// exchange, which nothing here computes.
    UnsupportedGroup(NamedGroup),
}

/// Why a name has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unresolved {
    /// NXDOMAIN (RFC 2308 section 2.1).
    NoSuchName,
    /// The name exists, without an address (RFC 2308 section 2.2).
    NoData,
    /// SERVFAIL and the like: the resolver answered that it can't.
    ServerFailure,
}

/// What went wrong on our side.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LocalFault {
    /// Descriptors, ports, buffers or memory ran out.
    Exhausted(String),
    /// No route, no permission, no such source address.
    Network(String),
    /// The resolver could not be reached, or did not answer in time.
    Resolver(String),
    /// A fault in certsweep itself.
    Internal(String),
}

impl Outcome {
    /// Whether it shows that TLS is spoken: by a certificate, for want of one, or
    /// by an alert after the words that come before TLS.
    #[must_use]
    pub fn speaks_tls(&self) -> bool {
        match self {
            Self::TlsRefused(Refusal::Alert(phase, _)) => *phase > Phase::Starttls,
            outcome => matches!(
                outcome.kind(),
                OutcomeKind::Certificate | OutcomeKind::NoCertificate
            ),
        }
    }

    /// Whether the peer ended the connection without a word. Where TLS is spoken
    /// to others, it may have been one too many.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        matches!(
            self,
            Self::TlsRefused(Refusal::Closed(_) | Refusal::Reset(_))
        )
    }

    /// Its word.
    #[must_use]
    pub const fn kind(&self) -> OutcomeKind {
        match self {
            Self::Certificate(_) => OutcomeKind::Certificate,
            Self::NoCertificate(..) => OutcomeKind::NoCertificate,
            Self::TlsRefused(_) => OutcomeKind::TlsRefused,
            Self::NotTls(..) => OutcomeKind::NotTls,
            Self::Silent(_) => OutcomeKind::Silent,
            Self::Broken(_) => OutcomeKind::Broken,
            Self::Refused => OutcomeKind::Refused,
            Self::Filtered => OutcomeKind::Filtered,
            Self::Unreachable => OutcomeKind::Unreachable,
            Self::Unresolved(_) => OutcomeKind::Unresolved,
            Self::Excluded(_) => OutcomeKind::Excluded,
            Self::Fresh => OutcomeKind::Fresh,
            Self::NotAttempted => OutcomeKind::NotAttempted,
            Self::LocalError(_) => OutcomeKind::LocalError,
        }
    }

    /// What its word leaves out, in the inventory's own words; empty when
    /// there is nothing to add. Peer bytes are not in it.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Certificate(presented) => presented
                .truncated
                .map(|refusal| format!("truncated: {refusal}"))
                .unwrap_or_default(),
            Self::NoCertificate(reason, _) => reason.as_str().to_owned(),
            Self::TlsRefused(refusal) => refusal.to_string(),
            Self::Silent(phase) => phase.to_string(),
            Self::NotTls(why, _) => why.as_str().to_owned(),
            Self::Broken(broken) => broken.to_string(),
            Self::Unresolved(unresolved) => unresolved.as_str().to_owned(),
            Self::Excluded(reason) => reason.clone(),
            Self::LocalError(fault) => fault.to_string(),
            Self::Refused
            | Self::Filtered
            | Self::Unreachable
            | Self::Fresh
            | Self::NotAttempted => String::new(),
        }
    }
}

impl OutcomeKind {
    /// Every outcome, best first.
    pub const ALL: [Self; 14] = [
        Self::Certificate,
        Self::NoCertificate,
        Self::TlsRefused,
        Self::NotTls,
        Self::Silent,
        Self::Broken,
        Self::Refused,
        Self::Filtered,
        Self::Unreachable,
        Self::Unresolved,
        Self::Excluded,
        Self::Fresh,
        Self::NotAttempted,
        Self::LocalError,
    ];

    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::NoCertificate => "no-certificate",
            Self::TlsRefused => "tls-refused",
            Self::NotTls => "not-tls",
            Self::Silent => "silent",
            Self::Broken => "broken",
            Self::Refused => "refused",
            Self::Filtered => "filtered",
            Self::Unreachable => "unreachable",
            Self::Unresolved => "unresolved",
            Self::Excluded => "excluded",
            Self::Fresh => "fresh",
            Self::NotAttempted => "not-attempted",
            Self::LocalError => "local-error",
        }
    }

    /// Whether a TCP connection was made and the peer, or its silence, seen.
    #[must_use]
    pub const fn connected(self) -> bool {
        match self {
            Self::Certificate
            | Self::NoCertificate
            | Self::TlsRefused
            | Self::NotTls
            | Self::Silent
            | Self::Broken => true,
            Self::Refused
            | Self::Filtered
            | Self::Unreachable
            | Self::Unresolved
            | Self::Excluded
            | Self::Fresh
            | Self::NotAttempted
            | Self::LocalError => false,
        }
    }

    /// Whether nothing came that makes sense: the way may be at fault.
    #[must_use]
    pub const fn is_silence(self) -> bool {
        matches!(
            self,
            Self::Silent | Self::Broken | Self::Filtered | Self::Unreachable
        )
    }
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for OutcomeKind {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownOutcome(text.to_owned()))
    }
}

impl NoCertificate {
    const fn as_str(self) -> &'static str {
        match self {
            Self::EmptyList => "empty-list",
            Self::Anonymous => "anonymous",
            Self::Default => "default-certificate",
            Self::Unplaced => "default-certificate-unplaced",
        }
    }
}

impl NotTls {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Other | Self::Foreign => "",
            Self::StarttlsDeclined => "starttls-declined",
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("malformed"),
            Self::TooLarge => f.write_str("too-large"),
            Self::Deadline => f.write_str("deadline"),
            Self::UnsupportedGroup(group) => write!(f, "unsupported-group {group}"),
        }
    }
}

impl Unresolved {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchName => "nxdomain",
            Self::NoData => "no-data",
            Self::ServerFailure => "servfail",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(phase, alert) => write!(f, "alert {alert} at {phase}"),
            Self::Closed(phase) => write!(f, "closed at {phase}"),
            Self::Reset(phase) => write!(f, "reset at {phase}"),
            Self::Stalled(phase) => write!(f, "stalled at {phase}"),
            Self::Malformed(phase) => write!(f, "malformed at {phase}"),
            Self::TooLarge(phase) => write!(f, "too large at {phase}"),
        }
    }
}

impl fmt::Display for LocalFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted(what) => write!(f, "exhausted: {what}"),
            Self::Network(what) => write!(f, "network: {what}"),
            Self::Resolver(what) => write!(f, "resolver: {what}"),
            Self::Internal(what) => write!(f, "internal: {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_read_back_and_stand_in_the_order_of_merit() {
        for pair in OutcomeKind::ALL.windows(2) {
            assert!(pair[0] < pair[1]);
        }
        for kind in OutcomeKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("closed".parse::<OutcomeKind>().is_err());
    }
}
