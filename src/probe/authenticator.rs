use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{self, CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};

use super::credentials::TrustAnchors;
use crate::domain::{Der, Timestamp};
use crate::x509;

/// Verifies a server's chain under roots.
#[derive(Debug)]
pub(super) struct Authenticator {
    anchors: TrustAnchors,
    verifier: Arc<WebPkiServerVerifier>,
}

impl Authenticator {
    pub(super) fn new(
        anchors: &TrustAnchors,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let (roots, provider) = (Arc::clone(anchors.store()), Arc::clone(provider));
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
        Ok(Self {
            anchors: anchors.clone(),
            verifier: verifier.map_err(|error| Error::General(error.to_string()))?,
        })
    }

    /// What checks signatures.
    pub(super) const fn verifier(&self) -> &Arc<WebPkiServerVerifier> {
        &self.verifier
    }

    /// A server may show a root itself: then there is no chain to build, and
    /// to WebPKI no server's certificate either, but a self-signed one is
    /// trusted in no other way.
    ///
    /// Names are looked at last, and a bare address is none.
    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &pki_types::ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let verified = if self.anchors.holds(leaf) {
            in_its_time(leaf, now)?;
            let parsed = ParsedCertificate::try_from(leaf)?;
            verify_server_name(&parsed, server_name)
        } else {
            let no_staple = &[];
            self.verifier
                .verify_server_cert(leaf, intermediates, server_name, no_staple, now)
                .map(drop)
        };
        match (server_name, verified) {
            (
                pki_types::ServerName::IpAddress(_),
                Err(Error::InvalidCertificate(
                    CertificateError::NotValidForName
                    | CertificateError::NotValidForNameContext { .. },
                )),
            ) => Ok(()),
            (_, verified) => verified,
        }
    }
}

fn in_its_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let facts = x509::parse(&Der::from(&**certificate)).facts;
    let facts = facts.map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let before = |time: Option<Timestamp>| time.is_none_or(|time| seconds < time.seconds());
    if before(facts.not_before) {
        Err(CertificateError::NotValidYet.into())
    } else if facts.not_after.is_none_or(|end| seconds > end.seconds()) {
        Err(CertificateError::Expired.into())
    } else {
        Ok(())
    }
}

/// Why a server is not verified, in words.
pub(super) fn why(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its chain leads to none of the roots".to_owned()
        }
        Error::InvalidCertificate(CertificateError::Other(reason)) => {
            match reason.to_string().as_str() {
                "CaUsedAsEndEntity" => {
                    "its certificate is an authority's, not a server's".to_owned()
                }
                other => format!("its chain can't be verified: {other}"),
            }
        }
        Error::InvalidCertificate(reason) => reason.to_string(),
        other => other.to_string(),
    }
}
