//! What a running scan sees → JSON lines.

use std::io;
use std::sync::Arc;

use crate::domain::{Der, Observation, Outcome, Presented, ScanId, Timestamp};
use crate::report::{
    CertificateRow, EndpointRow, Format, Head, Installation, InstallationState, Report, SIGHTINGS,
    SPEAKERS, SessionRow, Source,
};
use crate::scan::Sighting;
use crate::x509::{self, Certificate};

/// Writes a sighting as one line; one that was restricted to a key type and
/// brought no certificate says nothing of the endpoint, and has none.
pub(super) fn write(out: &mut dyn io::Write, sighting: &Sighting<'_>) -> io::Result<()> {
    let seen = sighting.observation;
    let head = Head::at(seen.at);
    if let (Outcome::Certificate(presented), Some(leaf)) = (&seen.outcome, sighting.chain.first()) {
        let mut lines = Report::begin(out, Format::JsonLines, &SIGHTINGS, head)?;
        lines.row(&Installation {
            chain_not_after: chain_not_after(sighting.chain),
            scan: Some(sighting.scan),
            ..installation(seen, presented, CertificateRow::of(leaf))
        })?;
        lines.end()
    } else if seen.asked_for.is_some() {
        Ok(())
    } else {
        let mut lines = Report::begin(out, Format::JsonLines, &SPEAKERS, head)?;
        lines.row(&endpoint(seen, sighting.scan))?;
        lines.end()
    }
}

fn installation(
    seen: &Observation,
    presented: &Presented,
    certificate: CertificateRow,
) -> Installation {
    let endpoint = &seen.endpoint;
    let session = &presented.session;
    let sni = seen.server_name.as_ref().map(ToString::to_string);
    Installation {
        zone: Some(endpoint.zone.clone()),
        host: sni.clone().unwrap_or_else(|| endpoint.address.to_string()),
        ip: Some(endpoint.address),
        port: Some(endpoint.port),
        sni,
        declined_names: seen
            .declined_name()
            .map(ToString::to_string)
            .into_iter()
            .collect(),
        starttls: endpoint.dialect.starttls().map(str::to_owned),
        pointer: seen.pointer.name().map(str::to_owned),
        session: Arc::new(SessionRow {
            tls_version: Some(session.version.to_string()),
            protocols: Vec::new(),
            protocols_refused: Vec::new(),
            cipher_suite: Some(session.cipher_suite.to_string()),
            key_exchange: session.key_exchange.map(|exchange| exchange.to_string()),
            client_auth: session.client_auth.map(|auth| auth.as_str().to_owned()),
            alpn: session.alpn_text(),
            client_auth_issuers: x509::name_texts(&session.acceptable_issuers),
            hybrid_group: hybrid_group(seen),
        }),
        certificate: certificate.into(),
        chain: presented
            .chain
            .rest()
            .iter()
            .map(Der::fingerprint)
            .collect(),
        chain_not_after: None,
        installations: 1,
        state: InstallationState::Current,
        previous: None,
        first_seen: seen.at,
        last_seen: Some(seen.at),
        last_checked: Some(seen.at),
        source: Source::Scan,
        scan: None,
        judgement: None,
    }
}

fn endpoint(seen: &Observation, scan: ScanId) -> EndpointRow {
    EndpointRow {
        zone: seen.endpoint.zone.clone(),
        ip: seen.endpoint.address,
        port: seen.endpoint.port,
        dialect: seen.endpoint.dialect.to_string(),
        outcome: seen.outcome.kind(),
        detail: seen.outcome.detail(),
        banner: match &seen.outcome {
            Outcome::NotTls(_, said) => Some(String::from_utf8_lossy(said).into_owned()),
            _ => None,
        },
        attempts: seen.attempts.iter().map(ToString::to_string).collect(),
        pointer: seen.pointer.name().map(str::to_owned),
        certificates: 0,
        first_seen: seen.at,
        last_checked: seen.at,
        scan,
        protocols: Vec::new(),
        protocols_refused: Vec::new(),
        hybrid_group: hybrid_group(seen),
        is_retired: false,
        severity: None,
    }
}

