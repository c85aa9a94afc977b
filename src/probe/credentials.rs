use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};

use crate::domain::Der;
use crate::x509;

/// A client certificate with its chain and key.
#[derive(Clone, Debug)]
pub struct ClientIdentity(Arc<CertifiedKey>);

/// Why a key and certificates are nobody's identity: the operator's files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// No certificate at all.
    #[error("there is no certificate")]
    NoCertificate,
    /// The key can't be used.
    #[error("the private key can't be used: {0}")]
    Key(String),
    /// The first certificate can't be read.
    #[error("the first certificate can't be used: {0}")]
    Certificate(String),
    /// Each of them by itself is well.
    #[error("the private key is not that of the first certificate")]
    Mismatch,
}

/// The roots that a server's chain is verified against.
#[derive(Clone, Debug)]
pub struct TrustAnchors {
    roots: Arc<[Der]>,
    store: Arc<RootCertStore>,
}

/// A certificate that can't be a root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("certificate {position} can't be a root: {why}")]
pub struct InvalidAnchor {
    /// Which one, counted from 1.
    pub position: usize,
    /// What is wrong with it.
    pub why: String,
}

impl ClientIdentity {
    /// The identity of a chain, its own certificate first, and a private key
    /// in DER: PKCS#8, PKCS#1 or SEC 1; RSA of 2048 to 8192 bits, ECDSA over
    /// P-256, P-384 or P-521, or Ed25519.
    pub fn new(chain: &[Der], key: &[u8]) -> Result<Self, IdentityError> {
        let leaf = chain.first().ok_or(IdentityError::NoCertificate)?;
        let key = PrivateKeyDer::try_from(key.to_vec())
            .map_err(|why| IdentityError::Key(why.to_owned()))?;
        let key = aws_lc_rs::sign::any_supported_type(&key)
            .map_err(|error| IdentityError::Key(error.to_string()))?;
        let identity = CertifiedKey::new(chain.iter().map(certificate).collect(), key);
        match identity.keys_match() {
            // Not every key shows its public half.
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
                Ok(Self(Arc::new(identity)))
            }
            Err(Error::InconsistentKeys(_)) => Err(IdentityError::Mismatch),
            // rustls reads no certificate of version 1, which servers may take.
            Err(error) => match x509::subject_public_key_info(leaf) {
                None => Err(IdentityError::Certificate(error.to_string())),
                Some(own) => match identity.key.public_key() {
                    Some(public) if *public != *own => Err(IdentityError::Mismatch),
                    Some(_) | None => Ok(Self(Arc::new(identity))),
                },
            },
        }
    }

    pub(super) const fn certified_key(&self) -> &Arc<CertifiedKey> {
        &self.0
    }
}

impl IdentityError {
    /// What would be accepted.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoCertificate | Self::Certificate(_) => {
                "the client's own certificate stands first, those that issued it behind it"
            }
            Self::Key(_) => {
                "a key is RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521) or Ed25519, in \
                 PKCS#8, PKCS#1 or SEC 1"
            }
            Self::Mismatch => "give the certificate that was issued for this key",
        }
    }
}

impl TrustAnchors {
    /// The roots in these certificates.
    pub fn new(roots: &[Der]) -> Result<Self, InvalidAnchor> {
        let mut store = RootCertStore::empty();
        for (index, root) in roots.iter().enumerate() {
            store
                .add(certificate(root))
                .map_err(|error| InvalidAnchor {
                    position: index + 1,
                    why: error.to_string(),
                })?;
        }
        Ok(Self {
            roots: Arc::from(roots),
            store: Arc::new(store),
        })
    }

    pub(super) const fn store(&self) -> &Arc<RootCertStore> {
        &self.store
    }

    /// Whether a certificate is one of the roots itself.
    pub(super) fn holds(&self, certificate: &[u8]) -> bool {
        self.roots.iter().any(|root| root.as_bytes() == certificate)
    }
}

fn certificate(der: &Der) -> CertificateDer<'static> {
    CertificateDer::from(der.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};

    use super::*;

    fn certified(key: &KeyPair) -> Der {
        let parameters = CertificateParams::new(["client.test".to_owned()]).unwrap();
        let certificate = parameters.self_signed(key).unwrap();
        Der::from(&certificate.der()[..])
    }

    #[test]
    fn a_key_has_to_be_its_certificates() {
        let (own, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let chain = [certified(&own)];
        assert!(ClientIdentity::new(&chain, own.serialized_der()).is_ok());
        let error = |chain: &[Der], key: &[u8]| ClientIdentity::new(chain, key).unwrap_err();
        assert_eq!(
            error(&chain, other.serialized_der()),
            IdentityError::Mismatch
        );
        assert_eq!(
            error(&[], own.serialized_der()),
            IdentityError::NoCertificate
        );
        assert!(matches!(error(&chain, b"no key"), IdentityError::Key(_)));
        let broken = [Der::from(&b"no certificate"[..])];
        assert!(matches!(
            error(&broken, own.serialized_der()),
            IdentityError::Certificate(_)
        ));
    }

    #[test]
    fn a_key_of_ed25519_is_taken() {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        assert!(ClientIdentity::new(&[certified(&key)], key.serialized_der()).is_ok());
    }

    #[test]
    fn what_is_no_certificate_is_no_root() {
        let root = certified(&KeyPair::generate().unwrap());
        let error = TrustAnchors::new(&[root, Der::from(&b"x"[..])]).unwrap_err();
        assert_eq!(error.position, 2);
    }
}
