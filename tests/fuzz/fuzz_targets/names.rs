#![no_main]
//! Any bytes as the names in a certificate and as the name asked for, and
//! what is shown of them.

use certsweep::domain::{Der, is_hazardous, printable};
use certsweep::x509;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (name, bytes) = input;
    let der = Der::from(bytes);
    let certificate = x509::parse(&der);
    let _ = x509::name_match(&certificate, name);
    let _ = x509::addresses(&der);
    let _ = x509::linkage(&der);
    let _ = x509::rsa_public_key(bytes);
    let shown = printable(&x509::name_text(bytes));
    assert!(!shown.contains(is_hazardous), "{shown:?}");
});
