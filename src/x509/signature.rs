//! Whether a certificate's signature verifies under a key.

use aws_lc_rs::signature::{self as algorithms, ParsedPublicKey, RsaPssSaltLength};
use aws_lc_rs::signature::{RsaParameters, VerificationAlgorithm};
use x509_parser::asn1_rs::{BitString, FromDer};
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::faults::Faults;
use super::walk::{self, Fields};
use super::{PublicKey, oid, public_key};
use crate::domain::{Der, KeyType};

/// A certificate as its issuer signed it.
#[derive(Clone, Debug)]
pub struct Signed<'a> {
    message: &'a [u8],
    algorithm: AlgorithmIdentifier<'a>,
    signature: BitString<'a>,
}

/// What is known of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verification {
    /// The key made it.
    Valid,
    /// The key did not make it, or makes none by this algorithm.
    Invalid,
    /// An algorithm, a size or a key that we can't check. It says nothing.
    NotCheckable,
}

impl<'a> Signed<'a> {
    /// The signed parts of a certificate (RFC 5280 section 4.1.1); `None`
    /// where one of them is missing.
    #[must_use]
    pub fn read(der: &'a Der) -> Option<Self> {
        let fields = walk::certificate(der.as_bytes(), &mut Faults::default()).ok()?;
        Self::of(&fields)
    }

    pub(super) fn of(fields: &Fields<'a>) -> Option<Self> {
        let (_, algorithm) = AlgorithmIdentifier::from_der(fields.outer_algorithm?).ok()?;
        let (_, signature) = BitString::from_der(fields.signature?).ok()?;
        Some(Self {
            message: fields.signed?,
            algorithm,
            signature,
        })
    }
}

/// The DER of a certificate's SubjectPublicKeyInfo, where it has one.
#[must_use]
pub fn subject_public_key_info(der: &Der) -> Option<&[u8]> {
    let fields = walk::certificate(der.as_bytes(), &mut Faults::default()).ok()?;
    fields.public_key
}

/// Verifies a certificate's signature under a key, given as the DER of its
/// SubjectPublicKeyInfo. Costs one public-key operation.
#[must_use]
pub fn verify(signed: &Signed<'_>, issuer_key: &[u8]) -> Verification {
    let Ok((_, info)) = SubjectPublicKeyInfo::from_der(issuer_key) else {
        return Verification::NotCheckable;
    };
    let key = public_key::read(issuer_key, &mut Faults::default());
    let name = oid::signature_algorithm(signed.algorithm.oid());
    let key_id = info.algorithm.oid().to_id_string();
    if is_known(&key) && makers(&name).is_some_and(|makers| !makers.contains(&&*key_id)) {
        return Verification::Invalid;
    }
    let Some(algorithm) = algorithm(&signed.algorithm, &name, &key) else {
        return Verification::NotCheckable;
    };
    let Ok(key) = ParsedPublicKey::new(algorithm, &*info.subject_public_key.data) else {
        return Verification::NotCheckable;
    };
    match key.verify_sig(signed.message, &signed.signature.data) {
        Ok(()) => Verification::Valid,
        Err(_) => Verification::Invalid,
    }
}

/// Whether it is known what a key is for, if only to agree on secrets.
fn is_known(key: &PublicKey) -> bool {
    match key.key_type {
        KeyType::Unparsed => false,
        KeyType::Other => key.curve.is_some(),
        KeyType::Rsa | KeyType::Ecdsa | KeyType::Dsa | KeyType::Eddsa | KeyType::MlDsa => true,
    }
}

/// The algorithms of the keys that make signatures by an algorithm; `None`
/// where that is not known.
///
/// A key meant for PSS makes no other signatures (RFC 4055 section 1.2).
fn makers(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "rsassaPss" => &["1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"],
        "SM2-with-SM3" => &["1.2.840.10045.2.1"],
        "ED25519" => &["1.3.101.112"],
        "ED448" => &["1.3.101.113"],
        "ML-DSA-44" => &["2.16.840.1.101.3.4.3.17"],
        "ML-DSA-65" => &["2.16.840.1.101.3.4.3.18"],
        "ML-DSA-87" => &["2.16.840.1.101.3.4.3.19"],
        _ if name.starts_with("ecdsa") => &["1.2.840.10045.2.1"],
        _ if name.starts_with("dsa") => &["1.2.840.10040.4.1"],
        _ if name.contains("RSA") => &["1.2.840.113549.1.1.1"],
        _ => return None,
    })
}

/// The verifier for a signature algorithm and a key; `None` where there is
/// none, or none for a key of that size.
fn algorithm(
    identifier: &AlgorithmIdentifier<'_>,
    name: &str,
    key: &PublicKey,
) -> Option<&'static dyn VerificationAlgorithm> {
    match key.key_type {
        KeyType::Rsa => {
            let bits = key.bits?;
            let algorithm = if name == "rsassaPss" {
                rsa_pss(identifier, bits)?
            } else {
                rsa_pkcs1(name)?
            };
            let sizes = algorithm.min_modulus_len()..=algorithm.max_modulus_len();
            sizes.contains(&bits).then_some(algorithm as _)
        }
        KeyType::Ecdsa => ecdsa(key.curve.as_deref()?, name),
        KeyType::Eddsa if name == "ED25519" => Some(&algorithms::ED25519),
        KeyType::MlDsa => match name {
            "ML-DSA-44" => Some(&algorithms::ML_DSA_44),
            "ML-DSA-65" => Some(&algorithms::ML_DSA_65),
            "ML-DSA-87" => Some(&algorithms::ML_DSA_87),
            _ => None,
        },
        KeyType::Eddsa | KeyType::Dsa | KeyType::Other | KeyType::Unparsed => None,
    }
}

