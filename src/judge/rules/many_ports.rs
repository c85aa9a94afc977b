use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "many-ports",
    title: "one certificate is on very many ports of a host",
    severity: Severity::Info,
    citation: "certsweep's own",
    advice: "It is one installation that answers everywhere, as a load balancer or a \
        honeypot does: it counts as one. Exclude the ports that are of no interest.",
    note: Some(
        "Where the same is found at each of these ports; a port with a finding of its own \
        counts for itself. Tables keep a row for each (`report --distinct` does not).",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(place) = case.evidence.place else {
        return Verdict::NotApplicable;
    };
    let (ports, address) = (place.ports_with_it, place.address);
    Verdict::unless(holds(case).then(|| format!("on {ports} ports of {address}")))
}

/// Whether a certificate is on so many ports of its host that they count as
/// one, whatever the policy says of the rule.
pub(in crate::judge) fn holds(case: &Case<'_>) -> bool {
    let place = case.evidence.place;
    place.is_some_and(|place| place.ports_with_it > case.limits.ports_per_host)
}
