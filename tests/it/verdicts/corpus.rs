//! The corpus: chains made with rcgen, and with OpenSSL where rcgen makes no
//! such thing.

use certsweep::domain::{Der, Timestamp, Trust};
use certsweep::x509;
use rcgen::{
    BasicConstraints, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints, date_time_ymd,
};

use super::authority::{Authority, authority, expired, leaf, printable, unknown_critical, with};
use super::workshop::Workshop;

/// A chain, what is trusted, when, and what we say of it.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// DER, leaf first.
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) roots: Vec<Vec<u8>>,
    pub(super) at: Timestamp,
    pub(super) expected: Trust,
    /// Whether we say that a modern client would refuse it all the same.
    pub(super) is_refused: bool,
}

impl Case {
    fn new(name: &'static str, expected: Trust, chain: &[&[u8]], roots: &[&Authority]) -> Self {
        Self {
            name,
            chain: chain.iter().map(|der| der.to_vec()).collect(),
            roots: roots.iter().map(|root| root.der.clone()).collect(),
            at: "2026-11-21T08:00:00Z".parse().unwrap(),
            expected,
            is_refused: false,
        }
    }

    fn refused(self) -> Self {
        Self {
            is_refused: true,
            ..self
        }
    }

    /// The same, a minute after OpenSSL made the leaf.
    fn fresh(self) -> Self {
        let leaf = x509::parse(&Der::from(&self.chain[0][..]));
        let begin = leaf.facts.unwrap().not_before.unwrap();
        Self {
            at: Timestamp::from_seconds(begin.seconds() + 60),
            ..self
        }
    }
}

/// The last bit but a few of a certificate is its signature's.
fn one_bit_wrong(der: &[u8]) -> Vec<u8> {
    let mut der = der.to_vec();
    let last = der.len() - 2;
    der[last] ^= 1;
    der
}

/// Every case.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = ordinary();
    cases.extend(in_time());
    cases.extend(roots());
    cases.extend(crossed());
    cases.extend(forbidden());
    cases.extend(unusual());
    cases.extend(made_with_openssl());
    cases
}

/// What is sent, and in which order.
fn ordinary() -> Vec<Case> {
    use Trust::{IncompleteChain, Trusted};
    let root = Authority::root("Corpus Root");
    let issuer = root.authority(authority("Corpus Issuer"));
    let stranger = Authority::root("Corpus Stranger");
    let leaf = issuer.leaf();
    let case = |name, expected, chain: &[&[u8]]| Case::new(name, expected, chain, &[&root]);
    vec![
        case("good", Trusted, &[&leaf, &issuer.der]),
        case("root sent", Trusted, &[&leaf, &issuer.der, &root.der]),
        case("missing intermediate", IncompleteChain, &[&leaf]),
        case("wrong order", Trusted, &[&leaf, &root.der, &issuer.der]),
        case(
            "extra certificate",
            Trusted,
            &[&leaf, &stranger.der, &issuer.der],
        ),
        case(
            "intermediate twice",
            Trusted,
            &[&leaf, &issuer.der, &issuer.der],
        ),
        case("leaf twice", Trusted, &[&leaf, &leaf, &issuer.der]),
        case("directly under the root", Trusted, &[&root.leaf()]),
        case("authority's own certificate", Trusted, &[&issuer.der]).refused(),
    ]
}

/// Ends and beginnings of validity.
fn in_time() -> Vec<Case> {
    use Trust::{Expired, Trusted};
    let root = Authority::root("Timed Root");
    let issuer = root.authority(authority("Timed Issuer"));
    let late = root.authority(expired(authority("Late Issuer")));
    let old = Authority::root_with(expired(authority("Old Root")), KeyPair::generate().unwrap());
    let future = with(leaf(), |leaf| leaf.not_before = date_time_ymd(2026, 12, 1));
    let at = |moment: &str, case: Case| Case {
        at: moment.parse().unwrap(),
        ..case
    };
    let good = issuer.leaf();
    let good = |name, expected| Case::new(name, expected, &[&good, &issuer.der], &[&root]);
    vec![
        Case::new(
            "expired leaf",
            Expired,
            &[&issuer.leaf_with(&expired(leaf())), &issuer.der],
            &[&root],
        ),
        Case::new(
            "expired intermediate",
            Expired,
            &[&late.leaf(), &late.der],
            &[&root],
        ),
        Case::new("expired root", Expired, &[&old.leaf()], &[&old]),
        Case::new(
            "not yet valid",
            Expired,
            &[&issuer.leaf_with(&future), &issuer.der],
            &[&root],
        ),
        at(
            "2027-01-01T00:00:01Z",
            good("a second after the end", Expired),
        ),
        at(
            "2026-12-31T23:59:59Z",
            good("a second before the end", Trusted),
        ),
        at("2027-01-01T00:00:00Z", good("the last second", Trusted)),
        at("2026-01-01T00:00:00Z", good("the first second", Trusted)),
        at(
            "2025-12-31T23:59:59Z",
            good("a second before the beginning", Expired),
        ),
    ]
}

