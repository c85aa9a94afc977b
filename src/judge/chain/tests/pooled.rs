//! What other endpoints present helps, and hides nothing: anybody may certify
//! the name and the key of an authority.

use super::*;

/// An authority, certified by ever so many others.
fn crossed(authority: &Authority) -> Vec<Der> {
    let strangers = (0..12).map(|number| Authority::root(&format!("Stranger {number}")));
    let crossed = strangers.map(|it| it.certify(&authority.params, &authority.key));
    crossed.collect()
}

/// What is found of a chain, the same with and without these in the pool.
#[track_caller]
fn found_whatever(stores: &[&Authority], pool: &[Der], chain: &[&Der]) -> Assessment {
    let stores = || stores.iter().map(|root| root.store("corp")).collect();
    let found = assess(stores(), &[], chain);
    let pool: Vec<_> = pool.iter().collect();
    assert_eq!(assess(stores(), &pool, chain), found);
    found
}

/// What is found of a certificate from a file.
fn of_file(stores: Vec<TrustStore>, pool: &[&Der], leaf: &Der) -> Assessment {
    let assessor = Assessor::new(stores, parsed(pool).into_iter().collect());
    let leaf = Arc::new(x509::parse(leaf));
    assessor.verdict(&assessor.links_of_file(&leaf), now())
}

/// The same bytes with others of that length in every place.
fn all_changed(der: &Der, from: &[u8], to: &[u8]) -> Der {
    let mut bytes = der.as_bytes().to_vec();
    for at in 0..=bytes.len() - from.len() {
        let window = &mut bytes[at..at + from.len()];
        if window == from {
            window.copy_from_slice(to);
        }
    }
    Der::from(bytes)
}

/// The same bytes with a signature said to be by SHA-224, which nobody checks.
fn uncheckable(der: &Der) -> Der {
    const SHA_256: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
    const SHA_224: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x01";
    all_changed(der, SHA_256, SHA_224)
}

/// An authority as if certified by this issuer, whose key nobody needs for it.
fn forged(authority: &Authority, issuer: &Authority, year: i32) -> Der {
    let mut params = issuer.params.clone();
    params.key_identifier_method =
        rcgen::KeyIdMethod::PreSpecified(issuer.params.key_identifier(&issuer.key));
    let forger = Authority {
        params,
        key: KeyPair::generate().unwrap(),
        der: issuer.der.clone(),
    };
    uncheckable(&authority.again_by(&forger, year))
}

/// Somebody's certificates for an authority, each below a root of his own, and
/// these roots.
fn crossed_with_roots(authority: &Authority, names: impl Fn(usize) -> String) -> Vec<Der> {
    let strangers: Vec<_> = (0..12).map(|it| Authority::root(&names(it))).collect();
    let crossed = strangers.iter().map(|it| authority.again_by(it, 2040));
    let roots = strangers.iter().map(|it| it.der.clone());
    crossed.chain(roots).collect()
}

#[test]
fn nothing_leads_on_from_others_by_signatures_that_nobody_can_check() {
    let (root, rogue) = (Authority::root("Root"), Authority::root("Rogue"));
    let issuer = root.below("Issuer");
    let stores = || vec![root.store("corp")];
    let real = issuer.again_by(&root, 2030);
    let fake = forged(&issuer, &root, 2040);
    let found = assess(stores(), &[&real, &fake], &[&issuer.leaf("leaf")]);
    assert_eq!(found.missing_intermediate, Some(real.fingerprint()));

    let fake = forged(&rogue, &root, 2040);
    let found = of_file(stores(), &[&rogue.der, &fake], &rogue.leaf("leaf"));
    assert_eq!(found.trust, Trust::UntrustedRoot, "{}", found.reason);
}

#[test]
fn an_issuer_by_another_key_that_nobody_can_check_leaves_no_file_open() {
    let (root, namesake) = (Authority::root("Root"), Authority::root("Root"));
    let issuer = root.below("Issuer");
    let by_namesake = uncheckable(&issuer.again_by(&namesake, 2040));
    let stores = vec![root.store("corp")];
    let found = of_file(stores, &[&by_namesake], &issuer.leaf("leaf"));
    assert_eq!(found.trust, Trust::IncompleteChain, "{}", found.reason);
}

