//! Chains of any length, and certificates of any size.

use std::fs;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SignatureAlgorithm,
};
use tempfile::TempDir;
use time::OffsetDateTime;

use super::identity::sha256_of;

/// A chain as a server shows it: the leaf, and above it one issuer after the
/// other.
pub(crate) struct LongChain {
    /// Leaf first, DER.
    pub(crate) certificates: Vec<Vec<u8>>,
    /// The leaf's key, PKCS#8 in DER.
    pub(crate) key: Vec<u8>,
    /// The leaf alone, PEM.
    pub(crate) leaf_file: PathBuf,
    /// All but the leaf, PEM.
    pub(crate) issuers_file: PathBuf,
    pub(crate) key_file: PathBuf,
    _folder: TempDir,
}

impl LongChain {
    /// So many certificates, the root among them.
    pub(crate) fn of(length: usize) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut issuers: Vec<CertifiedIssuer<'_, KeyPair>> = Vec::new();
        for number in 1..length {
            let params = authority(&format!("Sweep Test Authority {number}"));
            let key = KeyPair::generate().unwrap();
            issuers.push(match issuers.last() {
                None => CertifiedIssuer::self_signed(params, key).unwrap(),
                Some(issuer) => CertifiedIssuer::signed_by(params, key, issuer).unwrap(),
            });
        }
        let params = leaf(vec![format!("chain-of-{length}.sweep.test")]);
        let leaf = match issuers.last() {
            None => params.self_signed(&key),
            Some(issuer) => params.signed_by(&key, issuer),
        };
        let leaf = leaf.unwrap().der().to_vec();
        let above = issuers.iter().rev().map(|issuer| issuer.der().to_vec());
        Self::new([leaf].into_iter().chain(above).collect(), &key)
    }

    /// Three certificates, of which this one above the leaf (1 is its issuer)
    /// ends then.
    pub(crate) fn ending_above(position: usize, end: OffsetDateTime) -> Self {
        let mut above = [authority("Sweep Test Sub"), authority("Sweep Test Root")];
        above[position - 1].not_after = end;
        let [issuer, root] = above;
        let [root_key, issuer_key, key] = [(); 3].map(|()| KeyPair::generate().unwrap());
        let root = CertifiedIssuer::self_signed(root, root_key).unwrap();
        let issuer = CertifiedIssuer::signed_by(issuer, issuer_key, &root).unwrap();
        let leaf = leaf(vec!["below.sweep.test".to_owned()]);
        let leaf = leaf.signed_by(&key, &issuer).unwrap().der().to_vec();
        let above = [issuer.der().to_vec(), root.der().to_vec()];
        Self::new([leaf].into_iter().chain(above).collect(), &key)
    }

    /// One certificate for this name.
    pub(crate) fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let leaf = leaf(vec![name.to_owned()]).self_signed(&key).unwrap();
        Self::new(vec![leaf.der().to_vec()], &key)
    }

    /// One certificate with so many names.
    pub(crate) fn of_names(count: usize) -> Self {
        let key = KeyPair::generate().unwrap();
        let names = (0..count).map(|number| format!("name-{number}.sweep.test"));
        let leaf = leaf(names.collect()).self_signed(&key).unwrap();
        Self::new(vec![leaf.der().to_vec()], &key)
    }

    /// One certificate for a key of this algorithm.
    pub(crate) fn of_key(algorithm: &'static SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let leaf = leaf(vec!["key.sweep.test".to_owned()]);
        let leaf = leaf.self_signed(&key).unwrap();
        Self::new(vec![leaf.der().to_vec()], &key)
    }

    fn new(certificates: Vec<Vec<u8>>, key: &KeyPair) -> Self {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, content: String| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            path
        };
        let text = |certificates: &[Vec<u8>]| {
            let pem = |der: &Vec<u8>| pem::encode(&pem::Pem::new("CERTIFICATE", der.clone()));
            certificates.iter().map(pem).collect()
        };
        Self {
            leaf_file: write("leaf.pem", text(&certificates[..1])),
            issuers_file: write("issuers.pem", text(&certificates[1..])),
            key_file: write("key.pem", key.serialize_pem()),
            key: key.serialize_der(),
            certificates,
            _folder: folder,
        }
    }

    /// SHA-256 of each, lower-case hex.
    pub(crate) fn sha256(&self) -> Vec<String> {
        self.certificates.iter().map(|der| sha256_of(der)).collect()
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn leaf(names: Vec<String>) -> CertificateParams {
    let name = names[0].clone();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
