//! Which of several ways up counts, and what is none.

use rcgen::{GeneralSubtree, NameConstraints, SanType};

use super::*;

/// The subjects of what a chain relies on and was not sent, and its ends.
fn relied_on(found: &Assessment) -> Vec<(&str, i64)> {
    let ends = found.unsent.iter().map(|unsent| {
        let facts = unsent.certificate.facts.as_ref().unwrap();
        let end = facts.not_after.unwrap().seconds();
        (
            facts.subject.distinguished_name.as_str(),
            1970 + end / 31_556_952,
        )
    });
    ends.collect()
}

/// The same bytes with a key on another curve, for which nothing is checked.
fn on_another_curve(der: &Der) -> Der {
    const P256: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
    const P192: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x01";
    changed(der, P256, P192)
}

/// The same bytes with others of that length in one place.
fn changed(der: &Der, from: &[u8], to: &[u8]) -> Der {
    let mut bytes = der.as_bytes().to_vec();
    let mut windows = bytes.windows(from.len());
    let at = windows.position(|octets| octets == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    Der::from(&bytes[..])
}

#[test]
fn of_two_trusted_ways_the_one_that_lasts_longer_counts() {
    let (root, elder) = (Authority::root("Root"), Authority::root("Elder"));
    let (soon, later) = (root.until(2027), elder.until(2034));
    let crossed = root.again_by(&elder, 2030);
    let leaf = root.leaf("leaf");
    let store = |ders: &[&Der]| vec![TrustStore::new("corp", ders.iter().copied().cloned())];
    let found = assess(store(&[&soon, &later]), &[], &[&leaf, &crossed]);
    assert_eq!(root_of(&found), Some("CN=Elder"));
    assert_eq!(relied_on(&found), [("CN=Elder", 2034)]);

    let sooner = elder.until(2027);
    let found = assess(store(&[&soon, &sooner]), &[], &[&leaf, &crossed]);
    assert_eq!(found.trust, Trust::Trusted);
    assert_eq!(relied_on(&found).len(), 1, "one of the two: {found:?}");
}

#[test]
fn of_two_trusted_ways_the_one_that_a_modern_client_takes_counts() {
    let (root, elder) = (Authority::root("Root"), Authority::root("Elder"));
    let soon = root.until(2027);
    // It compares names byte by byte.
    let shouted = authority("ELDER");
    let shouted = Issuer::from_params(&shouted, &elder.key);
    let crossed = der(&root.params.signed_by(&root.key, &shouted).unwrap());
    let leaf = root.leaf("leaf");
    let found = |roots: &[&Der]| {
        let store = TrustStore::new("corp", roots.iter().copied().cloned());
        assess(vec![store], &[], &[&leaf, &crossed])
    };
    let refused = found(&[&elder.der]);
    assert_eq!(refused.trust, Trust::Trusted);
    assert!(refused.refusal.is_some());
    let both = found(&[&elder.der, &soon]);
    assert_eq!(relied_on(&both), [("CN=Root", 2027)]);
    assert_eq!(both.refusal, None);
}

#[test]
fn a_way_that_is_not_trusted_is_no_other_way() {
    let (root, elder) = (Authority::root("Root"), Authority::root("Elder"));
    let soon = root.until(2027);
    let leaf = root.leaf("leaf");
    let stores = || {
        let roots = [soon.clone(), elder.der.clone()];
        vec![TrustStore::new("corp", roots)]
    };
    let expected = [("CN=Root", 2027)];
    // Itself with other dates, by others or along.
    let found = assess(stores(), &[&root.der], &[&leaf]);
    assert_eq!(relied_on(&found), expected);
    let found = assess(stores(), &[], &[&leaf, &root.der]);
    assert_eq!(relied_on(&found), expected);
    // A cross-certificate that is over, and one for no authority.
    let over = root.again_by(&elder, 2026);
    let found = assess(stores(), &[], &[&leaf, &over]);
    assert_eq!(relied_on(&found), expected);
    let mut forbidden = root.params.clone();
    forbidden.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    let forbidden = elder.certify(&forbidden, &root.key);
    let found = assess(stores(), &[], &[&leaf, &forbidden]);
    assert_eq!(relied_on(&found), expected);
}

#[test]
fn what_others_present_leads_nowhere_by_signatures_that_nobody_can_check() {
    let mozilla = TrustStore::mozilla();
    let mut public = mozilla.roots.iter().map(x509::parse);
    let public = public.find_map(|root| root.facts.ok()?.subject.common_name);
    let public = Authority::root(&public.unwrap());
    let (root, issuer) = (Authority::root("Root"), Authority::root("Issuer"));
    let rogue = on_another_curve(&public.certify(&root.params, &root.key));
    let stores = || vec![root.store("corp"), TrustStore::mozilla()];
    let found = assess(stores(), &[&rogue], &[&root.leaf("leaf")]);
    assert_eq!(found.trust, Trust::Trusted);
    assert!(!found.publicly_trusted);
    assert_eq!(relied_on(&found), [("CN=Root", 2037)]);

    let rogue = on_another_curve(&issuer.der);
    let found = assess(stores(), &[&rogue], &[&root.below("Issuer").leaf("leaf")]);
    assert_eq!(found.trust, Trust::IncompleteChain);
    assert_eq!(found.missing_intermediate, None);
}

#[test]
fn a_missing_intermediate_is_the_fix_only_while_it_is_valid() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let over = issuer.again_by(&root, 2026);
    let fix = |pool: &[&Der]| assess(vec![root.store("corp")], pool, &[&leaf]);
    for pool in [[&over, &issuer.der], [&issuer.der, &over]] {
        assert_eq!(
            fix(&pool).missing_intermediate,
            Some(issuer.der.fingerprint())
        );
    }
    let found = fix(&[&over]);
    assert_eq!(found.trust, Trust::IncompleteChain);
    assert_eq!(found.missing_intermediate, None);
    assert_eq!(
        found.reason,
        "the intermediate `Issuer` is not sent; the inventory has it, but `Issuer` expired \
         2026-01-01T00:00:00Z"
    );
}

