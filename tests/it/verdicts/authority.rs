//! An authority that rcgen signs with, and the parameters it starts from.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SignatureAlgorithm,
    date_time_ymd,
};

/// The name that every leaf is for.
pub(super) const NAME: &str = "www.example.test";

/// A name, its key and its certificate.
pub(super) struct Authority {
    pub(super) params: CertificateParams,
    pub(super) key: KeyPair,
    pub(super) der: Vec<u8>,
}

impl Authority {
    pub(super) fn root(name: &str) -> Self {
        Self::root_with(authority(name), KeyPair::generate().unwrap())
    }

    pub(super) fn root_of(name: &str, algorithm: &'static SignatureAlgorithm) -> Self {
        Self::root_with(authority(name), KeyPair::generate_for(algorithm).unwrap())
    }

    pub(super) fn root_with(params: CertificateParams, key: KeyPair) -> Self {
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { params, key, der }
    }

    /// A root that writes its name otherwise where it names its issuer.
    pub(super) fn root_by_another_spelling(params: CertificateParams, issuer: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let spelled = printable(params.clone(), issuer);
        let certificate = params.signed_by(&key, &Issuer::from_params(&spelled, &key));
        let der = certificate.unwrap().der().to_vec();
        Self { params, key, der }
    }

    /// An authority below this one.
    pub(super) fn authority(&self, params: CertificateParams) -> Self {
        self.authority_with(params, KeyPair::generate().unwrap())
    }

    pub(super) fn authority_with(&self, params: CertificateParams, key: KeyPair) -> Self {
        let der = params
            .signed_by(&key, &self.issuer())
            .unwrap()
            .der()
            .to_vec();
        Self { params, key, der }
    }

    pub(super) fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    /// The same name and key, certified by this one.
    pub(super) fn cross_signs(&self, other: &Self) -> Vec<u8> {
        let certificate = other.params.signed_by(&other.key, &self.issuer());
        certificate.unwrap().der().to_vec()
    }

    pub(super) fn leaf(&self) -> Vec<u8> {
        self.leaf_with(&leaf())
    }

    pub(super) fn leaf_with(&self, params: &CertificateParams) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer());
        certificate.unwrap().der().to_vec()
    }
}

pub(super) fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2037, 1, 1);
    params
}

pub(super) fn leaf() -> CertificateParams {
    let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

/// Some parameters, changed.
pub(super) fn with(
    mut params: CertificateParams,
    change: impl FnOnce(&mut CertificateParams),
) -> CertificateParams {
    change(&mut params);
    params
}

/// Some parameters under this name as a PrintableString; rcgen writes UTF-8
/// unless told.
pub(super) fn printable(params: CertificateParams, name: &str) -> CertificateParams {
    with(params, |params| {
        let name = DnValue::PrintableString(name.try_into().unwrap());
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
    })
}

pub(super) fn expired(params: CertificateParams) -> CertificateParams {
    with(params, |params| {
        params.not_after = date_time_ymd(2026, 6, 1);
    })
}

pub(super) fn unknown_critical() -> CustomExtension {
    let mut extension =
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 7], vec![5, 0]);
    extension.set_criticality(true);
    extension
}
