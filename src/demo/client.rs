//! The other side, for the tests: a TLS client that trusts nobody and keeps
//! what it is shown, and an independent judge of what that is worth.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::domain::{Fingerprint, KeyType, Timestamp};

/// A TLS client of the tests.
pub(super) struct Client {
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    pub(super) schemes: Vec<SignatureScheme>,
    pub(super) server_name: Option<String>,
}

/// What one visit of a server came to.
pub(super) struct Visit {
    /// The chain it showed, leaf first; empty if it didn't.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// The version of a session that was opened and closed in order.
    pub(super) session: io::Result<ProtocolVersion>,
}

#[derive(Debug)]
struct Recorder {
    schemes: Vec<SignatureScheme>,
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl Client {
    pub(super) fn new() -> Self {
        Self {
            versions: rustls::ALL_VERSIONS.to_vec(),
            schemes: [KeyType::Ecdsa, KeyType::Rsa, KeyType::Eddsa]
                .into_iter()
                .flat_map(schemes)
                .collect(),
            server_name: None,
        }
    }

    pub(super) fn only(version: &'static SupportedProtocolVersion) -> Self {
        Self {
            versions: vec![version],
            ..Self::new()
        }
    }

    pub(super) async fn visit(&self, address: SocketAddr) -> Visit {
        let recorder = Arc::new(Recorder {
            schemes: self.schemes.clone(),
            chain: Mutex::default(),
        });
        let session = self.open_and_close(address, Arc::clone(&recorder)).await;
        let chain = std::mem::take(&mut *recorder.chain.lock().unwrap());
        Visit { chain, session }
    }

    async fn open_and_close(
        &self,
        address: SocketAddr,
        recorder: Arc<Recorder>,
    ) -> io::Result<ProtocolVersion> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(recorder)
            .with_no_client_auth();
        // An address as the name sends none.
        let name = match &self.server_name {
            Some(name) => ServerName::try_from(name.clone()).unwrap(),
            None => ServerName::from(address.ip()),
        };
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, connect(address).await?).await?;
        stream.shutdown().await?;
        // The end, or the alert of a server that was not content (TLS 1.3
        // clients finish before the server has seen their certificate).
        stream.read_to_end(&mut Vec::new()).await?;
        Ok(stream.get_ref().1.protocol_version().unwrap())
    }
}

impl Visit {
    pub(super) fn leaf(&self) -> Option<Fingerprint> {
        self.chain.first().map(|leaf| Fingerprint::of(leaf))
    }

    /// Whether the server ended it with an alert.
    pub(super) fn was_refused(&self) -> bool {
        self.session.as_ref().is_err_and(|error| {
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
            matches!(cause, Some(Error::AlertReceived(_)))
        })
    }
}

/// The signature schemes of a client that can check this type of key.
pub(super) fn schemes(key_type: KeyType) -> Vec<SignatureScheme> {
    match key_type {
        KeyType::Rsa => vec![
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PKCS1_SHA256,
        ],
        KeyType::Ecdsa => vec![SignatureScheme::ECDSA_NISTP256_SHA256],
        KeyType::Eddsa => vec![SignatureScheme::ED25519],
        other => panic!("no server has a key of type {other}"),
    }
}

/// Connects without a pass: these servers are the tests' own.
#[expect(clippy::disallowed_methods, reason = "a peer of the tests, not a scan")]
pub(super) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect(address).await
}

/// What a browser that trusts `root` makes of a chain shown for `name`.
pub(super) fn verify(
    chain: &[CertificateDer<'static>],
    root: &[u8],
    name: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(root.to_vec())).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .unwrap();
    let name = ServerName::try_from(name).unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at.seconds().try_into().unwrap()));
    verifier
        .verify_server_cert(&chain[0], &chain[1..], &name, &[], at)
        .map(drop)
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut chain = self.chain.lock().unwrap();
        chain.push(leaf.clone().into_owned());
        chain.extend(issuers.iter().map(|issuer| issuer.clone().into_owned()));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
