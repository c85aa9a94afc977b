use std::sync::Arc;

use crate::domain::{Der, Fingerprint, KeyType, Purpose, Severity, Timestamp, weight_of};
use crate::x509::{Certificate, Facts, ParseFault};

/// What reports say of a certificate wherever it is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRow {
    /// SHA-256 of the DER.
    pub sha256: Fingerprint,
    /// SHA-1 of the DER.
    pub sha1: [u8; 20],
    /// SHA-256 of the SubjectPublicKeyInfo; `None` where unparsed.
    pub spki_sha256: Option<Fingerprint>,
    /// The subject's last common name.
    pub subject_cn: Option<String>,
    /// The subject, RFC 4514.
    pub subject_dn: Option<String>,
    /// The issuer's last common name.
    pub issuer_cn: Option<String>,
    /// The issuer, RFC 4514.
    pub issuer_dn: Option<String>,
    /// The serial number's content octets.
    pub serial: Option<Vec<u8>>,
    /// Start of validity.
    pub not_before: Option<Timestamp>,
    /// End of validity.
    pub not_after: Option<Timestamp>,
    /// Subject alternative names.
    pub alternative_names: Vec<String>,
    /// The key's family; `unparsed` where it, or nothing at all, could be read.
    pub key_type: Option<String>,
    /// The key's size.
    pub key_bits: Option<u32>,
    /// The signature algorithm.
    pub signature_algorithm: Option<String>,
    /// Key usage.
    pub key_usage: Vec<String>,
    /// Extended key usage.
    pub extended_key_usage: Vec<String>,
    /// Whether its own key signed it; `None` where that can't be checked.
    pub self_signed: Option<bool>,
    /// Basic constraints' cA; `None` where unparsed, `false` without it.
    pub is_ca: Option<bool>,
    /// Why nothing could be read in it.
    pub parse_fault: Option<String>,
    /// The bytes, where they were asked for.
    pub der: Option<Der>,
}

/// A certificate and how widely it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateUse {
    /// The certificate.
    pub certificate: Arc<CertificateRow>,
    /// How many current installations it has.
    pub installations: u64,
    /// The worst severity that any of its installations was judged to have;
    /// `None` without findings, and until they are judged.
    pub severity: Option<Severity>,
}

impl CertificateRow {
    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let names = [&self.subject_dn, &self.issuer_dn, &self.parse_fault];
        let der = self.der.as_ref().map_or(0, |der| der.as_bytes().len());
        size_of::<Self>()
            + weight_of(&self.alternative_names)
            + weight_of(self.key_usage.iter().chain(&self.extended_key_usage))
            + weight_of(names.into_iter().flatten())
            + der
    }
}

impl CertificateRow {
    /// What is to be said of a certificate, without its bytes.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        let mut row = Self::unparsed(certificate);
        match certificate.facts.clone() {
            Ok(facts) => row.fill(facts),
            Err(ParseFault(fault)) => row.parse_fault = Some(fault),
        }
        row
    }

    /// Whether it renews another ([`Purpose::renews`]) and ends later.
    #[must_use]
    pub fn renews(&self, old: &Self) -> bool {
        let ends = old.not_after.zip(self.not_after);
        let renewed = self.purpose().zip(old.purpose());
        ends.is_some_and(|(before, after)| after > before)
            && renewed.is_some_and(|(new, old)| new.renews(&old))
    }

    /// What it is for; `None` where unparsed.
    fn purpose(&self) -> Option<Purpose> {
        Some(Purpose::new(
            self.subject_dn.as_deref()?,
            &self.alternative_names,
            &self.key_usage,
            &self.extended_key_usage,
        ))
    }

    /// What people call it: its common name, else the first of its alternative
    /// names, else its whole name; none of them where it is empty.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let names = [
            self.subject_cn.as_deref(),
            self.alternative_names.first().map(String::as_str),
            self.subject_dn.as_deref(),
        ];
        names.into_iter().flatten().find(|name| !name.is_empty())
    }

    fn unparsed(certificate: &Certificate) -> Self {
        Self {
            sha256: certificate.fingerprint,
            sha1: certificate.sha1,
            spki_sha256: None,
            subject_cn: None,
            subject_dn: None,
            issuer_cn: None,
            issuer_dn: None,
            serial: None,
            not_before: None,
            not_after: None,
            alternative_names: Vec::new(),
            key_type: Some(KeyType::Unparsed.to_string()),
            key_bits: None,
            signature_algorithm: None,
            key_usage: Vec::new(),
            extended_key_usage: Vec::new(),
            self_signed: None,
            is_ca: None,
            parse_fault: None,
            der: None,
        }
    }

    fn fill(&mut self, facts: Facts) {
        let algorithm = Some(facts.signature_algorithm);
        self.spki_sha256 = facts.public_key.spki;
        self.subject_cn = facts.subject.common_name;
        self.subject_dn = Some(facts.subject.distinguished_name);
        self.issuer_cn = facts.issuer.common_name;
        self.issuer_dn = Some(facts.issuer.distinguished_name);
        self.serial = Some(facts.serial);
        self.not_before = facts.not_before;
        self.not_after = facts.not_after;
        self.alternative_names = facts.alternative_names;
        self.key_type = Some(facts.public_key.key_type.to_string());
        self.key_bits = facts.public_key.bits;
        self.signature_algorithm = algorithm.filter(|name| !name.is_empty());
        self.key_usage = facts.key_usage.unwrap_or_default();
        self.extended_key_usage = facts.extended_key_usage.unwrap_or_default();
        self.self_signed = facts.self_signed;
        self.is_ca = Some(facts.is_ca.unwrap_or(false));
    }
}

#[cfg(test)]
mod tests {
    use crate::report::tests::rows::certificate;

    #[test]
    fn a_certificate_is_called_by_the_first_of_its_names_that_says_anything() {
        let name = |common: Option<&str>, alternative: &[&str], whole: Option<&str>| {
            let mut row = certificate("a");
            row.subject_cn = common.map(str::to_owned);
            row.alternative_names = alternative.iter().map(|name| (*name).to_owned()).collect();
            row.subject_dn = whole.map(str::to_owned);
            row.name().map(str::to_owned)
        };
        let called = |it: &str| Some(it.to_owned());
        assert_eq!(name(Some("cn"), &["san"], Some("O=dn")), called("cn"));
        assert_eq!(name(Some(""), &["san", "b"], Some("O=dn")), called("san"));
        assert_eq!(name(None, &["san"], Some("O=dn")), called("san"));
        assert_eq!(name(None, &[""], Some("O=dn")), called("O=dn"));
        assert_eq!(name(None, &[], Some("O=dn")), called("O=dn"));
        assert_eq!(name(Some(""), &[], Some("")), None);
        assert_eq!(name(None, &[], None), None);
    }
}
