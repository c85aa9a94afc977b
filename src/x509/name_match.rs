use std::net::IpAddr;

use super::{Certificate, addresses};
use crate::domain::ServerName;

/// Whether a certificate is for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameMatch {
    /// An alternative name of it says so.
    Matches,
    /// Only its common name does, and it has no alternative names: clients
    /// took that for a name until about 2017, and some still do.
    CommonNameOnly,
    /// It is not, or can't be read.
    Mismatch,
}

/// Whether a leaf is for `name`, a host name or an address as people write
/// them (RFC 9525 section 6; RFC 6125 section 6.4.4 on common names).
#[must_use]
pub fn name_match(leaf: &Certificate, name: &str) -> NameMatch {
    let Ok(facts) = &leaf.facts else {
        return NameMatch::Mismatch;
    };
    let common_name = facts.subject.common_name.as_deref();
    let (matches, common_name_matches) = if let Ok(address) = name.parse::<IpAddr>() {
        let is_address = |text: &str| text.parse() == Ok(address);
        (
            addresses(&leaf.der).contains(&address),
            common_name.is_some_and(is_address),
        )
    } else if let Ok(name) = name.parse::<ServerName>() {
        let covers = |pattern: &str| covers(pattern, &name);
        let mut names = facts.alternative_names.iter();
        (
            names.any(|pattern| covers(pattern)),
            common_name.is_some_and(covers),
        )
    } else {
        (false, false)
    };
    match (matches, common_name_matches) {
        (true, _) => NameMatch::Matches,
        (false, true) if facts.alternative_names.is_empty() => NameMatch::CommonNameOnly,
        (false, _) => NameMatch::Mismatch,
    }
}

/// Whether a presented name covers `name`: the same, or with a whole `*` for
/// its left-most label (RFC 9525 section 6.3), and then with two more labels
/// at least, as OpenSSL and Mozilla want it: `*.com` is no name of anybody.
fn covers(pattern: &str, name: &ServerName) -> bool {
    if pattern.eq_ignore_ascii_case(name.as_str()) {
        return true;
    }
    let Some(parent) = pattern.strip_prefix("*.") else {
        return false;
    };
    let above = name.as_str().split_once('.').map(|(_, above)| above);
    parent.contains('.') && above.is_some_and(|above| above.eq_ignore_ascii_case(parent))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;
    use crate::domain::Der;
    use crate::x509;

    fn leaf(common_name: &str, names: &[&str]) -> Certificate {
        let mut parameters = CertificateParams::default();
        parameters
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let name = |name: &&str| match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().unwrap()),
        };
        parameters.subject_alt_names = names.iter().map(name).collect();
        let certificate = parameters
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap();
        x509::parse(&Der::from(&certificate.der()[..]))
    }

    #[test]
    fn a_name_matches_in_any_case_with_a_final_dot_and_internationalised() {
        let leaf = leaf("x", &["WWW.example.com", "xn--bcher-kva.example"]);
        for name in ["www.Example.com", "www.example.com.", "bücher.example"] {
            assert_eq!(name_match(&leaf, name), NameMatch::Matches, "{name}");
        }
        for name in [
            "example.com",
            "a.www.example.com",
            "",
            "not a name",
            "10.0.0.300",
        ] {
            assert_eq!(name_match(&leaf, name), NameMatch::Mismatch, "{name}");
        }
    }

    #[test]
    fn a_wildcard_stands_for_one_whole_label_on_the_left() {
        let leaf = leaf(
            "x",
            &[
                "*.example.com",
                "w*.example.net",
                "a.*.example.org",
                "*.test",
            ],
        );
        assert_eq!(name_match(&leaf, "a.example.com"), NameMatch::Matches);
        for name in [
            "example.com",
            "a.b.example.com",
            "www.example.net",
            "a.b.example.org",
            "a.test",
            "*",
        ] {
            assert_eq!(name_match(&leaf, name), NameMatch::Mismatch, "{name}");
        }
    }

    #[test]
    fn an_address_matches_only_an_address() {
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names = vec![
            SanType::DnsName("192.0.2.7".try_into().unwrap()),
            SanType::IpAddress("2001:db8::1".parse().unwrap()),
        ];
        let certificate = parameters
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap();
        let leaf = x509::parse(&Der::from(&certificate.der()[..]));
        assert_eq!(name_match(&leaf, "2001:DB8:0::1"), NameMatch::Matches);
        assert_eq!(name_match(&leaf, "192.0.2.7"), NameMatch::Mismatch);
    }

    #[test]
    fn the_common_name_counts_only_where_there_is_no_other_and_is_told_apart() {
        let old = leaf("*.corp.example", &[]);
        assert_eq!(
            name_match(&old, "db.corp.example"),
            NameMatch::CommonNameOnly
        );
        assert_eq!(name_match(&old, "db.other.example"), NameMatch::Mismatch);
        assert_eq!(
            name_match(&leaf("192.0.2.9", &[]), "192.0.2.9"),
            NameMatch::CommonNameOnly
        );
        let both = leaf("db.corp.example", &["web.corp.example"]);
        assert_eq!(name_match(&both, "db.corp.example"), NameMatch::Mismatch);
        let nothing = x509::parse(&Der::from(&b"nothing"[..]));
        assert_eq!(name_match(&nothing, "db.corp.example"), NameMatch::Mismatch);
    }
}