#[test]
fn what_others_present_chooses_nobodys_root() {
    let (root, evil) = (Authority::root("Root"), Authority::root("Approved"));
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let crossed = issuer.again_by(&evil, 2040);
    let pool = [crossed.clone(), evil.der.clone()];
    let found = found_whatever(&[], &pool, &[&leaf, &issuer.der]);
    assert_eq!(found.trust, Trust::IncompleteChain, "{}", found.reason);
    assert_eq!(root_of(&found), None);

    let found = assess(Vec::new(), &[&crossed, &evil.der], &[&leaf]);
    assert_eq!(found.trust, Trust::IncompleteChain, "{}", found.reason);
    assert_eq!(root_of(&found), None);
    let found = of_file(Vec::new(), &[&crossed, &evil.der], &leaf);
    assert_eq!(found.trust, Trust::UntrustedRoot, "{}", found.reason);
    assert_eq!(root_of(&found), None);
    // What a store vouches for is no mere word of theirs.
    let found = of_file(vec![root.store("corp")], &[&crossed, &issuer.der], &leaf);
    assert_eq!(root_of(&found), Some("CN=Root"));
}

#[test]
fn an_intermediate_is_found_among_those_that_others_certified() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let fix = issuer.der.fingerprint();
    let apart = crossed_with_roots(&issuer, |number| format!("Stranger {number}"));
    // Whoever names no key is asked of all twelve.
    let mut unnamed = issuer.params.clone();
    unnamed.use_authority_key_identifier_extension = false;
    let unnamed = Authority {
        params: unnamed,
        key: KeyPair::try_from(issuer.key.serialize_der()).unwrap(),
        der: issuer.der.clone(),
    };
    let alike = crossed_with_roots(&unnamed, |_| "Hydra".to_owned());
    for crossed in [&apart[..12], &apart, &alike] {
        let mut pool: Vec<_> = crossed.iter().collect();
        pool.push(&issuer.der);
        let found = of_file(vec![root.store("corp")], &pool, &leaf);
        assert_eq!(found.trust, Trust::Trusted, "{}", found.reason);
        let found = assess(vec![root.store("corp")], &pool, &[&leaf]);
        assert_eq!(found.missing_intermediate, Some(fix));
    }
    // Also where it leads to no store.
    for crossed in [&apart[..12], &apart] {
        let mut pool: Vec<_> = crossed.iter().collect();
        pool.extend([&issuer.der, &root.der]);
        let assessor = Assessor::new(Vec::new(), parsed(&pool).into_iter().collect());
        let links = assessor.links(&parsed(&[&leaf]));
        for sought in [fix, root.der.fingerprint()] {
            assert!(links.unsent().any(|it| it == sought));
        }
    }
}

#[test]
fn dates_that_can_not_be_read_beyond_what_others_present_make_nothing_invalid() {
    let (root, old) = (Authority::root("Root"), Authority::root("Old"));
    let issuer = root.below("Issuer");
    let broken = all_changed(&old.der, b"370101000000Z", b"371301000000Z");
    let crossed = issuer.again_by(&old, 2040);
    let chain = [&issuer.leaf("leaf"), &broken];
    for pool in [&[][..], &[&crossed]] {
        let found = assess(Vec::new(), pool, &chain);
        assert_eq!(found.trust, Trust::IncompleteChain, "{}", found.reason);
    }
}

#[test]
fn an_authority_given_by_hand_is_no_namesake_too_many() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let strangers = (0..20).map(|_| Authority::root("Issuer").der);
    let strangers: Vec<_> = strangers.collect();
    let pool: Vec<_> = strangers.iter().collect();
    let pool = parsed(&pool).into_iter().collect();
    let mut assessor = Assessor::new(vec![root.store("corp")], pool);
    assessor.add(&Arc::new(x509::parse(&issuer.der)));
    let links = assessor.links(&parsed(&[&issuer.leaf("leaf")]));
    let mut unsent = links.unsent();
    assert!(unsent.any(|it| it == issuer.der.fingerprint()));
}

