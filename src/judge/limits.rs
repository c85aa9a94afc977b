use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Pattern, WeakKeys};

/// Where the rules draw their lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long before its end a certificate is expiring: a warning.
    pub expiring_warning: Lead,
    /// From when on that is an error.
    pub expiring_error: Lead,
    /// From when on it is critical.
    pub expiring_critical: Lead,
    /// How old the last look at an endpoint may be.
    pub max_age: Duration,
    /// The fewest bits of an RSA modulus.
    pub rsa_bits: u32,
    /// The fewest bits of a Diffie-Hellman prime.
    pub dh_bits: u32,
    /// On how many ports of one address the same certificate is nothing to
    /// speak of.
    pub ports_per_host: u32,
    /// What the PTR name of an address is to a certificate.
    pub pointer_names: PointerNames,
    /// Issuers, by common name or whole name; empty: any will do.
    pub approved_issuers: Vec<Pattern>,
    /// RSA keys that others have, too.
    pub weak_keys: WeakKeys,
}

/// A time before the end of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// So many days.
    Days(u32),
    /// So many per cent of its lifetime, up to 100.
    PerCent(u8),
}

/// What the PTR name of an address is to a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointerNames {
    /// Nothing: it is whatever the owner of the network wrote.
    Ignored,
    /// A name that the certificate must be for.
    Required,
}

/// A text that is no time before the end of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither days, as `30d`, nor per cent of the lifetime, as `25%`")]
pub struct InvalidLead(pub String);

impl Default for Limits {
    fn default() -> Self {
        Self {
            expiring_warning: Lead::Days(30),
            expiring_error: Lead::Days(7),
            expiring_critical: Lead::Days(3),
            max_age: Duration::from_hours(8 * 24),
            rsa_bits: 2048,
            dh_bits: 2048,
            ports_per_host: 50,
            pointer_names: PointerNames::Ignored,
            approved_issuers: Vec::new(),
            weak_keys: WeakKeys::default(),
        }
    }
}

impl fmt::Display for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => write!(f, "{days}d"),
            Self::PerCent(per_cent) => write!(f, "{per_cent}%"),
        }
    }
}

impl FromStr for Lead {
    type Err = InvalidLead;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let days = text.strip_suffix('d').filter(|days| digits(days));
        let per_cent = text.strip_suffix('%').filter(|part| digits(part));
        let days = days.and_then(|days| days.parse().ok()).map(Self::Days);
        days.or_else(|| {
            let per_cent = per_cent?.parse().ok()?;
            (per_cent <= 100).then_some(Self::PerCent(per_cent))
        })
        .ok_or_else(|| InvalidLead(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_is_days_or_per_cent_and_prints_as_written() {
        assert_eq!("30d".parse(), Ok(Lead::Days(30)));
        assert_eq!("25%".parse(), Ok(Lead::PerCent(25)));
        for text in ["0d", "100%", "4294967295d"] {
            assert_eq!(text.parse::<Lead>().unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "d",
            "%",
            "30",
            "101%",
            "-1d",
            "+1d",
            "1.5d",
            "4294967296d",
        ] {
            assert!(wrong.parse::<Lead>().is_err(), "{wrong}");
        }
    }
}