/// What a chain ends in.
fn roots() -> Vec<Case> {
    use Trust::{IncompleteChain, Invalid, SelfSigned, Trusted, UntrustedRoot};
    let root = Authority::root("Ending Root");
    let issuer = root.authority(authority("Ending Issuer"));
    let other = Authority::root("Another Root");
    let leaf_of_issuer = issuer.leaf();
    let key = KeyPair::generate().unwrap();
    let own = leaf().self_signed(&key).unwrap().der().to_vec();
    let names_its_key = Authority::root_with(
        with(authority("Own Key"), |own| {
            own.use_authority_key_identifier_extension = true;
        }),
        KeyPair::generate().unwrap(),
    );
    let own_otherwise = Authority::root_by_another_spelling(leaf(), "WWW.Example.TEST");
    let root_otherwise =
        Authority::root_by_another_spelling(authority("Spelled Root"), "SPELLED  Root");
    let store_of = |der: &[u8]| Authority {
        params: leaf(),
        key: KeyPair::generate().unwrap(),
        der: der.to_vec(),
    };
    vec![
        Case::new(
            "untrusted root sent",
            UntrustedRoot,
            &[&leaf_of_issuer, &issuer.der, &root.der],
            &[&other],
        ),
        Case::new(
            "untrusted root not sent",
            IncompleteChain,
            &[&leaf_of_issuer, &issuer.der],
            &[&other],
        ),
        Case::new("self-signed", SelfSigned, &[&own], &[&other]),
        Case::new(
            "self-signed in the store",
            Trusted,
            &[&own],
            &[&store_of(&own)],
        ),
        Case::new(
            "self-signed, its name written otherwise",
            SelfSigned,
            &[&own_otherwise.der],
            &[&other],
        ),
        Case::new(
            "untrusted root sent, its name written otherwise",
            UntrustedRoot,
            &[&root_otherwise.leaf(), &root_otherwise.der],
            &[&other],
        ),
        Case::new(
            "self-signed, wrong by a bit, or by another of its name",
            IncompleteChain,
            &[&one_bit_wrong(&own)],
            &[&other],
        ),
        Case::new(
            "self-signed by the key it names, wrong by a bit",
            Invalid,
            &[&one_bit_wrong(&names_its_key.der)],
            &[&other],
        ),
        Case::new(
            "leaf in the store",
            Trusted,
            &[&leaf_of_issuer],
            &[&store_of(&leaf_of_issuer)],
        )
        .refused(),
        Case::new(
            "intermediate in the store",
            Trusted,
            &[&leaf_of_issuer],
            &[&issuer],
        ),
    ]
}

