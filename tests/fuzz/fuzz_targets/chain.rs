#![no_main]
//! Any certificates as the chain that a server sent, judged.

use std::sync::Arc;

use certsweep::domain::{Der, Timestamp};
use certsweep::judge::{Assessor, Evidence, Judge, Kin, KeyFaults, Past, Policy, Pool};
use certsweep::x509::{self, Certificate};
use libfuzzer_sys::fuzz_target;

/// Certificates of a chain that are looked at; a scan keeps a hundred.
const LONGEST: usize = 8;

fuzz_target!(|input: (i64, &[u8])| {
    let (now, bytes) = input;
    let chain: Vec<_> = certificates(bytes).take(LONGEST).collect();
    let mut assessor = Assessor::new(Vec::new(), Pool::default());
    for certificate in &chain {
        assessor.add(certificate);
    }
    let now = Timestamp::from_micros(now);
    let assessment = assessor.assess(&chain, now);
    assert!(assessment.trusted_by.is_empty(), "there is no store");
    assert!(assessment.path.iter().all(|place| *place < chain.len()));
    if chain.is_empty() {
        return;
    }
    let faults: Vec<_> = chain.iter().map(|it| KeyFaults::of(it)).collect();
    let evidence = Evidence {
        chain: &chain,
        key_faults: &faults,
        assessment: &assessment,
        place: None,
        past: &Past::default(),
        kin: &Kin::default(),
    };
    let judgement = Judge::new(Policy::default()).judge(&evidence, now);
    let worst_first = |pair: &[_]| matches!(pair, [one, next] if severity(one) >= severity(next));
    assert!(judgement.findings.windows(2).all(worst_first));
});

fn severity(finding: &certsweep::judge::Finding) -> certsweep::domain::Severity {
    finding.severity
}

/// DER elements one after the other; what is none is the last.
fn certificates(mut bytes: &[u8]) -> impl Iterator<Item = Arc<Certificate>> {
    std::iter::from_fn(move || {
        let (one, rest) = bytes.split_at_checked(length(bytes)?)?;
        bytes = rest;
        Some(Arc::new(x509::parse(&Der::from(one))))
    })
}

/// The length of the element that the bytes begin with: of a SEQUENCE whose
/// length has two bytes, as that of a certificate has.
fn length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [] => None,
        [0x30, 0x82, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low])) + 4;
            Some(length.min(bytes.len()))
        }
        _ => Some(bytes.len()),
    }
}
