use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "many-ports",
    title: "one certificate is on very many ports of a host",
    severity: Severity::Info,
    citation: "certsweep's own",
    advice: "It is one installation that answers everywhere, as a load balancer or a \
        honeypot does: it counts as one. Exclude the ports that are of no interest.",
    note: None,
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(place) = case.evidence.place else {
        return Verdict::NotApplicable;
    };
    let ports = place.ports_with_it;
    let many = ports > case.limits.ports_per_host;
    Verdict::unless(many.then(|| format!("on {ports} ports of {}", place.address)))
}