#[test]
fn a_missing_intermediate_that_ends_before_the_leaf_is_named_with_its_end() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let mut short = issuer.params.clone();
    short.not_after = rcgen::date_time_ymd(2026, 12, 1);
    let short = root.certify(&short, &issuer.key);
    let reason = |fix: &Der| assess(vec![root.store("corp")], &[fix], &[&leaf]).reason;
    let known = "the intermediate `Issuer` is not sent; the inventory has it";
    assert_eq!(reason(&issuer.der), known);
    let ends = "2026-12-01T00:00:00Z";
    assert_eq!(
        reason(&short),
        format!("{known}, but it ends {ends}, before `leaf`")
    );
}

#[test]
fn many_certificates_of_one_authority_hide_none_of_its_ways() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let over: Vec<_> = (2010..2026)
        .map(|year| issuer.again_by(&root, year))
        .collect();
    let mut chain = vec![&leaf];
    chain.extend(&over);
    chain.push(&issuer.der);
    let stores = || vec![root.store("corp")];
    assert_eq!(assess(stores(), &[], &chain).trust, Trust::Trusted);
    // With more ways than are looked at, nobody knows what the others are.
    chain.pop();
    let found = assess(stores(), &[], &chain);
    assert_eq!(found.trust, Trust::Unchecked);
    assert!(found.reason.starts_with("given up"), "{}", found.reason);
    assert_eq!(assess(stores(), &[], &chain[..3]).trust, Trust::Expired);
}