/// The hashes that an algorithm's parameters name, where it is RSASSA-PSS:
/// that of the message, then that of the mask. SHA-1 stands for what is left
/// out (RFC 4055 section 3.1).
pub(super) fn pss_hashes(algorithm: &[u8]) -> Vec<String> {
    let hashes = || {
        let (_, identifier) = AlgorithmIdentifier::from_der(algorithm).ok()?;
        if oid::signature_algorithm(identifier.oid()) != "rsassaPss" {
            return None;
        }
        let Some(parameters) = identifier.parameters() else {
            return Some(vec!["SHA1".to_owned(); 2]);
        };
        let parameters = RsaSsaPssParams::try_from(parameters).ok()?;
        let mask = parameters.mask_gen_algorithm().ok()?;
        let hashes = [parameters.hash_algorithm_oid(), &mask.hash];
        Some(hashes.map(oid::hash).to_vec())
    };
    hashes().unwrap_or_default()
}

/// RFC 8017 section 8.2, from 1024 bits where the library goes so low.
fn rsa_pkcs1(name: &str) -> Option<&'static RsaParameters> {
    Some(match name {
        "sha1WithRSAEncryption" | "sha1WithRSA" => {
            &algorithms::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY
        }
        "sha256WithRSAEncryption" => &algorithms::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        "sha384WithRSAEncryption" => &algorithms::RSA_PKCS1_2048_8192_SHA384,
        "sha512WithRSAEncryption" => &algorithms::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        _ => return None,
    })
}

/// RFC 8017 section 8.1 with the parameters of RFC 4055 section 3.1, as far
/// as one hash serves for both and the salt has one of the two usual lengths:
/// the hash's, or (OpenSSL before 3.1) all that the key has room for.
fn rsa_pss(identifier: &AlgorithmIdentifier<'_>, bits: u32) -> Option<&'static RsaParameters> {
    const MAX: RsaPssSaltLength = RsaPssSaltLength::Max;
    let parameters = RsaSsaPssParams::try_from(identifier.parameters()?).ok()?;
    let mask = parameters.mask_gen_algorithm().ok()?;
    let hash = parameters.hash_algorithm_oid().to_id_string();
    if mask.hash.to_id_string() != hash || parameters.trailer_field() != 1 {
        return None;
    }
    let (length, by_hash, by_key): (u32, &'static RsaParameters, &'static RsaParameters) =
        match hash.as_str() {
            "2.16.840.1.101.3.4.2.1" => (
                32,
                &algorithms::RSA_PSS_2048_8192_SHA256,
                &const { algorithms::RSA_PSS_2048_8192_SHA256.with_pss_salt_length(MAX) },
            ),
            "2.16.840.1.101.3.4.2.2" => (
                48,
                &algorithms::RSA_PSS_2048_8192_SHA384,
                &const { algorithms::RSA_PSS_2048_8192_SHA384.with_pss_salt_length(MAX) },
            ),
            "2.16.840.1.101.3.4.2.3" => (
                64,
                &algorithms::RSA_PSS_2048_8192_SHA512,
                &const { algorithms::RSA_PSS_2048_8192_SHA512.with_pss_salt_length(MAX) },
            ),
            _ => return None,
        };
    // RFC 8017 section 9.1.1: emLen - hLen - 2.
    let room = (bits.saturating_sub(1).div_ceil(8)).checked_sub(length + 2)?;
    match parameters.salt_length() {
        salt if salt == length => Some(by_hash),
        salt if salt == room => Some(by_key),
        _ => None,
    }
}

/// RFC 5758 section 3.2.
fn ecdsa(curve: &str, name: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (curve, name) {
        ("P-256", "ecdsa-with-SHA1") => &algorithms::ECDSA_P256_SHA1_ASN1,
        ("P-256", "ecdsa-with-SHA256") => &algorithms::ECDSA_P256_SHA256_ASN1,
        ("P-256", "ecdsa-with-SHA384") => &algorithms::ECDSA_P256_SHA384_ASN1,
        ("P-256", "ecdsa-with-SHA512") => &algorithms::ECDSA_P256_SHA512_ASN1,
        ("P-384", "ecdsa-with-SHA256") => &algorithms::ECDSA_P384_SHA256_ASN1,
        ("P-384", "ecdsa-with-SHA384") => &algorithms::ECDSA_P384_SHA384_ASN1,
        ("P-384", "ecdsa-with-SHA512") => &algorithms::ECDSA_P384_SHA512_ASN1,
        ("P-521", "ecdsa-with-SHA1") => &algorithms::ECDSA_P521_SHA1_ASN1,
        ("P-521", "ecdsa-with-SHA224") => &algorithms::ECDSA_P521_SHA224_ASN1,
        ("P-521", "ecdsa-with-SHA256") => &algorithms::ECDSA_P521_SHA256_ASN1,
        ("P-521", "ecdsa-with-SHA384") => &algorithms::ECDSA_P521_SHA384_ASN1,
        ("P-521", "ecdsa-with-SHA512") => &algorithms::ECDSA_P521_SHA512_ASN1,
        ("secp256k1", "ecdsa-with-SHA256") => &algorithms::ECDSA_P256K1_SHA256_ASN1,
        _ => return None,
    })
}
