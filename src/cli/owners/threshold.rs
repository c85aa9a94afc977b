use std::collections::BTreeMap;

use crate::domain::{Fingerprint, Severity};
use crate::report::Installation;
use crate::store::Crossing;

/// The rules whose findings an owner is told of once, in the order in which a
/// certificate comes to them.
const EXPIRY: [&str; 2] = ["expiring", "expired"];

/// The last threshold of expiry that each certificate of an installation's
/// chain has crossed, if any: by the policy, and not where somebody accepted
/// it.
pub(super) fn crossings(row: &Installation) -> Vec<Crossing> {
    let leaf = row.certificate.sha256;
    let findings = row.judgement.iter().flat_map(|it| &it.findings);
    let mut last: BTreeMap<Fingerprint, (usize, Severity, &'static str)> = BTreeMap::new();
    for finding in findings {
        let Some(stage) = EXPIRY.iter().position(|rule| *rule == finding.rule) else {
            continue;
        };
        let crossed = (stage, finding.severity, finding.rule);
        let member = finding.certificate.unwrap_or(leaf);
        let known = last.entry(member).or_insert(crossed);
        *known = crossed.max(*known);
    }
    let owner = super::owner(row).unwrap_or_default();
    let crossing = |(member, (_, severity, finding))| Crossing {
        certificate: leaf,
        member,
        owner: owner.clone(),
        finding,
        severity,
    };
    last.into_iter().map(crossing).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tests::owned;
    use super::*;
    use crate::domain::Severity;
    use crate::judge::Finding;

    fn finding(
        rule: &'static str,
        severity: Severity,
        certificate: Option<Fingerprint>,
    ) -> Finding {
        Finding {
            rule,
            severity,
            detail: String::new(),
            certificate,
        }
    }

    fn crossed(findings: Vec<Finding>) -> Vec<(Fingerprint, &'static str, Severity)> {
        let mut row = owned(Some("web"), "a");
        Arc::make_mut(row.judgement.as_mut().unwrap()).findings = findings;
        let crossings = crossings(&row).into_iter();
        let crossings = crossings.inspect(|it| assert_eq!(it.certificate, row.certificate.sha256));
        crossings
            .map(|it| (it.member, it.finding, it.severity))
            .collect()
    }

    #[test]
    fn the_last_threshold_of_expiry_is_what_an_owner_is_told_of() {
        let leaf = owned(None, "a").certificate.sha256;
        let of_leaf = |findings: &[(&'static str, Severity)]| {
            let findings = findings.iter();
            crossed(
                findings
                    .map(|(rule, severity)| finding(rule, *severity, None))
                    .collect(),
            )
        };
        let (warning, error) = (Severity::Warning, Severity::Error);
        assert_eq!(of_leaf(&[]), []);
        assert_eq!(of_leaf(&[("weak-key", Severity::Critical)]), []);
        let both = [("expiring", warning), ("expiring", error)];
        assert_eq!(of_leaf(&both), [(leaf, "expiring", error)]);
        let over = [("expired", warning), ("expiring", error)];
        assert_eq!(of_leaf(&over), [(leaf, "expired", warning)]);
    }

    #[test]
    fn what_is_over_in_a_chain_does_not_keep_silent_about_its_leaf() {
        let leaf = owned(None, "a").certificate.sha256;
        let cross_sign = Fingerprint::of(b"cross-sign");
        let over = finding("expired", Severity::Critical, Some(cross_sign));
        let told = (cross_sign, "expired", Severity::Critical);
        assert_eq!(crossed(vec![over.clone()]), [told]);
        for (rule, severity) in [
            ("expiring", Severity::Warning),
            ("expiring", Severity::Critical),
            ("expired", Severity::Critical),
        ] {
            let mut expected = [told, (leaf, rule, severity)];
            expected.sort();
            let of_leaf = finding(rule, severity, Some(leaf));
            assert_eq!(crossed(vec![over.clone(), of_leaf]), expected);
        }
    }
}
