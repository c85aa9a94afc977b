use crate::domain::{KeyType, Severity};
use crate::judge::{Case, Rule, Verdict, WeakKeys};
use crate::x509::{self, Certificate};

pub(super) static RULE: Rule = Rule {
    id: "weak-key",
    title: "a key of the chain can be broken",
    severity: Severity::Error,
    citation: "NIST SP 800-131A Rev. 2 section 3; CA/Browser Forum Baseline Requirements \
        sections 6.1.1.3 and 6.1.5; RFC 9325 section 4.5; SEC 2",
    advice: "Make a new key (RSA of 2048 bits or more, or P-256) and have the \
        certificate reissued for it. For ROCA, close primes, a bad exponent or a \
        key on a list treat it as stolen: replace the software that made it, and revoke.",
    note: Some(
        "RSA below 2048 bits, with an exponent below 2 or even, of the form of ROCA \
        (CVE-2017-15361), with primes that 256 rounds of Fermat's method find, \
        or on a list of keys that others have, such as Debian's of 2008 \
        (CVE-2008-0166), where `weak_key_lists` of the policy names one; DSA; curves \
        below 224 bits or spelled out (RFC 5480 section 2.1.1). The keys of the path \
        count as well that were not sent: a store's root, the issuers of an import.",
    ),
    zlint: &[
        "e_rsa_mod_less_than_2048_bits",
        "e_rsa_public_exponent_not_odd",
        "e_rsa_public_exponent_too_small",
        "e_rsa_fermat_factorization",
        "e_dsa_shorter_than_2048_bits",
        "e_ec_improper_curves",
    ],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    case.each_relied_on(|member| {
        let key = &member.facts.public_key;
        let faults = member.key_faults.lines();
        let mut lines: Vec<String> = faults.map(str::to_owned).collect();
        match key.key_type {
            KeyType::Rsa => {
                lines.extend(shortage(key.bits, case.limits.rsa_bits));
                if is_listed(member.certificate, &case.limits.weak_keys) {
                    lines.push("it is on a list of keys that others have".to_owned());
                }
            }
            KeyType::Ecdsa | KeyType::Eddsa => {
                lines.extend(shortage(key.bits, CURVE_BITS));
                if key.bits.is_some() && key.curve.is_none() {
                    lines.push("its curve is spelled out, not named".to_owned());
                }
            }
            KeyType::Dsa => lines.push("DSA is no longer approved for signing".to_owned()),
            KeyType::MlDsa => {}
            KeyType::Other | KeyType::Unparsed => return Verdict::NotApplicable,
        }
        Verdict::unless((!lines.is_empty()).then(|| lines.join("; ")))
    })
}

fn is_listed(certificate: &Certificate, weak_keys: &WeakKeys) -> bool {
    if weak_keys.is_empty() {
        return false;
    }
    let key = x509::subject_public_key_info(&certificate.der).and_then(x509::rsa_public_key);
    key.is_some_and(|key| weak_keys.contain(&key))
}

/// The fewest bits of a curve's field (RFC 9325 section 4.5).
const CURVE_BITS: u32 = 224;

fn shortage(bits: Option<u32>, least: u32) -> Option<String> {
    let bits = bits.filter(|bits| *bits < least)?;
    Some(format!("{bits} bits, fewer than {least}"))
}
