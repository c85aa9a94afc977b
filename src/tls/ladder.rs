use std::fmt;
use std::str::FromStr;

use crate::domain::{
    Alert, Broken, InvalidProtocolSet, KeyType, Outcome, Phase, ProtocolSet, Refusal, TlsVersion,
};

/// Which protocol sets are offered, one connection after the other, until
/// one yields a certificate. Never empty; no set twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    first: ProtocolSet,
    rest: Vec<ProtocolSet>,
    alpn: Alpn,
    key_type: Option<KeyType>,
}

/// What one connection offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The protocols.
    pub offered: ProtocolSet,
    /// The application protocols.
    pub alpn: Alpn,
    /// The cipher suites before TLS 1.3.
    pub suites: Suites,
    /// The key type the certificate must have; `None`: the server's choice.
    pub key_type: Option<KeyType>,
    /// The key-exchange groups.
    pub groups: Groups,
}

/// Whether a hello offers application protocols (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// These, most wanted first.
    Offered(&'static [&'static [u8]]),
    /// None: the server has refused those, or has no use for them.
    Withheld,
}

/// Which cipher suites a hello offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suites {
    /// Those by which a server shows a certificate.
    Certified,
    /// Those for servers that have none: anonymous and pre-shared keys.
    Anonymous,
}

/// Which key-exchange groups a hello offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// All that help to a certificate.
    All,
    /// In TLS 1.3, hybrid post-quantum ones alone.
    Hybrid,
}

/// A text that is no ladder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLadder {
    /// One of its sets is none.
    #[error(transparent)]
    Set(#[from] InvalidProtocolSet),
    /// We have no hello that offers this set.
    #[error(
        "`{0}` can't be offered in one hello (available: tls1.3, or any of tls1.2+tls1.1+tls1.0)"
    )]
    Unavailable(ProtocolSet),
    /// A set stands in it twice.
    #[error("`{0}` is listed twice")]
    Repeated(ProtocolSet),
}

/// RFC 7301 section 3.2.
const NO_APPLICATION_PROTOCOL: Alert = Alert(120);
/// RFC 5246 section 7.2.2: its suites are all stronger than ours.
const INSUFFICIENT_SECURITY: Alert = Alert(71);

impl Ladder {
    /// One hello and no other.
    #[must_use]
    pub const fn of_one(set: ProtocolSet) -> Self {
        Self {
            first: set,
            rest: Vec::new(),
            alpn: Alpn::WEB,
            key_type: None,
        }
    }

    /// The same sets, for a certificate of this key type and no other.
    #[must_use]
    pub fn restricted_to(self, key_type: KeyType) -> Self {
        Self {
            key_type: Some(key_type),
            ..self
        }
    }

    /// The same sets, offering these application protocols.
    #[must_use]
    pub fn offering(self, alpn: Alpn) -> Self {
        Self { alpn, ..self }
    }

    /// The key type it is restricted to, if it is.
    #[must_use]
    pub const fn key_type(&self) -> Option<KeyType> {
        self.key_type
    }

    /// The rung to begin with.
    #[must_use]
    pub fn first(&self) -> Rung {
        self.rung(self.first)
    }

