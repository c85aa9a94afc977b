use std::fmt;

/// A protocol version as it stands on the wire; unknown ones are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsVersion(pub u16);

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
