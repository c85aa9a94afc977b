use crate::domain::Severity;
use crate::judge::case::Member;
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
        "MD2, MD4, MD5, SHA-0 and SHA-1, in RSASSA-PSS for the message or for the mask, \
        sent or not. What signed itself is exempt, and so is the end of the path where a \
        store holds it and it was not sent: that signature protects nothing. Whoever sends \
        one that a store holds means it for those who don't have it. Where it can't be \
        checked who signed, a certificate of its own issuer's name is exempt unless another \
        was found above it.",
    ),
    zlint: &[
        "e_sub_cert_or_sub_ca_using_sha1",
        "e_signature_algorithm_not_supported",
    ],
    check,
};

/// What the names of weak algorithms hold: MD2, MD4, MD5, SHA-1.
const WEAK: [&str; 4] = ["md2", "md4", "md5", "sha1"];

/// What the names of those with SHA-0 begin or end with.
const SHA_0: [&str; 2] = ["shawith", "withsha"];

fn check(case: &Case<'_>) -> Verdict {
    case.each_relied_on(|member| {
        let facts = member.facts;
        if protects_nothing(case, &member) || facts.signature_algorithm.is_empty() {
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

/// Whether nobody relies on a certificate's signature: it is its own, or that
/// of the path's end, which a store holds and which was not sent.
fn protects_nothing(case: &Case<'_>, member: &Member<'_>) -> bool {
    match member.facts.self_signed {
        Some(true) => true,
        Some(false) => member.position.is_none() && case.is_root(member),
        // By its own name, and it can't be checked.
        None => case.is_root(member) || !case.is_in_path(member),
    }
}

fn is_weak(algorithm: &str) -> bool {
    let name = algorithm.to_ascii_lowercase();
    let [begin, end] = SHA_0;
    let is_sha_0 = name.starts_with(begin) || name.ends_with(end);
    is_sha_0 || WEAK.iter().any(|weak| name.contains(weak))
}
