use std::fs;
use std::path::{Path, PathBuf};

use crate::domain::Der;
use crate::judge::TrustStore;
use crate::x509::BrokenCollection;

/// Whether the operating system's roots are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemRoots {
    /// They are.
    Asked,
    /// They are not.
    LeftOut,
}

/// The stores to judge by, and what went wrong on the way.
#[derive(Debug)]
pub struct TrustStores {
    /// The system's where asked, Mozilla's, then the operator's in their
    /// order.
    pub stores: Vec<TrustStore>,
    /// What of the system's roots could not be read, a line each: not the
    /// operator's fault, and no reason to stop.
    pub warnings: Vec<String>,
}

/// Why a file can't be a trust store.
#[derive(Debug, thiserror::Error)]
pub enum TrustStoreError {
    /// It can't be read.
    #[error("can't read the trust store {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no file of certificates.
    #[error("{}: {source}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BrokenCollection,
    },
}

impl TrustStoreError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read { .. } => Some("name a file of certificates that can be read"),
            Self::Invalid { .. } => Some(
                "a trust store is a file of certificates: PEM with any number of BEGIN \
                 CERTIFICATE blocks, DER or PKCS#7",
            ),
        }
    }
}

/// Reads the stores to judge by.
///
/// Where the system's roots lie is the system's to say; `SSL_CERT_FILE` and
/// `SSL_CERT_DIR` override it, as for other programs.
///
/// # Errors
/// The first of the operator's files that is no trust store.
pub fn trust_stores(
    system: SystemRoots,
    files: &[PathBuf],
) -> Result<TrustStores, TrustStoreError> {
    let mut stores = Vec::new();
    let mut warnings = Vec::new();
    if system == SystemRoots::Asked {
        let found = rustls_native_certs::load_native_certs();
        let roots = found.certs.iter().map(|root| Der::from(&root[..]));
        stores.push(TrustStore::new("system", roots));
        warnings.extend(
            found
                .errors
                .iter()
                .map(|error| format!("system roots: {error}")),
        );
    }
    stores.push(TrustStore::mozilla());
    for file in files {
        stores.push(read(file)?);
    }
    Ok(TrustStores { stores, warnings })
}

fn read(path: &Path) -> Result<TrustStore, TrustStoreError> {
    let bundle = fs::read(path).map_err(|source| TrustStoreError::Read {
        path: path.to_owned(),
        source,
    })?;
    let name = path.display().to_string();
    TrustStore::from_file(name, &bundle).map_err(|source| TrustStoreError::Invalid {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    #[test]
    fn the_stores_stand_in_order_and_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("corp.pem");
        let key = KeyPair::generate().unwrap();
        let root = CertificateParams::default().self_signed(&key).unwrap();
        fs::write(&file, root.pem()).unwrap();
        let files = [file.clone()];
        let names = |system| {
            let found = trust_stores(system, &files).unwrap();
            found
                .stores
                .into_iter()
                .map(|store| store.name)
                .collect::<Vec<_>>()
        };
        let corp = file.display().to_string();
        assert_eq!(names(SystemRoots::Asked), ["system", "mozilla", &corp]);
        assert_eq!(names(SystemRoots::LeftOut), ["mozilla", &corp]);
    }

    #[test]
    fn a_file_that_is_no_store_is_named_with_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("corp.pem");
        let refusal =
            || trust_stores(SystemRoots::LeftOut, std::slice::from_ref(&file)).unwrap_err();
        assert!(matches!(refusal(), TrustStoreError::Read { .. }));
        fs::write(
            &file,
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        let refusal = refusal();
        assert_eq!(
            refusal.to_string(),
            format!(
                "{}: line 2: not base64, in a block `CERTIFICATE`",
                file.display()
            )
        );
        assert!(refusal.hint().is_some());
    }
}