/// Several authorities of one name, several certificates of one authority.
fn crossed() -> Vec<Case> {
    use Trust::{Expired, IncompleteChain, Trusted};
    let root = Authority::root("Crossed Root");
    let old = Authority::root_with(
        expired(authority("Crossed Old Root")),
        KeyPair::generate().unwrap(),
    );
    let elder = Authority::root("Crossed Elder Root");
    let issuer = root.authority(authority("Crossed Issuer"));
    let leaf = issuer.leaf();
    let (by_old, by_elder) = (old.cross_signs(&root), elder.cross_signs(&root));
    let namesake = Authority::root("Crossed Root");
    let same_name = root.authority(authority("Crossed Issuer"));
    let renewed = root.cross_signs(&issuer);
    let (one, two) = (authority("Circle One"), authority("Circle Two"));
    let one = Authority::root_with(one, KeyPair::generate().unwrap());
    let two = Authority::root_with(two, KeyPair::generate().unwrap());
    let (one_by_two, two_by_one) = (two.cross_signs(&one), one.cross_signs(&two));
    vec![
        Case::new(
            "cross-signed by an expired root, own root in the store",
            Trusted,
            &[&leaf, &issuer.der, &by_old],
            &[&root, &old],
        ),
        Case::new(
            "cross-signed by an expired root, only that one in the store",
            Expired,
            &[&leaf, &issuer.der, &by_old],
            &[&old],
        ),
        Case::new(
            "cross-signed by the only root in the store",
            Trusted,
            &[&leaf, &issuer.der, &by_elder],
            &[&elder],
        ),
        Case::new(
            "two roots of one name",
            Trusted,
            &[&leaf, &issuer.der],
            &[&namesake, &root],
        ),
        Case::new(
            "only the other root of that name",
            IncompleteChain,
            &[&leaf, &issuer.der],
            &[&namesake],
        ),
        Case::new(
            "two intermediates of one name",
            Trusted,
            &[&leaf, &same_name.der, &issuer.der],
            &[&root],
        ),
        Case::new(
            "only the other intermediate of that name",
            IncompleteChain,
            &[&leaf, &same_name.der],
            &[&root],
        ),
        Case::new(
            "two certificates of one intermediate",
            Trusted,
            &[&leaf, &renewed, &issuer.der],
            &[&root],
        ),
        Case::new(
            "two authorities that certify each other",
            IncompleteChain,
            &[&one.leaf(), &one_by_two, &two_by_one],
            &[&root],
        ),
    ]
}

/// What RFC 5280 forbids.
fn forbidden() -> Vec<Case> {
    use Trust::{Invalid, Trusted};
    let root = Authority::root("Strict Root");
    let issuer = root.authority(authority("Strict Issuer"));
    let short = root.authority(with(authority("Short Issuer"), |short| {
        short.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    }));
    let below_short = short.authority(authority("Below Short Issuer"));
    let limited_to = |name: &str, domain: &str| {
        root.authority(with(authority(name), |limited| {
            limited.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName(domain.to_owned())],
                excluded_subtrees: Vec::new(),
            });
        }))
    };
    let (elsewhere, here) = (
        limited_to("Elsewhere", "example.org"),
        limited_to("Here", "example.test"),
    );
    let no_authority = issuer.authority(with(leaf(), |leaf| leaf.is_ca = IsCa::ExplicitNoCa));
    let no_signer = root.authority(with(authority("No Signer"), |issuer| {
        issuer.key_usages = vec![KeyUsagePurpose::CrlSign];
    }));
    let poisoned = with(leaf(), |leaf| {
        leaf.custom_extensions = vec![unknown_critical()];
    });
    let poisoned_issuer = root.authority(with(authority("Poisoned Issuer"), |issuer| {
        issuer.custom_extensions = vec![unknown_critical()];
    }));
    let good = issuer.leaf();
    let case = |name, expected, chain: &[&[u8]]| Case::new(name, expected, chain, &[&root]);
    vec![
        case(
            "wrong by a bit",
            Invalid,
            &[&one_bit_wrong(&good), &issuer.der],
        ),
        case(
            "intermediate wrong by a bit",
            Invalid,
            &[&good, &one_bit_wrong(&issuer.der)],
        ),
        case(
            "path too long",
            Invalid,
            &[&below_short.leaf(), &below_short.der, &short.der],
        ),
        case(
            "path just not too long",
            Trusted,
            &[&short.leaf(), &short.der],
        ),
        case(
            "name not allowed",
            Invalid,
            &[&elsewhere.leaf(), &elsewhere.der],
        ),
        case("name allowed", Trusted, &[&here.leaf(), &here.der]),
        case(
            "issued by a leaf",
            Invalid,
            &[&no_authority.leaf(), &no_authority.der, &issuer.der],
        ),
        case(
            "issuer may not sign certificates",
            Invalid,
            &[&no_signer.leaf(), &no_signer.der],
        ),
        case(
            "unknown critical extension",
            Invalid,
            &[&issuer.leaf_with(&poisoned), &issuer.der],
        ),
        case(
            "unknown critical extension of the issuer",
            Invalid,
            &[&poisoned_issuer.leaf(), &poisoned_issuer.der],
        ),
    ]
}

