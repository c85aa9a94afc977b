use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "stale-endpoint",
    title: "the endpoint was not asked this way for too long",
    severity: Severity::Warning,
    citation: "NIST SP 1800-16B section 5.1",
    advice: "What is said here may no longer be so. Scan it again as it was asked \
        then, and find out why the scans left that out (certsweep report --of \
        coverage).",
    note: Some(
        "It may have been looked at since, but not by this name or for this type of \
        key: `certsweep show IP:PORT` tells when each was last asked for. Endpoints that \
        `check` counts as not looked at were asked nothing at all. Of what was asked at a \
        time that lies in the future, by a clock that was wrong, nobody knows when that was.",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let place = case.evidence.place;
    let asked = place.and_then(|place| Some((place, place.last_checked?)));
    let Some((place, last_checked)) = asked else {
        return Verdict::NotApplicable;
    };
    let is_ahead = last_checked.is_ahead_of(case.now);
    let is_stale = is_ahead || case.now.since(last_checked) > case.limits.max_age;
    Verdict::unless(is_stale.then(|| {
        let way = match place.server_name {
            Some(_) => "by this name",
            None => "without a name",
        };
        let wrong = if is_ahead {
            ", which lies in the future: the clock was wrong"
        } else {
            ""
        };
        format!("last asked {way} {last_checked}{wrong}")
    }))
}
