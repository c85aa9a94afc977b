#![no_main]
//! Any bytes as a file of certificates, requests or keys that an operator
//! points at.

use certsweep::domain::Der;
use certsweep::judge::TrustStore;
use certsweep::probe::{ClientIdentity, TrustAnchors};
use certsweep::x509;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = x509::certificate_in(bytes);
    let _ = x509::key_in(bytes);
    if let Ok(certificates) = x509::certificates_in_bundle(bytes) {
        let kept: usize = certificates.iter().map(|der| der.as_bytes().len()).sum();
        assert!(kept <= bytes.len(), "more certificates than bytes");
        let _ = TrustAnchors::new(&certificates);
        let _ = ClientIdentity::new(&certificates, bytes);
    }
    if let Ok(collection) = x509::certificates_in(bytes) {
        assert!(!collection.certificates.is_empty());
    }
    if let Ok(store) = TrustStore::from_bundle("fuzz", bytes) {
        assert!(!store.roots.is_empty());
    }
    let _ = ClientIdentity::new(&[Der::from(bytes)], bytes);
});
