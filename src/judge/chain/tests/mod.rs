//! What an assessor tells beside the verdict, and what helps it. The verdicts
//! themselves are tested against other programs, in `tests/it/verdicts`.

mod pooled;
mod ways;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::*;
use crate::domain::Der;
use crate::x509;

struct Authority {
    params: CertificateParams,
    key: KeyPair,
    der: Der,
}

impl Authority {
    fn root(name: &str) -> Self {
        let (params, key) = (authority(name), KeyPair::generate().unwrap());
        let der = der(&params.self_signed(&key).unwrap());
        Self { params, key, der }
    }

    fn below(&self, name: &str) -> Self {
        let (params, key) = (authority(name), KeyPair::generate().unwrap());
        let der = self.certify(&params, &key);
        Self { params, key, der }
    }

    /// The same authority, certified by itself again, until another year.
    fn until(&self, year: i32) -> Der {
        self.again_by(self, year)
    }

    /// The same authority, certified by another, until this year.
    fn again_by(&self, issuer: &Self, year: i32) -> Der {
        let mut again = self.params.clone();
        again.not_after = rcgen::date_time_ymd(year, 1, 1);
        issuer.certify(&again, &self.key)
    }

    fn leaf(&self, name: &str) -> Der {
        let mut leaf = named(name);
        leaf.not_before = rcgen::date_time_ymd(2026, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2027, 1, 1);
        self.certify(&leaf, &KeyPair::generate().unwrap())
    }

    fn certify(&self, params: &CertificateParams, key: &KeyPair) -> Der {
        let issuer = Issuer::from_params(&self.params, &self.key);
        der(&params.signed_by(key, &issuer).unwrap())
    }

