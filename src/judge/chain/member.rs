use std::sync::{Arc, OnceLock};

use crate::domain::Fingerprint;
use crate::judge::{KeyFaults, Unsent};
use crate::x509::{self, Certificate, Facts, Linkage, Name, NameKey, Signed, Verification};

/// A certificate that can be linked to others: it has names and a key.
#[derive(Debug)]
pub(super) struct Member {
    certificate: Arc<Certificate>,
    /// What it says of who may certify whom.
    pub(super) linkage: Linkage,
    /// Whose key it is.
    pub(super) subject: NameKey,
    /// Who signed it.
    pub(super) issuer: NameKey,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub(super) key: Fingerprint,
    /// What is wrong with the numbers of its key, once somebody asked.
    key_faults: OnceLock<KeyFaults>,
}

/// What a certificate says of another that bears its issuer's name, by the
/// key identifiers in both (RFC 5280 sections 4.2.1.1 and 4.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// That one's key signed it.
    ItsKey,
    /// Nothing beyond the name.
    ItsName,
    /// Another key of that name signed it.
    AnotherKey,
}

/// Most characters of a name in a reason.
const MAX_NAME: usize = 100;

impl Member {
    /// `None` where the certificate can't be read as far as its key.
    pub(super) fn new(certificate: Arc<Certificate>) -> Option<Self> {
        let facts = certificate.facts.as_ref().ok()?;
        Some(Self {
            linkage: x509::linkage(&certificate.der),
            subject: NameKey::of(&facts.subject),
            issuer: NameKey::of(&facts.issuer),
            key: facts.public_key.spki?,
            key_faults: OnceLock::new(),
            certificate,
        })
    }

    /// The certificate.
    pub(super) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What it is as a part of a path that no server sent.
    pub(super) fn unsent(&self) -> Unsent {
        let faults = || KeyFaults::of(&self.certificate);
        Unsent {
            certificate: Arc::clone(&self.certificate),
            key_faults: *self.key_faults.get_or_init(faults),
        }
    }

    /// What the certificate says.
    #[expect(clippy::expect_used, reason = "`new` takes none that is not parsed")]
    pub(super) fn facts(&self) -> &Facts {
        self.certificate
            .facts
            .as_ref()
            .expect("a parsed certificate")
    }

    /// SHA-256 of the certificate.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.certificate.fingerprint
    }

    /// What people call it: the common name, else all of the name, else its
    /// SHA-256. It is the peer's text.
    pub(super) fn name(&self) -> String {
        called(&self.facts().subject).unwrap_or_else(|| self.fingerprint().to_string())
    }

    /// What it calls its issuer.
    pub(super) fn issuer_name(&self) -> String {
        called(&self.facts().issuer).unwrap_or_else(|| "an issuer without a name".to_owned())
    }

    /// Whether it names itself its issuer.
    pub(super) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether its own key signed it; `false` also where that can't be
    /// checked.
    pub(super) fn is_self_signed(&self) -> bool {
        self.facts().self_signed == Some(true)
    }

    /// Whether it stands for the same authority: the same name and key, in
    /// this certificate or another.
    pub(super) fn is_same_authority(&self, other: &Self) -> bool {
        self.subject == other.subject && self.key == other.key
    }

    /// What it says of `issuer`, which bears its issuer's name.
    pub(super) fn claim(&self, issuer: &Self) -> Claim {
        let named = &self.linkage.authority_key_id;
        match (named, &issuer.linkage.subject_key_id) {
            (Some(named), Some(key_id)) if named == key_id => Claim::ItsKey,
            (Some(_), Some(_)) => Claim::AnotherKey,
            _ => Claim::ItsName,
        }
    }

    /// Whether `issuer`'s key made its signature. Costs one public-key
    /// operation.
    pub(super) fn signed_by(&self, issuer: &Self) -> Verification {
        let Some(signed) = Signed::read(&self.certificate.der) else {
            return Verification::Invalid;
        };
        match x509::subject_public_key_info(&issuer.certificate.der) {
            Some(key) => x509::verify(&signed, key),
            None => Verification::NotCheckable,
        }
    }
}

/// A name for people, cut where it is long.
fn called(name: &Name) -> Option<String> {
    let full = Some(&name.distinguished_name);
    let name = name.common_name.as_ref().or(full)?;
    let cut = |(end, _)| format!("{}…", name.get(..end).unwrap_or_default());
    let shown = name
        .char_indices()
        .nth(MAX_NAME)
        .map_or_else(|| name.clone(), cut);
    (!shown.is_empty()).then_some(shown)
}
