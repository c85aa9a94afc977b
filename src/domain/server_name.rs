use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// A DNS host name in lower-case A-label form, without the final dot.
///
/// It is what Server Name Indication may carry (RFC 6066 section 3: "literal
/// IPv4 and IPv6 addresses are not permitted"), so an address can't be held.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(Arc<str>);

/// Why a text is no host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServerName {
    /// An address: Server Name Indication has no room for one.
    #[error("`{0}` is an address, not a name")]
    Address(String),
    /// Empty, too long, or with characters no host name has.
    #[error("`{0}` is not a host name")]
    Malformed(String),
}

/// RFC 1035 section 2.3.4: 255 octets on the wire are 253 characters.
const MAX_NAME: usize = 253;
/// RFC 1035 section 2.3.4.
const MAX_LABEL: usize = 63;

impl ServerName {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServerName {
    type Err = InvalidServerName;

    /// Reads a name as people write it: any case, internationalised
    /// (RFC 5891), with or without the final dot.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || InvalidServerName::Malformed(text.to_owned());
        let bare = text.strip_suffix('.').unwrap_or(text);
        if bare.parse::<IpAddr>().is_ok() {
            return Err(InvalidServerName::Address(text.to_owned()));
        }
        let ascii = idna::domain_to_ascii(bare).map_err(|_| malformed())?;
        if ascii.is_empty() || ascii.len() > MAX_NAME || !ascii.split('.').all(is_label) {
            return Err(malformed());
        }
        // A name whose last label is all digits is an address somebody
        // mistyped: 10.0.0.300 (RFC 3696 section 2).
        let all_digits = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
        if ascii.rsplit('.').next().is_some_and(all_digits) {
            return Err(malformed());
        }
        Ok(Self(Arc::from(ascii)))
    }
}

/// Letters, digits, hyphens, and the underscore that inner networks use.
fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty()
        && label.len() <= MAX_LABEL
        && label.bytes().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_lower_case_and_without_its_final_dot() {
        let name: ServerName = "WWW.Example.COM.".parse().unwrap();
        assert_eq!(name.as_str(), "www.example.com");
        let name: ServerName = "bücher.example".parse().unwrap();
        assert_eq!(name.as_str(), "xn--bcher-kva.example");
        assert!("localhost".parse::<ServerName>().is_ok());
        assert!("db_1.corp".parse::<ServerName>().is_ok());
    }

    #[test]
    fn an_address_is_never_a_server_name() {
        for address in ["10.0.0.1", "::1", "fe80::1", "10.0.0.1."] {
            assert!(
                matches!(
                    address.parse::<ServerName>(),
                    Err(InvalidServerName::Address(_))
                ),
                "{address}"
            );
        }
    }

    #[test]
    fn what_no_host_name_has_is_refused() {
        let long = format!("{}.example", "a".repeat(64));
        for wrong in [
            "",
            ".",
            "a..b",
            "-a.b",
            "a-.b",
            "a b",
            "a/b",
            "10.0.0.300",
            "a\0b",
            &long,
        ] {
            assert!(wrong.parse::<ServerName>().is_err(), "{wrong:?}");
        }
    }
}
