//! Complete handshakes, with servers that want to know their clients.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::network::{Manner, Simulated, Then, endpoint, pacer};
use crate::domain::{Alert, ClientAuth, Der, Endpoint, Outcome, ServerName, TlsVersion};
use crate::net::DialError;
use crate::pace::Lane;
use crate::probe::{
    ClientCertificate, ClientIdentity, Handshake, Handshaken, Prober, Rejection, Sign, Timeouts,
    TlsFault, TrustAnchors, Verdict,
};
use crate::tls::tests::servers::Wanted;
use crate::tls::tests::transcript::alert;
use crate::tls::{Alpn, End};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
const BAD_CERTIFICATE: Alert = Alert(42);
const CERTIFICATE_EXPIRED: Alert = Alert(45);
const UNKNOWN_CA: Alert = Alert(48);
const CERTIFICATE_REQUIRED: Alert = Alert(116);

struct Authority(CertifiedIssuer<'static, KeyPair>);

struct Leaf {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

/// Whether a server insists on what it asks for.
#[derive(Clone, Copy, PartialEq)]
enum Asks {
    Nothing,
    Optionally,
    Strictly,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(parameters, key).unwrap())
    }

    fn leaf(&self, name: &str, last_year: i32) -> Leaf {
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        parameters.not_before = date_time_ymd(2001, 1, 1);
        parameters.not_after = date_time_ymd(last_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        Leaf {
            certificate: certificate.der().clone(),
            key,
        }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    fn anchors(&self) -> TrustAnchors {
        TrustAnchors::new(&[Der::from(&self.0.der()[..])]).unwrap()
    }

    /// A server that asks for certificates of this authority.
    fn server(
        &self,
        version: &'static SupportedProtocolVersion,
        asks: Asks,
        tickets: usize,
    ) -> Arc<ServerConfig> {
        let leaf = self.leaf("server.test", 2037);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[version])
            .unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()), provider);
        let builder = match asks {
            Asks::Nothing => builder.with_no_client_auth(),
            Asks::Optionally => {
                let verifier = verifier.allow_unauthenticated().build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
            Asks::Strictly => builder.with_client_cert_verifier(verifier.build().unwrap()),
        };
        let key = PrivateKeyDer::try_from(leaf.key.serialize_der()).unwrap();
        let mut config = builder
            .with_single_cert(vec![leaf.certificate], key)
            .unwrap();
        config.send_tls13_tickets = tickets;
        Arc::new(config)
    }
}

impl Leaf {
    fn identity(&self) -> ClientIdentity {
        let chain = [Der::from(&self.certificate[..])];
        ClientIdentity::new(&chain, self.key.serialized_der()).unwrap()
    }
}

/// What becomes of a handshake with a peer, and how long it takes.
async fn shake(
    behaviour: impl Fn(usize) -> Manner + Send + Sync + 'static,
    identity: Option<&ClientIdentity>,
    anchors: Option<&TrustAnchors>,
    name: Option<&str>,
) -> (Handshaken, Duration) {
    let dialer = Simulated::new(behaviour);
    let prober = Prober::new(dialer, pacer(|_, _| None), Timeouts::default());
    let server_name: Option<ServerName> = name.map(|name| name.parse().unwrap());
    let wanted = Handshake {
        endpoint: &endpoint(),
        server_name: server_name.as_ref(),
        alpn: Alpn::Withheld,
        identity,
        anchors,
        lane: Lane::First,
    };
    let begun = Instant::now();
    let handshaken = prober.handshake(&wanted, &CancellationToken::new()).await;
    (handshaken, begun.elapsed())
}

/// The same with a server that stays after its handshake.
async fn shake_with(server: Arc<ServerConfig>, identity: Option<&ClientIdentity>) -> Handshaken {
    let holds = move |_| Manner::Hold(server.clone(), b"");
    shake(holds, identity, None, None).await.0
}

