//! Installations → a cryptography bill of materials (CycloneDX 1.6, ECMA-424).
//!
//! A certificate is one component however often it is installed, and lists
//! where: so all of them must be known before the first can be written, and
//! memory grows with certificates and places. From then on it is streamed.

mod document;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;

use serde::Serialize;

use super::head::Head;
use super::inert::Inert;
use super::row::{CertificateRow, Installation};
use crate::domain::{Fingerprint, Timestamp, is_hazardous};
use document::{
    AlgorithmProperties, CertificateProperties, CipherSuite, Component, CryptoProperties, Evidence,
    Hash, Lifecycle, MaterialProperties, Metadata, Occurrence, Property, ProtocolProperties, Tool,
    Tools,
};

/// A bill under way.
#[derive(Clone, Debug, Default)]
pub struct Cbom {
    certificates: BTreeMap<Fingerprint, Material>,
    protocols: BTreeMap<String, Protocol>,
}

/// A certificate and where it is.
#[derive(Clone, Debug)]
struct Material {
    certificate: CertificateRow,
    places: BTreeSet<Occurrence>,
}

/// A version of TLS and where it is spoken.
#[derive(Clone, Debug, Default)]
struct Protocol {
    suites: BTreeSet<String>,
    places: BTreeSet<Occurrence>,
}

impl Cbom {
    /// Takes one installation.
    pub fn row(&mut self, row: &Installation) {
        let certificate = &row.certificate;
        let material = self.certificates.entry(certificate.sha256);
        let material = material.or_insert_with(|| Material {
            certificate: CertificateRow {
                der: None,
                ..CertificateRow::clone(certificate)
            },
            places: BTreeSet::new(),
        });
        let Some(place) = occurrence(row) else {
            return;
        };
        material.places.insert(place.clone());
        let session = &row.session;
        let came_by = session.tls_version.iter();
        for version in came_by.chain(&session.protocols) {
            let protocol = self.protocols.entry(version.clone()).or_default();
            protocol.places.insert(Occurrence {
                additional_context: None,
                ..place.clone()
            });
        }
        let chosen = session.tls_version.as_ref();
        if let Some((version, suite)) = chosen.zip(session.cipher_suite.as_ref()) {
            let protocol = self.protocols.entry(version.clone()).or_default();
            protocol.suites.insert(suite.clone());
        }
    }

    /// Writes the bill: the same installations give the same bytes, whatever
    /// their order, but for the time.
    pub fn write(&self, out: &mut dyn io::Write, head: &Head) -> io::Result<()> {
        let (name, version) = head.tool.split_once(' ').unzip();
        let metadata = Metadata {
            timestamp: head.now.to_string(),
            lifecycles: [Lifecycle { phase: "discovery" }],
            tools: Tools {
                components: [Tool {
                    r#type: "application",
                    name: name.unwrap_or(&head.tool),
                    version,
                }],
            },
            properties: properties(head),
        };
        out.write_all(b"{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":1,")?;
        out.write_all(b"\"metadata\":")?;
        json(out, &metadata)?;
        out.write_all(b",\"components\":[")?;
        let mut list = List { out, begun: false };
        let materials = || self.certificates.values();
        let algorithms: BTreeSet<_> = materials()
            .flat_map(|one| algorithms(&one.certificate))
            .collect();
        for algorithm in &algorithms {
            list.push(&algorithm.component())?;
        }
        let keys: BTreeMap<_, _> = materials()
            .filter_map(|one| Some((one.certificate.spki_sha256?, &one.certificate)))
            .collect();
        for (spki, certificate) in keys {
            list.push(&key(spki, certificate))?;
        }
        for material in materials() {
            list.push(&material.component())?;
        }
        for (version, protocol) in &self.protocols {
            list.push(&protocol.component(version))?;
        }
        list.out.write_all(b"]}\n")
    }
}

/// What it was judged by.
fn properties(head: &Head) -> Vec<Property> {
    let stores = head.trust_stores.iter().map(|store| Property {
        name: "certsweep:trust-store",
        value: store.to_string(),
    });
    let settings = head.stated_settings().map(|value| Property {
        name: "certsweep:setting",
        value,
    });
    stores.chain(settings).collect()
}

/// The members of a JSON array, one at a time.
struct List<'a> {
    out: &'a mut dyn io::Write,
    begun: bool,
}

impl List<'_> {
    fn push(&mut self, component: &Component<'_>) -> io::Result<()> {
        if self.begun {
            self.out.write_all(b",\n")?;
        }
        self.begun = true;
        json(self.out, component)
    }
}

fn json(out: &mut dyn io::Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, Inert(is_hazardous));
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// An algorithm that a certificate was signed by, or that its key is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Algorithm {
    name: String,
    use_: Use,
    bits: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    Signature,
    Key,
}

impl Algorithm {
    fn reference(&self) -> String {
        match self.use_ {
            Use::Signature => format!("algorithm/signature/{}", self.name),
            Use::Key => format!("algorithm/key/{}", self.name),
        }
    }

