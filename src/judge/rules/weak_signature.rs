use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "weak-signature",
    title: "a signature of the chain rests on a broken hash",
    severity: Severity::Error,
    citation: "RFC 8446 section 4.4.2.4; CA/Browser Forum Baseline Requirements section \
        7.1.3.2; NIST SP 800-131A Rev. 2 section 9",
    advice: "Have it reissued with SHA-256 or better. If the CA can't do that, it is \
        the CA that must be replaced.",
    note: Some(
        "MD2, MD4, MD5 and SHA-1, in RSASSA-PSS for the message or for the mask. A \
        certificate that signed itself is exempt: its signature protects nothing, roots are \
        trusted by being in a store.",
    ),
    zlint: &[
        "e_sub_cert_or_sub_ca_using_sha1",
        "e_signature_algorithm_not_supported",
    ],
    check,
};

/// What the names of weak algorithms hold: MD2, MD4, MD5, SHA-1 and SHA-0.
const WEAK: [&str; 5] = ["md2", "md4", "md5", "sha1", "shawith"];

fn check(case: &Case<'_>) -> Verdict {
    case.each(|member| {
        let facts = member.facts;
        // `None` is a signature by its own name that can't be checked.
        let vouches_for_itself = facts.self_signed != Some(false);
        if vouches_for_itself || facts.signature_algorithm.is_empty() {
            return Verdict::NotApplicable;
        }
        let algorithm = &facts.signature_algorithm;
        let hashes = facts.signature_hashes.iter();
        let weak_hash = hashes
            .zip(["message", "mask"])
            .find(|(hash, _)| is_weak(hash));
        Verdict::unless(match weak_hash {
            Some((hash, role)) => Some(format!("{algorithm} with {hash} for the {role}")),
            None => is_weak(algorithm).then(|| algorithm.clone()),
        })
    })
}

fn is_weak(algorithm: &str) -> bool {
    let name = algorithm.to_ascii_lowercase();
    WEAK.iter().any(|weak| name.contains(weak))
}