/// How each version shows that it is content.
fn content(version: &SupportedProtocolVersion) -> Verdict {
    Verdict::Accepted(match version.version {
        rustls::ProtocolVersion::TLSv1_2 => Sign::Finished,
        _ => Sign::Ticket,
    })
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_nothing_takes_every_client() {
    let authority = Authority::new("own");
    let client = authority.leaf("client.test", 2037).identity();
    for version in VERSIONS {
        let server = authority.server(version, Asks::Nothing, 1);
        let handshaken = shake_with(server.clone(), None).await;
        assert_eq!(handshaken.verdict, content(version));
        assert_eq!(handshaken.client_auth(), Some(ClientAuth::None));
        let handshaken = shake_with(server, Some(&client)).await;
        assert_eq!(handshaken.verdict, content(version));
        assert_eq!(handshaken.client_certificate, ClientCertificate::NotAsked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_is_only_asked_for_is_told_from_one_that_is_required() {
    let authority = Authority::new("own");
    for version in VERSIONS {
        let optional = shake_with(authority.server(version, Asks::Optionally, 1), None).await;
        assert_eq!(optional.verdict, content(version));
        assert_eq!(optional.client_auth(), Some(ClientAuth::Requested));
        let required = shake_with(authority.server(version, Asks::Strictly, 1), None).await;
        let Verdict::Rejected(Rejection::Alert(alert)) = required.verdict else {
            panic!("{required:?}");
        };
        assert!([CERTIFICATE_REQUIRED, Alert::HANDSHAKE_FAILURE].contains(&alert));
        assert_eq!(required.client_auth(), Some(ClientAuth::Required));
        let session = required.session.unwrap();
        assert_eq!(session.acceptable_issuers.len(), 1);
        assert_eq!(session.version, TlsVersion(version.version.into()));
        assert!(required.chain.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_certificate_is_accepted_or_rejected_with_the_reason() {
    let (authority, stranger) = (Authority::new("own"), Authority::new("strange"));
    let good = authority.leaf("client.test", 2037).identity();
    let expired = authority.leaf("client.test", 2002).identity();
    let foreign = stranger.leaf("client.test", 2037).identity();
    for version in VERSIONS {
        let server = authority.server(version, Asks::Strictly, 1);
        let accepted = shake_with(server.clone(), Some(&good)).await;
        assert_eq!(accepted.verdict, content(version));
        assert_eq!(accepted.client_certificate, ClientCertificate::Sent);
        assert_eq!(accepted.client_auth(), None, "one was sent");
        for (identity, alerts) in [
            (&expired, [CERTIFICATE_EXPIRED, BAD_CERTIFICATE]),
            (&foreign, [UNKNOWN_CA, BAD_CERTIFICATE]),
        ] {
            let rejected = shake_with(server.clone(), Some(identity)).await;
            let Verdict::Rejected(Rejection::Alert(alert)) = rejected.verdict else {
                panic!("{rejected:?}");
            };
            assert!(alerts.contains(&alert), "{alert}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_ticket_data_or_two_quiet_seconds_show_that_it_is_content() {
    let authority = Authority::new("own");
    let client = authority.leaf("client.test", 2037).identity();
    let server = authority.server(&TLS13, Asks::Strictly, 0);
    let quiet = server.clone();
    let holds = move |_| Manner::Hold(quiet.clone(), b"");
    let (handshaken, took) = shake(holds, Some(&client), None, None).await;
    assert_eq!(handshaken.verdict, Verdict::Accepted(Sign::Quiet));
    assert_eq!(took, Duration::from_secs(2));
    let talks = move |_| Manner::Hold(server.clone(), b"welcome");
    let (handshaken, took) = shake(talks, Some(&client), None, None).await;
    assert_eq!(handshaken.verdict, Verdict::Accepted(Sign::Data));
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_after_the_handshake_has_rejected_its_client() {
    let server = Authority::new("own").server(&TLS13, Asks::Nothing, 0);
    let (handshaken, _) = shake(move |_| Manner::Speak(server.clone()), None, None, None).await;
    assert_eq!(handshaken.verdict, Verdict::Rejected(Rejection::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_lost_way_to_the_server_is_no_quiet_acceptance() {
    let server = Authority::new("own").server(&TLS13, Asks::Nothing, 0);
    let (handshaken, _) = shake(move |_| Manner::Vanish(server.clone()), None, None, None).await;
    let lost = Verdict::TlsError(TlsFault::Ended(End::Deadline));
    assert_eq!(handshaken.verdict, lost);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_reads_nothing_does_not_hold_a_handshake_for_ever() {
    let (handshaken, took) = shake(|_| Manner::Deaf, None, None, None).await;
    let late = Verdict::TlsError(TlsFault::Ended(End::Deadline));
    assert_eq!(handshaken.verdict, late);
    assert_eq!(took, Timeouts::default().handshake);
}

#[tokio::test(start_paused = true)]
async fn what_never_comes_to_the_client_is_no_rejection() {
    let error = |manner: fn() -> Manner| async move {
        let (handshaken, _) = shake(move |_| manner(), None, None, None).await;
        assert_eq!(handshaken.client_auth(), None);
        handshaken.verdict
    };
    let told = error(|| Manner::Say(alert(2, 70), Then::Close)).await;
    let fault = TlsFault::Alert(Alert::PROTOCOL_VERSION);
    assert!(fault.hint().is_some());
    assert_eq!(told, Verdict::TlsError(fault));
    let told = error(|| Manner::Leave(Then::Close)).await;
    assert_eq!(told, Verdict::TlsError(TlsFault::Ended(End::Closed)));
    let told = error(|| Manner::Say(Vec::new(), Then::Wait)).await;
    assert_eq!(told, Verdict::TlsError(TlsFault::Ended(End::Deadline)));
    let told = error(|| Manner::Greet(b"SSH-2.0-x\r\n".to_vec())).await;
    assert!(matches!(told, Verdict::TlsError(TlsFault::Handshake(_))));
    let told = error(|| Manner::Refuse(DialError::Refused)).await;
    assert_eq!(told, Verdict::Unreachable(Outcome::Refused));
    let told = error(|| Manner::Drop).await;
    assert_eq!(told, Verdict::Unreachable(Outcome::Filtered));
}

#[tokio::test(start_paused = true)]
async fn the_servers_chain_is_verified_where_roots_are_given_and_stops_nothing() {
    let (authority, stranger) = (Authority::new("own"), Authority::new("strange"));
    for version in VERSIONS {
        for (roots, name, holds) in [
            (&authority, Some("server.test"), true),
            (&authority, Some("other.test"), false),
            (&authority, None, true),
            (&stranger, None, false),
            (&stranger, Some("server.test"), false),
        ] {
            let server = authority.server(version, Asks::Nothing, 1);
            let anchors = roots.anchors();
            let behaviour = move |_| Manner::Hold(server.clone(), b"");
            let (handshaken, _) = shake(behaviour, None, Some(&anchors), name).await;
            assert_eq!(handshaken.verdict, content(version));
            let verified = handshaken.verified.unwrap();
            assert_eq!(verified.is_ok(), holds, "{name:?}: {verified:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_self_signed_server_is_verified_where_it_is_a_root_itself() {
    let (server, leaf) = Wanted::version(&TLS13).build();
    let anchors = TrustAnchors::new(&[Der::from(leaf)]).unwrap();
    for (name, holds) in [("server.test", true), ("other.test", false)] {
        let server = server.clone();
        let behaviour = move |_| Manner::Hold(server.clone(), b"");
        let (handshaken, _) = shake(behaviour, None, Some(&anchors), Some(name)).await;
        let verified = handshaken.verified.unwrap();
        assert_eq!(verified.is_ok(), holds, "{name}: {verified:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_behind_a_ticket_is_no_rejection() {
    let server = Authority::new("own").server(&TLS13, Asks::Nothing, 1);
    let closes = move |_| Manner::Farewell(server.clone());
    let (handshaken, _) = shake(closes, None, None, None).await;
    assert_eq!(handshaken.verdict, Verdict::Accepted(Sign::Ticket));
}

#[tokio::test(start_paused = true)]
async fn an_excluded_endpoint_is_not_shaken_hands_with() {
    let dialer = Simulated::new(|_| Manner::Drop);
    let excluded = pacer(|_, _| Some("10.0.0.0/8".to_owned()));
    let prober = Prober::new(dialer, excluded, Timeouts::default());
    let place: Endpoint = endpoint();
    let wanted = Handshake {
        endpoint: &place,
        server_name: None,
        alpn: Alpn::Withheld,
        identity: None,
        anchors: None,
        lane: Lane::First,
    };
    let handshaken = prober.handshake(&wanted, &CancellationToken::new()).await;
    let reason = Outcome::Excluded("10.0.0.0/8".to_owned());
    assert_eq!(handshaken.verdict, Verdict::Unreachable(reason));
}
