use std::fmt;
use std::str::FromStr;

use crate::domain::{Alert, Broken, InvalidProtocolSet, Outcome, ProtocolSet, Refusal, TlsVersion};

/// Which protocol sets are offered, one connection after the other, until
/// one yields a certificate. Never empty; no set twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    first: ProtocolSet,
    rest: Vec<ProtocolSet>,
}

/// What one connection offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The protocols.
    pub offered: ProtocolSet,
    /// The application protocols.
    pub alpn: Alpn,
}

/// Whether a hello offers application protocols (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// h2 and http/1.1.
    Offered,
    /// None: the server has refused those.
    Withheld,
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

impl Ladder {
    /// The rung to begin with.
    #[must_use]
    pub fn first(&self) -> Rung {
        Rung::new(self.first)
    }

    /// The rung that may still find what those `tried` did not, going by how
    /// the last of them ended; `None` when the question is answered, or no
    /// hello would change the answer.
    ///
    /// Silence ends it: a server of TLS 1.3 alone answers an older hello with
    /// an alert (RFC 8446 section 4.1.3 and appendix D.2), so one that says
    /// nothing would not speak to a newer one either.
    #[must_use]
    pub fn next(&self, tried: &[Rung], last: &Outcome) -> Option<Rung> {
        match last {
            Outcome::TlsRefused(Refusal::Alert(_, alert)) => self.after_alert(tried, *alert),
            Outcome::TlsRefused(
                Refusal::Closed(_)
                | Refusal::Reset(_)
                | Refusal::Stalled(_)
                | Refusal::Malformed(_)
                | Refusal::TooLarge(_),
            )
            | Outcome::Broken(Broken::Malformed) => self.untried(tried).next(),
            Outcome::Broken(Broken::TooLarge | Broken::Deadline)
            | Outcome::Certificate(_)
            | Outcome::NoCertificate(..)
            | Outcome::NotTls(_)
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

    fn after_alert(&self, tried: &[Rung], alert: Alert) -> Option<Rung> {
        match (alert, tried.last()) {
            (NO_APPLICATION_PROTOCOL, Some(last)) if last.alpn == Alpn::Offered => Some(Rung {
                alpn: Alpn::Withheld,
                ..*last
            }),
            (Alert::PROTOCOL_VERSION, Some(last)) => self
                .untried(tried)
                .find(|rung| may_answer(rung.offered, last.offered)),
            _ => self.untried(tried).next(),
        }
    }

    fn untried(&self, tried: &[Rung]) -> impl Iterator<Item = Rung> {
        let is_tried = |set: ProtocolSet| tried.iter().any(|rung| rung.offered == set);
        self.sets()
            .filter(move |set| !is_tried(*set))
            .map(Rung::new)
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

impl Rung {
    const fn new(offered: ProtocolSet) -> Self {
        Self {
            offered,
            alpn: Alpn::Offered,
        }
    }
}

impl Default for Ladder {
    /// The certificate in clear first, since it costs no cryptography; then
    /// TLS 1.3.
    fn default() -> Self {
        Self {
            first: ProtocolSet::TLS_1_2_TO_1_0,
            rest: vec![ProtocolSet::TLS_1_3],
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
        let mut ladder = Self {
            first,
            rest: Vec::new(),
        };
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
    use crate::domain::{LocalFault, NoCertificate, Phase};

    fn after(ladder: &str, tried: &[&str], last: &Outcome) -> Option<String> {
        let tried: Vec<Rung> = tried
            .iter()
            .map(|set| Rung::new(set.parse().unwrap()))
            .collect();
        let ladder: Ladder = ladder.parse().unwrap();
        ladder
            .next(&tried, last)
            .map(|rung| rung.offered.to_string())
    }

    fn alert(alert: Alert) -> Outcome {
        Outcome::TlsRefused(Refusal::Alert(Phase::Hello, alert))
    }

    const CLEAR: &str = "tls1.2+tls1.1+tls1.0";
    const DEFAULT: &str = "tls1.2+tls1.1+tls1.0,tls1.3";

    #[test]
    fn a_refusal_leads_to_the_next_rung_and_the_last_to_none() {
        let refusals = [
            alert(Alert::HANDSHAKE_FAILURE),
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
            Outcome::NotTls(b"SSH-2.0".to_vec()),
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
        assert_eq!(ladder.next(&[with], &refused), Some(without));
        let next = ladder.next(&[with, without], &refused).unwrap();
        assert_eq!(next.offered, ProtocolSet::TLS_1_3);
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
