//! A small certificate authority, and what a server shows: a key, a
//! certificate, its issuer. Keys are OpenSSL's, and so are the fingerprints
//! that the program's are compared with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CrlDistributionPoint, CustomExtension,
    DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;

use super::process::run;

/// The family of a server's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Rsa,
    Ecdsa,
    Ed25519,
}

/// Root → intermediate → leaves, in a folder of its own.
pub(crate) struct Authority {
    folder: TempDir,
    intermediate: CertifiedIssuer<'static, KeyPair>,
    root_file: PathBuf,
    intermediate_file: PathBuf,
    intermediate_key_file: PathBuf,
    intermediate_sha256: String,
}

/// Who a server says it is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) key_type: Key,
    /// The certificate alone, PEM.
    pub(crate) certificate: PathBuf,
    /// The certificate and the intermediate that issued it, PEM.
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
    /// SHA-256 of the certificate's DER, lower-case hex.
    pub(crate) sha256: String,
    /// SHA-256 of the intermediate's.
    pub(crate) issuer_sha256: String,
}

impl Key {
    /// Its word in the reports.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ecdsa => "ecdsa",
            Self::Ed25519 => "eddsa",
        }
    }

    /// One key of each family serves all tests: making RSA keys takes time,
    /// and nothing compares keys.
    fn pem(self) -> &'static str {
        static KEYS: [OnceLock<String>; 3] = [const { OnceLock::new() }; 3];
        let options: &[&str] = match self {
            Self::Rsa => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            Self::Ecdsa => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            Self::Ed25519 => &["-algorithm", "ED25519"],
        };
        KEYS[self as usize]
            .get_or_init(|| run(Command::new("openssl").arg("genpkey").args(options)))
    }
}

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let root_key = KeyPair::generate().unwrap();
        let root = CertifiedIssuer::self_signed(authority("Sweep Test Root"), root_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let intermediate =
            CertifiedIssuer::signed_by(authority("Sweep Test Issuer"), key, &root).unwrap();
        let file = |name: &str, content: &str| write(folder.path(), name, content);
        let intermediate_file = file("intermediate.pem", &intermediate.pem());
        Self {
            intermediate_sha256: sha256(&intermediate_file),
            intermediate_file,
            root_file: file("root.pem", &root.pem()),
            intermediate_key_file: file("intermediate.key", &intermediate.key().serialize_pem()),
            intermediate,
            folder,
        }
    }

    /// A fresh certificate for a name, issued by the intermediate.
    pub(crate) fn identity(&self, name: &str, key_type: Key) -> Identity {
        self.identity_of(&[name], key_type, 2037, |_| ())
    }

    /// The same, for several names.
    pub(crate) fn identity_for(&self, names: &[&str], key_type: Key) -> Identity {
        self.identity_of(names, key_type, 2037, |_| ())
    }

    /// The same, but it has expired.
    pub(crate) fn expired(&self, name: &str, key_type: Key) -> Identity {
        self.identity_of(&[name], key_type, 2025, |_| ())
    }

    /// A certificate that says of its issuer's, of its OCSP responder and of
    /// its CRL that all of them are at this URL.
    pub(crate) fn linking(&self, name: &str, url: &str) -> Identity {
        self.identity_of(&[name], Key::Ecdsa, 2037, |params| {
            let uris = vec![url.to_owned()];
            params.crl_distribution_points = vec![CrlDistributionPoint { uris }];
            params.custom_extensions = vec![information_access(url)];
        })
    }

    /// A certificate for these names that ends with the beginning of a year.
    fn identity_of(
        &self,
        names: &[&str],
        key_type: Key,
        end: i32,
        extend: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let name = names[0];
        let all: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(all).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(2024, 1, 1);
        params.not_after = rcgen::date_time_ymd(end, 1, 1);
        extend(&mut params);
        let key = KeyPair::from_pem(key_type.pem()).unwrap();
        let certificate = params.signed_by(&key, &self.intermediate).unwrap();
        let stem = format!("{name}-{}", key_type.word());
        let file =
            |end: &str, content: &str| write(self.folder.path(), &format!("{stem}.{end}"), content);
        let certificate_file = file("pem", &certificate.pem());
        Identity {
            key_type,
            sha256: sha256(&certificate_file),
            certificate: certificate_file,
            chain: file("chain.pem", &(certificate.pem() + &self.intermediate.pem())),
            key: file("key", key_type.pem()),
            issuer_sha256: self.intermediate_sha256.clone(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root_file
    }

    pub(crate) fn intermediate(&self) -> &Path {
        &self.intermediate_file
    }

    /// An OCSP response about the identity, DER, as a server staples it.
    pub(crate) fn ocsp_response(&self, identity: &Identity) -> PathBuf {
        let request = identity.key.with_extension("ocsp-request");
        let response = identity.key.with_extension("ocsp-response");
        let index = write(self.folder.path(), "index.txt", "");
        run(Command::new("openssl")
            .args(["ocsp", "-issuer"])
            .arg(self.intermediate())
            .arg("-cert")
            .arg(&identity.certificate)
            .arg("-reqout")
            .arg(&request));
        run(Command::new("openssl")
            .args(["ocsp", "-index"])
            .arg(index)
            .arg("-CA")
            .arg(self.intermediate())
            .arg("-rsigner")
            .arg(self.intermediate())
            .arg("-rkey")
            .arg(&self.intermediate_key_file)
            .arg("-reqin")
            .arg(&request)
            .arg("-respout")
            .arg(&response));
        response
    }
}

impl Identity {
    /// A PKCS#12 key store with it, for Java.
    pub(crate) fn key_store(&self, password: &str) -> PathBuf {
        let store = self.key.with_extension("p12");
        run(Command::new("openssl")
            .args(["pkcs12", "-export", "-passout", &format!("pass:{password}")])
            .arg("-in")
            .arg(&self.chain)
            .arg("-inkey")
            .arg(&self.key)
            .arg("-out")
            .arg(&store));
        store
    }
}

/// Authority information access (RFC 5280 section 4.2.2.1) of caIssuers and
/// of OCSP, both at one URL.
fn information_access(url: &str) -> CustomExtension {
    let tagged = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).unwrap();
        [&[tag, length], content].concat()
    };
    let access = |method: u8| {
        let oid = [0x2b, 6, 1, 5, 5, 7, 48, method];
        let access = [tagged(0x06, &oid), tagged(0x86, url.as_bytes())].concat();
        tagged(0x30, &access)
    };
    let content = tagged(0x30, &[access(2), access(1)].concat());
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content)
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(2037, 1, 1);
    params
}

/// SHA-256 of the certificate in a PEM file, as OpenSSL reads it.
pub(super) fn sha256(certificate: &Path) -> String {
    let mut command = Command::new("openssl");
    command.args(["x509", "-noout", "-fingerprint", "-sha256", "-in"]);
    let printed = run(command.arg(certificate));
    let (_, fingerprint) = printed.trim().split_once('=').unwrap();
    fingerprint.replace(':', "").to_lowercase()
}

/// SHA-256, lower-case hex.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    hex.collect()
}

fn write(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}
