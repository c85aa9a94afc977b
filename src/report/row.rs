use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::{
    Der, Fingerprint, KeyType, OutcomeKind, Port, ScanId, ScanState, Severity, Tally, Timestamp,
    Zone, weight_of,
};
use crate::judge::Judgement;
use crate::x509::{Certificate, Facts, ParseFault};

/// One certificate at one question: a row of the main report.
///
/// Its texts come from the network and may hold anything; every report
/// escapes them for its own medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// From where it was seen; `None` for an import.
    pub zone: Option<Zone>,
    /// The server name asked for, else the address; empty for an import.
    pub host: String,
    /// The address; `None` for an import.
    pub ip: Option<IpAddr>,
    /// The port; `None` for an import.
    pub port: Option<Port>,
    /// The server name sent, if any.
    pub sni: Option<String>,
    /// The STARTTLS dialect; `None` for direct TLS.
    pub starttls: Option<String>,
    /// The PTR name of the address.
    pub pointer: Option<String>,
    /// How the certificate came.
    pub session: Arc<SessionRow>,
    /// The certificate.
    pub certificate: Arc<CertificateRow>,
    /// The rest of what the server sent, in its order.
    pub chain: Arc<[Fingerprint]>,
    /// The earliest end of validity in the chain, leaf included.
    pub chain_not_after: Option<Timestamp>,
    /// How many current installations this certificate has.
    pub installations: u64,
    /// Whether it is still there.
    pub state: InstallationState,
    /// The certificate that it took the place of.
    pub previous: Option<Fingerprint>,
    /// When it was first seen there.
    pub first_seen: Timestamp,
    /// When it was last seen there; `None` of an earlier moment, where later
    /// looks are all that is known.
    pub last_seen: Option<Timestamp>,
    /// When its question was last asked; `None` as above.
    pub last_checked: Option<Timestamp>,
    /// Scan or import.
    pub source: Source,
    /// The scan that saw it last; `None` for an import, and where that is not
    /// known of an earlier moment.
    pub scan: Option<ScanId>,
    /// What is to be said of it; `None` until it is judged.
    pub judgement: Option<Arc<Judgement>>,
}

/// The session that a certificate came by, and what else its endpoint accepts:
/// on most networks very many installations say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionRow {
    /// The version by which the certificate came.
    pub tls_version: Option<String>,
    /// Every version the endpoint is known to accept.
    pub protocols: Vec<String>,
    /// The suite chosen.
    pub cipher_suite: Option<String>,
    /// The key exchange chosen.
    pub key_exchange: Option<String>,
    /// Whether a client certificate was asked for.
    pub client_auth: Option<String>,
    /// The application protocol chosen.
    pub alpn: Option<String>,
    /// The authorities whose client certificates it would take, RFC 4514.
    pub client_auth_issuers: Vec<String>,
    /// The hybrid post-quantum group that the endpoint agrees to, `refused`
    /// where it agrees to none; `None` where that was not asked.
    pub hybrid_group: Option<String>,
}

impl SessionRow {
    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let words = [
            &self.tls_version,
            &self.cipher_suite,
            &self.key_exchange,
            &self.client_auth,
            &self.alpn,
            &self.hybrid_group,
        ];
        size_of::<Self>()
            + weight_of(words.into_iter().flatten())
            + weight_of(self.protocols.iter().chain(&self.client_auth_issuers))
    }
}

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

/// Whether an installation is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstallationState {
    /// The latest answer to its question.
    Current,
    /// Not seen by looks that should have seen it.
    Missing,
    /// Replaced, or missing for long enough.
    Gone,
}

/// Where an installation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Seen on the network.
    Scan,
    /// Read from a file.
    Import,
}

/// When a known endpoint was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointLook {
    /// From where it is seen.
    pub zone: Zone,
    /// The address.
    pub ip: IpAddr,
    /// The port.
    pub port: Port,
    /// The PTR name of the address.
    pub pointer: Option<String>,
    /// When its latest look was.
    pub at: Timestamp,
    /// Whether all certificates that it had are gone.
    pub is_retired: bool,
}

impl From<&EndpointRow> for EndpointLook {
    fn from(row: &EndpointRow) -> Self {
        Self {
            zone: row.zone.clone(),
            ip: row.ip,
            port: row.port,
            pointer: row.pointer.clone(),
            at: row.last_checked,
            is_retired: row.is_retired,
        }
    }
}

