//! What an operator asks for → which rows pass.
//!
//! Different filters all hold; of the same one repeated, any.

use std::str::FromStr;
use std::time::Duration;

use ipnetwork::IpNetwork;

use crate::domain::{Fingerprint, Port, ScanId, Timestamp, Zone};
use crate::report::InstallationState;

/// Which installations, certificates, endpoints or parts of the ledger are
/// wanted. An empty list lets everything through, but for `states`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// By the end of the certificate's validity.
    pub expiry: Vec<Expiry>,
    /// Texts somewhere in the issuer, in any case.
    pub issuers: Vec<String>,
    /// Patterns with `*`, `?` and `[...]`, in any case, for the common name,
    /// an alternative name, the server name, the PTR name or the host.
    pub names: Vec<String>,
    /// Networks of the address.
    pub networks: Vec<IpNetwork>,
    /// Ports.
    pub ports: Vec<Port>,
    /// Zones.
    pub zones: Vec<Zone>,
    /// Serial numbers.
    pub serials: Vec<SerialNumber>,
    /// Certificates.
    pub certificates: Vec<CertificateHash>,
    /// Keys: SHA-256 of the SubjectPublicKeyInfo.
    pub keys: Vec<Fingerprint>,
    /// Certificates anywhere in the chain sent.
    pub authorities: Vec<Fingerprint>,
    /// Scans: the one that saw the installation last.
    pub scans: Vec<ScanId>,
    /// States of the installation; empty means current and missing, of
    /// events any.
    pub states: Vec<InstallationState>,
    /// Installations as they were known then: which there were, and all that
    /// the other filters ask about them. Other lists know no past.
    pub known_at: Option<Timestamp>,
    /// It lets the same through. When what is read will be judged: of what is
    /// due then, what renews it elsewhere is looked for, however that came there.
    pub judged_at: Option<Timestamp>,
}

/// A condition on the end of validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Valid at `now`, and no longer than `within` after it.
    Expiring {
        /// The moment to judge by.
        now: Timestamp,
        /// How far ahead to look.
        within: Duration,
    },
    /// Over at `now`.
    Expired {
        /// The moment to judge by.
        now: Timestamp,
    },
}

impl Expiry {
    /// Whether it holds of a certificate that ends then.
    #[must_use]
    pub fn holds(self, end: Timestamp) -> bool {
        match self {
            Self::Expired { now } => now.is_past(end),
            Self::Expiring { now, within } => !now.is_past(end) && end.since(now) <= within,
        }
    }
}

/// A certificate by the hash of its DER: what people copy out of other tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateHash {
    /// 40 hexadecimal digits.
    Sha1([u8; 20]),
    /// 64 hexadecimal digits.
    Sha256(Fingerprint),
}

/// The beginning of a SHA-256 fingerprint: the range of all that begin so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FingerprintPrefix {
    first: [u8; 32],
    last: [u8; 32],
}

/// A serial number, whatever zeros people write before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SerialNumber(Vec<u8>);

/// A text that is no hash of a certificate, nor the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a certificate's SHA-1 or SHA-256 in hexadecimal")]
pub struct InvalidHash(pub String);

/// A text that is no serial number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a serial number in hexadecimal")]
pub struct InvalidSerial(pub String);

impl FingerprintPrefix {
    /// All of a fingerprint, which only itself begins so.
    #[must_use]
    pub const fn whole(fingerprint: Fingerprint) -> Self {
        Self {
            first: *fingerprint.as_bytes(),
            last: *fingerprint.as_bytes(),
        }
    }

    /// The lowest fingerprint that begins so.
    #[must_use]
    pub const fn first(&self) -> &[u8; 32] {
        &self.first
    }

    /// The highest fingerprint that begins so.
    #[must_use]
    pub const fn last(&self) -> &[u8; 32] {
        &self.last
    }
}

impl SerialNumber {
    /// Its octets without leading zeros.
    #[must_use]
    pub fn significant(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for CertificateHash {
    type Err = InvalidHash;

    /// Reads hexadecimal digits in any case, colons and spaces left out.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let octets = digits(text).as_deref().and_then(octets);
        let octets = octets.unwrap_or_default();
        let sha1 = octets.as_slice().try_into().map(Self::Sha1);
        let sha256 = || {
            let octets = octets.as_slice().try_into();
            octets.map(|octets| Self::Sha256(Fingerprint::from_bytes(octets)))
        };
        sha1.or_else(|_| sha256())
            .map_err(|_| InvalidHash(text.to_owned()))
    }
}

impl FromStr for FingerprintPrefix {
    type Err = InvalidHash;

    /// Reads 1 to 64 hexadecimal digits in any case, colons and spaces left
    /// out.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidHash(text.to_owned());
        let digits = digits(text).ok_or_else(invalid)?;
        let missing = 64_usize.checked_sub(digits.len()).ok_or_else(invalid)?;
        let filled = |with: &str| {
            let all = octets(&(digits.clone() + &with.repeat(missing)))?;
            all.try_into().ok()
        };
        match (filled("0"), filled("f")) {
            (Some(first), Some(last)) => Ok(Self { first, last }),
            _ => Err(invalid()),
        }
    }
}

impl FromStr for SerialNumber {
    type Err = InvalidSerial;

    /// Reads hexadecimal digits in any case, colons and spaces left out.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidSerial(text.to_owned());
        let digits = digits(text).ok_or_else(invalid)?;
        let padding = if digits.len() % 2 == 0 { "" } else { "0" };
        let mut octets = octets(&format!("{padding}{digits}")).ok_or_else(invalid)?;
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        octets.drain(..zeros);
        Ok(Self(octets))
    }
}

/// Its hexadecimal digits; `None` if there are none, or anything else but
/// colons and spaces.
fn digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hexadecimal && !digits.is_empty()).then_some(digits)
}

/// The octets of an even number of hexadecimal digits.
fn octets(digits: &str) -> Option<Vec<u8>> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [_, _] => u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_other_tools_print_it() {
        let sha1 = "AA:".repeat(19) + "AA";
        assert_eq!(sha1.parse(), Ok(CertificateHash::Sha1([0xaa; 20])));
        let sha256 = Fingerprint::of(b"abc");
        assert_eq!(
            sha256.to_string().to_uppercase().parse(),
            Ok(CertificateHash::Sha256(sha256))
        );
        for wrong in ["", "ab", "zz", &"a".repeat(41), &"é".repeat(20)] {
            assert!(wrong.parse::<CertificateHash>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_prefix_spans_every_fingerprint_that_begins_so() {
        let prefix: FingerprintPrefix = "AB:c".parse().unwrap();
        assert_eq!(prefix.first()[..3], [0xab, 0xc0, 0]);
        assert_eq!(prefix.last()[..3], [0xab, 0xcf, 0xff]);
        let whole: FingerprintPrefix = "0f".repeat(32).parse().unwrap();
        assert_eq!(whole.first(), whole.last());
        for wrong in ["", "xyz", &"a".repeat(65)] {
            assert!(wrong.parse::<FingerprintPrefix>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_serial_number_is_read_with_or_without_leading_zeros() {
        let short: SerialNumber = "af01".parse().unwrap();
        assert_eq!(short.significant(), [0xaf, 0x01]);
        assert_eq!("00:AF:01".parse(), Ok(short));
        let odd: SerialNumber = "f01".parse().unwrap();
        assert_eq!(odd.significant(), [0x0f, 0x01]);
        assert!("0x01".parse::<SerialNumber>().is_err());
    }
}