fn hybrid_group(seen: &Observation) -> Option<String> {
    let survey = seen.survey.as_ref()?;
    survey.hybrid_group.map(|group| group.to_string())
}

fn chain_not_after(chain: &[Arc<Certificate>]) -> Option<Timestamp> {
    let facts = chain
        .iter()
        .filter_map(|certificate| certificate.facts.as_ref().ok());
    facts.filter_map(|facts| facts.not_after).min()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::{
        Chain, CipherSuite, ClientAuth, Dialect, Endpoint, HybridGroup, KeyType, LeftOut,
        NamedGroup, Phase, Pointer, Port, Refusal, Session, Survey, TlsVersion, Zone,
    };

    fn seen(asked_for: Option<KeyType>, outcome: Outcome) -> Observation {
        let address = "127.0.0.1".parse().unwrap();
        let dialect = Dialect::Imap;
        Observation {
            endpoint: Endpoint::tcp(Zone::default(), address, Port::HTTPS, dialect),
            server_name: None,
            left_out: None,
            asked_for,
            at: Timestamp::from_seconds(0),
            outcome,
            attempts: Vec::new(),
            pointer: Pointer::default(),
            survey: Some(Survey {
                hybrid_group: Some(HybridGroup::Agreed(NamedGroup(0x11ec))),
                ..Survey::default()
            }),
        }
    }

    /// The lines of a sighting that presents this, or nothing.
    fn lines(observation: &Observation) -> Vec<Value> {
        let chain = match &observation.outcome {
            Outcome::Certificate(presented) => vec![Arc::new(x509::parse(presented.chain.leaf()))],
            _ => Vec::new(),
        };
        let sighting = Sighting {
            scan: ScanId::new(1),
            observation,
            chain: &chain,
        };
        let mut out = Vec::new();
        write(&mut out, &sighting).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_restricted_look_that_failed_is_no_line() {
        let refused = || Outcome::TlsRefused(Refusal::Closed(Phase::Hello));
        assert!(lines(&seen(Some(KeyType::Rsa), refused())).is_empty());
        let [line] = &lines(&seen(None, refused()))[..] else {
            panic!("one line");
        };
        assert_eq!(line["type"], "endpoint");
        assert_eq!(line["dialect"], "imap");
        assert_eq!(line["hybrid_group"], "X25519MLKEM768");
    }

    #[test]
    fn a_certificate_says_what_its_server_takes_and_declines() {
        let presented = Presented {
            chain: Chain::from_wire(vec![Der::from(&b"any bytes"[..])]).unwrap(),
            session: Session {
                version: TlsVersion::TLS_1_2,
                cipher_suite: CipherSuite(0xc02f),
                key_exchange: None,
                alpn: None,
                client_auth: Some(ClientAuth::Requested),
                acceptable_issuers: vec![vec![0x30, 0x00], vec![0xff]],
                ocsp_staple: None,
            },
            truncated: None,
        };
        let presented = Outcome::Certificate(Box::new(presented));
        let instead = Observation {
            left_out: Some(LeftOut::Declined("a.example".parse().unwrap())),
            ..seen(None, presented.clone())
        };
        let declined = &lines(&instead)[0]["declined_names"];
        assert_eq!(*declined, serde_json::json!(["a.example"]));
        for asked_for in [None, Some(KeyType::Rsa)] {
            let [line] = &lines(&seen(asked_for, presented.clone()))[..] else {
                panic!("one line");
            };
            assert_eq!(line["type"], "installation");
            assert_eq!(line["starttls"], "imap");
            assert_eq!(line["client_auth"], "requested");
            assert_eq!(line["client_auth_issuers"], serde_json::json!(["", "#ff"]));
            assert_eq!(line["hybrid_group"], "X25519MLKEM768");
            assert_eq!(line.get("protocols"), None);
            assert_eq!(line["declined_names"], serde_json::json!([]));
        }
    }
}