    /// The rung that may still find what those `tried` did not, going by how
    /// they ended; `None` when the question is answered, or no hello would
    /// change the answer.
    ///
    /// Silence ends it: a server of TLS 1.3 alone answers an older hello with
    /// an alert (RFC 8446 section 4.1.3 and appendix D.2), so one that says
    /// nothing would not speak to a newer one either.
    #[must_use]
    pub fn next(&self, tried: &[(Rung, Outcome)]) -> Option<Rung> {
        let (rung, outcome) = tried.last()?;
        match outcome {
            Outcome::TlsRefused(Refusal::Alert(_, NO_APPLICATION_PROTOCOL))
                if rung.alpn != Alpn::Withheld =>
            {
                Some(Rung {
                    alpn: Alpn::Withheld,
                    ..*rung
                })
            }
            Outcome::TlsRefused(Refusal::Alert(_, Alert::PROTOCOL_VERSION)) => self
                .untried(tried)
                .find(|next| may_answer(next.offered, rung.offered))
                .or_else(|| self.anonymous(tried)),
            Outcome::TlsRefused(_) | Outcome::Broken(Broken::Malformed) => {
                let next = self.untried(tried).next();
                next.or_else(|| self.anonymous(tried))
            }
            Outcome::Broken(Broken::TooLarge | Broken::Deadline | Broken::UnsupportedGroup(_))
            | Outcome::Certificate(_)
            | Outcome::NoCertificate(..)
            | Outcome::NotTls(..)
            | Outcome::Silent(_)
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

    /// The last resort, once every rung was refused: a server that found no
    /// suite to its liking may have no certificate. A ladder of one rung means
    /// one hello, and has no such resort.
    fn anonymous(&self, tried: &[(Rung, Outcome)]) -> Option<Rung> {
        let is_anonymous = |(rung, _): &(Rung, Outcome)| rung.suites == Suites::Anonymous;
        if self.rest.is_empty() || tried.iter().any(is_anonymous) {
            return None;
        }
        let no_common_suite = |(rung, outcome): &&(Rung, Outcome)| {
            rung.offered != ProtocolSet::TLS_1_3
                && matches!(
                    outcome,
                    Outcome::TlsRefused(Refusal::Alert(
                        Phase::Hello,
                        Alert::HANDSHAKE_FAILURE | INSUFFICIENT_SECURITY
                    ))
                )
        };
        tried.iter().find(no_common_suite).map(|(rung, _)| Rung {
            suites: Suites::Anonymous,
            ..*rung
        })
    }

    fn untried(&self, tried: &[(Rung, Outcome)]) -> impl Iterator<Item = Rung> {
        let is_tried = |set: ProtocolSet| tried.iter().any(|(rung, _)| rung.offered == set);
        self.sets()
            .filter(move |set| !is_tried(*set))
            .map(|set| self.rung(set))
    }

    const fn rung(&self, set: ProtocolSet) -> Rung {
        Rung {
            alpn: self.alpn,
            key_type: self.key_type,
            ..Rung::new(set)
        }
    }

    fn sets(&self) -> impl Iterator<Item = ProtocolSet> {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }
}

/// Whether a server that refused the versions of `refused` may take `set`:
/// it has a version that was not offered, or a lower one on top, for servers
/// that refuse a newer version where they should answer with an older.
fn may_answer(set: ProtocolSet, refused: ProtocolSet) -> bool {
    let newest = |set: ProtocolSet| set.versions().next();
    newest(set) < newest(refused) || set.versions().any(|version| !refused.contains(version))
}

/// A hello in clear names one version and takes any older one; TLS 1.3 has a
/// hello of its own.
fn is_available(set: ProtocolSet) -> bool {
    let in_clear = [
        TlsVersion::TLS_1_2,
        TlsVersion::TLS_1_1,
        TlsVersion::TLS_1_0,
    ];
    set == ProtocolSet::TLS_1_3 || set.versions().all(|version| in_clear.contains(&version))
}

impl Alpn {
    /// The web's two: a server that speaks neither and insists answers
    /// no_application_protocol, and is asked again without.
    pub const WEB: Self = Self::Offered(&[b"h2", b"http/1.1"]);
}

impl Rung {
    /// The hello that offers these protocols, and all that helps besides.
    #[must_use]
    pub const fn new(offered: ProtocolSet) -> Self {
        Self {
            offered,
            alpn: Alpn::WEB,
            suites: Suites::Certified,
            key_type: None,
            groups: Groups::All,
        }
    }
}

impl Default for Ladder {
    /// The certificate in clear first, since it costs no cryptography; then
    /// TLS 1.3.
    fn default() -> Self {
        Self {
            rest: vec![ProtocolSet::TLS_1_3],
            ..Self::of_one(ProtocolSet::TLS_1_2_TO_1_0)
        }
    }
}

impl fmt::Display for Ladder {
    /// `tls1.2+tls1.1+tls1.0,tls1.3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.rest.iter().try_for_each(|set| write!(f, ",{set}"))
    }
}

impl FromStr for Ladder {
    type Err = InvalidLadder;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut sets = text.split(',').map(|word| {
            let set: ProtocolSet = word.trim().parse()?;
            is_available(set)
                .then_some(set)
                .ok_or(InvalidLadder::Unavailable(set))
        });
        let first = sets
            .next()
            .unwrap_or_else(|| Err(InvalidProtocolSet(String::new()).into()))?;
        let mut ladder = Self::of_one(first);
        for set in sets {
            let set = set?;
            if ladder.sets().any(|earlier| earlier == set) {
                return Err(InvalidLadder::Repeated(set));
            }
            ladder.rest.push(set);
        }
        Ok(ladder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LocalFault, NoCertificate, NotTls};

    fn after(ladder: &str, tried: &[&str], last: &Outcome) -> Option<String> {
        let tried: Vec<_> = tried
            .iter()
            .map(|set| (Rung::new(set.parse().unwrap()), last.clone()))
            .collect();
        let ladder: Ladder = ladder.parse().unwrap();
        let next = ladder.next(&tried)?;
        assert_eq!(next.suites, Suites::Certified);
        Some(next.offered.to_string())
    }

    fn alert(alert: Alert) -> Outcome {
        Outcome::TlsRefused(Refusal::Alert(Phase::Hello, alert))
    }

    const CLEAR: &str = "tls1.2+tls1.1+tls1.0";
    const DEFAULT: &str = "tls1.2+tls1.1+tls1.0,tls1.3";