#[test]
fn no_other_way_would_make_a_leaf_valid_that_is_over() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let over: Vec<_> = (2010..2026)
        .map(|year| issuer.again_by(&root, year))
        .collect();
    let told = |leaf: &Der, issuers: &[Der], moment: &str| {
        let chain: Vec<_> = std::iter::once(leaf).chain(issuers).collect();
        let assessor = Assessor::new(vec![root.store("corp")], Pool::default());
        let found = assessor.assess(&parsed(&chain), moment.parse().unwrap());
        (found.trust, found.reason)
    };
    let (within, later) = ("2026-11-21T08:00:00Z", "2027-06-01T00:00:00Z");
    assert_eq!(told(&leaf, &over, within).0, Trust::Unchecked);
    let reason = "`leaf` expired 2027-01-01T00:00:00Z".to_owned();
    assert_eq!(told(&leaf, &over, later), (Trust::Expired, reason));
    let reason = "`leaf` is not valid before 2026-01-01T00:00:00Z".to_owned();
    let early = "2025-12-31T00:00:00Z";
    assert_eq!(told(&leaf, &over, early), (Trust::Expired, reason));
    // Nor one whose dates can't be read; nobody can check who signed that.
    let others: Vec<_> = over.iter().map(on_another_curve).collect();
    let month_13 = changed(&leaf, b"270101000000Z", b"271301000000Z");
    assert_eq!(told(&leaf, &others, within).0, Trust::Unchecked);
    let reason = "the validity of `leaf` can't be read".to_owned();
    assert_eq!(told(&month_13, &others, within), (Trust::Invalid, reason));
}

#[test]
fn a_leaf_that_is_over_is_not_all_where_no_way_to_a_store_was_found() {
    let (root, rogue) = (Authority::root("Root"), Authority::root("Rogue"));
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let told = |by: &Authority, number: usize| {
        let years = (2010..2026).take(number);
        let issuers: Vec<_> = years.map(|year| issuer.again_by(by, year)).collect();
        let mut chain = vec![&leaf];
        chain.extend(&issuers);
        chain.push(&by.der);
        let assessor = Assessor::new(vec![root.store("corp")], Pool::default());
        let later = "2027-06-01T00:00:00Z".parse().unwrap();
        assessor.assess(&parsed(&chain), later)
    };
    assert_eq!(told(&rogue, 1).trust, Trust::UntrustedRoot);
    let found = told(&rogue, 16);
    assert_eq!(found.trust, Trust::Unchecked, "{}", found.reason);
    assert_eq!(
        found.reason,
        "given up: too many certificates, or candidates for issuers; `leaf` expired \
         2027-01-01T00:00:00Z"
    );
    assert!(found.extra.is_empty());
    let found = told(&root, 16);
    assert_eq!(found.trust, Trust::Expired, "{}", found.reason);
    // Nobody knows which of them a way that is valid would need.
    assert!(found.extra.is_empty());
}

#[test]
fn a_namesake_that_leads_nowhere_is_no_way_too_many() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let over: Vec<_> = (2018..2026)
        .map(|year| issuer.again_by(&root, year))
        .collect();
    let namesake = Authority::root("Issuer");
    let mut chain = vec![&leaf];
    chain.extend(&over);
    let stores = || vec![root.store("corp")];
    assert_eq!(assess(stores(), &[], &chain).trust, Trust::Expired);
    chain.push(&namesake.der);
    assert_eq!(assess(stores(), &[], &chain).trust, Trust::Expired);
}

#[test]
fn ways_that_nobody_looked_for_any_more_are_left_open() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let (leaf, over) = (issuer.leaf("leaf"), issuer.again_by(&root, 2026));
    let namesakes: Vec<_> = (0..70).map(|_| Authority::root("Issuer").der).collect();
    let mut chain = vec![&leaf, &over];
    chain.extend(&namesakes);
    let stores = || vec![root.store("corp")];
    assert_eq!(assess(stores(), &[], &chain[..20]).trust, Trust::Expired);
    assert_eq!(assess(stores(), &[], &chain).trust, Trust::Unchecked);
}

#[test]
fn an_issuer_of_the_same_common_name_is_another() {
    let mut issuer = Authority::root("Same");
    let name = &mut issuer.params.distinguished_name;
    name.push(DnType::OrganizationName, "Example Trust");
    let found = assess(Vec::new(), &[], &[&issuer.leaf("Same")]);
    assert_eq!(found.trust, Trust::IncompleteChain);
    assert_eq!(
        found.reason,
        "the issuer of `Same`, `Same`, is neither sent nor in a store"
    );
}