    fn component(&self) -> Component<'static> {
        let (primitive, functions): (_, &[&str]) = match (self.use_, self.name.as_str()) {
            (Use::Signature, _) => ("signature", &["sign", "verify"]),
            // RSA keys of servers sign, and in old suites decrypt.
            (Use::Key, name) if name.starts_with("rsa-") => ("pke", &["verify", "encrypt"]),
            (Use::Key, _) => ("signature", &["verify"]),
        };
        Component {
            r#type: COMPONENT,
            reference: self.reference(),
            name: self.name.clone(),
            hashes: Vec::new(),
            evidence: None,
            crypto: CryptoProperties::Algorithm {
                algorithm_properties: AlgorithmProperties {
                    primitive,
                    parameter_set_identifier: self.bits.map(|bits| bits.to_string()),
                    crypto_functions: functions,
                },
            },
        }
    }
}

const COMPONENT: &str = "cryptographic-asset";

fn algorithms(certificate: &CertificateRow) -> impl Iterator<Item = Algorithm> {
    let signature = signature_algorithm(certificate);
    signature.into_iter().chain(key_algorithm(certificate))
}

fn signature_algorithm(certificate: &CertificateRow) -> Option<Algorithm> {
    let name = certificate.signature_algorithm.as_ref();
    name.filter(|name| !name.is_empty()).map(|name| Algorithm {
        name: name.clone(),
        use_: Use::Signature,
        bits: None,
    })
}

fn key_algorithm(certificate: &CertificateRow) -> Option<Algorithm> {
    let family = certificate.key_type.as_ref()?;
    certificate.spki_sha256?;
    let bits = certificate.key_bits;
    Some(Algorithm {
        name: bits.map_or_else(|| family.clone(), |bits| format!("{family}-{bits}")),
        use_: Use::Key,
        bits,
    })
}

fn key_reference(spki: Fingerprint) -> String {
    format!("key/{spki}")
}

fn key(spki: Fingerprint, certificate: &CertificateRow) -> Component<'static> {
    Component {
        r#type: COMPONENT,
        reference: key_reference(spki),
        name: format!("public key {spki}"),
        hashes: Vec::new(),
        evidence: None,
        crypto: CryptoProperties::RelatedCryptoMaterial {
            related_crypto_material_properties: MaterialProperties {
                r#type: "public-key",
                id: spki.to_string(),
                algorithm_ref: key_algorithm(certificate).map(|it| it.reference()),
                size: certificate.key_bits,
            },
        },
    }
}

impl Material {
    fn component(&self) -> Component<'_> {
        let certificate = &self.certificate;
        let name = certificate.name().map(str::to_owned);
        Component {
            r#type: COMPONENT,
            reference: format!("certificate/{}", certificate.sha256),
            name: name.unwrap_or_else(|| certificate.sha256.to_string()),
            hashes: vec![Hash {
                alg: "SHA-256",
                content: certificate.sha256.to_string(),
            }],
            evidence: evidence(&self.places),
            crypto: CryptoProperties::Certificate {
                certificate_properties: CertificateProperties {
                    subject_name: certificate.subject_dn.as_deref(),
                    issuer_name: certificate.issuer_dn.as_deref(),
                    not_valid_before: certificate.not_before.and_then(date_time),
                    not_valid_after: certificate.not_after.and_then(date_time),
                    signature_algorithm_ref: signature_algorithm(certificate)
                        .map(|it| it.reference()),
                    subject_public_key_ref: certificate.spki_sha256.map(key_reference),
                    certificate_format: "X.509",
                },
            },
        }
    }
}

impl Protocol {
    fn component<'a>(&'a self, version: &'a str) -> Component<'a> {
        let number = version.strip_prefix("TLSv").unwrap_or(version);
        Component {
            r#type: COMPONENT,
            reference: format!("protocol/{version}"),
            name: version.to_owned(),
            hashes: Vec::new(),
            evidence: evidence(&self.places),
            crypto: CryptoProperties::Protocol {
                protocol_properties: ProtocolProperties {
                    r#type: "tls",
                    version: number,
                    cipher_suites: self
                        .suites
                        .iter()
                        .map(|name| CipherSuite { name })
                        .collect(),
                },
            },
        }
    }
}

fn evidence(places: &BTreeSet<Occurrence>) -> Option<Evidence<'_>> {
    (!places.is_empty()).then_some(Evidence {
        occurrences: places,
    })
}

/// Where an installation is; an import is nowhere.
fn occurrence(row: &Installation) -> Option<Occurrence> {
    let location = SocketAddr::new(row.ip?, row.port?.number()).to_string();
    let zone = row.zone.as_ref().map(|zone| format!("zone {zone}"));
    let name = row.sni.as_ref().map(|name| format!("server name {name}"));
    let context: Vec<_> = zone.into_iter().chain(name).collect();
    Some(Occurrence {
        location,
        additional_context: Some(context.join(", ")),
    })
}

/// A time in the years that RFC 3339 can write.
fn date_time(at: Timestamp) -> Option<String> {
    let year = at.date().year();
    let text = at.to_string();
    ((0..=9999).contains(&year) && !text.starts_with(['+', '-'])).then_some(text)
}