    fn store(&self, name: &str) -> TrustStore {
        TrustStore::new(name, [self.der.clone()])
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([format!("{name}.test")]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(2037, 1, 1);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn der(certificate: &rcgen::Certificate) -> Der {
    Der::from(&certificate.der()[..])
}

fn parsed(ders: &[&Der]) -> Vec<Arc<Certificate>> {
    ders.iter().map(|der| Arc::new(x509::parse(der))).collect()
}

fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

fn assess(stores: Vec<TrustStore>, pool: &[&Der], chain: &[&Der]) -> Assessment {
    let pool = parsed(pool).into_iter().collect();
    Assessor::new(stores, pool).assess(&parsed(chain), now())
}

fn root_of(found: &Assessment) -> Option<&str> {
    let root = found.root.as_ref()?;
    Some(&root.name.distinguished_name)
}

#[test]
fn what_was_needed_what_was_not_and_what_came_twice_is_told_by_position() {
    let (root, stranger) = (Authority::root("Root"), Authority::root("Stranger"));
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let tell = |chain: &[&Der]| {
        let found = assess(vec![root.store("corp")], &[], chain);
        assert_eq!(found.trust, Trust::Trusted, "{}", found.reason);
        (
            found.path,
            found.extra,
            found.duplicates,
            found.out_of_order,
        )
    };
    assert_eq!(
        tell(&[&leaf, &issuer.der]),
        (vec![0, 1], vec![], vec![], false)
    );
    assert_eq!(
        tell(&[&leaf, &root.der, &issuer.der]),
        (vec![0, 2, 1], vec![], vec![], true)
    );
    assert_eq!(
        tell(&[&leaf, &stranger.der, &issuer.der, &issuer.der, &leaf]),
        (vec![0, 2], vec![1], vec![3, 4], false)
    );
}

#[test]
fn a_leaf_that_does_not_come_first_is_out_of_order() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let found = assess(vec![root.store("corp")], &[], &[&issuer.der, &leaf]);
    assert!(found.out_of_order);
    assert_eq!(found.extra, [1]);
}

#[test]
fn an_issuer_that_comes_first_is_known_however_its_name_is_written() {
    let root = Authority::root("Root");
    let mut issuer = root.below("Issuer");
    issuer.params = authority("ISSUER");
    let leaf = issuer.leaf("leaf");
    let found = assess(vec![root.store("corp")], &[], &[&issuer.der, &leaf]);
    assert!(found.out_of_order);
}

#[test]
fn a_root_signs_itself_however_it_writes_its_name() {
    let mut root = Authority::root("Root");
    let issuer = authority("ROOT");
    let issuer = Issuer::from_params(&issuer, &root.key);
    root.der = der(&root.params.signed_by(&root.key, &issuer).unwrap());
    let found = assess(Vec::new(), &[], &[&root.der]);
    assert_eq!(found.trust, Trust::SelfSigned, "{}", found.reason);
    let found = assess(Vec::new(), &[], &[&root.leaf("leaf"), &root.der]);
    assert_eq!(found.trust, Trust::UntrustedRoot);
    assert_eq!(found.reason, "it ends in `Root`, which no store holds");
}

#[test]
fn each_store_that_trusts_a_chain_is_named() {
    let (root, elder) = (Authority::root("Root"), Authority::root("Elder"));
    let stores = || vec![root.store("corp"), elder.store("old"), root.store("more")];
    let leaf = root.leaf("leaf");
    let found = assess(stores(), &[], &[&leaf]);
    assert_eq!(found.trusted_by, ["corp", "more"]);
    assert_eq!(root_of(&found), Some("CN=Root"));
    assert_eq!(found.reason, "it ends in `Root`, which is in corp, more");

    let crossed = elder.certify(&root.params, &root.key);
    let found = assess(stores(), &[], &[&leaf, &crossed]);
    assert_eq!(found.trusted_by, ["corp", "old", "more"]);
    assert!(!found.publicly_trusted);
}

#[test]
fn a_missing_intermediate_that_another_endpoint_presented_is_named() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let namesake = Authority::root("Issuer");
    let leaf = issuer.leaf("leaf");
    let pool = [&namesake.der, &issuer.der, &root.der];
    let found = assess(vec![root.store("corp")], &pool, &[&leaf]);
    assert_eq!(found.trust, Trust::IncompleteChain);
    assert_eq!(found.missing_intermediate, Some(issuer.der.fingerprint()));
    assert_eq!(
        found.reason,
        "the intermediate `Issuer` is not sent; the inventory has it"
    );
    assert_eq!(root_of(&found), Some("CN=Root"));

    let found = assess(Vec::new(), &pool, &[&leaf]);
    assert_eq!(found.trust, Trust::IncompleteChain);
    assert_eq!(found.missing_intermediate, Some(issuer.der.fingerprint()));

    let found = assess(vec![root.store("corp")], &[&namesake.der], &[&leaf]);
    assert_eq!(found.trust, Trust::IncompleteChain);
    assert_eq!(found.missing_intermediate, None);
    assert_eq!(
        found.reason,
        "the issuer of `leaf`, `Issuer`, is neither sent nor in a store"
    );
}

#[test]
fn a_certificate_from_a_file_lacks_no_intermediate_that_is_known() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let judged = |pool: &[&Der], stores| {
        let assessor = Assessor::new(stores, parsed(pool).into_iter().collect());
        let certificate = Arc::new(x509::parse(&leaf));
        assessor.verdict(&assessor.links_of_file(&certificate), now())
    };
    let found = judged(&[&issuer.der], vec![root.store("corp")]);
    assert_eq!(
        (found.trust, found.missing_intermediate),
        (Trust::Trusted, None)
    );
    assert_eq!(found.trusted_by, ["corp"]);
    let found = judged(&[&issuer.der, &root.der], Vec::new());
    assert_eq!(found.trust, Trust::UntrustedRoot);
    let found = judged(&[], vec![root.store("corp")]);
    assert_eq!(found.trust, Trust::IncompleteChain);
}

