#![no_main]
//! Any bytes as a certificate, and as a staple.

use certsweep::domain::Der;
use certsweep::x509;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let der = Der::from(bytes);
    let certificate = x509::parse(&der);
    assert_eq!(certificate.der, der);
    let _ = [x509::Staple::of(bytes), x509::Staple::beginning(bytes)];
    if let (Some(signed), Some(key)) = (
        x509::Signed::read(&der),
        x509::subject_public_key_info(&der),
    ) {
        let _ = x509::verify(&signed, key);
    }
});