/// What is allowed and rare.
fn unusual() -> Vec<Case> {
    use Trust::{Invalid, Trusted, Unchecked};
    let root = Authority::root("Unusual Root");
    let issuer = root.authority(authority("Unusual Issuer"));
    let curve = Authority::root_of("P-521 Root", &rcgen::PKCS_ECDSA_P521_SHA512);
    let edwards = Authority::root_of("Ed25519 Root", &rcgen::PKCS_ED25519);
    let lattice = Authority::root_of("ML-DSA Root", &rcgen::PKCS_ML_DSA_65);
    let nameless = with(leaf(), |leaf| leaf.subject_alt_names = Vec::new());
    let client = with(leaf(), |leaf| {
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let mut trailing = issuer.leaf();
    trailing.extend([0, 0]);
    let otherwise = printable(root.params.clone(), "Unusual Root");
    let otherwise = Issuer::from_params(&otherwise, &root.key);
    let written = leaf()
        .signed_by(&KeyPair::generate().unwrap(), &otherwise)
        .unwrap();
    let cut = {
        let leaf = issuer.leaf();
        leaf[..leaf.len() - 10].to_vec()
    };
    let limited = root.authority(with(authority("Limiting Issuer"), |limited| {
        limited.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example.org".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    }));
    let below_limits = limited.authority(with(leaf(), |leaf| {
        leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }));
    vec![
        Case::new("P-521", Trusted, &[&curve.leaf()], &[&curve]),
        Case::new("Ed25519", Trusted, &[&edwards.leaf()], &[&edwards]),
        Case::new("ML-DSA-65", Trusted, &[&lattice.leaf()], &[&lattice]),
        Case::new(
            "common name only",
            Trusted,
            &[&issuer.leaf_with(&nameless), &issuer.der],
            &[&root],
        ),
        Case::new(
            "client's certificate",
            Trusted,
            &[&issuer.leaf_with(&client), &issuer.der],
            &[&root],
        )
        .refused(),
        Case::new(
            "trailing bytes",
            Trusted,
            &[&trailing, &issuer.der],
            &[&root],
        )
        .refused(),
        Case::new(
            "issuer's name written otherwise",
            Trusted,
            &[written.der()],
            &[&root],
        )
        .refused(),
        Case::new(
            "cut in its signature",
            Invalid,
            &[&cut, &issuer.der],
            &[&root],
        ),
        Case::new(
            "authority as a leaf below limits on names",
            Unchecked,
            &[&below_limits.der, &limited.der],
            &[&root],
        )
        .refused(),
    ]
}

/// What only OpenSSL makes: old versions, hashes, sizes and curves.
fn made_with_openssl() -> Vec<Case> {
    use Trust::{SelfSigned, Trusted, Unchecked, UntrustedRoot};
    let root = Authority::root("Unused Root");
    let workshop = Workshop::new();
    let rsa = workshop.root(
        "rsa",
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    );
    let small = workshop.root(
        "small",
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    );
    let goldilocks = workshop.root("ed448", &["-algorithm", "ED448"]);
    let own =
        |name: &'static str, der: &[u8]| Case::new(name, SelfSigned, &[der], &[&root]).fresh();
    let by_default = workshop.self_signed("rsa", &["req", "-x509", "-new"]);
    let version_1 = workshop.version_1();
    let below = |issuer, arguments: &[&str]| workshop.leaf(issuer, arguments);
    let case = |name, expected, leaf: &[u8], root: &[u8]| Case {
        roots: vec![root.to_vec()],
        ..Case::new(name, expected, &[leaf], &[]).fresh()
    };
    let extensions = ["-extfile", "extensions.cnf"];
    let hashed = |hash| below("rsa", &[&[hash][..], &extensions].concat());
    vec![
        own("self-signed as OpenSSL does by default", &by_default),
        case(
            "self-signed by OpenSSL in the store",
            Trusted,
            &by_default,
            &by_default,
        )
        .refused(),
        own("self-signed version 1", &version_1),
        case("version 1", Trusted, &below("rsa", &[]), &rsa).refused(),
        case("signed with SHA-1", Trusted, &hashed("-sha1"), &rsa).refused(),
        case("signed with MD5", Unchecked, &hashed("-md5"), &rsa),
        case(
            "issuer with RSA-1024",
            Trusted,
            &below("small", &extensions),
            &small,
        )
        .refused(),
        case(
            "issuer with Ed448",
            Unchecked,
            &below("ed448", &extensions),
            &goldilocks,
        ),
        case(
            "self-signed with Ed448 in the store",
            Trusted,
            &goldilocks,
            &goldilocks,
        )
        .refused(),
        Case::new(
            "self-signed with Ed448",
            UntrustedRoot,
            &[&goldilocks],
            &[&root],
        )
        .fresh(),
    ]
}
