use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use time::OffsetDateTime;

use crate::domain::{
    Der, Dialect, Fingerprint, KeyExchange, NamedGroup, Port, Timestamp, TlsVersion, Trust,
};
use crate::judge::{
    ALL, Assessment, Case, Evidence, Judge, Judgement, KeyFaults, Kin, Limits, Past, Place, Root,
    Unsent, Verdict,
};
use crate::x509::{self, Certificate, Name, Staple};

/// An installation in which everything is right, for tests to spoil.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) chain: Vec<Arc<Certificate>>,
    pub(super) assessment: Assessment,
    pub(super) place: Option<Place>,
    pub(super) past: Past,
    pub(super) kin: Kin,
    pub(super) limits: Limits,
    pub(super) tags: Vec<String>,
    pub(super) now: Timestamp,
}

/// `2026-06-01T00:00:00Z` and the like.
pub(super) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Scene {
    /// `www.example.com` on port 443 of 10.0.0.7, below an intermediate of a
    /// public root: valid for 90 days, on the day after its issue.
    pub(super) fn new() -> Self {
        let chain = issued(|_| {}, |_| {});
        Self {
            assessment: Assessment {
                extra: Vec::new(),
                duplicates: Vec::new(),
                refusal: None,
                trust: Trust::Trusted,
                reason: "trusted".to_owned(),
                trusted_by: vec!["mozilla".to_owned()],
                root: Some(Root {
                    fingerprint: Fingerprint::of(b"root"),
                    name: Name {
                        common_name: Some("Example Root".to_owned()),
                        distinguished_name: "CN=Example Root,O=Example Trust".to_owned(),
                    },
                }),
                publicly_trusted: true,
                path: vec![0, 1],
                unsent: Vec::new(),
                missing_intermediate: None,
                out_of_order: false,
            },
            chain,
            place: Some(place()),
            past: Past::default(),
            kin: Kin::default(),
            limits: Limits::default(),
            tags: Vec::new(),
            now: time("2026-06-02T00:00:00Z"),
        }
    }

    /// The same, with the leaf made otherwise.
    pub(super) fn with_leaf(change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self {
            chain: issued(change, |_| {}),
            ..Self::new()
        }
    }

    /// The same, with the intermediate made otherwise.
    pub(super) fn with_intermediate(change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self {
            chain: issued(|_| {}, change),
            ..Self::new()
        }
    }

    /// The same, with this certificate alone, which the path ends in.
    pub(super) fn of_root(certificate: Arc<Certificate>) -> Self {
        let mut scene = Self::new();
        scene.assessment.root = Some(Root {
            fingerprint: certificate.fingerprint,
            name: Name::default(),
        });
        scene.assessment.path = vec![0];
        scene.chain = vec![certificate];
        scene
    }

    /// The same, and the path rests on this certificate too, which was not
    /// sent.
    pub(super) fn below_unsent(certificate: Arc<Certificate>) -> Self {
        let mut scene = Self::new();
        scene.assessment.unsent = vec![Unsent {
            key_faults: KeyFaults::of(&certificate),
            certificate,
        }];
        scene
    }

    pub(super) fn place(&mut self) -> &mut Place {
        self.place.as_mut().unwrap()
    }

    /// The leaf, for tests to change what was read in it.
    pub(super) fn facts(&mut self) -> &mut x509::Facts {
        self.facts_at(0)
    }

    pub(super) fn facts_at(&mut self, position: usize) -> &mut x509::Facts {
        let certificate = Arc::make_mut(&mut self.chain[position]);
        certificate.facts.as_mut().unwrap()
    }

    /// What the rule of this id says.
    pub(super) fn verdict(&self, id: &str) -> Verdict {
        let rule = ALL.iter().find(|rule| rule.id == id).unwrap();
        let key_faults = self.key_faults();
        (rule.check)(&Case {
            evidence: &self.evidence(&key_faults),
            limits: &self.limits,
            tags: &self.tags,
            now: self.now,
        })
    }

    pub(super) fn judge(&self, judge: &Judge) -> Judgement {
        let key_faults = self.key_faults();
        judge.judge(&self.evidence(&key_faults), self.now)
    }

    fn key_faults(&self) -> Vec<KeyFaults> {
        let chain = self.chain.iter();
        chain
            .map(|certificate| KeyFaults::of(certificate))
            .collect()
    }

    fn evidence<'a>(&'a self, key_faults: &'a [KeyFaults]) -> Evidence<'a> {
        Evidence {
            chain: &self.chain,
            key_faults,
            assessment: &self.assessment,
            place: self.place.as_ref(),
            past: &self.past,
            kin: &self.kin,
        }
    }
}

fn place() -> Place {
    Place {
        address: [10, 0, 0, 7].into(),
        port: Port::HTTPS,
        dialect: Dialect::Tls,
        server_name: Some("www.example.com".to_owned()),
        declined_names: Vec::new(),
        pointer: Some("host7.example.net".to_owned()),
        tls_version: Some(TlsVersion::TLS_1_3),
        versions: [TlsVersion::TLS_1_2, TlsVersion::TLS_1_3].into(),
        refused: Arc::default(),
        offered: None,
        key_exchange: Some(KeyExchange::Group(NamedGroup(0x001d))),
        staple: Some(Staple::Missing),
        hybrid_group: None,
        last_checked: Some(time("2026-06-01T12:00:00Z")),
        ports_with_it: 1,
    }
}

/// A leaf and its intermediate.
fn issued(
    change: impl FnOnce(&mut CertificateParams),
    change_intermediate: impl FnOnce(&mut CertificateParams),
) -> Vec<Arc<Certificate>> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name = named("Example Issuing CA 1");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.not_before = moment("2024-01-01T00:00:00Z");
    authority.not_after = moment("2034-01-01T00:00:00Z");
    change_intermediate(&mut authority);
    let root = KeyPair::generate().unwrap();
    let mut root_name = CertificateParams::default();
    root_name.distinguished_name = named("Example Root");
    let root = CertifiedIssuer::self_signed(root_name, root).unwrap();
    let key = KeyPair::generate().unwrap();
    let intermediate = CertifiedIssuer::signed_by(authority, key, &root).unwrap();

    let mut leaf = CertificateParams::new(["www.example.com".to_owned()]).unwrap();
    leaf.distinguished_name = named("www.example.com");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.is_ca = IsCa::ExplicitNoCa;
    leaf.not_before = moment("2026-06-01T00:00:00Z");
    leaf.not_after = moment("2026-08-29T23:59:59Z");
    change(&mut leaf);
    let key = KeyPair::generate().unwrap();
    let leaf = leaf.signed_by(&key, &intermediate).unwrap();
    vec![read(leaf.der()), read(intermediate.der())]
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

pub(super) fn moment(text: &str) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time(text).seconds()).unwrap()
}

pub(super) fn read(der: &[u8]) -> Arc<Certificate> {
    Arc::new(x509::parse(&Der::from(der)))
}

/// A certificate of `fixtures/`, of this module or of `x509`.
pub(super) fn fixture(path: &str) -> Arc<Certificate> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (module, name) = path.split_once('/').unwrap();
    let file = source.join(module).join("fixtures").join(name);
    read(&std::fs::read(file.with_extension("der")).unwrap())
}
