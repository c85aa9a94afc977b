use crate::report::Installation;
use crate::store::Crossing;

/// The rules whose findings an owner is told of once.
const EXPIRY: [&str; 2] = ["expiring", "expired"];

/// The last threshold of expiry that an installation has crossed, if any: by
/// the policy, and not where somebody accepted it.
pub(super) fn crossing(row: &Installation) -> Option<Crossing> {
    let findings = row.judgement.as_ref()?.findings.iter();
    let of_expiry = findings.filter_map(|finding| {
        let stage = EXPIRY.iter().position(|rule| *rule == finding.rule)?;
        Some((stage, finding))
    });
    let (_, last) = of_expiry.max_by_key(|(stage, finding)| (*stage, finding.severity))?;
    Some(Crossing {
        certificate: row.certificate.sha256,
        owner: super::owner(row).unwrap_or_default(),
        finding: last.rule,
        severity: last.severity,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tests::owned;
    use super::*;
    use crate::domain::Severity;
    use crate::judge::Finding;

    #[test]
    fn the_last_threshold_of_expiry_is_what_an_owner_is_told_of() {
        let mut row = owned(Some("web"), "a");
        let mut crossed = |found: &[(&'static str, Severity)]| {
            let findings = found.iter().map(|(rule, severity)| Finding {
                rule,
                severity: *severity,
                detail: String::new(),
                certificate: None,
            });
            Arc::make_mut(row.judgement.as_mut().unwrap()).findings = findings.collect();
            crossing(&row).map(|crossing| (crossing.finding, crossing.severity))
        };
        let (warning, error) = (Severity::Warning, Severity::Error);
        assert_eq!(crossed(&[]), None);
        assert_eq!(crossed(&[("weak-key", Severity::Critical)]), None);
        let both = [("expiring", warning), ("expiring", error)];
        assert_eq!(crossed(&both), Some(("expiring", error)));
        let over = [("expiring", error), ("expired", warning)];
        assert_eq!(crossed(&over), Some(("expired", warning)));
    }
}