#[test]
fn a_root_known_from_elsewhere_need_not_be_sent_to_be_untrusted() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let found = assess(Vec::new(), &[&root.der], &[&leaf, &issuer.der]);
    assert_eq!(found.trust, Trust::UntrustedRoot);
    assert_eq!(root_of(&found), Some("CN=Root"));
    assert_eq!(found.missing_intermediate, None);
}

#[test]
fn a_root_that_is_not_sent_is_told_where_a_store_holds_it() {
    let root = Authority::root("root");
    let leaf = root.leaf("a");
    let unsent = |chain: &[&Der]| assess(vec![root.store("own")], &[], chain).unsent;
    let [told] = <[_; 1]>::try_from(unsent(&[&leaf])).unwrap();
    let certificate = x509::parse(&root.der);
    assert_eq!(*told.certificate, certificate);
    assert_eq!(unsent(&[&leaf, &root.der]), []);
    assert_eq!(assess(Vec::new(), &[&root.der], &[&leaf]).unsent, []);
}

#[test]
fn leaves_and_endless_namesakes_stay_out_of_the_pool() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let no_authority = issuer.leaf("Below");
    let mut pool: Pool = parsed(&[&no_authority]).into_iter().collect();
    let subject = |der: &Der| {
        let certificate = Arc::new(x509::parse(der));
        member::Member::new(certificate).unwrap().subject
    };
    assert!(pool.named(subject(&no_authority)).is_empty());
    for _ in 0..40 {
        let namesake = Arc::new(x509::parse(&Authority::root("Hydra").der));
        pool.add(&namesake);
        pool.add(&namesake);
    }
    assert_eq!(pool.named(subject(&Authority::root("Hydra").der)).len(), 16);
}

#[test]
fn what_another_endpoint_presents_makes_no_signature_wrong() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    // The name and the identifier of the right key, and another key.
    let mut params = authority("Issuer");
    params.key_identifier_method =
        rcgen::KeyIdMethod::PreSpecified(issuer.params.key_identifier(&issuer.key));
    let forged = der(&params.self_signed(&KeyPair::generate().unwrap()).unwrap());
    let stores = || vec![root.store("corp")];
    assert_eq!(
        assess(stores(), &[&forged], &[&leaf]).trust,
        Trust::IncompleteChain
    );
    let sent = assess(stores(), &[], &[&leaf, &forged]);
    assert_eq!(sent.trust, Trust::Invalid);
    assert_eq!(
        sent.reason,
        "the signature of `leaf` is not by the key of `Issuer`"
    );
}

#[test]
fn the_same_links_give_each_moment_its_own_verdict() {
    let root = Authority::root("Root");
    let chain = parsed(&[&root.leaf("leaf")]);
    let assessor = Assessor::new(vec![root.store("corp")], Pool::default());
    let links = assessor.links(&chain);
    let at = |moment: &str| assessor.verdict(&links, moment.parse().unwrap());
    assert_eq!(at("2026-06-01T00:00:00Z").trust, Trust::Trusted);
    assert_eq!(at("2027-01-01T00:00:00.999999Z").trust, Trust::Trusted);
    let after = at("2027-01-01T00:00:01Z");
    assert_eq!(after.trust, Trust::Expired);
    assert_eq!(after.reason, "`leaf` expired 2027-01-01T00:00:00Z");
    assert!(after.trusted_by.is_empty());
    let before = at("2025-12-31T23:59:59Z");
    assert_eq!(
        before.reason,
        "`leaf` is not valid before 2026-01-01T00:00:00Z"
    );
}

#[test]
fn a_public_root_is_known_whichever_store_holds_it() {
    let mozilla = TrustStore::mozilla();
    let root = mozilla.roots.first().unwrap().clone();
    let found = assess(vec![TrustStore::new("corp", [root.clone()])], &[], &[&root]);
    assert!(found.publicly_trusted, "{found:?}");
    let found = assess(Vec::new(), &[], &[&root]);
    assert_eq!(found.trust, Trust::SelfSigned);
    assert!(!found.publicly_trusted);
}

