use hickory_resolver::proto::ProtoError;
use hickory_resolver::proto::rr::Name;

use crate::domain::ServerName;

/// The absolute names to ask for, in this order.
///
/// A single label (`intranet`) is completed by the system's search list, as
/// people expect, and asked as it stands at last. A name with a dot is
/// absolute and nothing else: completed by a search domain with a wildcard it
/// would find a certificate where there is none. So is `localhost`
/// (RFC 6761 section 6.3).
pub(super) fn candidates(name: &ServerName, search: &[Name]) -> Result<Vec<Name>, ProtoError> {
    let absolute = Name::from_ascii(format!("{name}."))?;
    let mut candidates = Vec::new();
    if absolute.num_labels() == 1 && !absolute.is_localhost() {
        let mut label = absolute.clone();
        label.set_fqdn(false);
        // A search domain that makes the name too long is passed over.
        let completed = search
            .iter()
            .filter_map(|domain| label.clone().append_domain(domain).ok());
        candidates.extend(completed);
    }
    candidates.push(absolute);
    Ok(candidates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, search: &[&str]) -> Vec<String> {
        let search: Vec<_> = search
            .iter()
            .map(|domain| Name::from_ascii(domain).unwrap())
            .collect();
        candidates(&name.parse().unwrap(), &search)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_single_label_is_completed_by_the_search_list() {
        assert_eq!(
            asked("intranet", &["corp.example", "example"]),
            ["intranet.corp.example.", "intranet.example.", "intranet."]
        );
        assert_eq!(asked("intranet", &[]), ["intranet."]);
    }

    #[test]
    fn a_name_with_a_dot_is_absolute() {
        assert_eq!(asked("db.dc2", &["corp.example"]), ["db.dc2."]);
        assert_eq!(asked("localhost", &["corp.example"]), ["localhost."]);
    }

    #[test]
    fn a_search_domain_that_does_not_fit_is_passed_over() {
        let label = "a".repeat(60);
        let domain = [&*label; 4].join(".");
        assert_eq!(asked(&label, &[&domain]), [format!("{label}.")]);
    }
}
