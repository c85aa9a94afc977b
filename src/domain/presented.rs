use std::str::FromStr;

use super::{Chain, CipherSuite, KeyExchange, Refusal, TlsVersion};

/// A chain and the session it came by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// The certificates, byte for byte.
    pub chain: Chain,
    /// What was negotiated.
    pub session: Session,
    /// The trouble that followed the leaf, when the flight did not reach its
    /// end: the certificate stands, what came after it is not known.
    pub truncated: Option<Refusal>,
}

/// What a server's flight tells beside its certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The version chosen.
    pub version: TlsVersion,
    /// The suite chosen.
    pub cipher_suite: CipherSuite,
    /// The key exchange; `None` where the flight ended before it was known.
    pub key_exchange: Option<KeyExchange>,
    /// The application protocol chosen (RFC 7301), at most 255 bytes.
    pub alpn: Option<Vec<u8>>,
    /// Whether a client certificate was asked for; `None` where the flight
    /// ended before it was known.
    pub client_auth: Option<ClientAuth>,
    /// The authorities whose client certificates it would take (RFC 5246
    /// section 7.4.4, RFC 8446 section 4.2.4): distinguished names, DER, as
    /// sent. Empty where it named none.
    pub acceptable_issuers: Vec<Vec<u8>>,
    /// The stapled OCSP response (RFC 6066 section 8), DER.
    pub ocsp_staple: Option<Vec<u8>>,
}

/// Whether a server wants a certificate of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAuth {
    /// No CertificateRequest in the flight.
    None,
    /// A CertificateRequest was seen; whether an empty answer would do is not
    /// known.
    Requested,
    /// A handshake without a certificate was seen refused.
    Required,
}

impl Session {
    /// The application protocol as reports write it: bytes outside printable
    /// ASCII escaped.
    #[must_use]
    pub fn alpn_text(&self) -> Option<String> {
        let name = self.alpn.as_ref();
        name.map(|name| name.escape_ascii().to_string())
    }
}

impl ClientAuth {
    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Requested => "requested",
            Self::Required => "required",
        }
    }
}

/// A word that says nothing of client certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` says nothing of client certificates")]
pub struct UnknownClientAuth(pub String);

impl FromStr for ClientAuth {
    type Err = UnknownClientAuth;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::None, Self::Requested, Self::Required]
            .into_iter()
            .find(|auth| auth.as_str() == text)
            .ok_or_else(|| UnknownClientAuth(text.to_owned()))
    }
}
