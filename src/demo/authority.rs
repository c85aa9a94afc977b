//! A private certificate authority: a request becomes a key and a certificate
//! that looks like one from a real network.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SignatureAlgorithm,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;

use super::DemoError;
use crate::domain::{KeyType, Timestamp};

/// A root, and the authority below it that does the issuing.
pub(super) struct Authority {
    now: Timestamp,
    root: CertifiedIssuer<'static, KeyPair>,
    issuing: CertifiedIssuer<'static, KeyPair>,
}

/// What a server's certificate is to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    common_name: &'static str,
    other_names: &'static [&'static str],
    organization: &'static str,
    algorithm: Algorithm,
    validity: Validity,
}

/// The key pairs that servers of the demo network have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Algorithm {
    Rsa2048,
    EcdsaP256,
    Ed25519,
}

/// First and last day of a certificate, counted from now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    first: i64,
    last: i64,
}

/// A certificate, what a server sends after it, and its key.
pub(super) struct Identity {
    pub(super) leaf: CertificateDer<'static>,
    pub(super) issuers: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) key_type: KeyType,
}

impl Authority {
    /// Makes the keys and certificates of both authorities.
    pub(super) fn establish(now: Timestamp) -> Result<Self, DemoError> {
        const ROOT: &str = "Demo Root CA";
        const ISSUING: &str = "Demo Issuing CA";

        let parameters = authority_parameters(ROOT, 1, now)?;
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).map_err(fault(ROOT))?;
        let root = CertifiedIssuer::self_signed(parameters, key).map_err(fault(ROOT))?;

        let parameters = authority_parameters(ISSUING, 0, now)?;
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(fault(ISSUING))?;
        let issuing = CertifiedIssuer::signed_by(parameters, key, &root).map_err(fault(ISSUING))?;

        Ok(Self { now, root, issuing })
    }

    /// The root's certificate, which no server sends.
    pub(super) fn root(&self) -> &CertificateDer<'static> {
        self.root.der()
    }

    /// A certificate by the issuing authority, with the one a server must
    /// send along.
    pub(super) fn issue(&self, request: Request) -> Result<Identity, DemoError> {
        let key = request.algorithm.generate(request.common_name)?;
        let certificate = request
            .parameters(self.now)?
            .signed_by(&key, &self.issuing)
            .map_err(fault(request.common_name))?;
        let issuers = vec![self.issuing.der().clone()];
        Ok(Identity::new(&certificate, issuers, &key, request))
    }
}

/// A certificate that nobody vouches for but its own key.
pub(super) fn self_signed(request: Request, now: Timestamp) -> Result<Identity, DemoError> {
    let key = request.algorithm.generate(request.common_name)?;
    let certificate = request
        .parameters(now)?
        .self_signed(&key)
        .map_err(fault(request.common_name))?;
    Ok(Identity::new(&certificate, Vec::new(), &key, request))
}

impl Request {
    /// A certificate for one name, as most are: P-256, in mid-life.
    pub(super) const fn new(common_name: &'static str) -> Self {
        Self {
            common_name,
            other_names: &[],
            organization: "Demo Shop Ltd",
            algorithm: Algorithm::EcdsaP256,
            validity: Validity::CURRENT,
        }
    }

    /// With further names.
    pub(super) const fn also(mut self, names: &'static [&'static str]) -> Self {
        self.other_names = names;
        self
    }

    /// For another organization.
    pub(super) const fn of(mut self, organization: &'static str) -> Self {
        self.organization = organization;
        self
    }

    /// With another kind of key.
    pub(super) const fn with(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// For another time.
    pub(super) const fn valid(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// The profile of RFC 5280 for servers. The serial number, which is left
    /// to rcgen, is a digest of the public key: as random as the key is.
    fn parameters(&self, now: Timestamp) -> Result<CertificateParams, DemoError> {
        let names: Vec<String> = std::iter::once(&self.common_name)
            .chain(self.other_names)
            .map(|&name| name.to_owned())
            .collect();
        let mut parameters = CertificateParams::new(names).map_err(fault(self.common_name))?;
        parameters.distinguished_name = distinguished_name(self.organization, self.common_name);
        parameters.not_before = day(now, self.validity.first)?;
        parameters.not_after = day(now, self.validity.last)?;
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = self.algorithm.key_usages();
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        Ok(parameters)
    }
}

impl Algorithm {
    fn generate(self, subject: &'static str) -> Result<KeyPair, DemoError> {
        let algorithm: &'static SignatureAlgorithm = match self {
            // rcgen's size for RSA where none is asked for is 2048 bits.
            Self::Rsa2048 => &rcgen::PKCS_RSA_SHA256,
            Self::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
        };
        KeyPair::generate_for(algorithm).map_err(fault(subject))
    }

    /// What a server does with the key: it signs, and with RSA it also
    /// decrypts in the key exchange of TLS 1.2 (RFC 5246 section 7.4.2).
    fn key_usages(self) -> Vec<KeyUsagePurpose> {
        match self {
            Self::Rsa2048 => vec![
                KeyUsagePurpose::DigitalSignature,
                KeyUsagePurpose::KeyEncipherment,
            ],
            Self::EcdsaP256 | Self::Ed25519 => vec![KeyUsagePurpose::DigitalSignature],
        }
    }

    const fn key_type(self) -> KeyType {
        match self {
            Self::Rsa2048 => KeyType::Rsa,
            Self::EcdsaP256 => KeyType::Ecdsa,
            Self::Ed25519 => KeyType::Eddsa,
        }
    }
}