#[test]
fn what_can_not_be_read_is_invalid_with_its_fault() {
    let noise = Der::from(&b"no certificate"[..]);
    let found = assess(vec![TrustStore::mozilla()], &[], &[&noise, &noise]);
    assert_eq!(found.trust, Trust::Invalid);
    assert_eq!(found.reason, "unparsed: certificate: not a DER SEQUENCE");
    assert_eq!(found.duplicates, [1]);
    let root = Authority::root("Root");
    let whole = root.leaf("leaf");
    for end in 0..whole.as_bytes().len() {
        let cut = Der::from(&whole.as_bytes()[..end]);
        let found = assess(vec![root.store("corp")], &[], &[&cut, &noise]);
        assert_eq!(found.trust, Trust::Invalid, "{end}: {}", found.reason);
    }
}

#[test]
fn an_unreadable_certificate_beside_a_good_chain_is_extra() {
    let root = Authority::root("Root");
    let noise = Der::from(&b"no certificate"[..]);
    let found = assess(vec![root.store("corp")], &[], &[&root.leaf("leaf"), &noise]);
    assert_eq!(found.trust, Trust::Trusted);
    assert_eq!(found.extra, [1]);
}

#[test]
fn what_a_modern_client_was_not_asked_about_is_not_trusted() {
    let root = Authority::root("Root");
    let chain = parsed(&[&root.leaf("leaf")]);
    let anchors = Anchors::of(&[root.store("corp")]);
    let trails = walk::trails(&chain, &anchors, &Pool::default()).unwrap();
    let trust = |checks| {
        let path = Path::of(
            &trails.own.trails[0],
            &trails.own.trails,
            Origin::Server,
            &mut ClientChecks(checks),
        );
        path.standing(now(), "corp").trust
    };
    assert_eq!(trust(0), Trust::Unchecked);
    assert_eq!(trust(1), Trust::Trusted);
}

#[test]
fn links_that_were_written_down_say_the_same() {
    let root = Authority::root("root");
    let below = root.below("below");
    let leaf = below.leaf("leaf");
    let chain: Vec<_> = [&leaf, &below.der]
        .map(|der| Arc::new(x509::parse(der)))
        .into();
    let judges = [vec![root.store("ours")], Vec::new()];
    for stores in judges {
        let assessor = Assessor::new(stores, Pool::default());
        let links = assessor.links(&chain);
        let written = serde_json::to_string(&links).unwrap();
        let read: Links = serde_json::from_str(&written).unwrap();
        for seconds in [0, 1_780_000_000, 2_000_000_000] {
            let now = Timestamp::from_seconds(seconds);
            assert_eq!(assessor.verdict(&read, now), assessor.verdict(&links, now));
        }
        assert_eq!(
            read.unsent().collect::<Vec<_>>(),
            links.unsent().collect::<Vec<_>>()
        );
    }
}

#[test]
fn links_rest_on_roots_and_authorities() {
    let (root, other) = (Authority::root("root"), Authority::root("other"));
    let basis = |stores: &[&Authority], pool: &[&Authority]| {
        let stores = stores.iter().map(|root| root.store("store")).collect();
        let pool = pool.iter().map(|it| Arc::new(x509::parse(&it.der)));
        Assessor::new(stores, pool.collect()).basis()
    };
    let different = [
        basis(&[], &[]),
        basis(&[&root], &[]),
        basis(&[], &[&root]),
        basis(&[&root, &other], &[]),
        basis(&[&other, &root], &[]),
        basis(&[&root], &[&other]),
    ];
    let distinct: HashSet<_> = different.iter().collect();
    assert_eq!(distinct.len(), different.len());
    assert_eq!(
        basis(&[], &[&root, &other]),
        basis(&[], &[&other, &root]),
        "the order of names in a pool decides nothing"
    );
}
