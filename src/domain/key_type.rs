use std::fmt;

/// The family of a certificate's public key, part of what a certificate is
/// the answer to: a server may hold one certificate of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// RSA and RSA-PSS (RFC 8017).
    Rsa,
    /// ECDSA over any curve (RFC 5480).
    Ecdsa,
    /// Ed25519 and Ed448 (RFC 8410).
    Eddsa,
    /// DSA (RFC 3279).
    Dsa,
    /// ML-DSA (RFC 9881).
    MlDsa,
    /// A family we have no name for.
    Other,
    /// Nothing in the certificate could be read that far.
    Unparsed,
}

impl KeyType {
    /// Every key type.
    pub const ALL: &[Self] = &[
        Self::Rsa,
        Self::Ecdsa,
        Self::Eddsa,
        Self::Dsa,
        Self::MlDsa,
        Self::Other,
        Self::Unparsed,
    ];

    /// Whether a hello can ask for a certificate of this key type and no other.
    #[must_use]
    pub const fn can_be_asked_for(self) -> bool {
        !matches!(self, Self::Other | Self::Unparsed)
    }

    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ecdsa => "ecdsa",
            Self::Eddsa => "eddsa",
            Self::Dsa => "dsa",
            Self::MlDsa => "ml-dsa",
            Self::Other => "other",
            Self::Unparsed => "unparsed",
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