    #[test]
    fn a_refusal_leads_to_the_next_rung_and_the_last_to_none() {
        let refusals = [
            alert(Alert::ILLEGAL_PARAMETER),
            alert(Alert::PROTOCOL_VERSION),
            Outcome::TlsRefused(Refusal::Closed(Phase::Hello)),
            Outcome::TlsRefused(Refusal::Reset(Phase::Flight)),
            Outcome::Broken(Broken::Malformed),
        ];
        for refusal in &refusals {
            assert_eq!(after(DEFAULT, &[CLEAR], refusal).as_deref(), Some("tls1.3"));
            assert_eq!(after(DEFAULT, &[CLEAR, "tls1.3"], refusal), None);
        }
    }

    #[test]
    fn what_no_other_hello_would_change_ends_it() {
        let ends = [
            Outcome::NoCertificate(NoCertificate::Anonymous, None),
            Outcome::NotTls(NotTls::Other, b"SSH-2.0".to_vec()),
            Outcome::Silent(Phase::Hello),
            Outcome::Broken(Broken::Deadline),
            Outcome::Broken(Broken::TooLarge),
            Outcome::Refused,
            Outcome::Filtered,
            Outcome::Unreachable,
            Outcome::Excluded(String::new()),
            Outcome::LocalError(LocalFault::Internal(String::new())),
        ];
        for end in &ends {
            assert_eq!(after(DEFAULT, &[CLEAR], end), None, "{end:?}");
        }
    }

    #[test]
    fn a_refused_version_is_followed_by_a_rung_that_may_answer() {
        let version = alert(Alert::PROTOCOL_VERSION);
        let ladder = "tls1.2+tls1.1,tls1.2,tls1.0,tls1.3";
        let tried = ["tls1.2+tls1.1"];
        assert_eq!(after(ladder, &tried, &version).as_deref(), Some("tls1.0"));
        let failure = alert(Alert::HANDSHAKE_FAILURE);
        assert_eq!(after(ladder, &tried, &failure).as_deref(), Some("tls1.2"));
    }

    #[test]
    fn a_server_that_wants_other_application_protocols_is_asked_without() {
        let ladder = Ladder::default();
        let refused = alert(NO_APPLICATION_PROTOCOL);
        let with = ladder.first();
        let without = Rung {
            alpn: Alpn::Withheld,
            ..with
        };
        let mut tried = vec![(with, refused.clone())];
        assert_eq!(ladder.next(&tried), Some(without));
        tried.push((without, refused));
        let next = ladder.next(&tried).unwrap();
        assert_eq!(next.offered, ProtocolSet::TLS_1_3);
    }

    #[test]
    fn a_server_that_likes_no_suite_is_last_asked_for_those_without_a_certificate() {
        let ladder = Ladder::default();
        let failure = alert(Alert::HANDSHAKE_FAILURE);
        let in_clear = ladder.first();
        let newest = Rung::new(ProtocolSet::TLS_1_3);
        let anonymous = Rung {
            suites: Suites::Anonymous,
            ..in_clear
        };
        let version = alert(Alert::PROTOCOL_VERSION);
        let mut tried = vec![(in_clear, failure.clone())];
        assert_eq!(ladder.next(&tried), Some(newest));
        tried.push((newest, version.clone()));
        assert_eq!(ladder.next(&tried), Some(anonymous));
        tried.push((anonymous, failure.clone()));
        assert_eq!(ladder.next(&tried), None);
        let of_version = [(in_clear, version), (newest, failure.clone())];
        assert_eq!(ladder.next(&of_version), None, "no suite was looked at");
        let one: Ladder = CLEAR.parse().unwrap();
        assert_eq!(one.next(&[(in_clear, failure)]), None, "one hello is one");
    }

    #[test]
    fn a_ladder_reads_back_what_it_prints() {
        assert_eq!(Ladder::default().to_string(), DEFAULT);
        assert_eq!(DEFAULT.parse(), Ok(Ladder::default()));
        let spaced: Ladder = "tls1.3, tls1.0".parse().unwrap();
        assert_eq!(spaced.to_string(), "tls1.3,tls1.0");
    }

    #[test]
    fn a_set_without_a_hello_is_refused_with_those_that_have_one() {
        for unavailable in ["ssl2", "tls1.0+ssl3", "tls1.3+tls1.2"] {
            let error = unavailable.parse::<Ladder>().unwrap_err();
            assert!(matches!(error, InvalidLadder::Unavailable(_)));
            assert!(error.to_string().contains("available: tls1.3"), "{error}");
        }
        for wrong in ["", "tls1.4", "tls1.3,", "tls1.3,tls1.3"] {
            assert!(wrong.parse::<Ladder>().is_err(), "{wrong:?}");
        }
    }
}