#[test]
fn a_root_that_others_certified_stays_untrusted() {
    let root = Authority::root("Root");
    let leaf = root.leaf("leaf");
    let found = found_whatever(&[], &crossed(&root), &[&leaf, &root.der]);
    assert_eq!(found.trust, Trust::UntrustedRoot, "{}", found.reason);
    // One that was not sent is known from elsewhere, and may be among them.
    let crossed = crossed(&root);
    let mut pool: Vec<_> = crossed.iter().collect();
    pool.push(&root.der);
    let found = assess(Vec::new(), &pool, &[&leaf]);
    assert_eq!(found.trust, Trust::UntrustedRoot, "{}", found.reason);
}

#[test]
fn an_expired_intermediate_that_others_certified_stays_expired() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let over = issuer.again_by(&root, 2026);
    let chain = [&issuer.leaf("leaf"), &over];
    let found = found_whatever(&[&root], &crossed(&issuer), &chain);
    assert_eq!(found.trust, Trust::Expired, "{}", found.reason);
}

#[test]
fn a_wrong_signature_above_what_others_certified_stays_wrong() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let mut params = authority("Root");
    params.key_identifier_method =
        rcgen::KeyIdMethod::PreSpecified(root.params.key_identifier(&root.key));
    let forged = der(&params.self_signed(&KeyPair::generate().unwrap()).unwrap());
    let chain = [&issuer.leaf("leaf"), &issuer.der, &forged];
    let found = found_whatever(&[], &crossed(&issuer)[..1], &chain);
    assert_eq!(found.trust, Trust::Invalid, "{}", found.reason);
}

#[test]
fn an_intermediate_that_is_sent_damaged_stays_wrong_though_others_have_it_whole() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let mut bytes = issuer.der.as_bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let damaged = Der::from(bytes);
    let found = assess(vec![root.store("corp")], &[&issuer.der], &[&leaf, &damaged]);
    assert_eq!(found.trust, Trust::Invalid, "{}", found.reason);
    let found = assess(vec![root.store("corp")], &[&issuer.der], &[&leaf]);
    assert_eq!(found.trust, Trust::IncompleteChain, "{}", found.reason);
}

#[test]
fn a_missing_intermediate_is_found_below_a_root_that_others_certified() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let crossed = crossed(&root);
    let mut pool: Vec<_> = crossed.iter().collect();
    pool.push(&issuer.der);
    let found = assess(vec![root.store("corp")], &pool, &[&issuer.leaf("leaf")]);
    assert_eq!(found.trust, Trust::IncompleteChain, "{}", found.reason);
    let fix = found.missing_intermediate;
    assert_eq!(fix, Some(issuer.der.fingerprint()));
}

#[test]
fn of_a_file_too_many_ways_through_others_are_left_open() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = issuer.leaf("leaf");
    let over = (2013..2026).map(|year| issuer.again_by(&root, year));
    let over: Vec<_> = over.collect();
    let pool: Vec<_> = over.iter().collect();
    let trust = |pool: &[&Der]| of_file(vec![root.store("corp")], pool, &leaf).trust;
    assert_eq!(trust(&pool[..8]), Trust::Expired);
    assert_eq!(trust(&pool), Trust::Unchecked);
    // Those that lead to no store are none of them.
    let crossed = crossed(&issuer);
    let pool: Vec<_> = crossed.iter().collect();
    assert_eq!(trust(&pool), Trust::IncompleteChain);
}

#[test]
fn a_forged_issuer_at_another_endpoint_makes_no_file_invalid() {
    let root = Authority::root("Root");
    let issuer = root.below("Issuer");
    let leaf = Arc::new(x509::parse(&issuer.leaf("leaf")));
    let mut forged = issuer.der.as_bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let pool = parsed(&[&Der::from(forged)]).into_iter().collect();
    let assessor = Assessor::new(vec![root.store("corp")], pool);
    let found = assessor.verdict(&assessor.links_of_file(&leaf), now());
    assert_eq!(found.trust, Trust::IncompleteChain, "{}", found.reason);
}
