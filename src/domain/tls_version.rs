use std::fmt;
use std::str::FromStr;

/// A protocol version as it stands on the wire; unknown ones are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsVersion(pub u16);

/// A word that is no protocol version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a protocol version")]
pub struct UnknownTlsVersion(pub String);

impl TlsVersion {
    /// SSL 2.0 (draft-hickman-netscape-ssl-00).
    pub const SSL_2: Self = Self(0x0002);
    /// SSL 3.0 (RFC 6101).
    pub const SSL_3: Self = Self(0x0300);
    /// TLS 1.0 (RFC 2246).
    pub const TLS_1_0: Self = Self(0x0301);
    /// TLS 1.1 (RFC 4346).
    pub const TLS_1_1: Self = Self(0x0302);
    /// TLS 1.2 (RFC 5246).
    pub const TLS_1_2: Self = Self(0x0303);
    /// TLS 1.3 (RFC 8446).
    pub const TLS_1_3: Self = Self(0x0304);
}

impl fmt::Display for TlsVersion {
    /// `TLSv1.2`; an unknown one as its code point, `0x7f1c`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::SSL_2 => "SSLv2",
            Self::SSL_3 => "SSLv3",
            Self::TLS_1_0 => "TLSv1.0",
            Self::TLS_1_1 => "TLSv1.1",
            Self::TLS_1_2 => "TLSv1.2",
            Self::TLS_1_3 => "TLSv1.3",
            Self(other) => return write!(f, "{other:#06x}"),
        })
    }
}

impl FromStr for TlsVersion {
    type Err = UnknownTlsVersion;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = || u16::from_str_radix(text.strip_prefix("0x")?, 16).ok();
        let version = match text {
            "SSLv2" => Some(Self::SSL_2),
            "SSLv3" => Some(Self::SSL_3),
            "TLSv1.0" => Some(Self::TLS_1_0),
            "TLSv1.1" => Some(Self::TLS_1_1),
            "TLSv1.2" => Some(Self::TLS_1_2),
            "TLSv1.3" => Some(Self::TLS_1_3),
            _ => code().map(Self),
        };
        version.ok_or_else(|| UnknownTlsVersion(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_reads_as_it_is_written() {
        for code in [0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x7f1c] {
            let version = TlsVersion(code);
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        assert!("TLSv9".parse::<TlsVersion>().is_err());
    }
}