impl Validity {
    /// 90 days, a third of them gone.
    pub(super) const CURRENT: Self = Self::days(-30, 60);
    /// 90 days, all but five gone.
    pub(super) const EXPIRING: Self = Self::days(-85, 5);
    /// 90 days, and ten more.
    pub(super) const EXPIRED: Self = Self::days(-100, -10);
    /// A year.
    pub(super) const YEAR: Self = Self::days(-120, 245);
    /// Ten years: what devices give themselves.
    pub(super) const DECADE: Self = Self::days(-730, 2920);

    const fn days(first: i64, last: i64) -> Self {
        Self { first, last }
    }
}

impl Identity {
    fn new(
        certificate: &rcgen::Certificate,
        issuers: Vec<CertificateDer<'static>>,
        key: &KeyPair,
        request: Request,
    ) -> Self {
        Self {
            leaf: certificate.der().clone(),
            issuers,
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            key_type: request.algorithm.key_type(),
        }
    }

    /// As a server shows it whose operator forgot the intermediate.
    pub(super) fn without_issuers(mut self) -> Self {
        self.issuers.clear();
        self
    }
}

/// The profile of RFC 5280 for authorities; `depth` is how many more of them
/// may follow below.
fn authority_parameters(
    common_name: &'static str,
    depth: u8,
    now: Timestamp,
) -> Result<CertificateParams, DemoError> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = distinguished_name("Demo Trust Services", common_name);
    parameters.not_before = day(now, Validity::DECADE.first)?;
    parameters.not_after = day(now, Validity::DECADE.last)?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(depth));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}

fn distinguished_name(organization: &str, common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, organization);
    name.push(DnType::CommonName, common_name);
    name
}

/// The moment half a day after `days` from now: so that a certificate said to
/// have five days left has five whole ones for as long as a demo runs.
fn day(now: Timestamp, days: i64) -> Result<OffsetDateTime, DemoError> {
    let seconds = now.seconds().saturating_add(days * 86_400 + 43_200);
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .filter(|date| date.year() >= 0)
        .ok_or(DemoError::Date { now, days })
}

fn fault(subject: &'static str) -> impl Fn(rcgen::Error) -> DemoError {
    move |source| DemoError::Certificate { subject, source }
}

#[cfg(test)]
mod tests {
    use rustls::{CertificateError, Error};

    use super::super::client::verify;
    use super::*;

    const DAY: i64 = 86_400;

    fn now() -> Timestamp {
        "2026-11-21T08:00:00Z".parse().unwrap()
    }

    fn in_days(days: i64) -> Timestamp {
        Timestamp::from_seconds(now().seconds() + days * DAY)
    }

    fn chain(identity: Identity) -> Vec<CertificateDer<'static>> {
        std::iter::once(identity.leaf)
            .chain(identity.issuers)
            .collect()
    }

    fn is_expired(verdict: &Result<(), Error>) -> bool {
        matches!(
            verdict,
            Err(Error::InvalidCertificate(
                CertificateError::ExpiredContext { .. }
            ))
        )
    }

    #[test]
    fn a_chain_leads_to_the_root_with_its_intermediate_and_not_without() {
        let authority = Authority::establish(now()).unwrap();
        let request = Request::new("www.shop.demo").also(&["shop.demo"]);

        let whole = chain(authority.issue(request).unwrap());
        assert_eq!(whole.len(), 2);
        for name in ["www.shop.demo", "shop.demo"] {
            assert_eq!(verify(&whole, authority.root(), name, now()), Ok(()));
        }
        assert!(verify(&whole, authority.root(), "blog.shop.demo", now()).is_err());

        let bare = chain(authority.issue(request).unwrap().without_issuers());
        assert_eq!(bare.len(), 1);
        assert_eq!(
            verify(&bare, authority.root(), "www.shop.demo", now()),
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
        );
    }

    #[test]
    fn every_kind_of_key_gets_a_certificate() {
        let authority = Authority::establish(now()).unwrap();
        for algorithm in [Algorithm::Rsa2048, Algorithm::EcdsaP256, Algorithm::Ed25519] {
            let request = Request::new("a.demo").with(algorithm);
            let chain = chain(authority.issue(request).unwrap());
            assert_eq!(verify(&chain, authority.root(), "a.demo", now()), Ok(()));
        }
    }

    #[test]
    fn validity_counts_in_days_from_now() {
        let authority = Authority::establish(now()).unwrap();
        let verdict = |validity, days| {
            let request = Request::new("a.demo").valid(validity);
            let chain = chain(authority.issue(request).unwrap());
            verify(&chain, authority.root(), "a.demo", in_days(days))
        };
        assert_eq!(verdict(Validity::CURRENT, 0), Ok(()));
        assert_eq!(verdict(Validity::EXPIRING, 5), Ok(()));
        assert!(is_expired(&verdict(Validity::EXPIRING, 6)));
        assert!(is_expired(&verdict(Validity::EXPIRED, 0)));
        assert_eq!(verdict(Validity::EXPIRED, -10), Ok(()));
    }

    #[test]
    fn a_self_signed_certificate_is_vouched_for_by_its_own_key_alone() {
        let authority = Authority::establish(now()).unwrap();
        let request = Request::new("printer.demo").valid(Validity::DECADE);
        let chain = chain(self_signed(request, now()).unwrap());
        assert_eq!(chain.len(), 1);
        assert_eq!(verify(&chain, &chain[0], "printer.demo", now()), Ok(()));
        assert_eq!(
            verify(&chain, authority.root(), "printer.demo", now()),
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
        );
    }

    #[test]
    fn a_clock_beyond_the_dates_of_x509_is_an_error() {
        for far in [i64::MIN, -70_000_000_000, 253_402_300_799, i64::MAX] {
            assert!(matches!(
                Authority::establish(Timestamp::from_seconds(far)),
                Err(DemoError::Date { .. })
            ));
        }
    }
}
