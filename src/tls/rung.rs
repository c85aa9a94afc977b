use crate::domain::{KeyType, ProtocolSet, TlsVersion};

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

/// How a hello is written, which follows from the oldest version in it: an old
/// server may refuse, or not answer, what it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// With extensions, as TLS has it.
    Extended,
    /// Without extensions, and short: SSL 3.0 knows none (RFC 6101 section
    /// 5.6.1.2).
    Plain,
    /// In the frame of SSL 2.0 (RFC 5246 appendix E.2).
    Version2,
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

    /// Whether there is such a hello.
    pub(super) fn is_available(self) -> bool {
        let expressed = |key_type| can_ask_for(self.offered, key_type);
        is_available(self.offered) && self.key_type.is_none_or(expressed)
    }

    /// Whether the two hellos are written in one way: a server that answers
    /// nothing to the one would answer nothing to the other.
    #[must_use]
    pub fn is_written_like(self, other: Self) -> bool {
        self.shape() == other.shape()
    }

    pub(super) fn shape(self) -> Shape {
        Shape::of(self.offered)
    }
}

impl Alpn {
    /// The web's two: a server that speaks neither and insists answers
    /// no_application_protocol, and is asked again without.
    pub const WEB: Self = Self::Offered(&[b"h2", b"http/1.1"]);
}

impl Shape {
    pub(super) fn of(offered: ProtocolSet) -> Self {
        if offered.contains(TlsVersion::SSL_2) {
            Self::Version2
        } else if offered.contains(TlsVersion::SSL_3) {
            Self::Plain
        } else {
            Self::Extended
        }
    }
}

/// Whether one hello can offer this set. One in clear names its newest version
/// and takes any older one; TLS 1.3 has a hello of its own, which takes TLS
/// 1.2 along.
pub(super) fn is_available(set: ProtocolSet) -> bool {
    !set.contains(TlsVersion::TLS_1_3) || ProtocolSet::TLS_1_3_OR_1_2.holds(set)
}

/// Whether a hello of this set can ask for a certificate of this key type and
/// no other: up to TLS 1.2 by its suites, and from TLS 1.2 on by its signature
/// algorithms. Older hellos without extensions are left out: a server that
/// shows a second certificate is not that old.
pub(super) fn can_ask_for(set: ProtocolSet, key_type: KeyType) -> bool {
    let tls_1_3 = set.contains(TlsVersion::TLS_1_3);
    let signs = tls_1_3 || set.contains(TlsVersion::TLS_1_2);
    Shape::of(set) == Shape::Extended
        && match key_type {
            KeyType::Rsa | KeyType::Ecdsa => true,
            // RFC 8422 section 5.10: by the suites of ECDSA, and signed with
            // what TLS 1.2 lists.
            KeyType::Eddsa => signs,
            // TLS 1.3 has left it behind.
            KeyType::Dsa => !tls_1_3,
            // It has no suite before TLS 1.3.
            KeyType::MlDsa => set == ProtocolSet::TLS_1_3,
            KeyType::Other | KeyType::Unparsed => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_version_decides_how_a_hello_is_written() {
        let shapes = [
            ("tls1.3+tls1.2", Shape::Extended),
            ("tls1.2+tls1.1+tls1.0", Shape::Extended),
            ("tls1.0", Shape::Extended),
            ("tls1.2+ssl3", Shape::Plain),
            ("tls1.0+ssl3", Shape::Plain),
            ("ssl3", Shape::Plain),
            ("tls1.0+ssl3+ssl2", Shape::Version2),
            ("ssl2", Shape::Version2),
        ];
        for (set, shape) in shapes {
            assert_eq!(Shape::of(set.parse().unwrap()), shape, "{set}");
        }
    }

    #[test]
    fn a_key_type_is_asked_for_only_where_a_hello_can_say_so() {
        let sets = |key_type| {
            [
                "tls1.3",
                "tls1.3+tls1.2",
                "tls1.2+tls1.1+tls1.0",
                "tls1.0",
                "tls1.0+ssl3",
                "ssl2",
            ]
            .map(|set| can_ask_for(set.parse().unwrap(), key_type))
        };
        let extended = [true, true, true, true, false, false];
        assert_eq!(sets(KeyType::Rsa), extended);
        assert_eq!(sets(KeyType::Ecdsa), extended);
        let signing = [true, true, true, false, false, false];
        assert_eq!(sets(KeyType::Eddsa), signing);
        let before = [false, false, true, true, false, false];
        assert_eq!(sets(KeyType::Dsa), before);
        let newest = [true, false, false, false, false, false];
        assert_eq!(sets(KeyType::MlDsa), newest);
        assert_eq!(sets(KeyType::Other), [false; 6]);
    }
}
