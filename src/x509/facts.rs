use serde::{Deserialize, Serialize};

use crate::domain::{Der, Fingerprint, KeyType, Timestamp, weight_of};

/// A certificate as received, and what could be read in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the bytes.
    pub fingerprint: Fingerprint,
    /// SHA-1 of the bytes: what older tools call the thumbprint.
    pub sha1: [u8; 20],
    /// The bytes, whatever they are.
    pub der: Der,
    /// What they say.
    pub facts: Result<Facts, ParseFault>,
}

impl Certificate {
    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let facts = self.facts.as_ref().map_or(0, Facts::weight);
        size_of::<Self>() + self.der.as_bytes().len() + facts
    }
}

/// Nothing could be read in the bytes, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unparsed: {0}")]
pub struct ParseFault(pub String);

/// What a certificate says (RFC 5280 section 4.1). Broken fields are `None`,
/// with a line in `faults`; texts are the peer's and may hold anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The version as people count it, one more than what is encoded: 1 to 3
    /// are defined. 0 where it can't be read.
    pub version: u64,
    /// The content octets of the serial number, sign and padding included.
    pub serial: Vec<u8>,
    /// Whose key it is.
    pub subject: Name,
    /// Who signed it.
    pub issuer: Name,
    /// Start of validity.
    pub not_before: Option<Timestamp>,
    /// End of validity.
    pub not_after: Option<Timestamp>,
    /// The key.
    pub public_key: PublicKey,
    /// The signature algorithm by its common name (`sha256WithRSAEncryption`),
    /// else its dotted OID; empty where it can't be read.
    pub signature_algorithm: String,
    /// The hashes that the parameters of RSASSA-PSS name (RFC 4055 section
    /// 3.1): that of the message, then that of the mask. Empty for all other
    /// algorithms, and where they can't be read.
    pub signature_hashes: Vec<String>,
    /// Subject alternative names: DNS names and addresses as they are, other
    /// kinds with a prefix (`email:`, `uri:`, `dirname:`, `other:`, `rid:`,
    /// `x400:`, `edi:`), malformed ones with `ip:` or `invalid:`.
    pub alternative_names: Vec<String>,
    /// Key usage by RFC 5280's bit names; `None` without the extension.
    pub key_usage: Option<Vec<String>>,
    /// Extended key usage by RFC 5280's names, else dotted OIDs; `None`
    /// without the extension.
    pub extended_key_usage: Option<Vec<String>>,
    /// Basic constraints' cA; `None` without the extension.
    pub is_ca: Option<bool>,
    /// Whether it asks for an OCSP response in every handshake (RFC 7633).
    pub must_staple: bool,
    /// Whether its signature verifies under its own key; `None` where that
    /// can't be checked. A certificate whose issuer is another is `false`, and
    /// so is one whose key makes no signatures by its algorithm.
    pub self_signed: Option<bool>,
    /// What is wrong with its encoding, a line each.
    pub faults: Vec<String>,
}

impl Facts {
    fn weight(&self) -> usize {
        let usages = [&self.key_usage, &self.extended_key_usage];
        let usages = usages.into_iter().flatten().flatten();
        let names = [&self.subject, &self.issuer];
        weight_of(&self.alternative_names)
            + weight_of(usages)
            + weight_of(names.into_iter().flat_map(Name::texts))
            + weight_of(std::iter::once(&self.signature_algorithm))
            + weight_of(&self.faults)
            + self.serial.len()
    }
}

/// A distinguished name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The last common name in it.
    pub common_name: Option<String>,
    /// All of it in the string form of RFC 4514.
    pub distinguished_name: String,
}

impl Name {
    /// What it may be called: the common name, where it has one, and all of it.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let common_name = self.common_name.as_deref().into_iter();
        common_name.chain(std::iter::once(self.distinguished_name.as_str()))
    }
}

/// A subject public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its family.
    pub key_type: KeyType,
    /// RSA and DSA: bits of the modulus or prime; elliptic: bits of the
    /// field; ML-DSA: the number in its name (44, 65, 87).
    pub bits: Option<u32>,
    /// The curve's common name (`P-256`, `Ed25519`), else its dotted OID;
    /// `None` also for an elliptic key with explicit parameters.
    pub curve: Option<String>,
    /// SHA-256 of the SubjectPublicKeyInfo's DER; `None` where the
    /// certificate ends before it.
    pub spki: Option<Fingerprint>,
}
