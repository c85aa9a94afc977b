//! Each rule at a place where it holds, where it does not, and where it has
//! nothing to say.

use std::sync::Arc;

use rcgen::{BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, IsCa};

use super::scene::{Scene, fixture, moment, read, time};
use crate::domain::{Fingerprint, HybridGroup, KeyExchange, NamedGroup, TlsVersion, Trust};
use crate::judge::PointerNames;
use crate::x509::Staple;

pub(super) struct Example {
    pub(super) rule: &'static str,
    pub(super) passes: fn() -> Scene,
    pub(super) fails: fn() -> Scene,
    pub(super) is_silent: fn() -> Scene,
}

const fn example(
    rule: &'static str,
    passes: fn() -> Scene,
    fails: fn() -> Scene,
    is_silent: fn() -> Scene,
) -> Example {
    Example {
        rule,
        passes,
        fails,
        is_silent,
    }
}

/// One for each rule, in their order.
pub(super) const EXAMPLES: &[Example] = &[
    example(
        "expired",
        Scene::new,
        || changed(|scene| scene.now = time("2026-08-30T00:00:00Z")),
        unparsed,
    ),
    example(
        "expiring",
        Scene::new,
        || changed(|scene| scene.now = time("2026-08-20T00:00:00Z")),
        unparsed,
    ),
    example(
        "not-yet-valid",
        Scene::new,
        || changed(|scene| scene.now = time("2026-05-31T23:59:59Z")),
        unparsed,
    ),
    example(
        "invalid",
        Scene::new,
        || changed(|scene| scene.assessment.trust = Trust::Invalid),
        unchecked,
    ),
    example(
        "self-signed",
        Scene::new,
        || changed(|scene| scene.assessment.trust = Trust::SelfSigned),
        unchecked,
    ),
    example(
        "untrusted",
        Scene::new,
        || changed(|scene| scene.assessment.trust = Trust::UntrustedRoot),
        unchecked,
    ),
    example(
        "incomplete-chain",
        Scene::new,
        || changed(|scene| scene.assessment.trust = Trust::IncompleteChain),
        unchecked,
    ),
    example("unchecked", Scene::new, unchecked, || {
        changed(|scene| scene.assessment.trust = Trust::Invalid)
    }),
    example(
        "chain-order",
        Scene::new,
        || changed(|scene| scene.assessment.out_of_order = true),
        || changed(|scene| scene.chain.truncate(1)),
    ),
    example(
        "extra-certificates",
        Scene::new,
        || changed(|scene| scene.assessment.extra = vec![1]),
        || changed(|scene| scene.chain.truncate(1)),
    ),
    example(
        "name-mismatch",
        Scene::new,
        || changed(|scene| scene.place().server_name = Some("mail.example.com".to_owned())),
        || changed(|scene| scene.place().server_name = None),
    ),
    example(
        "no-san",
        Scene::new,
        || Scene::with_leaf(|leaf| leaf.subject_alt_names.clear()),
        imported,
    ),
    example(
        "wildcard",
        Scene::new,
        || {
            let wildcard = "*.example.com".try_into().unwrap();
            Scene::with_leaf(|leaf| {
                leaf.subject_alt_names
                    .push(rcgen::SanType::DnsName(wildcard));
            })
        },
        || {
            changed(|scene| {
                scene.facts().alternative_names.clear();
                scene.facts().subject.common_name = None;
            })
        },
    ),
    example(
        "weak-key",
        Scene::new,
        || of_one(fixture("judge/roca")),
        unparsed,
    ),
    example(
        "weak-signature",
        Scene::new,
        || of_one(fixture("judge/issued-md5")),
        || Scene::of_root(fixture("x509/rsa-1024-md5")),
    ),
    example(
        "validity-too-long",
        Scene::new,
        || Scene::with_leaf(|leaf| leaf.not_after = moment("2027-06-01T00:00:00Z")),
        || changed(|scene| scene.assessment.publicly_trusted = false),
    ),
    example(
        "key-reuse",
        Scene::new,
        || changed(|scene| scene.kin.same_key = vec![Fingerprint::of(b"another")]),
        unparsed,
    ),
    example(
        "shared-key",
        || changed(|scene| scene.kin.owners_of_key = owners(&["web"])),
        || changed(|scene| scene.kin.owners_of_key = owners(&["web", "mail"])),
        Scene::new,
    ),
    example(
        "key-unchanged",
        || changed(|scene| scene.past.predecessor = Some(fixture("judge/roca"))),
        || changed(|scene| scene.past.predecessor = Some(Arc::clone(&scene.chain[0]))),
        Scene::new,
    ),
    example(
        "renewal-incomplete",
        Scene::new,
        || changed(|scene| scene.kin.successor = Some(Fingerprint::of(b"successor"))),
        imported,
    ),
    example(
        "renewal-habit",
        || changed(|scene| scene.past.days_left_at_renewals = vec![30, 29]),
        || changed(|scene| scene.past.days_left_at_renewals = vec![1, 2, 40]),
        Scene::new,
    ),
    example(
        "stale-endpoint",
        Scene::new,
        || changed(|scene| scene.place().last_checked = Some(time("2026-05-01T00:00:00Z"))),
        imported,
    ),
    example(
        "ca-as-leaf",
        Scene::new,
        || Scene::with_leaf(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        imported,
    ),
    example(
        "eku-missing",
        Scene::new,
        || Scene::with_leaf(|leaf| leaf.extended_key_usages.clear()),
        imported,
    ),
    example(
        "eku-wrong",
        Scene::new,
        || {
            Scene::with_leaf(|leaf| {
                leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            })
        },
        || Scene::with_leaf(|leaf| leaf.extended_key_usages.clear()),
    ),
    example(
        "legacy-protocol",
        Scene::new,
        || changed(|scene| scene.place().versions = [TlsVersion::TLS_1_0].into()),
        || {
            changed(|scene| {
                scene.place().tls_version = None;
                scene.place().versions = Arc::default();
            })
        },
    ),
    example(
        "weak-dh",
        || agreed(KeyExchange::Dhe { bits: 2048 }),
        || agreed(KeyExchange::Dhe { bits: 1024 }),
        Scene::new,
    ),
    example(
        "no-forward-secrecy",
        Scene::new,
        || agreed(KeyExchange::Rsa),
        imported,
    ),
    example(
        "must-staple",
        || {
            let mut scene = must_staple();
            scene.place().staple = Some(Staple::Response);
            scene
        },
        must_staple,
        Scene::new,
    ),
    example(
        "not-pq-ready",
        || hybrid(HybridGroup::Agreed(NamedGroup(0x11ec))),
        || hybrid(HybridGroup::Refused),
        Scene::new,
    ),
    example(
        "issuer-not-approved",
        || approving("*O=Example Trust"),
        || approving("Another CA"),
        Scene::new,
    ),
    example(
        "encoding",
        Scene::new,
        || {
            let mut der = Scene::new().chain[0].der.as_bytes().to_vec();
            der.extend([0, 0]);
            of_one(read(&der))
        },
        unparsed,
    ),
    example(
        "many-ports",
        || changed(|scene| scene.place().ports_with_it = 50),
        || changed(|scene| scene.place().ports_with_it = 51),
        imported,
    ),
    example(
        "ephemeral",
        Scene::new,
        || changed(|scene| scene.past.is_ephemeral = true),
        imported,
    ),
];

fn changed(change: impl FnOnce(&mut Scene)) -> Scene {
    let mut scene = Scene::new();
    scene.limits.pointer_names = PointerNames::Ignored;
    change(&mut scene);
    scene
}

fn of_one(certificate: Arc<crate::x509::Certificate>) -> Scene {
    changed(|scene| scene.chain = vec![certificate])
}

fn unparsed() -> Scene {
    of_one(read(b"no certificate"))
}

fn unchecked() -> Scene {
    changed(|scene| scene.assessment.trust = Trust::Unchecked)
}

fn imported() -> Scene {
    changed(|scene| scene.place = None)
}

fn owners(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn agreed(key_exchange: KeyExchange) -> Scene {
    changed(|scene| scene.place().key_exchange = Some(key_exchange))
}

fn hybrid(group: HybridGroup) -> Scene {
    changed(|scene| scene.place().hybrid_group = Some(group))
}

fn approving(pattern: &str) -> Scene {
    changed(|scene| scene.limits.approved_issuers = vec![pattern.parse().unwrap()])
}

pub(super) fn must_staple() -> Scene {
    Scene::with_leaf(|leaf| {
        let oid = [1, 3, 6, 1, 5, 5, 7, 1, 24];
        let features = vec![0x30, 3, 2, 1, 5];
        leaf.custom_extensions
            .push(CustomExtension::from_oid_content(&oid, features));
    })
}