/// One endpoint that spoke, or was known before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRow {
    /// From where it was seen.
    pub zone: Zone,
    /// The address.
    pub ip: IpAddr,
    /// The port.
    pub port: Port,
    /// The dialect it is asked in.
    pub dialect: String,
    /// The latest outcome.
    pub outcome: OutcomeKind,
    /// What the outcome's word leaves out.
    pub detail: String,
    /// What it said, where that was not TLS: lossy UTF-8 of bounded bytes.
    pub banner: Option<String>,
    /// The connections of the latest look, one line each.
    pub attempts: Vec<String>,
    /// The PTR name of the address.
    pub pointer: Option<String>,
    /// Certificates currently installed there.
    pub certificates: u64,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last looked at.
    pub last_checked: Timestamp,
    /// The scan that looked last.
    pub scan: ScanId,
    /// Every version it is known to accept.
    pub protocols: Vec<String>,
    /// Every version it refused when offered no other, and has not come by
    /// since.
    pub protocols_refused: Vec<String>,
    /// The hybrid post-quantum group it agrees to, `refused` where it agrees
    /// to none; `None` where that was not asked.
    pub hybrid_group: Option<String>,
    /// Whether all certificates that it had are gone: `scan --known` leaves it
    /// out, and nobody waits for a look at it.
    pub is_retired: bool,
    /// The worst severity that any of its installations was judged to have;
    /// `None` without findings, and until they are judged.
    pub severity: Option<Severity>,
}

/// One question at an endpoint: what a certificate there is the answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionRow {
    /// The server name sent, if any.
    pub sni: Option<String>,
    /// The key type of its answers.
    pub key_type: String,
    /// What became of it when it was last asked.
    pub outcome: OutcomeKind,
    /// When that was.
    pub asked_at: Timestamp,
    /// When it was last answered.
    pub answered_at: Timestamp,
    /// Whether there is another certificate at every look.
    pub is_ephemeral: bool,
}

/// What the ledger knows of one network (or name) and port: how many of its
/// targets had each latest outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// From where it was looked at.
    pub zone: Zone,
    /// The network as CIDR, or the name.
    pub network: String,
    /// The port.
    pub port: Port,
    /// The latest outcome of each target in it.
    pub outcomes: Tally,
    /// Why targets in it are excluded, without duplicates.
    pub exclusions: Vec<String>,
    /// What is to be said of others that gave no answer or were not asked,
    /// without duplicates.
    pub remarks: Vec<String>,
    /// The earliest of its targets' latest looks.
    pub oldest_look: Timestamp,
    /// The latest look.
    pub latest_look: Timestamp,
}

/// One scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanRow {
    /// Its number.
    pub id: ScanId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs, and where it was killed.
    pub finished_at: Option<Timestamp>,
    /// How it stands.
    pub state: ScanState,
    /// Why it ended early: a word of [`EarlyEnd`], or an error's message.
    ///
    /// [`EarlyEnd`]: crate::domain::EarlyEnd
    pub ended_by: Option<String>,
    /// Who ran it: user, machine and process.
    pub operator: Option<String>,
    /// How many targets it has.
    pub targets: u64,
    /// How many targets had each outcome so far.
    pub outcomes: Tally,
    /// What was written down with it.
    pub note: Option<String>,
    /// The settings it ran with, JSON.
    pub settings: String,
    /// Its place in the order in which scans last began to run: one that was
    /// gone on with comes after those that ran in between.
    pub run: i64,
    /// What happened around it, a sentence each.
    pub incidents: Vec<String>,
    /// How many of its targets had no turn and are not in the coverage either.
    pub unlisted: u64,
}

impl ScanRow {
    /// Why it ended early. Nobody saw the end of a scan that was killed.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self.state {
            ScanState::Interrupted => self.ended_by.as_deref().or(Some("killed")),
            ScanState::Running | ScanState::Complete | ScanState::Stopped | ScanState::Failed => {
                self.ended_by.as_deref()
            }
        }
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

impl InstallationState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Current, Self::Missing, Self::Gone];

    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Missing => "missing",
            Self::Gone => "gone",
        }
    }
}

impl Source {
    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Import => "import",
        }
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
