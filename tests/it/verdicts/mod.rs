//! Verdicts on a corpus of chains, cross-checked with what others make of
//! each: `openssl verify`, rustls-webpki left to find its own path, and, where
//! tests/soak/verdicts runs it, Python's cryptography. Where they differ it is listed here, with the reason; a
//! difference that is not listed fails, and so does one that is gone.

mod authority;
mod corpus;
mod others;
mod workshop;

use std::sync::Arc;

use certsweep::domain::{Der, Trust};
use certsweep::judge::{Assessment, Assessor, Pool, TrustStore};
use certsweep::x509;

use corpus::Case;
use others::Answers;

/// Who else was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    /// `openssl verify -purpose sslserver`.
    Openssl,
    /// Before it knew ML-DSA (3.5).
    OpensslBefore35,
    /// Python's cryptography, a server's verifier with its own policy.
    Cryptography,
    /// rustls-webpki with all that was sent and all that is trusted.
    Webpki,
}

/// Chains on which others differ, and why.
type Difference = (Other, &'static [&'static str], &'static str);

/// Where another accepts what we do not call [`Trust::Trusted`], or the other
/// way round. rustls-webpki is compared with what we say of a modern client.
const DIFFERENCES: &[Difference] = &[
    (
        Other::Openssl,
        &[
            "authority's own certificate",
            "client's certificate",
            "self-signed with Ed448 in the store",
        ],
        "the purpose is part of its verdict; with us it is a finding, since certificates of \
         clients and authorities are in the inventory too",
    ),
    (
        Other::Openssl,
        &["the last second"],
        "it takes the end of validity for the first moment after it; RFC 5280 section 4.1.2.5 \
         counts it in",
    ),
    (
        Other::Openssl,
        &["leaf in the store", "intermediate in the store"],
        "it wants a self-signed certificate at the top, unless told -partial_chain; Java, Go and \
         rustls take whatever the store holds",
    ),
    (
        Other::Openssl,
        &["signed with MD5", "issuer with Ed448"],
        "it checks algorithms that our library has not: `unchecked` is no `invalid`",
    ),
    (
        Other::OpensslBefore35,
        &["ML-DSA-65"],
        "it does not know the algorithm",
    ),
    (
        Other::Cryptography,
        &[
            "authority's own certificate",
            "common name only",
            "self-signed by OpenSSL in the store",
            "self-signed with Ed448 in the store",
        ],
        "it wants alternative names; with us names are apart from the chain",
    ),
    (
        Other::Cryptography,
        &["client's certificate"],
        "the usage is part of its verdict; with us it is a finding",
    ),
    (
        Other::Cryptography,
        &[
            "Ed25519",
            "ML-DSA-65",
            "signed with SHA-1",
            "issuer with RSA-1024",
            "version 1",
        ],
        "it holds everybody to the rules of public authorities; with us each is a finding, and \
         all but the first two are what a modern client refuses",
    ),
    (
        Other::Cryptography,
        &["trailing bytes"],
        "it reads nothing that is not all DER; with us that is a finding, and what a modern \
         client refuses",
    ),
    (
        Other::Cryptography,
        &["issuer's name written otherwise"],
        "it compares names byte by byte, as rustls-webpki does; RFC 5280 section 7.1 does not, nor \
         does OpenSSL",
    ),
    (
        Other::Webpki,
        &[
            "expired root",
            "cross-signed by an expired root, only that one in the store",
        ],
        "it takes a root for a name and a key and looks at no dates of it; the contract counts \
         every certificate of the path, as OpenSSL does",
    ),
    (
        Other::Webpki,
        &["issuer may not sign certificates"],
        "it reads no key usage; RFC 5280 section 6.1.4 (n) forbids it",
    ),
];

/// The differences that apply to the programs installed here.
fn listed() -> Vec<(Other, &'static str)> {
    let knows_lattices = others::openssl_knows("ML-DSA");
    let applies = |(other, ..): &&Difference| *other != Other::OpensslBefore35 || !knows_lattices;
    let pairs = DIFFERENCES
        .iter()
        .filter(applies)
        .flat_map(|(other, cases, _)| {
            let other = match other {
                Other::OpensslBefore35 => Other::Openssl,
                other => *other,
            };
            cases.iter().map(move |case| (other, *case))
        });
    pairs.collect()
}

fn assess(case: &Case) -> Assessment {
    let roots = case.roots.iter().map(|root| Der::from(&root[..]));
    let store = TrustStore::new("corpus", roots);
    let chain: Vec<_> = case
        .chain
        .iter()
        .map(|der| Arc::new(x509::parse(&Der::from(&der[..]))))
        .collect();
    Assessor::new(vec![store], Pool::default()).assess(&chain, case.at)
}

#[test]
fn every_chain_of_the_corpus_gets_its_verdict() {
    let mut wrong = Vec::new();
    for case in corpus::cases() {
        let found = assess(&case);
        if found.trust != case.expected || found.refusal.is_some() != case.is_refused {
            wrong.push(format!(
                "{}: {} ({}), refusal {:?}",
                case.name, found.trust, found.reason, found.refusal
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn others_say_the_same_but_for_the_differences_listed() {
    let cases = corpus::cases();
    let Answers {
        openssl,
        cryptography,
        webpki,
    } = others::ask(&cases);
    let asked = |(other, _): &(Other, _)| *other != Other::Cryptography || cryptography.is_some();
    let listed: Vec<_> = listed().into_iter().filter(asked).collect();
    let mut found = Vec::new();
    let mut unlisted = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let assessment = assess(case);
        let trusted = assessment.trust == Trust::Trusted;
        let taken = trusted && assessment.refusal.is_none();
        let cryptography = cryptography.as_ref().map(|answers| &answers[index]);
        let cryptography = cryptography.map(|answer| (Other::Cryptography, trusted, answer));
        let answers = [
            (Other::Openssl, trusted, &openssl[index]),
            (Other::Webpki, taken, &webpki[index]),
        ];
        for (other, ours, answer) in answers.into_iter().chain(cryptography) {
            let pair = (other, case.name);
            if answer.is_none() != ours {
                found.push(pair);
                if !listed.contains(&pair) {
                    unlisted.push(format!("{pair:?}: {answer:?}"));
                }
            }
        }
    }
    let gone: Vec<_> = listed.iter().filter(|pair| !found.contains(pair)).collect();
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "not listed:\n{}\nlisted, and gone: {gone:?}",
        unlisted.join("\n")
    );
}
