//! Certificates of a batch → their rows, each stored once.

use std::collections::{BTreeSet, HashMap};

use sqlx::SqliteConnection;

use super::super::StoreError;
use super::statement::{ManyRows, Values, next_id};
use crate::domain::{Fingerprint, KeyType, ScanId, Timestamp};
use crate::x509::Certificate;

/// A certificate that has its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredCertificate {
    pub(super) id: i64,
    pub(super) key_type: KeyType,
}

const FIND: ManyRows = ManyRows {
    operation: "looking up certificates",
    before: "select json_group_array(json_array(id, hex(sha256), key_type)) \
             from certificates where sha256 in (",
    columns: 1,
    after: ")",
};

const INSERT: ManyRows = ManyRows {
    operation: "storing certificates",
    before: "insert into certificates (id, sha256, sha1, spki_sha256, version, serial, \
             subject_cn, subject_dn, issuer_cn, issuer_dn, issuer_folded, not_before, not_after, \
             key_type, key_bits, curve, signature_algorithm, is_ca, self_signed, san, key_usage, \
             eku, parse_fault, faults, first_scan, der) ",
    columns: 26,
    after: "",
};

const INSERT_NAMES: ManyRows = ManyRows {
    operation: "storing names of certificates",
    before: "insert into certificate_names (name, certificate_id) ",
    columns: 2,
    after: "",
};

/// Finds or makes the row of every certificate `wanted`. New ones must be
/// among the `parsed`; `first_scan` is the one that saw them, if one did.
pub(super) async fn intern(
    connection: &mut SqliteConnection,
    wanted: &BTreeSet<Fingerprint>,
    parsed: &HashMap<Fingerprint, Certificate>,
    first_scan: Option<ScanId>,
) -> Result<HashMap<Fingerprint, StoredCertificate>, StoreError> {
    let wanted: Vec<_> = wanted.iter().copied().collect();
    let mut stored = find(connection, &wanted).await?;
    let mut new = Vec::new();
    for fingerprint in wanted {
        if !stored.contains_key(&fingerprint) {
            let certificate = parsed.get(&fingerprint);
            new.push(certificate.ok_or(StoreError::MissingCertificate(fingerprint))?);
        }
    }
    if new.is_empty() {
        return Ok(stored);
    }
    let highest = "select max(id) from certificates";
    let first = next_id(connection, INSERT.operation, highest).await?;
    let new: Vec<_> = (first..).zip(new).collect();
    INSERT
        .execute(connection, &new, |values, (id, certificate)| {
            bind(values, *id, certificate, first_scan);
        })
        .await?;
    let names: BTreeSet<_> = new
        .iter()
        .flat_map(|(id, certificate)| names(certificate).map(|name| (name, *id)))
        .collect();
    let names: Vec<_> = names.into_iter().collect();
    INSERT_NAMES
        .execute(connection, &names, |values, (name, id)| {
            values.push_bind(name.clone()).push_bind(*id);
        })
        .await?;
    stored.extend(new.into_iter().map(|(id, certificate)| {
        let key_type = key_type(certificate);
        (certificate.fingerprint, StoredCertificate { id, key_type })
    }));
    Ok(stored)
}

/// A text as it is looked up by: lower case, and with no NUL, at which
/// SQLite's text functions would stop.
pub(super) fn folded(text: &str) -> String {
    text.to_lowercase().replace('\0', "\\0")
}

/// An issuer as it is looked up by: its escapes are nothing people type.
pub(super) fn folded_issuer(text: &str) -> String {
    text.replace('\\', "").to_lowercase().replace('\0', "")
}

async fn find(
    connection: &mut SqliteConnection,
    wanted: &[Fingerprint],
) -> Result<HashMap<Fingerprint, StoredCertificate>, StoreError> {
    let mut stored = HashMap::new();
    FIND.fetch_elements(
        connection,
        wanted,
        |values, fingerprint| {
            values.push_bind(fingerprint.as_bytes().to_vec());
        },
        |(id, fingerprint, key_type): (i64, Fingerprint, String)| {
            let key_type = key_type_of_word(&key_type);
            stored.insert(fingerprint, StoredCertificate { id, key_type });
            Ok(())
        },
    )
    .await?;
    Ok(stored)
}

