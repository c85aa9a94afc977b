//! What rustls-webpki, as a modern client, makes of one path.
//!
//! It is asked about one path at a time, with nothing to search: the search
//! is the walk's. Names are left out, and a leaf of another usage than TLS
//! servers' goes on to the other checks, with a note.

use std::cell::RefCell;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter,
    KeyUsage, anchor_from_trusted_cert,
};

use super::member::Member;
use super::trail::Trail;
use crate::domain::{KeyType, Timestamp};
use crate::x509::NameKinds;

/// Why a modern client refuses a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// In words.
    pub(super) reason: String,
    pub(super) kind: Kind,
}

/// What a refusal says of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// RFC 5280 forbids it, so that nobody may accept it.
    Forbidden,
    /// The client wants more than RFC 5280 does, and every check was made.
    Strict,
    /// It wants more, and so did not come to the limits on names.
    NamesUnchecked,
}

/// Asks about a path that ends in a trusted certificate, at a moment at which
/// all of it is valid. Costs one check of a signature for each certificate
/// above the leaf.
pub(super) fn refusal(trail: &Trail, at: Timestamp) -> Option<Refusal> {
    let usage = Usage::default();
    match verify(trail, at, &usage) {
        Ok(()) => usage.refused.into_inner().map(|error| Refusal {
            reason: words(&error, trail),
            kind: Kind::Strict,
        }),
        Err(error) => Some(Refusal {
            reason: words(&error, trail),
            kind: kind(&error, trail),
        }),
    }
}

fn verify(trail: &Trail, at: Timestamp, usage: &Usage) -> Result<(), Error> {
    let ders: Vec<_> = trail.members().map(|member| der(member)).collect();
    let (Some((leaf, above)), Ok(seconds)) = (ders.split_first(), u64::try_from(at.seconds()))
    else {
        return Err(Error::BadDerTime);
    };
    let (anchor, intermediates) = above.split_last().unwrap_or((leaf, &[]));
    let anchors = [anchor_from_trusted_cert(anchor)?];
    EndEntityCert::try_from(leaf)?.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        intermediates,
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        usage,
        None,
        None,
    )?;
    Ok(())
}

fn der(member: &Member) -> CertificateDer<'_> {
    CertificateDer::from(member.certificate().der.as_bytes())
}

/// TLS servers' usage, where a leaf states any: noted, so that a client's
/// certificate is judged like others.
#[derive(Debug, Default)]
struct Usage {
    refused: RefCell<Option<Error>>,
}

impl ExtendedKeyUsageValidator for &Usage {
    fn validate(&self, stated: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        if let Err(error) = KeyUsage::server_auth().validate(stated) {
            self.refused.replace(Some(error));
        }
        Ok(())
    }
}

fn kind(error: &Error, trail: &Trail) -> Kind {
    match (error, Limits::of(trail)) {
        (Error::SignatureAlgorithmMismatch, _)
        | (Error::NameConstraintViolation, Limits::Hosts) => Kind::Forbidden,
        (_, Limits::None) => Kind::Strict,
        _ => Kind::NamesUnchecked,
    }
}

/// Which names any issuer of a trail limits, of those that are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limits {
    /// None.
    None,
    /// Those of hosts alone.
    Hosts,
    /// Others too.
    Others,
}

impl Limits {
    /// The library compares hosts' alone: it takes a limit on any other kind
    /// for overstepped where a certificate has a name of that kind, and for kept
    /// where none has.
    fn of(trail: &Trail) -> Self {
        let issuers = trail.members().skip(1);
        let limited: NameKinds = issuers.map(|it| it.linkage.limited_names).collect();
        let present = trail.members().map(|it| it.linkage.alternative_names);
        let present = present.collect::<NameKinds>() | NameKinds::DIRECTORY;
        if limited.is_empty() {
            Self::None
        } else if limited.shares_beside_hosts(present) {
            Self::Others
        } else {
            Self::Hosts
        }
    }
}

/// An error of the library in our words; the library's own where we have
/// none.
fn words(error: &Error, trail: &Trail) -> String {
    match error {
        Error::NameConstraintViolation if Limits::of(trail) == Limits::Hosts => {
            "an issuer is not allowed to certify its names".to_owned()
        }
        Error::NameConstraintViolation => {
            "an issuer limits other names than those of hosts".to_owned()
        }
        Error::SignatureAlgorithmMismatch => {
            "its signature algorithm is another inside than outside".to_owned()
        }
        Error::CaUsedAsEndEntity => "it is an authority's certificate".to_owned(),
        Error::UnsupportedCertVersion => format!("version {}", trail.leaf.facts().version),
        Error::InvalidSignatureForPublicKey => {
            small_key(trail).unwrap_or_else(|| "a signature that it can't check".to_owned())
        }
        Error::UnsupportedSignatureAlgorithmContext(_) => {
            let signed = trail.members().rev().skip(1);
            let algorithms: Vec<_> = signed
                .map(|member| member.facts().signature_algorithm.as_str())
                .collect();
            format!(
                "one of its signature algorithms ({})",
                algorithms.join(", ")
            )
        }
        Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => small_key(trail)
            .unwrap_or_else(|| "a signature algorithm that does not fit its key".to_owned()),
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
            "its extended key usage is not for servers".to_owned()
        }
        Error::TrailingData(_) => "bytes after an end".to_owned(),
        Error::UnknownIssuer if trail.steps.is_empty() => {
            "it is trusted itself, without an issuer".to_owned()
        }
        Error::UnknownIssuer => "a name is written in another way than its issuer's".to_owned(),
        Error::MaximumPathDepthExceeded => "too many intermediates".to_owned(),
        Error::UnsupportedCriticalExtension => {
            "a critical extension that it does not know".to_owned()
        }
        other => format!("rustls-webpki: {other}"),
    }
}

/// An issuer's RSA key under 2048 bits: every signature by one is wrong to the
/// library.
fn small_key(trail: &Trail) -> Option<String> {
    trail.members().skip(1).find_map(|issuer| {
        let key = &issuer.facts().public_key;
        let bits = key
            .bits
            .filter(|bits| key.key_type == KeyType::Rsa && *bits < 2048)?;
        Some(format!(
            "the RSA key of `{}` has {bits} bits",
            issuer.name()
        ))
    })
}