#[test]
fn an_issuer_that_may_be_another_is_not_missing() {
    let leaf = Authority::root("Issuer").leaf("leaf");
    let namesake = on_another_curve(&Authority::root("Issuer").der);
    let store = TrustStore::new("corp", [namesake.clone()]);
    let sent = assess(Vec::new(), &[], &[&leaf, &namesake]);
    let held = assess(vec![store], &[], &[&leaf]);
    for found in [sent, held] {
        assert_eq!(found.trust, Trust::Unchecked);
        assert_eq!(
            found.reason,
            "the key of `Issuer` is not the one that `leaf` names, and whether it signed \
             `leaf` can't be checked"
        );
    }
    let pooled = assess(Vec::new(), &[&namesake], &[&leaf]);
    assert_eq!(pooled.trust, Trust::IncompleteChain);
}

#[test]
fn a_name_like_the_issuers_makes_no_signature_wrong() {
    let root = Authority::root("Same");
    let mut params = named("Same");
    params.use_authority_key_identifier_extension = false;
    let nameless = root.certify(&params, &KeyPair::generate().unwrap());
    let found = assess(Vec::new(), &[], &[&nameless]);
    assert_eq!(found.trust, Trust::IncompleteChain);
    assert!(
        found.reason.contains("by name, but not by its key"),
        "{}",
        found.reason
    );
    // Where it says that its own key signed it, that is wrong.
    let mut bytes = root.der.as_bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let found = assess(Vec::new(), &[], &[&Der::from(&bytes[..])]);
    assert_eq!(found.trust, Trust::Invalid);
}

#[test]
fn limits_on_names_that_nobody_compares_are_not_overstepped() {
    let root = Authority::root("Root");
    let below = |permitted: &[GeneralSubtree], names: &[SanType]| {
        let mut limited = authority("Limited");
        limited.name_constraints = Some(NameConstraints {
            permitted_subtrees: permitted.to_vec(),
            excluded_subtrees: Vec::new(),
        });
        let key = KeyPair::generate().unwrap();
        let der = root.certify(&limited, &key);
        let limited = Authority {
            params: limited,
            key,
            der,
        };
        let mut leaf = named("leaf");
        leaf.subject_alt_names.extend_from_slice(names);
        let leaf = limited.certify(&leaf, &KeyPair::generate().unwrap());
        assess(vec![root.store("corp")], &[], &[&leaf, &limited.der]).trust
    };
    let directory = GeneralSubtree::DirectoryName(named("leaf").distinguished_name);
    let mail = GeneralSubtree::Rfc822Name("test".to_owned());
    let [test, corp] = ["test", "corp"].map(|name| GeneralSubtree::DnsName(name.to_owned()));
    let mailbox = &[SanType::Rfc822Name("me@test".try_into().unwrap())][..];
    let service = &[SanType::URI("spiffe://test".try_into().unwrap())][..];
    let cases = [
        (vec![directory.clone()], &[][..], Trust::Unchecked),
        (vec![test.clone()], &[], Trust::Trusted),
        (vec![test.clone()], mailbox, Trust::Trusted),
        (vec![corp.clone()], &[], Trust::Invalid),
        (vec![mail.clone(), test.clone()], &[], Trust::Trusted),
        // Mailboxes are not compared where there are any.
        (vec![mail.clone(), test], mailbox, Trust::Unchecked),
        (vec![mail.clone(), corp.clone()], mailbox, Trust::Unchecked),
        (vec![mail.clone(), corp.clone()], &[], Trust::Invalid),
        // A name of a kind that nobody limits hides nothing.
        (vec![mail, corp.clone()], service, Trust::Invalid),
        (vec![directory, corp], &[], Trust::Unchecked),
    ];
    for (permitted, names, expected) in cases {
        assert_eq!(
            below(&permitted, names),
            expected,
            "{permitted:?} {names:?}"
        );
    }
}
