//! A path → what RFC 5280 forbids in it.

use super::trail::{End, Step, Trail};

/// What RFC 5280 section 6.1 forbids in a path, names apart. Roots are held to
/// it as well, since most clients do.
pub(super) fn forbidden(trail: &Trail) -> Option<String> {
    let unknown = trail.members().find_map(|member| {
        let id = member.linkage.unknown_critical.first()?;
        Some(format!(
            "`{}` has the unknown critical extension {id}",
            member.name()
        ))
    });
    let mut authorities_below = 0;
    let mut not_allowed = None;
    for step in &trail.steps {
        let objection = || no_authority(trail, step, authorities_below);
        not_allowed = not_allowed.or_else(objection);
        if !step.member.is_self_issued() {
            authorities_below += 1;
        }
    }
    unknown.or(not_allowed)
}

/// Whether this is the end of a trail that a store holds.
fn is_held(trail: &Trail, step: &Step) -> bool {
    let tip = trail.tip().fingerprint();
    matches!(trail.end, End::Anchor(_)) && step.member.fingerprint() == tip
}

/// Why an issuer may not certify what stands below it. Before version 3 no
/// certificate could say that it was an authority's: a root needs not.
fn no_authority(trail: &Trail, step: &Step, authorities_below: u32) -> Option<String> {
    let issuer = &step.member;
    let (facts, name) = (issuer.facts(), issuer.name());
    let is_root = issuer.is_self_signed() || is_held(trail, step);
    let is_old_root = facts.version < 3 && is_root && issuer.is_self_issued();
    if facts.is_ca != Some(true) && !is_old_root {
        return Some(format!("`{name}` is no authority"));
    }
    let usage = facts.key_usage.as_deref();
    if usage.is_some_and(|usage| !usage.iter().any(|usage| usage == "keyCertSign")) {
        return Some(format!("`{name}` may not sign certificates"));
    }
    let most = issuer.linkage.path_length?;
    (authorities_below > most)
        .then(|| format!("`{name}` allows {most} authorities below it, not {authorities_below}"))
}
