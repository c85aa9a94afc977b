//! The bytes a server sends, encoded by hand: an encoder of its own, so that
//! the reader is not tested against itself.

/// A handshake message.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &length24(body.len())[..], body].concat()
}

/// A record of TLS 1.2.
pub(crate) fn record(content: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[content, 3, 3], &length[..], bytes].concat()
}

/// A handshake stream cut into records of at most `size` bytes.
pub(crate) fn records(handshake: &[u8], size: usize) -> Vec<u8> {
    handshake
        .chunks(size)
        .flat_map(|chunk| record(22, chunk))
        .collect()
}

/// A record with one alert.
pub(crate) fn alert(level: u8, description: u8) -> Vec<u8> {
    record(21, &[level, description])
}

/// ServerHello: extensions as they stand behind their length.
pub(crate) fn server_hello(version: u16, suite: u16, extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([0x55; 32]);
    body.push(32);
    body.extend([0x66; 32]);
    body.extend(suite.to_be_bytes());
    body.push(0);
    if !extensions.is_empty() {
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
    }
    message(2, &body)
}

/// Certificate.
pub(crate) fn certificate(certificates: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = certificates
        .iter()
        .flat_map(|der| [&length24(der.len())[..], der].concat())
        .collect();
    message(11, &[&length24(list.len())[..], &list].concat())
}

/// CertificateStatus with an OCSP response.
pub(crate) fn certificate_status(response: &[u8]) -> Vec<u8> {
    message(
        22,
        &[&[1], &length24(response.len())[..], response].concat(),
    )
}

/// ServerKeyExchange over a named curve.
pub(crate) fn named_curve(group: u16) -> Vec<u8> {
    let group = group.to_be_bytes();
    message(
        12,
        &[&[3], &group[..], &[65], &[4; 65], &[8, 4, 0, 2, 9, 9]].concat(),
    )
}

/// ServerKeyExchange with a prime.
pub(crate) fn prime(prime: &[u8]) -> Vec<u8> {
    let length = u16::try_from(prime.len()).unwrap().to_be_bytes();
    message(12, &[&length[..], prime, &[0, 1, 2, 0, 1, 5]].concat())
}

/// CertificateRequest of TLS 1.2.
pub(crate) fn certificate_request() -> Vec<u8> {
    message(13, &[1, 1, 0, 2, 4, 1, 0, 0])
}

/// ServerHelloDone.
pub(crate) fn done() -> Vec<u8> {
    message(14, &[])
}

/// ALPN h2.
pub(crate) const ALPN_H2: &[u8] = &[0, 16, 0, 5, 0, 3, 2, b'h', b'2'];
/// The leaf of [`full_flight`].
pub(crate) const LEAF: &[u8] = b"the leaf, whatever it is";
/// What follows the leaf in [`full_flight`].
pub(crate) const INTERMEDIATE: &[u8] = b"its issuer";

/// A flight with everything in it, as handshake bytes.
pub(crate) fn full_flight() -> Vec<u8> {
    [
        server_hello(0x0303, 0xc02f, ALPN_H2),
        certificate(&[LEAF, INTERMEDIATE]),
        certificate_status(b"staple"),
        named_curve(0x0017),
        certificate_request(),
        done(),
    ]
    .concat()
}

fn length24(length: usize) -> [u8; 3] {
    let [.., high, middle, low] = length.to_be_bytes();
    [high, middle, low]
}
