#![no_main]
//! Any bytes as a file of certificates, requests or keys that an operator
//! points at.

use certsweep::domain::Der;
use certsweep::judge::TrustStore;
use certsweep::probe::{ClientIdentity, TrustAnchors};
use certsweep::x509;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let found = x509::every_certificate_in(bytes);
    let lengths = found.iter().map(|der| der.as_bytes().len());
    assert!(lengths.sum::<usize>() <= bytes.len(), "more than was read");
    // A certificate has a key, and so may what is none.
    assert!(x509::keys_in(bytes).len() >= found.len());
    if let Ok(collection) = x509::certificates_in(bytes) {
        let ders = collection.certificates.into_iter().map(|it| it.der);
        let ders: Vec<_> = ders.collect();
        assert!(!ders.is_empty());
        let kept: usize = ders.iter().map(|der| der.as_bytes().len()).sum();
        assert!(kept <= bytes.len(), "more certificates than bytes");
        let _ = TrustAnchors::new(&ders);
        let _ = ClientIdentity::new(&ders, bytes);
        assert!(TrustStore::from_file("fuzz", bytes).is_ok());
    }
    let _ = ClientIdentity::new(&[Der::from(bytes)], bytes);
});