fn bind(values: &mut Values<'_>, id: i64, certificate: &Certificate, first_scan: Option<ScanId>) {
    let facts = certificate.facts.as_ref().ok();
    let text = |text: Option<&String>| text.cloned();
    let subject = facts.map(|facts| &facts.subject);
    let issuer = facts.map(|facts| &facts.issuer);
    let key = facts.map(|facts| &facts.public_key);
    values
        .push_bind(id)
        .push_bind(certificate.fingerprint.as_bytes().to_vec())
        .push_bind(certificate.sha1.to_vec())
        .push_bind(
            key.and_then(|key| key.spki)
                .map(|spki| spki.as_bytes().to_vec()),
        )
        .push_bind(facts.map(|facts| i64::try_from(facts.version).unwrap_or(i64::MAX)))
        .push_bind(facts.map(|facts| facts.serial.clone()))
        .push_bind(text(subject.and_then(|name| name.common_name.as_ref())))
        .push_bind(text(subject.map(|name| &name.distinguished_name)))
        .push_bind(text(issuer.and_then(|name| name.common_name.as_ref())))
        .push_bind(text(issuer.map(|name| &name.distinguished_name)))
        .push_bind(issuer.map(|name| folded_issuer(&name.distinguished_name)))
        .push_bind(facts.and_then(|facts| facts.not_before.map(Timestamp::micros)))
        .push_bind(facts.and_then(|facts| facts.not_after.map(Timestamp::micros)))
        .push_bind(key_type(certificate).as_str())
        .push_bind(key.and_then(|key| key.bits).map(i64::from))
        .push_bind(text(key.and_then(|key| key.curve.as_ref())))
        .push_bind(text(facts.map(|facts| &facts.signature_algorithm)))
        .push_bind(facts.and_then(|facts| facts.is_ca))
        .push_bind(facts.and_then(|facts| facts.self_signed))
        .push_bind(facts.map(|facts| json(&facts.alternative_names)))
        .push_bind(facts.and_then(|facts| facts.key_usage.as_deref().map(json)))
        .push_bind(facts.and_then(|facts| facts.extended_key_usage.as_deref().map(json)))
        .push_bind(
            certificate
                .facts
                .as_ref()
                .err()
                .map(|fault| fault.0.clone()),
        )
        .push_bind(facts.map(|facts| json(&facts.faults)))
        .push_bind(first_scan.map(ScanId::number))
        .push_bind(certificate.der.as_bytes().to_vec());
}

/// The names a certificate is looked up by.
fn names(certificate: &Certificate) -> impl Iterator<Item = String> {
    certificate
        .facts
        .as_ref()
        .ok()
        .into_iter()
        .flat_map(|facts| {
            let common = facts.subject.common_name.iter();
            common
                .chain(&facts.alternative_names)
                .map(|name| folded(name))
        })
}

/// Unparsed where nothing of the certificate could be read, too.
fn key_type(certificate: &Certificate) -> KeyType {
    let facts = certificate.facts.as_ref();
    facts.map_or(KeyType::Unparsed, |facts| facts.public_key.key_type)
}

/// A list of texts as the inventory holds it.
pub(super) fn json(texts: &[String]) -> String {
    // Texts: JSON can hold them all.
    serde_json::to_string(texts).unwrap_or_default()
}

/// The key type of a word in the inventory; what is no word of ours is
/// unparsed.
pub(super) fn key_type_of_word(word: &str) -> KeyType {
    let mut known = KeyType::ALL.iter().copied();
    known
        .find(|key_type| key_type.as_str() == word)
        .unwrap_or(KeyType::Unparsed)
}
