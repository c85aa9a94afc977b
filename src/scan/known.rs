use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::Fingerprint;
use crate::x509::Certificate;

/// Certificates that are parsed already: one on many hosts is parsed once.
/// When full, it starts anew.
#[derive(Debug, Default)]
pub(super) struct Known {
    certificates: HashMap<Fingerprint, Arc<Certificate>>,
    bytes: usize,
}

/// Bytes of certificates that are kept; what is read in them takes about as
/// much again.
const MOST_BYTES: usize = 32 << 20;

impl Known {
    pub(super) fn get(&self, fingerprint: Fingerprint) -> Option<Arc<Certificate>> {
        self.certificates.get(&fingerprint).cloned()
    }

    pub(super) fn keep(&mut self, certificate: Certificate) -> Arc<Certificate> {
        let bytes = certificate.der.as_bytes().len();
        if self.bytes + bytes > MOST_BYTES {
            *self = Self::default();
        }
        self.bytes += bytes;
        let certificate = Arc::new(certificate);
        self.certificates
            .insert(certificate.fingerprint, Arc::clone(&certificate));
        certificate
    }
}
